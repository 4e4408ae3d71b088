/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a plan. They are written in chunks before the plan is stored (a single transaction
 * of a million rows takes tens of MiB of memory); a mark in meta says that they are not valid
 * yet, and goes with plan.stored.
 */
#include <stdlib.h>
#include <string.h>

#include "journal/handle.h"
#include "lib/cursor.h"
#include "lib/failpoint.h"

#define GIVEN_UP_US                                                                  \
	(3600 * INT64_C(1000000)) /* storing a million rows takes less than a minute \
	                           */
#define ROW_HEAD  (MUN_ID_LEN + 4)
#define ABSENT    0xffff
#define ROW_ROOM  512
#define LARGE     2000
#define ROW_LARGE 8192

static struct mun_key mark_key(const struct mun_ref *plan)
{
	struct mun_key k = { .len = sizeof(MUN_META_ROWS) - 1 };

	memcpy(k.bytes, MUN_META_ROWS, k.len);
	memcpy(k.bytes + k.len, plan->bytes, MUN_REF_LEN);
	k.len += MUN_REF_LEN;
	return k;
}

static void add_text(struct mun_buf *b, const char *s)
{
	uint8_t len[2];
	size_t n = s != NULL ? strlen(s) : 0;

	mun_put_u16(len, s != NULL ? (uint16_t)n : ABSENT);
	mun_buf_add(b, len, 2);
	mun_buf_add(b, s != NULL ? s : "", n);
}

static enum mun_code put_row(struct mun_txn *t, const struct mun_ref *plan, uint32_t item,
                             const struct mun_plan_row *row, struct mun_buf *b, struct mun_err *err)
{
	struct mun_key k = mun_key_item(plan, item);
	uint8_t line[4];
	enum mun_code code;

	if ((row->reason != NULL && strlen(row->reason) >= ABSENT) ||
	    (row->ticket != NULL && strlen(row->ticket) >= ABSENT))
		return mun_fail(err, MUN_E_INTERNAL, "reason or ticket of a row is too long");
	mun_buf_clear(b);
	mun_put_u32(line, row->line);
	mun_buf_add(b, row->run.bytes, MUN_ID_LEN);
	mun_buf_add(b, line, sizeof(line));
	add_text(b, row->reason);
	add_text(b, row->ticket);
	code = mun_buf_check(b, "a row", err);
	if (code == MUN_OK)
		code = mun_txn_put(t, MUN_T_LIST, mun_key_val(&k), mun_val(b->data, b->len), err);
	if (code == MUN_OK && row->columns != NULL)
		code = mun_txn_put(t, MUN_T_COLUMN, mun_key_val(&k),
		                   mun_val(row->columns, row->columns_len), err);
	return code;
}

static int by_bytes(const void *a, const void *b)
{
	const struct mun_key *x = a;
	const struct mun_key *y = b;

	return memcmp(x->bytes, y->bytes, x->len);
}

/* Sorted, so that neighbours fall into the same page. */
static enum mun_code put_index(struct mun_txn *t, struct mun_key *keys, size_t len,
                               struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	qsort(keys, len, sizeof(*keys), by_bytes);
	for (size_t i = 0; code == MUN_OK && i < len; i++)
		code = mun_txn_put(t, MUN_T_BY_RUN, mun_key_val(&keys[i]), mun_val("", 0), err);
	return code;
}

static enum mun_code mark(struct mun_journal *j, struct mun_txn *t, const struct mun_ref *plan,
                          struct mun_err *err)
{
	struct mun_key k = mark_key(plan);
	struct mun_now now;
	uint8_t row[8];

	mun_journal_now(j, &now);
	mun_put_u64(row, (uint64_t)now.real_us);
	return mun_txn_put(t, MUN_T_META, mun_key_val(&k), mun_val(row, sizeof(row)), err);
}

static enum mun_code put_rows(struct mun_txn *t, const struct mun_ref *plan, uint32_t first_item,
                              const struct mun_id *org, const struct mun_plan_row *rows, size_t len,
                              struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) struct mun_key *keys = calloc(len + 1, sizeof(*keys));
	MUN_BUF_CLEANUP struct mun_buf b;
	enum mun_code code = MUN_OK;

	mun_buf_init(&b, 1 << 20);
	if (keys == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a list");
	for (size_t i = 0; code == MUN_OK && i < len; i++) {
		uint32_t item = first_item + (uint32_t)i;

		(void)mun_failpoint("plan_row");
		code = put_row(t, plan, item, &rows[i], &b, err);
		if (org != NULL)
			keys[i] = mun_key_run(org, &rows[i].run, plan, item);
	}
	return code == MUN_OK && org != NULL ? put_index(t, keys, len, err) : code;
}

