/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/hex.h"
#include "tests/test.h"

static void test_every_byte_goes_there_and_back(void **state)
{
	uint8_t in[256];
	uint8_t out[256];
	char text[513];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		in[i] = (uint8_t)i;
	mun_hex_encode(text, in, sizeof(in));
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text + 2 * 0xa5, "a5", 2);
	assert_true(mun_hex_decode(out, sizeof(out), text, 512));
	assert_memory_equal(in, out, sizeof(in));
}

static void test_other_texts_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "a", "0", "000", "0G", "g0", "0A", " 0", "0x", "-1"
	};
	uint8_t out = 0x77;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++)
		assert_false(mun_hex_decode(&out, 1, bad[i], strlen(bad[i])));
	assert_int_equal(out, 0x77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_goes_there_and_back),
		cmocka_unit_test(test_other_texts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
