/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/remote/op.h"
#include "tests/test.h"

static void test_there_are_two_operations(void **state)
{
	(void)state;
	assert_int_equal(MUN_OPS, 2);
	for (unsigned i = 0; i < MUN_OPS; i++) {
		const struct mun_op *op = &mun_ops[i];

		assert_ptr_equal(mun_op_find(op->name), op);
		assert_null(strstr(op->suffix, "delete"));
		assert_true(mun_verdict_is_success(op->done));
		assert_true(mun_verdict_is_success(op->already));
		assert_string_not_equal(op->assume, op->assume_not);
		assert_non_null(strstr(op->plan_command, op == &mun_ops[MUN_OP_ARCHIVE] ? "plan" : op->name));
	}
	assert_string_equal(mun_ops[MUN_OP_ARCHIVE].method, "DELETE");
	assert_string_equal(mun_ops[MUN_OP_ARCHIVE].suffix, "");
	assert_true(mun_ops[MUN_OP_ARCHIVE].goal_archived);
	assert_string_equal(mun_ops[MUN_OP_RESTORE].method, "PUT");
	assert_string_equal(mun_ops[MUN_OP_RESTORE].suffix, "/activate");
	assert_false(mun_ops[MUN_OP_RESTORE].goal_archived);
}

static void test_other_words_are_none(void **state)
{
	static const char *const words[] = { "", "delete", "Archive", "archive ", "archiv" };

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(words); i++)
		assert_null(mun_op_find(words[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_are_two_operations),
		cmocka_unit_test(test_other_words_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
