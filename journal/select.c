/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/select.h"

#include <stdlib.h>
#include <string.h>

#include "journal/filter.h"

enum how {
	HOW_NOT,
	HOW_PART,
	HOW_WHOLE
};
struct selecting {
	struct mun_selection *ret;
	struct mun_source *source;
	struct mun_refold *fold;
	const struct mun_filter *f;
	uint8_t *items;    /* owned; one bit an item of all batches */
	uint64_t *chosen;  /* owned: selected items of each batch */
	enum how *batches; /* owned */
};

static void selecting_done(struct selecting *s)
{
	free(s->items);
	free(s->chosen);
	free(s->batches);
}

void mun_selection_done(struct mun_selection *s)
{
	free(s->bits);
	free(s->whole);
	memset(s, 0, sizeof(*s));
}

static bool has_bit(const uint8_t *bits, uint64_t at)
{
	return (bits[at / 8] >> (at % 8) & 1) != 0;
}

static void set_bit(uint8_t *bits, uint64_t at)
{
	bits[at / 8] |= (uint8_t)(1u << at % 8);
}

bool mun_selection_has(const struct mun_selection *s, uint64_t seq)
{
	return seq < s->size && has_bit(s->bits, seq);
}

uint64_t mun_selection_next(const struct mun_selection *s, uint64_t seq)
{
	while (seq < s->size && !has_bit(s->bits, seq))
		seq += seq % 8 == 0 && s->bits[seq / 8] == 0 ? 8 : 1;
	return seq < s->size ? seq : s->size;
}

bool mun_selection_whole(const struct mun_selection *s, const struct mun_ref *plan)
{
	for (size_t i = 0; i < s->whole_len; i++)
		if (mun_ref_equal(&s->whole[i], plan))
			return true;
	return false;
}

struct texts { /* of a subject */
	char run[MUN_ID_TEXT], org[MUN_ID_TEXT], batch[MUN_REF_TEXT], plan[MUN_REF_TEXT];
};

static const char *state_of(const struct selecting *s, const struct mun_refold_batch *b,
                            uint32_t number)
{
	struct mun_item item;

	mun_refold_item(s->fold, b, number, &item);
	if (item.state == MUN_I_IN_FLIGHT)
		item.state = MUN_I_IN_DOUBT;
	return mun_item_state_name(item.state, &mun_ops[b->row.op]);
}

static bool attempt_matches(const struct selecting *s, const struct mun_refold_exchange *x,
                            const struct mun_history_row *row, const struct mun_row_sources *from)
{
	const struct mun_refold_batch *b = mun_refold_batch(s->fold, x->batch);
	bool answered = row->response_seq != MUN_NO_SEQ || x->row.how == MUN_HOW_PROBE;
	struct texts t;

	mun_id_format(t.run, &row->run);
	mun_id_format(t.org, &row->org);
	mun_ref_format(t.batch, 'b', &row->batch);
	mun_ref_format(t.plan, 'p', &b->row.plan);
	const struct mun_subject subject = {
		.run = t.run,
		.org = t.org,
		.batch = t.batch,
		.plan = t.plan,
		.ticket = row->ticket,
		.operator_ = row->operator_,
		.claimed = row->claimed,
		.identity = row->identity,
		.reason = row->reason,
		.op = row->op,
		.state = state_of(s, b, row->item),
		.verdict = row->verdict,
		.kind = { mun_kind_name(MUN_K_REQUEST),
		          answered ? mun_kind_name(MUN_K_RESPONSE) : NULL,
		          x->row.how == MUN_HOW_DECISION ? mun_kind_name(MUN_K_DECISION) : NULL },
		.labels = from->plan ? from->plan->u.plan.labels : NULL,
		.labels_len = from->plan ? from->plan->u.plan.labels_len : 0,
		.http = row->http,
		.time_us = row->time_us,
		.seq = row->request_seq,
	};
	return mun_filter_match(s->f, &subject);
}

static enum mun_code consider_attempt(struct selecting *s, uint64_t at, struct mun_err *err)
{
	const struct mun_refold_exchange *x = mun_refold_exchange(s->fold, at);
	struct mun_row_sources from;
	struct mun_history_row row;
	bool is_one;

