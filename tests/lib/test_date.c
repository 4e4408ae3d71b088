/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/date.h"
#include "tests/test.h"

#define S INT64_C(1000000)

static void test_dates_are_formatted(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000000Z" },
		{ -1, "1969-12-31T23:59:59.999999Z" },
		{ 1709164800 * S, "2024-02-29T00:00:00.000000Z" },
		{ 1795474081 * S + 123456, "2026-11-23T22:48:01.123456Z" },
		{ 253402300799 * S + 999999, "9999-12-31T23:59:59.999999Z" },
		{ -62135596800 * S, "0001-01-01T00:00:00.000000Z" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		char text[MUN_DATE_MAX];
		enum mun_date_zone zone;
		int64_t back;

		mun_date_format(text, cases[i].us);
		assert_string_equal(text, cases[i].text);
		assert_true(mun_date_parse(&back, &zone, text, strlen(text)));
		assert_true(back == cases[i].us);
		assert_int_equal(zone, MUN_ZONE_GIVEN);
	}
}

static void test_forms_of_servers_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
		enum mun_date_zone zone;
	} cases[] = {
		{ "2024-02-29", 1709164800 * S, MUN_ZONE_NO_TIME },
		{ "2024-02-29 00:00:01", 1709164801 * S, MUN_ZONE_MISSING },
		{ "2024-02-29T00:00:00.5", 1709164800 * S + 500000, MUN_ZONE_MISSING },
		{ "2024-02-29t00:00:00.123456789z", 1709164800 * S + 123456, MUN_ZONE_GIVEN },
		{ "2024-02-29T02:00:00+02:00", 1709164800 * S, MUN_ZONE_GIVEN },
		{ "2024-02-28T19:30:00-0430", 1709164800 * S, MUN_ZONE_GIVEN },
		{ "2016-12-31T23:59:60Z", 1483228799 * S + 999999, MUN_ZONE_GIVEN },
	};
	static const char *const bad[] = {
		"",
		"2024",
		"2024-2-29",
		"2023-02-29",
		"2024-02-30",
		"2024-13-01",
		"0000-01-01",
		"2024-02-29T",
		"2024-02-29T24:00:00Z",
		"2024-02-29T00:60:00Z",
		"2024-02-29T00:00:61Z",
		"2024-02-29T00:00",
		"2024-02-29T00:00:00.",
		"2024-02-29T00:00:00.1234567890Z",
		"2024-02-29T00:00:00Zx",
		"2024-02-29T00:00:00+24:00",
		"2024-02-29T00:00:00+2",
		"2024-02-29T00:00:00 ",
		"1709164800",
		"2024-02-29Z",
		"+024-02-29",
	};
	enum mun_date_zone zone = MUN_ZONE_MISSING;
	int64_t us = 42;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++)
		assert_false(mun_date_parse(&us, &zone, bad[i], strlen(bad[i])));
	assert_int_equal(us, 42);
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		assert_true(mun_date_parse(&us, &zone, cases[i].text, strlen(cases[i].text)));
		assert_true(us == cases[i].us);
		assert_int_equal(zone, cases[i].zone);
	}
}

static void test_http_dates_are_read(void **state)
{
	static const char *const good[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
	};
	static const char *const bad[] = {
		"",
		"Sun",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sunday, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Xyz, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 31 Nov 1994 08:49:37 GMT",
	};
	int64_t us;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(good); i++) {
		us = 0;
		assert_true(mun_date_parse_http(&us, good[i], strlen(good[i])));
		assert_true(us == 784111777 * S);
	}
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++)
		assert_false(mun_date_parse_http(&us, bad[i], strlen(bad[i])));
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "0s", 0 },      { "500ms", 500 },  { "90s", 90000 },
		{ "5m", 300000 }, { "2h", 7200000 }, { "3650d", INT64_C(315360000000) },
	};
	static const char *const bad[] = { "",    "5",    "s",  "-5s",   "5 s",
		                           "5sx", "1.5h", "5w", "3651d", "99999999999999999999s" };
	static const struct {
		int64_t ms;
		const char *text;
	} shown[] = {
		{ 0, "0ms" },          { 999, "999ms" },  { 1000, "1s" },
		{ 12300, "12.3s" },    { 60000, "1m" },   { 90000, "1m 30s" },
		{ 6000000, "1h 40m" }, { 3600000, "1h" }, { 90000000, "1d 1h" },
		{ -5, "0ms" },
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		assert_true(mun_duration_parse(&ms, cases[i].text));
		assert_true(ms == cases[i].ms);
	}
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++)
		assert_false(mun_duration_parse(&ms, bad[i]));
	for (size_t i = 0; i < MUN_ARRAY_LEN(shown); i++) {
		char text[32];

		mun_duration_format(text, sizeof(text), shown[i].ms);
		assert_string_equal(text, shown[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates_are_formatted),
		cmocka_unit_test(test_forms_of_servers_are_read),
		cmocka_unit_test(test_http_dates_are_read),
		cmocka_unit_test(test_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
