/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/canon.h"
#include "tests/test.h"

static void test_the_written_form_is_canonical(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf out = { .max = 1000 };
	struct mun_canon c;
	struct mun_err err;

	(void)state;
	mun_canon_init(&c, &out);
	mun_canon_object(&c, NULL);
	mun_canon_array(&c, "a");
	mun_canon_int(&c, NULL, -5);
	mun_canon_int(&c, NULL, 0);
	mun_canon_object(&c, NULL);
	mun_canon_end(&c);
	mun_canon_array(&c, NULL);
	mun_canon_end(&c);
	mun_canon_end(&c);
	mun_canon_bool(&c, "b", true);
	mun_canon_str(&c, "c", "\b\t\n\f\r\"\\/\x01\x1f\x7f\xc3\xa4");
	mun_canon_str(&c, "d", NULL);
	mun_canon_strn(&c, "e", "xyz", 2);
	mun_canon_int(&c, "f", INT64_C(9007199254740991));
	mun_canon_end(&c);
	assert_string_equal(
		mun_buf_str(&out),
		"{\"a\":[-5,0,{},[]],\"b\":true,\"c\":\"\\b\\t\\n\\f\\r\\\"\\\\/\\u0001"
		"\\u001f\x7f\xc3\xa4\",\"d\":null,\"e\":\"xy\",\"f\":9007199254740991}");
	assert_ok(mun_canon_check(out.data, out.len, &err), &err);
	for (size_t len = 0; len < out.len; len++)
		assert_fails(mun_canon_check(out.data, len, &err), MUN_E_INPUT, &err);
}

static void test_loose_objects_need_no_order(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf out = { .max = 1000 };
	struct mun_canon c;
	struct mun_err err;

	(void)state;
	mun_canon_init(&c, &out);
	mun_canon_loose(&c);
	mun_canon_object(&c, NULL);
	mun_canon_int(&c, "z", 1);
	mun_canon_int(&c, "a", 2);
	mun_canon_end(&c);
	assert_string_equal(mun_buf_str(&out), "{\"z\":1,\"a\":2}");
	assert_fails(mun_canon_check(out.data, out.len, &err), MUN_E_INPUT, &err);
	assert_string_equal(err.text, "not canonical JSON at byte 7: keys are not in order");
}

static void test_other_forms_are_refused(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{ "", "0: expected a value" },
		{ " 1", "0: expected a value" },
		{ "1 ", "1: something stands behind" },
		{ "[1, 2]", "3: expected a value" },
		{ "{\"a\": 1}", "5: expected a value" },
		{ "{\"a\":1,\"a\":2}", "7: keys are not in order" },
		{ "{\"ab\":1,\"a\":2}", "8: keys are not in order" },
		{ "{\"\\n\":1}", "1: a key that is not plain ASCII" },
		{ "1.5", "1: something stands behind" },
		{ "1e3", "1: something stands behind" },
		{ "01", "0: a number with a leading zero or out of range" },
		{ "-0", "0: a number with a leading zero or out of range" },
		{ "9007199254740992", "0: a number with a leading zero or out of range" },
		{ "\"\\/\"", "1: an escape that is not needed or unknown" },
		{ "\"\\u0041\"", "1: an escape that is not needed or unknown" },
		{ "\"\\u001F\"", "1: an escape that is not needed or unknown" },
		{ "\"\\u000a\"", "1: an escape that has a shorter form" },
		{ "\"\n\"", "1: a control character in a string" },
		{ "\"\xff\"", "1: not UTF-8" },
		{ "[[[[[[[[1]]]]]]]]", "7: nested too deeply" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_err err;
		static const char front[] = "not canonical JSON at byte ";

		assert_fails(mun_canon_check(cases[i].text, strlen(cases[i].text), &err),
		             MUN_E_INPUT, &err);
		assert_memory_equal(err.text, front, strlen(front));
		assert_string_equal(err.text + strlen(front), cases[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_written_form_is_canonical),
		cmocka_unit_test(test_loose_objects_need_no_order),
		cmocka_unit_test(test_other_forms_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
