/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/engine/preflight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto.h"
#include "lib/remote/retry.h"

#define GIVE_UP_MS 60000

struct ask {
	const struct mun_preflight_options *o;
	struct mun_preflight *ret;
	char target[MUN_BASE_URL_MAX + 40];
	int64_t started_ms;
};

static enum mun_code stop(struct ask *k, unsigned exit_status, struct mun_err *err,
                          const char *text)
{
	k->ret->exit = exit_status;
	return mun_fail(err, exit_status == 3 ? MUN_E_CREDENTIAL : MUN_E_REMOTE, "%s", text);
}

static enum mun_code append(struct ask *k, struct mun_entry *entry, struct mun_err *err)
{
	struct mun_group g = {
		.entries = entry, .len = 1, .rate = k->o->rate, .target = k->target, .in_flight = 0
	};

	return mun_journal_append(k->o->journal, &g, err);
}

/* Sleep on the wire, so that signals end it. */
static enum mun_code pause_ms(struct ask *k, uint64_t ms, struct mun_err *err)
{
	struct mun_answer none[1];
	struct mun_now now;
	int64_t until;
	size_t len;

	k->o->clock->now(k->o->clock, &now);
	for (until = now.uptime_ms + (int64_t)ms; now.uptime_ms < until;
	     k->o->clock->now(k->o->clock, &now)) {
		enum mun_code code = k->o->wire->wait(k->o->wire, (uint32_t)(until - now.uptime_ms),
		                                      none, 1, &len, err);
		if (code != MUN_OK)
			return code;
		if (k->o->signals != NULL && k->o->signals() > 0)
			return stop(k, 130, err,
			            "interrupted; nothing was sent that changes the server");
	}
	return MUN_OK;
}

static enum mun_code wait_for_window(struct ask *k, struct mun_err *err)
{
	struct mun_window_state w;
	enum mun_code code = mun_journal_window(k->o->journal, k->target, k->o->rate, &w, err);

	if (code == MUN_OK && w.wait_ms > k->o->max_wait_ms)
		return stop(k, 6, err, "rate limited for longer than --max-wait; nothing was sent");
	return code == MUN_OK && w.wait_ms > 0 ? pause_ms(k, w.wait_ms, err) : code;
}

static void fill_request(struct ask *k, struct mun_entry *entry, const struct mun_request *r)
{
	*entry = (struct mun_entry){
		.kind = MUN_K_REQUEST, .item = MUN_NO_ITEM, .has_org = true, .org = *k->o->org
	};
	entry->u.request.purpose = MUN_P_IDENTITY;
	entry->u.request.method = r->method;
	entry->u.request.host = k->o->base->host;
	entry->u.request.path = r->path;
	entry->u.request.token = k->o->token_fingerprint;
}

static void fill_response(struct ask *k, struct mun_entry *entry, const struct mun_answer *a)
{
	*entry = (struct mun_entry){
		.kind = MUN_K_RESPONSE, .item = MUN_NO_ITEM, .has_org = true, .org = *k->o->org
	};
	entry->u.response.request = a->tag;
	entry->u.response.sent = a->sent;
	entry->u.response.curl_code = a->curl_code;
	entry->u.response.curl_name = a->curl_name;
	entry->u.response.http = a->http;
	for (unsigned h = 0; h < MUN_HEADERS; h++)
		entry->u.response.header[h] = a->header[h][0] != '\0' ? a->header[h] : NULL;
	entry->u.response.duration_ms = a->duration_ms;
	entry->u.response.remote_ip = a->remote_ip[0] != '\0' ? a->remote_ip : NULL;
	entry->u.response.tls_version = a->tls_version[0] != '\0' ? a->tls_version : NULL;
	entry->u.response.tls_issuer = a->tls_issuer[0] != '\0' ? a->tls_issuer : NULL;
	entry->u.response.verdict = a->http / 100 == 2 ? MUN_V_OK : MUN_V_NO_ANSWER;
	entry->u.response.retry_at_us = MUN_TIME_NONE;
	if (a->body_len > 0)
		entry->u.response.body =
			(struct mun_body_ref){ .present = true, .bytes = a->body_len };
}

/* One exchange: intent, wire, outcome. */
static enum mun_code exchange(struct ask *k, const struct mun_request *r, struct mun_answer *ret,
                              struct mun_err *err)
{
	struct mun_entry entry;
	struct mun_now now;
	enum mun_code code;
	size_t len = 0;

	do {
		code = wait_for_window(k, err);
		if (code != MUN_OK)
			return code;
		fill_request(k, &entry, r);
		code = append(k, &entry, err);
		if (code != MUN_OK)
			return code;
	} while (entry.refused == MUN_REFUSED_WINDOW);
	code = k->o->wire->start(k->o->wire, entry.seq, r, MUN_ANSWER_RUN_MAX, err);
	while (code == MUN_OK && len == 0) {
		if (k->o->signals != NULL && k->o->signals() > 1)
			k->o->wire->abort(k->o->wire);
		code = k->o->wire->wait(k->o->wire, 1000, ret, 1, &len, err);
	}
	if (code != MUN_OK)
		return code;
	fill_response(k, &entry, ret);
	if (ret->http == 429) {
		k->o->clock->now(k->o->clock, &now);
		entry.u.response.retry_at_us =
			now.real_us + (int64_t)mun_wait_ms(ret->retry_after_s, 1, 0) * 1000;
	}
	return append(k, &entry, err);
}

static bool again(const struct mun_answer *a)
{
	return a->send != MUN_SEND_OK || a->http == 429 || a->http >= 500;
}

