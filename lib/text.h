/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TEXT_H
#define MUN_TEXT_H
/* UTF-8 (RFC 3629) and the visible form of foreign text on terminals. */
#include "lib/buf.h"
/* Offset of the first byte that is not valid UTF-8 (no surrogates, no overlong), else len. */
size_t mun_utf8_bad(const char *s, size_t len);
/*
 * Append s with control characters, escapes, bidi controls (U+202A–E, U+2066–9, U+200E/F,
 * U+061C), U+2028/9, BOM as \u{…} or \xNN for invalid bytes; tab and newline as \t and \n.
 * ascii: everything above 0x7e too.
 */
void mun_text_visible(struct mun_buf *ret, const char *s, size_t len, bool ascii);
/* Columns on a terminal: combining 0, CJK 2. Invalid bytes count 1. */
size_t mun_text_columns(const char *s, size_t len);
/* Bytes of s that fit into max columns, never cutting a character. */
size_t mun_text_fit(const char *s, size_t len, size_t max_columns);
/* Where something begins that looks like a JSON web token, as API tokens are: "eyJ" and 17 or more
 * of its characters; NULL: nowhere. *ret_len is how far it reaches. */
const char *mun_text_token(const char *s, size_t len, size_t *ret_len);
/* Safe copy with truncation at a character boundary; ret is always NUL-terminated. */
void mun_text_copy(char *ret, size_t ret_size, const char *s, size_t len);
#endif
