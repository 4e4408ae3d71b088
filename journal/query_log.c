/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/damage.h"
#include "journal/filter.h"
#include "journal/holder.h"
#include "journal/lookup.h"
#include "journal/query.h"

#define HOST_MAX      320
#define ITEM_SEQS_MAX 65536

struct log {
	struct mun_journal *j;
	const struct mun_filter *f;
	mun_log_fn fn;
	void *arg;
	struct mun_lookup lookup, beside; /* beside: so that the line of the entry stays */
	struct mun_damage damage;
	struct mun_buf row; /* texts of one row of a list */
	uint64_t delivered;
};

struct context { /* texts that a subject points to */
	char run[MUN_ID_TEXT], org[MUN_ID_TEXT], batch[MUN_REF_TEXT], plan[MUN_REF_TEXT];
	char operator_[HOST_MAX];
	const char *state;           /* of the entry's item; NULL: none */
	const char *reason, *ticket; /* of its own row; or NULL */
};

static const struct mun_operator *own_operator(const struct mun_entry *e)
{
	switch (e->kind) {
	case MUN_K_PLAN_STORED:
		return &e->u.plan.operator_;
	case MUN_K_PLAN_DISCARDED:
		return &e->u.discard.operator_;
	case MUN_K_BATCH_STARTED:
	case MUN_K_BATCH_RESUMED:
		return &e->u.start.operator_;
	case MUN_K_DECISION:
		return &e->u.decision.operator_;
	case MUN_K_ITEM_SKIPPED:
	case MUN_K_ITEM_CANCELLED:
		return e->u.ranges.has_operator ? &e->u.ranges.operator_ : NULL;
	case MUN_K_BATCH_CANCELLING:
		return &e->u.cancelling.operator_;
	case MUN_K_KEY_ADDED:
		return &e->u.key.operator_;
	case MUN_K_ERASED:
		return &e->u.erased.operator_;
	case MUN_K_CREATED:
	case MUN_K_ANCHORED:
	case MUN_K_EXPORTED:
	case MUN_K_REQUEST:
	case MUN_K_RESPONSE:
	case MUN_K_BATCH_PAUSED:
	case MUN_K_BATCH_ENDED:
	case MUN_K_TOKEN_ADDED:
	case MUN_K_TOKEN_REMOVED:
	case MUN_K_TOKEN_REKEYED:
	case MUN_K_CLOCK_JUMPED:
	case MUN_KINDS:
		break;
	}
	return NULL;
}

static void own_words(const struct mun_entry *e, struct mun_subject *s)
{
	if (e->kind == MUN_K_RESPONSE) {
		s->verdict = mun_verdict_name(e->u.response.verdict);
		s->http = e->u.response.http;
	} else if (e->kind == MUN_K_DECISION) {
		s->verdict = mun_verdict_name(e->u.decision.verdict);
		s->reason = e->u.decision.reason;
	} else if (e->kind == MUN_K_REQUEST) {
		s->reason = e->u.request.reason;
		s->ticket = e->u.request.ticket;
	} else if (e->kind == MUN_K_ITEM_CANCELLED || e->kind == MUN_K_ITEM_SKIPPED) {
		s->reason = e->u.ranges.reason;
	} else if (e->kind == MUN_K_BATCH_PAUSED || e->kind == MUN_K_BATCH_ENDED) {
		s->state = e->u.pause.state;
	} else if (e->kind == MUN_K_PLAN_DISCARDED) {
		s->reason = e->u.discard.reason;
	} else if (e->kind == MUN_K_BATCH_CANCELLING) {
		s->reason = e->u.cancelling.reason;
	}
}

/* What cannot be read is left out, and noted. */
static enum mun_code unless_damaged(struct log *q, uint64_t seq, enum mun_code code,
                                    const struct mun_err *err)
{
	if (q->beside.asked != MUN_NO_SEQ)
		seq = q->beside.asked;
	return mun_damage_note(&q->damage, code, seq, err) ? MUN_OK : code;
}

/* How the item of an entry stands, and what its own row says. */
static enum mun_code find_item(struct log *q, const struct mun_entry *e,
                               const struct mun_batch *batch, struct context *c,
                               struct mun_err *err)
{
	struct mun_list_row row;
	struct mun_item item;
	enum mun_code code;

	if (e->item == MUN_NO_ITEM)
		return MUN_OK;
	code = mun_journal_item(q->j, &e->batch, (uint32_t)e->item, &item, err);
	if (code != MUN_OK)
		return code;
	c->state = mun_item_state_now(q->j, &e->batch, item.state, &mun_ops[batch->op]);
	mun_buf_clear(&q->row);
	code = mun_journal_list_row(q->j, &batch->plan, (uint32_t)e->item, &row, &q->row, err);
	if (code == MUN_OK) {
		c->reason = row.reason;
		c->ticket = row.ticket;
	}
	return code;
}

