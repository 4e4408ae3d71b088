/* SPDX-License-Identifier: Apache-2.0 */
/* A line of the log. What decodes encodes to the same bytes. */
#include "journal/entry.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mun_decoded *owner = NULL;
	struct mun_entry e;
	struct mun_buf line;
	struct mun_err err;
	enum mun_code code = mun_entry_decode(&e, &owner, data, size, &err);

	if (code != MUN_OK) {
		assert(code == MUN_E_CORRUPT && !owner);
		fuzz_check_failure(code, &err);
		return 0;
	}
	assert(e.kind < MUN_KINDS && size <= MUN_ENTRY_MAX);
	mun_buf_init(&line, MUN_ENTRY_MAX);
	code = mun_entry_encode(&line, &e, &err);
	assert(code == MUN_OK && line.len == size && memcmp(line.data, data, size) == 0);
	mun_buf_done(&line);
	mun_decoded_freep(&owner);
	return 0;
}
