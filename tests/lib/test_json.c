/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/json.h"
#include "tests/test.h"

static void test_values_are_read(void **state)
{
	static const char text[] = " {\"almost\":[0.99999999999999999999,3.0,1e2,-0,7],\"s\":"
				   "\"a\\u00e4\\n\",\"i\":-12,\"big\":9007199254740991,"
				   "\"over\":9007199254740993,\"f\":1.5,\"e\":1e400,\"t\":true,"
				   "\"n\":null,\"a\":[1,\"x\",{}],\"o\":{\"k\":false}} \n";
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	const struct mun_json_val *root;
	const struct mun_json_val *a;
	struct mun_err err;
	int64_t i = 42;
	bool b = false;

	(void)state;
	assert_ok(mun_json_parse(&doc, text, strlen(text), &err), &err);
	root = mun_json_root(doc);
	assert_int_equal(mun_json_kind(root), MUN_JSON_OBJECT);
	assert_int_equal(mun_json_count(root), 11);
	assert_string_equal(mun_json_key(mun_json_first(root)), "almost");
	a = mun_json_first(mun_json_get(root, "almost"));
	for (size_t n = 0; n < 3; n++, a = mun_json_next(a))
		assert_false(mun_json_int(a, &i));
	assert_int_equal(i, 42);
	assert_true(mun_json_int(a, &i) && i == 0);
	assert_true(mun_json_int(mun_json_next(a), &i) && i == 7);
	i = 42;
	assert_string_equal(mun_json_str(mun_json_get(root, "s")), "a\xc3\xa4\n");
	assert_false(mun_json_int(mun_json_get(root, "over"), &i));
	assert_false(mun_json_int(mun_json_get(root, "f"), &i));
	assert_false(mun_json_int(mun_json_get(root, "e"), &i));
	assert_int_equal(i, 42);
	assert_true(mun_json_int(mun_json_get(root, "i"), &i));
	assert_int_equal(i, -12);
	assert_true(mun_json_int(mun_json_get(root, "big"), &i));
	assert_true(i == INT64_C(9007199254740991));
	assert_true(mun_json_bool(mun_json_get(root, "t"), &b) && b);
	assert_true(mun_json_bool(mun_json_get(mun_json_get(root, "o"), "k"), &b) && !b);
	assert_int_equal(mun_json_kind(mun_json_get(root, "n")), MUN_JSON_NULL);
	a = mun_json_get(root, "a");
	assert_int_equal(mun_json_count(a), 3);
	assert_string_equal(mun_json_str(mun_json_next(mun_json_first(a))), "x");
	assert_null(mun_json_key(mun_json_first(a)));
	assert_int_equal(mun_json_kind(mun_json_get(root, "S")), MUN_JSON_ABSENT);
	assert_null(mun_json_get(a, "x"));
	assert_null(mun_json_str(NULL));
	assert_int_equal(mun_json_count(NULL), 0);
}

static void test_refusals(void **state)
{
#define AT "invalid JSON at byte "
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{ "", AT "0: the text ends here" },
		{ "\xef\xbb\xbf{}", AT "0: expected a value" },
		{ "{\"a\":\"\xe9\"}", AT "6: not UTF-8" },
		{ "{} x", AT "3: something stands after the value" },
		{ "[1,]", AT "3: expected a value" },
		{ "[1 2]", AT "3: expected ',' or ']'" },
		{ "{\"a\" 1}", AT "5: expected ':' after a key" },
		{ "{\"a\":1", AT "6: expected ',' or '}'" },
		{ "{a:1}", AT "1: expected a string" },
		{ "{\"a\":1,}", AT "7: expected a string" },
		{ "01", AT "0: a number with a leading zero" },
		{ "-", AT "0: expected a value" },
		{ "1.", AT "2: expected a digit after the point" },
		{ "1e", AT "2: expected a digit in the exponent" },
		{ "+1", AT "0: expected a value" },
		{ "NaN", AT "0: expected a value" },
		{ "truex", AT "4: something stands after the value" },
		{ "\"a", AT "0: the string is not closed" },
		{ "\"\t\"", AT "1: a control character in a string" },
		{ "\"\\x\"", AT "1: an unknown escape in a string" },
		{ "\"\\u12\"", AT "1: \\u needs four hex digits" },
		{ "\"\\u0000\"", AT "1: a NUL character in a string" },
		{ "\"\\ud800x\"", AT "1: half of a surrogate pair" },
		{ "\"\\udc00\"", AT "1: half of a surrogate pair" },
		{ "[{\"b\":{\"k\":1,\"a\":2,\"\\u006b\":3}}]",
		  "invalid JSON: key \"k\" appears twice in one object" },
		{ "1234567890123456789012345678901234567890123456789012345678901",
		  AT "0: the number is too long" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_json *doc = NULL;
		struct mun_err err;

		assert_fails(mun_json_parse(&doc, cases[i].text, strlen(cases[i].text), &err),
		             MUN_E_INPUT, &err);
		assert_string_equal(err.text, cases[i].message);
		assert_null(doc);
	}
}

static void test_nul_and_depth(void **state)
{
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	struct mun_err err;
	char deep[130];

	(void)state;
	assert_fails(mun_json_parse(&doc, "{}\0", 3, &err), MUN_E_INPUT, &err);
	assert_fails(mun_json_parse(&doc, "\"a\0b\"", 5, &err), MUN_E_INPUT, &err);
	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	assert_fails(mun_json_parse(&doc, deep, 130, &err), MUN_E_INPUT, &err);
	assert_string_equal(err.text, AT "64: nested too deeply, the limit is 64 levels");
	assert_ok(mun_json_parse(&doc, deep + 1, 128, &err), &err);
}

static void test_every_truncation_fails(void **state)
{
	static const char text[] = "{\"a\":[1,-2.5e3,\"x\\u00e4\\n\"],\"b\":{\"c\":null}}";

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		struct mun_json *doc = NULL;
		struct mun_err err;

		assert_fails(mun_json_parse(&doc, text, len, &err), MUN_E_INPUT, &err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_read),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_nul_and_depth),
		cmocka_unit_test(test_every_truncation_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
