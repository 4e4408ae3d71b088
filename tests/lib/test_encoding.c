/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/encoding.h"
#include "tests/test.h"

#define TEXT(s) (s), sizeof(s) - 1

static void test_plain_text_is_told_apart(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		struct mun_encoding want;
	} cases[] = {
		{ TEXT(""), { 0 } },
		{ TEXT("a\tb\n"), { 0 } },
		{ TEXT("a\nb"), { .no_last_newline = true } },
		{ TEXT("a\r\nb\r\n"), { .crlf = true } },
		{ TEXT("\xef\xbb\xbf"
		       "a\n"),
		  { .skip = 3 } },
		{ TEXT("M\xc3\xbcller, \xe6\x97\xa5 and sixteen more bytes\n"), { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_encoding got;
		struct mun_err err;

		assert_ok(mun_encoding_check(&got, cases[i].data, cases[i].len, "f", &err), &err);
		assert_int_equal(got.skip, cases[i].want.skip);
		assert_int_equal(got.crlf, cases[i].want.crlf);
		assert_int_equal(got.no_last_newline, cases[i].want.no_last_newline);
	}
}

static void test_refusals_name_the_byte_and_the_way_out(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		const char *text, *hint; /* the hint's program and encoding, or NULL */
	} cases[] = {
		{ TEXT("\xff\xfe\x61\0"), "f: UTF-16 text at byte 0", "iconv -f UTF-16 " },
		{ TEXT("\xfe\xff\0\x61"), "f: UTF-16 text at byte 0", "iconv -f UTF-16 " },
		{ TEXT("\0a\0b"), "f: UTF-16 text (NUL) at byte 0", "iconv -f UTF-16BE " },
		{ TEXT("a\0b\0"), "f: UTF-16 text (NUL) at byte 1", "iconv -f UTF-16LE " },
		{ TEXT("\0"), "f: NUL at byte 0", NULL },
		{ TEXT("abc\0"), "f: NUL at byte 3", "iconv -f UTF-16 " },
		{ TEXT("M\xfcller"), "f: not UTF-8 at byte 1", "iconv -f WINDOWS-1252 " },
		{ TEXT("a\xc2\x9b"), "f: a control character at byte 1", "WINDOWS-1252 " },
		{ TEXT("0123456789\x1b$B"), "f: a control character at byte 10", "ISO-2022-JP " },
		{ TEXT("0123456789\x7f"), "f: a control character at byte 10", "UTF-16 " },
		{ TEXT("a\rb"), "f: a carriage return without a newline at byte 1", "tr '\\r'" },
		{ TEXT("a\r"), "f: a carriage return without a newline at byte 1", "tr '\\r'" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_encoding got;
		struct mun_err err;
		size_t len = strlen(cases[i].text);

		assert_fails(mun_encoding_check(&got, cases[i].data, cases[i].len, "f", &err),
		             MUN_E_INPUT, &err);
		assert_memory_equal(err.text, cases[i].text, len);
		assert_true(err.text[len] == (cases[i].hint ? '\n' : '\0'));
		if (cases[i].hint)
			assert_non_null(strstr(err.text + len, cases[i].hint));
	}
}

static void test_controls_are_found(void **state)
{
	(void)state;
	assert_int_equal(mun_control_at(TEXT("plain \xc3\xa4")), 8);
	assert_int_equal(mun_control_at(TEXT("a\nb")), 1);
	assert_int_equal(mun_control_at(TEXT("ab\x7f")), 2);
	assert_int_equal(mun_control_at(TEXT("ab\xc2\x85")), 2);
	assert_int_equal(mun_control_at(TEXT("ab\xc2\xa0")), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_text_is_told_apart),
		cmocka_unit_test(test_refusals_name_the_byte_and_the_way_out),
		cmocka_unit_test(test_controls_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
