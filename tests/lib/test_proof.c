/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/hex.h"
#include "lib/tlog/proof.h"
#include "tests/test.h"

#define LEAVES 131

/* A tree of LEAVES leaves as it is stored, and how often it was read. */
struct forest {
	uint8_t leaf[LEAVES][MUN_SHA256_LEN];
	uint8_t stored[2 * LEAVES][MUN_SHA256_LEN];
	uint64_t count;
	unsigned reads;
};

static void add_leaf(struct forest *f, struct mun_tree *t, const void *entry, size_t len)
{
	uint8_t nodes[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	uint64_t at = f->count;
	unsigned made;

	mun_tree_leaf(f->leaf[t->size], entry, len);
	made = mun_tree_push(t, f->leaf[t->size], nodes);
	memcpy(f->stored[at], nodes, (size_t)made * MUN_SHA256_LEN);
	f->count += made;
}

static enum mun_code read_node(void *arg, uint64_t index, uint8_t ret[static MUN_SHA256_LEN],
                               struct mun_err *err)
{
	struct forest *f = arg;

	f->reads++;
	if (index >= f->count)
		return mun_fail(err, MUN_E_JOURNAL, "no node of this index");
	memcpy(ret, f->stored[index], MUN_SHA256_LEN);
	return MUN_OK;
}

static void plant(struct forest *f)
{
	struct mun_tree t;

	memset(f, 0, sizeof(*f));
	mun_tree_init(&t);
	for (uint64_t i = 0; i < LEAVES; i++)
		add_leaf(f, &t, &i, sizeof(i));
}

static size_t split(size_t n)
{
	size_t k = 1;

	while (2 * k < n)
		k *= 2;
	return k;
}

/* MTH, PATH and SUBPROOF of RFC 6962 section 2.1, as they are written there. */
static void naive_root(uint8_t *ret, uint8_t leaves[][MUN_SHA256_LEN], size_t n)
{
	uint8_t left[MUN_SHA256_LEN];
	uint8_t right[MUN_SHA256_LEN];
	size_t k = split(n);

	if (n == 1) {
		memcpy(ret, leaves[0], MUN_SHA256_LEN);
		return;
	}
	naive_root(left, leaves, k);
	naive_root(right, leaves + k, n - k);
	mun_tree_join(ret, left, right);
}

static void naive_path(struct mun_proof *ret, size_t m, uint8_t leaves[][MUN_SHA256_LEN], size_t n)
{
	size_t k = split(n);

	if (n == 1)
		return;
	if (m < k) {
		naive_path(ret, m, leaves, k);
		naive_root(ret->hash[ret->len++], leaves + k, n - k);
	} else {
		naive_path(ret, m - k, leaves + k, n - k);
		naive_root(ret->hash[ret->len++], leaves, k);
	}
}

static void naive_subproof(struct mun_proof *ret, size_t m, uint8_t leaves[][MUN_SHA256_LEN],
                           size_t n, bool whole)
{
	size_t k = split(n);

	if (m == n) {
		if (!whole)
			naive_root(ret->hash[ret->len++], leaves, n);
	} else if (m <= k) {
		naive_subproof(ret, m, leaves, k, whole);
		naive_root(ret->hash[ret->len++], leaves + k, n - k);
	} else {
		naive_subproof(ret, m - k, leaves + k, n - k, false);
		naive_root(ret->hash[ret->len++], leaves, k);
	}
}

static void assert_same(const struct mun_proof *a, const struct mun_proof *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->hash, b->hash, a->len * MUN_SHA256_LEN);
}

static void test_roots(void **state)
{
	static struct forest f;
	uint8_t expected[MUN_SHA256_LEN];
	uint8_t root[MUN_SHA256_LEN];
	struct mun_err err;

	(void)state;
	plant(&f);
	assert_ok(mun_tree_root_at(root, 0, read_node, &f, &err), &err);
	mun_sha256(expected, "", 0);
	assert_memory_equal(root, expected, sizeof(root));
	assert_int_equal(f.reads, 0);
	for (size_t n = 1; n <= LEAVES; n++) {
		f.reads = 0;
		assert_ok(mun_tree_root_at(root, n, read_node, &f, &err), &err);
		naive_root(expected, f.leaf, n);
		assert_memory_equal(root, expected, sizeof(root));
		assert_int_equal(f.reads, (unsigned)__builtin_popcountll(n));
	}
}

