/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "journal/tables.h"
#include "journal/verify_impl.h"
#include "journal/verify_work.h"
#include "lib/cursor.h"

#define AHEAD          3    /* slices that were given and are not told yet */
#define THREAD_ENTRIES 8192 /* fewer are checked in no time */
#define NODES_MAX      (MUN_SLICE_ENTRIES * 2 + MUN_TREE_LEVELS)

/* Copies of the stored nodes that a stretch of entries completes. */
struct nodes {
	struct mun_sha256 *leaf; /* of leaf hashes */
	uint64_t first;
	unsigned len;
	uint8_t node[NODES_MAX][MUN_SHA256_LEN];
	bool present[NODES_MAX];
};

static void nodes_freep(struct nodes **n)
{
	if (*n)
		mun_sha256_freep(&(*n)->leaf);
	free(*n);
	*n = NULL;
}

static void set_node(struct nodes *n, unsigned i, struct mun_val v)
{
	n->present[i] = v.len == MUN_SHA256_LEN;
	if (n->present[i])
		memcpy(n->node[i], v.data, MUN_SHA256_LEN);
}

/* A damaged page is a finding at its entry, not the end of the check. */
static enum mun_code get_each(struct nodes *n, struct mun_txn *t, unsigned i, struct mun_err *err)
{
	for (; i < n->len; i++) {
		struct mun_key key = mun_key_u64(n->first + i);
		struct mun_val v;
		enum mun_code code = mun_txn_get(t, MUN_T_TREE, mun_key_val(&key), &v, err);
		if (code == MUN_OK)
			set_node(n, i, v);
		else if (code != MUN_E_NOTFOUND && code != MUN_E_CORRUPT)
			return code;
	}
	return MUN_OK;
}

static enum mun_code load_nodes(struct nodes *n, struct mun_verify *v, uint64_t seq,
                                unsigned entries, struct mun_err *err)
{
	struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;
	struct mun_iter *it MUN_CLEANUP(mun_iter_closep) = NULL;
	struct mun_val key, value;
	unsigned i = 0;

	n->first = mun_tree_stored(seq);
	n->len = (unsigned)(mun_tree_stored(seq + entries) - n->first);
	memset(n->present, 0, sizeof(n->present));
	struct mun_key from = mun_key_u64(n->first);
	enum mun_code code = mun_store_read(&t, mun_journal_store(v->j), err);
	if (code == MUN_OK)
		code = mun_iter_open(&it, t, MUN_T_TREE, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(&from), &key, &value, err);
	while (code == MUN_OK && i < n->len && key.len == 8 &&
	       mun_get_u64(key.data) == n->first + i) {
		set_node(n, i++, value);
		if (i < n->len)
			code = mun_iter_next(it, &key, &value, err);
	}
	if (code != MUN_OK && code != MUN_E_NOTFOUND && code != MUN_E_CORRUPT)
		return code;
	return get_each(n, t, i, err);
}

/* The first of the nodes that the leaf completes which is not as stored; the leaf is one. */
static unsigned compare_nodes(const struct nodes *n, uint64_t seq, uint8_t made[][MUN_SHA256_LEN],
                              unsigned made_len)
{
	uint64_t at = mun_tree_stored(seq) - n->first;
	unsigned flaw = 0;

	for (unsigned k = 0; k < made_len && at + k < n->len; k++) {
		bool same =
			n->present[at + k] && memcmp(n->node[at + k], made[k], MUN_SHA256_LEN) == 0;
		if (same)
			continue;
		if (k > 0)
			return flaw | MUN_FLAW_NODE | k << MUN_FLAW_LEVEL;
		flaw |= MUN_FLAW_LEAF;
	}
	return flaw;
}

static void tell_flaw(struct mun_verify *v, uint64_t seq, unsigned flaw)
{
	uint64_t first = seq >> (flaw >> MUN_FLAW_LEVEL) << (flaw >> MUN_FLAW_LEVEL);

	if (flaw & MUN_FLAW_LEAF)
		mun_verify_bad(v, seq, "the entry does not hash to its leaf");
	/* after a bad entry the nodes above it cannot be equal: they tell nothing new */
	if (flaw & MUN_FLAW_NODE && v->report->bad == 0)
		mun_verify_bad(v, first, "entries #%llu to #%llu do not hash to their node",
		               (unsigned long long)first, (unsigned long long)seq);
	v->broken |= (flaw & (MUN_FLAW_LEAF | MUN_FLAW_NODE)) != 0;
}

