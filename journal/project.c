/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/project.h"

#include <string.h>

#include "journal/project_impl.h"
#include "journal/window.h"
#include "lib/cursor.h"

void mun_project_init(struct mun_project *p, struct mun_txn *txn, struct mun_txn *source)
{
	memset(p, 0, sizeof(*p));
	p->txn = txn;
	p->source = source;
}

static enum mun_code put_key(struct mun_project *p, enum mun_table table, struct mun_key key,
                             struct mun_val value, struct mun_err *err)
{
	return mun_txn_put(p->txn, table, mun_key_val(&key), value, err);
}

static enum mun_code flush_batch(struct mun_project *p, struct mun_err *err)
{
	struct mun_row_bytes row;

	if (!p->dirty)
		return MUN_OK;
	p->dirty = false;
	mun_batch_pack(&row, &p->batch);
	return put_key(p, MUN_T_BATCH, mun_key_ref(&p->batch.batch), mun_val(row.bytes, row.len),
	               err);
}

static enum mun_code flush_block(struct mun_project *p, struct mun_err *err)
{
	uint8_t row[16];

	if (!p->has_block)
		return MUN_OK;
	mun_put_u64(row, (uint64_t)p->min_us);
	mun_put_u64(row + 8, (uint64_t)p->max_us);
	return put_key(p, MUN_T_BY_TIME, mun_key_u64(p->block), mun_val(row, sizeof(row)), err);
}

enum mun_code mun_project_flush(struct mun_project *p, struct mun_err *err)
{
	enum mun_code code = flush_batch(p, err);

	return code == MUN_OK ? flush_block(p, err) : code;
}

enum mun_code mun_project_batch(struct mun_project *p, const struct mun_ref *batch,
                                struct mun_err *err)
{
	enum mun_code code;

	if (p->has_batch && mun_ref_equal(&p->batch.batch, batch))
		return MUN_OK;
	code = flush_batch(p, err);
	if (code != MUN_OK)
		return code;
	p->has_batch = false;
	code = mun_get_batch(p->txn, batch, &p->batch, err);
	p->has_batch = code == MUN_OK;
	return code;
}

static enum mun_code unknown_batch(const struct mun_ref *batch, struct mun_err *err)
{
	char text[MUN_REF_TEXT];

	mun_ref_format(text, 'b', batch);
	return mun_fail(err, MUN_E_CORRUPT, "an entry names the unknown batch %s", text);
}

enum mun_code mun_project_need_batch(struct mun_project *p, const struct mun_ref *batch,
                                     struct mun_err *err)
{
	enum mun_code code = mun_project_batch(p, batch, err);

	return code == MUN_E_NOTFOUND ? unknown_batch(batch, err) : code;
}

enum mun_code mun_project_load_item(struct mun_project *p, uint64_t number, struct mun_touched *ret,
                                    struct mun_err *err)
{
	enum mun_code code;

	if (number >= p->batch.items)
		return mun_fail(err, MUN_E_CORRUPT, "an entry names item %llu of a batch of %lu",
		                (unsigned long long)number, (unsigned long)p->batch.items);
	ret->number = (uint32_t)number;
	code = mun_get_item_of(p->txn, &p->batch, ret->number, &ret->item, err);
	ret->existed = ret->item.last_seq != MUN_NO_SEQ;
	ret->before = ret->item.state;
	return code;
}

/* Items are mostly touched in order, so this looks at one row. */
static enum mun_code advance_next(struct mun_project *p, uint32_t touched, struct mun_err *err)
{
	struct mun_batch *b = &p->batch;
	enum mun_code code = MUN_OK;

