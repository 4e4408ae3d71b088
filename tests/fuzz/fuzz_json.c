/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in both readers, which must agree, and canonical JSON, which is written back as it was. */
#include "lib/canon.h"
#include "lib/json.h"
#include "lib/json_scan.h"
#include "tests/fuzz/fuzz.h"

static void write_value(struct mun_canon *c, const struct mun_json_val *v, bool member)
{
	const char *key = member ? mun_json_key(v) : NULL;
	int64_t n;
	bool b;

	switch (mun_json_kind(v)) {
	case MUN_JSON_NULL:
		mun_canon_null(c, key);
		break;
	case MUN_JSON_BOOL:
		assert(mun_json_bool(v, &b));
		mun_canon_bool(c, key, b);
		break;
	case MUN_JSON_NUMBER:
		assert(mun_json_int(v, &n));
		mun_canon_int(c, key, n);
		break;
	case MUN_JSON_STRING:
		mun_canon_str(c, key, mun_json_str(v));
		break;
	case MUN_JSON_ARRAY:
		mun_canon_array(c, key);
		for (v = mun_json_first(v); v; v = mun_json_next(v))
			write_value(c, v, false);
		mun_canon_end(c);
		break;
	case MUN_JSON_OBJECT:
		mun_canon_object(c, key);
		for (v = mun_json_first(v); v; v = mun_json_next(v))
			write_value(c, v, true);
		mun_canon_end(c);
		break;
	case MUN_JSON_ABSENT:
		assert(false);
	}
}

static void check_canonical(const char *text, size_t len, const struct mun_json *doc)
{
	struct mun_buf again;
	struct mun_canon c;

	mun_buf_init(&again, len + 1);
	mun_canon_init(&c, &again);
	write_value(&c, mun_json_root(doc), false);
	assert(again.len == len && memcmp(again.data, text, len) == 0);
	mun_buf_done(&again);
}

/* A walk meets what a document holds, and ends. */
static void check_walk(const char *text, size_t len, const struct mun_json *doc)
{
	struct mun_json_walk w;
	struct mun_json_part part;
	struct mun_err err;
	size_t met = 0, pos = 0;
	bool more = true, integer;

	while (doc && mun_json_next_number(text, len, &pos, &integer))
		assert(pos <= len);
	if (!mun_json_walk_begin(&w, text, len, 0))
		return;
	while (more && mun_json_walk_next(&w, &part, &more, &err) == MUN_OK && more) {
		assert(part.value + part.value_len <= len && part.value_len > 0);
		met++;
	}
	if (doc)
		assert(met == mun_json_count(mun_json_root(doc)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct mun_json *doc = NULL;
	struct mun_err err;
	enum mun_code code = mun_json_parse(&doc, text, size, &err);

	if (code != MUN_OK) {
		assert(!doc);
		fuzz_check_failure(code, &err);
	} else {
		assert(mun_json_scan(text, size, &err) == MUN_OK);
		assert(mun_utf8_bad(text, size) == size);
	}
	if (mun_canon_check(text, size, &err) == MUN_OK && doc)
		check_canonical(text, size, doc);
	check_walk(text, size, doc);
	mun_json_freep(&doc);
	return 0;
}