enum mun_code mun_verify_content(struct mun_verify *v, const char *line, size_t len, uint64_t seq,
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

void mun_verify_missing(struct mun_verify *v, uint64_t from, uint64_t count)
{
	struct mun_verdict_report *r = v->report;

	if (count == 0)
		return;
	if (count == 1)
		mun_verify_bad(v, from, "the entry is missing");
	else
		mun_verify_bad(v, from, "%llu entries are missing: #%llu to #%llu",
		               (unsigned long long)count, (unsigned long long)from,
		               (unsigned long long)(from + count - 1));
	r->bad += count - 1;
	v->gap = true;
	v->broken = true;
}

/* The next entries of the source. */
static enum mun_code fill(struct mun_verify *v, struct mun_slice_of *s, uint64_t first,
                          struct mun_err *err)
{
	const char *line;
	uint64_t seq;
	size_t len;

	s->first = first;
	while (s->len < MUN_SLICE_ENTRIES && s->bytes.len < MUN_SLICE_BYTES) {
		enum mun_code code = mun_source_next(v->source, &seq, &line, &len, err);
		if (code == MUN_E_NOTFOUND)
			break;
		if (code != MUN_OK && code != MUN_E_CORRUPT)
			return code;
		s->line[s->len].present = code == MUN_OK;
		s->flaw[s->len] = 0;
		s->line[s->len].at = s->bytes.len;
		s->line[s->len].len = code == MUN_OK ? len : 0;
		if (code == MUN_OK)
			mun_buf_add(&s->bytes, line, len);
		s->len++;
	}
	return mun_buf_check(&s->bytes, "slice of the log", err);
}

/* Where a root is asked for later on it is made now, as the tree goes on before what is told. */
static void make_roots(struct mun_verify *v)
{
	while (v->points_made < v->points_len && v->points[v->points_made].size <= v->tree.size) {
		struct mun_verify_point *p = &v->points[v->points_made++];
		mun_tree_root(&v->tree, p->made);
	}
}

/* As mun_tree_leaf(), with a state that is kept. */
static void make_leaf(const struct nodes *n, uint8_t ret[static MUN_SHA256_LEN], const char *line,
                      size_t len)
{
	mun_sha256_again(n->leaf);
	mun_sha256_add(n->leaf, "\x00", 1);
	mun_sha256_add(n->leaf, line, len);
	mun_sha256_end(n->leaf, ret);
}

static void hash(struct mun_verify *v, struct mun_slice_of *s, const struct nodes *n)
{
	uint8_t leaf[MUN_SHA256_LEN], made[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	const char *bytes = mun_buf_str(&s->bytes);

	for (unsigned i = 0; i < s->len; i++) {
		bool present = s->line[i].present;
		if (present)
			make_leaf(n, leaf, bytes + s->line[i].at, s->line[i].len);
		else
			memset(leaf, 0, sizeof(leaf));
		unsigned made_len = mun_tree_push(&v->tree, leaf, made);
		if (present && v->j)
			s->flaw[i] = compare_nodes(n, s->first + i, made, made_len);
		make_roots(v);
	}
}

/* What did not decode is tried again, for the words. */
static enum mun_code take(struct mun_verify *v, struct mun_slice_of *s, unsigned i,
                          struct mun_err *err)
{
	uint64_t seq = s->first + i;
	enum mun_code code;

	tell_flaw(v, seq, s->flaw[i]);
	if (s->owner[i] && s->entry[i].seq == seq)
		code = mun_verify_fold(v, &s->entry[i], err);
	else
		code = mun_verify_content(v, mun_buf_str(&s->bytes) + s->line[i].at, s->line[i].len,
		                          seq, err);
	return code;
}

/* A stretch of missing entries is told as one. */
static enum mun_code tell(struct mun_verify *v, struct mun_slice_of *s, uint64_t *missing,
                          struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (unsigned i = 0; code == MUN_OK && i < s->len; i++) {
		if (!s->line[i].present) {
			(*missing)++;
			v->gap = v->broken = true;
		} else {
			mun_verify_missing(v, v->next - *missing, *missing);
			*missing = 0;
			code = take(v, s, i, err);
		}
		v->next++;
		if (code == MUN_OK)
			code = mun_verify_reach(v, err);
	}
	return code;
}

static enum mun_code prepare(struct mun_verify *v, struct mun_work *w, struct nodes *n,
                             struct mun_slice_of **ret, struct mun_err *err)
{
	struct mun_slice_of *s = mun_work_take(w);

	enum mun_code code = fill(v, s, v->tree.size, err);
	if (code == MUN_OK && v->j && s->len > 0)
		code = load_nodes(n, v, s->first, s->len, err);
	if (code != MUN_OK)
		return code;
	*ret = s->len > 0 ? s : NULL;
	if (*ret)
		mun_work_give(w, s);
	return MUN_OK;
}

/* Waits until the oldest slice that was given is decoded. */
static enum mun_code tell_oldest(struct mun_verify *v, struct mun_work *w, struct mun_slice_of *s,
                                 uint64_t *missing, struct mun_err *err)
{
	enum mun_code code = mun_work_decoded(w, s, err);

	if (code == MUN_OK)
		code = tell(v, s, missing, err);
	mun_work_release(w, s);
	return code;
}

/* Some slices go ahead of the one that is told, so that the other thread has work. */
static enum mun_code pass(struct mun_verify *v, struct mun_work *w, struct nodes *n,
                          struct mun_err *err)
{
	struct mun_slice_of *given[AHEAD] = { NULL }, *s = NULL;
	uint64_t missing = 0;
	unsigned idle = 0;
	enum mun_code code = mun_verify_reach(v, err);

	for (unsigned at = 0; code == MUN_OK && idle < AHEAD; at = (at + 1) % AHEAD) {
		if (given[at])
			code = tell_oldest(v, w, given[at], &missing, err);
		given[at] = NULL;
		if (code == MUN_OK && idle == 0)
			code = prepare(v, w, n, &s, err);
		if (code == MUN_OK && s)
			hash(v, s, n);
		given[at] = s;
		idle += s ? 0 : 1;
	}
	if (code == MUN_OK)
		mun_verify_missing(v, v->next - missing, missing);
	return code;
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
	struct mun_key key = mun_key_u64(tree.size);
	if (mun_txn_get(t, MUN_T_LOG, mun_key_val(&key), &value, err) == MUN_OK)
		mun_verify_bad(v, tree.size, "an entry stands above the head");
	else if (entries > tree.size)
		mun_verify_bad(v, MUN_NO_SEQ, "%llu entries stand above the head",
		               (unsigned long long)(entries - tree.size));
	return MUN_OK;
}

static enum mun_code check_end(struct mun_verify *v, struct mun_err *err)
{
	uint8_t root[MUN_SHA256_LEN];

	mun_tree_root(&v->tree, root);
	if (!v->j) {
		memcpy(v->report->head.root, root, sizeof(root));
		return MUN_OK;
	}
	if (v->report->bad == 0 && memcmp(root, v->report->head.root, sizeof(root)) != 0)
		mun_verify_bad(v, MUN_NO_SEQ, "the entries do not give the root of the head");
	return check_surplus(v, err);
}

enum mun_code mun_verify_chain(struct mun_verify *v, struct mun_anew *anew,
                               enum mun_code *ret_folded, struct mun_err *ret_why,
                               struct mun_err *err)
{
	struct nodes *n MUN_CLEANUP(nodes_freep) = calloc(1, sizeof(*n));
	struct mun_work *w MUN_CLEANUP(mun_work_closep) = NULL;

	if (!n)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a slice of the tree");
	enum mun_code code = mun_sha256_new(&n->leaf, err);
	if (code == MUN_OK)
		code = mun_work_open(&w, anew, v->report->head.size >= THREAD_ENTRIES, err);
	if (code == MUN_OK)
		code = pass(v, w, n, err);
	if (code != MUN_OK)
		return code;
	*ret_folded = mun_work_finish(w, ret_why);
	return check_end(v, err);
}
