/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs from stored nodes, against a tree that is computed from the entries in the plain way. */
#include <stdlib.h>
#include <string.h>

#include "journal/handle.h"
#include "journal/prove.h"
#include "tests/journal/signed_place.h"

#define LEAVES_MAX 1000

struct leaves {
	uint8_t hash[LEAVES_MAX][MUN_SHA256_LEN];
	size_t len;
};

/* RFC 6962, section 2.1, as it is written there. */
static void plain_root(uint8_t ret[MUN_SHA256_LEN], const struct leaves *l, size_t from, size_t to)
{
	uint8_t node[1 + 2 * MUN_SHA256_LEN] = { 1 };
	size_t half = 1;

	if (to == from) {
		mun_sha256(ret, "", 0);
		return;
	}
	if (to - from == 1) {
		memcpy(ret, l->hash[from], MUN_SHA256_LEN);
		return;
	}
	while (2 * half < to - from)
		half *= 2;
	plain_root(node + 1, l, from, from + half);
	plain_root(node + 1 + MUN_SHA256_LEN, l, from + half, to);
	mun_sha256(ret, node, sizeof(node));
}

static struct leaves *read_leaves(struct place *p)
{
	struct leaves *l = calloc(1, sizeof(*l));
	struct mun_buf line;

	assert_non_null(l);
	mun_buf_init(&line, MUN_ENTRY_MAX + 1);
	l->len = (size_t)place_size(p);
	assert_true(l->len <= LEAVES_MAX);
	for (size_t i = 0; i < l->len; i++) {
		mun_buf_clear(&line);
		mun_buf_putc(&line, '\0');
		assert_ok(mun_journal_entry(p->j, i, &line, &p->err), &p->err);
		mun_sha256(l->hash[i], line.data, line.len);
	}
	mun_buf_done(&line);
	return l;
}

static void check_inclusion(struct place *p, const struct leaves *l, size_t index, size_t size)
{
	uint8_t root[MUN_SHA256_LEN];
	struct mun_proof proof;

	plain_root(root, l, 0, size);
	assert_ok(mun_prove_inclusion(p->j, index, size, &proof, &p->err), &p->err);
	assert_true(mun_proof_includes(root, size, index, l->hash[index], &proof));
	assert_false(mun_proof_includes(root, size, index, l->hash[(index + 1) % l->len], &proof));
	root[31] ^= 1;
	assert_false(mun_proof_includes(root, size, index, l->hash[index], &proof));
}

static void check_consistency(struct place *p, const struct leaves *l, size_t old, size_t size)
{
	uint8_t old_root[MUN_SHA256_LEN], root[MUN_SHA256_LEN];
	struct mun_proof proof;

	plain_root(old_root, l, 0, old);
	plain_root(root, l, 0, size);
	assert_ok(mun_prove_consistency(p->j, old, size, &proof, &p->err), &p->err);
	assert_true(mun_proof_consistent(old, old_root, size, root, &proof));
	if (old == 0)
		return;
	old_root[0] ^= 1;
	assert_false(mun_proof_consistent(old, old_root, size, root, &proof));
}

static void test_all_pairs(void **state)
{
	struct place *p = *state;
	struct leaves *l;
	uint8_t root[MUN_SHA256_LEN], plain[MUN_SHA256_LEN];

	place_grow(p, 69);
	l = read_leaves(p);
	for (size_t size = 0; size <= l->len; size++) {
		plain_root(plain, l, 0, size);
		assert_ok(mun_prove_root(p->j, size, root, &p->err), &p->err);
		assert_memory_equal(root, plain, sizeof(root));
		for (size_t i = 0; i <= size; i++) {
			if (i < size)
				check_inclusion(p, l, i, size);
			check_consistency(p, l, i, size);
		}
	}
	free(l);
}

static void test_random_sizes(void **state)
{
	struct place *p = *state;
	uint8_t root[MUN_SHA256_LEN], plain[MUN_SHA256_LEN];
	struct leaves *l;

	place_grow(p, 500 + mun_random_below(400));
	l = read_leaves(p);
	for (unsigned i = 0; i < 300; i++) {
		size_t size = 1 + mun_random_below((uint32_t)l->len);

		plain_root(plain, l, 0, size);
		assert_ok(mun_prove_root(p->j, size, root, &p->err), &p->err);
		assert_memory_equal(root, plain, sizeof(root));
		check_inclusion(p, l, mun_random_below((uint32_t)size), size);
		check_consistency(p, l, mun_random_below((uint32_t)size + 1), size);
	}
	free(l);
}

