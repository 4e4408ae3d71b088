/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/pace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/filter.h"
#include "lib/canon.h"
#include "lib/json.h"
#include "lib/text.h"

#define RATE_DEFAULT     "10/5s,90/m,900/h"
#define ATTEMPTS_DEFAULT 5
#define CONCURRENCY_MAX  256
#define MINUTE_MS        60000
#define DURATION_MAX_MS  (30 * 86400 * INT64_C(1000))
#define MAX_WAIT_MS      (6 * 3600 * UINT64_C(1000))

static enum mun_code number(uint64_t *ret, const char *option, const char *text, uint64_t min,
                            uint64_t max, struct mun_err *err)
{
	char *end = NULL;
	unsigned long long v;

	if (text == NULL)
		return MUN_OK;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || v < min || v > max)
		return mun_fail(err, MUN_E_USAGE, "%s %s: a number from %llu to %llu", option, text,
		                (unsigned long long)min, (unsigned long long)max);
	*ret = v;
	return MUN_OK;
}

static enum mun_code duration(uint64_t *ret, const char *option, const char *text, int64_t least,
                              struct mun_err *err)
{
	int64_t ms;

	if (text == NULL)
		return MUN_OK;
	if (!mun_duration_parse(&ms, text) || ms < least || ms > DURATION_MAX_MS)
		return mun_fail(err, MUN_E_USAGE,
		                "%s %s: a duration such as 90s, 5m, 2h, at most "
		                "30d",
		                option, text);
	*ret = (uint64_t)ms;
	return MUN_OK;
}

/* A time, or how long from now. */
static enum mun_code stop_at(struct mun_pace *ret, struct mun_app *app, struct mun_err *err)
{
	const char *text = app->args.stop_at;
	struct mun_now now;
	int64_t ms;

	if (text == NULL)
		return MUN_OK;
	if (!mun_duration_parse(&ms, text)) {
		if (text[0] == '-' ||
		    mun_time_option(&ret->stop_at_us, app, text, false, err) != MUN_OK)
			return mun_fail(err, MUN_E_USAGE,
			                "--stop-at %.60s: a time such as 2026-11-23T18:00:00Z, or "
			                "a duration from now such as 8h",
			                text);
		return MUN_OK;
	}
	app->clock->now(app->clock, &now);
	ret->stop_at_us = now.real_us + ms * 1000;
	return MUN_OK;
}

/* What the batch was run with before; a field that is absent is at its default. */
static enum mun_code take_over(struct mun_pace *p, const struct mun_entry *before,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	const char *text = before->u.start.options;
	const struct mun_json_val *root;
	const char *cacert, *kept;
	int64_t n;
	enum mun_code code = mun_rate_parse(&p->rate, before->u.start.limits, err);

	if (code == MUN_OK)
		code = mun_json_parse(&doc, text, strlen(text), err);
	if (code != MUN_OK)
		return mun_wrap(err, MUN_E_CORRUPT, "the options of the batch's start");
	root = mun_json_root(doc);
	p->attempts = before->u.start.attempts;
	if (mun_json_int(mun_json_get(root, "concurrency"), &n) && n >= 1 && n <= CONCURRENCY_MAX)
		p->concurrency = (uint32_t)n;
	if (mun_json_int(mun_json_get(root, "max_wait_ms"), &n) && n >= 0)
		p->max_wait_ms = (uint64_t)n;
	if (mun_json_int(mun_json_get(root, "settle_ms"), &n) && n >= 0)
		p->settle_ms = (uint64_t)n;
	if (mun_json_int(mun_json_get(root, "timeout_ms"), &n) && n >= 1)
		p->timeout_ms = (uint64_t)n;
	cacert = mun_json_str(mun_json_get(root, "cacert"));
	kept = mun_json_str(mun_json_get(root, "bodies"));
	(void)snprintf(p->cacert, sizeof(p->cacert), "%s", cacert ? cacert : "");
	p->no_bodies = kept && strcmp(kept, "none") == 0;
	return MUN_OK;
}

/* An absolute path, so that a later process finds it from elsewhere too. */
static enum mun_code authorities(struct mun_pace *p, const char *path, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) char *full = path ? realpath(path, NULL) : NULL;

	if (!path)
		return MUN_OK;
	if (!full)
		return mun_fail_errno(err, MUN_E_USAGE, errno, "--cacert %s", path);
	if (strlen(full) >= sizeof(p->cacert) || mun_utf8_bad(full, strlen(full)) != strlen(full))
		return mun_fail(err, MUN_E_USAGE, "--cacert: the path is too long or not UTF-8");
	(void)snprintf(p->cacert, sizeof(p->cacert), "%s", full);
	return MUN_OK;
}

