/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "journal/tables.h"
#include "journal/verify_impl.h"
#include "lib/pack.h"

#define SLICE_ENTRIES 256
#define SLICE_BYTES   ((size_t)SLICE_ENTRIES * (MUN_ENTRY_MAX + 1))
#define NODES_MAX     (SLICE_ENTRIES * 2 + MUN_TREE_LEVELS)
#define SALT_LEN      32
#define BODY_HEAD     (SALT_LEN + 8) /* salt, length of the uncompressed bytes */

/* Copies of a stretch of the log, so that no reader stays open while they are checked. */
struct slice {
	uint64_t first;
	unsigned len;
	struct {
		size_t at, len;
		bool present;
	} line[SLICE_ENTRIES];
	struct mun_buf bytes;
	uint64_t first_node;
	unsigned nodes_len;
	uint8_t node[NODES_MAX][MUN_SHA256_LEN];
	bool node_present[NODES_MAX];
};

static void slice_freep(struct slice **s)
{
	if (*s)
		mun_buf_done(&(*s)->bytes);
	free(*s);
	*s = NULL;
}

/* A damaged page is a finding at its entry, not the end of the check. */
static enum mun_code get_lenient(struct mun_txn *t, enum mun_table table, uint64_t n,
                                 struct mun_val *ret, struct mun_err *err)
{
	struct mun_key key = mun_key_u64(n);
	enum mun_code code = mun_txn_get(t, table, mun_key_val(&key), ret, err);

	return code == MUN_E_CORRUPT ? MUN_E_NOTFOUND : code;
}

static enum mun_code load_lines(struct slice *s, struct mun_txn *t, struct mun_err *err)
{
	mun_buf_clear(&s->bytes);
	for (unsigned i = 0; i < s->len; i++) {
		struct mun_val v;
		enum mun_code code = get_lenient(t, MUN_T_LOG, s->first + i, &v, err);
		s->line[i].present = code == MUN_OK;
		if (code == MUN_E_NOTFOUND)
			continue;
		if (code != MUN_OK)
			return code;
		s->line[i].at = s->bytes.len;
		s->line[i].len = v.len < MUN_ENTRY_MAX + 1 ? v.len : MUN_ENTRY_MAX + 1;
		mun_buf_add(&s->bytes, v.data, s->line[i].len);
	}
	return mun_buf_check(&s->bytes, "slice of the log", err);
}

static enum mun_code load_nodes(struct slice *s, struct mun_txn *t, struct mun_err *err)
{
	s->first_node = mun_tree_stored(s->first);
	s->nodes_len = (unsigned)(mun_tree_stored(s->first + s->len) - s->first_node);
	for (unsigned i = 0; i < s->nodes_len; i++) {
		struct mun_val v;
		enum mun_code code = get_lenient(t, MUN_T_TREE, s->first_node + i, &v, err);
		s->node_present[i] = code == MUN_OK && v.len == MUN_SHA256_LEN;
		if (s->node_present[i])
			memcpy(s->node[i], v.data, MUN_SHA256_LEN);
		if (code != MUN_OK && code != MUN_E_NOTFOUND)
			return code;
	}
	return MUN_OK;
}

static enum mun_code load_slice(struct slice *s, struct mun_verify *v, uint64_t first,
                                struct mun_err *err)
{
	struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;
	uint64_t left = v->report->head.size - first;

	s->first = first;
	s->len = left < SLICE_ENTRIES ? (unsigned)left : SLICE_ENTRIES;
	enum mun_code code = mun_store_read(&t, mun_journal_store(v->j), err);
	if (code == MUN_OK)
		code = load_lines(s, t, err);
	return code != MUN_OK ? code : load_nodes(s, t, err);
}

/* Nodes that leaf i of the slice completes, against the stored ones; the leaf is the first. */
static void check_nodes(struct mun_verify *v, const struct slice *s, uint64_t seq,
                        uint8_t made[][MUN_SHA256_LEN], unsigned made_len)
{
	uint64_t at = mun_tree_stored(seq) - s->first_node;

	for (unsigned k = 0; k < made_len && at + k < s->nodes_len; k++) {
		bool same = s->node_present[at + k] &&
		            memcmp(s->node[at + k], made[k], MUN_SHA256_LEN) == 0;
		uint64_t first = seq >> k << k;
		if (same)
			continue;
		/* after a bad entry the nodes above it cannot be equal: they tell nothing new */
		if (k == 0)
			mun_verify_bad(v, seq, "the entry does not hash to its leaf");
		else if (v->report->bad == 0)
			mun_verify_bad(v, first, "entries #%llu to #%llu do not hash to their node",
			               (unsigned long long)first, (unsigned long long)seq);
		if (k > 0)
			return;
	}
}

