/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ask.h"
#include "cmd/credential.h"
#include "cmd/doctor.h"
#include "cmd/out.h"
#include "lib/date.h"

/* Up to this much two clocks are held to agree, here and where times of runs are compared. */
#define CLOCK_LIMIT_US (INT64_C(120) * 1000000)

static enum mun_code check_clock(struct mun_doctor *d, const struct mun_answer *a,
                                 struct mun_err *err)
{
	const char *date = a->header[MUN_H_DATE];
	char found[96], apart[32];
	struct mun_now now;
	int64_t server_us, difference;

	if (!mun_date_parse_http(&server_us, date, strlen(date)))
		return mun_doctor_add(d, "clock", MUN_HEALTH_OK, MUN_OK,
		                      "the server tells no time to compare with", NULL, err);
	d->app->clock->now(d->app->clock, &now);
	difference = now.real_us - server_us;
	if (llabs(difference) <= CLOCK_LIMIT_US)
		return mun_doctor_add(d, "clock", MUN_HEALTH_OK, MUN_OK,
		                      "within 2 minutes of the server's", NULL, err);
	mun_duration_format(apart, sizeof apart, llabs(difference) / 1000);
	(void)snprintf(found, sizeof found, "%s %s the server's", apart,
	               difference < 0 ? "behind" : "ahead of");
	return mun_doctor_add(d, "clock", MUN_HEALTH_WARNING, MUN_OK, found,
	                      "set this machine's clock (NTP)", err);
}

static enum mun_code check_tls(struct mun_doctor *d, const struct mun_answer *a,
                               struct mun_err *err)
{
	if (a->tls_version[0])
		return mun_doctor_add(d, "TLS", MUN_HEALTH_OK, MUN_OK, a->tls_version, NULL, err);
	return mun_doctor_add(d, "TLS", MUN_HEALTH_WARNING, MUN_OK, "none: http to loopback",
	                      "for tests only; use https", err);
}

static enum mun_code check_identity(struct mun_doctor *d, const struct mun_answer *a,
                                    struct mun_err *err)
{
	char found[96];
	struct mun_me me;

	if (a->http == 200 && mun_answer_me(&me, a->body, a->body_len)) {
		(void)snprintf(found, sizeof found, "user %s", me.id);
		return mun_doctor_add(d, "identity", MUN_HEALTH_OK, MUN_OK, found, NULL, err);
	}
	(void)snprintf(found, sizeof found, "the server answers %u to GET /me", a->http);
	if (a->http == 401)
		return mun_doctor_add(d, "identity", MUN_HEALTH_BAD, MUN_E_CREDENTIAL, found,
		                      "a new token: muniment token add NAME --replace", err);
	/* A token without a user, or too many requests: a run knows what to do. */
	if (a->http == 403 || a->http == 404 || a->http == 429)
		return mun_doctor_add(d, "identity", MUN_HEALTH_WARNING, MUN_OK, found,
		                      "muniment token test tells what the token may do", err);
	return mun_doctor_add(d, "identity", MUN_HEALTH_BAD, MUN_E_REMOTE, found,
	                      "check --base-url; else ask again later", err);
}

static enum mun_code unreachable(struct mun_doctor *d, const struct mun_answer *a,
                                 const struct mun_base_url *base, struct mun_err *err)
{
	char found[600];
	bool refused = a->send == MUN_SEND_BAD_CERT;

	(void)snprintf(found, sizeof found, "%s: %s", base->host, a->error);
	return mun_doctor_add(d, refused ? "TLS" : "server", MUN_HEALTH_BAD, MUN_E_REMOTE, found,
	                      refused ? "--cacert FILE with the server's certificate authority"
	                              : "check network, proxy and --base-url",
	                      err);
}

static enum mun_code ask_server(struct mun_doctor *d, const struct mun_credential *c,
                                const struct mun_base_url *base, struct mun_err *err)
{
	MUN_CLEANUP(mun_answer_done) struct mun_answer answer = { 0 };
	MUN_CLEANUP(mun_ask_done) struct mun_ask ask = { 0 };
	struct mun_request request;
	struct mun_err bad = { 0 };
	enum mun_code code = mun_ask_open(&ask, d->app, base, &c->token, &bad);

	mun_request_me(&request, base);
	if (code == MUN_OK)
		code = mun_ask_send(&ask, &request, &answer, &bad);
	if (code != MUN_OK)
		return mun_doctor_add_error(d, "server", MUN_HEALTH_BAD, &bad,
		                            "check --cacert and --timeout", err);
	if (answer.http == 0)
		return unreachable(d, &answer, base, err);
	code = mun_doctor_add(d, "server", MUN_HEALTH_OK, MUN_OK, base->text, NULL, err);
	if (code == MUN_OK)
		code = check_tls(d, &answer, err);
	if (code == MUN_OK)
		code = check_clock(d, &answer, err);
	return code == MUN_OK ? check_identity(d, &answer, err) : code;
}

/* Nothing is asked. That is how a new installation looks; a token that is there and cannot be had
 * is a fault. */
static enum mun_code no_token(struct mun_doctor *d, const struct mun_err *found,
                              struct mun_err *err)
{
	const struct mun_args *a = &d->app->args;
	const char *variable = getenv("TALLYFY_API_TOKEN");
	bool named = a->as || a->token_file || a->token_fd || (variable && *variable);
	/* Which of several, and for what, is not ours to guess. */
	bool fault = named || d->tokens == 1 || found->code != MUN_E_CREDENTIAL;

	if (d->vault_bad && !named)
		return MUN_OK;
	return mun_doctor_add_error(d, "identity", fault ? MUN_HEALTH_BAD : MUN_HEALTH_WARNING,
	                            found, "muniment token add NAME, or --token-file FILE", err);
}

enum mun_code mun_doctor_server(struct mun_doctor *d, struct mun_err *err)
{
	MUN_CLEANUP(mun_credential_done) struct mun_credential c = { 0 };
	const struct mun_args *a = &d->app->args;
	struct mun_err found = { 0 };
	struct mun_base_url base;
	struct mun_id org;
	bool has_org = a->org != NULL;
	enum mun_code code;

	if (has_org && mun_id_parse(&org, a->org, strlen(a->org)) == MUN_ID_BAD)
		return mun_fail(err, MUN_E_USAGE, "--org needs 32 hexadecimal digits");
	code = mun_base_url_parse(&base, a->base_url ? a->base_url : MUN_BASE_URL_DEFAULT, err);
	if (code != MUN_OK)
		return code;
	code = mun_credential_get(&c, d->app, has_org ? &org : NULL, a->base_url ? &base : NULL,
	                          &found);
	if (code != MUN_OK)
		return no_token(d, &found, err);
	return ask_server(d, &c, c.has_target ? &c.base : &base, err);
}