static enum mun_code plan_rows(struct mun_journal *j, const struct mun_ref *plan,
                               uint32_t first_item, const struct mun_id *org,
                               const struct mun_plan_row *rows, size_t len, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_tree tree;
	size_t room = len * ROW_ROOM;
	enum mun_code code;

	for (size_t i = 0; i < len; i++) /* a large value has pages of its own */
		room += rows[i].columns_len < LARGE ? 2 * rows[i].columns_len
		                                    : rows[i].columns_len + ROW_LARGE;
	code = mun_store_reserve(j->store, room, err);
	if (code == MUN_OK)
		code = mun_store_write(&t, j->store, err);
	if (code == MUN_OK)
		code = mun_journal_guard(j, t, &tree, err);
	if (code == MUN_OK)
		code = mark(j, t, plan, err);
	if (code == MUN_OK)
		code = put_rows(t, plan, first_item, org, rows, len, err);
	return code == MUN_OK ? mun_txn_commit(MUN_STEAL(t), err) : code;
}

enum mun_code mun_journal_plan_rows(struct mun_journal *j, const struct mun_ref *plan,
                                    uint32_t first_item, const struct mun_id *org,
                                    const struct mun_plan_row *rows, size_t len,
                                    struct mun_err *err)
{
	return mun_journal_failed(j, plan_rows(j, plan, first_item, org, rows, len, err), err);
}

enum mun_code mun_list_finish(struct mun_txn *t, const struct mun_entry *e, struct mun_err *err)
{
	struct mun_key k = mark_key(&e->u.plan.plan);
	struct mun_val v;
	enum mun_code code = mun_txn_delete(t, MUN_T_META, mun_key_val(&k), err);

	if (code == MUN_E_NOTFOUND)
		code = MUN_OK;
	if (code == MUN_OK && e->u.plan.items > 0) {
		k = mun_key_item(&e->u.plan.plan, e->u.plan.items - 1);
		code = mun_txn_get(t, MUN_T_LIST, mun_key_val(&k), &v, err);
		if (code == MUN_OK) {
			k = mun_key_item(&e->u.plan.plan, 0);
			code = mun_txn_get(t, MUN_T_LIST, mun_key_val(&k), &v, err);
		}
	}
	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_INTERNAL, "a plan is stored without its rows");
	return code;
}

/* First row of a plan's list; the run is copied. NOTFOUND at the end. */
static enum mun_code row_from(struct mun_txn *t, const struct mun_ref *plan, uint32_t item,
                              uint32_t *ret_item, struct mun_id *ret_run, struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_key from = mun_key_item(plan, item);
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_iter_open(&it, t, MUN_T_LIST, err);

	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(&from), &key, &value, err);
	if (code != MUN_OK)
		return code;
	if (key.len != from.len || memcmp(key.data, plan->bytes, MUN_REF_LEN) != 0)
		return MUN_E_NOTFOUND;
	if (value.len < ROW_HEAD)
		return mun_fail(err, MUN_E_CORRUPT, "a row of table list is damaged");
	*ret_item = mun_get_u32((const uint8_t *)key.data + MUN_REF_LEN);
	memcpy(ret_run->bytes, value.data, MUN_ID_LEN);
	return MUN_OK;
}

enum mun_code mun_list_each(struct mun_txn *t, const struct mun_plan *plan, uint32_t *item,
                            unsigned max,
                            enum mun_code (*fn)(void *arg, const struct mun_key *key,
                                                struct mun_err *err),
                            void *arg, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (unsigned n = 0; n < max && *item < plan->items; n++) {
		struct mun_id run;
		struct mun_key key;

		code = row_from(t, &plan->plan, *item, item, &run, err);
		if (code != MUN_OK || *item >= plan->items)
			break;
		key = mun_key_run(&plan->org, &run, &plan->plan, (*item)++);
		code = fn(arg, &key, err);
		if (code != MUN_OK)
			return code;
	}
	if (code == MUN_E_NOTFOUND)
		*item = plan->items;
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_list_marks(struct mun_txn *t, struct mun_buf *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	const size_t prefix = sizeof(MUN_META_ROWS) - 1;
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_iter_open(&it, t, MUN_T_META, err);

	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_text_val(MUN_META_ROWS), &key, &value, err);
	while (code == MUN_OK && key.len == prefix + MUN_REF_LEN &&
	       memcmp(key.data, MUN_META_ROWS, prefix) == 0) {
		mun_buf_add(ret, (const char *)key.data + prefix, MUN_REF_LEN);
		code = mun_iter_next(it, &key, &value, err);
	}
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	return mun_buf_check(ret, "lists that are being stored", err);
}

