/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json_scan.h"
#include "tests/test.h"

/* Parts of the container at pos as "key=value" or "value", a line each, then the place behind it.
 */
static enum mun_code walk_all(struct mun_buf *out, const char *text, size_t pos,
                              struct mun_err *err)
{
	struct mun_json_walk w;
	struct mun_json_part part;
	bool more = true;

	mun_buf_clear(out);
	assert_true(mun_json_walk_begin(&w, text, strlen(text), pos));
	while (more) {
		enum mun_code code = mun_json_walk_next(&w, &part, &more, err);

		if (code != MUN_OK)
			return code;
		if (!more)
			break;
		if (part.key_len > 0)
			mun_buf_printf(out, "%.*s=", (int)part.key_len, text + part.key);
		mun_buf_printf(out, "%.*s\n", (int)part.value_len, text + part.value);
	}
	mun_buf_printf(out, "%zu", w.pos);
	return MUN_OK;
}

static void test_parts(void **state)
{
	static const struct {
		const char *text;
		size_t pos;
		const char *parts;
	} cases[] = {
		{ "[]", 0, "2" },
		{ " { } x", 0, "4" },
		{ "[1 , \"a]\\\"\",[2,[3]] ]", 0, "1\n\"a]\\\"\"\n[2,[3]]\n21" },
		{ "[1, {\"a\" : [1], \"\\u0062\":{\"c\":null}}]", 3,
		  "\"a\"=[1]\n\"\\u0062\"={\"c\":null}\n36" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		MUN_BUF_CLEANUP struct mun_buf out = { .max = 4096 };
		struct mun_err err;

		assert_ok(walk_all(&out, cases[i].text, cases[i].pos, &err), &err);
		assert_string_equal(mun_buf_str(&out), cases[i].parts);
	}
}

static void test_what_is_no_container(void **state)
{
	static const char *const texts[] = { "", "  ", "1", "\"[\"", "]" };
	struct mun_json_walk w;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(texts); i++)
		assert_false(mun_json_walk_begin(&w, texts[i], strlen(texts[i]), 0));
}

/* The walk refuses what the check of the whole text refuses, in the same words. */
static void test_walk_and_scan_agree(void **state)
{
	static const char text[] =
		"{\"a\":[1,-2.5e3,\"x\\u00e4\\n\"],\"b\":{\"c\":null},\"d\":true}";
	static const char replacements[] = "\"\\{}[],:01-.eut x\x01";
	char copy[sizeof(text)];

	(void)state;
	for (size_t at = 1; at < strlen(text); at++) {
		for (size_t k = 0; k < strlen(replacements); k++) {
			MUN_BUF_CLEANUP struct mun_buf out = { .max = 4096 };
			struct mun_err scanned = { .code = MUN_OK };
			struct mun_err walked = { .code = MUN_OK };
			enum mun_code code;

			memcpy(copy, text, sizeof(text));
			copy[at] = replacements[k];
			code = walk_all(&out, copy, 0, &walked);
			if (code == MUN_OK) {
				const char *last = strrchr(mun_buf_str(&out), '\n');
				size_t end =
					strtoul(last == NULL ? mun_buf_str(&out) : last, NULL, 10);

				code = mun_json_scan_end(copy, strlen(copy), end, &walked);
			}
			assert_int_equal(mun_json_scan(copy, strlen(copy), &scanned), code);
			assert_string_equal(scanned.text, walked.text);
		}
	}
}

static void test_numbers_of_a_text(void **state)
{
	static const char text[] = "{\"1\":2,\"a\":[-0,1.0,1e2,\"3\\\"4\",0.99999999999999999999],"
				   "\"b\":{\"c\":12345678901234567890}}";
	static const bool integer[] = { true, true, false, false, false, true };
	size_t pos = 0;
	bool got;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(integer); i++) {
		assert_true(mun_json_next_number(text, strlen(text), &pos, &got));
		assert_int_equal(got, integer[i]);
	}
	assert_false(mun_json_next_number(text, strlen(text), &pos, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_what_is_no_container),
		cmocka_unit_test(test_walk_and_scan_agree),
		cmocka_unit_test(test_numbers_of_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
