/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TESTS_VECTORS_H
#define MUN_TESTS_VECTORS_H
/*
 * Published known answers, JSON files in the folder that $MUNIMENT_VECTORS names. Without it a
 * program of such tests is skipped: `return vectors_run(tests, …)` is all of its main().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64.h"
#include "lib/crypto.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/json.h"
#include "lib/tlog/line.h"
#include "tests/test.h"

#define VECTORS MUN_CLEANUP(mun_json_freep) struct mun_json

/*
 * Numbers up to 2^64 - 1 stand in these files, more than the reader of JSON promises: each integer
 * becomes a string.
 */
static inline void vectors_quote(struct mun_buf *ret, const char *text, size_t len)
{
	size_t pos = 0;
	size_t done = 0;
	bool integer;

	while (mun_json_next_number(text, len, &pos, &integer)) {
		size_t from = pos;

		while (from > 0 && strchr("0123456789+-.eE", text[from - 1]) != NULL)
			from--;
		mun_buf_add(ret, text + done, from - done);
		mun_buf_printf(ret, integer ? "\"%.*s\"" : "%.*s", (int)(pos - from), text + from);
		done = pos;
	}
	mun_buf_add(ret, text + done, len - done);
}

static inline const struct mun_json_val *vectors_read(struct mun_json **ret, const char *name)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	MUN_BUF_CLEANUP struct mun_buf quoted;
	char path[4096];
	struct mun_err err;

	mun_buf_init(&text, 1 << 20);
	mun_buf_init(&quoted, 2 << 20);
	(void)snprintf(path, sizeof(path), "%s/%s", getenv("MUNIMENT_VECTORS"), name);
	assert_ok(mun_file_read(&text, path, &err), &err);
	assert_ok(mun_json_scan(text.data, text.len, &err), &err);
	vectors_quote(&quoted, text.data, text.len);
	assert_ok(mun_buf_check(&quoted, "vectors", &err), &err);
	assert_ok(mun_json_parse(ret, quoted.data, quoted.len, &err), &err);
	return mun_json_root(*ret);
}

/* The array or object under a key; it has members. */
static inline const struct mun_json_val *vectors_first(const struct mun_json_val *v,
                                                       const char *key)
{
	const struct mun_json_val *first = mun_json_first(mun_json_get(v, key));

	assert_non_null(first);
	return first;
}

static inline const char *vectors_str(const struct mun_json_val *v, const char *key)
{
	const char *s = mun_json_str(mun_json_get(v, key));

	if (s == NULL)
		fail_msg("the vectors have no text under %s", key);
	return s;
}

static inline uint64_t vectors_number(const struct mun_json_val *v, const char *key)
{
	const char *s = vectors_str(v, key);
	const struct mun_slice digits = { s, strlen(s) };
	uint64_t value = 0;

	assert_true(mun_line_number(&digits, &value));
	return value;
}

static inline bool vectors_flag(const struct mun_json_val *v, const char *key)
{
	bool flag = false;

	assert_true(mun_json_bool(mun_json_get(v, key), &flag));
	return flag;
}

static inline size_t vectors_hex(uint8_t *ret, size_t max, const char *hex)
{
	size_t len = strlen(hex) / 2;

	assert_true(len <= max && mun_hex_decode(ret, len, hex, strlen(hex)));
	return len;
}

/* Base64 into a buffer that is emptied first; it stays NUL-terminated. */
static inline void vectors_base64(struct mun_buf *ret, const char *text)
{
	struct mun_err err;

	mun_buf_clear(ret);
	assert_ok(mun_base64_decode(ret, text, strlen(text), &err), &err);
}

static inline int vectors_start(void **state)
{
	struct mun_err err;

	(void)state;
	return mun_crypto_init(&err) == MUN_OK ? 0 : -1;
}

/* TAP's word for a program that is skipped. */
#define vectors_run(tests)                                               \
	(getenv("MUNIMENT_VECTORS") == NULL                              \
	         ? (puts("1..0 # SKIP MUNIMENT_VECTORS is not set") < 0) \
	         : cmocka_run_group_tests(tests, vectors_start, NULL))

#endif
