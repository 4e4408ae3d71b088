/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/anchor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/anchor_impl.h"
#include "cmd/signal.h"
#include "cmd/vkey.h"
#include "lib/date.h"
#include "lib/timestamp.h"

#define WAIT_MS 1000
#define ANSWERS 8
/* An anchor that is older than what it covers by more than this makes the journal fail. */
#define LAG_MAX_US (INT64_C(120) * 1000000)

/* ---- options ---- */

static enum mun_code check_once(const struct mun_list *list, const char *option,
                                struct mun_err *err)
{
	for (size_t i = 0; i < list->len; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(list->at[i], list->at[k]) == 0)
				return mun_fail(err, MUN_E_USAGE, "%s: the same is given twice",
				                option);
		}
	}
	return MUN_OK;
}

static enum mun_code check_urls(const struct mun_list *list, const char *option,
                                struct mun_err *err)
{
	enum mun_code code = check_once(list, option, err);

	for (size_t i = 0; code == MUN_OK && i < list->len; i++)
		code = mun_post_url_check(list->at[i], option, err);
	return code;
}

static enum mun_code read_keys(struct mun_vkey *ret, const struct mun_list *list,
                               struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (size_t i = 0; code == MUN_OK && i < list->len; i++) {
		code = mun_vkey_given(&ret[i], list->at[i], MUN_KEY_COSIGNER, "--witness-key", err);
		for (size_t k = 0; code == MUN_OK && k < i; k++) {
			if (mun_vkey_equal(&ret[i], &ret[k]))
				code = mun_fail(err, MUN_E_USAGE,
				                "--witness-key: the same is given twice");
		}
	}
	return code;
}

static enum mun_code check(const struct mun_args *args, struct mun_vkey *ret_keys,
                           struct mun_err *err)
{
	enum mun_code code = check_urls(&args->timestamp, "--timestamp", err);

	if (code == MUN_OK)
		code = check_urls(&args->witness, "--witness", err);
	for (size_t i = 0; code == MUN_OK && i < args->witness.len; i++) {
		if (strchr(args->witness.at[i], '?'))
			code = mun_fail(err, MUN_E_USAGE,
			                "--witness: an URL without a query is wanted");
	}
	if (code != MUN_OK)
		return code;
	if (args->witness.len > 0 && args->witness_key.len == 0)
		return mun_fail(err, MUN_E_USAGE,
		                "--witness needs --witness-key: whose cosignatures count");
	if (args->witness_key.len > 0 && args->witness.len == 0)
		return mun_fail(err, MUN_E_USAGE, "--witness-key needs --witness: whom to ask");
	return read_keys(ret_keys, &args->witness_key, err);
}

enum mun_code mun_anchoring_check(const struct mun_args *args, struct mun_err *err)
{
	struct mun_vkey ignored[MUN_LIST_MAX];

	return check(args, ignored, err);
}

static void add(struct mun_anchoring *a, const char *url, size_t witness)
{
	struct mun_anchor_exchange *x = &a->at[a->len++];

	x->url = url;
	x->witness = witness;
	(void)snprintf(x->label, sizeof(x->label), "%.*s", (int)strcspn(url, "?"), url);
	mun_buf_init(&x->query, 4096);
}

void mun_anchoring_closep(struct mun_anchoring **a)
{
	struct mun_anchoring *p = *a;

	*a = NULL;
	if (!p)
		return;
	mun_poster_closep(&p->poster);
	for (size_t i = 0; i < p->len; i++)
		mun_buf_done(&p->at[i].query);
	free(p);
}

static enum mun_code open_poster(struct mun_anchoring *a, struct mun_err *err)
{
	const struct mun_poster_options o = { a->app->args.cacert, "muniment/" MUN_VERSION };

	return a->poster ? MUN_OK : mun_poster_open(&a->poster, &o, err);
}

enum mun_code mun_anchoring_open(struct mun_anchoring **ret, struct mun_app *app,
                                 struct mun_journal *j, struct mun_err *err)
{
	const struct mun_args *args = &app->args;
	struct mun_anchoring *a MUN_CLEANUP(mun_anchoring_closep) = calloc(1, sizeof(*a));
	enum mun_code code;

	if (!a)
		return mun_fail(err, MUN_E_NOMEM, "no memory for anchors");
	code = check(args, a->key, err);
	if (code != MUN_OK)
		return code;
	a->app = app;
	a->j = j;
	a->key_len = args->witness_key.len;
	for (size_t i = 0; i < args->timestamp.len; i++)
		add(a, args->timestamp.at[i], SIZE_MAX);
	for (size_t i = 0; i < args->witness.len; i++)
		add(a, args->witness.at[i], i);
	if (a->len > 0)
		code = open_poster(a, err);
	if (code == MUN_OK)
		*ret = a->len > 0 ? MUN_STEAL(a) : NULL;
	return code;
}

