/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/app.h"
#include "cmd/unlock.h"
#include "lib/date.h"

#define FD_MAX (1024 * 1024)
#define WAYS                                                                \
	"--as NAME, --token-file FILE, --token-fd N or TALLYFY_API_TOKEN; " \
	"muniment token add NAME stores one"

enum source {
	SOURCE_STORED, /* the only stored token that fits */
	SOURCE_AS,
	SOURCE_FILE,
	SOURCE_FD,
	SOURCE_VARIABLE
};

struct want { /* what the caller knows already; NULL: nothing */
	const struct mun_id *org;
	const struct mun_base_url *base;
};

void mun_credential_done(struct mun_credential *c)
{
	if (!c)
		return;
	mun_secret_done(&c->token);
	mun_vault_closep(&c->vault);
}

static void list_done(struct mun_token_info **list)
{
	free(*list);
	*list = NULL;
}

static enum mun_code none_found(struct mun_err *err)
{
	enum mun_code code = mun_fail(err, MUN_E_CREDENTIAL, "no token is given or stored");

	mun_hint(err, WAYS);
	return code;
}

static bool fits(const struct mun_token_info *info, const struct want *want)
{
	return (!want->org || mun_id_equal(&info->org, want->org)) &&
	       (!want->base || strcmp(info->base_url, want->base->text) == 0);
}

static enum mun_code check_target(const struct mun_token_info *info, const struct want *want,
                                  struct mun_err *err)
{
	char org[MUN_ID_TEXT];

	if (fits(info, want))
		return MUN_OK;
	mun_id_format(org, &info->org);
	return mun_fail(err, MUN_E_CREDENTIAL,
	                "the token %s belongs to organization %s at %s, and to nothing else",
	                info->name, org, info->base_url);
}

/* A base URL that was sealed had been parsed before: one that does not parse was changed. */
static enum mun_code parse_base(struct mun_base_url *ret, const struct mun_token_info *info,
                                struct mun_err *err)
{
	if (mun_base_url_parse(ret, info->base_url, NULL) == MUN_OK)
		return MUN_OK;
	return mun_fail(err, MUN_E_CREDENTIAL, "the sealed token %s is damaged", info->name);
}

/* Entries without opening a seal; none when there is no vault. */
static enum mun_code list_tokens(struct mun_vault **ret, struct mun_token_info **ret_list,
                                 size_t *ret_len, struct mun_app *app, struct mun_err *err)
{
	enum mun_code code = mun_unlock_open(ret, app, false, err);

	*ret_len = 0;
	if (code == MUN_E_NOTFOUND)
		return MUN_OK;
	return code == MUN_OK ? mun_vault_list(*ret, ret_list, ret_len, err) : code;
}

static enum mun_code find_named(struct mun_token_info *ret, const char *name,
                                const struct mun_token_info *list, size_t len, struct mun_err *err)
{
	enum mun_code code = mun_token_name_check(name, err);

	if (code != MUN_OK)
		return code;
	for (size_t i = 0; i < len; i++)
		if (strcmp(list[i].name, name) == 0) {
			*ret = list[i];
			return MUN_OK;
		}
	code = mun_fail(err, MUN_E_CREDENTIAL, "there is no stored token %s", name);
	mun_hint(err, "muniment token list");
	return code;
}

/* The only one that fits. */
static enum mun_code find_fitting(struct mun_token_info *ret, const struct want *want,
                                  const struct mun_token_info *list, size_t len,
                                  struct mun_err *err)
{
	const struct mun_token_info *found = NULL;

	for (size_t i = 0; i < len; i++) {
		if (!fits(&list[i], want))
			continue;
		if (found) {
			enum mun_code code =
				mun_fail(err, MUN_E_CREDENTIAL, "several stored tokens fit: %s, %s",
			                 found->name, list[i].name);
			mun_hint(err, "--as NAME chooses one");
			return code;
		}
		found = &list[i];
	}
	if (!found && len > 0) {
		(void)mun_fail(err, MUN_E_CREDENTIAL,
		               "no token is given, and no stored one fits the organization and "
		               "base URL");
		mun_hint(err, WAYS);
		return MUN_E_CREDENTIAL;
	}
	if (!found)
		return none_found(err);
	*ret = *found;
	return MUN_OK;
}

/* One of the three options; what the command line says beats the environment. */
static enum mun_code choose(enum source *ret, const struct mun_args *a, struct mun_err *err)
{
	const struct {
		const char *value, *variable;
		enum source source;
	} options[] = {
		{ a->as, "MUNIMENT_AS", SOURCE_AS },
		{ a->token_file, "MUNIMENT_TOKEN_FILE", SOURCE_FILE },
		{ a->token_fd, "MUNIMENT_TOKEN_FD", SOURCE_FD },
	};
	const char *variable = getenv("TALLYFY_API_TOKEN");

	*ret = variable && *variable ? SOURCE_VARIABLE : SOURCE_STORED;
	for (int pass = 0; pass < 2; pass++) {
		size_t given = 0;

		for (size_t i = 0; i < MUN_ARRAY_LEN(options); i++) {
			/* An option from the environment is the variable's own text. */
			bool inherited = options[i].value == getenv(options[i].variable);

			if (options[i].value && inherited == (pass == 1)) {
				*ret = options[i].source;
				given++;
			}
		}
		if (given > 1)
			return mun_fail(err, MUN_E_USAGE,
			                "--as, --token-file and --token-fd exclude each other");
		if (given == 1)
			break;
	}
	return MUN_OK;
}

