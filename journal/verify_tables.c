/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/anew.h"
#include "journal/handle.h"
#include "journal/verify_impl.h"
#include "lib/crypto.h"
#include "lib/cursor.h"

#define LIST_SLICE 4096

/*
 * The tables of one snapshot are summed as sets, one scan each; the same tables are made anew
 * from the entries below that snapshot's head and summed as well. A batch that runs beside it
 * cannot come in between.
 */
struct sums {
	uint8_t key[16];
	uint64_t count[MUN_TABLES], sum[MUN_TABLES];
	struct mun_buf *pair; /* scratch */
	bool no_memory;       /* a pair is missing: the sums say nothing */
};

/* Length of the key first, so that no two pairs read alike. */
static void add_pair(struct sums *s, unsigned table, struct mun_val k, struct mun_val value)
{
	uint64_t len = k.len;

	mun_buf_clear(s->pair);
	mun_buf_add(s->pair, &len, sizeof(len));
	mun_buf_add(s->pair, k.data, k.len);
	mun_buf_add(s->pair, value.data, value.len);
	s->no_memory |= s->pair->failed;
	s->sum[table] += mun_hash64(s->key, mun_buf_str(s->pair), s->pair->len);
	s->count[table]++;
}

/* Rows of by_run of a list that is being stored are early, not wrong. */
static bool is_early(unsigned table, struct mun_val k, const struct mun_buf *marks)
{
	struct mun_key key = { .len = k.len };

	if (table != MUN_T_BY_RUN || marks->len == 0 || k.len > sizeof(key.bytes))
		return false;
	memcpy(key.bytes, k.data, k.len);
	return mun_list_is_marked(marks, &key);
}