	if (touched != b->next)
		return MUN_OK;
	b->next++;
	while (code == MUN_OK && b->next < b->items) {
		struct mun_key k = mun_key_item(&b->batch, b->next);
		struct mun_val v;

		code = mun_txn_get(p->txn, MUN_T_ITEM, mun_key_val(&k), &v, err);
		if (code == MUN_OK)
			b->next++;
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_project_store_item(struct mun_project *p, struct mun_touched *t,
                                     struct mun_err *err)
{
	struct mun_key key = mun_key_item(&p->batch.batch, t->number);
	bool was_open = t->existed && mun_item_is_open(t->before);
	bool is_open = mun_item_is_open(t->item.state);
	struct mun_row_bytes row;
	enum mun_code code;

	mun_item_pack(&row, &t->item);
	code = put_key(p, MUN_T_ITEM, key, mun_val(row.bytes, row.len), err);
	if (code == MUN_OK && is_open && !was_open)
		code = put_key(p, MUN_T_OPEN, key, mun_val("", 0), err);
	else if (code == MUN_OK && was_open && !is_open)
		code = mun_txn_delete(p->txn, MUN_T_OPEN, mun_key_val(&key), err);
	if (code != MUN_OK)
		return code == MUN_E_NOTFOUND
		               ? mun_fail(err, MUN_E_CORRUPT, "table open lacks an item")
		               : code;
	mun_fold_move(&p->batch, t->before, t->item.state, 1);
	p->dirty = true;
	return t->existed ? MUN_OK : advance_next(p, t->number, err);
}

static enum mun_code put_exchange(struct mun_project *p, uint64_t seq, const struct mun_exchange *x,
                                  struct mun_err *err)
{
	struct mun_row_bytes row;

	mun_exchange_pack(&row, x);
	return put_key(p, MUN_T_EXCHANGE, mun_key_u64(seq), mun_val(row.bytes, row.len), err);
}

static enum mun_code need_exchange(struct mun_project *p, uint64_t seq, struct mun_exchange *ret,
                                   struct mun_err *err)
{
	enum mun_code code = mun_get_exchange(p->txn, seq, ret, err);

	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_CORRUPT, "#%llu is no request", (unsigned long long)seq);
	return code;
}

static enum mun_code put_plan(struct mun_project *p, const struct mun_plan *plan,
                              struct mun_err *err)
{
	struct mun_row_bytes row;

	mun_plan_pack(&row, plan);
	return put_key(p, MUN_T_PLAN, mun_key_ref(&plan->plan), mun_val(row.bytes, row.len), err);
}

static enum mun_code need_plan(struct mun_project *p, const struct mun_ref *ref,
                               struct mun_plan *ret, struct mun_err *err)
{
	enum mun_code code = mun_get_plan(p->txn, ref, ret, err);
	char text[MUN_REF_TEXT];

	if (code != MUN_E_NOTFOUND)
		return code;
	mun_ref_format(text, 'p', ref);
	return mun_fail(err, MUN_E_CORRUPT, "an entry names the unknown plan %s", text);
}

static enum mun_code on_plan_stored(struct mun_project *p, const struct mun_entry *e,
                                    struct mun_err *err)
{
	struct mun_plan plan = {
		.plan = e->u.plan.plan,
		.state = MUN_PLAN_STORED,
		.op = e->u.plan.op,
		.org = e->org,
		.items = e->u.plan.items,
		.duplicates = e->u.plan.duplicates,
		.seq = e->seq,
		.stored_us = e->time_us,
		.adopted = e->u.plan.has_adopted,
	};
	enum mun_code code = put_plan(p, &plan, err);

	if (code != MUN_OK)
		return code;
	return put_key(p, MUN_T_PLAN_ORDER, mun_key_u64(e->seq),
	               mun_val(plan.plan.bytes, MUN_REF_LEN), err);
}

static enum mun_code on_plan_discarded(struct mun_project *p, const struct mun_entry *e,
                                       struct mun_err *err)
{
	struct mun_plan plan;
	enum mun_code code = need_plan(p, &e->u.discard.plan, &plan, err);

	if (code != MUN_OK)
		return code;
	plan.state = MUN_PLAN_DISCARDED;
	return put_plan(p, &plan, err);
}

static enum mun_code on_start(struct mun_project *p, const struct mun_entry *e, struct mun_err *err)
{
	struct mun_plan plan;
	enum mun_code code = need_plan(p, &e->u.start.plan, &plan, err);

	if (code != MUN_OK)
		return code;
	if (e->kind == MUN_K_BATCH_RESUMED) {
		code = mun_project_need_batch(p, &e->batch, err);
		if (code != MUN_OK)
			return code;
	} else {
		code = flush_batch(p, err);
		p->has_batch = true;
		plan.state = MUN_PLAN_CONSUMED;
		plan.batch = e->batch;
		if (code == MUN_OK)
			code = put_plan(p, &plan, err);
		if (code == MUN_OK)
			code = put_key(p, MUN_T_BATCH_ORDER, mun_key_u64(e->seq),
			               mun_val(e->batch.bytes, MUN_REF_LEN), err);
		if (code != MUN_OK)
			return code;
	}
	mun_fold_start(&p->batch, &plan, e);
	p->dirty = true;
	return MUN_OK;
}

static enum mun_code on_request(struct mun_project *p, const struct mun_entry *e,
                                struct mun_err *err)
{
	struct mun_key key = mun_key_u64(e->seq);
	struct mun_row_bytes row;
	struct mun_exchange x;
	struct mun_touched t;
	enum mun_code code = MUN_OK;
	bool has_item = e->has_batch && e->item != MUN_NO_ITEM;

