/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TESTS_FUZZ_H
#define MUN_TESTS_FUZZ_H
/*
 * A fuzz target gets bytes that nobody vouches for and aborts when a header's promise is broken.
 * Built with -fsanitize=fuzzer-no-link in c_args (clang) it is a fuzzer, else replay.c runs it
 * over files: the small inputs of its folder below corpus/, and whatever a fuzzer found.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as a string of their own, cut at the first NUL; to be freed. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
	char *s = strndup(size > 0 ? (const char *)data : "", size);

	assert(s);
	return s;
}

/* UTF-8 in which nothing can move a cursor or change a colour. */
static inline bool fuzz_is_plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((uint8_t)s[i] < ' ' || s[i] == 0x7f)
			return false;
	}
	return mun_utf8_bad(s, len) == len;
}

/*
 * A failure has its code and one plain line, with at most one hint below. What a person typed
 * may be repeated as it is: there only a plain text asks for a plain line.
 */
static inline void fuzz_check_failure(enum mun_code code, const struct mun_err *err)
{
	const char *end = strchr(err->text, '\n');
	size_t len = end ? (size_t)(end - err->text) : strlen(err->text);

	assert(code != MUN_OK && err->code == code && len > 0);
	assert(fuzz_is_plain(err->text, len));
	if (end)
		assert(strncmp(end, "\nhint: ", 7) == 0 && fuzz_is_plain(end + 1, strlen(end + 1)));
}

static inline void fuzz_check_refusal(enum mun_code code, const struct mun_err *err,
                                      const char *typed)
{
	for (const char *s = typed; *s; s++) {
		if (*s < ' ' || *s > '~') {
			assert(code != MUN_OK && err->code == code && err->text[0] != '\0');
			return;
		}
	}
	fuzz_check_failure(code, err);
}

#endif
