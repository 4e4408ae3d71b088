/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tlog/proof.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Stored indexes of larger trees would not fit into 64 bits. */
#define SIZE_LIMIT (UINT64_C(1) << 62)

struct nodes { /* the reader and its argument */
	mun_node_fn read;
	void *arg;
};

/* Largest power of two below n, for n > 1: where RFC 6962 splits n leaves. */
static uint64_t split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* Root of the leaves from lo up to hi, a subtree of some tree: its perfect parts, folded from the
 * right, smallest first. */
static enum mun_code range_root(uint8_t ret[static MUN_SHA256_LEN], uint64_t lo, uint64_t hi,
                                const struct nodes *n, struct mun_err *err)
{
	uint8_t hash[MUN_SHA256_LEN];
	bool any = false;

	assert(lo < hi);
	while (hi > lo) {
		unsigned level = (unsigned)__builtin_ctzll(hi - lo);
		uint8_t left[MUN_SHA256_LEN];
		enum mun_code code;

		hi -= UINT64_C(1) << level;
		code = n->read(n->arg, mun_tree_index(level, hi >> level), any ? left : hash, err);
		if (code != MUN_OK)
			return code;
		if (any)
			mun_tree_join(hash, left, hash);
		any = true;
	}
	memcpy(ret, hash, sizeof(hash));
	return MUN_OK;
}

enum mun_code mun_tree_root_at(uint8_t ret[static MUN_SHA256_LEN], uint64_t size, mun_node_fn node,
                               void *arg, struct mun_err *err)
{
	const struct nodes n = { node, arg };

	if (size > SIZE_LIMIT)
		return mun_fail(err, MUN_E_USAGE, "no tree has %" PRIu64 " leaves", size);
	if (size == 0) {
		mun_sha256(ret, "", 0);
		return MUN_OK;
	}
	return range_root(ret, 0, size, &n, err);
}

static enum mun_code add_range(struct mun_proof *p, uint64_t lo, uint64_t hi, const struct nodes *n,
                               struct mun_err *err)
{
	assert(p->len < MUN_PROOF_HASHES);
	return range_root(p->hash[p->len++], lo, hi, n, err);
}

/* Hashes are found from the root down and told from the leaf up. */
static void reverse(struct mun_proof *p)
{
	for (size_t i = 0; i < p->len / 2; i++) {
		uint8_t hash[MUN_SHA256_LEN];

		memcpy(hash, p->hash[i], sizeof(hash));
		memcpy(p->hash[i], p->hash[p->len - 1 - i], sizeof(hash));
		memcpy(p->hash[p->len - 1 - i], hash, sizeof(hash));
	}
}

enum mun_code mun_proof_inclusion(struct mun_proof *ret, uint64_t index, uint64_t size,
                                  mun_node_fn node, void *arg, struct mun_err *err)
{
	const struct nodes n = { node, arg };
	struct mun_proof p = { .len = 0 };
	enum mun_code code = MUN_OK;
	uint64_t lo = 0;
	uint64_t hi = size;

	if (index >= size || size > SIZE_LIMIT)
		return mun_fail(err, MUN_E_USAGE, "entry %" PRIu64 " is not in a tree of %" PRIu64,
		                index, size);
	while (code == MUN_OK && hi - lo > 1) {
		uint64_t mid = lo + split(hi - lo);

		if (index < mid) {
			code = add_range(&p, mid, hi, &n, err);
			hi = mid;
		} else {
			code = add_range(&p, lo, mid, &n, err);
			lo = mid;
		}
	}
	if (code != MUN_OK)
		return code;
	reverse(&p);
	*ret = p;
	return MUN_OK;
}