	if (e->has_batch)
		code = mun_project_need_batch(p, &e->batch, err);
	if (code == MUN_OK && has_item)
		code = mun_project_load_item(p, (uint64_t)e->item, &t, err);
	if (code != MUN_OK)
		return code;
	mun_fold_request(has_item ? &t.item : NULL, &x, e);
	mun_exchange_pack(&row, &x);
	code = mun_txn_append(p->txn, MUN_T_EXCHANGE, mun_key_val(&key),
	                      mun_val(row.bytes, row.len), err);
	if (code == MUN_OK && has_item)
		code = mun_project_store_item(p, &t, err);
	return code;
}

static enum mun_code mark_batch(struct mun_project *p, const struct mun_ref *batch, uint64_t seq,
                                struct mun_err *err)
{
	uint64_t block = seq / MUN_BLOCK_ENTRIES;

	if (p->has_mark && p->mark_block == block && mun_ref_equal(&p->mark_batch, batch))
		return MUN_OK;
	p->has_mark = true;
	p->mark_batch = *batch;
	p->mark_block = block;
	return put_key(p, MUN_T_BY_BATCH, mun_key_block(batch, block), mun_val("", 0), err);
}

static enum mun_code settle_one(struct mun_project *p, const struct mun_settle *s,
                                const struct mun_entry *e, struct mun_err *err)
{
	bool has_exchange = s->request != MUN_NO_SEQ;
	struct mun_exchange x;
	struct mun_touched t;
	enum mun_code code = mun_project_need_batch(p, &s->batch, err);

	if (code == MUN_OK)
		code = mun_project_load_item(p, s->item, &t, err);
	if (code == MUN_OK && has_exchange)
		code = need_exchange(p, s->request, &x, err);
	if (code != MUN_OK)
		return code;
	mun_fold_settle(&t.item, has_exchange ? &x : NULL, &p->batch, s, e);
	code = mun_project_store_item(p, &t, err);
	if (code == MUN_OK && has_exchange)
		code = put_exchange(p, s->request, &x, err);
	if (code == MUN_OK)
		code = mark_batch(p, &s->batch, e->seq, err);
	if (code != MUN_OK)
		return code;
	p->batch.last_seq = e->seq;
	mun_fold_after_settling(&p->batch);
	return MUN_OK;
}

/* The wait is the target's: what the request entry says, whose answer this is. */
static enum mun_code block_target(struct mun_project *p, const struct mun_entry *e,
                                  struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_key key = mun_key_u64(e->u.response.request);
	char target[MUN_TARGET_MAX];
	struct mun_entry request;
	struct mun_val line;

	if (!p->source) /* nobody asks for windows */
		return MUN_OK;
	enum mun_code code = mun_txn_get(p->source, MUN_T_LOG, mun_key_val(&key), &line, err);

	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_CORRUPT, "#%llu is missing",
		                (unsigned long long)e->u.response.request);
	if (code == MUN_OK)
		code = mun_entry_decode(&request, &owner, line.data, line.len, err);
	if (code != MUN_OK)
		return code;
	mun_window_target(target, &request);
	return mun_window_block(p->txn, target, e, err);
}

static enum mun_code on_response(struct mun_project *p, const struct mun_entry *e,
                                 struct mun_err *err)
{
	struct mun_exchange x;
	struct mun_touched t;
	enum mun_code code = need_exchange(p, e->u.response.request, &x, err);
	bool has_item;

	if (code != MUN_OK)
		return code;
	has_item = x.has_batch && x.item != MUN_NO_ITEM;
	if (x.has_batch)
		code = mun_project_need_batch(p, &x.batch, err);
	if (code == MUN_OK && has_item)
		code = mun_project_load_item(p, (uint64_t)x.item, &t, err);
	if (code != MUN_OK)
		return code;
	mun_fold_response(has_item ? &t.item : NULL, &x, has_item ? &p->batch : NULL, e);
	code = put_exchange(p, e->u.response.request, &x, err);
	if (code == MUN_OK && has_item)
		code = mun_project_store_item(p, &t, err);
	for (size_t i = 0; code == MUN_OK && i < e->u.response.settles_len; i++)
		code = settle_one(p, &e->u.response.settles[i], e, err);
	if (code == MUN_OK && e->u.response.http == 429 &&
	    e->u.response.retry_at_us != MUN_TIME_NONE)
		code = block_target(p, e, err);
	return code;
}

