/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/prove.h"

#include <string.h>

#include "journal/handle.h"
#include "journal/prove_impl.h"

enum mun_code mun_prove_node(void *arg, uint64_t index, uint8_t ret[static MUN_SHA256_LEN],
                             struct mun_err *err)
{
	struct mun_key k = mun_key_u64(index);
	struct mun_val v;
	enum mun_code code = mun_txn_get(arg, MUN_T_TREE, mun_key_val(&k), &v, err);

	if (code == MUN_E_NOTFOUND || (code == MUN_OK && v.len != MUN_SHA256_LEN))
		return mun_fail(err, MUN_E_JOURNAL, "node %llu of its tree is missing or damaged",
		                (unsigned long long)index);
	if (code == MUN_OK)
		memcpy(ret, v.data, MUN_SHA256_LEN);
	return code;
}

/* A snapshot in which the first `size` entries are there. */
static enum mun_code begin(struct mun_txn **ret, struct mun_journal *j, uint64_t size,
                           struct mun_err *err)
{
	struct mun_tree tree;
	enum mun_code code = mun_journal_begin_read(ret, j, err);

	if (code != MUN_OK)
		return code;
	code = mun_get_tree(*ret, &tree, err);
	if (code == MUN_OK && tree.size < size)
		code = mun_fail(err, MUN_E_JOURNAL, "it has %llu entries, not %llu",
		                (unsigned long long)tree.size, (unsigned long long)size);
	return mun_journal_failed(j, code, err);
}

enum mun_code mun_prove_root(struct mun_journal *j, uint64_t size,
                             uint8_t ret[static MUN_SHA256_LEN], struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = begin(&t, j, size, err);

	if (code != MUN_OK)
		return code;
	return mun_journal_failed(j, mun_tree_root_at(ret, size, mun_prove_node, t, err), err);
}

enum mun_code mun_prove_inclusion(struct mun_journal *j, uint64_t seq, uint64_t size,
                                  struct mun_proof *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code;

	if (seq >= size)
		return mun_fail(err, MUN_E_USAGE, "#%llu is not among %llu entries",
		                (unsigned long long)seq, (unsigned long long)size);
	code = begin(&t, j, size, err);
	if (code != MUN_OK)
		return code;
	return mun_journal_failed(j, mun_proof_inclusion(ret, seq, size, mun_prove_node, t, err),
	                          err);
}

enum mun_code mun_prove_consistency(struct mun_journal *j, uint64_t old, uint64_t size,
                                    struct mun_proof *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code;

	if (old > size)
		return mun_fail(err, MUN_E_USAGE, "%llu entries are more than %llu",
		                (unsigned long long)old, (unsigned long long)size);
	code = begin(&t, j, size, err);
	if (code != MUN_OK)
		return code;
	return mun_journal_failed(j, mun_proof_consistency(ret, old, size, mun_prove_node, t, err),
	                          err);
}

enum mun_code mun_prove_subtree(struct mun_journal *j, unsigned level, uint64_t n,
                                uint8_t ret[static MUN_SHA256_LEN], struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	uint64_t end;
	enum mun_code code;

	if (level >= MUN_TREE_LEVELS - 1 || n >= UINT64_MAX >> (level + 1))
		return mun_fail(err, MUN_E_USAGE, "no tree has a node %llu at height %u",
		                (unsigned long long)n, level);
	end = (n + 1) << level;
	code = begin(&t, j, end, err);
	if (code != MUN_OK)
		return code;
	return mun_journal_failed(j, mun_prove_node(t, mun_tree_index(level, n), ret, err), err);
}
