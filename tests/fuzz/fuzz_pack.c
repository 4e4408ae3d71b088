/* SPDX-License-Identifier: Apache-2.0 */
/* A stored body. The first two bytes are the length that must come out. */
#include "lib/pack.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mun_packer *packer = NULL;
	struct mun_buf raw, packed;
	struct mun_err err;
	size_t raw_len;
	enum mun_code code;

	if (size < 2)
		return 0;
	raw_len = (size_t)data[0] << 8 | data[1];
	mun_buf_init(&raw, 1 << 20);
	mun_buf_init(&packed, 1 << 20);
	code = mun_unpack(NULL, &raw, data + 2, size - 2, raw_len, &err);
	if (code != MUN_OK)
		fuzz_check_failure(code, &err);
	else
		assert(raw.len == raw_len);
	mun_buf_clear(&raw);
	/* Anything packs, and comes back. */
	assert(mun_packer_new(&packer, &err) == MUN_OK);
	assert(mun_pack(packer, &packed, data, size, &err) == MUN_OK);
	assert(mun_unpack(NULL, &raw, packed.data, packed.len, size, &err) == MUN_OK);
	assert(raw.len == size && memcmp(raw.data, data, size) == 0);
	mun_packer_freep(&packer);
	mun_buf_done(&raw);
	mun_buf_done(&packed);
	return 0;
}