bool mun_list_is_marked(const struct mun_buf *marks, const struct mun_key *by_run)
{
	for (size_t at = 0; at < marks->len; at += MUN_REF_LEN)
		if (memcmp(marks->data + at, by_run->bytes + MUN_KEY_RUN_PREFIX, MUN_REF_LEN) == 0)
			return true;
	return false;
}

static enum mun_code drop(struct mun_txn *t, enum mun_table table, struct mun_key k,
                          struct mun_err *err)
{
	enum mun_code code = mun_txn_delete(t, table, mun_key_val(&k), err);

	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

/* by_run needs the organization, which only a stored plan has: keys are found by their run. */
static enum mun_code drop_index(struct mun_txn *t, const struct mun_ref *plan, struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_key from = { .len = 0 };
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = MUN_OK;

	while (code == MUN_OK) {
		mun_iter_closep(&it);
		code = mun_iter_open(&it, t, MUN_T_BY_RUN, err);
		if (code == MUN_OK)
			code = mun_iter_seek(it, mun_key_val(&from), &key, &value, err);
		while (code == MUN_OK && memcmp((const uint8_t *)key.data + MUN_KEY_RUN_PREFIX,
		                                plan->bytes, MUN_REF_LEN) != 0)
			code = mun_iter_next(it, &key, &value, err);
		if (code != MUN_OK)
			break;
		memcpy(from.bytes, key.data, key.len);
		from.len = key.len;
		mun_iter_closep(&it);
		code = drop(t, MUN_T_BY_RUN, from, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static enum mun_code drop_rows(struct mun_txn *t, const struct mun_ref *plan, struct mun_err *err)
{
	uint32_t at = 0;
	enum mun_code code = MUN_OK;

	while (code == MUN_OK) {
		struct mun_id run;

		code = row_from(t, plan, at, &at, &run, err);
		if (code == MUN_OK)
			code = drop(t, MUN_T_LIST, mun_key_item(plan, at), err);
		if (code == MUN_OK)
			code = drop(t, MUN_T_COLUMN, mun_key_item(plan, at), err);
	}
	return code == MUN_E_NOTFOUND ? drop_index(t, plan, err) : code;
}

/* The first mark behind *at that is old enough. */
static enum mun_code next_given_up(struct mun_txn *t, struct mun_key *at, int64_t now_us,
                                   struct mun_ref *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	const size_t prefix = sizeof(MUN_META_ROWS) - 1;
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_iter_open(&it, t, MUN_T_META, err);

	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(at), &key, &value, err);
	while (code == MUN_OK && key.len == prefix + MUN_REF_LEN &&
	       memcmp(key.data, MUN_META_ROWS, prefix) == 0) {
		int64_t since = value.len == 8 ? (int64_t)mun_get_u64(value.data) : 0;

		if (now_us - since > GIVEN_UP_US || since - now_us > GIVEN_UP_US) {
			memcpy(ret->bytes, (const uint8_t *)key.data + prefix, MUN_REF_LEN);
			return MUN_OK;
		}
		code = mun_iter_next(it, &key, &value, err);
	}
	return code == MUN_OK ? MUN_E_NOTFOUND : code;
}

enum mun_code mun_list_sweep(struct mun_journal *j, struct mun_txn *t, struct mun_err *err)
{
	struct mun_key at = { .len = sizeof(MUN_META_ROWS) - 1 };
	struct mun_now now;
	enum mun_code code = MUN_OK;

	memcpy(at.bytes, MUN_META_ROWS, at.len);
	mun_journal_now(j, &now);
	while (code == MUN_OK) {
		struct mun_plan stored;
		struct mun_ref plan;

		code = next_given_up(t, &at, now.real_us, &plan, err);
		if (code != MUN_OK)
			break;
		at = mark_key(&plan);
		code = mun_get_plan(t, &plan, &stored, err);
		if (code == MUN_E_NOTFOUND)
			code = drop_rows(t, &plan, err);
		if (code == MUN_OK)
			code = drop(t, MUN_T_META, at, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}
