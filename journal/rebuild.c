/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables are made anew beside the journal, then one transaction brings over what differs:
 * whoever reads sees the old tables or the new ones, also when the process is killed, and a
 * batch that runs is not disturbed. Memory grows with the rows that were wrong, not with all.
 */
#include <string.h>

#include "journal/anew.h"
#include "journal/handle.h"
#include "lib/cursor.h"
#include "lib/failpoint.h"

#define LIST_SLICE 4096
#define KEY_MAX    512 /* LMDB takes no longer keys */

/* A table of the journal beside the same one made anew. */
struct merge {
	struct mun_txn *t;
	unsigned table;
	struct mun_iter *old, *made;
	struct mun_val old_key, old_value, made_key, made_value;
	bool has_old, has_made;
};

static void merge_done(struct merge *m)
{
	mun_iter_closep(&m->old);
	mun_iter_closep(&m->made);
}

static int compare(struct mun_val a, struct mun_val b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static enum mun_code found(enum mun_code code, bool *ret)
{
	*ret = code == MUN_OK;
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static enum mun_code next_made(struct merge *m, struct mun_err *err)
{
	return found(mun_iter_next(m->made, &m->made_key, &m->made_value, err), &m->has_made);
}

static enum mun_code next_old(struct merge *m, struct mun_err *err)
{
	return found(mun_iter_next(m->old, &m->old_key, &m->old_value, err), &m->has_old);
}

/* A write moves what the cursor saw, so it looks for its place again: behind key, or at it. */
static enum mun_code find_old(struct merge *m, struct mun_val key, bool behind, struct mun_err *err)
{
	enum mun_code code =
		found(mun_iter_seek(m->old, key, &m->old_key, &m->old_value, err), &m->has_old);

	if (code == MUN_OK && behind && m->has_old && compare(m->old_key, key) == 0)
		code = next_old(m, err);
	return code;
}

static enum mun_code drop_old(struct merge *m, struct mun_err *err)
{
	uint8_t bytes[KEY_MAX];
	struct mun_val key = mun_val(bytes, m->old_key.len);
	enum mun_code code;

	if (key.len > sizeof(bytes))
		return mun_fail(err, MUN_E_CORRUPT, "a key of table %s has %zu bytes",
		                mun_table_names[m->table], key.len);
	memcpy(bytes, m->old_key.data, key.len);
	code = mun_txn_delete(m->t, m->table, key, err);
	return code == MUN_OK ? find_old(m, key, false, err) : code;
}

/* One step of the walk over both. */
static enum mun_code merge_row(struct merge *m, struct mun_err *err)
{
	int order = !m->has_old ? 1 : !m->has_made ? -1 : compare(m->old_key, m->made_key);
	enum mun_code code = MUN_OK;

	if (order < 0)
		return drop_old(m, err);
	if (order == 0 && compare(m->old_value, m->made_value) == 0) {
		code = next_old(m, err);
		return code == MUN_OK ? next_made(m, err) : code;
	}
	(void)mun_failpoint("rebuild");
	code = mun_txn_put(m->t, m->table, m->made_key, m->made_value, err);
	if (code == MUN_OK)
		code = find_old(m, m->made_key, true, err);
	return code == MUN_OK ? next_made(m, err) : code;
}

static enum mun_code merge_table(struct mun_txn *t, struct mun_txn *made, unsigned table,
                                 struct mun_err *err)
{
	MUN_CLEANUP(merge_done) struct merge m = { .t = t, .table = table };
	enum mun_code code = mun_iter_open(&m.old, t, table, err);

	if (code == MUN_OK)
		code = mun_iter_open(&m.made, made, table, err);
	if (code == MUN_OK)
		code = find_old(&m, mun_val(NULL, 0), false, err);
	if (code == MUN_OK)
		code = found(
			mun_iter_seek(m.made, mun_val(NULL, 0), &m.made_key, &m.made_value, err),
			&m.has_made);
	while (code == MUN_OK && (m.has_old || m.has_made))
		code = merge_row(&m, err);
	return code;
}

static enum mun_code merge_tables(struct mun_txn *t, struct mun_store *made, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *from = NULL;
	enum mun_code code = mun_store_read(&from, made, err);

	for (unsigned i = MUN_T_FIRST_PROJECTION; code == MUN_OK && i < MUN_TABLES; i++)
		if (i != MUN_T_BY_RUN)
			code = merge_table(t, from, i, err);
	return code;
}

/* Does a row of by_run have its row in the list of a stored plan? */
static enum mun_code has_row(struct mun_txn *t, const struct mun_key *key, bool *ret,
                             struct mun_err *err)
{
	const uint8_t *rest = key->bytes + MUN_KEY_RUN_PREFIX;
	struct mun_plan plan;
	struct mun_ref ref;
	struct mun_key row;
	struct mun_val v = { 0 };
	enum mun_code code;

	*ret = false;
	if (key->len != MUN_KEY_RUN_PREFIX + MUN_REF_LEN + 4)
		return MUN_OK;
	memcpy(ref.bytes, rest, MUN_REF_LEN);
	row = mun_key_item(&ref, mun_get_u32(rest + MUN_REF_LEN));
	code = mun_get_plan(t, &ref, &plan, err);
	if (code == MUN_OK)
		code = mun_txn_get(t, MUN_T_LIST, mun_key_val(&row), &v, err);
	*ret = code == MUN_OK && mun_get_u32(rest + MUN_REF_LEN) < plan.items &&
	       memcmp(key->bytes, plan.org.bytes, MUN_ID_LEN) == 0 && v.len >= MUN_ID_LEN &&
	       memcmp(key->bytes + MUN_ID_LEN, v.data, MUN_ID_LEN) == 0;
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static enum mun_code drop_surplus(struct mun_txn *t, const struct mun_buf *marks,
                                  struct mun_err *err)
{
	struct merge m = { .t = t, .table = MUN_T_BY_RUN };
	enum mun_code code = mun_iter_open(&m.old, t, MUN_T_BY_RUN, err);

	if (code == MUN_OK)
		code = find_old(&m, mun_val(NULL, 0), false, err);
	while (code == MUN_OK && m.has_old) {
		struct mun_key key = { .len = m.old_key.len };
		bool keep = false;

		memcpy(key.bytes, m.old_key.data,
		       key.len < sizeof(key.bytes) ? key.len : sizeof(key.bytes));
		code = has_row(t, &key, &keep, err);
		if (code == MUN_OK)
			code = keep || mun_list_is_marked(marks, &key) ? next_old(&m, err)
			                                               : drop_old(&m, err);
	}
	merge_done(&m);
	return code;
}

static enum mun_code add_missing(void *arg, const struct mun_key *key, struct mun_err *err)
{
	struct mun_txn *t = arg;
	struct mun_val v;
	enum mun_code code = mun_txn_get(t, MUN_T_BY_RUN, mun_key_val(key), &v, err);

	if (code == MUN_E_NOTFOUND || (code == MUN_OK && v.len > 0))
		return mun_txn_put(t, MUN_T_BY_RUN, mun_key_val(key), mun_val("", 0), err);
	return code;
}

/* by_run follows from the lists: surplus rows go, missing ones come. Table plan is right. */
static enum mun_code mend_by_run(struct mun_txn *t, struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	MUN_BUF_CLEANUP struct mun_buf marks;
	struct mun_val key;
	struct mun_val value;
	enum mun_code code;

	mun_buf_init(&marks, 1 << 20);
	code = mun_list_marks(t, &marks, err);
	if (code == MUN_OK)
		code = drop_surplus(t, &marks, err);
	if (code == MUN_OK)
		code = mun_iter_open(&it, t, MUN_T_PLAN, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_val(NULL, 0), &key, &value, err);
	while (code == MUN_OK) {
		struct mun_plan plan;
		uint32_t item = 0;

		code = mun_plan_unpack(&plan, value, err);
		while (code == MUN_OK && item < plan.items)
			code = mun_list_each(t, &plan, &item, LIST_SLICE, add_missing, t, err);
		if (code == MUN_OK)
			code = mun_iter_next(it, &key, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

/* Room for all rows, should each be wrong. */
static enum mun_code reserve(struct mun_journal *j, struct mun_anew *a, struct mun_err *err)
{
	struct mun_store_info info;
	enum mun_code code = mun_store_info(a->store, &info, err);

	return code == MUN_OK ? mun_store_reserve(j->store, info.used_bytes, err) : code;
}

static enum mun_code rebuild(struct mun_journal *j, struct mun_anew *a, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_head head;
	struct mun_tree tree;
	enum mun_code code = mun_journal_head(j, &head, err);

	if (code == MUN_OK)
		code = mun_anew_fold(a, j->store, head.size, err);
	if (code == MUN_OK)
		code = reserve(j, a, err);
	if (code == MUN_OK)
		code = mun_store_write(&t, j->store, err);
	if (code == MUN_OK)
		code = mun_journal_guard(j, t, &tree, err);
	if (code == MUN_OK) /* what came in meanwhile */
		code = mun_anew_fold_within(a, t, tree.size, err);
	if (code == MUN_OK)
		code = mun_anew_windows(a, t, err);
	if (code == MUN_OK)
		code = merge_tables(t, a->store, err);
	if (code == MUN_OK)
		code = mend_by_run(t, err);
	if (code == MUN_OK && j->format < MUN_FORMAT_VERSION)
		code = mun_journal_put_format(t, err);
	j->window.valid = false;
	return code == MUN_OK ? mun_txn_commit(MUN_STEAL(t), err) : code;
}

enum mun_code mun_journal_rebuild(struct mun_journal *j, struct mun_err *err)
{
	struct mun_anew a;
	enum mun_code code = mun_anew_open(&a, err);

	if (code == MUN_OK)
		code = rebuild(j, &a, err);
	mun_anew_done(&a);
	return mun_journal_failed(j, code, err);
}