static void assert_nothing_else(const struct mun_proof *good, const uint8_t *root, size_t size,
                                size_t index, const uint8_t *leaf)
{
	struct mun_proof p = *good;
	uint8_t other[MUN_SHA256_LEN];

	memcpy(other, leaf, sizeof(other));
	other[7] ^= 4;
	assert_false(mun_proof_includes(root, size, index, other, &p));
	memcpy(other, root, sizeof(other));
	other[31] ^= 1;
	assert_false(mun_proof_includes(other, size, index, leaf, &p));
	for (size_t i = 0; i < size + 2; i++)
		assert_true(i == index || !mun_proof_includes(root, size, i, leaf, &p));
	assert_false(mun_proof_includes(root, size, UINT64_MAX, leaf, &p));
	assert_false(mun_proof_includes(root, 0, index, leaf, &p));
	for (size_t i = 0; i < p.len; i++) {
		p.hash[i][i % MUN_SHA256_LEN] ^= 0x80;
		assert_false(mun_proof_includes(root, size, index, leaf, &p));
		p.hash[i][i % MUN_SHA256_LEN] ^= 0x80;
	}
	memcpy(p.hash[p.len++], root, MUN_SHA256_LEN);
	assert_false(mun_proof_includes(root, size, index, leaf, &p));
	p.len = good->len - 1;
	assert_true(good->len == 0 || !mun_proof_includes(root, size, index, leaf, &p));
	p.len = MUN_PROOF_HASHES + 1;
	assert_false(mun_proof_includes(root, size, index, leaf, &p));
}

static void test_inclusion(void **state)
{
	static struct forest f;
	uint8_t root[MUN_SHA256_LEN];
	struct mun_err err;

	(void)state;
	plant(&f);
	for (size_t n = 1; n <= LEAVES; n++) {
		naive_root(root, f.leaf, n);
		for (size_t i = 0; i < n; i++) {
			struct mun_proof expected = { .len = 0 };
			struct mun_proof p;

			f.reads = 0;
			assert_ok(mun_proof_inclusion(&p, i, n, read_node, &f, &err), &err);
			assert_true(f.reads <= 14);
			naive_path(&expected, i, f.leaf, n);
			assert_same(&p, &expected);
			assert_true(mun_proof_includes(root, n, i, f.leaf[i], &p));
			if (n <= 17)
				assert_nothing_else(&p, root, n, i, f.leaf[i]);
		}
	}
}

static void assert_no_other_step(const struct mun_proof *good, size_t old, const uint8_t *old_root,
                                 size_t size, const uint8_t *root)
{
	struct mun_proof p = *good;
	uint8_t other[MUN_SHA256_LEN];

	memcpy(other, old_root, sizeof(other));
	other[0] ^= 1;
	assert_false(mun_proof_consistent(old, other, size, root, &p));
	memcpy(other, root, sizeof(other));
	other[0] ^= 1;
	assert_false(mun_proof_consistent(old, old_root, size, other, &p));
	assert_true(old == size || !mun_proof_consistent(size, root, old, old_root, &p));
	for (size_t i = 0; i < p.len; i++) {
		p.hash[i][i % MUN_SHA256_LEN] ^= 2;
		assert_false(mun_proof_consistent(old, old_root, size, root, &p));
		p.hash[i][i % MUN_SHA256_LEN] ^= 2;
	}
	memcpy(p.hash[p.len++], root, MUN_SHA256_LEN);
	assert_false(mun_proof_consistent(old, old_root, size, root, &p));
	p.len = good->len - 1;
	assert_true(good->len == 0 || !mun_proof_consistent(old, old_root, size, root, &p));
	p.len = MUN_PROOF_HASHES + 1;
	assert_false(mun_proof_consistent(old, old_root, size, root, &p));
}

static void test_consistency(void **state)
{
	static struct forest f;
	uint8_t old_root[MUN_SHA256_LEN];
	uint8_t root[MUN_SHA256_LEN];
	struct mun_err err;

	(void)state;
	plant(&f);
	for (size_t n = 1; n <= LEAVES; n++) {
		naive_root(root, f.leaf, n);
		for (size_t m = 1; m <= n; m++) {
			struct mun_proof expected = { .len = 0 };
			struct mun_proof p;

			f.reads = 0;
			assert_ok(mun_proof_consistency(&p, m, n, read_node, &f, &err), &err);
			assert_true(f.reads <= 15);
			naive_subproof(&expected, m, f.leaf, n, true);
			assert_same(&p, &expected);
			naive_root(old_root, f.leaf, m);
			assert_true(mun_proof_consistent(m, old_root, n, root, &p));
			if (n <= 33)
				assert_no_other_step(&p, m, old_root, n, root);
		}
	}
}

