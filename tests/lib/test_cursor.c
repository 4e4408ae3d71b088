/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/cursor.h"
#include "tests/test.h"

static void test_numbers_are_big_endian(void **state)
{
	uint8_t p[15] = { 0x01 };
	struct mun_cursor c;

	(void)state;
	mun_put_u16(p + 1, 0x0203);
	mun_put_u32(p + 3, 0x04050607);
	mun_put_u64(p + 7, 0x08090a0b0c0d0e0f);
	for (size_t i = 0; i < sizeof(p); i++)
		assert_int_equal(p[i], i + 1);
	assert_int_equal(mun_get_u32(p + 3), 0x04050607);
	assert_true(mun_get_u64(p + 7) == 0x08090a0b0c0d0e0f);
	mun_cursor_init(&c, p, sizeof(p));
	assert_int_equal(mun_cursor_u8(&c), 1);
	assert_int_equal(mun_cursor_u16(&c), 0x0203);
	assert_int_equal(mun_cursor_u32(&c), 0x04050607);
	assert_false(mun_cursor_at_end(&c));
	assert_true(mun_cursor_u64(&c) == 0x08090a0b0c0d0e0f);
	assert_true(mun_cursor_at_end(&c));
}

static void test_reading_past_the_end_is_sticky(void **state)
{
	static const uint8_t p[3] = { 1, 2, 3 };
	struct mun_cursor c;

	(void)state;
	mun_cursor_init(&c, p, sizeof(p));
	assert_int_equal(mun_cursor_u32(&c), 0);
	assert_int_equal(mun_cursor_u8(&c), 0);
	assert_null(mun_cursor_bytes(&c, 0));
	assert_false(mun_cursor_at_end(&c));
	mun_cursor_init(&c, p, sizeof(p));
	assert_ptr_equal(mun_cursor_bytes(&c, 3), p);
	assert_true(mun_cursor_at_end(&c));
	assert_null(mun_cursor_bytes(&c, SIZE_MAX));
	assert_false(mun_cursor_at_end(&c));
	mun_cursor_init(&c, NULL, 0);
	assert_true(mun_cursor_at_end(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_big_endian),
		cmocka_unit_test(test_reading_past_the_end_is_sticky),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