static enum mun_code limits(struct mun_pace *p, const struct mun_args *a, struct mun_err *err)
{
	uint64_t concurrency = p->concurrency, attempts = p->attempts;
	enum mun_code code = MUN_OK;

	if (a->rate && mun_rate_parse(&p->rate, a->rate, err) != MUN_OK)
		return mun_wrap(err, MUN_E_USAGE, "--rate");
	code = number(&concurrency, "--concurrency", a->concurrency, 1, CONCURRENCY_MAX, err);
	if (code == MUN_OK)
		code = number(&attempts, "--attempts", a->attempts, 1, 100, err);
	if (code == MUN_OK)
		code = number(&p->stop_after, "--stop-after", a->stop_after, 1, UINT32_MAX, err);
	if (code == MUN_OK)
		code = number(&p->stop_on_failures, "--stop-on-failures", a->stop_on_failures, 1,
		              UINT32_MAX, err);
	p->concurrency = (uint32_t)concurrency;
	p->attempts = (uint32_t)attempts;
	return code;
}

static enum mun_code bodies(struct mun_pace *p, const char *text, struct mun_err *err)
{
	if (!text)
		return MUN_OK;
	p->no_bodies = strcmp(text, "none") == 0;
	if (!p->no_bodies && strcmp(text, "responses") != 0)
		return mun_fail(err, MUN_E_USAGE, "--bodies %s: responses or none", text);
	return MUN_OK;
}

enum mun_code mun_pace_get(struct mun_pace *ret, struct mun_app *app,
                           const struct mun_entry *before, struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	enum mun_code code = MUN_OK;

	*ret = (struct mun_pace){ .concurrency = 1,
		                  .attempts = ATTEMPTS_DEFAULT,
		                  .settle_ms = MINUTE_MS,
		                  .timeout_ms = MINUTE_MS,
		                  .max_wait_ms = MAX_WAIT_MS,
		                  .stop_at_us = MUN_TIME_NONE };
	code = before ? take_over(ret, before, err) : mun_rate_parse(&ret->rate, RATE_DEFAULT, err);
	if (code == MUN_OK)
		code = limits(ret, a, err);
	if (code == MUN_OK)
		code = duration(&ret->settle_ms, "--settle", a->settle, 0, err);
	if (code == MUN_OK)
		code = duration(&ret->timeout_ms, "--timeout", a->timeout, 1, err);
	if (code == MUN_OK)
		code = duration(&ret->max_wait_ms, "--max-wait", a->max_wait, 0, err);
	if (code == MUN_OK)
		code = stop_at(ret, app, err);
	if (code == MUN_OK)
		code = authorities(ret, a->cacert, err);
	return code == MUN_OK ? bodies(ret, a->bodies, err) : code;
}

void mun_pace_used(struct mun_buf *ret, const struct mun_rate *rate, const uint32_t *used)
{
	for (size_t i = 0; i < rate->len; i++) {
		struct mun_rate one = { .window = { rate->window[i] }, .len = 1 };
		char limit[64];

		mun_rate_format(limit, sizeof(limit), &one);
		mun_buf_printf(ret, "%s%u of %s", i == 0 ? "" : ", ", used[i], limit);
	}
}

void mun_pace_options(struct mun_buf *ret, const struct mun_pace *p, const struct mun_args *a)
{
	struct mun_canon c;

	mun_canon_init(&c, ret);
	mun_canon_object(&c, NULL);
	if (p->attempts != ATTEMPTS_DEFAULT)
		mun_canon_int(&c, "attempts", p->attempts);
	if (p->no_bodies)
		mun_canon_str(&c, "bodies", "none");
	if (p->cacert[0])
		mun_canon_str(&c, "cacert", p->cacert);
	if (p->concurrency != 1)
		mun_canon_int(&c, "concurrency", p->concurrency);
	if (a->keep_going)
		mun_canon_bool(&c, "keep_going", true);
	if (p->max_wait_ms != MAX_WAIT_MS)
		mun_canon_int(&c, "max_wait_ms", (int64_t)p->max_wait_ms);
	if (p->settle_ms != MINUTE_MS)
		mun_canon_int(&c, "settle_ms", (int64_t)p->settle_ms);
	if (p->stop_after > 0)
		mun_canon_int(&c, "stop_after", (int64_t)p->stop_after);
	if (p->stop_at_us != MUN_TIME_NONE) {
		char time[MUN_DATE_MAX];

		mun_date_format(time, p->stop_at_us);
		mun_canon_str(&c, "stop_at", time);
	}
	if (p->stop_on_failures > 0)
		mun_canon_int(&c, "stop_on_failures", (int64_t)p->stop_on_failures);
	if (p->timeout_ms != MINUTE_MS)
		mun_canon_int(&c, "timeout_ms", (int64_t)p->timeout_ms);
	mun_canon_end(&c);
}
