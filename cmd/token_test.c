/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ask.h"
#include "cmd/credential.h"
#include "cmd/out.h"
#include "cmd/token.h"
#include "lib/canon.h"

struct finding {
	struct mun_me me;
	struct mun_member member;
	bool has_member;
	unsigned me_http, list_http;
	char problem[300];
};

static enum mun_code question(struct mun_answer *answer, struct finding *f, struct mun_ask *ask,
                              const struct mun_request *r, struct mun_err *err)
{
	enum mun_code code = mun_ask_send(ask, r, answer, err);

	if (code == MUN_OK && answer->http == 0) {
		(void)snprintf(f->problem, sizeof f->problem, "%s", answer->error);
		return mun_fail(err, MUN_E_REMOTE, "the server cannot be asked: %s", answer->error);
	}
	return code;
}

static enum mun_code ask_member(struct finding *f, struct mun_ask *ask,
                                const struct mun_base_url *base, const struct mun_id *org,
                                struct mun_err *err)
{
	MUN_CLEANUP(mun_answer_done) struct mun_answer answer = { 0 };
	struct mun_request request;
	enum mun_code code;

	mun_request_member(&request, base, org, strtoll(f->me.id, NULL, 10));
	code = question(&answer, f, ask, &request, err);
	if (code == MUN_OK && answer.http == 200)
		f->has_member = mun_answer_member(&f->member, answer.body, answer.body_len);
	return code;
}

static enum mun_code ask_me(struct finding *f, struct mun_ask *ask, const struct mun_base_url *base,
                            const struct mun_id *org, struct mun_err *err)
{
	MUN_CLEANUP(mun_answer_done) struct mun_answer answer = { 0 };
	struct mun_request request;
	enum mun_code code;

	mun_request_me(&request, base);
	code = question(&answer, f, ask, &request, err);
	if (code != MUN_OK)
		return code;
	f->me_http = answer.http;
	if (answer.http == 401)
		return mun_fail(err, MUN_E_CREDENTIAL, "%s refuses the token (401)", base->host);
	if (answer.http != 200 || !mun_answer_me(&f->me, answer.body, answer.body_len))
		return MUN_OK;
	return ask_member(f, ask, base, org, err);
}

static enum mun_code ask_list(struct finding *f, struct mun_ask *ask,
                              const struct mun_base_url *base, const struct mun_id *org,
                              struct mun_err *err)
{
	MUN_CLEANUP(mun_answer_done) struct mun_answer answer = { 0 };
	struct mun_request request;
	enum mun_code code;

	mun_request_list_one(&request, base, org);
	code = question(&answer, f, ask, &request, err);
	f->list_http = answer.http;
	return code;
}

/* What vendors document for roles; the server decides. */
static const char *may(const struct finding *f)
{
	if (f->list_http != 200)
		return "may not list runs of this organization";
	if (!f->has_member)
		return "may list runs; its role is not known";
	if (strcmp(f->member.role, "light") == 0 || strcmp(f->member.type, "light") == 0 ||
	    strcmp(f->member.type, "guest") == 0 || strcmp(f->member.role, "guest") == 0)
		return "may not archive: light users and guests are refused";
	return "may list, archive and restore runs";
}

static enum mun_code print(struct mun_app *app, const struct finding *f, const char *org,
                           const char *url, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_canon c;
	enum mun_code code;
	const char *role = f->has_member ? f->member.role : NULL;

	mun_buf_init(&text, 16384);
	if (app->output == MUN_OUT_TABLE) {
		mun_buf_printf(&text, "user          %s\nrole          %s\n",
		               f->me.id[0] ? f->me.id : "-", role ? role : "-");
		mun_buf_printf(&text, "organization  %s\nbase URL      %s\n", org, url);
		mun_buf_printf(&text, "GET /me       %u\nGET runs      %u\n%s\n", f->me_http,
		               f->list_http, may(f));
	} else {
		mun_canon_init(&c, &text);
		mun_canon_loose(&c);
		mun_canon_object(&c, NULL);
		mun_canon_str(&c, "user", f->me.id[0] ? f->me.id : NULL);
		mun_canon_str(&c, "role", role);
		mun_canon_str(&c, "type", f->has_member ? f->member.type : NULL);
		mun_canon_str(&c, "org", org);
		mun_canon_str(&c, "base_url", url);
		mun_canon_int(&c, "me_http", f->me_http);
		mun_canon_int(&c, "runs_http", f->list_http);
		mun_canon_str(&c, "may", may(f));
		mun_canon_end(&c);
	}
	code = mun_buf_check(&text, "the answer", err);
	return code == MUN_OK ? mun_out_object(app, &text, err) : code;
}

static enum mun_code options(struct mun_id *org, bool *ret_has_org, struct mun_base_url *base,
                             bool *ret_has_base, const struct mun_args *a, struct mun_err *err)
{
	*ret_has_org = a->org != NULL;
	*ret_has_base = a->base_url != NULL;
	if (a->org && mun_id_parse(org, a->org, strlen(a->org)) == MUN_ID_BAD)
		return mun_fail(err, MUN_E_USAGE, "--org needs 32 hexadecimal digits");
	return mun_base_url_parse(base, a->base_url ? a->base_url : MUN_BASE_URL_DEFAULT, err);
}

static enum mun_code ask_all(struct finding *f, struct mun_app *app, const struct mun_credential *c,
                             const struct mun_base_url *base, const struct mun_id *org,
                             struct mun_err *err)
{
	MUN_CLEANUP(mun_ask_done) struct mun_ask ask = { 0 };
	enum mun_code code = mun_ask_open(&ask, app, base, &c->token, err);

	if (code == MUN_OK)
		code = ask_me(f, &ask, base, org, err);
	return code == MUN_OK ? ask_list(f, &ask, base, org, err) : code;
}

enum mun_code mun_token_test(struct mun_app *app, const char *name, struct mun_err *err)
{
	MUN_CLEANUP(mun_credential_done) struct mun_credential c = { 0 };
	struct finding f = { 0 };
	struct mun_base_url base;
	struct mun_id org = { 0 };
	bool has_org, has_base;
	char text[MUN_ID_TEXT];
	enum mun_code code = options(&org, &has_org, &base, &has_base, &app->args, err);

	if (code != MUN_OK)
		return code;
	if (name && app->args.as && strcmp(name, app->args.as) != 0)
		return mun_fail(err, MUN_E_USAGE, "--as and NAME name two tokens");
	if (name)
		app->args.as = name;
	code = mun_credential_get(&c, app, has_org ? &org : NULL, has_base ? &base : NULL, err);
	if (code != MUN_OK)
		return code;
	if (c.has_target) {
		org = c.org;
		base = c.base;
	} else if (!has_org) {
		return mun_fail(err, MUN_E_USAGE,
		                "--org is missing: this token is not a stored one");
	}
	mun_id_format(text, &org);
	code = ask_all(&f, app, &c, &base, &org, err);
	if (code == MUN_OK)
		code = print(app, &f, text, base.text, err);
	if (code == MUN_OK && (f.me_http == 403 || f.list_http == 401 || f.list_http == 403))
		return mun_fail(err, MUN_E_CREDENTIAL, "%s: %s", base.host, may(&f));
	if (code == MUN_OK && f.list_http != 200)
		return mun_fail(err, MUN_E_REMOTE, "%s: %s", base.host, may(&f));
	return code;
}
