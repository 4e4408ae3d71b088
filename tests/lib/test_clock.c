/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/text.h"
#include "tests/test.h"

static void test_both_times_go_on(void **state)
{
	const struct mun_clock *clock = mun_clock_system();
	const struct timespec pause = { .tv_nsec = 3000000 };
	struct mun_now a, b;

	(void)state;
	clock->now(clock, &a);
	(void)nanosleep(&pause, NULL);
	clock->now(clock, &b);
	assert_in_range(b.real_us - a.real_us, 3000, 60000000);
	assert_in_range(b.uptime_ms - a.uptime_ms, 2, 60000);
	/* Microseconds since 1970: after 2025, before 2200. */
	assert_in_range(a.real_us / 1000000, 1735689600, 7258118400);
}

static void test_one_boot_has_one_id(void **state)
{
	static const uint8_t none[MUN_BOOT_LEN];
	const struct mun_clock *clock = mun_clock_system();
	struct mun_now a, b;

	(void)state;
	clock->now(clock, &a);
	clock->now(clock, &b);
	assert_memory_equal(a.boot_id, b.boot_id, MUN_BOOT_LEN);
	assert_memory_not_equal(a.boot_id, none, MUN_BOOT_LEN);
}

static void test_the_machine_has_one_line(void **state)
{
	char id[65];

	(void)state;
	memset(id, 'x', sizeof(id));
	mun_machine_id(id);
	assert_true(strlen(id) <= 64);
	assert_null(strpbrk(id, " \t\r\n"));
	assert_int_equal(mun_utf8_bad(id, strlen(id)), strlen(id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_times_go_on),
		cmocka_unit_test(test_one_boot_has_one_id),
		cmocka_unit_test(test_the_machine_has_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
