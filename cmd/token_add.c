/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/app.h"
#include "cmd/ask.h"
#include "cmd/credential.h"
#include "cmd/prompt.h"
#include "cmd/token.h"
#include "cmd/unlock.h"
#include "lib/date.h"
#include "lib/json.h"
#include "lib/text.h"

static void list_done(struct mun_token_info **list)
{
	free(*list);
	*list = NULL;
}

static enum mun_code read_token(struct mun_secret *ret, struct mun_app *app, struct mun_err *err)
{
	bool given;
	enum mun_code code = mun_credential_option(ret, app, &given, err);

	if (code == MUN_OK && !given && !app->stdin_tty)
		code = mun_unlock_fd(ret, STDIN_FILENO, "stdin", err);
	else if (code == MUN_OK && !given && mun_prompt_possible(app))
		code = mun_prompt_secret(ret, app, "Token (not shown): ", err);
	else if (code == MUN_OK && !given)
		code = mun_fail(err, MUN_E_CREDENTIAL,
		                "no token: --token-file, --token-fd or stdin gives it");
	if (code == MUN_OK)
		code = mun_token_clean(ret, err);
	return code == MUN_OK ? mun_app_hide(app, ret, err) : code;
}

/* What the vault says before anything is asked: ret_old is the token that is renewed, its name is
 * empty when there is none. Without any way to the key it ends here. */
static enum mun_code look(struct mun_token_info *ret_old, struct mun_app *app, const char *name,
                          struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(list_done) struct mun_token_info *list = NULL;
	size_t len = 0;
	enum mun_code code = mun_unlock_open(&v, app, false, err);

	*ret_old = (struct mun_token_info){ .name = "" };
	if (code == MUN_E_NOTFOUND)
		return mun_unlock_possible(app, NULL, err);
	if (code == MUN_OK)
		code = mun_unlock_possible(app, mun_vault_key_kind(v), err);
	if (code == MUN_OK)
		code = mun_vault_list(v, &list, &len, err);
	for (size_t i = 0; code == MUN_OK && i < len; i++)
		if (strcmp(list[i].name, name) == 0)
			*ret_old = list[i];
	if (code == MUN_OK && ret_old->name[0] && !app->args.replace) {
		code = mun_fail(err, MUN_E_USAGE, "there is a token %s already", name);
		mun_hint(err, "--replace renews it");
	}
	return code;
}

/* The only organization of the token; several, and what is no whole list, are told. */
static enum mun_code only_org(struct mun_id *ret, const char *body, size_t len, struct mun_err *err)
{
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	static const struct mun_id nobody = { { 0 } };
	struct mun_orgs orgs = { 0 };
	char ids[400] = "";
	bool whole;
	size_t rows = 0;