static enum mun_code on_decision(struct mun_project *p, const struct mun_entry *e,
                                 struct mun_err *err)
{
	bool has_exchange = e->u.decision.request != MUN_NO_SEQ;
	struct mun_exchange x;
	struct mun_touched t;
	enum mun_code code = mun_project_need_batch(p, &e->batch, err);

	if (code == MUN_OK)
		code = mun_project_load_item(p, (uint64_t)e->item, &t, err);
	if (code == MUN_OK && has_exchange)
		code = need_exchange(p, e->u.decision.request, &x, err);
	if (code != MUN_OK)
		return code;
	mun_fold_decision(&t.item, has_exchange ? &x : NULL, &p->batch, e);
	code = mun_project_store_item(p, &t, err);
	if (code == MUN_OK && has_exchange)
		code = put_exchange(p, e->u.decision.request, &x, err);
	if (code == MUN_OK)
		mun_fold_after_settling(&p->batch);
	return code;
}

static enum mun_code on_batch_word(struct mun_project *p, const struct mun_entry *e,
                                   struct mun_err *err)
{
	enum mun_code code = mun_project_need_batch(p, &e->batch, err);

	if (code != MUN_OK)
		return code;
	if (e->kind == MUN_K_BATCH_CANCELLING)
		mun_fold_cancelling(&p->batch, e);
	else
		mun_fold_pause(&p->batch, e);
	p->dirty = true;
	return MUN_OK;
}

static enum mun_code note_time(struct mun_project *p, const struct mun_entry *e,
                               struct mun_err *err)
{
	uint64_t block = e->seq / MUN_BLOCK_ENTRIES;
	struct mun_key key = mun_key_u64(block);
	struct mun_val v;
	enum mun_code code = MUN_OK;

	if (!p->has_block || p->block != block) {
		code = flush_block(p, err);
		if (code != MUN_OK)
			return code;
		p->has_block = true;
		p->block = block;
		p->min_us = INT64_MAX;
		p->max_us = INT64_MIN;
		code = mun_txn_get(p->txn, MUN_T_BY_TIME, mun_key_val(&key), &v, err);
		if (code == MUN_OK && v.len == 16) {
			p->min_us = (int64_t)mun_get_u64(v.data);
			p->max_us = (int64_t)mun_get_u64((const uint8_t *)v.data + 8);
		}
	}
	p->min_us = e->time_us < p->min_us ? e->time_us : p->min_us;
	p->max_us = e->time_us > p->max_us ? e->time_us : p->max_us;
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static enum mun_code on_key_added(struct mun_project *p, const struct mun_entry *e,
                                  struct mun_err *err)
{
	const char *vkey = e->u.key.vkey != NULL ? e->u.key.vkey : "";

	return put_key(p, MUN_T_KEY, mun_key_u64(e->seq), mun_val(vkey, strlen(vkey)), err);
}

static enum mun_code dispatch(struct mun_project *p, const struct mun_entry *e, struct mun_err *err)
{
	switch (e->kind) {
	case MUN_K_KEY_ADDED:
		return on_key_added(p, e, err);
	case MUN_K_PLAN_STORED:
		return on_plan_stored(p, e, err);
	case MUN_K_PLAN_DISCARDED:
		return on_plan_discarded(p, e, err);
	case MUN_K_BATCH_STARTED:
	case MUN_K_BATCH_RESUMED:
		return on_start(p, e, err);
	case MUN_K_REQUEST:
		return on_request(p, e, err);
	case MUN_K_RESPONSE:
		return on_response(p, e, err);
	case MUN_K_DECISION:
		return on_decision(p, e, err);
	case MUN_K_ITEM_SKIPPED:
	case MUN_K_ITEM_CANCELLED:
		return mun_project_ranges(p, e, err);
	case MUN_K_BATCH_CANCELLING:
	case MUN_K_BATCH_PAUSED:
	case MUN_K_BATCH_ENDED:
		return on_batch_word(p, e, err);
	default:
		return MUN_OK;
	}
}

enum mun_code mun_project_entry(struct mun_project *p, const struct mun_entry *e,
                                struct mun_err *err)
{
	enum mun_code code = dispatch(p, e, err);

	if (code == MUN_OK && e->has_batch) {
		code = mun_project_need_batch(p, &e->batch, err);
		if (code == MUN_OK) {
			p->batch.last_seq = e->seq;
			p->dirty = true;
			code = mark_batch(p, &e->batch, e->seq, err);
		}
	}
	return code == MUN_OK ? note_time(p, e, err) : code;
}
