/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BUF_H
#define MUN_BUF_H

/*
 * A growing byte buffer with a mandatory maximum. Appending is sticky: after the first failure
 * (no memory, or past max) all later appends do nothing and `failed` stays set, so that writers
 * read as straight lines and check once with mun_buf_check(). data is always NUL-terminated
 * behind len when it is not NULL.
 */

#include "lib/err.h"

struct mun_buf {
	char *data; /* owned; NULL while empty */
	size_t len;
	size_t cap;
	size_t max; /* bytes, without the NUL */
	bool failed;
	bool full; /* failed because of max, not for want of memory */
};

void mun_buf_init(struct mun_buf *b, size_t max);
void mun_buf_done(struct mun_buf *b);  /* frees, leaves it reusable with the same max; NULL ok */
void mun_buf_clear(struct mun_buf *b); /* len = 0, nothing failed; keeps the memory */
void mun_buf_add(struct mun_buf *b, const void *data, size_t len);
void mun_buf_puts(struct mun_buf *b, const char *s);
void mun_buf_putc(struct mun_buf *b, char c);
void mun_buf_int(struct mun_buf *b, int64_t n); /* decimal */
void mun_buf_printf(struct mun_buf *b, const char *fmt, ...) MUN_PRINTF(2, 3);
/* Room for len more bytes, to be written by the caller, who then adds to b->len. NULL: failed. */
void *mun_buf_reserve(struct mun_buf *b, size_t len);
/* MUN_E_NOMEM or MUN_E_FULL when an append failed; what names the thing in the message. */
enum mun_code mun_buf_check(const struct mun_buf *b, const char *what, struct mun_err *err)
	MUN_MUST_CHECK;
const char *mun_buf_str(const struct mun_buf *b); /* "" when empty; valid until the next append */

#define MUN_BUF_CLEANUP MUN_CLEANUP(mun_buf_done)

#endif
