/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a batch is to be run: options a line each, and what its start recorded, which is taken over.
 * What is made of them stands within its limits, and what is recorded of it gives the same again.
 */
#include "cmd/pace.h"
#include "lib/date.h"
#include "tests/fuzz/fuzz.h"

static struct mun_app app;

static void fixed_now(const struct mun_clock *clock, struct mun_now *ret)
{
	(void)clock;
	*ret = (struct mun_now){ .real_us = INT64_C(1795474081000000) };
}

/* Two lines are the recorded limits and options, the others one option each. */
static void take(struct mun_args *a, struct mun_entry *before, char *text)
{
	const char **const options[] = {
		&before->u.start.limits,
		&before->u.start.options,
		&a->rate,
		&a->concurrency,
		&a->attempts,
		&a->settle,
		&a->timeout,
		&a->max_wait,
		&a->stop_at,
		&a->stop_after,
		&a->stop_on_failures,
		&a->bodies,
	};

	for (size_t i = 0; text && i < MUN_ARRAY_LEN(options); i++) {
		char *end = strchr(text, '\n');

		if (end)
			*end = '\0';
		if (*text)
			*options[i] = text;
		text = end ? end + 1 : NULL;
	}
}

static void check_again(const struct mun_pace *p)
{
	struct mun_entry before = { .kind = MUN_K_BATCH_STARTED };
	struct mun_args given = app.args;
	struct mun_pace again;
	struct mun_buf options;
	struct mun_err err;
	char limits[512];

	assert(p->concurrency >= 1 && p->concurrency <= 256);
	assert(p->attempts >= 1 && p->timeout_ms >= 1);
	mun_buf_init(&options, 65536);
	mun_pace_options(&options, p, &app.args);
	mun_rate_format(limits, sizeof(limits), &p->rate);
	before.u.start.limits = limits;
	before.u.start.options = mun_buf_str(&options);
	before.u.start.attempts = p->attempts;
	memset(&app.args, 0, sizeof(app.args));
	assert(mun_pace_get(&again, &app, &before, &err) == MUN_OK);
	app.args = given;
	assert(again.rate.len == p->rate.len && again.concurrency == p->concurrency &&
	       again.attempts == p->attempts && again.settle_ms == p->settle_ms &&
	       again.timeout_ms == p->timeout_ms && again.max_wait_ms == p->max_wait_ms &&
	       again.no_bodies == p->no_bodies);
	assert(again.stop_at_us == MUN_TIME_NONE && again.stop_after == 0 &&
	       again.stop_on_failures == 0);
	mun_buf_done(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mun_clock clock = { .now = fixed_now };
	struct mun_entry before = { .kind = MUN_K_BATCH_STARTED };
	char *text = fuzz_string(data, size);
	struct mun_pace pace;
	struct mun_err err;
	enum mun_code code;

	memset(&app, 0, sizeof(app));
	app.clock = &clock;
	before.u.start.limits = "none";
	before.u.start.options = "{}";
	before.u.start.attempts = 5;
	take(&app.args, &before, text);
	code = mun_pace_get(&pace, &app, size % 2 ? &before : NULL, &err);
	if (code == MUN_OK)
		check_again(&pace);
	else
		assert(err.code == code && (code == MUN_E_USAGE || code == MUN_E_CORRUPT));
	free(text);
	return 0;
}