	if (!x->has_item)
		return MUN_OK;
	enum mun_code code = mun_refold_history(s->fold, at, &is_one, &row, &from, err);
	if (code != MUN_OK || !is_one)
		return code;
	if (s->f->limit && s->ret->attempts >= s->f->limit)
		return MUN_OK;
	if (!attempt_matches(s, x, &row, &from))
		return MUN_OK;
	s->ret->attempts++;
	s->batches[x->batch] = HOW_PART;
	uint64_t item = mun_refold_batch(s->fold, x->batch)->base + row.item;
	if (!has_bit(s->items, item))
		s->chosen[x->batch]++;
	set_bit(s->items, item);
	return MUN_OK;
}

static enum mun_code select_attempts(struct selecting *s, struct mun_err *err)
{
	uint64_t len = mun_refold_exchanges(s->fold);
	enum mun_code code = MUN_OK;

	for (uint64_t i = 0; code == MUN_OK && i < len; i++)
		code = consider_attempt(s, s->f->reverse ? len - 1 - i : i, err);
	return code;
}

/* Does the batch meet the filter by itself, from its first entry to its last? What only attempts
 * have meets no condition here. */
static enum mun_code batch_matches(const struct selecting *s, const struct mun_refold_batch *b,
                                   bool *ret, struct mun_err *err)
{
	const struct mun_entry *plan;
	char org[MUN_ID_TEXT], batch[MUN_REF_TEXT], text[MUN_REF_TEXT];

	*ret = false;
	if (s->f->limit)
		return MUN_OK;
	enum mun_code code = mun_refold_plan_entry(s->fold, b->plan, &plan, err);
	if (code != MUN_OK)
		return code;
	mun_id_format(org, &b->row.org);
	mun_ref_format(batch, 'b', &b->row.batch);
	mun_ref_format(text, 'p', &b->row.plan);
	const struct mun_subject subject = {
		.org = org,
		.batch = batch,
		.plan = text,
		.op = mun_ops[b->row.op].name,
		.labels = plan ? plan->u.plan.labels : NULL,
		.labels_len = plan ? plan->u.plan.labels_len : 0,
		.time_us = b->row.started_us,
		.seq = b->row.started_seq,
	};
	*ret = mun_filter_match(s->f, &subject);
	if (!*ret || s->f->until_us == MUN_TIME_NONE)
		return MUN_OK;
	*ret = b->row.ended_us != MUN_TIME_NONE && b->row.ended_us < s->f->until_us;
	return MUN_OK;
}

static enum mun_code select_batches(struct selecting *s, struct mun_err *err)
{
	size_t len = mun_refold_batches(s->fold);

	s->ret->whole = calloc(len + 1, sizeof(s->ret->whole[0]));
	if (!s->ret->whole)
		return mun_fail(err, MUN_E_NOMEM, "no memory for %zu batches", len);
	for (size_t i = 0; i < len; i++) {
		const struct mun_refold_batch *b = mun_refold_batch(s->fold, i);
		bool whole;
		enum mun_code code = batch_matches(s, b, &whole, err);
		if (code != MUN_OK)
			return code;
		if (s->chosen[i] > 0 && s->chosen[i] == b->row.items)
			whole = true;
		if (!whole || !b->whole)
			continue;
		s->batches[i] = HOW_WHOLE;
		s->ret->whole[s->ret->whole_len++] = b->row.plan;
	}
	return MUN_OK;
}

static enum how how_of(const struct selecting *s, const struct mun_ref *batch, uint32_t *ret_at)
{
	*ret_at = mun_refold_find_batch(s->fold, batch);
	return *ret_at == MUN_NO_INDEX ? HOW_NOT : s->batches[*ret_at];
}

static bool item_is_in(const struct selecting *s, const struct mun_ref *batch, int64_t item)
{
	uint32_t at;
	enum how how = how_of(s, batch, &at);

	if (how != HOW_PART)
		return how == HOW_WHOLE;
	const struct mun_refold_batch *b = mun_refold_batch(s->fold, at);
	return item >= 0 && item < b->row.items && has_bit(s->items, b->base + (uint64_t)item);
}

static bool ranges_are_in(const struct selecting *s, const struct mun_entry *e)
{
	uint32_t at;
	enum how how = how_of(s, &e->batch, &at);

	if (how != HOW_PART)
		return how == HOW_WHOLE;
	const struct mun_refold_batch *b = mun_refold_batch(s->fold, at);
	for (size_t i = 0; i < e->u.ranges.ranges_len; i++) {
		const struct mun_range *r = &e->u.ranges.ranges[i];

		for (uint64_t n = r->first; n <= r->last && n < b->row.items; n++)
			if (has_bit(s->items, b->base + n))
				return true;
	}
	return false;
}

