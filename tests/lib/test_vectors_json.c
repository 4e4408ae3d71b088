/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and canonical JSON: ed25519-wycheproof, jcs-rfc8785. */
#include "lib/canon.h"
#include "lib/digest.h"
#include "lib/signature.h"
#include "tests/lib/vectors.h"

static void check_group(const struct mun_json_val *group, size_t *ret_valid, size_t *ret_invalid)
{
	uint8_t public_key[MUN_PUBLIC_LEN];
	const char *pk = vectors_str(mun_json_get(group, "publicKey"), "pk");

	assert_int_equal(vectors_hex(public_key, sizeof(public_key), pk), sizeof(public_key));
	for (const struct mun_json_val *t = vectors_first(group, "tests"); t;
	     t = mun_json_next(t)) {
		bool valid = strcmp(vectors_str(t, "result"), "valid") == 0;
		uint8_t message[2048];
		uint8_t sig[128];
		size_t len = vectors_hex(message, sizeof(message), vectors_str(t, "msg"));
		size_t sig_len = vectors_hex(sig, sizeof(sig), vectors_str(t, "sig"));
		bool good = sig_len == MUN_SIGNATURE_LEN &&
		            mun_sign_verify(sig, public_key, message, len);

		if (good != valid)
			fail_msg("test %s", vectors_str(t, "tcId"));
		++*(valid ? ret_valid : ret_invalid);
	}
}

static void test_wycheproof(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "ed25519-wycheproof.json");
	const struct mun_json_val *data = mun_json_get(root, "data");
	size_t valid = 0;
	size_t invalid = 0;

	(void)state;
	for (const struct mun_json_val *g = vectors_first(data, "testGroups"); g;
	     g = mun_json_next(g))
		check_group(g, &valid, &invalid);
	assert_int_equal(valid + invalid, vectors_number(data, "numberOfTests"));
	assert_true(valid > 50 && invalid > 50);
}

static bool is_canonical(const char *data, size_t len)
{
	struct mun_err err;

	return mun_canon_check(data, len, &err) == MUN_OK;
}

/* The writer gives a string the very bytes that the canonical form has. */
static void assert_written(const char *text, const char *canonical, size_t len)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_canon c;

	mun_buf_init(&b, 1000);
	mun_canon_init(&c, &b);
	mun_canon_str(&c, NULL, text);
	if (memmem(canonical, len, mun_buf_str(&b), b.len) == NULL)
		fail_msg("%s is not in the canonical form", mun_buf_str(&b));
}

static size_t check_strings(const struct mun_json_val *v, const char *canonical, size_t len)
{
	size_t count = 0;

	for (v = mun_json_first(v); v != NULL; v = mun_json_next(v)) {
		if (mun_json_key(v) != NULL) {
			assert_written(mun_json_key(v), canonical, len);
			count++;
		}
		if (mun_json_str(v) != NULL) {
			assert_written(mun_json_str(v), canonical, len);
			count++;
		}
		if (mun_json_kind(v) == MUN_JSON_ARRAY || mun_json_kind(v) == MUN_JSON_OBJECT)
			count += check_strings(v, canonical, len);
	}
	return count;
}

/* Entries have integers only, and keys of plain ASCII: what else the RFC allows is refused. */
static bool is_for_entries(const char *name)
{
	return strcmp(name, "arrays.json") == 0 || strcmp(name, "unicode.json") == 0;
}

static void test_jcs(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "jcs-rfc8785.json");
	struct mun_err err;
	size_t count = 0;
	size_t strings = 0;

	(void)state;
	for (const struct mun_json_val *v = vectors_first(root, "vectors"); v;
	     v = mun_json_next(v), count++) {
		MUN_CLEANUP(mun_json_freep) struct mun_json *input_doc = NULL;
		MUN_BUF_CLEANUP struct mun_buf input;
		const char *name = vectors_str(v, "name");
		const char *hex = vectors_str(v, "canonical_hex");
		char digest_hex[2 * MUN_SHA256_LEN + 1];
		uint8_t digest[MUN_SHA256_LEN];
		char canonical[2048];
		size_t len = vectors_hex((uint8_t *)canonical, sizeof(canonical), hex);

		mun_buf_init(&input, 10000);
		vectors_base64(&input, vectors_str(v, "input_base64"));
		mun_sha256(digest, canonical, len);
		mun_hex_encode(digest_hex, digest, sizeof(digest));
		assert_string_equal(digest_hex, vectors_str(v, "canonical_sha256"));
		if (is_canonical(input.data, input.len))
			fail_msg("%s: taken as it was written", name);
		if (is_canonical(canonical, len) != is_for_entries(name))
			fail_msg("%s: the canonical form", name);
		assert_ok(mun_json_parse(&input_doc, input.data, input.len, &err), &err);
		strings += check_strings(mun_json_root(input_doc), canonical, len);
	}
	assert_int_equal(count, 6);
	assert_true(strings > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wycheproof),
		cmocka_unit_test(test_jcs),
	};

	return vectors_run(tests);
}