static bool gave_up(const struct ask *k, const struct mun_now *now)
{
	uint64_t passed_ms = (uint64_t)(now->uptime_ms - k->started_ms);

	return passed_ms > GIVE_UP_MS || passed_ms > k->o->max_wait_ms;
}

/* 429 waits as anywhere; 5xx and network are an outage, given up after a minute. */
static enum mun_code insist(struct ask *k, const struct mun_request *r, struct mun_answer *ret,
                            struct mun_err *err)
{
	for (unsigned tries = 1;; tries++) {
		struct mun_now now;
		enum mun_code code = exchange(k, r, ret, err);
		char text[768];

		if (code != MUN_OK || !again(ret))
			return code;
		k->o->clock->now(k->o->clock, &now);
		if (ret->send == MUN_SEND_BAD_CERT) {
			(void)snprintf(text, sizeof(text), "certificate of %s refused: %s",
			               k->o->base->host, ret->error);
			return stop(k, 14, err, text);
		}
		if (ret->http != 429 &&
		    ((k->o->on_terminal && ret->send == MUN_SEND_NOT_SENT) || gave_up(k, &now))) {
			(void)snprintf(text, sizeof(text),
			               "%s cannot be reached: %s (status %u); "
			               "nothing was sent that changes the server",
			               k->o->base->host, ret->error, ret->http);
			return stop(k, 14, err, text);
		}
		if (ret->http != 429)
			code = pause_ms(k,
			                mun_wait_ms(ret->retry_after_s, tries,
			                            mun_random_below(UINT32_MAX)),
			                err);
		mun_answer_done(ret);
		if (code != MUN_OK)
			return code;
	}
}

static enum mun_code ask_me(struct ask *k, struct mun_err *err)
{
	struct mun_request r;
	struct mun_answer a = { 0 };
	struct mun_me me;
	char error_code[64], text[768];
	enum mun_code code;

	mun_request_me(&r, k->o->base);
	code = insist(k, &r, &a, err);
	if (code != MUN_OK)
		return code;
	if (a.http == 401) {
		code = stop(k, 3, err, "the token is not accepted (401 from /me)");
		mun_hint(err, "muniment token add NAME --replace, or another token");
	} else if (a.http / 100 == 2 && mun_answer_me(&me, a.body, a.body_len)) {
		k->ret->has_me = true;
		(void)snprintf(k->ret->me_id, sizeof(k->ret->me_id), "%s", me.id);
	} else if (!((a.http == 403 || a.http == 404) &&
	             mun_answer_code(error_code, a.body, a.body_len) &&
	             strcmp(error_code, "ENDPOINT_NOT_FOUND") != 0)) {
		(void)snprintf(text, sizeof(text),
		               "%s answered /me with status %u%s%s: wrong base URL?",
		               k->o->base->host, a.http, a.location_host[0] != '\0' ? " to " : "",
		               a.location_host);
		code = stop(k, 14, err, text);
	}
	mun_answer_done(&a);
	return code;
}

static enum mun_code ask_orgs(struct ask *k, struct mun_err *err)
{
	struct mun_request r;
	struct mun_answer a = { 0 };
	char names[512] = "", text[700];
	bool found = true, complete = false, list;
	enum mun_code code;

	mun_request_my_orgs(&r, k->o->base, 1);
	code = insist(k, &r, &a, err);
	if (code != MUN_OK)
		return code;
	list = a.http / 100 == 2 &&
	       mun_answer_orgs(a.body, a.body_len, k->o->org, &found, &complete, names,
	                       sizeof(names), k->ret->org_name, sizeof(k->ret->org_name));
	if (list && complete && !found) {
		(void)snprintf(text, sizeof(text),
		               "this token's organizations do not include the one asked for: %s",
		               names);
		code = stop(k, 14, err, text);
	}
	mun_answer_done(&a);
	return code;
}

static enum mun_code ask_member(struct ask *k, struct mun_err *err)
{
	struct mun_request r;
	struct mun_answer a = { 0 };
	struct mun_member m;
	enum mun_code code;

	mun_request_member(&r, k->o->base, k->o->org, strtoll(k->ret->me_id, NULL, 10));
	code = insist(k, &r, &a, err);
	if (code != MUN_OK)
		return code;
	if (a.http / 100 == 2 && mun_answer_member(&m, a.body, a.body_len)) {
		(void)snprintf(k->ret->role, sizeof(k->ret->role), "%s", m.role);
		if (strcmp(m.role, "light") == 0 || strcmp(m.role, "guest") == 0 ||
		    strcmp(m.type, "light") == 0 || strcmp(m.type, "guest") == 0)
			code = stop(k, 3, err,
			            "the token's user is Light or Guest and may not archive "
			            "or restore; nothing was sent");
	}
	mun_answer_done(&a);
	return code;
}

enum mun_code mun_preflight_run(const struct mun_preflight_options *o, struct mun_preflight *ret,
                                struct mun_err *err)
{
	struct ask k = { .o = o, .ret = ret };
	char org[MUN_ID_TEXT];
	struct mun_now now;
	enum mun_code code;

	*ret = (struct mun_preflight){ 0 };
	mun_id_format(org, o->org);
	(void)snprintf(k.target, sizeof(k.target), "%s %s", o->base->host, org);
	o->clock->now(o->clock, &now);
	k.started_ms = now.uptime_ms;
	code = ask_me(&k, err);
	if (code == MUN_OK)
		code = ask_orgs(&k, err);
	if (code == MUN_OK && ret->has_me)
		code = ask_member(&k, err);
	return code;
}
