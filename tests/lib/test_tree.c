/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/hex.h"
#include "lib/tlog/tree.h"
#include "tests/test.h"

static void assert_hash(const uint8_t *hash, const char *hex)
{
	char text[2 * MUN_SHA256_LEN + 1];

	mun_hex_encode(text, hash, MUN_SHA256_LEN);
	assert_string_equal(text, hex);
}

/* The leaves of the known answers of RFC 6962 implementations. */
static const struct {
	const char *bytes;
	size_t len;
	const char *root;
} known[] = {
	{ "", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
	{ "\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
	{ "\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
	{ "\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ "\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
	{ "\x40\x41\x42\x43", 4,
	  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
	{ "\x50\x51\x52\x53\x54\x55\x56\x57", 8,
	  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
	{ "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
	  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
};

static void test_known(void **state)
{
	uint8_t nodes[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	uint8_t hash[MUN_SHA256_LEN];
	struct mun_tree t;

	(void)state;
	mun_tree_init(&t);
	mun_tree_root(&t, hash);
	assert_hash(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < MUN_ARRAY_LEN(known); i++) {
		mun_tree_leaf(hash, known[i].bytes, known[i].len);
		(void)mun_tree_push(&t, hash, nodes);
		mun_tree_root(&t, hash);
		assert_hash(hash, known[i].root);
	}
}

/* MTH of RFC 6962 section 2.1, as it is written there. */
static void naive(uint8_t *ret, uint8_t leaves[][MUN_SHA256_LEN], size_t n)
{
	uint8_t bytes[1 + 2 * MUN_SHA256_LEN] = { 1 };
	size_t k = 1;

	if (n == 0) {
		mun_sha256(ret, "", 0);
		return;
	}
	if (n == 1) {
		memcpy(ret, leaves[0], MUN_SHA256_LEN);
		return;
	}
	while (2 * k < n)
		k *= 2;
	naive(bytes + 1, leaves, k);
	naive(bytes + 1 + MUN_SHA256_LEN, leaves + k, n - k);
	mun_sha256(ret, bytes, sizeof(bytes));
}

static void test_naive(void **state)
{
	static uint8_t leaves[131][MUN_SHA256_LEN];
	static uint8_t stored[300][MUN_SHA256_LEN];
	uint8_t nodes[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	uint8_t expected[MUN_SHA256_LEN];
	uint8_t root[MUN_SHA256_LEN];
	struct mun_tree t;

	(void)state;
	mun_tree_init(&t);
	for (size_t n = 0; n <= 130; n++) {
		unsigned made;

		naive(expected, leaves, n);
		mun_tree_root(&t, root);
		assert_memory_equal(root, expected, sizeof(root));
		for (unsigned level = 0; n >> level > 0; level++) {
			uint64_t last = (n >> level) - 1;

			naive(expected, leaves + (last << level), (size_t)1 << level);
			assert_memory_equal(stored[mun_tree_index(level, last)], expected,
			                    sizeof(expected));
		}
		mun_tree_leaf(leaves[n], &n, sizeof(n));
		made = mun_tree_push(&t, leaves[n], nodes);
		memcpy(stored[mun_tree_index(0, n)], nodes, (size_t)made * MUN_SHA256_LEN);
		assert_int_equal(mun_tree_stored(n + 1), mun_tree_index(0, n) + made);
		assert_int_equal(t.edge_len, (unsigned)__builtin_popcountll(n + 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_naive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