enum mun_code mun_proof_consistency(struct mun_proof *ret, uint64_t old, uint64_t size,
                                    mun_node_fn node, void *arg, struct mun_err *err)
{
	const struct nodes n = { node, arg };
	struct mun_proof p = { .len = 0 };
	enum mun_code code = MUN_OK;
	uint64_t lo = 0;
	uint64_t hi = size;

	if (old > size || size > SIZE_LIMIT)
		return mun_fail(err, MUN_E_USAGE,
		                "a tree of %" PRIu64 " does not grow into one of %" PRIu64, old,
		                size);
	/* SUBPROOF of RFC 6962 section 2.1.2, until what is left is all in the older tree. */
	while (code == MUN_OK && old > 0 && hi != old) {
		uint64_t mid = lo + split(hi - lo);

		if (old <= mid) {
			code = add_range(&p, mid, hi, &n, err);
			hi = mid;
		} else {
			code = add_range(&p, lo, mid, &n, err);
			lo = mid;
		}
	}
	/* From the left edge it is the older root itself, which the verifier has. */
	if (code == MUN_OK && lo > 0)
		code = add_range(&p, lo, hi, &n, err);
	if (code != MUN_OK)
		return code;
	reverse(&p);
	*ret = p;
	return MUN_OK;
}

/* Both places go up past the levels where the left one is no right child. */
static void climb(uint64_t *fn, uint64_t *sn)
{
	while ((*fn & 1) == 0 && *fn != 0) {
		*fn >>= 1;
		*sn >>= 1;
	}
}

/* RFC 9162 section 2.1.3.2. */
bool mun_proof_includes(const uint8_t root[static MUN_SHA256_LEN], uint64_t size, uint64_t index,
                        const uint8_t leaf[static MUN_SHA256_LEN], const struct mun_proof *p)
{
	uint8_t hash[MUN_SHA256_LEN];
	uint64_t fn = index;
	uint64_t sn = size - 1;

	if (index >= size || p->len > MUN_PROOF_HASHES)
		return false;
	memcpy(hash, leaf, sizeof(hash));
	for (size_t i = 0; i < p->len; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			mun_tree_join(hash, p->hash[i], hash);
			climb(&fn, &sn);
		} else {
			mun_tree_join(hash, hash, p->hash[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(hash, root, sizeof(hash)) == 0;
}

static bool is_empty_root(const uint8_t root[static MUN_SHA256_LEN])
{
	uint8_t hash[MUN_SHA256_LEN];

	mun_sha256(hash, "", 0);
	return memcmp(hash, root, sizeof(hash)) == 0;
}

/* RFC 9162 section 2.1.4.2, for 0 < old < size. */
static bool grows(uint64_t old, const uint8_t *old_root, uint64_t size, const uint8_t *root,
                  const struct mun_proof *p)
{
	uint8_t old_hash[MUN_SHA256_LEN];
	uint8_t hash[MUN_SHA256_LEN];
	uint64_t fn = old - 1;
	uint64_t sn = size - 1;
	/* The older root leads the path itself when it is a node of the larger tree. */
	bool lead = (old & (old - 1)) == 0;

	if (p->len == 0)
		return false;
	while ((fn & 1) != 0) {
		fn >>= 1;
		sn >>= 1;
	}
	memcpy(hash, lead ? old_root : p->hash[0], sizeof(hash));
	memcpy(old_hash, hash, sizeof(hash));
	for (size_t i = lead ? 0 : 1; i < p->len; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			mun_tree_join(old_hash, p->hash[i], old_hash);
			mun_tree_join(hash, p->hash[i], hash);
			climb(&fn, &sn);
		} else {
			mun_tree_join(hash, hash, p->hash[i]);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && memcmp(old_hash, old_root, sizeof(hash)) == 0 &&
	       memcmp(hash, root, sizeof(hash)) == 0;
}

bool mun_proof_consistent(uint64_t old, const uint8_t old_root[static MUN_SHA256_LEN],
                          uint64_t size, const uint8_t root[static MUN_SHA256_LEN],
                          const struct mun_proof *p)
{
	if (old > size || p->len > MUN_PROOF_HASHES || (size == 0 && !is_empty_root(root)))
		return false;
	if (old == 0)
		return p->len == 0;
	if (old == size)
		return p->len == 0 && memcmp(old_root, root, MUN_SHA256_LEN) == 0;
	return grows(old, old_root, size, root, p);
}
