/* SPDX-License-Identifier: Apache-2.0 */
/* Trees and proofs: rfc6962-tree, merkle-inclusion-probes, merkle-consistency-probes, tlog-tiles.
 */
#include "lib/tlog/proof.h"
#include "tests/lib/vectors.h"

#define STORED_MAX 64

struct stored {
	uint8_t node[STORED_MAX][MUN_SHA256_LEN];
	uint64_t count;
};

static enum mun_code read_node(void *arg, uint64_t index, uint8_t ret[static MUN_SHA256_LEN],
                               struct mun_err *err)
{
	const struct stored *s = arg;

	if (index >= s->count)
		return mun_fail(err, MUN_E_JOURNAL, "no node of this index");
	memcpy(ret, s->node[index], MUN_SHA256_LEN);
	return MUN_OK;
}

static void assert_hash(const uint8_t *hash, const char *hex)
{
	char text[2 * MUN_SHA256_LEN + 1];

	mun_hex_encode(text, hash, MUN_SHA256_LEN);
	assert_string_equal(text, hex);
}

static void grow(struct stored *s, const struct mun_json_val *root)
{
	const struct mun_json_val *leaf = vectors_first(root, "leaf_inputs_hex");
	const struct mun_json_val *expected = vectors_first(root, "roots_by_size_hex");
	struct mun_tree t;

	s->count = 0;
	mun_tree_init(&t);
	for (; leaf != NULL; leaf = mun_json_next(leaf), expected = mun_json_next(expected)) {
		uint8_t nodes[MUN_TREE_LEVELS][MUN_SHA256_LEN];
		uint8_t hash[MUN_SHA256_LEN];
		uint8_t bytes[64];
		struct mun_err err;
		unsigned made;

		mun_tree_leaf(hash, bytes, vectors_hex(bytes, sizeof(bytes), mun_json_str(leaf)));
		made = mun_tree_push(&t, hash, nodes);
		assert_true(s->count + made <= STORED_MAX);
		memcpy(s->node[s->count], nodes, (size_t)made * MUN_SHA256_LEN);
		s->count += made;
		mun_tree_root(&t, hash);
		assert_hash(hash, mun_json_str(expected));
		assert_ok(mun_tree_root_at(hash, t.size, read_node, s, &err), &err);
		assert_hash(hash, mun_json_str(expected));
	}
	assert_int_equal(t.size, 8);
}

static void assert_path(const struct mun_proof *p, const struct mun_json_val *v)
{
	const struct mun_json_val *hash = mun_json_first(mun_json_get(v, "proof_hex"));

	assert_int_equal(p->len, mun_json_count(mun_json_get(v, "proof_hex")));
	for (size_t i = 0; hash != NULL; hash = mun_json_next(hash))
		assert_hash(p->hash[i++], mun_json_str(hash));
}

static void check_nodes(const struct stored *s, const struct mun_json_val *root)
{
	unsigned level = 0;

	for (const struct mun_json_val *l = vectors_first(root, "node_hashes_by_level_hex"); l;
	     l = mun_json_next(l)) {
		uint64_t n = 0;

		for (const struct mun_json_val *h = mun_json_first(l); h; h = mun_json_next(h))
			assert_hash(s->node[mun_tree_index(level, n++)], mun_json_str(h));
		level++;
	}
	assert_int_equal(level, 4);
}

static void test_tree(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "rfc6962-tree.json");
	const struct mun_json_val *v;
	uint8_t left[MUN_SHA256_LEN];
	uint8_t right[MUN_SHA256_LEN];
	uint8_t hash[MUN_SHA256_LEN];
	static struct stored s;
	struct mun_proof p;
	struct mun_err err;

	(void)state;
	grow(&s, root);
	check_nodes(&s, root);
	assert_ok(mun_tree_root_at(hash, 0, read_node, &s, &err), &err);
	assert_hash(hash, vectors_str(root, "empty_root_hex"));
	for (v = vectors_first(root, "leaf_hash"); v; v = mun_json_next(v)) {
		mun_tree_leaf(hash, left,
		              vectors_hex(left, sizeof(left), vectors_str(v, "data_hex")));
		assert_hash(hash, vectors_str(v, "hash_hex"));
	}
	v = vectors_first(root, "node_hash");
	(void)vectors_hex(left, sizeof(left), vectors_str(v, "left_hex"));
	(void)vectors_hex(right, sizeof(right), vectors_str(v, "right_hex"));
	mun_tree_join(hash, left, right);
	assert_hash(hash, vectors_str(v, "hash_hex"));
	for (v = vectors_first(root, "inclusion"); v; v = mun_json_next(v)) {
		assert_ok(mun_proof_inclusion(&p, vectors_number(v, "index"),
		                              vectors_number(v, "size"), read_node, &s, &err),
		          &err);
		assert_path(&p, v);
	}
	for (v = vectors_first(root, "consistency"); v; v = mun_json_next(v)) {
		assert_ok(mun_proof_consistency(&p, vectors_number(v, "size1"),
		                                vectors_number(v, "size2"), read_node, &s, &err),
		          &err);
		assert_path(&p, v);
	}
}