/* From nothing everything grows, but only by an empty proof, and nothing itself has one root. */
static void test_from_nothing(void **state)
{
	static struct forest f;
	uint8_t empty[MUN_SHA256_LEN];
	uint8_t root[MUN_SHA256_LEN];
	struct mun_proof p = { .len = 9 };
	struct mun_err err;

	(void)state;
	plant(&f);
	mun_sha256(empty, "", 0);
	naive_root(root, f.leaf, 5);
	assert_ok(mun_proof_consistency(&p, 0, 5, read_node, &f, &err), &err);
	assert_int_equal(p.len, 0);
	assert_true(mun_proof_consistent(0, empty, 5, root, &p));
	assert_true(mun_proof_consistent(0, empty, 0, empty, &p));
	assert_false(mun_proof_consistent(0, empty, 0, root, &p));
	assert_false(mun_proof_consistent(5, root, 0, empty, &p));
	memcpy(p.hash[p.len++], root, MUN_SHA256_LEN);
	assert_false(mun_proof_consistent(0, empty, 5, root, &p));
	assert_false(mun_proof_consistent(0, empty, 0, empty, &p));
}

/* Proofs that would fit if the size were another one than is claimed. */
static void test_other_sizes(void **state)
{
	static struct forest f;
	uint8_t wide[MUN_SHA256_LEN];
	uint8_t old_wide[MUN_SHA256_LEN];
	uint8_t root[MUN_SHA256_LEN];
	struct mun_proof p = { .len = 1 };

	(void)state;
	plant(&f);
	memcpy(p.hash[0], f.leaf[1], MUN_SHA256_LEN);
	mun_tree_join(wide, f.leaf[0], f.leaf[1]);
	assert_true(mun_proof_includes(wide, 2, 0, f.leaf[0], &p));
	assert_false(mun_proof_includes(wide, 8, 0, f.leaf[0], &p));
	assert_true(mun_proof_consistent(1, f.leaf[0], 2, wide, &p));
	assert_false(mun_proof_consistent(1, f.leaf[0], 8, wide, &p));
	/* a hash more than the size has levels, on the side where a root of its own would stand */
	mun_tree_join(wide, f.leaf[1], f.leaf[0]);
	assert_false(mun_proof_includes(wide, 1, 0, f.leaf[0], &p));
	naive_root(root, f.leaf, 2);
	mun_tree_join(old_wide, f.leaf[5], f.leaf[0]);
	mun_tree_join(wide, f.leaf[5], root);
	p.len = 2;
	memcpy(p.hash[1], f.leaf[5], MUN_SHA256_LEN);
	assert_false(mun_proof_consistent(1, old_wide, 2, wide, &p));
	assert_false(mun_proof_consistent(1, f.leaf[0], 2, wide, &p));
}

