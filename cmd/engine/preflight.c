/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/engine/preflight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/record.h"
#include "lib/crypto.h"
#include "lib/remote/retry.h"

#define NOBODY_ANSWERS_MS 60000
#define SAID_FROM_MS      1000

struct ask {
	const struct mun_preflight_options *o;
	struct mun_preflight *ret;
	char target[MUN_BASE_URL_MAX + 40];
	int64_t good_ms;     /* of the last answer that was none of 429, 5xx */
	bool answered;       /* anything at all */
	unsigned limited;    /* 429s in a row */
	int64_t retry_at_us; /* of the newest one */
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

static void say_wait(const struct ask *k, enum mun_phase phase, uint64_t ms, const char *why)
{
	if (k->o->waiting != NULL && ms >= SAID_FROM_MS)
		k->o->waiting(k->o->arg, phase, ms, why);
}

static enum mun_code rate_limited(struct ask *k, int64_t until_us, struct mun_err *err)
{
	char when[MUN_DATE_MAX], text[200];

	mun_date_format(when, until_us);
	k->ret->next_at_us = until_us;
	(void)snprintf(text, sizeof(text),
	               "rate limited until %s, longer than --max-wait; "
	               "nothing was sent that changes the server",
	               when);
	return stop(k, 6, err, text);
}

/* Our own windows are waited for however long it takes; what the server demands is not. */
static enum mun_code wait_for_window(struct ask *k, struct mun_err *err)
{
	struct mun_window_state w;
	struct mun_now now;
	enum mun_code code = mun_journal_window(k->o->journal, k->target, k->o->rate, &w, err);

	if (code != MUN_OK || w.wait_ms == 0)
		return code;
	k->o->clock->now(k->o->clock, &now);
	if (w.blocked_until_us == MUN_TIME_NONE || w.blocked_until_us <= now.real_us)
		k->good_ms += (int64_t)w.wait_ms;
	else if (w.wait_ms > k->o->max_wait_ms)
		return rate_limited(k, w.blocked_until_us, err);
	say_wait(k, MUN_PHASE_QUOTA, w.wait_ms, "");
	return pause_ms(k, w.wait_ms, err);
}

static struct mun_entry identity_entry(const struct ask *k, enum mun_kind kind)
{
	return (struct mun_entry){
		.kind = kind, .item = MUN_NO_ITEM, .has_org = true, .org = *k->o->org
	};
}

static int64_t retry_at(const struct ask *k, const struct mun_answer *a, int64_t now_us)
{
	uint64_t wait_ms = mun_wait_ms(a->retry_after_s, k->limited, mun_random_below(UINT32_MAX));

	return now_us + (int64_t)wait_ms * 1000;
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
		entry = identity_entry(k, MUN_K_REQUEST);
		mun_record_request(&entry, r, k->o->base, k->o->token_fingerprint, MUN_P_IDENTITY);
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
	k->o->clock->now(k->o->clock, &now);
	entry = identity_entry(k, MUN_K_RESPONSE);
	mun_record_answer(&entry, ret, ret->http / 100 == 2 ? MUN_V_OK : MUN_V_NO_ANSWER,
	                  !k->o->no_bodies);
	k->limited = ret->http == 429 ? k->limited + 1 : 0;
	if (ret->http == 429)
		k->retry_at_us = entry.u.response.retry_at_us = retry_at(k, ret, now.real_us);
	if (ret->http != 0)
		k->answered = true;
	if (ret->http != 0 && ret->http != 429 && ret->http < 500)
		k->good_ms = now.uptime_ms;
	if (ret->tls_issuer[0] != '\0')
		(void)snprintf(k->ret->tls_issuer, sizeof(k->ret->tls_issuer), "%s",
		               ret->tls_issuer);
	code = append(k, &entry, err);
	if (code != MUN_OK)
		mun_answer_done(ret);
	return code;
}

/* Of /me an answer is needed; of the other two any but "later" will do. */
static bool again(const struct mun_answer *a, bool needed)
{
	if (a->send == MUN_SEND_NOT_SENT || a->send == MUN_SEND_BAD_CERT || a->http == 429)
		return true;
	return needed && (a->send != MUN_SEND_OK || a->http >= 500);
}

static enum mun_code unreachable(struct ask *k, const struct mun_answer *a, struct mun_err *err)
{
	char text[768], status[32] = "";