static enum mun_code check_content(struct mun_verify *v, const char *line, size_t len, uint64_t seq,
                                   struct mun_err *err)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_err why;
	struct mun_entry e;

	enum mun_code code = mun_entry_decode(&e, &owner, line, len, &why);
	if (code == MUN_E_NOMEM)
		return mun_fail(err, code, "no memory for entry #%llu", (unsigned long long)seq);
	if (code != MUN_OK) {
		mun_verify_bad(v, seq, "does not decode: %.150s", why.text);
		v->gap = true;
		return MUN_OK;
	}
	if (e.seq != seq) {
		mun_verify_bad(v, seq, "says it is #%llu", (unsigned long long)e.seq);
		v->gap = true;
		return MUN_OK;
	}
	return mun_verify_fold(v, &e, err);
}

static enum mun_code check_entry(struct mun_verify *v, const struct slice *s, unsigned i,
                                 struct mun_tree *tree, struct mun_err *err)
{
	uint8_t leaf[MUN_SHA256_LEN], made[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	const char *line = mun_buf_str(&s->bytes) + s->line[i].at;
	uint64_t seq = s->first + i;

	if (!s->line[i].present) {
		mun_verify_bad(v, seq, "the entry is missing");
		v->gap = true;
		memset(leaf, 0, sizeof(leaf));
		(void)mun_tree_push(tree, leaf, made);
		return MUN_OK;
	}
	mun_tree_leaf(leaf, line, s->line[i].len);
	unsigned made_len = mun_tree_push(tree, leaf, made);
	check_nodes(v, s, seq, made, made_len);
	return check_content(v, line, s->line[i].len, seq, err);
}

/* Entries above the head were never committed with it. Only a quiet journal can be judged so. */
static enum mun_code check_surplus(struct mun_verify *v, struct mun_err *err)
{
	struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;
	struct mun_tree tree;
	struct mun_val value;

	enum mun_code code = mun_store_read(&t, mun_journal_store(v->j), err);
	if (code == MUN_OK)
		code = mun_get_tree(t, &tree, err);
	if (code != MUN_OK)
		return code;
	uint64_t entries = mun_txn_count(t, MUN_T_LOG);
	if (get_lenient(t, MUN_T_LOG, tree.size, &value, err) == MUN_OK)
		mun_verify_bad(v, tree.size, "an entry stands above the head");
	else if (entries > tree.size)
		mun_verify_bad(v, MUN_NO_SEQ, "%llu entries stand above the head",
		               (unsigned long long)(entries - tree.size));
	return MUN_OK;
}

enum mun_code mun_verify_chain(struct mun_verify *v, struct mun_err *err)
{
	struct slice *s MUN_CLEANUP(slice_freep) = calloc(1, sizeof(*s));
	uint8_t root[MUN_SHA256_LEN];
	struct mun_tree tree;

	if (!s)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a slice of the log");
	mun_buf_init(&s->bytes, SLICE_BYTES);
	mun_tree_init(&tree);
	for (uint64_t seq = 0; seq < v->report->head.size; seq += SLICE_ENTRIES) {
		enum mun_code code = load_slice(s, v, seq, err);
		for (unsigned i = 0; code == MUN_OK && i < s->len; i++)
			code = check_entry(v, s, i, &tree, err);
		if (code != MUN_OK)
			return code;
	}
	mun_tree_root(&tree, root);
	if (v->report->bad == 0 && memcmp(root, v->report->head.root, sizeof(root)) != 0)
		mun_verify_bad(v, MUN_NO_SEQ, "the entries do not give the root of the head");
	return check_surplus(v, err);
}

enum mun_code mun_verify_body(struct mun_verify *v, uint64_t seq, const struct mun_body_ref *body,
                              struct mun_err *err)
{
	struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;
	uint8_t commit[MUN_SHA256_LEN];
	struct mun_err why;
	struct mun_val row;

	if (!body->present || !body->kept)
		return MUN_OK;
	enum mun_code code = mun_store_read(&t, mun_journal_store(v->j), err);
	if (code == MUN_OK)
		code = get_lenient(t, MUN_T_BODY, seq, &row, err);
	if (code == MUN_E_NOTFOUND) {
		mun_verify_bad(v, seq, "its body is missing, and no entry says that it was erased");
		return MUN_OK;
	}
	if (code != MUN_OK)
		return code;
	mun_buf_clear(&v->text);
	code = MUN_E_CORRUPT;
	if (row.len >= BODY_HEAD)
		code = mun_unpack(&v->text, (const uint8_t *)row.data + BODY_HEAD,
		                  row.len - BODY_HEAD, (size_t)body->bytes, &why);
	if (code == MUN_E_NOMEM)
		return mun_fail(err, code, "no memory for the body of #%llu",
		                (unsigned long long)seq);
	if (code != MUN_OK) {
		mun_verify_bad(v, seq, "its body cannot be unpacked");
		return MUN_OK;
	}
	const struct mun_slice pieces[] = { { row.data, SALT_LEN }, { v->text.data, v->text.len } };
	mun_sha256_of(commit, pieces, MUN_ARRAY_LEN(pieces));
	if (memcmp(commit, body->commit, sizeof(commit)) != 0)
		mun_verify_bad(v, seq, "its body is not what it commits to");
	return MUN_OK;
}
