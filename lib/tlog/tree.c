/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tlog/tree.h"

#include <string.h>

void mun_tree_init(struct mun_tree *t)
{
	memset(t, 0, sizeof(*t));
}

void mun_tree_leaf(uint8_t ret[static MUN_SHA256_LEN], const void *entry, size_t len)
{
	const struct mun_slice pieces[] = { { "\x00", 1 }, { entry, len } };

	mun_sha256_of(ret, pieces, MUN_ARRAY_LEN(pieces));
}

void mun_tree_join(uint8_t ret[static MUN_SHA256_LEN], const uint8_t left[static MUN_SHA256_LEN],
                   const uint8_t right[static MUN_SHA256_LEN])
{
	uint8_t bytes[1 + 2 * MUN_SHA256_LEN] = { 0x01 };

	memcpy(bytes + 1, left, MUN_SHA256_LEN);
	memcpy(bytes + 1 + MUN_SHA256_LEN, right, MUN_SHA256_LEN);
	mun_sha256(ret, bytes, sizeof(bytes));
}

unsigned mun_tree_push(struct mun_tree *t, const uint8_t leaf[static MUN_SHA256_LEN],
                       uint8_t ret[][MUN_SHA256_LEN])
{
	unsigned made = 1;

	memcpy(ret[0], leaf, MUN_SHA256_LEN);
	/* Each trailing one bit of the size is a subtree that the new leaf completes. */
	for (uint64_t n = t->size; (n & 1) != 0; n >>= 1) {
		t->edge_len--;
		mun_tree_join(ret[made], t->edge[t->edge_len], ret[made - 1]);
		made++;
	}
	memcpy(t->edge[t->edge_len], ret[made - 1], MUN_SHA256_LEN);
	t->edge_len++;
	t->size++;
	return made;
}

void mun_tree_root(const struct mun_tree *t, uint8_t ret[static MUN_SHA256_LEN])
{
	uint8_t hash[MUN_SHA256_LEN];

	if (t->size == 0) {
		mun_sha256(ret, "", 0);
		return;
	}
	memcpy(hash, t->edge[t->edge_len - 1], sizeof(hash));
	for (unsigned i = t->edge_len - 1; i > 0; i--)
		mun_tree_join(hash, t->edge[i - 1], hash);
	memcpy(ret, hash, sizeof(hash));
}

uint64_t mun_tree_index(unsigned level, uint64_t n)
{
	uint64_t index = level;

	/* The leaf that completes the node, then the nodes that stand before that leaf. */
	for (unsigned l = level; l > 0; l--)
		n = 2 * n + 1;
	for (; n > 0; n >>= 1)
		index += n;
	return index;
}

uint64_t mun_tree_stored(uint64_t size)
{
	uint64_t stored;

	if (size == 0)
		return 0;
	stored = mun_tree_index(0, size - 1) + 1;
	for (uint64_t n = size - 1; (n & 1) != 0; n >>= 1)
		stored++;
	return stored;
}
