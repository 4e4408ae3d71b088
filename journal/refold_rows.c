/* SPDX-License-Identifier: Apache-2.0 */
/* What was folded, as rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/refold_impl.h"
#include "lib/hex.h"

size_t mun_refold_plans(const struct mun_refold *f)
{
	return f->plans_len;
}

const struct mun_plan *mun_refold_plan(const struct mun_refold *f, size_t at)
{
	return &f->plans[at];
}

size_t mun_refold_batches(const struct mun_refold *f)
{
	return f->batches_len;
}

const struct mun_refold_batch *mun_refold_batch(const struct mun_refold *f, size_t at)
{
	return &f->batches[at];
}

uint64_t mun_refold_items(const struct mun_refold *f)
{
	return f->items.len;
}

void mun_refold_item(const struct mun_refold *f, const struct mun_refold_batch *b, uint32_t item,
                     struct mun_item *ret)
{
	const struct mun_refold_item_row *row = mun_scratch_get(&f->items, (size_t)b->base + item);

	if (!row || !row->touched) {
		mun_item_untouched(ret, &b->row, item);
		return;
	}
	*ret = row->item;
	mun_item_in_batch(ret, &b->row);
}

bool mun_refold_next_item(const struct mun_refold *f, size_t batch, uint32_t *at)
{
	const struct mun_refold_batch *b = &f->batches[batch];
	size_t next = (size_t)b->base + *at;

	if (!b->whole)
		next = mun_scratch_next(&f->items, next);
	if (next >= b->base + b->row.items)
		return false;
	*at = (uint32_t)(next - b->base);
	return true;
}

uint64_t mun_refold_exchanges(const struct mun_refold *f)
{
	return f->exchanges.len;
}

const struct mun_refold_exchange *mun_refold_exchange(const struct mun_refold *f, uint64_t at)
{
	return mun_scratch_get(&f->exchanges, (size_t)at);
}

/* *ret NULL: what is damaged or missing counts as not known; verify says so. */
static enum mun_code read_kept(struct mun_refold *f, uint64_t seq, const struct mun_entry **ret,
                               struct mun_err *err)
{
	for (unsigned i = 0; i < MUN_REFOLD_KEPT; i++)
		if (f->kept[i].owner && f->kept[i].seq == seq) {
			if (i == f->next_kept) /* it must outlive the next question */
				f->next_kept = (i + 1) % MUN_REFOLD_KEPT;
			*ret = &f->kept[i].entry;
			return MUN_OK;
		}
	struct mun_refold_kept *k = &f->kept[f->next_kept];
	*ret = NULL;
	mun_decoded_freep(&k->owner);
	mun_buf_clear(&f->line);
	enum mun_code code = mun_source_entry(f->source, seq, &f->line, err);
	if (code == MUN_OK)
		code = mun_entry_decode(&k->entry, &k->owner, f->line.data, f->line.len, err);
	if (code == MUN_E_CORRUPT || code == MUN_E_NOTFOUND)
		return MUN_OK;
	if (code != MUN_OK)
		return code;
	k->seq = seq;
	f->next_kept = (f->next_kept + 1) % MUN_REFOLD_KEPT;
	*ret = &k->entry;
	return MUN_OK;
}

enum mun_code mun_refold_plan_entry(struct mun_refold *f, size_t plan, const struct mun_entry **ret,
                                    struct mun_err *err)
{
	enum mun_code code = read_kept(f, f->plans[plan].seq, ret, err);

	if (code == MUN_OK && *ret && (*ret)->kind != MUN_K_PLAN_STORED)
		*ret = NULL;
	return code;
}

enum mun_code mun_refold_start_entry(struct mun_refold *f, uint32_t batch, uint32_t epoch,
                                     const struct mun_entry **ret, struct mun_err *err)
{
	*ret = NULL;
	for (size_t i = f->starts_len; i-- > 0;)
		if (f->starts[i].batch == batch && f->starts[i].epoch == epoch)
			return read_kept(f, f->starts[i].seq, ret, err);
	return MUN_OK;
}

