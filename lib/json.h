/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_JSON_H
#define MUN_JSON_H
/*
 * Strict reading of JSON (RFC 8259) over cJSON. Before cJSON sees a byte: valid UTF-8, nesting
 * at most MUN_JSON_DEPTH, no NUL, no trailing bytes, numbers in JSON syntax. After: no duplicate
 * key in any object. Values are borrowed from the document until mun_json_free().
 */
#include "lib/json_scan.h"
struct mun_json;     /* document, owned */
struct mun_json_val; /* a value inside; NULL is "absent" and accepted by all getters */
/* INPUT: the message names the byte and what is wrong. */
enum mun_code mun_json_parse(struct mun_json **ret, const char *data, size_t len,
                             struct mun_err *err) MUN_MUST_CHECK;
void mun_json_freep(struct mun_json **doc);
const struct mun_json_val *mun_json_root(const struct mun_json *doc);
enum mun_json_kind {
	MUN_JSON_ABSENT,
	MUN_JSON_NULL,
	MUN_JSON_BOOL,
	MUN_JSON_NUMBER,
	MUN_JSON_STRING,
	MUN_JSON_ARRAY,
	MUN_JSON_OBJECT
};
enum mun_json_kind mun_json_kind(const struct mun_json_val *v);
const struct mun_json_val *mun_json_get(const struct mun_json_val *object, const char *key);
const struct mun_json_val *mun_json_first(const struct mun_json_val *array_or_object);
const struct mun_json_val *mun_json_next(const struct mun_json_val *v);
const char *mun_json_key(const struct mun_json_val *v); /* of a member; NULL else */
size_t mun_json_count(const struct mun_json_val *array_or_object);
const char *mun_json_str(const struct mun_json_val *v); /* NULL unless a string */
/* Written as an integer (no fraction, no exponent), |v| <= 2^53 - 1; else false, ret untouched. */
bool mun_json_int(const struct mun_json_val *v, int64_t *ret);
bool mun_json_bool(const struct mun_json_val *v, bool *ret);
#endif