/* The plan of an entry, and the start of its epoch; NULL where there is none. */
static enum mun_code find_beside(struct log *q, const struct mun_entry *e, struct context *c,
                                 const struct mun_entry **ret_plan,
                                 const struct mun_entry **ret_start, struct mun_err *err)
{
	struct mun_batch row;

	if (e->kind == MUN_K_PLAN_STORED) {
		*ret_plan = e;
		mun_ref_format(c->plan, 'p', &e->u.plan.plan);
		return MUN_OK;
	}
	if (e->kind == MUN_K_PLAN_DISCARDED) {
		mun_ref_format(c->plan, 'p', &e->u.discard.plan);
		return mun_lookup_plan(&q->beside, &e->u.discard.plan, ret_plan, err);
	}
	if (!e->has_batch)
		return MUN_OK;
	mun_ref_format(c->batch, 'b', &e->batch);
	if (e->kind == MUN_K_BATCH_STARTED || e->kind == MUN_K_BATCH_RESUMED)
		*ret_start = e;
	enum mun_code code = mun_journal_batch(q->j, &e->batch, &row, err);
	if (code != MUN_OK)
		return code;
	mun_ref_format(c->plan, 'p', &row.plan);
	code = find_item(q, e, &row, c, err);
	code = unless_damaged(q, e->seq, code, err);
	if (code != MUN_OK)
		return code;
	code = mun_lookup_plan(&q->beside, &row.plan, ret_plan, err);
	code = unless_damaged(q, e->seq, code, err);
	if (code == MUN_OK && e->kind == MUN_K_REQUEST && e->u.request.epoch)
		code = mun_lookup_start(&q->beside, &e->batch, e->u.request.epoch, e->seq,
		                        ret_start, err);
	return code;
}

/* What its batch and plan say about an entry. */
static enum mun_code surroundings(struct log *q, const struct mun_entry *e, struct context *c,
                                  struct mun_subject *s, struct mun_err *err)
{
	const struct mun_entry *plan = NULL, *start = NULL;

	q->beside.asked = MUN_NO_SEQ;
	enum mun_code code = find_beside(q, e, c, &plan, &start, err);
	code = unless_damaged(q, e->seq, code, err);
	if (code != MUN_OK)
		return code;
	s->batch = c->batch[0] ? c->batch : NULL;
	s->plan = c->plan[0] ? c->plan : NULL;
	s->state = c->state;
	s->reason = s->reason ? s->reason : c->reason;
	s->ticket = s->ticket ? s->ticket : c->ticket;
	if (plan) {
		s->labels = plan->u.plan.labels;
		s->labels_len = plan->u.plan.labels_len;
		s->op = mun_ops[plan->u.plan.op].name;
		s->reason = s->reason ? s->reason : plan->u.plan.reason;
		s->ticket = s->ticket ? s->ticket : plan->u.plan.ticket;
	}
	const struct mun_operator *op = own_operator(e);
	if (start) {
		s->identity = start->u.start.identity_id;
		op = op ? op : &start->u.start.operator_;
	}
	if (op) {
		(void)snprintf(c->operator_, sizeof(c->operator_), "%s@%s", op->user, op->host);
		s->operator_ = c->operator_;
		s->claimed = op->claimed;
	}
	return MUN_OK;
}

/* Only time and kind are asked: then nothing beside the entry is read. */
static bool is_plain(const struct mun_filter *f)
{
	return f->batch_len + f->plan_len + f->ticket_len + f->operator_len + f->identity_len +
	               f->label_len + f->reason_len + f->op_len + f->state_len ==
	       0;
}

static enum mun_code entry_matches(struct log *q, const struct mun_entry *e, bool *ret,
                                   struct mun_err *err)
{
	struct context c = { .plan = "" };
	struct mun_subject s = { .kind = { mun_kind_name(e->kind) },
		                 .time_us = e->time_us,
		                 .seq = e->seq };

	*ret = false;
	if (!mun_filter_in_time(q->f, e->time_us, e->seq))
		return MUN_OK;
	if (e->has_run) {
		mun_id_format(c.run, &e->run);
		s.run = c.run;
	}
	if (e->has_org) {
		mun_id_format(c.org, &e->org);
		s.org = c.org;
	}
	own_words(e, &s);
	if (!is_plain(q->f)) {
		enum mun_code code = surroundings(q, e, &c, &s, err);
		if (code != MUN_OK)
			return code;
	}
	*ret = mun_filter_match(q->f, &s);
	return MUN_OK;
}

