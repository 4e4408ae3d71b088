/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/handle.h"
#include "journal/project.h"
#include "lib/cursor.h"

#define DAY_US (86400 * INT64_C(1000000))

/* Whether windows admitted it is not in the entry, so all of the newest day count. */
static enum mun_code note_window(struct mun_txn *txn, const struct mun_entry *e, int64_t since_us,
                                 struct mun_err *err)
{
	char target[MUN_TARGET_MAX];

	if (e->kind != MUN_K_REQUEST || e->time_us < since_us)
		return MUN_OK;
	mun_window_target(target, e);
	return mun_window_add(txn, target, e, err);
}

static enum mun_code replay(struct mun_project *p, struct mun_buf *line, uint64_t seq,
                            int64_t since_us, struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_key k = mun_key_u64(seq);
	struct mun_entry e;
	struct mun_val v;
	enum mun_code code = mun_txn_get(p->source, MUN_T_LOG, mun_key_val(&k), &v, err);

	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_CORRUPT, "it is missing");
	if (code != MUN_OK)
		return code;
	/* A copy: in a write transaction a value is good only until the next write. */
	mun_buf_clear(line);
	mun_buf_add(line, v.data, v.len);
	code = mun_buf_check(line, "an entry", err);
	if (code == MUN_OK)
		code = mun_entry_decode(&e, &owner, line->data, line->len, err);
	if (code == MUN_OK && e.seq != seq)
		return mun_fail(err, MUN_E_CORRUPT, "it says that it is #%llu",
		                (unsigned long long)e.seq);
	if (code == MUN_OK)
		code = mun_project_entry(p, &e, err);
	return code == MUN_OK ? note_window(p->txn, &e, since_us, err) : code;
}

static enum mun_code newest_time(struct mun_txn *source, uint64_t size, int64_t *ret,
                                 struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_key k = mun_key_u64(size - 1);
	struct mun_entry e;
	struct mun_val v;
	enum mun_code code = mun_txn_get(source, MUN_T_LOG, mun_key_val(&k), &v, err);

	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_CORRUPT, "the newest entry is missing");
	if (code == MUN_OK)
		code = mun_entry_decode(&e, &owner, v.data, v.len, err);
	if (code == MUN_OK)
		*ret = e.time_us;
	return code;
}

static enum mun_code index_lists(struct mun_txn *source, struct mun_txn *txn, struct mun_err *err)
{
	struct mun_key at = mun_key_u64(0);
	enum mun_code code = MUN_OK;

	while (code == MUN_OK) {
		MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
		struct mun_plan plan;
		struct mun_ref ref;
		struct mun_val key;
		struct mun_val value;

		code = mun_iter_open(&it, txn, MUN_T_PLAN_ORDER, err);
		if (code == MUN_OK)
			code = mun_iter_seek(it, mun_key_val(&at), &key, &value, err);
		if (code != MUN_OK)
			break;
		memcpy(ref.bytes, value.data, MUN_REF_LEN);
		at = mun_key_u64(mun_get_u64(key.data) + 1);
		mun_iter_closep(&it);
		code = mun_get_plan(txn, &ref, &plan, err);
		if (code == MUN_OK)
			code = mun_list_index(source, txn, &plan, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_rebuild_into(struct mun_txn *source, struct mun_txn *txn, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	struct mun_project p;
	struct mun_tree tree;
	int64_t newest_us = 0;
	enum mun_code code = mun_get_tree(source, &tree, err);

	mun_buf_init(&line, MUN_ENTRY_MAX);
	for (unsigned table = MUN_T_FIRST_PROJECTION; code == MUN_OK && table < MUN_TABLES; table++)
		code = mun_txn_clear(txn, table, err);
	if (code == MUN_OK && tree.size > 0)
		code = newest_time(source, tree.size, &newest_us, err);
	if (code != MUN_OK)
		return code;
	mun_project_init(&p, txn, source);
	for (uint64_t seq = 0; code == MUN_OK && seq < tree.size; seq++) {
		code = replay(&p, &line, seq, newest_us - DAY_US, err);
		if (code != MUN_OK)
			return mun_wrap(err, code, "entry #%llu", (unsigned long long)seq);
	}
	code = mun_project_flush(&p, err);
	return code == MUN_OK ? index_lists(source, txn, err) : code;
}

static enum mun_code rebuild(struct mun_journal *j, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_store_info info;
	struct mun_tree tree;
	enum mun_code code = mun_store_info(j->store, &info, err);

	/* Cleared pages are free only after the commit: the new tables need room of their own. */
	if (code == MUN_OK)
		code = mun_store_reserve(j->store, info.used_bytes, err);
	if (code == MUN_OK)
		code = mun_store_write(&t, j->store, err);
	if (code == MUN_OK)
		code = mun_journal_guard(j, t, &tree, err);
	if (code == MUN_OK)
		code = mun_rebuild_into(t, t, err);
	j->window.valid = false;
	return code == MUN_OK ? mun_txn_commit(MUN_STEAL(t), err) : code;
}

enum mun_code mun_journal_rebuild(struct mun_journal *j, struct mun_err *err)
{
	return mun_journal_failed(j, rebuild(j, err), err);
}
