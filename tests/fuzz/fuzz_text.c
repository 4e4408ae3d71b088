/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text on its way to a terminal. */
#include "lib/encoding.h"
#include "tests/fuzz/fuzz.h"

static void check_visible(const char *s, size_t len, bool ascii)
{
	struct mun_buf out;

	mun_buf_init(&out, 1 << 20);
	mun_text_visible(&out, s, len, ascii);
	assert(!out.failed && fuzz_is_plain(mun_buf_str(&out), out.len));
	assert(mun_control_at(mun_buf_str(&out), out.len) == out.len);
	for (size_t i = 0; ascii && i < out.len; i++)
		assert(out.data[i] >= ' ' && out.data[i] <= '~');
	mun_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;
	struct mun_encoding encoding;
	struct mun_err err;
	enum mun_code code = mun_encoding_check(&encoding, s, size, "list", &err);
	char copy[16];

	if (code != MUN_OK)
		fuzz_check_failure(code, &err);
	else
		assert(mun_utf8_bad(s, size) == size && !memchr(s, 0, size));
	check_visible(s, size, false);
	check_visible(s, size, true);
	for (size_t columns = 0; columns < 12; columns++) {
		size_t fit = mun_text_fit(s, size, columns);

		assert(fit <= size && mun_text_columns(s, fit) <= columns);
	}
	mun_text_copy(copy, sizeof(copy), s, size);
	assert(strlen(copy) < sizeof(copy));
	if (mun_utf8_bad(s, size) == size)
		assert(mun_utf8_bad(copy, strlen(copy)) == strlen(copy));
	return 0;
}
