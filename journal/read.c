/* SPDX-License-Identifier: Apache-2.0 */
/* Every getter opens a snapshot of its own and ends it before it returns. */
#include <string.h>

#include "journal/handle.h"
#include "lib/cursor.h"
#include "lib/pack.h"

#define BODY_HEAD (32 + 8)
#define ABSENT    0xffff

static enum mun_code no_ref(char prefix, const char *what, const struct mun_ref *ref,
                            struct mun_err *err)
{
	char text[MUN_REF_TEXT];

	mun_ref_format(text, prefix, ref);
	return mun_fail(err, MUN_E_NOTFOUND, "%s %s is not in this journal", what, text);
}

static enum mun_code no_entry(const char *what, uint64_t seq, struct mun_err *err)
{
	return mun_fail(err, MUN_E_NOTFOUND, "#%llu: %s is not in this journal",
	                (unsigned long long)seq, what);
}

enum mun_code mun_journal_head(struct mun_journal *j, struct mun_head *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_tree tree;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code == MUN_OK)
		code = mun_journal_failed(j, mun_get_tree(t, &tree, err), err);
	if (code != MUN_OK)
		return code;
	ret->size = tree.size;
	mun_tree_root(&tree, ret->root);
	return MUN_OK;
}

enum mun_code mun_journal_plan(struct mun_journal *j, const struct mun_ref *plan,
                               struct mun_plan *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code != MUN_OK)
		return code;
	code = mun_get_plan(t, plan, ret, err);
	return code == MUN_E_NOTFOUND ? no_ref('p', "plan", plan, err)
	                              : mun_journal_failed(j, code, err);
}

enum mun_code mun_journal_batch(struct mun_journal *j, const struct mun_ref *batch,
                                struct mun_batch *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code != MUN_OK)
		return code;
	code = mun_get_batch(t, batch, ret, err);
	return code == MUN_E_NOTFOUND ? no_ref('b', "batch", batch, err)
	                              : mun_journal_failed(j, code, err);
}

enum mun_code mun_journal_item(struct mun_journal *j, const struct mun_ref *batch, uint32_t item,
                               struct mun_item *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_batch b;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code != MUN_OK)
		return code;
	code = mun_get_batch(t, batch, &b, err);
	if (code == MUN_E_NOTFOUND)
		return no_ref('b', "batch", batch, err);
	if (code != MUN_OK)
		return mun_journal_failed(j, code, err);
	if (item >= b.items)
		return mun_fail(err, MUN_E_NOTFOUND, "the batch has %lu items, not %lu",
		                (unsigned long)b.items, (unsigned long)item + 1);
	return mun_journal_failed(j, mun_get_item_of(t, &b, item, ret, err), err);
}

enum mun_code mun_journal_exchange(struct mun_journal *j, uint64_t request_seq,
                                   struct mun_exchange *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code != MUN_OK)
		return code;
	code = mun_get_exchange(t, request_seq, ret, err);
	return code == MUN_E_NOTFOUND ? no_entry("a request", request_seq, err)
	                              : mun_journal_failed(j, code, err);
}

/* Copies a text of a list row behind text; *ret_at is its place, as the buffer may move. */
static bool copy_text(struct mun_cursor *c, struct mun_buf *text, size_t *ret_at)
{
	uint16_t len = mun_cursor_u16(c);
	const uint8_t *p;

	*ret_at = SIZE_MAX;
	if (len == ABSENT)
		return true;
	p = mun_cursor_bytes(c, len);
	if (p == NULL)
		return false;
	*ret_at = text->len;
	mun_buf_add(text, p, len);
	mun_buf_putc(text, '\0');
	return !text->failed;
}

enum mun_code mun_list_row_unpack(struct mun_list_row *ret, struct mun_val v, struct mun_buf *text,
                                  struct mun_err *err)
{
	struct mun_cursor c;
	const uint8_t *run;
	size_t reason;
	size_t ticket;

	mun_cursor_init(&c, v.data, v.len);
	run = mun_cursor_bytes(&c, MUN_ID_LEN);
	ret->line = mun_cursor_u32(&c);
	if (run == NULL || !copy_text(&c, text, &reason) || !copy_text(&c, text, &ticket) ||
	    !mun_cursor_at_end(&c))
		return mun_fail(err, MUN_E_CORRUPT, "a row of table list is damaged");
	memcpy(ret->run.bytes, run, MUN_ID_LEN);
	ret->reason = reason != SIZE_MAX ? text->data + reason : NULL;
	ret->ticket = ticket != SIZE_MAX ? text->data + ticket : NULL;
	return MUN_OK;
}

enum mun_code mun_journal_list_row(struct mun_journal *j, const struct mun_ref *plan, uint32_t item,
                                   struct mun_list_row *ret, struct mun_buf *text,
                                   struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	struct mun_key k = mun_key_item(plan, item);
	struct mun_val v;

	if (code != MUN_OK)
		return code;
	code = mun_txn_get(t, MUN_T_LIST, mun_key_val(&k), &v, err);
	if (code == MUN_OK)
		code = mun_list_row_unpack(ret, v, text, err);
	return code == MUN_E_NOTFOUND ? no_ref('p', "an item of plan", plan, err)
	                              : mun_journal_failed(j, code, err);
}

