/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of tar files: every byte of a small one, and sizes that octal digits cannot hold. */
#include <stdio.h>
#include <string.h>

#include "lib/tar.h"
#include "tests/test.h"

static unsigned sum_of(const uint8_t *block)
{
	unsigned sum = 8 * ' ';

	for (size_t i = 0; i < MUN_TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? 0 : block[i];
	return sum;
}

static void test_a_header_is_that_of_ustar(void **state)
{
	uint8_t block[MUN_TAR_BLOCK];
	char sum[8];

	(void)state;
	assert_true(mun_tar_header(block, "plan/x.ids", 0777, 1795530623));
	assert_string_equal((char *)block, "plan/x.ids");
	assert_string_equal((char *)block + 100, "0000644");
	assert_string_equal((char *)block + 108, "0000000");
	assert_string_equal((char *)block + 116, "0000000");
	assert_string_equal((char *)block + 124, "00000000777");
	assert_string_equal((char *)block + 136, "15301317577");
	assert_int_equal(block[156], '0');
	assert_memory_equal(block + 257,
	                    "ustar\0"
	                    "00",
	                    8);
	assert_int_equal(block[265], 0); /* no names of owners */
	(void)snprintf(sum, sizeof(sum), "%06o", sum_of(block));
	assert_string_equal((char *)block + 148, sum);
	assert_int_equal(block[155], ' ');
}

static void test_a_large_size_is_binary(void **state)
{
	static const uint8_t wanted[12] = { 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 5 };
	uint8_t block[MUN_TAR_BLOCK];

	(void)state;
	assert_true(mun_tar_header(block, "x", (UINT64_C(8) << 30) - 1, 0));
	assert_string_equal((char *)block + 124, "77777777777");
	assert_true(mun_tar_header(block, "x", (UINT64_C(8) << 30) + 5, 0));
	assert_memory_equal(block + 124, wanted, sizeof(wanted));
}

static void test_names_have_a_limit(void **state)
{
	uint8_t block[MUN_TAR_BLOCK];
	char name[MUN_TAR_NAME + 2];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[MUN_TAR_NAME] = '\0';
	assert_true(mun_tar_header(block, name, 0, 0));
	name[MUN_TAR_NAME] = 'x';
	name[MUN_TAR_NAME + 1] = '\0';
	assert_false(mun_tar_header(block, name, 0, 0));
	assert_false(mun_tar_header(block, "", 0, 0));
}

static void test_files_end_with_their_block(void **state)
{
	(void)state;
	assert_int_equal(mun_tar_padding(0), 0);
	assert_int_equal(mun_tar_padding(1), 511);
	assert_int_equal(mun_tar_padding(512), 0);
	assert_int_equal(mun_tar_padding(513), 511);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_header_is_that_of_ustar),
		cmocka_unit_test(test_a_large_size_is_binary),
		cmocka_unit_test(test_names_have_a_limit),
		cmocka_unit_test(test_files_end_with_their_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
