/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/crypto.h"
#include "tests/test.h"

static struct mun_err err;
static const uint8_t key[MUN_KEY_LEN] = { 1, 2, 3 };
static const uint8_t nonce[MUN_NONCE_LEN] = { 4, 5, 6 };

static void test_every_changed_byte_breaks_the_seal(void **state)
{
	struct mun_secret plain;
	struct mun_secret back;
	uint8_t sealed[6 + MUN_SEAL_TAG];
	char bound[] = "name";
	struct mun_sealed s = { nonce, sealed, sizeof(sealed), bound, 4 };

	(void)state;
	assert_ok(mun_secret_new(&plain, 6, &err), &err);
	memcpy(plain.data, "secret", 6);
	mun_seal(sealed, nonce, key, &plain, bound, 4);
	assert_ok(mun_unseal(&back, &s, key, &err), &err);
	assert_int_equal(back.len, 6);
	assert_true(mun_equal_secret(back.data, plain.data, 6));
	mun_secret_done(&back);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		assert_fails(mun_unseal(&back, &s, key, &err), MUN_E_CREDENTIAL, &err);
		sealed[i] ^= 1;
	}
	bound[0] ^= 1;
	assert_fails(mun_unseal(&back, &s, key, &err), MUN_E_CREDENTIAL, &err);
	s.sealed_len = 3;
	assert_fails(mun_unseal(&back, &s, key, &err), MUN_E_CREDENTIAL, &err);
	mun_secret_done(&plain);
	mun_secret_done(&plain);
	mun_secret_done(NULL);
}

static void test_a_passphrase_gives_one_key_per_salt(void **state)
{
	struct mun_kdf kdf = { .salt = { 7 }, .ops = 1, .mem_bytes = 8192 };
	struct mun_secret a;
	struct mun_secret b;

	(void)state;
	assert_ok(mun_secret_new(&a, MUN_KEY_LEN, &err), &err);
	assert_ok(mun_secret_new(&b, MUN_KEY_LEN, &err), &err);
	assert_ok(mun_kdf_derive(&a, &kdf, "pass", 4, &err), &err);
	assert_ok(mun_kdf_derive(&b, &kdf, "pass", 4, &err), &err);
	assert_true(mun_equal_secret(a.data, b.data, MUN_KEY_LEN));
	kdf.salt[0] = 8;
	assert_ok(mun_kdf_derive(&b, &kdf, "pass", 4, &err), &err);
	assert_false(mun_equal_secret(a.data, b.data, MUN_KEY_LEN));
	kdf.mem_bytes = UINT64_MAX;
	assert_fails(mun_kdf_derive(&b, &kdf, "pass", 4, &err), MUN_E_CORRUPT, &err);
	mun_secret_done(&a);
	mun_secret_done(&b);
}

static void test_fingerprints_depend_on_key_and_data(void **state)
{
	uint8_t a[MUN_FINGERPRINT_LEN];
	uint8_t b[MUN_FINGERPRINT_LEN];
	uint8_t sip[16];

	(void)state;
	mun_fingerprint(a, key, "token", 5);
	mun_fingerprint(b, key, "tokem", 5);
	assert_memory_not_equal(a, b, sizeof(a));
	/* SipHash-2-4 reference vector: key 00..0f, empty input, 31 0e 0e dd 47 db 6f 72. */
	for (size_t i = 0; i < sizeof(sip); i++)
		sip[i] = (uint8_t)i;
	assert_true(mun_hash64(sip, "", 0) == UINT64_C(0x310e0edd47db6f72));
}

static void test_a_secret_is_blotted_out_of_a_text(void **state)
{
	static const struct {
		const char *before, *after;
	} cases[] = {
		{ "", "" },
		{ "nothing here", "nothing here" },
		{ "hush-hush-hush", "[token]" },
		{ "a hush-hush-hush b", "a [token] b" },
		{ "hush-hush-hushhush-hush-hush", "[token][token]" },
		{ "hush-hush-hush-hush", "[token]-hush" },
		{ "hush-hush-hus", "hush-hush-hus" },
		{ "{\"x\":\"hush-hush-hush\"}", "{\"x\":\"[token]\"}" },
	};
	struct mun_secret s, small;

	(void)state;
	assert_ok(mun_secret_new(&s, 14, &err), &err);
	memcpy(s.data, "hush-hush-hush", 14);
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		char text[64] = "";
		size_t len = strlen(cases[i].before);

		memcpy(text, cases[i].before, len);
		assert_int_equal(mun_secret_blot(text, len, &s), strlen(cases[i].after));
		assert_string_equal(text, cases[i].after);
	}
	assert_ok(mun_secret_new(&small, 6, &err), &err);
	memcpy(small.data, "secret", 6);
	assert_int_equal(mun_secret_blot((char[]){ "secret" }, 6, &small), 6);
	mun_secret_done(&small);
	mun_secret_done(&s);
	assert_int_equal(mun_secret_blot((char[]){ "any" }, 3, &s), 3);
}

static int start(void **state)
{
	(void)state;
	return (int)mun_crypto_init(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_changed_byte_breaks_the_seal),
		cmocka_unit_test(test_a_passphrase_gives_one_key_per_salt),
		cmocka_unit_test(test_fingerprints_depend_on_key_and_data),
		cmocka_unit_test(test_a_secret_is_blotted_out_of_a_text),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
