/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_JSON_SCAN_H
#define MUN_JSON_SCAN_H
/*
 * The text of JSON (RFC 8259) without a document: a strict check, and a walk over the elements
 * of an array or the members of an object, however large, one at a time and without memory.
 * Strict: nesting at most MUN_JSON_DEPTH, no NUL, numbers, escapes and surrogates as the RFC
 * says. Not checked here: UTF-8 (mun_utf8_bad) and duplicate keys (mun_json_parse). Offsets count
 * from the start of data, also those in messages.
 */
#include "lib/err.h"
#define MUN_JSON_DEPTH 64
/* The whole of data is one value. INPUT names the byte and what is wrong. */
enum mun_code mun_json_scan(const char *data, size_t len, struct mun_err *err) MUN_MUST_CHECK;
struct mun_json_walk {
	const char *data; /* borrowed */
	size_t len;
	size_t pos; /* behind the last value; after the end behind the closing bracket */
	bool object;
	bool any;
};
struct mun_json_part {
	size_t key, key_len; /* of a member, with its quotes; key_len 0: an element */
	size_t value, value_len;
};
/* Start at the value at pos, blanks before it skipped. False: it is no array or object. */
bool mun_json_walk_begin(struct mun_json_walk *ret, const char *data, size_t len, size_t pos);
/* *ret_more false: that was all. INPUT as for mun_json_scan; the walk ends there. */
enum mun_code mun_json_walk_next(struct mun_json_walk *w, struct mun_json_part *ret, bool *ret_more,
                                 struct mun_err *err) MUN_MUST_CHECK;
/* Nothing but blanks from pos on? INPUT names the byte. */
enum mun_code mun_json_scan_end(const char *data, size_t len, size_t pos, struct mun_err *err)
	MUN_MUST_CHECK;
/*
 * The numbers of a text that was checked, in their order: moves *pos behind the next one. False:
 * there is none. *ret_integer: it has neither a fraction nor an exponent.
 */
bool mun_json_next_number(const char *data, size_t len, size_t *pos, bool *ret_integer);
#endif
