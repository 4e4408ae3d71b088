/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

static void test_fail_records_code_and_text(void **state)
{
	struct mun_err err = { 0 };

	(void)state;
	assert_fails(mun_fail(&err, MUN_E_FULL, "entry has %d bytes, the limit is %d", 7, 5),
	             MUN_E_FULL, &err);
	assert_string_equal(err.text, "entry has 7 bytes, the limit is 5");
}

static void test_an_absent_error_is_accepted(void **state)
{
	(void)state;
	assert_int_equal(mun_fail(NULL, MUN_E_IO, "x"), MUN_E_IO);
	assert_int_equal(mun_fail_errno(NULL, MUN_E_IO, ENOENT, "x"), MUN_E_IO);
	assert_int_equal(mun_wrap(NULL, MUN_E_IO, "x"), MUN_E_IO);
	mun_hint(NULL, "x");
}

static void test_errno_is_spelt_out(void **state)
{
	struct mun_err err = { 0 };

	(void)state;
	assert_fails(mun_fail_errno(&err, MUN_E_IO, ENOENT, "open %s", "/x"), MUN_E_IO, &err);
	assert_string_equal(err.text, "open /x: No such file or directory");
}

static void test_wrap_goes_in_front(void **state)
{
	struct mun_err err = { 0 };

	(void)state;
	(void)mun_fail(&err, MUN_E_IO, "short read");
	assert_fails(mun_wrap(&err, MUN_E_JOURNAL, "append %zu entries", (size_t)3), MUN_E_JOURNAL,
	             &err);
	assert_string_equal(err.text, "append 3 entries: short read");
}

static void test_only_the_first_hint_stays(void **state)
{
	struct mun_err err = { 0 };

	(void)state;
	(void)mun_fail(&err, MUN_E_BUSY, "locked");
	mun_hint(&err, "wait for %s", "it");
	mun_hint(&err, "or not");
	(void)mun_wrap(&err, MUN_E_BUSY, "open");
	assert_string_equal(err.text, "open: locked\nhint: wait for it");
	assert_int_equal(err.code, MUN_E_BUSY);
}

static void test_long_text_is_cut_between_characters(void **state)
{
	struct mun_err err = { 0 };
	char text[MUN_ERR_TEXT_MAX * 3];

	(void)state;
	for (size_t front = 0; front < 4; front++) {
		memset(text, 'a', front);
		for (size_t i = front; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 4);
		(void)mun_fail(&err, MUN_E_IO, "%s", text);
		assert_true(strlen(err.text) >= MUN_ERR_TEXT_MAX - 4);
		assert_int_equal((strlen(err.text) - front) % 3, 0);
	}
}

static void test_every_code_has_its_own_name(void **state)
{
	(void)state;
	for (int i = MUN_OK; i <= MUN_E_INTERNAL; i++) {
		assert_string_not_equal(mun_code_name((enum mun_code)i), "unknown");
		for (int k = MUN_OK; k < i; k++)
			assert_string_not_equal(mun_code_name((enum mun_code)i),
			                        mun_code_name((enum mun_code)k));
	}
}

static void test_freep_and_steal(void **state)
{
	MUN_CLEANUP(mun_freep) char *kept = malloc(8);
	char *stolen;

	(void)state;
	assert_non_null(kept);
	stolen = MUN_STEAL(kept);
	assert_null(kept);
	free(stolen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail_records_code_and_text),
		cmocka_unit_test(test_an_absent_error_is_accepted),
		cmocka_unit_test(test_errno_is_spelt_out),
		cmocka_unit_test(test_wrap_goes_in_front),
		cmocka_unit_test(test_only_the_first_hint_stays),
		cmocka_unit_test(test_long_text_is_cut_between_characters),
		cmocka_unit_test(test_every_code_has_its_own_name),
		cmocka_unit_test(test_freep_and_steal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
