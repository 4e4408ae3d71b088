/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/pace.h"
#include "lib/date.h"
#include "tests/test.h"

#define NOW_US INT64_C(1795474081000000) /* 2026-11-23T22:48:01Z */

static struct mun_app app;
static struct mun_pace pace;
static struct mun_entry before;
static struct mun_err err;

static void fixed_now(const struct mun_clock *clock, struct mun_now *ret)
{
	(void)clock;
	*ret = (struct mun_now){ .real_us = NOW_US };
}

static const struct mun_clock fixed = { .now = fixed_now };

static int reset(void **state)
{
	(void)state;
	memset(&app, 0, sizeof(app));
	app.clock = &fixed;
	before = (struct mun_entry){ .kind = MUN_K_BATCH_STARTED };
	before.u.start.limits = "7/m";
	before.u.start.options = "{}";
	before.u.start.attempts = 5;
	return 0;
}

static void test_defaults(void **state)
{
	char rate[64];

	(void)state;
	assert_ok(mun_pace_get(&pace, &app, NULL, &err), &err);
	mun_rate_format(rate, sizeof(rate), &pace.rate);
	assert_string_equal(rate, "10/5s,90/m,900/h");
	assert_true(pace.concurrency == 1 && pace.attempts == 5);
	assert_true(pace.settle_ms == 60000 && pace.timeout_ms == 60000);
	assert_true(pace.max_wait_ms == 6 * 3600 * 1000);
	assert_true(pace.stop_at_us == MUN_TIME_NONE && pace.stop_after == 0);
	assert_true(!pace.no_bodies && pace.cacert[0] == '\0');
}

static void test_options_are_taken(void **state)
{
	(void)state;
	app.args.rate = "none";
	app.args.concurrency = "256";
	app.args.attempts = "1";
	app.args.settle = "0s";
	app.args.timeout = "500ms";
	app.args.max_wait = "30d";
	app.args.stop_at = "8h";
	app.args.stop_after = "25";
	app.args.stop_on_failures = "3";
	app.args.bodies = "none";
	assert_ok(mun_pace_get(&pace, &app, NULL, &err), &err);
	assert_true(pace.rate.len == 0 && pace.concurrency == 256 && pace.attempts == 1);
	assert_true(pace.settle_ms == 0 && pace.timeout_ms == 500);
	assert_true(pace.max_wait_ms == UINT64_C(30) * 86400 * 1000);
	assert_true(pace.stop_at_us == NOW_US + INT64_C(8) * 3600 * 1000000);
	assert_true(pace.stop_after == 25 && pace.stop_on_failures == 3 && pace.no_bodies);
	app.args.stop_at = "2026-11-24T06:00:00Z";
	assert_ok(mun_pace_get(&pace, &app, NULL, &err), &err);
	assert_true(pace.stop_at_us == INT64_C(1795500000000000));
}

static void test_refusals_name_the_option(void **state)
{
	static const struct {
		size_t field;
		const char *value, *option;
	} cases[] = {
#define AT(name) offsetof(struct mun_args, name)
		{ AT(rate), "10/5x", "--rate" },
		{ AT(rate), "0/m", "--rate" },
		{ AT(concurrency), "0", "--concurrency 0: a number from 1 to 256" },
		{ AT(concurrency), "257", "--concurrency" },
		{ AT(concurrency), "-1", "--concurrency" },
		{ AT(concurrency), "1x", "--concurrency" },
		{ AT(attempts), "101", "--attempts" },
		{ AT(attempts), "99999999999999999999", "--attempts" },
		{ AT(settle), "60", "--settle 60: a duration such as 90s" },
		{ AT(timeout), "0s", "--timeout" },
		{ AT(max_wait), "31d", "--max-wait" },
		{ AT(stop_after), "0", "--stop-after" },
		{ AT(stop_on_failures), "x", "--stop-on-failures" },
		{ AT(stop_at), "-8h", "--stop-at -8h" },
		{ AT(stop_at), "soon", "--stop-at soon" },
		{ AT(bodies), "all", "--bodies all: responses or none" },
		{ AT(cacert), "/no/such/file", "--cacert /no/such/file" },
#undef AT
	};

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		(void)reset(state);
		memcpy((char *)&app.args + cases[i].field, &cases[i].value, sizeof(cases[i].value));
		assert_fails(mun_pace_get(&pace, &app, NULL, &err), MUN_E_USAGE, &err);
		assert_memory_equal(err.text, cases[i].option, strlen(cases[i].option));
	}
}

