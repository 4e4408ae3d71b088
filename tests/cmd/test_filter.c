/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/filter.h"
#include "lib/clock.h"
#include "lib/date.h"
#include "tests/test.h"

#define DAY INT64_C(86400000000)

static void fixed_now(const struct mun_clock *clock, struct mun_now *ret)
{
	(void)clock;
	*ret = (struct mun_now){ .real_us = 100 * DAY };
}

static const struct mun_clock fixed = { .now = fixed_now };
static struct mun_app app;

static enum mun_code make(struct mun_filter *f, struct mun_buf *storage, struct mun_err *err)
{
	app.clock = &fixed;
	mun_buf_init(storage, 65536);
	return mun_filter_make(f, &app, storage, err);
}

static void test_commas_are_alternatives(void **state)
{
	struct mun_buf storage;
	struct mun_filter f;
	struct mun_err err;

	(void)state;
	memset(&app, 0, sizeof app);
	app.args.f_state = "failed,in_doubt";
	app.args.f_http = "404,5xx";
	app.args.f_reason = "a, b";
	app.args.f_limit = "5";
	app.args.reverse = true;
	assert_ok(make(&f, &storage, &err), &err);
	assert_int_equal(f.state_len, 2);
	assert_string_equal(f.state[0], "failed");
	assert_string_equal(f.state[1], "in_doubt");
	assert_string_equal(f.http[1], "5xx");
	assert_int_equal(f.reason_len, 1);
	assert_string_equal(f.reason[0], "a, b");
	assert_true(f.limit == 5 && f.reverse);
	assert_true(f.since_us == MUN_TIME_NONE && f.after_seq == MUN_NO_SEQ);
	mun_buf_done(&storage);
}

static void test_times(void **state)
{
	struct mun_err err;
	int64_t us;

	(void)state;
	memset(&app, 0, sizeof app);
	app.clock = &fixed;
	assert_ok(mun_time_option(&us, &app, "1970-01-02", false, &err), &err);
	assert_true(us == DAY);
	assert_ok(mun_time_option(&us, &app, "1970-01-02", true, &err), &err);
	assert_true(us == 2 * DAY);
	assert_ok(mun_time_option(&us, &app, "90d", false, &err), &err);
	assert_true(us == 10 * DAY);
	assert_ok(mun_time_option(&us, &app, "-90d", true, &err), &err);
	assert_true(us == 10 * DAY);
	assert_ok(mun_time_option(&us, &app, "1970-01-01T01:00:00+01:00", false, &err), &err);
	assert_true(us == 0);
	assert_fails(mun_time_option(&us, &app, "yesterday", false, &err), MUN_E_USAGE, &err);
	assert_fails(mun_time_option(&us, &app, "90", false, &err), MUN_E_USAGE, &err);
	assert_int_equal(setenv("TZ", "UTC-1", 1), 0); /* one hour east */
	tzset();
	app.args.tz = "local";
	assert_ok(mun_time_option(&us, &app, "1970-01-02", false, &err), &err);
	assert_true(us == DAY - DAY / 24);
}

static void test_nonsense_is_refused(void **state)
{
	static const struct mun_args wrong[] = {
		{ .f_state = "gone" }, { .f_http = "4x" },     { .f_http = "abc" },
		{ .f_limit = "0" },    { .f_limit = "-1" },    { .f_after_seq = "1x" },
		{ .f_op = "delete" },  { .f_verdict = "ok?" }, { .f_kind = "x" },
		{ .f_run = "a,,b" },   { .f_since = "soon" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(wrong); i++) {
		struct mun_buf storage;
		struct mun_filter f;
		struct mun_err err;

		app.args = wrong[i];
		assert_fails(make(&f, &storage, &err), MUN_E_USAGE, &err);
		mun_buf_done(&storage);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commas_are_alternatives),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