static enum mun_code from_vault(struct mun_credential *ret, struct mun_app *app, const char *as,
                                const struct want *want, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(list_done) struct mun_token_info *list = NULL;
	struct mun_token_info info = { 0 };
	size_t len = 0;
	enum mun_code code = as ? mun_token_name_check(as, err) : MUN_OK;

	if (code == MUN_OK)
		code = list_tokens(&v, &list, &len, app, err);
	if (code == MUN_OK)
		code = as ? find_named(&info, as, list, len, err)
		          : find_fitting(&info, want, list, len, err);
	if (code == MUN_OK)
		code = check_target(&info, want, err);
	if (code == MUN_OK)
		code = mun_unlock(v, app, err);
	if (code == MUN_OK)
		code = mun_vault_get(v, info.name, &ret->token, &info, err);
	if (code == MUN_OK) /* it may have been renewed since it was listed */
		code = check_target(&info, want, err);
	if (code == MUN_OK)
		code = parse_base(&ret->base, &info, err);
	if (code != MUN_OK)
		return code;
	ret->org = info.org;
	ret->has_target = true;
	(void)snprintf(ret->name, sizeof ret->name, "%s", info.name);
	ret->vault = MUN_STEAL(v);
	return MUN_OK;
}

static enum mun_code from_text(struct mun_secret *ret, const char *text, struct mun_err *err)
{
	enum mun_code code = mun_secret_new(ret, strlen(text), err);

	if (code == MUN_OK)
		memcpy(ret->data, text, ret->len);
	return code;
}

static enum mun_code not_expired(struct mun_app *app, const struct mun_secret *token,
                                 struct mun_err *err)
{
	char when[MUN_DATE_MAX];
	struct mun_now now;
	int64_t expires_us;

	if (!mun_token_jwt(token, &expires_us) || expires_us == MUN_TIME_NONE)
		return MUN_OK;
	app->clock->now(app->clock, &now);
	if (now.real_us < expires_us)
		return MUN_OK;
	mun_date_format(when, expires_us);
	(void)mun_fail(err, MUN_E_CREDENTIAL, "the token expired at %s; nothing was sent", when);
	mun_hint(err, "muniment token add NAME --replace");
	return MUN_E_CREDENTIAL;
}

enum mun_code mun_credential_option(struct mun_secret *ret, struct mun_app *app, bool *ret_given,
                                    struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	enum source source;
	enum mun_code code = choose(&source, a, err);
	char *end;
	long fd;

	*ret_given = source == SOURCE_FILE || source == SOURCE_FD;
	if (code != MUN_OK || !*ret_given)
		return code;
	if (source == SOURCE_FILE)
		return mun_unlock_file(ret, app, a->token_file, "the token file", err);
	fd = strtol(a->token_fd, &end, 10);
	if (a->token_fd[0] < '0' || a->token_fd[0] > '9' || *end || fd > FD_MAX)
		return mun_fail(err, MUN_E_USAGE, "--token-fd needs the number of a descriptor");
	return mun_unlock_fd(ret, (int)fd, "the token's descriptor", err);
}

static enum mun_code take(struct mun_credential *ret, struct mun_app *app, const struct want *want,
                          struct mun_err *err)
{
	const char *variable = getenv("TALLYFY_API_TOKEN");
	enum source source;
	bool given;
	enum mun_code code = choose(&source, &app->args, err);

	if (code != MUN_OK)
		return code;
	if (source == SOURCE_AS || source == SOURCE_STORED)
		return from_vault(ret, app, source == SOURCE_AS ? app->args.as : NULL, want, err);
	code = source == SOURCE_VARIABLE ? from_text(&ret->token, variable ? variable : "", err)
	                                 : mun_credential_option(&ret->token, app, &given, err);
	return code == MUN_OK ? mun_token_clean(&ret->token, err) : code;
}

enum mun_code mun_credential_get(struct mun_credential *ret, struct mun_app *app,
                                 const struct mun_id *want_org,
                                 const struct mun_base_url *want_base, struct mun_err *err)
{
	MUN_CLEANUP(mun_credential_done) struct mun_credential c = { 0 };
	const struct want want = { want_org, want_base };
	enum mun_code code = take(&c, app, &want, err);

	if (code == MUN_OK)
		code = mun_app_hide(app, &c.token, err);
	if (code == MUN_OK)
		code = not_expired(app, &c.token, err);
	if (code != MUN_OK)
		return code;
	*ret = MUN_STEAL(c);
	return MUN_OK;
}

/* What the options say of the target, as far as they say it. */
static enum mun_code check_options(const struct mun_token_info *info, const struct mun_args *a,
                                   struct mun_err *err)
{
	struct mun_base_url base;
	struct mun_id org;
	const struct want want = { a->org ? &org : NULL, a->base_url ? &base : NULL };
	enum mun_code code = MUN_OK;

	if (a->org && mun_id_parse(&org, a->org, strlen(a->org)) == MUN_ID_BAD)
		code = mun_fail(err, MUN_E_USAGE, "--org needs 32 hexadecimal digits");
	if (code == MUN_OK && a->base_url)
		code = mun_base_url_parse(&base, a->base_url, err);
	return code == MUN_OK ? check_target(info, &want, err) : code;
}

enum mun_code mun_credential_target(struct mun_app *app, const char *name, struct mun_id *ret_org,
                                    struct mun_base_url *ret_base, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(list_done) struct mun_token_info *list = NULL;
	struct mun_token_info info = { 0 };
	size_t len = 0;
	enum mun_code code = mun_token_name_check(name, err);

	if (code == MUN_OK)
		code = list_tokens(&v, &list, &len, app, err);
	if (code == MUN_OK)
		code = find_named(&info, name, list, len, err);
	if (code == MUN_OK)
		code = check_options(&info, &app->args, err);
	if (code == MUN_OK)
		code = parse_base(ret_base, &info, err);
	if (code == MUN_OK)
		*ret_org = info.org;
	return code;
}