static enum mun_code load_sources(struct mun_refold *f, const struct mun_refold_exchange *x,
                                  struct mun_row_sources *ret, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	*ret = (struct mun_row_sources){ NULL, NULL };
	mun_decoded_freep(&f->own_owner);
	if (x->batch != MUN_NO_INDEX) {
		code = mun_refold_plan_entry(f, f->batches[x->batch].plan, &ret->plan, err);
		if (code == MUN_OK)
			code = mun_refold_start_entry(f, x->batch, x->row.epoch, &ret->start, err);
	}
	if (code != MUN_OK || !x->reread)
		return code;
	mun_buf_clear(&f->line);
	code = mun_source_entry(f->source, x->seq, &f->line, err);
	if (code == MUN_OK)
		code = mun_entry_decode(&f->own, &f->own_owner, f->line.data, f->line.len, err);
	return code == MUN_E_CORRUPT || code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static const char *or_else(const char *own, const char *other)
{
	return own ? own : other;
}

static enum mun_op_kind op_of(const struct mun_refold *f, const struct mun_refold_exchange *x)
{
	if (x->batch != MUN_NO_INDEX)
		return f->batches[x->batch].row.op;
	return x->row.purpose == MUN_P_RESTORE ? MUN_OP_RESTORE : MUN_OP_ARCHIVE;
}

static void fill_history(struct mun_refold *f, const struct mun_refold_exchange *x,
                         const struct mun_row_sources *s, struct mun_history_row *row)
{
	const struct mun_operator *op = s->start ? &s->start->u.start.operator_ : NULL;
	const struct mun_entry *own = f->own_owner ? &f->own : NULL;
	const char *verdict = mun_verdict_name(x->row.verdict);
	bool answered = x->row.response_seq != MUN_NO_SEQ;

	if (op && (f->operator_of != s->start || f->operator_seq != s->start->seq))
		(void)snprintf(f->operator_, sizeof(f->operator_), "%s@%s", op->user, op->host);
	f->operator_of = s->start;
	f->operator_seq = s->start ? s->start->seq : MUN_NO_SEQ;
	mun_hex_encode(f->token, x->token, sizeof(x->token));
	*row = (struct mun_history_row){
		.time_us = x->row.sent_us,
		.org = x->org,
		.run = x->run,
		.op = mun_ops[op_of(f, x)].name,
		.batch = x->row.batch,
		.item = (uint32_t)x->row.item,
		.attempt = x->row.attempt,
		.verdict = or_else(verdict, "in_doubt"),
		.evidence = mun_how_name(x->row.how),
		.http = x->row.http,
		.archived_at = x->row.archived_at[0] ? x->row.archived_at : NULL,
		.duration_ms = answered ? (int64_t)x->duration_ms : -1,
		.operator_ = op ? f->operator_ : NULL,
		.claimed = or_else(op ? op->claimed : NULL,
		                   s->plan ? s->plan->u.plan.operator_.claimed : NULL),
		.identity = s->start ? s->start->u.start.identity_id : NULL,
		.reason = or_else(own ? own->u.request.reason : NULL,
		                  s->plan ? s->plan->u.plan.reason : NULL),
		.ticket = or_else(own ? own->u.request.ticket : NULL,
		                  s->plan ? s->plan->u.plan.ticket : NULL),
		.token = x->reread ? own ? own->u.request.token : NULL : f->token,
		.request_seq = x->seq,
		.response_seq = x->row.response_seq,
		.settled_seq = x->row.settled_seq,
	};
}

enum mun_code mun_refold_history(struct mun_refold *f, uint64_t exchange, bool *ret_is,
                                 struct mun_history_row *ret, struct mun_row_sources *ret_sources,
                                 struct mun_err *err)
{
	const struct mun_refold_exchange *x = mun_refold_exchange(f, exchange);
	struct mun_row_sources sources;

	*ret_is = mun_purpose_mutates(x->row.purpose) && x->row.has_batch && x->row.item >= 0;
	if (!*ret_is)
		return MUN_OK;
	enum mun_code code = load_sources(f, x, &sources, err);
	if (code != MUN_OK)
		return code;
	fill_history(f, x, &sources, ret);
	if (ret_sources)
		*ret_sources = sources;
	return MUN_OK;
}

/* Run, line, and what the row has of its own: from the list, or else from its newest attempt. */
static enum mun_code place_item(struct mun_refold *f, const struct mun_refold_batch *b,
                                uint32_t item, const struct mun_item *state, bool *ret_is,
                                struct mun_list_row *ret, struct mun_err *err)
{
	const struct mun_refold_exchange *x;
	struct mun_row_sources sources;
	enum mun_code code;

	memset(ret, 0, sizeof(*ret));
	*ret_is = true;
	mun_buf_clear(&f->text);
	if (b->whole) {
		code = mun_source_list_row(f->source, &b->row.plan, item, ret, &f->text, err);
		return code == MUN_E_CORRUPT || code == MUN_E_NOTFOUND ? MUN_OK : code;
	}
	x = state->request_seq == MUN_NO_SEQ ? NULL : mun_refold_request(f, state->request_seq);
	*ret_is = x != NULL;
	if (!x)
		return MUN_OK;
	ret->run = x->run;
	code = load_sources(f, x, &sources, err);
	if (code == MUN_OK && f->own_owner) {
		ret->reason = f->own.u.request.reason;
		ret->ticket = f->own.u.request.ticket;
	}
	return code;
}

enum mun_code mun_refold_items_row(struct mun_refold *f, uint32_t batch, uint32_t item,
                                   bool *ret_is, struct mun_item_row *ret, struct mun_err *err)
{
	const struct mun_refold_batch *b = &f->batches[batch];
	const struct mun_op *op = &mun_ops[b->row.op];
	const struct mun_entry *plan;
	struct mun_list_row list;
	struct mun_item state;

	mun_refold_item(f, b, item, &state);
	enum mun_code code = place_item(f, b, item, &state, ret_is, &list, err);
	if (code != MUN_OK || !*ret_is)
		return code;
	code = mun_refold_plan_entry(f, b->plan, &plan, err);
	if (code != MUN_OK)
		return code;
	if (state.state == MUN_I_IN_FLIGHT) /* no entry tells whether somebody waits for it */
		state.state = MUN_I_IN_DOUBT;
	memcpy(f->archived_at, state.archived_at, sizeof(f->archived_at));
	*ret = (struct mun_item_row){
		.batch = b->row.batch,
		.item = item,
		.line = list.line,
		.run = list.run,
		.org = b->row.org,
		.state = mun_item_state_name(state.state, op),
		.verdict = mun_verdict_name(state.verdict),
		.evidence = mun_how_name(state.how),
		.attempts = state.attempts,
		.archived_at = f->archived_at[0] ? f->archived_at : NULL,
		.reason = or_else(list.reason, plan ? plan->u.plan.reason : NULL),
		.ticket = or_else(list.ticket, plan ? plan->u.plan.ticket : NULL),
		.last_seq = state.last_seq,
	};
	return MUN_OK;
}

static int compare_answers(const void *a, const void *b)
{
	const struct mun_refold_answer *x = a, *y = b;
	int order = memcmp(&x->org, &y->org, sizeof(x->org));

	if (order == 0)
		order = memcmp(&x->run, &y->run, sizeof(x->run));
	if (order == 0)
		order = x->seq < y->seq ? -1 : x->seq > y->seq;
	return order;
}

uint64_t mun_refold_body(struct mun_refold *f, const struct mun_id *org, const struct mun_id *run,
                         uint64_t before)
{
	const struct mun_refold_answer key = { .org = *org, .run = *run, .seq = before };
	size_t low = 0, high = f->answers.len;

	if (high == 0)
		return MUN_NO_SEQ;
	if (!f->sorted)
		qsort(f->answers.map, high, sizeof(key), compare_answers);
	f->sorted = true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_answers(mun_scratch_get(&f->answers, middle), &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	const struct mun_refold_answer *a = low > 0 ? mun_scratch_get(&f->answers, low - 1) : NULL;
	if (!a || !mun_id_equal(&a->org, org) || !mun_id_equal(&a->run, run))
		return MUN_NO_SEQ;
	return a->seq;
}
