/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/refold.h"

#include <stdlib.h>
#include <string.h>

#include "journal/refold_impl.h"
#include "lib/hex.h"

#define LINE_MAX_BYTES MUN_ENTRY_MAX
#define TEXT_MAX_BYTES ((size_t)256 * 1024)

enum mun_code mun_refold_new(struct mun_refold **ret, struct mun_source *source,
                             const char *scratch_dir, struct mun_err *err)
{
	struct mun_refold *f = calloc(1, sizeof(*f));

	if (!f)
		return mun_fail(err, MUN_E_NOMEM, "no memory to fold entries");
	f->source = source;
	f->last_batch = MUN_NO_INDEX;
	mun_scratch_init(&f->items, scratch_dir, sizeof(struct mun_refold_item_row));
	mun_scratch_init(&f->exchanges, scratch_dir, sizeof(struct mun_refold_exchange));
	mun_scratch_init(&f->answers, scratch_dir, sizeof(struct mun_refold_answer));
	mun_buf_init(&f->line, LINE_MAX_BYTES);
	mun_buf_init(&f->text, TEXT_MAX_BYTES);
	*ret = f;
	return MUN_OK;
}

void mun_refold_freep(struct mun_refold **f)
{
	struct mun_refold *r = *f;

	*f = NULL;
	if (!r)
		return;
	for (unsigned i = 0; i < MUN_REFOLD_KEPT; i++)
		mun_decoded_freep(&r->kept[i].owner);
	mun_decoded_freep(&r->own_owner);
	mun_scratch_done(&r->items);
	mun_scratch_done(&r->exchanges);
	mun_scratch_done(&r->answers);
	mun_buf_done(&r->line);
	mun_buf_done(&r->text);
	free(r->plans);
	free(r->batches);
	free(r->starts);
	free(r);
}

/* The array with room behind its len rows; NULL (and it stays): no memory. */
static void *grow(void *array, size_t *cap, size_t len, size_t size, struct mun_err *err)
{
	if (array && len < *cap)
		return array;
	size_t want = *cap ? *cap * 2 : 64;
	void *bigger = reallocarray(array, want, size);
	if (bigger)
		*cap = want;
	else
		(void)mun_fail(err, MUN_E_NOMEM, "no memory for %zu rows", want);
	return bigger;
}

static uint32_t find_plan(const struct mun_refold *f, const struct mun_ref *plan)
{
	for (size_t i = f->plans_len; i-- > 0;)
		if (mun_ref_equal(&f->plans[i].plan, plan))
			return (uint32_t)i;
	return MUN_NO_INDEX;
}

uint32_t mun_refold_find_batch(const struct mun_refold *f, const struct mun_ref *batch)
{
	if (f->last_batch != MUN_NO_INDEX &&
	    mun_ref_equal(&f->batches[f->last_batch].row.batch, batch))
		return f->last_batch;
	for (size_t i = f->batches_len; i-- > 0;)
		if (mun_ref_equal(&f->batches[i].row.batch, batch))
			return (uint32_t)i;
	return MUN_NO_INDEX;
}

/* The batch at hand; NULL: unknown. */
static struct mun_refold_batch *batch_of(struct mun_refold *f, const struct mun_ref *batch)
{
	uint32_t at = mun_refold_find_batch(f, batch);

	if (at == MUN_NO_INDEX)
		return NULL;
	f->last_batch = at;
	return &f->batches[at];
}

static const struct mun_refold_exchange *exchange_at(const struct mun_refold *f, size_t at)
{
	return mun_scratch_get(&f->exchanges, at);
}