static enum mun_code sum_table(struct sums *s, struct mun_txn *t, unsigned table,
                               const struct mun_buf *marks, struct mun_err *err)
{
	struct mun_iter *it MUN_CLEANUP(mun_iter_closep) = NULL;
	struct mun_val k, value;

	enum mun_code code = mun_iter_open(&it, t, table, err);
	if (code != MUN_OK)
		return code;
	code = mun_iter_seek(it, mun_val(NULL, 0), &k, &value, err);
	while (code == MUN_OK) {
		if (!is_early(table, k, marks))
			add_pair(s, table, k, value);
		code = mun_iter_next(it, &k, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static enum mun_code sum_tables(struct sums *s, struct mun_txn *t, struct mun_err *err)
{
	struct mun_buf marks MUN_BUF_CLEANUP;

	mun_buf_init(&marks, 1 << 20);
	enum mun_code code = mun_list_marks(t, &marks, err);
	for (unsigned i = MUN_T_FIRST_PROJECTION; code == MUN_OK && i < MUN_TABLES; i++)
		if (i != MUN_T_WINDOW)
			code = sum_table(s, t, i, &marks, err);
	return code;
}

static enum mun_code sum_stored(struct mun_verify *v, struct sums *s, struct mun_err *err)
{
	struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;
	struct mun_tree tree;

	enum mun_code code = mun_store_read(&t, mun_journal_store(v->j), err);
	if (code == MUN_OK)
		code = mun_get_tree(t, &tree, err);
	if (code != MUN_OK)
		return code;
	v->report->head.size = tree.size;
	mun_tree_root(&tree, v->report->head.root);
	return sum_tables(s, t, err);
}

static enum mun_code add_key(void *arg, const struct mun_key *key, struct mun_err *err)
{
	(void)err;
	add_pair(arg, MUN_T_BY_RUN, mun_key_val(key), mun_val("", 0));
	return MUN_OK;
}

/* What by_run should hold for one plan; a long list is read in slices. */
static enum mun_code sum_list(struct mun_verify *v, struct sums *s, const struct mun_plan *plan,
                              struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (uint32_t item = 0; code == MUN_OK && item < plan->items;) {
		struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;
		code = mun_store_read(&t, mun_journal_store(v->j), err);
		if (code == MUN_OK)
			code = mun_list_each(t, plan, &item, LIST_SLICE, add_key, s, err);
	}
	return code;
}

static enum mun_code sum_lists(struct mun_verify *v, struct sums *s, struct mun_txn *made,
                               struct mun_err *err)
{
	struct mun_iter *it MUN_CLEANUP(mun_iter_closep) = NULL;
	struct mun_val k, value;

	enum mun_code code = mun_iter_open(&it, made, MUN_T_PLAN, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_val(NULL, 0), &k, &value, err);
	while (code == MUN_OK) {
		struct mun_plan plan;
		code = mun_plan_unpack(&plan, value, err);
		if (code == MUN_OK)
			code = sum_list(v, s, &plan, err);
		if (code == MUN_OK)
			code = mun_iter_next(it, &k, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static void compare(struct mun_verify *v, const struct sums *stored, const struct sums *made)
{
	for (unsigned i = MUN_T_FIRST_PROJECTION; i < MUN_TABLES; i++) {
		if (stored->count[i] == made->count[i] && stored->sum[i] == made->sum[i])
			continue;
		char rows[64] = "";
		if (stored->count[i] != made->count[i])
			(void)snprintf(rows, sizeof(rows), " (%llu rows, not %llu)",
			               (unsigned long long)stored->count[i],
			               (unsigned long long)made->count[i]);
		mun_verify_bad(v, MUN_NO_SEQ,
		               "table %s does not fit the entries%s: "
		               "muniment journal rebuild makes it anew",
		               mun_table_names[i], rows);
	}
}

/* The rows of items of one batch, until another begins. */
static enum mun_code count_rows(struct mun_txn *t, const struct mun_batch *b,
                                uint64_t count[static MUN_ITEM_STATES], struct mun_err *err)
{
	struct mun_iter *it MUN_CLEANUP(mun_iter_closep) = NULL;
	struct mun_key from = mun_key_item(&b->batch, 0);
	uint64_t rows = 0;
	struct mun_val k, value;

	enum mun_code code = mun_iter_open(&it, t, MUN_T_ITEM, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(&from), &k, &value, err);
	while (code == MUN_OK && memcmp(k.data, b->batch.bytes, MUN_REF_LEN) == 0) {
		struct mun_item item;
		code = mun_item_unpack(&item, value, err);
		if (code == MUN_OK) {
			count[item.state]++;
			rows++;
			code = mun_iter_next(it, &k, &value, err);
		}
	}
	count[b->cancelled ? MUN_I_CANCELLED : MUN_I_PENDING] += b->items - rows;
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

/* Every item stands in exactly one bucket: the rows against the counts. */
static enum mun_code count_batch(struct mun_verify *v, struct mun_txn *t, const struct mun_batch *b,
                                 struct mun_err *err)
{
	uint64_t count[MUN_ITEM_STATES] = { 0 };
	const struct mun_counts *c = &b->counts;

	enum mun_code code = count_rows(t, b, count, err);
	if (code != MUN_OK)
		return code;
	if (count[MUN_I_DONE] != c->done || count[MUN_I_ALREADY] != c->already ||
	    count[MUN_I_FAILED] != c->failed || count[MUN_I_IN_DOUBT] != c->in_doubt ||
	    count[MUN_I_SKIPPED] + (c->total - b->items) != c->skipped ||
	    count[MUN_I_CANCELLED] != c->cancelled ||
	    count[MUN_I_PENDING] + count[MUN_I_IN_FLIGHT] != c->pending)
		mun_verify_bad(v, b->last_seq, "conservation: items do not give the counts");
	return MUN_OK;
}

static enum mun_code count_batches(struct mun_verify *v, struct mun_txn *t, struct mun_err *err)
{
	struct mun_iter *it MUN_CLEANUP(mun_iter_closep) = NULL;
	struct mun_val k, value;

	enum mun_code code = mun_iter_open(&it, t, MUN_T_BATCH, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_val(NULL, 0), &k, &value, err);
	while (code == MUN_OK) {
		struct mun_batch b;
		code = mun_batch_unpack(&b, value, err);
		if (code == MUN_OK)
			code = count_batch(v, t, &b, err);
		if (code == MUN_OK)
			code = mun_iter_next(it, &k, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static enum mun_code check_made(struct mun_verify *v, struct mun_anew *a, const struct sums *stored,
                                struct sums *made, struct mun_err *err)
{
	struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;

	enum mun_code code = mun_store_read(&t, a->store, err);
	if (code == MUN_OK)
		code = sum_tables(made, t, err);
	if (code == MUN_OK)
		code = sum_lists(v, made, t, err);
	if (code != MUN_OK)
		return code;
	if (stored->no_memory || made->no_memory)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a row");
	if (a->wrong > 0)
		mun_verify_bad(v, a->first_wrong,
		               "conservation: counts are not what the entries give (in %llu)",
		               (unsigned long long)a->wrong);
	compare(v, stored, made);
	return count_batches(v, t, err);
}

struct mun_verify_tables {
	struct mun_anew anew;
	struct sums stored;
	bool damaged; /* told already */
};

void mun_verify_tables_closep(struct mun_verify_tables **t)
{
	if (*t)
		mun_anew_done(&(*t)->anew);
	free(*t);
	*t = NULL;
}

static enum mun_code tell_damage(struct mun_verify *v, struct mun_verify_tables *t,
                                 enum mun_code code, struct mun_err *err)
{
	if (code != MUN_E_CORRUPT)
		return code;
	t->damaged = true;
	mun_verify_bad(v, MUN_NO_SEQ, "the tables cannot be read: %.150s", err->text);
	return MUN_OK;
}

enum mun_code mun_verify_tables_begin(struct mun_verify *v, struct mun_verify_tables **ret,
                                      struct mun_anew **ret_anew, struct mun_err *err)
{
	struct mun_verify_tables *t MUN_CLEANUP(mun_verify_tables_closep) = calloc(1, sizeof(*t));

	if (!t)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a check of tables");
	t->stored.pair = &v->text;
	mun_random(t->stored.key, sizeof(t->stored.key));
	enum mun_code code = mun_anew_open(&t->anew, err);
	if (code == MUN_OK)
		code = tell_damage(v, t, sum_stored(v, &t->stored, err), err);
	if (code != MUN_OK)
		return code;
	*ret_anew = &t->anew;
	*ret = MUN_STEAL(t);
	return MUN_OK;
}

enum mun_code mun_verify_tables_end(struct mun_verify *v, struct mun_verify_tables *t,
                                    enum mun_code folded, const struct mun_err *why,
                                    struct mun_err *err)
{
	struct sums made = { .pair = &v->text };

	memcpy(made.key, t->stored.key, sizeof(made.key));
	if (t->damaged)
		return MUN_OK;
	if (folded == MUN_E_CORRUPT) {
		mun_verify_bad(v, t->anew.size, "the tables cannot be made anew: %.150s",
		               why->text);
		return MUN_OK;
	}
	if (folded != MUN_OK) {
		*err = *why;
		return folded;
	}
	return tell_damage(v, t, check_made(v, &t->anew, &t->stored, &made, err), err);
}
