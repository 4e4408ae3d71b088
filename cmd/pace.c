/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/pace.h"

#include <errno.h>
#include <stdlib.h>

#include "cmd/filter.h"
#include "lib/canon.h"

#define RATE_DEFAULT     "10/5s,90/m,900/h"
#define ATTEMPTS_DEFAULT 5

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

static enum mun_code duration(uint64_t *ret, const char *option, const char *text,
                              struct mun_err *err)
{
	int64_t ms;

	if (text == NULL)
		return MUN_OK;
	if (!mun_duration_parse(&ms, text) || ms < 0)
		return mun_fail(err, MUN_E_USAGE, "%s %s: a duration such as 90s, 5m, 2h", option,
		                text);
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
	if (!mun_duration_parse(&ms, text))
		return mun_time_option(&ret->stop_at_us, app, text, false, err);
	app->clock->now(app->clock, &now);
	ret->stop_at_us = now.real_us + ms * 1000;
	return MUN_OK;
}

enum mun_code mun_pace_get(struct mun_pace *ret, struct mun_app *app, struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	uint64_t concurrency = 1, attempts = ATTEMPTS_DEFAULT;
	enum mun_code code;

	*ret = (struct mun_pace){ .settle_ms = 60000,
		                  .timeout_ms = 60000,
		                  .max_wait_ms = 6 * 3600 * UINT64_C(1000),
		                  .stop_at_us = MUN_TIME_NONE };
	code = mun_rate_parse(&ret->rate, a->rate != NULL ? a->rate : RATE_DEFAULT, err);
	if (code != MUN_OK)
		return mun_wrap(err, MUN_E_USAGE, "--rate");
	code = number(&concurrency, "--concurrency", a->concurrency, 1, 256, err);
	if (code == MUN_OK)
		code = number(&attempts, "--attempts", a->attempts, 1, 100, err);
	if (code == MUN_OK)
		code = number(&ret->stop_after, "--stop-after", a->stop_after, 1, UINT32_MAX, err);
	if (code == MUN_OK)
		code = number(&ret->stop_on_failures, "--stop-on-failures", a->stop_on_failures, 1,
		              UINT32_MAX, err);
	if (code == MUN_OK)
		code = duration(&ret->settle_ms, "--settle", a->settle, err);
	if (code == MUN_OK)
		code = duration(&ret->timeout_ms, "--timeout", a->timeout, err);
	if (code == MUN_OK)
		code = duration(&ret->max_wait_ms, "--max-wait", a->max_wait, err);
	if (code == MUN_OK)
		code = stop_at(ret, app, err);
	ret->concurrency = (uint32_t)concurrency;
	ret->attempts = (uint32_t)attempts;
	return code;
}

void mun_pace_options(struct mun_buf *ret, const struct mun_pace *p, const struct mun_args *a)
{
	struct mun_canon c;

	mun_canon_init(&c, ret);
	mun_canon_object(&c, NULL);
	if (p->attempts != ATTEMPTS_DEFAULT)
		mun_canon_int(&c, "attempts", p->attempts);
	if (p->concurrency != 1)
		mun_canon_int(&c, "concurrency", p->concurrency);
	if (a->keep_going)
		mun_canon_bool(&c, "keep_going", true);
	if (a->max_wait != NULL)
		mun_canon_int(&c, "max_wait_ms", (int64_t)p->max_wait_ms);
	if (a->settle != NULL)
		mun_canon_int(&c, "settle_ms", (int64_t)p->settle_ms);
	if (p->stop_after > 0)
		mun_canon_int(&c, "stop_after", (int64_t)p->stop_after);
	if (p->stop_on_failures > 0)
		mun_canon_int(&c, "stop_on_failures", (int64_t)p->stop_on_failures);
	if (a->timeout != NULL)
		mun_canon_int(&c, "timeout_ms", (int64_t)p->timeout_ms);
	mun_canon_end(&c);
}