enum mun_code mun_journal_columns(struct mun_journal *j, const struct mun_ref *plan, uint32_t item,
                                  struct mun_buf *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_key k = mun_key_item(plan, item);
	struct mun_val v;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code != MUN_OK)
		return code;
	code = mun_txn_get(t, MUN_T_COLUMN, mun_key_val(&k), &v, err);
	if (code == MUN_E_NOTFOUND)
		return no_ref('p', "a row with other columns of plan", plan, err);
	if (code != MUN_OK)
		return mun_journal_failed(j, code, err);
	mun_buf_add(ret, v.data, v.len);
	return mun_buf_check(ret, "columns", err);
}

enum mun_code mun_journal_open_items(struct mun_journal *j, const struct mun_ref *batch,
                                     uint32_t from, uint32_t *ret, size_t max, size_t *ret_len,
                                     struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_key k = mun_key_item(batch, from);
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	*ret_len = 0;
	if (code == MUN_OK)
		code = mun_iter_open(&it, t, MUN_T_OPEN, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(&k), &key, &value, err);
	while (code == MUN_OK && *ret_len < max && key.len == k.len &&
	       memcmp(key.data, batch->bytes, MUN_REF_LEN) == 0) {
		ret[(*ret_len)++] = mun_get_u32((const uint8_t *)key.data + MUN_REF_LEN);
		code = mun_iter_next(it, &key, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : mun_journal_failed(j, code, err);
}

/* Where a walk over plan_order or batch_order stands. */
struct order_walk {
	enum mun_table table;
	bool reverse, begun;
	uint64_t seq;
};

/* The next row of the order; NOTFOUND at its end. */
static enum mun_code order_next(struct mun_txn *t, struct order_walk *w, struct mun_ref *ret,
                                struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_key k = mun_key_u64(w->reverse ? w->seq - 1 : w->seq + 1);
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_iter_open(&it, t, w->table, err);

	if (!w->begun)
		k.len = 0;
	if (code == MUN_OK)
		code = w->reverse ? mun_iter_seek_last(it, mun_key_val(&k), &key, &value, err)
		                  : mun_iter_seek(it, mun_key_val(&k), &key, &value, err);
	if (code != MUN_OK)
		return code;
	if (w->begun && w->reverse && mun_get_u64(key.data) >= w->seq)
		return MUN_E_NOTFOUND;
	w->begun = true;
	w->seq = mun_get_u64(key.data);
	memcpy(ret->bytes, value.data, MUN_REF_LEN);
	return MUN_OK;
}

static enum mun_code next_ref(struct mun_journal *j, struct order_walk *w, struct mun_ref *ret,
                              struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code != MUN_OK)
		return code;
	code = order_next(t, w, ret, err);
	return code == MUN_E_NOTFOUND ? code : mun_journal_failed(j, code, err);
}

enum mun_code mun_journal_plans(struct mun_journal *j, bool reverse,
                                enum mun_code (*fn)(void *, const struct mun_plan *,
                                                    struct mun_err *),
                                void *arg, struct mun_err *err)
{
	struct order_walk w = { .table = MUN_T_PLAN_ORDER, .reverse = reverse };
	struct mun_ref ref;
	enum mun_code code;

	while ((code = next_ref(j, &w, &ref, err)) == MUN_OK) {
		struct mun_plan plan;

		code = mun_journal_plan(j, &ref, &plan, err);
		if (code == MUN_OK)
			code = fn(arg, &plan, err);
		if (code != MUN_OK)
			return code;
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_journal_batches(struct mun_journal *j, bool reverse,
                                  enum mun_code (*fn)(void *, const struct mun_batch *,
                                                      struct mun_err *),
                                  void *arg, struct mun_err *err)
{
	struct order_walk w = { .table = MUN_T_BATCH_ORDER, .reverse = reverse };
	struct mun_ref ref;
	enum mun_code code;

	while ((code = next_ref(j, &w, &ref, err)) == MUN_OK) {
		struct mun_batch batch;

		code = mun_journal_batch(j, &ref, &batch, err);
		if (code == MUN_OK)
			code = fn(arg, &batch, err);
		if (code != MUN_OK)
			return code;
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_journal_entry(struct mun_journal *j, uint64_t seq, struct mun_buf *ret,
                                struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_key k = mun_key_u64(seq);
	struct mun_val v;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code != MUN_OK)
		return code;
	code = mun_txn_get(t, MUN_T_LOG, mun_key_val(&k), &v, err);
	if (code == MUN_E_NOTFOUND)
		return no_entry("an entry", seq, err);
	if (code != MUN_OK)
		return mun_journal_failed(j, code, err);
	mun_buf_add(ret, v.data, v.len);
	return mun_buf_check(ret, "an entry", err);
}

enum mun_code mun_journal_body(struct mun_journal *j, uint64_t seq, struct mun_buf *ret,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_key k = mun_key_u64(seq);
	struct mun_val v;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code != MUN_OK)
		return code;
	code = mun_txn_get(t, MUN_T_BODY, mun_key_val(&k), &v, err);
	if (code == MUN_E_NOTFOUND)
		return no_entry("a body", seq, err);
	if (code == MUN_OK && v.len < BODY_HEAD)
		code = mun_fail(err, MUN_E_CORRUPT, "a row of table body is damaged");
	if (code == MUN_OK)
		code = mun_unpack(NULL, ret, (const uint8_t *)v.data + BODY_HEAD, v.len - BODY_HEAD,
		                  mun_get_u64((const uint8_t *)v.data + 32), err);
	return mun_journal_failed(j, code, err);
}
