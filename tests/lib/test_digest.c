/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/digest.h"
#include "tests/test.h"

static const uint8_t empty[] = {
	0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4,
	0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b,
	0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
};
static const uint8_t abc[] = {
	0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
	0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
	0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad,
};

static void test_known_answers(void **state)
{
	uint8_t got[MUN_SHA256_LEN];

	(void)state;
	mun_sha256(got, "", 0);
	assert_memory_equal(got, empty, sizeof(empty));
	mun_sha256(got, "abc", 3);
	assert_memory_equal(got, abc, sizeof(abc));
}

static void test_pieces_are_joined_in_order(void **state)
{
	MUN_CLEANUP(mun_sha256_freep) struct mun_sha256 *h = NULL;
	const struct mun_slice pieces[] = { { "a", 1 }, { "", 0 }, { "bc", 2 } };
	uint8_t got[MUN_SHA256_LEN];
	struct mun_err err;

	(void)state;
	mun_sha256_of(got, pieces, 3);
	assert_memory_equal(got, abc, sizeof(abc));
	assert_ok(mun_sha256_new(&h, &err), &err);
	mun_sha256_add(h, "ab", 2);
	mun_sha256_add(h, "c", 1);
	mun_sha256_end(h, got);
	assert_memory_equal(got, abc, sizeof(abc));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answers),
		cmocka_unit_test(test_pieces_are_joined_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