	if (a->http != 0)
		(void)snprintf(status, sizeof(status), "status %u", a->http);
	(void)snprintf(text, sizeof(text),
	               "%s cannot be reached: %s%s%s; "
	               "nothing was sent that changes the server",
	               k->o->base->host, a->error, a->error[0] != '\0' && status[0] ? ", " : "",
	               status);
	return stop(k, 14, err, text);
}

/* After --max-wait without an answer that counts; where nothing answers at all, much earlier. */
static bool gave_up(const struct ask *k, const struct mun_answer *a)
{
	struct mun_now now;
	uint64_t passed_ms;

	k->o->clock->now(k->o->clock, &now);
	passed_ms = now.uptime_ms > k->good_ms ? (uint64_t)(now.uptime_ms - k->good_ms) : 0;
	if (!k->answered &&
	    ((k->o->on_terminal && a->send == MUN_SEND_NOT_SENT) || passed_ms > NOBODY_ANSWERS_MS))
		return true;
	return passed_ms > k->o->max_wait_ms;
}

/* Where nothing has answered yet, the last try is made when patience ends, not later. */
static uint64_t within_patience(const struct ask *k, uint64_t wait_ms)
{
	uint64_t most_ms = k->answered ? k->o->max_wait_ms : NOBODY_ANSWERS_MS;
	uint64_t passed_ms;
	struct mun_now now;

	k->o->clock->now(k->o->clock, &now);
	passed_ms = now.uptime_ms > k->good_ms ? (uint64_t)(now.uptime_ms - k->good_ms) : 0;
	if (most_ms > k->o->max_wait_ms)
		most_ms = k->o->max_wait_ms;
	return passed_ms + wait_ms > most_ms && most_ms >= passed_ms ? most_ms - passed_ms + 1
	                                                             : wait_ms;
}

/* What the answer asks for, as a time; the wait in milliseconds. */
static int64_t asked_for(const struct ask *k, const struct mun_answer *a, uint64_t *ret_ms)
{
	struct mun_now now;

	*ret_ms = a->retry_after_s > 0 ? mun_wait_ms(a->retry_after_s, 1, 0) : 0;
	k->o->clock->now(k->o->clock, &now);
	return now.real_us + (int64_t)*ret_ms * 1000;
}

/* 429 waits as anywhere; 5xx and network are an outage. */
static enum mun_code insist(struct ask *k, const struct mun_request *r, bool needed,
                            struct mun_answer *ret, struct mun_err *err)
{
	for (unsigned tries = 1;; tries++) {
		enum mun_code code = exchange(k, r, ret, err);
		uint64_t wait_ms, asked_ms;
		int64_t until_us;

		if (code != MUN_OK || !again(ret, needed))
			return code;
		if (ret->send == MUN_SEND_BAD_CERT) {
			char text[768];

			(void)snprintf(text, sizeof(text), "certificate of %s refused: %s",
			               k->o->base->host, ret->error);
			return stop(k, 14, err, text);
		}
		wait_ms = within_patience(
			k, mun_wait_ms(ret->retry_after_s, tries, mun_random_below(UINT32_MAX)));
		until_us = asked_for(k, ret, &asked_ms);
		if (ret->http >= 500 && asked_ms > k->o->max_wait_ms) {
			code = rate_limited(k, until_us, err);
		} else if (gave_up(k, ret)) {
			code = ret->http == 429 ? rate_limited(k, k->retry_at_us, err)
			                        : unreachable(k, ret, err);
		} else if (ret->http == 429) {
			code = MUN_OK; /* the next exchange waits for it, or leaves */
		} else {
			say_wait(k, ret->http != 0 ? MUN_PHASE_SERVER : MUN_PHASE_NETWORK, wait_ms,
			         ret->error);
			code = pause_ms(k, wait_ms, err);
		}
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
	code = insist(k, &r, true, &a, err);
	if (code != MUN_OK)
		return code;
	if (a.http == 401) {
		code = stop(k, 3, err, "the token is not accepted (401 from /me)");
		mun_hint(err, "muniment token add NAME --replace, or another token");
	} else if (a.http / 100 == 2 && mun_answer_me(&me, a.body, a.body_len)) {
		k->ret->has_me = true;
		(void)snprintf(k->ret->me_id, sizeof(k->ret->me_id), "%s", me.id);
	} else if (!((a.http == 403 || a.http == 404) && mun_answer_is_json(&a)) ||
	           (mun_answer_code(error_code, a.body, a.body_len) &&
	            strcmp(error_code, "ENDPOINT_NOT_FOUND") == 0)) {
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
	struct mun_orgs orgs;
	bool list;
	enum mun_code code;

	mun_request_my_orgs(&r, k->o->base, 1);
	code = insist(k, &r, false, &a, err);
	if (code != MUN_OK)
		return code;
	list = a.http / 100 == 2 && mun_answer_orgs(&orgs, a.body, a.body_len, k->o->org);
	if (list)
		(void)snprintf(k->ret->org_name, sizeof(k->ret->org_name), "%s", orgs.name);
	if (list && orgs.complete && !orgs.found) {
		char text[700];

		(void)snprintf(text, sizeof(text),
		               "this token's organizations do not include the one asked for: %s",
		               orgs.names);
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
	code = insist(k, &r, false, &a, err);
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

	*ret = (struct mun_preflight){ .next_at_us = MUN_TIME_NONE };
	mun_id_format(org, o->org);
	(void)snprintf(k.target, sizeof(k.target), "%s %s", o->base->host, org);
	o->clock->now(o->clock, &now);
	k.good_ms = now.uptime_ms;
	code = ask_me(&k, err);
	if (code == MUN_OK)
		code = ask_orgs(&k, err);
	if (code == MUN_OK && ret->has_me)
		code = ask_member(&k, err);
	return code;
}
