/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/hex.h"
#include "lib/signature.h"
#include "tests/test.h"

/* RFC 8032 section 7.1, tests 1 to 3. */
static const struct {
	const char *seed, *public_key, *message, *sig;
} known[] = {
	{ "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
	  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
	  "1c"
	  "f9b46bd25bf5f0595bbe24655141438e7a100b" },
	{ "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
	  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
	  "d0"
	  "f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
	{ "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
	  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
	  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
	  "98"
	  "4dc6594a7c15e9716ed28dc027beceea1ec40a" },
};

static size_t from_hex(uint8_t *ret, size_t max, const char *hex)
{
	size_t len = strlen(hex) / 2;

	assert_true(len <= max && mun_hex_decode(ret, len, hex, strlen(hex)));
	return len;
}

static void test_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(known); i++) {
		MUN_CLEANUP(mun_secret_done) struct mun_secret key = { 0 };
		uint8_t expected[MUN_SIGNATURE_LEN] = { 0 };
		uint8_t sig[MUN_SIGNATURE_LEN] = { 0 };
		uint8_t public_key[MUN_PUBLIC_LEN] = { 0 };
		uint8_t seed[32] = { 0 };
		uint8_t message[8] = { 0 };
		size_t len = from_hex(message, sizeof(message), known[i].message);
		struct mun_err err;

		(void)from_hex(seed, sizeof(seed), known[i].seed);
		assert_ok(mun_sign_key_of_seed(&key, public_key, seed, &err), &err);
		(void)from_hex(expected, sizeof(expected), known[i].public_key);
		assert_memory_equal(public_key, expected, sizeof(public_key));
		mun_sign(sig, &key, message, len);
		(void)from_hex(expected, sizeof(expected), known[i].sig);
		assert_memory_equal(sig, expected, sizeof(sig));
		assert_true(mun_sign_verify(sig, public_key, message, len));
	}
}

static void test_every_bit_counts(void **state)
{
	uint8_t sig[MUN_SIGNATURE_LEN] = { 0 };
	uint8_t public_key[MUN_PUBLIC_LEN] = { 0 };
	uint8_t message[2] = { 0 };

	(void)state;
	(void)from_hex(sig, sizeof(sig), known[2].sig);
	(void)from_hex(public_key, sizeof(public_key), known[2].public_key);
	(void)from_hex(message, sizeof(message), known[2].message);
	for (size_t bit = 0; bit < 8 * sizeof(sig); bit++) {
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(mun_sign_verify(sig, public_key, message, sizeof(message)));
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof(public_key); bit++) {
		public_key[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(mun_sign_verify(sig, public_key, message, sizeof(message)));
		public_key[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < 8 * sizeof(message); bit++) {
		message[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(mun_sign_verify(sig, public_key, message, sizeof(message)));
		message[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_false(mun_sign_verify(sig, public_key, message, 1));
	assert_true(mun_sign_verify(sig, public_key, message, sizeof(message)));
}

/* A key of small order would verify this one signature over any message. */
static void test_small_order(void **state)
{
	const uint8_t identity[MUN_PUBLIC_LEN] = { 1 };
	const uint8_t sig[MUN_SIGNATURE_LEN] = { 1 };

	(void)state;
	assert_false(mun_sign_verify(sig, identity, "a", 1));
	assert_false(mun_sign_verify(sig, identity, "b", 1));
}

/* S plus the order of the group is the same point, and no second signature. */
static void test_malleable(void **state)
{
	static const char order[] =
		"edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
	uint8_t sig[MUN_SIGNATURE_LEN] = { 0 };
	uint8_t public_key[MUN_PUBLIC_LEN] = { 0 };
	uint8_t l[32] = { 0 };
	unsigned carry = 0;

	(void)state;
	(void)from_hex(sig, sizeof(sig), known[0].sig);
	(void)from_hex(public_key, sizeof(public_key), known[0].public_key);
	(void)from_hex(l, sizeof(l), order);
	assert_true(mun_sign_verify(sig, public_key, "", 0));
	for (size_t i = 0; i < sizeof(l); i++) {
		carry += (unsigned)sig[32 + i] + l[i];
		sig[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
	assert_false(mun_sign_verify(sig, public_key, "", 0));
}

static void test_new_keys(void **state)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret a = { 0 };
	MUN_CLEANUP(mun_secret_done) struct mun_secret b = { 0 };
	uint8_t public_a[MUN_PUBLIC_LEN];
	uint8_t public_b[MUN_PUBLIC_LEN];
	uint8_t sig[MUN_SIGNATURE_LEN] = { 0 };
	struct mun_err err;

	(void)state;
	assert_ok(mun_sign_key_new(&a, public_a, &err), &err);
	assert_ok(mun_sign_key_new(&b, public_b, &err), &err);
	assert_int_equal(a.len, MUN_SIGN_KEY_LEN);
	assert_memory_not_equal(public_a, public_b, sizeof(public_a));
	mun_sign(sig, &a, "text", 4);
	assert_true(mun_sign_verify(sig, public_a, "text", 4));
	assert_false(mun_sign_verify(sig, public_b, "text", 4));
}

static int start(void **state)
{
	struct mun_err err;

	(void)state;
	return mun_crypto_init(&err) == MUN_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),       cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_small_order), cmocka_unit_test(test_malleable),
		cmocka_unit_test(test_new_keys),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
