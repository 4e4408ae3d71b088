/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/remote/retry.h"
#include "tests/test.h"

static void test_back_off_doubles_with_full_jitter_up_to_its_limit(void **state)
{
	(void)state;
	for (unsigned failures = 1; failures < 70; failures++) {
		uint64_t bound = failures < 9 ? 1000u << failures : MUN_BACKOFF_MAX_MS;

		assert_int_equal(mun_backoff_ms(failures, 0), 1000);
		assert_int_equal(mun_backoff_ms(failures, UINT32_MAX),
		                 bound > MUN_BACKOFF_MAX_MS ? MUN_BACKOFF_MAX_MS : bound);
	}
}

static void test_the_longest_wait_counts(void **state)
{
	(void)state;
	assert_int_equal(mun_wait_ms(-1, 0, UINT32_MAX), 1000);
	assert_int_equal(mun_wait_ms(0, 1, 0), 1000);
	assert_int_equal(mun_wait_ms(30, 1, UINT32_MAX), 30000);
	assert_int_equal(mun_wait_ms(1, 3, UINT32_MAX), 8000);
	assert_true(mun_wait_ms(INT64_MAX, 1, 0) >= (uint64_t)24 * 3600 * 1000);
}

static void test_retry_after_in_seconds_or_as_a_date(void **state)
{
	const int64_t date_us = INT64_C(784111777) * 1000000; /* Sun, 06 Nov 1994 08:49:37 GMT */

	(void)state;
	assert_int_equal(mun_retry_after_s("0", date_us), 0);
	assert_int_equal(mun_retry_after_s("120", date_us), 120);
	assert_true(mun_retry_after_s("99999999999999999999999", date_us) > 0);
	assert_int_equal(mun_retry_after_s("Sun, 06 Nov 1994 08:50:37 GMT", date_us), 60);
	assert_int_equal(mun_retry_after_s("Sun, 06 Nov 1994 08:00:00 GMT", date_us), 0);
	assert_int_equal(mun_retry_after_s("", date_us), -1);
	assert_int_equal(mun_retry_after_s("-1", date_us), -1);
	assert_int_equal(mun_retry_after_s("1.5", date_us), -1);
	assert_int_equal(mun_retry_after_s("soon", date_us), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_back_off_doubles_with_full_jitter_up_to_its_limit),
		cmocka_unit_test(test_the_longest_wait_counts),
		cmocka_unit_test(test_retry_after_in_seconds_or_as_a_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
