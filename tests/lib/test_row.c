/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as JSON and as CSV: null, times, numbers, text that needs quotes or looks like a formula. */
#include "lib/date.h"
#include "lib/row.h"
#include "tests/test.h"

static const struct mun_column columns[] = {
	{ "text", MUN_CELL_TEXT, true },
	{ "number", MUN_CELL_INT, true },
	{ "truth", MUN_CELL_BOOL, true },
	{ "time", MUN_CELL_TIME, true },
};
static const size_t order[] = { 3, 0, 1, 2 };

static void check(const struct mun_cell *cells, const char *json, const char *csv, bool raw)
{
	struct mun_buf b MUN_BUF_CLEANUP;

	mun_buf_init(&b, 4096);
	mun_row_json(&b, columns, order, 4, cells);
	assert_string_equal(mun_buf_str(&b), json);
	mun_buf_clear(&b);
	mun_row_csv(&b, columns, order, 4, cells, raw);
	assert_string_equal(mun_buf_str(&b), csv);
}

static void test_values(void **state)
{
	const struct mun_cell cells[] = { mun_cell_text("=a,\"b\"\n"),
		                          mun_cell_int(INT64_MIN),
		                          { .number = 1 },
		                          mun_cell_time(1) };

	(void)state;
	check(cells,
	      "{\"time\":\"1970-01-01T00:00:00.000001Z\",\"text\":\"=a,\\\"b\\\"\\n\","
	      "\"number\":-9223372036854775808,\"truth\":true}",
	      "1970-01-01T00:00:00.000001Z,\"'=a,\"\"b\"\"\n\",-9223372036854775808,true\r\n",
	      false);
}

static void test_nothing(void **state)
{
	const struct mun_cell cells[] = { mun_cell_text(NULL),
		                          { .null = true },
		                          { .null = true },
		                          mun_cell_time(MUN_TIME_NONE) };

	(void)state;
	check(cells, "{\"time\":null,\"text\":null,\"number\":null,\"truth\":null}", ",,,\r\n",
	      false);
}

static void test_raw_text_and_header(void **state)
{
	const struct mun_cell cells[] = {
		mun_cell_text("-1+2"), mun_cell_int(0), { .number = 0 }, mun_cell_time(0)
	};
	struct mun_buf b MUN_BUF_CLEANUP;

	(void)state;
	check(cells,
	      "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"text\":\"-1+2\",\"number\":0,"
	      "\"truth\":false}",
	      "1970-01-01T00:00:00.000000Z,-1+2,0,false\r\n", true);
	mun_buf_init(&b, 4096);
	mun_row_csv(&b, columns, order, 4, NULL, false);
	assert_string_equal(mun_buf_str(&b), "time,text,number,truth\r\n");
}

static void test_part_of_a_text(void **state)
{
	const struct mun_cell c = { .text = "abcdef", .text_len = 3 };
	struct mun_buf b MUN_BUF_CLEANUP;

	(void)state;
	mun_buf_init(&b, 16);
	mun_cell_plain(&b, &columns[0], &c);
	assert_string_equal(mun_buf_str(&b), "abc");
	assert_int_equal(mun_cell_len(&c), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_raw_text_and_header),
		cmocka_unit_test(test_part_of_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
