/* SPDX-License-Identifier: Apache-2.0 */
/* The reply of a time stamp authority: to a request, and as it is kept. */
#include "lib/timestamp.h"
#include "tests/fuzz/fuzz.h"

#define HASH "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ" /* what is stamped, in the corpus too */

static const char request[] =
	"\x30\x44\x02\x01\x01\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"
	"\x04\x20" HASH "\x02\x09\x00\x96\x1e\x81\x99\xaa\x15\x96\x97\x01\x01\xff";

static void check_told(const struct mun_timestamp *t)
{
	size_t len = strnlen(t->by, sizeof(t->by));

	assert(len > 0 && len < sizeof(t->by) && fuzz_is_plain(t->by, len));
	assert(t->time_us >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mun_timestamp t, accepted;
	struct mun_err err;
	enum mun_code code =
		mun_timestamp_accept(&accepted, data, size, request, sizeof(request) - 1, &err);
	bool good = code == MUN_OK;

	if (good)
		check_told(&accepted);
	else
		fuzz_check_failure(code, &err);
	code = mun_timestamp_read(&t, data, size, (const uint8_t *)HASH, &err);
	if (code == MUN_OK) {
		check_told(&t);
		assert(!good || (t.time_us == accepted.time_us && strcmp(t.by, accepted.by) == 0));
	} else {
		assert(!good && code == MUN_E_VERIFY);
		fuzz_check_failure(code, &err);
	}
	return 0;
}