static void test_a_batch_goes_on_as_it_was_run(void **state)
{
	(void)state;
	before.u.start.attempts = 9;
	before.u.start.options =
		"{\"attempts\":9,\"bodies\":\"none\",\"cacert\":\"/etc/ca.pem\",\"concurrency\":4,"
		"\"max_wait_ms\":1,\"settle_ms\":2,\"stop_after\":5,\"stop_at\":\"2026-11-24T06:00:"
		"00.000000Z\",\"stop_on_failures\":6,\"timeout_ms\":3}";
	assert_ok(mun_pace_get(&pace, &app, &before, &err), &err);
	assert_true(pace.rate.len == 1 && pace.rate.window[0].limit == 7);
	assert_true(pace.attempts == 9 && pace.concurrency == 4 && pace.no_bodies);
	assert_true(pace.max_wait_ms == 1 && pace.settle_ms == 2 && pace.timeout_ms == 3);
	assert_string_equal(pace.cacert, "/etc/ca.pem");
	/* A stop is of one process. */
	assert_true(pace.stop_after == 0 && pace.stop_on_failures == 0);
	assert_true(pace.stop_at_us == MUN_TIME_NONE);
	/* What is given now wins. */
	app.args.concurrency = "2";
	app.args.rate = "8/m";
	app.args.bodies = "responses";
	assert_ok(mun_pace_get(&pace, &app, &before, &err), &err);
	assert_true(pace.concurrency == 2 && pace.rate.window[0].limit == 8 && !pace.no_bodies);
	assert_true(pace.settle_ms == 2);
}

static void test_what_cannot_have_been_recorded_is_damage(void **state)
{
	(void)state;
	before.u.start.options = "{";
	assert_fails(mun_pace_get(&pace, &app, &before, &err), MUN_E_CORRUPT, &err);
	before.u.start.options = "{}";
	before.u.start.limits = "many";
	assert_fails(mun_pace_get(&pace, &app, &before, &err), MUN_E_CORRUPT, &err);
}

static const char *recorded(struct mun_buf *text)
{
	mun_buf_clear(text);
	mun_pace_options(text, &pace, &app.args);
	return mun_buf_str(text);
}

static void test_only_what_differs_is_recorded(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	char file[] = "/tmp/mun-pace-XXXXXX", expected[200];
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0 && close(fd) == 0);
	mun_buf_init(&text, 10000);
	assert_ok(mun_pace_get(&pace, &app, NULL, &err), &err);
	assert_string_equal(recorded(&text), "{}");
	app.args.attempts = "7";
	app.args.bodies = "none";
	app.args.cacert = file;
	app.args.concurrency = "3";
	app.args.keep_going = true;
	app.args.stop_at = "1s";
	app.args.stop_after = "2";
	app.args.stop_on_failures = "4";
	app.args.settle = app.args.timeout = app.args.max_wait = "2s";
	assert_ok(mun_pace_get(&pace, &app, NULL, &err), &err);
	(void)snprintf(expected, sizeof(expected),
	               "{\"attempts\":7,\"bodies\":\"none\",\"cacert\":\"%s\",\"concurrency\":3,"
	               "\"keep_going\":true,\"max_wait_ms\":2000,",
	               file);
	assert_memory_equal(recorded(&text), expected, strlen(expected));
	assert_string_equal(mun_buf_str(&text) + strlen(expected),
	                    "\"settle_ms\":2000,\"stop_after\":2,"
	                    "\"stop_at\":\"2026-11-23T22:48:02.000000Z\","
	                    "\"stop_on_failures\":4,\"timeout_ms\":2000}");
	(void)unlink(file);
}

#define pace_test(test) cmocka_unit_test_setup(test, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pace_test(test_defaults),
		pace_test(test_options_are_taken),
		pace_test(test_refusals_name_the_option),
		pace_test(test_a_batch_goes_on_as_it_was_run),
		pace_test(test_what_cannot_have_been_recorded_is_damage),
		pace_test(test_only_what_differs_is_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
