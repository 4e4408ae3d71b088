/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/app.h"
#include "cmd/ask.h"
#include "cmd/prompt.h"
#include "cmd/token.h"
#include "cmd/unlock.h"
#include "lib/date.h"
#include "lib/json.h"
#include "lib/text.h"

static enum mun_code read_fd_option(struct mun_secret *ret, const char *text, struct mun_err *err)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || fd > 1024 * 1024)
		return mun_fail(err, MUN_E_USAGE, "--token-fd needs the number of a descriptor");
	return mun_unlock_fd(ret, (int)fd, "the token's descriptor", err);
}

static enum mun_code read_token(struct mun_secret *ret, struct mun_app *app, struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	enum mun_code code;

	if (a->token_file)
		code = mun_unlock_file(ret, app, a->token_file, "the token file", err);
	else if (a->token_fd)
		code = read_fd_option(ret, a->token_fd, err);
	else if (!app->stdin_tty)
		code = mun_unlock_fd(ret, STDIN_FILENO, "stdin", err);
	else if (mun_prompt_possible(app))
		code = mun_prompt_secret(ret, app, "Token (not shown): ", err);
	else
		code = mun_fail(err, MUN_E_CREDENTIAL,
		                "no token: --token-file, --token-fd or stdin gives it");
	if (code == MUN_OK)
		code = mun_token_clean(ret, err);
	return code == MUN_OK ? mun_app_hide(app, ret, err) : code;
}

/* Organizations of the token: the only one goes to ret, several are named in the message. */
static enum mun_code only_org(struct mun_id *ret, const char *body, size_t len, struct mun_err *err)
{
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	const struct mun_json_val *data = NULL, *row;
	char names[512] = "";
	size_t found = 0;

	if (!body || mun_json_parse(&doc, body, len, err) != MUN_OK)
		return mun_fail(err, MUN_E_USAGE, "the server's list of organizations is no JSON");
	data = mun_json_get(mun_json_root(doc), "data");
	for (row = mun_json_first(data); row; row = mun_json_next(row)) {
		const char *id = mun_json_str(mun_json_get(row, "id"));
		size_t used = strlen(names);
		struct mun_id org;

		if (!id || mun_id_parse(&org, id, strlen(id)) == MUN_ID_BAD)
			continue;
		*ret = org;
		found++;
		if (used + 36 < sizeof names)
			(void)snprintf(names + used, sizeof names - used, "%s%.32s",
			               found > 1 ? ", " : "", id);
	}
	if (found == 1)
		return MUN_OK;
	(void)mun_fail(err, MUN_E_USAGE,
	               found ? "the token has %zu organizations: %s"
	                     : "the token has %zu "
	                       "organizations%s",
	               found, names);
	mun_hint(err, "--org ID");
	return MUN_E_USAGE;
}

static enum mun_code find_org(struct mun_id *ret, struct mun_ask *ask,
                              const struct mun_base_url *base, struct mun_err *err)
{
	MUN_CLEANUP(mun_answer_done) struct mun_answer answer = { 0 };
	struct mun_request request;
	enum mun_code code;

	mun_request_my_orgs(&request, base, 1);
	code = mun_ask_send(ask, &request, &answer, err);
	if (code != MUN_OK)
		return code;
	if (answer.send == MUN_SEND_OK && answer.http == 200)
		return only_org(ret, answer.body, answer.body_len, err);
	if (answer.http)
		code = mun_fail(err, MUN_E_USAGE,
		                "no --org, and the server answers %u to the question for it",
		                answer.http);
	else
		code = mun_fail(err, MUN_E_USAGE, "no --org, and the server cannot be asked: %s",
		                answer.error);
	mun_hint(err, "--org ID");
	return code;
}

/* Only a warning: a list of runs can be prepared offline, and so can a token. */
static void try_token(struct mun_app *app, struct mun_ask *ask, const struct mun_base_url *base)
{
	MUN_CLEANUP(mun_answer_done) struct mun_answer answer = { 0 };
	struct mun_request request;
	struct mun_err err = { 0 };

	mun_request_me(&request, base);
	if (mun_ask_send(ask, &request, &answer, &err) != MUN_OK)
		mun_say(app, "muniment: warning: the token was not tried: %s", err.text);
	else if (answer.http == 0)
		mun_say(app, "muniment: warning: the token was not tried: %s", answer.error);
	else if (answer.http != 200)
		mun_say(app, "muniment: warning: %s answers %u to this token", base->host,
		        answer.http);
}

/* Organization and base URL from the options, the rest from the server. */
static enum mun_code find_target(struct mun_id *ret_org, struct mun_base_url *base,
                                 struct mun_app *app, const struct mun_secret *token,
                                 struct mun_err *err)
{
	MUN_CLEANUP(mun_ask_done) struct mun_ask ask = { 0 };
	const char *org = app->args.org;
	enum mun_code code;

	if (org && mun_id_parse(ret_org, org, strlen(org)) == MUN_ID_BAD)
		return mun_fail(err, MUN_E_USAGE, "--org needs 32 hexadecimal digits");
	code = mun_ask_open(&ask, app, base, token, err);
	if (code != MUN_OK)
		return code;
	if (!org)
		return find_org(ret_org, &ask, base, err);
	try_token(app, &ask, base);
	return MUN_OK;
}

static enum mun_code store(struct mun_token_info *ret, struct mun_app *app, const char *name,
                           const struct mun_id *org, const struct mun_base_url *base,
                           const struct mun_secret *token, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(mun_secret_done) struct mun_secret stored = { 0 };
	struct mun_now now;
	enum mun_code code = mun_unlock_open(&v, app, true, err);

	app->clock->now(app->clock, &now);
	if (code == MUN_OK)
		code = mun_unlock(v, app, err);
	if (code == MUN_OK)
		code = mun_vault_put(v, name, org, base->text, token, app->args.replace,
		                     now.real_us, err);
	/* Reading back proves that what was sealed opens again. */
	return code == MUN_OK ? mun_vault_get(v, name, &stored, ret, err) : code;
}

enum mun_code mun_token_add(struct mun_app *app, const char *name, struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret token = { 0 };
	const char *url = app->args.base_url ? app->args.base_url : MUN_BASE_URL_DEFAULT;
	struct mun_token_info info;
	struct mun_base_url base;
	char text[MUN_ID_TEXT];
	struct mun_id org;
	enum mun_code code = mun_base_url_parse(&base, url, err);

	if (code == MUN_OK)
		code = read_token(&token, app, err);
	if (code == MUN_OK)
		code = find_target(&org, &base, app, &token, err);
	if (code == MUN_OK)
		code = store(&info, app, name, &org, &base, &token, err);
	if (code != MUN_OK)
		return code;
	mun_token_record(app, MUN_K_TOKEN_ADDED, &info, &token);
	mun_id_format(text, &org);
	if (!app->args.quiet)
		mun_say(app, "muniment: stored %s for organization %s at %s", name, text,
		        base.text);
	return MUN_OK;
}
