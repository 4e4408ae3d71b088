/* SPDX-License-Identifier: Apache-2.0 */
/* item.skipped and item.cancelled: entries that concern ranges of items. */
#include <string.h>

#include "journal/project.h"
#include "journal/project_impl.h"
#include "lib/cursor.h"

static enum mun_code end_item(struct mun_project *p, const struct mun_entry *e, uint32_t number,
                              struct mun_err *err)
{
	struct mun_touched t;
	enum mun_code code = mun_project_load_item(p, number, &t, err);

	if (code != MUN_OK || t.before != MUN_I_PENDING)
		return code;
	t.item.state = e->kind == MUN_K_ITEM_SKIPPED ? MUN_I_SKIPPED : MUN_I_CANCELLED;
	t.item.retry_at_us = MUN_TIME_NONE;
	t.item.last_seq = e->seq;
	return mun_project_store_item(p, &t, err);
}

/* Next row of the item table from number on, of the batch at hand: NOTFOUND at its end. */
static enum mun_code next_row(struct mun_project *p, uint32_t number, uint32_t *ret,
                              struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_key from = mun_key_item(&p->batch.batch, number);
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_iter_open(&it, p->txn, MUN_T_ITEM, err);

	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(&from), &key, &value, err);
	if (code != MUN_OK)
		return code;
	if (key.len != from.len || memcmp(key.data, from.bytes, MUN_REF_LEN) != 0)
		return MUN_E_NOTFOUND;
	*ret = mun_get_u32((const uint8_t *)key.data + MUN_REF_LEN);
	return MUN_OK;
}

/* The untouched rest gets a mark of the batch instead of rows: it may be a million items. */
static enum mun_code cancel_rest(struct mun_project *p, const struct mun_entry *e,
                                 const struct mun_range *r, struct mun_err *err)
{
	struct mun_batch *b = &p->batch;
	uint64_t untouched = b->items - b->next;
	uint32_t at = r->first;
	enum mun_code code;

	for (;;) {
		code = next_row(p, at, &at, err);
		if (code != MUN_OK)
			break;
		untouched -= at >= b->next ? 1 : 0;
		code = end_item(p, e, at, err);
		if (code != MUN_OK || ++at >= b->items)
			break;
	}
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	if (!b->cancelled)
		mun_fold_move(b, MUN_I_PENDING, MUN_I_CANCELLED, untouched);
	b->cancelled = true;
	p->dirty = true;
	return MUN_OK;
}

enum mun_code mun_project_ranges(struct mun_project *p, const struct mun_entry *e,
                                 struct mun_err *err)
{
	enum mun_code code = mun_project_need_batch(p, &e->batch, err);

	for (size_t i = 0; code == MUN_OK && i < e->u.ranges.ranges_len; i++) {
		const struct mun_range *r = &e->u.ranges.ranges[i];

		if (r->first > r->last || r->last >= p->batch.items)
			return mun_fail(err, MUN_E_CORRUPT, "a range of items is none");
		if (e->kind == MUN_K_ITEM_CANCELLED && r->last == p->batch.items - 1 &&
		    r->first <= p->batch.next && p->batch.doubted_seq == MUN_NO_SEQ) {
			code = cancel_rest(p, e, r, err);
			continue;
		}
		for (uint64_t n = r->first; code == MUN_OK && n <= r->last; n++)
			code = end_item(p, e, (uint32_t)n, err);
	}
	return code;
}
