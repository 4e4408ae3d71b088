/* SPDX-License-Identifier: Apache-2.0 */
/* The words of --format. */
#include <string.h>

#include "lib/manifest.h"
#include "tests/test.h"

static void test_each_format_has_its_word(void **state)
{
	static const char *const words[] = { "auto", "ids", "csv", "jsonl", "json" };

	(void)state;
	for (enum mun_format f = MUN_FORMAT_AUTO; f <= MUN_FORMAT_JSON; f++) {
		enum mun_format got;

		assert_string_equal(mun_format_name(f), words[f]);
		assert_true(mun_format_parse(&got, words[f]));
		assert_int_equal(got, f);
	}
}

static void test_other_words_are_refused(void **state)
{
	static const char *const words[] = { "", "xml", "CSV", "json ", "ndjson5" };
	enum mun_format got = MUN_FORMAT_CSV;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(words); i++)
		assert_false(mun_format_parse(&got, words[i]));
	assert_int_equal(got, MUN_FORMAT_CSV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_format_has_its_word),
		cmocka_unit_test(test_other_words_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