static enum mun_code visit(struct log *q, uint64_t seq, bool filtered, struct mun_err *err)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_entry e;
	bool matches = true;

	enum mun_code code = mun_lookup_entry(&q->lookup, seq, &e, &owner, err);
	if (mun_damage_note(&q->damage, code, seq, err))
		return MUN_OK;
	if (code == MUN_OK && filtered)
		code = entry_matches(q, &e, &matches, err);
	if (code != MUN_OK || !matches)
		return code;
	q->delivered++;
	return q->fn(q->arg, seq, mun_buf_str(&q->lookup.line), q->lookup.line.len, &e, err);
}

static enum mun_code run_log(struct log *q, struct mun_err *err)
{
	const struct mun_filter *f = q->f;
	uint64_t first = 0, end;
	struct mun_head head;

	enum mun_code code = mun_journal_head(q->j, &head, err);
	if (code != MUN_OK)
		return code;
	end = head.size;
	if (f->since_us != MUN_TIME_NONE || f->until_us != MUN_TIME_NONE)
		code = mun_journal_time_range(q->j, f->since_us, f->until_us, &first, &end, err);
	if (code != MUN_OK)
		return code;
	end = end < head.size ? end : head.size;
	if (f->after_seq != MUN_NO_SEQ && f->after_seq + 1 > first)
		first = f->after_seq + 1;
	for (uint64_t i = first; i < end; i++) {
		if (f->limit && q->delivered >= f->limit)
			break;
		code = visit(q, f->reverse ? end - 1 - (i - first) : i, true, err);
		if (code != MUN_OK)
			return code;
	}
	return MUN_OK;
}

enum mun_code mun_query_log(struct mun_journal *j, const struct mun_filter *f, mun_log_fn fn,
                            void *arg, struct mun_err *err)
{
	struct log q = { .j = j, .f = f, .fn = fn, .arg = arg };

	mun_lookup_init(&q.lookup, j);
	mun_lookup_init(&q.beside, j);
	mun_buf_init(&q.row, MUN_ENTRY_MAX);
	enum mun_code code = mun_query_check(j, f, err);
	if (code == MUN_OK)
		code = run_log(&q, err);
	mun_lookup_done(&q.lookup);
	mun_lookup_done(&q.beside);
	mun_buf_done(&q.row);
	return mun_damage_end(&q.damage, code, err);
}

static void add_seq(struct mun_buf *seqs, uint64_t seq)
{
	if (seq != MUN_NO_SEQ)
		mun_buf_add(seqs, &seq, sizeof(seq));
}

static int compare_seq(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static enum mun_code collect(struct mun_journal *j, const struct mun_ref *batch, uint32_t item,
                             struct mun_buf *seqs, struct mun_err *err)
{
	struct mun_exchange ex;
	struct mun_item row;

	enum mun_code code = mun_journal_item(j, batch, item, &row, err);
	if (code != MUN_OK)
		return code;
	add_seq(seqs, row.request_seq);
	add_seq(seqs, row.response_seq);
	add_seq(seqs, row.settled_seq);
	add_seq(seqs, row.last_seq);
	for (uint64_t seq = row.exchange_seq; seq != MUN_NO_SEQ; seq = ex.prev_seq) {
		code = mun_journal_exchange(j, seq, &ex, err);
		if (code != MUN_OK)
			return code;
		add_seq(seqs, seq);
		add_seq(seqs, ex.response_seq);
		add_seq(seqs, ex.settled_seq);
	}
	code = mun_buf_check(seqs, "list of entries of an item", err);
	if (code == MUN_OK && seqs->len)
		qsort(seqs->data, seqs->len / sizeof(uint64_t), sizeof(uint64_t), compare_seq);
	return code;
}

enum mun_code mun_query_item_log(struct mun_journal *j, const struct mun_ref *batch, uint32_t item,
                                 mun_log_fn fn, void *arg, struct mun_err *err)
{
	struct log q = { .j = j, .fn = fn, .arg = arg };
	struct mun_buf seqs MUN_BUF_CLEANUP;
	uint64_t last = MUN_NO_SEQ;

	mun_buf_init(&seqs, ITEM_SEQS_MAX * sizeof(uint64_t));
	enum mun_code code = collect(j, batch, item, &seqs, err);
	if (code != MUN_OK)
		return code;
	mun_lookup_init(&q.lookup, j);
	for (size_t at = 0; code == MUN_OK && at < seqs.len; at += sizeof(uint64_t)) {
		uint64_t seq;
		memcpy(&seq, seqs.data + at, sizeof(seq));
		if (seq != last)
			code = visit(&q, seq, false, err);
		last = seq;
	}
	mun_lookup_done(&q.lookup);
	return mun_damage_end(&q.damage, code, err);
}
