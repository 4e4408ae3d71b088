/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/csv.h"
#include "tests/test.h"

/* Records as "line:field|field|\n"; a refused one as "line!\n". */
static void read_all(struct mun_buf *out, const char *data, size_t len)
{
	struct mun_csv c;
	struct mun_err err;
	bool more = true;

	mun_csv_init(&c, data, len);
	while (more) {
		enum mun_code code = mun_csv_next(&c, &more, &err);

		if (code != MUN_OK) {
			assert_int_equal(code, MUN_E_INPUT);
			mun_buf_printf(out, "%u!\n", (unsigned)c.line);
			continue;
		}
		if (!more)
			break;
		mun_buf_printf(out, "%u:", (unsigned)c.line);
		for (size_t i = 0; i < c.fields; i++) {
			assert_int_equal(strlen(c.text.data + c.field[i]), c.field_len[i]);
			mun_buf_printf(out, "%s|", c.text.data + c.field[i]);
		}
		mun_buf_putc(out, '\n');
	}
	mun_csv_done(&c);
}

static void test_records(void **state)
{
	static const struct {
		const char *data;
		const char *records;
	} cases[] = {
		{ "", "" },
		{ "a", "1:a|\n" },
		{ "a,b\n", "1:a|b|\n" },
		{ "a,b\r\nc,\r\n", "1:a|b|\n2:c||\n" },
		{ "\n,\n", "1:|\n2:||\n" },
		{ "\"a,\"\"b\nc\",d\ne", "1:a,\"b\nc|d|\n3:e|\n" },
		{ "\"\",\"\"\"\"", "1:|\"|\n" },
		{ "\"a\"b\nc", "1!\n2:c|\n" },
		{ "a\"b,c\nd", "1!\n2:d|\n" },
		{ "a\n\"b\nc", "1:a|\n2!\n" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_buf out = { .max = 4096 };

		read_all(&out, cases[i].data, strlen(cases[i].data));
		assert_string_equal(mun_buf_str(&out), cases[i].records);
		mun_buf_done(&out);
	}
}

static void test_too_many_fields_are_refused(void **state)
{
	char data[MUN_CSV_FIELDS + 2];
	struct mun_csv c;
	struct mun_err err;
	bool more;

	(void)state;
	memset(data, ',', sizeof(data));
	mun_csv_init(&c, data, MUN_CSV_FIELDS - 1);
	assert_ok(mun_csv_next(&c, &more, &err), &err);
	assert_int_equal(c.fields, MUN_CSV_FIELDS);
	mun_csv_done(&c);
	mun_csv_init(&c, data, MUN_CSV_FIELDS);
	assert_fails(mun_csv_next(&c, &more, &err), MUN_E_INPUT, &err);
	mun_csv_done(&c);
}

static void test_a_record_has_a_limit(void **state)
{
	const size_t len = 3 * (size_t)MUN_CSV_RECORD;
	MUN_CLEANUP(mun_freep) char *data = malloc(len);
	MUN_BUF_CLEANUP struct mun_buf out = { .max = 4 << 20 };

	(void)state;
	assert_non_null(data);
	memset(data, 'x', len);
	data[0] = 'a';
	data[1] = data[len - 2] = '\n';
	data[len - 1] = 'b';
	read_all(&out, data, len); /* one long line: the next is found again */
	assert_string_equal(mun_buf_str(&out), "1:a|\n2!\n3:b|\n");
	data[2] = '"';
	data[3] = '\n';
	mun_buf_clear(&out);
	read_all(&out, data, len); /* an open quote: nothing is guessed */
	assert_string_equal(mun_buf_str(&out), "1:a|\n2!\n");
}

static void test_cells(void **state)
{
	static const struct {
		const char *text;
		bool raw;
		const char *cell;
	} cases[] = {
		{ "", false, "" },
		{ "plain", false, "plain" },
		{ "a,b", false, "\"a,b\"" },
		{ "a\"b", false, "\"a\"\"b\"" },
		{ "a\nb", true, "\"a\nb\"" },
		{ "=1+1", false, "'=1+1" },
		{ "=1+1", true, "=1+1" },
		{ "@x,y", false, "\"'@x,y\"" },
		{ "-1", false, "'-1" },
		{ "\tx", false, "'\tx" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_buf out = { .max = 4096 };

		mun_csv_cell(&out, cases[i].text, strlen(cases[i].text), cases[i].raw);
		assert_string_equal(mun_buf_str(&out), cases[i].cell);
		mun_buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_too_many_fields_are_refused),
		cmocka_unit_test(test_a_record_has_a_limit),
		cmocka_unit_test(test_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
