/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/pack.h"
#include "tests/test.h"

static void test_bytes_come_back_and_only_as_many_as_said(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf packed;
	MUN_BUF_CLEANUP struct mun_buf raw;
	MUN_CLEANUP(mun_packer_freep) struct mun_packer *packer = NULL;
	static const char text[5000] = "a body with many zeros behind it";
	struct mun_err err;

	(void)state;
	assert_ok(mun_packer_new(&packer, &err), &err);
	mun_buf_init(&packed, 100000);
	mun_buf_init(&raw, 100000);
	assert_ok(mun_pack(packer, &packed, text, sizeof(text), &err), &err);
	assert_true(packed.len < 200);
	assert_ok(mun_unpack(NULL, &raw, packed.data, packed.len, sizeof(text), &err), &err);
	assert_int_equal(raw.len, sizeof(text));
	assert_memory_equal(raw.data, text, sizeof(text));
	for (size_t len = 0; len < packed.len; len++) {
		mun_buf_clear(&raw);
		assert_fails(mun_unpack(NULL, &raw, packed.data, len, sizeof(text), &err), MUN_E_CORRUPT,
		             &err);
		assert_int_equal(raw.len, 0);
	}
	assert_fails(mun_unpack(NULL, &raw, packed.data, packed.len, sizeof(text) - 1, &err),
	             MUN_E_CORRUPT, &err);
	assert_fails(mun_unpack(NULL, &raw, packed.data, packed.len, sizeof(text) + 1, &err),
	             MUN_E_CORRUPT, &err);
	mun_buf_clear(&packed);
	assert_ok(mun_pack(packer, &packed, "", 0, &err), &err);
	assert_ok(mun_unpack(NULL, &raw, packed.data, packed.len, 0, &err), &err);
	assert_int_equal(raw.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_come_back_and_only_as_many_as_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