/* The answers that implementations of RFC 6962 agree on, for a tree of eight leaves. */
static const struct {
	bool inclusion;
	uint64_t from, size;
	const char *hash[3];
} known[] = {
	{ true, 0, 1, { NULL } },
	{ true,
	  0,
	  8,
	  { "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
	    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4" } },
	{ true,
	  5,
	  8,
	  { "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
	    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" } },
	{ true, 2, 3, { "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" } },
	{ true,
	  1,
	  5,
	  { "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b" } },
	{ false, 1, 1, { NULL } },
	{ false,
	  1,
	  8,
	  { "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
	    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4" } },
	{ false,
	  6,
	  8,
	  { "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
	    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" } },
	{ false,
	  2,
	  5,
	  { "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b" } },
};

static void plant_known(struct forest *f)
{
	static const struct mun_slice entries[] = {
		{ "", 0 },
		{ "\x00", 1 },
		{ "\x10", 1 },
		{ "\x20\x21", 2 },
		{ "\x30\x31", 2 },
		{ "\x40\x41\x42\x43", 4 },
		{ "\x50\x51\x52\x53\x54\x55\x56\x57", 8 },
		{ "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16 },
	};
	struct mun_tree t;

	memset(f, 0, sizeof(*f));
	mun_tree_init(&t);
	for (size_t i = 0; i < MUN_ARRAY_LEN(entries); i++)
		add_leaf(f, &t, entries[i].data, entries[i].len);
}

static void test_known(void **state)
{
	static struct forest f;
	struct mun_proof p;
	struct mun_err err;

	(void)state;
	plant_known(&f);
	for (size_t i = 0; i < MUN_ARRAY_LEN(known); i++) {
		size_t len = 0;

		if (known[i].inclusion)
			assert_ok(mun_proof_inclusion(&p, known[i].from, known[i].size, read_node,
			                              &f, &err),
			          &err);
		else
			assert_ok(mun_proof_consistency(&p, known[i].from, known[i].size, read_node,
			                                &f, &err),
			          &err);
		for (; len < 3 && known[i].hash[len] != NULL; len++) {
			char hex[2 * MUN_SHA256_LEN + 1];

			mun_hex_encode(hex, p.hash[len], MUN_SHA256_LEN);
			assert_string_equal(hex, known[i].hash[len]);
		}
		assert_int_equal(p.len, len);
	}
}

static void test_usage(void **state)
{
	static struct forest f;
	struct mun_proof p = { .len = 7 };
	uint8_t root[MUN_SHA256_LEN];
	struct mun_err err;

	(void)state;
	plant(&f);
	assert_fails(mun_proof_inclusion(&p, 5, 5, read_node, &f, &err), MUN_E_USAGE, &err);
	assert_fails(mun_proof_inclusion(&p, 0, 0, read_node, &f, &err), MUN_E_USAGE, &err);
	assert_fails(mun_proof_inclusion(&p, 0, UINT64_MAX, read_node, &f, &err), MUN_E_USAGE,
	             &err);
	assert_fails(mun_proof_consistency(&p, 6, 5, read_node, &f, &err), MUN_E_USAGE, &err);
	assert_fails(mun_proof_consistency(&p, 6, UINT64_MAX, read_node, &f, &err), MUN_E_USAGE,
	             &err);
	assert_fails(mun_tree_root_at(root, UINT64_MAX, read_node, &f, &err), MUN_E_USAGE, &err);
	assert_int_equal(f.reads, 0);
	/* nodes that are not there */
	assert_fails(mun_proof_inclusion(&p, 5, 1000, read_node, &f, &err), MUN_E_JOURNAL, &err);
	assert_fails(mun_proof_consistency(&p, 5, 1000, read_node, &f, &err), MUN_E_JOURNAL, &err);
	assert_fails(mun_tree_root_at(root, 1000, read_node, &f, &err), MUN_E_JOURNAL, &err);
	assert_int_equal(p.len, 7);
}

static enum mun_code any_node(void *arg, uint64_t index, uint8_t ret[static MUN_SHA256_LEN],
                              struct mun_err *err)
{
	unsigned *reads = arg;

	(void)err;
	++*reads;
	mun_sha256(ret, &index, sizeof(index));
	return MUN_OK;
}

/* Also of a huge tree a few nodes are enough, and what they make is accepted. */
static void test_huge(void **state)
{
	const uint64_t size = (UINT64_C(1) << 62) - 5;
	uint8_t old_root[MUN_SHA256_LEN];
	uint8_t root[MUN_SHA256_LEN];
	uint8_t leaf[MUN_SHA256_LEN];
	struct mun_proof p;
	struct mun_err err;
	unsigned reads = 0;

	(void)state;
	assert_ok(mun_tree_root_at(root, size, any_node, &reads, &err), &err);
	assert_true(reads <= 62);
	reads = 0;
	assert_ok(mun_proof_inclusion(&p, size - 1, size, any_node, &reads, &err), &err);
	assert_true(reads <= 124);
	assert_ok(any_node(&reads, mun_tree_index(0, size - 1), leaf, &err), &err);
	assert_true(mun_proof_includes(root, size, size - 1, leaf, &p));
	reads = 0;
	assert_ok(mun_proof_consistency(&p, size - 1, size, any_node, &reads, &err), &err);
	assert_true(reads <= 124);
	assert_ok(mun_tree_root_at(old_root, size - 1, any_node, &reads, &err), &err);
	assert_true(mun_proof_consistent(size - 1, old_root, size, root, &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roots),       cmocka_unit_test(test_inclusion),
		cmocka_unit_test(test_consistency), cmocka_unit_test(test_from_nothing),
		cmocka_unit_test(test_other_sizes), cmocka_unit_test(test_known),
		cmocka_unit_test(test_usage),       cmocka_unit_test(test_huge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
