/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/app.h"
#include "cmd/unlock.h"
#include "lib/date.h"

struct want { /* what the caller knows already; NULL: nothing */
	const struct mun_id *org;
	const struct mun_base_url *base;
};

void mun_credential_done(struct mun_credential *c)
{
	if (c)
		mun_secret_done(&c->token);
}

static void list_done(struct mun_token_info **list)
{
	free(*list);
	*list = NULL;
}

static enum mun_code none_found(struct mun_err *err)
{
	enum mun_code code = mun_fail(err, MUN_E_CREDENTIAL, "no token");

	mun_hint(err, "--as NAME, --token-file FILE, --token-fd N or TALLYFY_API_TOKEN; "
	              "muniment token add NAME stores one");
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

/* Entries without opening a seal. CREDENTIAL when there is no vault. */
static enum mun_code list_tokens(struct mun_vault **ret, struct mun_token_info **ret_list,
                                 size_t *ret_len, struct mun_app *app, struct mun_err *err)
{
	enum mun_code code = mun_unlock_open(ret, app, false, err);

	if (code == MUN_E_NOTFOUND)
		return none_found(err);
	return code == MUN_OK ? mun_vault_list(*ret, ret_list, ret_len, err) : code;
}

static enum mun_code find_named(const struct mun_token_info **ret, const char *name,
                                const struct mun_token_info *list, size_t len, struct mun_err *err)
{
	enum mun_code code = mun_token_name_check(name, err);

	if (code != MUN_OK)
		return code;
	for (size_t i = 0; i < len; i++)
		if (strcmp(list[i].name, name) == 0) {
			*ret = &list[i];
			return MUN_OK;
		}
	code = mun_fail(err, MUN_E_CREDENTIAL, "there is no stored token %s", name);
	mun_hint(err, "muniment token list");
	return code;
}

/* The only one that fits. */
static enum mun_code find_fitting(const struct mun_token_info **ret, const struct want *want,
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
	if (!found)
		return none_found(err);
	*ret = found;
	return MUN_OK;
}

static enum mun_code from_vault(struct mun_credential *ret, struct mun_app *app,
                                const struct want *want, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(list_done) struct mun_token_info *list = NULL;
	const struct mun_token_info *info = NULL;
	struct mun_token_info opened;
	const char *as = app->args.as;
	size_t len = 0;
	enum mun_code code = as ? mun_token_name_check(as, err) : MUN_OK;

	if (code == MUN_OK)
		code = list_tokens(&v, &list, &len, app, err);
	if (code == MUN_OK)
		code = as ? find_named(&info, as, list, len, err)
		          : find_fitting(&info, want, list, len, err);
	if (code == MUN_OK)
		code = check_target(info, want, err);
	if (code == MUN_OK)
		code = mun_base_url_parse(&ret->base, info->base_url, err);
	if (code == MUN_OK)
		code = mun_unlock(v, app, err);
	if (code == MUN_OK)
		code = mun_vault_get(v, info->name, &ret->token, &opened, err);
	if (code != MUN_OK)
		return code;
	ret->org = info->org;
	ret->has_target = true;
	(void)snprintf(ret->name, sizeof ret->name, "%s", info->name);
	return MUN_OK;
}

static enum mun_code from_fd(struct mun_secret *ret, const char *text, struct mun_err *err)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || fd > 1024 * 1024)
		return mun_fail(err, MUN_E_USAGE, "--token-fd needs the number of a descriptor");
	return mun_unlock_fd(ret, (int)fd, "the token's descriptor", err);
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
	return mun_fail(err, MUN_E_CREDENTIAL, "the token expired at %s; nothing was sent", when);
}

enum mun_code mun_credential_get(struct mun_credential *ret, struct mun_app *app,
                                 const struct mun_id *want_org,
                                 const struct mun_base_url *want_base, struct mun_err *err)
{
	MUN_CLEANUP(mun_credential_done) struct mun_credential c = { 0 };
	const struct want want = { want_org, want_base };
	const char *env = getenv("TALLYFY_API_TOKEN");
	const struct mun_args *a = &app->args;
	bool raw = !a->as && (a->token_file || a->token_fd || (env && *env));
	enum mun_code code;

	if (!raw)
		code = from_vault(&c, app, &want, err);
	else if (a->token_file)
		code = mun_unlock_file(&c.token, app, a->token_file, "the token file", err);
	else
		code = a->token_fd ? from_fd(&c.token, a->token_fd, err)
		                   : from_text(&c.token, env, err);
	if (code == MUN_OK && raw)
		code = mun_token_clean(&c.token, err);
	if (code == MUN_OK)
		code = mun_app_hide(app, &c.token, err);
	if (code == MUN_OK)
		code = not_expired(app, &c.token, err);
	if (code != MUN_OK)
		return code;
	*ret = c;
	c = (struct mun_credential){ 0 };
	return MUN_OK;
}

enum mun_code mun_credential_target(struct mun_app *app, const char *name, struct mun_id *ret_org,
                                    struct mun_base_url *ret_base, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(list_done) struct mun_token_info *list = NULL;
	const struct mun_token_info *info = NULL;
	size_t len = 0;
	enum mun_code code = mun_token_name_check(name, err);

	if (code == MUN_OK)
		code = list_tokens(&v, &list, &len, app, err);
	if (code == MUN_OK)
		code = find_named(&info, name, list, len, err);
	if (code == MUN_OK)
		code = mun_base_url_parse(ret_base, info->base_url, err);
	if (code == MUN_OK)
		*ret_org = info->org;
	return code;
}
