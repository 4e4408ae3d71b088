/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TREE_H
#define MUN_TREE_H
/*
 * RFC 6962 section 2.1: Merkle tree hashes. Pure. leaf = SHA-256(0x00 || bytes), node =
 * SHA-256(0x01 || left || right), empty root = SHA-256(""). The right edge holds the roots of
 * the perfect subtrees of the binary form of size, largest first.
 * Stored nodes use the index of golang.org/x/mod/sumdb/tlog StoredHashIndex: each new leaf
 * appends its hash and the nodes that it completes, so the index only grows.
 */
#include "lib/digest.h"
#define MUN_TREE_LEVELS 64
struct mun_tree {
	uint64_t size;
	uint8_t edge[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	unsigned edge_len; /* popcount of size */
};
void mun_tree_init(struct mun_tree *t);
void mun_tree_leaf(uint8_t ret[static MUN_SHA256_LEN], const void *entry, size_t len);
/* The node above two others; ret may be one of them. */
void mun_tree_join(uint8_t ret[static MUN_SHA256_LEN], const uint8_t left[static MUN_SHA256_LEN],
                   const uint8_t right[static MUN_SHA256_LEN]);
/* Adds a leaf; completed nodes in order of their stored index: ret[0] is the leaf itself. At most
 * MUN_TREE_LEVELS. Returns how many. */
unsigned mun_tree_push(struct mun_tree *t, const uint8_t leaf[static MUN_SHA256_LEN],
                       uint8_t ret[][MUN_SHA256_LEN]);
void mun_tree_root(const struct mun_tree *t, uint8_t ret[static MUN_SHA256_LEN]);
/* Index of the hash at (level, n): n-th node of that level, level 0 are leaves. */
uint64_t mun_tree_index(unsigned level, uint64_t n);
/* Stored hashes of a tree of size leaves. */
uint64_t mun_tree_stored(uint64_t size);
#endif
