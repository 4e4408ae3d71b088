/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/text.h"
#include "tests/test.h"

static void test_bad_utf8_is_found(void **state)
{
	static const struct {
		const char *s;
		size_t bad;
	} cases[] = {
		{ "", 0 },
		{ "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 10 },
		{ "a\x80", 1 },            /* continuation alone */
		{ "ab\xc3", 2 },           /* cut short */
		{ "\xc0\xaf", 0 },         /* overlong */
		{ "\xe0\x80\xaf", 0 },     /* overlong */
		{ "x\xed\xa0\x80", 1 },    /* surrogate */
		{ "\xf4\x90\x80\x80", 0 }, /* above U+10FFFF */
		{ "\xf0\x8f\xbf\xbf", 0 }, /* overlong */
		{ "\xff", 0 },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++)
		assert_int_equal(mun_utf8_bad(cases[i].s, strlen(cases[i].s)), cases[i].bad);
}

static void test_foreign_text_is_made_visible(void **state)
{
	static const struct {
		const char *s;
		const char *shown;
		const char *ascii;
	} cases[] = {
		{ "plain", "plain", "plain" },
		{ "\t\n\r", "\\t\\n\\u{d}", "\\t\\n\\u{d}" },
		{ "\x1b[31m\x7f", "\\u{1b}[31m\\u{7f}", "\\u{1b}[31m\\u{7f}" },
		{ "\xc3\xa4\xc2\x9b", "\xc3\xa4\\u{9b}", "\\u{e4}\\u{9b}" },
		{ "\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8e\xd8\x9c",
		  "\\u{202e}\\u{2066}\\u{200e}\\u{61c}", "\\u{202e}\\u{2066}\\u{200e}\\u{61c}" },
		{ "\xef\xbb\xbf\xe2\x80\xa8", "\\u{feff}\\u{2028}", "\\u{feff}\\u{2028}" },
		{ "a\xff\xe2\x82", "a\\xff\\xe2\\x82", "a\\xff\\xe2\\x82" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		MUN_BUF_CLEANUP struct mun_buf b = { .max = 1000 };

		mun_text_visible(&b, cases[i].s, strlen(cases[i].s), false);
		assert_string_equal(mun_buf_str(&b), cases[i].shown);
		mun_buf_clear(&b);
		mun_text_visible(&b, cases[i].s, strlen(cases[i].s), true);
		assert_string_equal(mun_buf_str(&b), cases[i].ascii);
	}
}

static void test_columns_and_cuts(void **state)
{
	static const char wide[] = "a\xe6\xbc\xa2"
				   "e\xcc\x81z"; /* a, CJK, e with accent, z */
	char copy[6];

	(void)state;
	assert_int_equal(mun_text_columns(wide, strlen(wide)), 5);
	assert_int_equal(mun_text_fit(wide, strlen(wide), 2), 1);
	assert_int_equal(mun_text_fit(wide, strlen(wide), 3), 4);
	assert_int_equal(mun_text_fit(wide, strlen(wide), 4), 7);
	assert_int_equal(mun_text_columns("\xff\xff", 2), 2);
	mun_text_copy(copy, sizeof(copy), "abcd\xc3\xa4", 6);
	assert_string_equal(copy, "abcd");
	mun_text_copy(copy, sizeof(copy), "abc\xc3\xa4xyz", 8);
	assert_string_equal(copy, "abc\xc3\xa4");
	mun_text_copy(copy, sizeof(copy), "ab", 2);
	assert_string_equal(copy, "ab");
}

static void test_web_tokens_are_found(void **state)
{
	static const char *const none[] = { "", "eyJ", "a key: eyJabcdefghijklmnop",
		                            "eyjabcdefghijklmnopqrst",
		                            "eyJabcdefghijklm nopqrstuvw" };
	static const struct {
		const char *text;
		size_t at, len;
	} some[] = {
		{ "eyJabcdefghijklmnopq", 0, 20 },
		{ "\"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.a-b_c\" is", 1, 41 },
		{ "eyJ eyJ k=eyJABCDEFGHIJ0123456789,x", 10, 23 },
	};
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(none); i++)
		assert_null(mun_text_token(none[i], strlen(none[i]), &len));
	for (size_t i = 0; i < MUN_ARRAY_LEN(some); i++) {
		const char *text = some[i].text;

		assert_ptr_equal(mun_text_token(text, strlen(text), &len), text + some[i].at);
		assert_int_equal(len, some[i].len);
	}
	assert_null(mun_text_token("eyJabcdefghijklmnopq", 19, &len));
	assert_null(mun_text_token("eyJabcdefgh\0ijklmnopq", 21, &len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_utf8_is_found),
		cmocka_unit_test(test_foreign_text_is_made_visible),
		cmocka_unit_test(test_columns_and_cuts),
		cmocka_unit_test(test_web_tokens_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
