/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/buf.h"
#include "tests/test.h"

static void test_appends_are_kept_in_order(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf b = { .max = 100000 };
	struct mun_err err;
	char *room;

	(void)state;
	assert_string_equal(mun_buf_str(&b), "");
	mun_buf_puts(&b, "ab");
	mun_buf_putc(&b, 'c');
	mun_buf_add(&b, "de", 2);
	mun_buf_add(&b, NULL, 0);
	mun_buf_printf(&b, "%d-%s", 7, "x");
	room = mun_buf_reserve(&b, 2);
	assert_non_null(room);
	room[0] = 'y';
	room[1] = 'z';
	b.len += 2;
	assert_string_equal(mun_buf_str(&b), "abcde7-xyz");
	for (int i = 0; i < 1000; i++)
		mun_buf_printf(&b, "%060d", i);
	assert_int_equal(b.len, 60010);
	assert_int_equal(b.data[b.len], '\0');
	assert_ok(mun_buf_check(&b, "text", &err), &err);
	mun_buf_clear(&b);
	assert_string_equal(mun_buf_str(&b), "");
}

static void test_the_limit_is_exact_and_sticky(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf b = { .max = 4 };
	struct mun_err err;

	(void)state;
	mun_buf_puts(&b, "abcd");
	assert_ok(mun_buf_check(&b, "text", &err), &err);
	mun_buf_putc(&b, 'e');
	mun_buf_add(&b, "", 0);
	assert_string_equal(mun_buf_str(&b), "abcd");
	assert_fails(mun_buf_check(&b, "text", &err), MUN_E_FULL, &err);
	assert_string_equal(err.text, "text is too large, the limit is 4 bytes");
	mun_buf_clear(&b);
	mun_buf_puts(&b, "x");
	mun_buf_puts(&b, "toolong");
	mun_buf_putc(&b, 'y');
	assert_string_equal(mun_buf_str(&b), "x");
	assert_fails(mun_buf_check(&b, "text", &err), MUN_E_FULL, &err);
	mun_buf_done(&b);
	mun_buf_puts(&b, "yes");
	assert_ok(mun_buf_check(&b, "text", &err), &err);
	mun_buf_done(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appends_are_kept_in_order),
		cmocka_unit_test(test_the_limit_is_exact_and_sticky),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