static void test_subtrees(void **state)
{
	struct place *p = *state;
	uint8_t got[MUN_SHA256_LEN], plain[MUN_SHA256_LEN];
	struct leaves *l;

	place_grow(p, 36);
	l = read_leaves(p);
	for (unsigned level = 0; level < 7; level++) {
		uint64_t n = 0;

		for (; (n + 1) << level <= l->len; n++) {
			plain_root(plain, l, n << level, (n + 1) << level);
			assert_ok(mun_prove_subtree(p->j, level, n, got, &p->err), &p->err);
			assert_memory_equal(got, plain, sizeof(got));
		}
		assert_fails(mun_prove_subtree(p->j, level, n, got, &p->err), MUN_E_JOURNAL,
		             &p->err);
	}
	assert_fails(mun_prove_subtree(p->j, 63, 1, got, &p->err), MUN_E_USAGE, &p->err);
	assert_fails(mun_prove_subtree(p->j, 200, 0, got, &p->err), MUN_E_USAGE, &p->err);
	assert_fails(mun_prove_subtree(p->j, 1, UINT64_MAX, got, &p->err), MUN_E_USAGE, &p->err);
	free(l);
}

static void test_beyond_the_journal(void **state)
{
	struct place *p = *state;
	uint8_t root[MUN_SHA256_LEN];
	struct mun_proof proof;

	place_grow(p, 4);
	assert_fails(mun_prove_root(p->j, 6, root, &p->err), MUN_E_JOURNAL, &p->err);
	assert_non_null(strstr(p->err.text, "5 entries, not 6"));
	assert_fails(mun_prove_root(p->j, UINT64_MAX, root, &p->err), MUN_E_JOURNAL, &p->err);
	assert_fails(mun_prove_inclusion(p->j, 1, 6, &proof, &p->err), MUN_E_JOURNAL, &p->err);
	assert_fails(mun_prove_inclusion(p->j, 5, 5, &proof, &p->err), MUN_E_USAGE, &p->err);
	assert_fails(mun_prove_consistency(p->j, 2, 6, &proof, &p->err), MUN_E_JOURNAL, &p->err);
	assert_fails(mun_prove_consistency(p->j, 5, 4, &proof, &p->err), MUN_E_USAGE, &p->err);
}

static void put_node(struct place *p, uint64_t index, const void *data, size_t len)
{
	struct mun_key k = mun_key_u64(index);
	struct mun_txn *t = NULL;

	assert_ok(mun_store_write(&t, mun_journal_store(p->j), &p->err), &p->err);
	assert_ok(mun_txn_put(t, MUN_T_TREE, mun_key_val(&k), mun_val(data, len), &p->err),
	          &p->err);
	assert_ok(mun_txn_commit(t, &p->err), &p->err);
}

/* A node that is no hash is named; one that is another hash gives a proof that nobody accepts. */
static void test_damaged_nodes(void **state)
{
	struct place *p = *state;
	uint8_t root[MUN_SHA256_LEN], wrong[MUN_SHA256_LEN] = { 1 };
	struct mun_proof proof;
	struct leaves *l;

	place_grow(p, 7);
	l = read_leaves(p);
	put_node(p, mun_tree_index(1, 0), wrong, 31);
	assert_fails(mun_prove_inclusion(p->j, 2, 8, &proof, &p->err), MUN_E_JOURNAL, &p->err);
	assert_non_null(strstr(p->err.text, "node 2 "));
	put_node(p, mun_tree_index(1, 0), wrong, 32);
	assert_ok(mun_prove_inclusion(p->j, 2, 8, &proof, &p->err), &p->err);
	plain_root(root, l, 0, 8);
	assert_false(mun_proof_includes(root, 8, 2, l->hash[2], &proof));
	free(l);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_all_pairs),          CASE(test_random_sizes),  CASE(test_subtrees),
		CASE(test_beyond_the_journal), CASE(test_damaged_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
