/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rate.h"
#include "tests/test.h"

static struct mun_err err;

static void parse(struct mun_rate *r, const char *s)
{
	assert_ok(mun_rate_parse(r, s, &err), &err);
}

static void test_text_to_windows_and_back(void **state)
{
	static const char *const good[] = { "10/5s,90/m,900/h", "10/5m", "none", "1/2d" };
	static const char *const bad[] = {
		"",     "10",  "10/",  "0/m",  "10/0s",    "10/m,",    "10/m 5",      "-1/m",
		"10/y", "x/m", "10/5", "NONE", "9/s,,9/s", "200000/m", "1/999999999d"
	};
	struct mun_rate r;
	char text[128];

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(good); i++) {
		parse(&r, good[i]);
		mun_rate_format(text, sizeof(text), &r);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++)
		assert_fails(mun_rate_parse(&r, bad[i], &err), MUN_E_USAGE, &err);
	assert_fails(mun_rate_parse(&r, "1/s,1/s,1/s,1/s,1/s,1/s,1/s,1/s,1/s", &err), MUN_E_USAGE,
	             &err);
}

/* Every admission is made at the earliest moment; no sliding window may ever hold more. */
static void check_never_exceeds(const char *text, unsigned seed)
{
	static int64_t times[2000];
	struct mun_admissions a;
	struct mun_rate r;
	int64_t now = 0;

	srandom(seed);
	parse(&r, text);
	assert_ok(mun_admissions_init(&a, &r, &err), &err);
	for (size_t n = 0; n < MUN_ARRAY_LEN(times); n++) {
		uint64_t wait;

		now += random() % 4 == 0 ? random() % 3000 : 0;
		wait = mun_rate_wait_ms(&r, &a, now);
		if (wait > 0)
			assert_true(mun_rate_wait_ms(&r, &a, now + (int64_t)wait - 1) > 0);
		now += (int64_t)wait;
		assert_int_equal(mun_rate_wait_ms(&r, &a, now), 0);
		mun_admissions_add(&a, now);
		times[n] = now;
		for (size_t w = 0; w < r.len; w++) {
			size_t limit = r.window[w].limit;

			assert_true(mun_rate_used(&r.window[w], &a, now) <= limit);
			if (n >= limit) /* limit + 1 requests never fit into one period */
				assert_true((uint64_t)(now - times[n - limit]) >=
				            r.window[w].period_ms);
		}
	}
	mun_admissions_done(&a);
}

static void test_no_sliding_window_is_exceeded(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 20; seed++) {
		check_never_exceeds("10/5s,90/m,900/h", seed);
		check_never_exceeds("100/m", seed);
		check_never_exceeds("1/s,30/m", seed);
	}
}

static void test_a_clock_that_goes_back_only_waits_longer(void **state)
{
	struct mun_admissions a;
	struct mun_rate r;

	(void)state;
	parse(&r, "1/m");
	assert_ok(mun_admissions_init(&a, &r, &err), &err);
	mun_admissions_add(&a, 100000);
	assert_int_equal(mun_rate_wait_ms(&r, &a, 50000), 60000);
	mun_admissions_add(&a, 40000);
	assert_int_equal(mun_rate_wait_ms(&r, &a, 100000), 60000);
	mun_admissions_done(&a);
}

static void test_eta_is_the_earliest_finish(void **state)
{
	static const struct {
		uint64_t items;
		const char *rate;
		const char *hours;
	} rows[] = {
		{ 1000, "100/m,1000/h", "0.15" },   { 1001, "100/m,1000/h", "1.00" },
		{ 5000, "100/m,1000/h", "4.15" },   { 10000, "100/m,1000/h", "9.15" },
		{ 50000, "100/m,1000/h", "49.15" }, { 1000, "90/m,900/h", "1.02" },
		{ 5000, "90/m,900/h", "5.08" },     { 10000, "90/m,900/h", "11.02" },
		{ 50000, "90/m,900/h", "55.08" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(rows); i++) {
		struct mun_admissions a;
		struct mun_rate r;
		char hours[32];

		parse(&r, rows[i].rate);
		assert_ok(mun_admissions_init(&a, &r, &err), &err);
		(void)snprintf(hours, sizeof(hours), "%.2f",
		               (double)mun_rate_eta_ms(&r, &a, 77, rows[i].items) / 3600000);
		assert_string_equal(hours, rows[i].hours);
		mun_admissions_done(&a);
	}
}

static void test_without_windows_nothing_waits(void **state)
{
	struct mun_admissions a;
	struct mun_rate r;

	(void)state;
	parse(&r, "none");
	assert_ok(mun_admissions_init(&a, &r, &err), &err);
	mun_admissions_add(&a, 5);
	assert_int_equal(mun_rate_wait_ms(&r, &a, 5), 0);
	assert_int_equal(mun_rate_eta_ms(&r, &a, 5, 1000000), 0);
	mun_admissions_done(&a);
}

/* Long lists are not simulated to their end; the result is that of the whole simulation. */
static void test_the_eta_of_long_lists_is_exact(void **state)
{
	static const char *const rates[] = { "10/5s,90/m,900/h", "100/m", "10/5m,7/m", "90/m,90/2m",
		                             "3/7s,11/29s" };

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(rates); i++)
		for (uint64_t n = 1; n < 6000; n += 611) {
			struct mun_admissions begun, all;
			struct mun_rate rate;
			int64_t now = 100000, time = now;

			assert_ok(mun_rate_parse(&rate, rates[i], &err), &err);
			assert_ok(mun_admissions_init(&begun, &rate, &err), &err);
			assert_ok(mun_admissions_init(&all, &rate, &err), &err);
			for (int64_t k = 1; k <= 5; k++) {
				mun_admissions_add(&begun, now - 6000 + k * 1000);
				mun_admissions_add(&all, now - 6000 + k * 1000);
			}
			for (uint64_t k = 0; k < n; k++) {
				time += (int64_t)mun_rate_wait_ms(&rate, &all, time);
				mun_admissions_add(&all, time);
			}
			assert_int_equal(mun_rate_eta_ms(&rate, &begun, now, n), time - now);
			mun_admissions_done(&begun);
			mun_admissions_done(&all);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_to_windows_and_back),
		cmocka_unit_test(test_no_sliding_window_is_exceeded),
		cmocka_unit_test(test_a_clock_that_goes_back_only_waits_longer),
		cmocka_unit_test(test_eta_is_the_earliest_finish),
		cmocka_unit_test(test_without_windows_nothing_waits),
		cmocka_unit_test(test_the_eta_of_long_lists_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
