/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/handle.h"
#include "lib/cursor.h"

struct pending {
	struct mun_txn *t;
	const struct mun_batch *batch;
	struct mun_range *ranges;
	size_t max, len;
};

/* Neighbours become one range; false: no more fit. */
static bool add(struct pending *p, uint32_t first, uint32_t last)
{
	if (p->len > 0 && p->ranges[p->len - 1].last + 1 == first) {
		p->ranges[p->len - 1].last = last;
		return true;
	}
	if (p->len == p->max)
		return false;
	p->ranges[p->len++] = (struct mun_range){ first, last };
	return true;
}

/* The next item with a row in table, from *at on; NOTFOUND at the batch's end. */
static enum mun_code seek(struct pending *p, struct mun_iter *it, uint32_t *at, struct mun_err *err)
{
	struct mun_key from = mun_key_item(&p->batch->batch, *at);
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_iter_seek(it, mun_key_val(&from), &key, &value, err);

	if (code == MUN_OK &&
	    (key.len != from.len || memcmp(key.data, from.bytes, MUN_REF_LEN) != 0))
		code = MUN_E_NOTFOUND;
	if (code == MUN_OK)
		*at = mun_get_u32((const uint8_t *)key.data + MUN_REF_LEN);
	return code;
}

/* Every item below next has a row: the open ones among them are few. */
static enum mun_code touched(struct pending *p, uint32_t from, bool *ret_full, struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	enum mun_code code = mun_iter_open(&it, p->t, MUN_T_OPEN, err);

	for (uint32_t at = from; code == MUN_OK && !*ret_full && at < p->batch->next; at++) {
		struct mun_item item;

		code = seek(p, it, &at, err);
		if (code != MUN_OK || at >= p->batch->next)
			break;
		code = mun_get_item_of(p->t, p->batch, at, &item, err);
		if (code == MUN_OK && item.state == MUN_I_PENDING)
			*ret_full = !add(p, at, at);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

/* From next on few have one: what lies between them was never touched, and is pending unless
 * the whole batch was put in doubt. */
static enum mun_code untouched(struct pending *p, uint32_t from, bool *ret_full,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	uint32_t items = p->batch->items;
	bool idle = p->batch->doubted_seq == MUN_NO_SEQ;
	enum mun_code code = mun_iter_open(&it, p->t, MUN_T_ITEM, err);

	while (code == MUN_OK && !*ret_full && from < items) {
		struct mun_item item;
		uint32_t at = from;

		code = seek(p, it, &at, err);
		if (code == MUN_E_NOTFOUND) {
			*ret_full = idle && !add(p, from, items - 1);
			return MUN_OK;
		}
		if (code == MUN_OK && at > from && idle)
			*ret_full = !add(p, from, at - 1);
		if (code == MUN_OK && !*ret_full)
			code = mun_get_item_of(p->t, p->batch, at, &item, err);
		if (code == MUN_OK && !*ret_full && item.state == MUN_I_PENDING)
			*ret_full = !add(p, at, at);
		from = at + 1;
	}
	return code;
}

enum mun_code mun_journal_pending(struct mun_journal *j, const struct mun_ref *batch, uint32_t from,
                                  struct mun_range *ret, size_t max, size_t *ret_len,
                                  struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_batch row;
	struct pending p = { .batch = &row, .ranges = ret, .max = max };
	bool full = false;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	*ret_len = 0;
	p.t = t;
	if (code == MUN_OK)
		code = mun_get_batch(t, batch, &row, err);
	if (code == MUN_OK)
		code = touched(&p, from, &full, err);
	if (code == MUN_OK && !full)
		code = untouched(&p, from > row.next ? from : row.next, &full, err);
	*ret_len = p.len;
	return mun_journal_failed(j, code, err);
}