/* ---- what each exchange does ---- */

static int64_t uptime_ms(const struct mun_anchoring *a)
{
	struct mun_now now;

	a->app->clock->now(a->app->clock, &now);
	return now.uptime_ms;
}

void mun_anchor_ended(struct mun_anchoring *a, struct mun_anchor_exchange *x, bool arrived)
{
	x->flying = false;
	if (!x->queued)
		*(arrived ? &a->sum.arrived : &a->sum.failed) += 1;
}

void mun_anchor_fail(struct mun_anchoring *a, struct mun_anchor_exchange *x, const char *fmt, ...)
{
	char text[MUN_ERR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	mun_anchor_ended(a, x, false);
	mun_say(a->app, "muniment: warning: no anchor from %s: %s", x->label, text);
}

void mun_anchor_post(struct mun_anchoring *a, struct mun_anchor_exchange *x, struct mun_post *post)
{
	int64_t left = x->deadline_ms - uptime_ms(a);
	struct mun_err err;

	if (left <= 0) {
		mun_anchor_fail(a, x, "it takes longer than %d s", MUN_ANCHOR_TIMEOUT_MS / 1000);
		return;
	}
	if (!post->url)
		post->url = x->url;
	post->tag = (uint64_t)(x - a->at);
	post->timeout_ms = (uint32_t)left;
	x->sends++;
	x->flying = true;
	if (open_poster(a, &err) != MUN_OK || mun_poster_start(a->poster, post, &err) != MUN_OK)
		mun_anchor_fail(a, x, "%s", err.text);
}

static enum mun_code check_clock(struct mun_anchoring *a, int64_t time_us, struct mun_err *err)
{
	struct mun_now now;
	char ours[MUN_DATE_MAX], theirs[MUN_DATE_MAX];

	a->app->clock->now(a->app->clock, &now);
	if (time_us >= now.real_us - LAG_MAX_US)
		return MUN_OK;
	mun_date_format(ours, now.real_us);
	mun_date_format(theirs, time_us);
	return mun_fail(err, MUN_E_REMOTE,
	                "not kept: there it is %s, and here %s; one of the two clocks is wrong",
	                theirs, ours);
}

bool mun_anchor_is_refusal(enum mun_code code)
{
	return code == MUN_E_REMOTE || code == MUN_E_INPUT;
}

enum mun_code mun_anchor_keep(struct mun_anchoring *a, const struct mun_anchor *anchor,
                              int64_t time_us, struct mun_err *err)
{
	char when[MUN_DATE_MAX];
	enum mun_code code = check_clock(a, time_us, err);

	if (code == MUN_OK)
		code = mun_checkpoint_anchor(a->j, anchor, err);
	if (code != MUN_OK || a->app->args.quiet)
		return code;
	mun_date_format(when, time_us);
	mun_say(a->app, "%" PRIu64 " entries anchored by %s: %s", anchor->size, anchor->by, when);
	return MUN_OK;
}

static enum mun_code ask_authority(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                                   struct mun_err *err)
{
	struct mun_signed s MUN_CLEANUP(mun_signed_done);
	struct mun_post post = { .content_type = "application/timestamp-query",
		                 .accept = "application/timestamp-reply" };
	uint8_t digest[MUN_SHA256_LEN];
	enum mun_code code;

	mun_signed_init(&s);
	code = mun_checkpoint_newest(a->j, x->size, &s, err);
	if (code != MUN_OK)
		return code;
	mun_sha256(digest, s.note.data, s.signed_len);
	mun_buf_clear(&x->query);
	code = mun_timestamp_request(&x->query, digest, err);
	if (code != MUN_OK)
		return code;
	post.body = x->query.data;
	post.body_len = x->query.len;
	mun_anchor_post(a, x, &post);
	return MUN_OK;
}

static enum mun_code take_stamp(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                                const struct mun_answer *answer, struct mun_err *err)
{
	struct mun_anchor anchor = { .size = x->size,
		                     .stamp = answer->body ? answer->body : "",
		                     .stamp_len = answer->body_len };
	struct mun_timestamp t;
	enum mun_code code;

	if (answer->http != 200) {
		mun_anchor_fail(a, x, "it answers HTTP %u", answer->http);
		return MUN_OK;
	}
	code = mun_timestamp_accept(&t, anchor.stamp, anchor.stamp_len, x->query.data, x->query.len,
	                            err);
	anchor.by = t.by;
	if (code == MUN_OK)
		code = mun_anchor_keep(a, &anchor, t.time_us, err);
	if (mun_anchor_is_refusal(code)) {
		mun_anchor_fail(a, x, "%s", err->text);
		return MUN_OK;
	}
	if (code == MUN_OK)
		mun_anchor_ended(a, x, true);
	return code;
}

static enum mun_code take(struct mun_anchoring *a, const struct mun_answer *answer,
                          struct mun_err *err)
{
	struct mun_anchor_exchange *x = &a->at[answer->tag];

	if (answer->body_cut) {
		mun_anchor_fail(a, x, "it answers more than %zu bytes", MUN_POST_ANSWER_MAX);
		return MUN_OK;
	}
	if (answer->send != MUN_SEND_OK) {
		mun_anchor_fail(a, x, "%s", answer->error);
		return MUN_OK;
	}
	return x->witness == SIZE_MAX ? take_stamp(a, x, answer, err)
	                              : mun_anchor_take_witness(a, x, answer, err);
}

/* ---- all of them ---- */

bool mun_anchoring_busy(const struct mun_anchoring *a)
{
	for (size_t i = 0; a && i < a->len; i++) {
		if (a->at[i].flying)
			return true;
	}
	return false;
}

struct mun_anchoring_sum mun_anchoring_sum(const struct mun_anchoring *a)
{
	return a ? a->sum : (struct mun_anchoring_sum){ 0 };
}

static enum mun_code check_signed(struct mun_anchoring *a, uint64_t size, struct mun_err *err)
{
	struct mun_signed s MUN_CLEANUP(mun_signed_done);
	enum mun_code code;

	mun_signed_init(&s);
	code = mun_checkpoint_newest(a->j, size, &s, err);
	if (code == MUN_OK && s.size != size)
		code = mun_fail(err, MUN_E_NOTFOUND, "no checkpoint of %" PRIu64 " entries", size);
	return code;
}

static enum mun_code start_next(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                                struct mun_err *err)
{
	x->queued = false;
	x->size = x->next_size;
	x->deadline_ms = x->next_deadline_ms;
	x->sends = 0;
	if (a->sum.alarmed) {
		mun_anchor_ended(a, x, false);
		return MUN_OK;
	}
	return x->witness == SIZE_MAX ? ask_authority(a, x, err)
	                              : mun_anchor_ask_witness(a, x, err);
}

enum mun_code mun_anchoring_begin(struct mun_anchoring *a, uint64_t size, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	if (!a)
		return MUN_OK;
	if (a->sum.alarmed)
		return mun_fail(err, MUN_E_JOURNAL,
		                "a witness has seen another line of this journal");
	code = check_signed(a, size, err);
	if (code != MUN_OK)
		return code;
	a->sum = (struct mun_anchoring_sum){ .wanted = a->len };
	for (size_t i = 0; code == MUN_OK && i < a->len; i++) {
		struct mun_anchor_exchange *x = &a->at[i];

		x->next_size = size;
		x->next_deadline_ms = uptime_ms(a) + MUN_ANCHOR_TIMEOUT_MS;
		x->queued = x->flying;
		if (!x->flying)
			code = start_next(a, x, err);
	}
	return code;
}

/* With the poster, so that no answer comes later for what is not expected any more. */
static void give_up(struct mun_anchoring *a, const char *why)
{
	mun_poster_closep(&a->poster);
	for (size_t i = 0; i < a->len; i++) {
		a->at[i].queued = false;
		if (a->at[i].flying)
			mun_anchor_fail(a, &a->at[i], "%s", why);
	}
}

enum mun_code mun_anchoring_step(struct mun_anchoring *a, uint32_t timeout_ms, struct mun_err *err)
{
	struct mun_answer answer[ANSWERS];
	enum mun_code code = MUN_OK;
	struct mun_err why;
	size_t n = 0;

	if (!mun_anchoring_busy(a))
		return MUN_OK;
	if (mun_poster_wait(a->poster, timeout_ms, answer, ANSWERS, &n, &why) != MUN_OK)
		give_up(a, why.text);
	for (size_t i = 0; i < n; i++) {
		if (code == MUN_OK)
			code = take(a, &answer[i], err);
		mun_answer_done(&answer[i]);
	}
	for (size_t i = 0; code == MUN_OK && i < a->len; i++) {
		if (a->at[i].queued && !a->at[i].flying)
			code = start_next(a, &a->at[i], err);
	}
	return code;
}

enum mun_code mun_anchoring_wait(struct mun_anchoring *a, struct mun_err *err)
{
	enum mun_code code = MUN_OK;
	int signals = mun_signal_count();

	while (code == MUN_OK && mun_anchoring_busy(a) && mun_signal_count() == signals)
		code = mun_anchoring_step(a, WAIT_MS, err);
	if (code == MUN_OK && mun_anchoring_busy(a))
		give_up(a, "given up");
	return code;
}
