/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/out.h"
#include "lib/date.h"
#include "tests/test.h"

static const struct mun_column columns[] = {
	{ "run", MUN_CELL_TEXT, true },
	{ "n", MUN_CELL_INT, true },
	{ "at", MUN_CELL_TIME, false },
	{ "ok", MUN_CELL_BOOL, false },
};
static struct mun_app app;
static char text[1 << 20];

/* What the rows print, read back from a file in stdout's place. */
static void print_rows(enum mun_output output, const char *fields, size_t rows, const char *first)
{
	struct mun_out *out = NULL;
	struct mun_err err;
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);
	size_t len;

	assert_non_null(file);
	(void)fflush(stdout);
	assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
	memset(&app, 0, sizeof app);
	app.output = output;
	app.args.fields = fields;
	assert_ok(mun_out_open(&out, &app, columns, MUN_ARRAY_LEN(columns), &err), &err);
	for (size_t i = 0; i < rows; i++) {
		const struct mun_cell cells[] = {
			{ .text = i == 0 ? first : "x" },
			{ .number = (int64_t)i },
			{ .number = i == 0 ? 0 : MUN_TIME_NONE },
			{ .number = 1 },
		};
		assert_ok(mun_out_row(out, cells, &err), &err);
	}
	assert_ok(mun_out_close(&out, &err), &err);
	assert_null(out);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	(void)close(saved);
	rewind(file);
	len = fread(text, 1, sizeof text - 1, file);
	text[len] = '\0';
	(void)fclose(file);
}

static void test_json_is_an_array_with_nulls(void **state)
{
	(void)state;
	print_rows(MUN_OUT_JSON, NULL, 0, NULL);
	assert_string_equal(text, "[]\n");
	print_rows(MUN_OUT_JSON, NULL, 2, NULL);
	assert_string_equal(text,
	                    "[{\"run\":null,\"n\":0,\"at\":\"1970-01-01T00:00:00.000000Z\","
	                    "\"ok\":true},\n{\"run\":\"x\",\"n\":1,\"at\":null,\"ok\":true}]\n");
	print_rows(MUN_OUT_JSONL, "n,run", 1, "a\033b");
	assert_string_equal(text, "{\"n\":0,\"run\":\"a\\u001bb\"}\n");
}

static void test_csv_has_a_header_and_no_formulas(void **state)
{
	(void)state;
	print_rows(MUN_OUT_CSV, "run,n", 0, NULL);
	assert_string_equal(text, "run,n\r\n");
	print_rows(MUN_OUT_CSV, "run,n", 1, "=1+1");
	assert_string_equal(text, "run,n\r\n'=1+1,0\r\n");
}

static void test_table_shows_foreign_text_and_aligns(void **state)
{
	(void)state;
	print_rows(MUN_OUT_TABLE, NULL, 2, "long\033]52\n");
	assert_null(strchr(text, '\033'));
	assert_non_null(strstr(text, "long"));
	print_rows(MUN_OUT_TABLE, NULL, 2, "abcdef");
	assert_string_equal(text, "run     n\nabcdef  0\nx       1\n");
	print_rows(MUN_OUT_TABLE, NULL, 0, NULL);
	assert_string_equal(text, "");
}

static void test_long_tables_have_one_header(void **state)
{
	size_t lines = 0;

	(void)state;
	print_rows(MUN_OUT_TABLE, NULL, 1000, "x");
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 1001);
	print_rows(MUN_OUT_IDS, NULL, 2, "one");
	assert_string_equal(text, "one\nx\n");
}

static void test_unknown_field_is_refused(void **state)
{
	struct mun_out *out = NULL;
	struct mun_err err;

	(void)state;
	memset(&app, 0, sizeof app);
	app.args.fields = "run,nope";
	assert_fails(mun_out_open(&out, &app, columns, MUN_ARRAY_LEN(columns), &err), MUN_E_USAGE,
	             &err);
	assert_non_null(strstr(err.text, "nope"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_is_an_array_with_nulls),
		cmocka_unit_test(test_csv_has_a_header_and_no_formulas),
		cmocka_unit_test(test_table_shows_foreign_text_and_aligns),
		cmocka_unit_test(test_long_tables_have_one_header),
		cmocka_unit_test(test_unknown_field_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
