/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CANON_H
#define MUN_CANON_H
/*
 * Writer of JSON in RFC 8785 form without cJSON: no spaces, UTF-8, integers only, strings
 * escaped as the RFC says. The caller gives keys in sorted order (asserted per object: bytes, as
 * all our keys are ASCII), so nothing is ever buffered or sorted. A NULL string writes null.
 */
#include "lib/buf.h"
#define MUN_CANON_DEPTH 8
struct mun_canon {
	struct mun_buf *out; /* borrowed */
	unsigned depth;
	bool comma[MUN_CANON_DEPTH];
	bool array[MUN_CANON_DEPTH];
	const char *last_key[MUN_CANON_DEPTH]; /* borrowed: string literals */
	bool loose;
};
void mun_canon_init(struct mun_canon *c, struct mun_buf *out);
/* key is NULL inside arrays and at the top. Strings must be valid UTF-8 (asserted). */
void mun_canon_object(struct mun_canon *c, const char *key);
void mun_canon_array(struct mun_canon *c, const char *key);
void mun_canon_end(struct mun_canon *c); /* of the innermost object or array */
void mun_canon_str(struct mun_canon *c, const char *key, const char *value);
void mun_canon_strn(struct mun_canon *c, const char *key, const char *value, size_t len);
void mun_canon_int(struct mun_canon *c, const char *key, int64_t value);
void mun_canon_bool(struct mun_canon *c, const char *key, bool value);
void mun_canon_null(struct mun_canon *c, const char *key);
/* unsorted objects for output that is JSON but not canonical: no order is asserted */
void mun_canon_loose(struct mun_canon *c);
/* Is data one JSON value in this form? Re-serialises nothing: a strict scan of the bytes. */
enum mun_code mun_canon_check(const char *data, size_t len, struct mun_err *err) MUN_MUST_CHECK;
#endif