	if (!body || mun_json_parse(&doc, body, len, err) != MUN_OK ||
	    !mun_answer_orgs(&orgs, body, len, &nobody))
		return mun_fail(err, MUN_E_USAGE,
		                "no --org, and the server's list of organizations is no list");
	whole = orgs.complete;
	for (const struct mun_json_val *row =
	             mun_json_first(mun_json_get(mun_json_root(doc), "data"));
	     row; row = mun_json_next(row)) {
		const char *id = mun_json_str(mun_json_get(row, "id"));

		size_t used = strlen(ids);

		rows++;
		if (!id || mun_id_parse(ret, id, strlen(id)) == MUN_ID_BAD)
			whole = false;
		else if (used + 36 < sizeof ids)
			(void)snprintf(ids + used, sizeof ids - used, "%s%.32s", used ? ", " : "",
			               id);
	}
	if (rows == 1 && whole)
		return MUN_OK;
	(void)mun_fail(err, MUN_E_USAGE,
	               "no --org, and the token has not one organization%s%s%s%s%s",
	               ids[0] ? ": " : "", ids, orgs.names[0] ? " (" : "", orgs.names,
	               orgs.names[0] ? ")" : "");
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
	if (answer.http == 401)
		return mun_fail(err, MUN_E_CREDENTIAL, "%s refuses the token (401)", base->host);
	if (answer.http)
		code = mun_fail(err, MUN_E_USAGE,
		                "no --org, and %s answers %u to the question for it", base->host,
		                answer.http);
	else
		code = mun_fail(err, MUN_E_USAGE, "no --org, and %s cannot be asked: %s",
		                base->host, answer.error);
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

/* From the option, else from the token that is renewed; false: the server has to tell. */
static enum mun_code given_org(struct mun_id *ret, bool *ret_given, const struct mun_args *a,
                               const struct mun_token_info *old, struct mun_err *err)
{
	*ret_given = a->org || old->name[0];
	*ret = old->org;
	if (a->org && mun_id_parse(ret, a->org, strlen(a->org)) == MUN_ID_BAD)
		return mun_fail(err, MUN_E_USAGE, "--org needs 32 hexadecimal digits");
	return MUN_OK;
}

static enum mun_code find_target(struct mun_id *ret_org, bool given, struct mun_app *app,
                                 const struct mun_base_url *base, const struct mun_secret *token,
                                 struct mun_err *err)
{
	MUN_CLEANUP(mun_ask_done) struct mun_ask ask = { 0 };
	enum mun_code code = mun_ask_open(&ask, app, base, token, err);

	if (code == MUN_OK && given)
		try_token(app, &ask, base);
	else if (code == MUN_OK)
		code = find_org(ret_org, &ask, base, err);
	return code;
}

static enum mun_code store(struct mun_token_info *ret, struct mun_app *app, const char *name,
                           const struct mun_id *org, const struct mun_base_url *base,
                           const struct mun_secret *token, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(mun_secret_done) struct mun_secret stored = { 0 };
	struct mun_vault_new new = {
		.name = name, .org = org, .base_url = base->text, .token = token
	};
	struct mun_now now;
	enum mun_code code = mun_unlock_open(&v, app, true, err);

	app->clock->now(app->clock, &now);
	new.now_us = now.real_us;
	if (code == MUN_OK)
		code = mun_unlock(v, app, err);
	if (code == MUN_OK) {
		char fingerprint[33];

		new.fingerprint = mun_token_fingerprint(fingerprint, app, token);
		code = mun_vault_put(v, &new, app->args.replace, err);
	}
	/* Reading back proves that what was sealed opens again. */
	return code == MUN_OK ? mun_vault_get(v, name, &stored, ret, err) : code;
}

enum mun_code mun_token_add(struct mun_app *app, const char *name, struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret token = { 0 };
	const char *url = app->args.base_url;
	struct mun_token_info info, old;
	struct mun_base_url base;
	char text[MUN_ID_TEXT];
	struct mun_now now;
	struct mun_id org;
	bool given = false;
	enum mun_code code = look(&old, app, name, err);

	if (!url)
		url = code == MUN_OK && old.name[0] ? old.base_url : MUN_BASE_URL_DEFAULT;
	if (code == MUN_OK)
		code = mun_base_url_parse(&base, url, err);
	if (code == MUN_OK)
		code = given_org(&org, &given, &app->args, &old, err);
	if (code == MUN_OK)
		code = read_token(&token, app, err);
	if (code == MUN_OK)
		code = find_target(&org, given, app, &base, &token, err);
	if (code == MUN_OK)
		code = store(&info, app, name, &org, &base, &token, err);
	if (code != MUN_OK)
		return code;
	mun_token_record(app, MUN_K_TOKEN_ADDED, &info, &token);
	app->clock->now(app->clock, &now);
	if (info.expires_us != MUN_TIME_NONE && info.expires_us <= now.real_us)
		mun_say(app, "muniment: warning: this token has expired");
	mun_id_format(text, &org);
	if (!app->args.quiet)
		mun_say(app, "muniment: stored %s for organization %s at %s", name, text,
		        base.text);
	return MUN_OK;
}
