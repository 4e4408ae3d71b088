/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/why.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/prompt.h"
#include "lib/manifest.h"
#include "lib/text.h"

#define QUESTION "Reason (8 to 500 characters): "

/* The environment can hold anything; what is no text counts as not set. */
static const char *sudo_user(void)
{
	const char *name = getenv("SUDO_USER");

	return name && *name && mun_utf8_bad(name, strlen(name)) == strlen(name) ? name : NULL;
}

void mun_operator_of(struct mun_operator *ret, const struct mun_app *app)
{
	static char host[256], tty[128], user[128];
	const struct passwd *pw = getpwuid(getuid());

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	if (ttyname_r(STDIN_FILENO, tty, sizeof(tty)) != 0)
		tty[0] = '\0';
	if (pw != NULL)
		(void)snprintf(user, sizeof(user), "%s", pw->pw_name);
	else
		(void)snprintf(user, sizeof(user), "%u", getuid());
	*ret = (struct mun_operator){ .uid = getuid(),
		                      .user = user,
		                      .sudo_user = sudo_user(),
		                      .host = host,
		                      .tty = tty[0] != '\0' ? tty : NULL,
		                      .claimed = app->args.operator_ };
}

enum mun_code mun_reason_get(struct mun_app *app, const char **ret, struct mun_err *err)
{
	static char asked[2048];

	*ret = app->args.reason;
	if (*ret == NULL) {
		enum mun_code code;

		if (!mun_prompt_possible(app)) {
			code = mun_fail(err, MUN_E_USAGE, "a reason is required");
			mun_hint(err, "--reason TEXT, 8 to 500 characters");
			return code;
		}
		code = mun_prompt_line(asked, sizeof(asked), app, QUESTION, err);
		while (code == MUN_OK && mun_reason_check(asked, err) != MUN_OK) {
			mun_say(app, "%s", err->text);
			code = mun_prompt_line(asked, sizeof(asked), app, QUESTION, err);
		}
		*ret = asked;
		return code;
	}
	if (mun_reason_check(*ret, err) != MUN_OK)
		return mun_wrap(err, MUN_E_USAGE, "--reason");
	return MUN_OK;
}