/* What is asked for is mostly among the newest: in growing steps back from there, then halving. */
static size_t find_exchange(const struct mun_refold *f, uint64_t seq)
{
	size_t high = f->exchanges.len, low = high;

	for (size_t step = 8; low > 0 && exchange_at(f, low - 1)->seq >= seq; step *= 2) {
		high = low;
		low = low > step ? low - step : 0;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (exchange_at(f, middle)->seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct mun_refold_exchange *mun_refold_request(const struct mun_refold *f, uint64_t seq)
{
	size_t at = find_exchange(f, seq);

	if (at == f->exchanges.len || exchange_at(f, at)->seq != seq)
		return NULL;
	return exchange_at(f, at);
}

static enum mun_code need_exchange(struct mun_refold *f, uint64_t seq,
                                   struct mun_refold_exchange **ret, struct mun_err *err)
{
	size_t at = find_exchange(f, seq);
	void *row;

	*ret = NULL;
	if (at == f->exchanges.len || exchange_at(f, at)->seq != seq)
		return MUN_OK;
	enum mun_code code = mun_scratch_touch(&f->exchanges, at, &row, err);
	if (code == MUN_OK)
		*ret = row;
	return code;
}

struct touched { /* an item, before and after an entry */
	struct mun_refold_batch *batch;
	uint32_t number;
	enum mun_item_state before;
	struct mun_item item;
};

static const struct mun_refold_item_row *item_row(const struct mun_refold *f,
                                                  const struct mun_refold_batch *b, uint64_t number)
{
	const struct mun_refold_item_row *row =
		mun_scratch_get(&f->items, (size_t)(b->base + number));

	return row && row->touched ? row : NULL;
}

/* false: there is no such item. */
static bool load_item(struct mun_refold *f, struct mun_refold_batch *b, uint64_t number,
                      struct touched *ret)
{
	if (!b || number >= b->row.items)
		return false;
	ret->batch = b;
	ret->number = (uint32_t)number;
	mun_refold_item(f, b, ret->number, &ret->item);
	ret->before = ret->item.state;
	return true;
}

static enum mun_code store_item(struct mun_refold *f, const struct touched *t, struct mun_err *err)
{
	struct mun_batch *b = &t->batch->row;
	void *at;

	enum mun_code code =
		mun_scratch_touch(&f->items, (size_t)(t->batch->base + t->number), &at, err);
	if (code != MUN_OK)
		return code;
	*(struct mun_refold_item_row *)at =
		(struct mun_refold_item_row){ .touched = true, .item = t->item };
	mun_fold_move(b, t->before, t->item.state, 1);
	if (t->number != b->next)
		return MUN_OK;
	do
		b->next++;
	while (b->next < b->items && item_row(f, t->batch, b->next));
	return MUN_OK;
}

static enum mun_code on_plan(struct mun_refold *f, const struct mun_entry *e, struct mun_err *err)
{
	struct mun_plan *plans = grow(f->plans, &f->plans_cap, f->plans_len, sizeof(*plans), err);

	if (!plans)
		return MUN_E_NOMEM;
	f->plans = plans;
	f->plans[f->plans_len++] = (struct mun_plan){
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
	return MUN_OK;
}

static void on_discard(struct mun_refold *f, const struct mun_entry *e)
{
	uint32_t plan = find_plan(f, &e->u.discard.plan);

	if (plan != MUN_NO_INDEX)
		f->plans[plan].state = MUN_PLAN_DISCARDED;
}

/* All items of a batch are known where its list is there as a whole. */
static enum mun_code is_whole(struct mun_refold *f, const struct mun_plan *plan, bool *ret,
                              struct mun_err *err)
{
	struct mun_list_row row;
	enum mun_code code = MUN_OK;

	mun_buf_clear(&f->text);
	if (plan->items > 0)
		code = mun_source_list_row(f->source, &plan->plan, plan->items - 1, &row, &f->text,
		                           err);
	*ret = code == MUN_OK;
	return code == MUN_E_NOTFOUND || code == MUN_E_CORRUPT ? MUN_OK : code;
}

static enum mun_code new_batch(struct mun_refold *f, uint32_t plan, struct mun_err *err)
{
	struct mun_plan *p = &f->plans[plan];
	struct mun_refold_batch *batches;
	bool whole;

	enum mun_code code = is_whole(f, p, &whole, err);
	if (code == MUN_OK)
		code = mun_scratch_extend(&f->items, f->items.len + p->items, err);
	if (code != MUN_OK)
		return code;
	batches = grow(f->batches, &f->batches_cap, f->batches_len, sizeof(*batches), err);
	if (!batches)
		return MUN_E_NOMEM;
	f->batches = batches;
	f->last_batch = (uint32_t)f->batches_len++;
	f->batches[f->last_batch] = (struct mun_refold_batch){ .plan = plan,
		                                               .whole = whole,
		                                               .base = f->items.len - p->items };
	return MUN_OK;
}

static enum mun_code on_start(struct mun_refold *f, const struct mun_entry *e, struct mun_err *err)
{
	uint32_t plan = find_plan(f, &e->u.start.plan);
	struct mun_refold_batch *b = batch_of(f, &e->batch);
	enum mun_code code = MUN_OK;

	if (plan == MUN_NO_INDEX || (e->kind == MUN_K_BATCH_RESUMED) != (b != NULL))
		return MUN_OK;
	if (!b) {
		code = new_batch(f, plan, err);
		if (code != MUN_OK)
			return code;
		b = &f->batches[f->last_batch];
		f->plans[plan].state = MUN_PLAN_CONSUMED;
		f->plans[plan].batch = e->batch;
	}
	mun_fold_start(&b->row, &f->plans[plan], e);
	struct mun_refold_start *starts =
		grow(f->starts, &f->starts_cap, f->starts_len, sizeof(*starts), err);
	if (!starts)
		return MUN_E_NOMEM;
	f->starts = starts;
	f->starts[f->starts_len++] = (struct mun_refold_start){ .batch = f->last_batch,
		                                                .epoch = e->u.start.epoch,
		                                                .seq = e->seq };
	return MUN_OK;
}

static enum mun_code on_request(struct mun_refold *f, const struct mun_entry *e,
                                struct mun_err *err)
{
	struct mun_refold_batch *b = e->has_batch ? batch_of(f, &e->batch) : NULL;
	const char *token = e->u.request.token;
	struct mun_refold_exchange *x;
	struct touched t;
	void *row;

	enum mun_code code = mun_scratch_add(&f->exchanges, &row, err);
	if (code != MUN_OK)
		return code;
	bool has_item = e->item >= 0 && load_item(f, b, (uint64_t)e->item, &t);
	x = row;
	x->seq = e->seq;
	x->batch = b ? f->last_batch : MUN_NO_INDEX;
	x->has_item = has_item;
	x->org = e->org;
	x->run = e->run;
	x->duration_ms = 0;
	x->reread = e->u.request.reason || e->u.request.ticket || !token ||
	            !mun_hex_decode(x->token, sizeof(x->token), token, strlen(token));
	mun_fold_request(has_item ? &t.item : NULL, &x->row, e);
	return has_item ? store_item(f, &t, err) : MUN_OK;
}

static enum mun_code settle_one(struct mun_refold *f, const struct mun_settle *s,
                                const struct mun_entry *e, struct mun_err *err)
{
	struct mun_refold_batch *b = batch_of(f, &s->batch);
	struct mun_refold_exchange *x = NULL;
	enum mun_code code = MUN_OK;
	struct touched t;

	if (!load_item(f, b, s->item, &t))
		return MUN_OK;
	if (s->request != MUN_NO_SEQ)
		code = need_exchange(f, s->request, &x, err);
	if (code != MUN_OK)
		return code;
	mun_fold_settle(&t.item, x ? &x->row : NULL, &b->row, s, e);
	code = store_item(f, &t, err);
	b->row.last_seq = e->seq;
	mun_fold_after_settling(&b->row);
	return code;
}

/* The answer was kept: a name may be in it. */
static enum mun_code note_body(struct mun_refold *f, const struct mun_refold_exchange *x,
                               const struct mun_entry *e, struct mun_err *err)
{
	void *row;

	if (!e->u.response.body.kept || e->u.response.http < 200 || e->u.response.http > 299 ||
	    !x->has_item)
		return MUN_OK;
	enum mun_code code = mun_scratch_add(&f->answers, &row, err);
	if (code != MUN_OK)
		return code;
	*(struct mun_refold_answer *)row =
		(struct mun_refold_answer){ .org = x->org, .run = x->run, .seq = e->seq };
	f->sorted = false;
	return MUN_OK;
}

static enum mun_code on_response(struct mun_refold *f, const struct mun_entry *e,
                                 struct mun_err *err)
{
	struct mun_refold_batch *b = NULL;
	struct mun_refold_exchange *x;
	struct touched t;
	bool has_item = false;

	enum mun_code code = need_exchange(f, e->u.response.request, &x, err);
	if (code == MUN_OK && x) {
		b = x->row.has_batch ? batch_of(f, &x->row.batch) : NULL;
		has_item = x->row.item >= 0 && load_item(f, b, (uint64_t)x->row.item, &t);
		x->duration_ms = e->u.response.duration_ms;
		mun_fold_response(has_item ? &t.item : NULL, &x->row, has_item ? &b->row : NULL, e);
		code = note_body(f, x, e, err);
		if (code == MUN_OK && has_item)
			code = store_item(f, &t, err);
	}
	for (size_t i = 0; code == MUN_OK && i < e->u.response.settles_len; i++)
		code = settle_one(f, &e->u.response.settles[i], e, err);
	return code;
}

static enum mun_code on_decision(struct mun_refold *f, const struct mun_entry *e,
                                 struct mun_err *err)
{
	struct mun_refold_batch *b = e->has_batch ? batch_of(f, &e->batch) : NULL;
	struct mun_refold_exchange *x = NULL;
	enum mun_code code = MUN_OK;
	struct touched t;

	if (e->item < 0 || !load_item(f, b, (uint64_t)e->item, &t))
		return MUN_OK;
	if (e->u.decision.request != MUN_NO_SEQ)
		code = need_exchange(f, e->u.decision.request, &x, err);
	if (code != MUN_OK)
		return code;
	mun_fold_decision(&t.item, x ? &x->row : NULL, &b->row, e);
	code = store_item(f, &t, err);
	mun_fold_after_settling(&b->row);
	return code;
}

static enum mun_code end_item(struct mun_refold *f, struct mun_refold_batch *b,
                              const struct mun_entry *e, uint64_t number, struct mun_err *err)
{
	struct touched t;

	if (!load_item(f, b, number, &t) || t.before != MUN_I_PENDING)
		return MUN_OK;
	t.item.state = e->kind == MUN_K_ITEM_SKIPPED ? MUN_I_SKIPPED : MUN_I_CANCELLED;
	t.item.retry_at_us = MUN_TIME_NONE;
	t.item.last_seq = e->seq;
	return store_item(f, &t, err);
}

/* The untouched rest gets a mark of the batch instead of rows, as in the projections. Of a batch
 * that is not whole only rows matter that are there, however far its ranges reach. */
static enum mun_code end_range(struct mun_refold *f, struct mun_refold_batch *b,
                               const struct mun_entry *e, const struct mun_range *r,
                               struct mun_err *err)
{
	struct mun_batch *row = &b->row;
	bool rest = e->kind == MUN_K_ITEM_CANCELLED && r->last == row->items - 1 &&
	            r->first <= row->next && row->doubted_seq == MUN_NO_SEQ;
	uint64_t untouched = row->items - row->next;
	enum mun_code code = MUN_OK;

	for (uint64_t n = r->first; code == MUN_OK && n <= r->last; n++) {
		if (rest || !b->whole)
			n = mun_scratch_next(&f->items, b->base + n) - b->base;
		if (n > r->last)
			break;
		bool is_there = item_row(f, b, n) != NULL;
		if (rest && is_there && n >= row->next)
			untouched--;
		if (is_there || (b->whole && !rest))
			code = end_item(f, b, e, n, err);
	}
	if (code != MUN_OK || !rest)
		return code;
	if (!row->cancelled)
		mun_fold_move(row, MUN_I_PENDING, MUN_I_CANCELLED, untouched);
	row->cancelled = true;
	return MUN_OK;
}

static enum mun_code on_ranges(struct mun_refold *f, const struct mun_entry *e, struct mun_err *err)
{
	struct mun_refold_batch *b = e->has_batch ? batch_of(f, &e->batch) : NULL;
	enum mun_code code = MUN_OK;

	for (size_t i = 0; b && code == MUN_OK && i < e->u.ranges.ranges_len; i++) {
		const struct mun_range *r = &e->u.ranges.ranges[i];

		if (r->first <= r->last && r->last < b->row.items)
			code = end_range(f, b, e, r, err);
	}
	return code;
}

static enum mun_code dispatch(struct mun_refold *f, const struct mun_entry *e, struct mun_err *err)
{
	switch (e->kind) {
	case MUN_K_PLAN_STORED:
		return on_plan(f, e, err);
	case MUN_K_PLAN_DISCARDED:
		on_discard(f, e);
		return MUN_OK;
	case MUN_K_BATCH_STARTED:
	case MUN_K_BATCH_RESUMED:
		return on_start(f, e, err);
	case MUN_K_REQUEST:
		return on_request(f, e, err);
	case MUN_K_RESPONSE:
		return on_response(f, e, err);
	case MUN_K_DECISION:
		return on_decision(f, e, err);
	case MUN_K_ITEM_SKIPPED:
	case MUN_K_ITEM_CANCELLED:
		return on_ranges(f, e, err);
	default:
		return MUN_OK;
	}
}

static void on_pause(struct mun_refold_batch *b, const struct mun_entry *e)
{
	mun_fold_pause(&b->row, e);
	b->counted = true;
	b->recorded = e->u.pause.counts;
	if (e->kind == MUN_K_BATCH_ENDED)
		b->ended_seq = e->seq;
}

enum mun_code mun_refold_entry(struct mun_refold *f, const struct mun_entry *e, struct mun_err *err)
{
	enum mun_code code = dispatch(f, e, err);
	struct mun_refold_batch *b = e->has_batch ? batch_of(f, &e->batch) : NULL;

	if (!b)
		return code;
	if (e->kind == MUN_K_BATCH_CANCELLING)
		mun_fold_cancelling(&b->row, e);
	else if (e->kind == MUN_K_BATCH_PAUSED || e->kind == MUN_K_BATCH_ENDED)
		on_pause(b, e);
	b->row.last_seq = e->seq;
	return code;
}