/* False: not a hash, which no reader of ours would let through to a verifier. */
static bool hash_of(uint8_t ret[static MUN_SHA256_LEN], const struct mun_json_val *v)
{
	const char *text = mun_json_str(v);

	return text != NULL && mun_base64_exact(ret, MUN_SHA256_LEN, text, strlen(text));
}

static bool path_of(struct mun_proof *ret, const struct mun_json_val *v)
{
	ret->len = 0;
	for (const struct mun_json_val *h = mun_json_first(mun_json_get(v, "proof")); h;
	     h = mun_json_next(h)) {
		if (ret->len == MUN_PROOF_HASHES || !hash_of(ret->hash[ret->len], h))
			return false;
		ret->len++;
	}
	return true;
}

static void test_inclusion_probes(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "merkle-inclusion-probes.json");
	size_t count = 0;

	(void)state;
	for (const struct mun_json_val *v = vectors_first(root, "vectors"); v;
	     v = mun_json_next(v), count++) {
		uint8_t tree[MUN_SHA256_LEN];
		uint8_t leaf[MUN_SHA256_LEN];
		struct mun_proof p;
		bool good = path_of(&p, v) && hash_of(tree, mun_json_get(v, "root")) &&
		            hash_of(leaf, mun_json_get(v, "leafHash")) &&
		            mun_proof_includes(tree, vectors_number(v, "treeSize"),
		                               vectors_number(v, "leafIdx"), leaf, &p);

		if (good == vectors_flag(v, "wantErr"))
			fail_msg("%s", vectors_str(v, "file"));
	}
	assert_int_equal(count, 98);
}

/*
 * Two answers are our own: that suite refuses to start from an empty tree, which a witness must
 * do; and a note says where it takes roots that are no hashes, which a strict reader does not.
 */
static void test_consistency_probes(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "merkle-consistency-probes.json");
	size_t count = 0;
	size_t strict = 0;

	(void)state;
	for (const struct mun_json_val *v = vectors_first(root, "vectors"); v;
	     v = mun_json_next(v), count++) {
		uint8_t old_root[MUN_SHA256_LEN];
		uint8_t new_root[MUN_SHA256_LEN];
		struct mun_proof p;
		bool refuse = vectors_flag(v, "wantErr");
		bool good = path_of(&p, v) && hash_of(old_root, mun_json_get(v, "root1")) &&
		            hash_of(new_root, mun_json_get(v, "root2")) &&
		            mun_proof_consistent(vectors_number(v, "size1"), old_root,
		                                 vectors_number(v, "size2"), new_root, &p);

		if (mun_json_get(v, "strict_note") != NULL) {
			strict++;
			refuse = true;
		}
		if (good == refuse)
			fail_msg("%s", vectors_str(v, "file"));
	}
	assert_int_equal(count, 98);
	assert_int_equal(strict, 1);
}

/* Nodes of a level that are stored for a tree of that size. */
static uint64_t nodes_at(unsigned level, uint64_t size)
{
	uint64_t stored = mun_tree_stored(size);
	uint64_t n = 0;

	while (mun_tree_index(level, n) < stored)
		n++;
	return n;
}

/* The hashes of a tile are stored nodes of every eighth level: as many as the specification says.
 */
static void test_tiles(void **state)
{
	static const char *const keys[][2] = {
		{ "full_level0", "partial_level0" },
		{ "full_level1", "partial_level1" },
		{ "full_level2", "partial_level2" },
	};
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "tlog-tiles.json");
	size_t checked = 0;

	(void)state;
	for (const struct mun_json_val *v = vectors_first(root, "geometry"); v;
	     v = mun_json_next(v)) {
		for (unsigned level = 0; level < MUN_ARRAY_LEN(keys); level++) {
			uint64_t nodes = nodes_at(8 * level, vectors_number(v, "size"));

			if (mun_json_get(v, keys[level][0]) != NULL) {
				assert_int_equal(nodes / 256, vectors_number(v, keys[level][0]));
				checked++;
			}
			if (mun_json_get(v, keys[level][1]) != NULL) {
				assert_int_equal(nodes % 256, vectors_number(v, keys[level][1]));
				checked++;
			}
		}
	}
	assert_int_equal(checked, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_inclusion_probes),
		cmocka_unit_test(test_consistency_probes),
		cmocka_unit_test(test_tiles),
	};

	return vectors_run(tests);
}
