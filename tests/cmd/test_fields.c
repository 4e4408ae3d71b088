/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/fields.h"
#include "tests/test.h"

static const char object[] = "{\"batch\":\"b-1\",\"counts\":{\"total\":3,\"state\":\"inner\"},"
			     "\"odd\":\"a,\\\"}]\\\\\",\"list\":[{\"n\":1},[2,3]],\"state\":null,"
			     "\"last\":-7}\n";
static struct mun_buf out;

static const char *chosen(const char *fields)
{
	struct mun_err err;

	mun_buf_clear(&out);
	assert_ok(mun_fields_select(&out, object, strlen(object), fields, &err), &err);
	return mun_buf_str(&out);
}

static void test_order_is_as_asked_and_values_stay(void **state)
{
	(void)state;
	assert_string_equal(chosen("last,batch"), "{\"last\":-7,\"batch\":\"b-1\"}\n");
	assert_string_equal(chosen("odd"), "{\"odd\":\"a,\\\"}]\\\\\"}\n");
	assert_string_equal(chosen("list,counts"),
	                    "{\"list\":[{\"n\":1},[2,3]],"
	                    "\"counts\":{\"total\":3,\"state\":\"inner\"}}\n");
}

static void test_members_of_members_are_no_fields(void **state)
{
	static const char *const bad[] = { "total", "nope", "", "batch,", "bat", "batch2", "n" };
	struct mun_err err;

	(void)state;
	assert_string_equal(chosen("state"), "{\"state\":null}\n");
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		mun_buf_clear(&out);
		assert_fails(mun_fields_select(&out, object, strlen(object), bad[i], &err),
		             MUN_E_USAGE, &err);
	}
}

static void test_empty_and_cut_objects_are_survived(void **state)
{
	struct mun_err err;

	(void)state;
	for (size_t len = 1; len < strlen(object); len++) {
		enum mun_code code;

		mun_buf_clear(&out);
		code = mun_fields_select(&out, object, len, "last", &err);
		assert_true(code == MUN_OK || code == MUN_E_USAGE);
	}
	assert_fails(mun_fields_select(&out, "{}", 2, "last", &err), MUN_E_USAGE, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_is_as_asked_and_values_stay),
		cmocka_unit_test(test_members_of_members_are_no_fields),
		cmocka_unit_test(test_empty_and_cut_objects_are_survived),
	};
	int failed;

	mun_buf_init(&out, 65536);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	mun_buf_done(&out);
	return failed;
}