static bool response_is_in(const struct selecting *s, const struct mun_entry *e)
{
	bool in = e->has_batch && item_is_in(s, &e->batch, e->item);

	for (size_t i = 0; !in && i < e->u.response.settles_len; i++)
		in = item_is_in(s, &e->u.response.settles[i].batch, e->u.response.settles[i].item);
	return in;
}

static bool plan_is_in(const struct selecting *s, const struct mun_ref *plan)
{
	for (size_t i = 0; i < mun_refold_batches(s->fold); i++)
		if (s->batches[i] != HOW_NOT &&
		    mun_ref_equal(&mun_refold_batch(s->fold, i)->row.plan, plan))
			return true;
	return false;
}

static bool is_in(const struct selecting *s, const struct mun_entry *e)
{
	uint32_t at;

	switch (e->kind) {
	case MUN_K_CREATED:
	case MUN_K_KEY_ADDED:
	case MUN_K_ANCHORED:
	case MUN_K_ERASED:
	case MUN_K_CLOCK_JUMPED:
		return true;
	case MUN_K_PLAN_STORED:
		return plan_is_in(s, &e->u.plan.plan);
	case MUN_K_BATCH_STARTED:
	case MUN_K_BATCH_RESUMED:
	case MUN_K_BATCH_CANCELLING:
	case MUN_K_BATCH_PAUSED:
	case MUN_K_BATCH_ENDED:
		return how_of(s, &e->batch, &at) != HOW_NOT;
	case MUN_K_RESPONSE:
		return response_is_in(s, e);
	case MUN_K_REQUEST:
	case MUN_K_DECISION:
		return e->has_batch && item_is_in(s, &e->batch, e->item);
	case MUN_K_ITEM_SKIPPED:
	case MUN_K_ITEM_CANCELLED:
		return ranges_are_in(s, e);
	case MUN_K_PLAN_DISCARDED:
	case MUN_K_TOKEN_ADDED:
	case MUN_K_TOKEN_REMOVED:
	case MUN_K_TOKEN_REKEYED:
	case MUN_K_EXPORTED:
	case MUN_KINDS:
		break;
	}
	return false;
}

static void keep(struct mun_selection *ret, uint64_t seq)
{
	if (seq >= ret->size || has_bit(ret->bits, seq))
		return;
	set_bit(ret->bits, seq);
	ret->kept++;
}

static enum mun_code select_entries(struct selecting *s, struct mun_err *err)
{
	const char *line;
	uint64_t seq;
	size_t len;

	enum mun_code code = mun_source_rewind(s->source, err);
	while (code == MUN_OK) {
		struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
		struct mun_entry e;

		code = mun_source_next(s->source, &seq, &line, &len, err);
		if (code == MUN_OK)
			code = mun_entry_decode(&e, &owner, line, len, err);
		if (code != MUN_OK || !is_in(s, &e))
			continue;
		keep(s->ret, seq);
		/* both halves of an exchange, whichever of them concerns an item */
		if (e.kind == MUN_K_RESPONSE)
			keep(s->ret, e.u.response.request);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_select(struct mun_selection *ret, struct mun_source *source,
                         struct mun_refold *fold, const struct mun_filter *f, struct mun_err *err)
{
	size_t batches = mun_refold_batches(fold) + 1;
	struct selecting s MUN_CLEANUP(selecting_done) = {
		.ret = ret,
		.source = source,
		.fold = fold,
		.f = f,
		.items = calloc(mun_refold_items(fold) / 8 + 1, 1),
		.chosen = calloc(batches, sizeof(*s.chosen)),
		.batches = calloc(batches, sizeof(*s.batches)),
	};

	memset(ret, 0, sizeof(*ret));
	ret->size = mun_source_size(source);
	ret->bits = calloc(ret->size / 8 + 1, 1);
	enum mun_code code = MUN_OK;
	if (!ret->bits || !s.items || !s.chosen || !s.batches)
		code = mun_fail(err, MUN_E_NOMEM, "no memory for what is selected");
	if (code == MUN_OK)
		code = select_attempts(&s, err);
	if (code == MUN_OK)
		code = select_batches(&s, err);
	if (code == MUN_OK)
		code = select_entries(&s, err);
	if (code != MUN_OK)
		mun_selection_done(ret);
	return code;
}
