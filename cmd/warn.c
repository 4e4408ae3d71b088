/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/warn.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/date.h"
#include "lib/vault.h"

#define SEARCH_MAX 4096 /* entries that are read to find an answer */

/* The issuer in an entry of the batch; *ret is left alone when it holds none. */
static enum mun_code issuer_of(struct mun_journal *j, const struct mun_batch *b, uint64_t seq,
                               char *ret, size_t ret_size, struct mun_err *err)
{
	static const char mark[] = "\"kind\":\"response\"";
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	MUN_BUF_CLEANUP struct mun_buf line;
	struct mun_entry e;
	enum mun_code code;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	code = mun_journal_entry(j, seq, &line, err);
	if (code != MUN_OK || !memmem(mun_buf_str(&line), line.len, mark, sizeof(mark) - 1))
		return code;
	code = mun_entry_decode(&e, &owner, line.data, line.len, err);
	if (code == MUN_OK && e.kind == MUN_K_RESPONSE && e.has_batch &&
	    mun_ref_equal(&e.batch, &b->batch) && e.u.response.tls_issuer)
		(void)snprintf(ret, ret_size, "%s", e.u.response.tls_issuer);
	return code;
}

void mun_warn_issuer(struct mun_app *app, struct mun_journal *j, const struct mun_batch *b,
                     const char *issuer)
{
	char before[128] = "";
	struct mun_err ignored;
	uint64_t seq = b->last_seq + 1;

	for (unsigned n = 0; n < SEARCH_MAX && !before[0] && seq-- > b->started_seq; n++)
		if (issuer_of(j, b, seq, before, sizeof(before), &ignored) != MUN_OK)
			return;
	if (issuer[0] && before[0] && strcmp(issuer, before) != 0)
		mun_say(app,
		        "the issuer of the server's certificate has changed since this batch last "
		        "had an answer: %.16s, before %.16s (a proxy that opens TLS?)\n",
		        issuer, before);
}

/* How long the requests that are left take at this pace; 0 when that cannot be told. */
static uint64_t left_ms(struct mun_journal *j, const struct mun_asking *k)
{
	const struct mun_counts *c = &k->batch->counts;
	char org[MUN_ID_TEXT], target[MUN_BASE_URL_MAX + MUN_ID_TEXT + 1];
	uint64_t requests = c->total > 0 ? c->pending + c->in_doubt : k->plan->items;
	struct mun_err ignored;
	uint64_t ms = 0;

	mun_id_format(org, &k->plan->org);
	(void)snprintf(target, sizeof(target), "%s %s", k->base->host, org);
	if (mun_journal_eta(j, target, &k->pace->rate, requests, &ms, &ignored) != MUN_OK)
		return 0;
	return ms;
}

/* With its offset, in the zone of --tz or of this machine. */
static void say_stop(struct mun_app *app, int64_t stop_at_us)
{
	time_t seconds = (time_t)(stop_at_us / 1000000);
	char text[64];
	struct tm tm;

	if (localtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S%z", &tm))
		mun_say(app, "stops at %s\n", text);
}

void mun_warn_times(struct mun_app *app, struct mun_journal *j, const struct mun_asking *k)
{
	char expires[MUN_DATE_MAX], end[MUN_DATE_MAX];
	int64_t stop_us = k->pace->stop_at_us, expires_us, end_us;
	struct mun_now now;

	if (stop_us != MUN_TIME_NONE)
		say_stop(app, stop_us);
	if (!mun_token_jwt(k->token, &expires_us) || expires_us == MUN_TIME_NONE)
		return;
	app->clock->now(app->clock, &now);
	end_us = now.real_us + (int64_t)left_ms(j, k) * 1000;
	if (expires_us >= end_us || (stop_us != MUN_TIME_NONE && stop_us <= expires_us))
		return;
	mun_date_format(expires, expires_us);
	mun_date_format(end, end_us);
	mun_say(app,
	        "the token expires at %s, before the estimated end at %s: use another token, or "
	        "--stop-at %s\n",
	        expires, end, expires);
}
