/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/damage.h"
#include "journal/filter.h"
#include "journal/holder.h"
#include "journal/lookup.h"
#include "journal/query.h"

#define CHAIN_MAX 4096 /* attempts of the runs named by a filter */
#define HOST_MAX  320

struct history {
	struct mun_journal *j;
	const struct mun_filter *f;
	mun_history_fn fn;
	void *arg;
	struct mun_lookup lookup;
	struct mun_damage damage;
	uint64_t delivered;
};

/* What a row is made of; strings of the row point in here. */
struct sources {
	struct mun_entry request, response;
	struct mun_decoded *request_owner, *response_owner;
	struct mun_exchange ex;
	struct mun_item item;
	struct mun_batch batch;
	const struct mun_entry *plan, *start; /* NULL: cannot be read */
	char operator_[HOST_MAX];
	char run[MUN_ID_TEXT], org[MUN_ID_TEXT], batch_text[MUN_REF_TEXT], plan_text[MUN_REF_TEXT];
};

static void sources_done(struct sources *s)
{
	mun_decoded_freep(&s->request_owner);
	mun_decoded_freep(&s->response_owner);
}

/* What cannot be read is left out of the row, and noted. */
static enum mun_code unless_damaged(struct history *h, const struct sources *s, enum mun_code code,
                                    const struct mun_err *err)
{
	uint64_t seq = h->lookup.asked != MUN_NO_SEQ ? h->lookup.asked : s->request.seq;

	return mun_damage_note(&h->damage, code, seq, err) ? MUN_OK : code;
}

static enum mun_code load_sources(struct history *h, struct sources *s, struct mun_err *err)
{
	const struct mun_entry *e = &s->request;

	enum mun_code code = mun_journal_exchange(h->j, e->seq, &s->ex, err);
	if (code == MUN_OK)
		code = mun_journal_batch(h->j, &e->batch, &s->batch, err);
	if (code == MUN_OK)
		code = mun_journal_item(h->j, &e->batch, (uint32_t)e->item, &s->item, err);
	if (code == MUN_OK && s->ex.response_seq != MUN_NO_SEQ) {
		code = mun_lookup_entry(&h->lookup, s->ex.response_seq, &s->response,
		                        &s->response_owner, err);
		code = unless_damaged(h, s, code, err);
	}
	if (code == MUN_OK) {
		code = mun_lookup_plan(&h->lookup, &s->batch.plan, &s->plan, err);
		code = unless_damaged(h, s, code, err);
	}
	if (code == MUN_OK) {
		code = mun_lookup_start(&h->lookup, &e->batch, s->ex.epoch, e->seq, &s->start, err);
		code = unless_damaged(h, s, code, err);
	}
	return code;
}

static const char *or_else(const char *own, const char *other)
{
	return own ? own : other;
}

static void fill_row(struct sources *s, struct mun_history_row *row)
{
	const struct mun_entry *e = &s->request;
	const struct mun_operator *op = s->start ? &s->start->u.start.operator_ : NULL;
	const char *verdict = mun_verdict_name(s->ex.verdict);

	if (op)
		(void)snprintf(s->operator_, sizeof(s->operator_), "%s@%s", op->user, op->host);
	*row = (struct mun_history_row){
		.time_us = e->time_us,
		.org = e->org,
		.run = e->run,
		.op = mun_ops[s->batch.op].name,
		.batch = e->batch,
		.item = (uint32_t)e->item,
		.attempt = e->u.request.attempt,
		.verdict = verdict ? verdict : "in_doubt",
		.evidence = mun_how_name(s->ex.how),
		.http = s->ex.http,
		.archived_at = s->ex.archived_at[0] ? s->ex.archived_at : NULL,
		.duration_ms = s->response_owner ? (int64_t)s->response.u.response.duration_ms : -1,
		.operator_ = op ? s->operator_ : NULL,
		.claimed = or_else(op ? op->claimed : NULL,
		                   s->plan ? s->plan->u.plan.operator_.claimed : NULL),
		.identity = s->start ? s->start->u.start.identity_id : NULL,
		.reason = or_else(e->u.request.reason, s->plan ? s->plan->u.plan.reason : NULL),
		.ticket = or_else(e->u.request.ticket, s->plan ? s->plan->u.plan.ticket : NULL),
		.token = e->u.request.token,
		.request_seq = e->seq,
		.response_seq = s->ex.response_seq,
		.settled_seq = s->ex.settled_seq,
	};
}

static bool row_matches(const struct history *h, struct sources *s,
                        const struct mun_history_row *row)
{
	bool has_answer = row->response_seq != MUN_NO_SEQ || s->ex.how == MUN_HOW_PROBE;

	mun_id_format(s->run, &row->run);
	mun_id_format(s->org, &row->org);
	mun_ref_format(s->batch_text, 'b', &row->batch);
	mun_ref_format(s->plan_text, 'p', &s->batch.plan);
	const struct mun_subject subject = {
		.run = s->run,
		.org = s->org,
		.batch = s->batch_text,
		.plan = s->plan_text,
		.ticket = row->ticket,
		.operator_ = row->operator_,
		.claimed = row->claimed,
		.identity = row->identity,
		.reason = row->reason,
		.op = row->op,
		.state =
			mun_item_state_now(h->j, &row->batch, s->item.state, &mun_ops[s->batch.op]),
		.verdict = row->verdict,
		.kind = { mun_kind_name(MUN_K_REQUEST),
		          has_answer ? mun_kind_name(MUN_K_RESPONSE) : NULL,
		          s->ex.how == MUN_HOW_DECISION ? mun_kind_name(MUN_K_DECISION) : NULL },
		.labels = s->plan ? s->plan->u.plan.labels : NULL,
		.labels_len = s->plan ? s->plan->u.plan.labels_len : 0,
		.http = row->http,
		.time_us = row->time_us,
		.seq = row->request_seq,
	};
	return mun_filter_match(h->f, &subject);
}

static enum mun_code deliver(struct history *h, struct sources *s, struct mun_err *err)
{
	struct mun_history_row row;

	enum mun_code code = load_sources(h, s, err);
	if (code != MUN_OK)
		return mun_damage_note(&h->damage, code, s->request.seq, err) ? MUN_OK : code;
	fill_row(s, &row);
	if (!row_matches(h, s, &row))
		return MUN_OK;
	code = mun_lookup_name(&h->lookup, &row.org, &row.run, &s->batch.plan, row.item, &row.name,
	                       err);
	if (code != MUN_OK)
		return code;
	h->delivered++;
	return h->fn(h->arg, &row, err);
}

/* Whether a line is of a request; false in *ret_sane: of no kind that there is. */
static bool is_request(const struct mun_buf *line, bool *ret_sane)
{
	static const char mark[] = "\"kind\":\"";
	const char *end = mun_buf_str(line) + line->len;
	const char *at = memmem(mun_buf_str(line), line->len, mark, sizeof(mark) - 1);
	char word[24];
	enum mun_kind kind;

	*ret_sane = false;
	if (!at)
		return false;
	at += sizeof(mark) - 1;
	const char *quote = memchr(at, '"', (size_t)(end - at));
	if (!quote || (size_t)(quote - at) >= sizeof(word))
		return false;
	(void)snprintf(word, sizeof(word), "%.*s", (int)(quote - at), at);
	*ret_sane = mun_kind_parse(&kind, word);
	return *ret_sane && kind == MUN_K_REQUEST;
}

static enum mun_code read_request(struct history *h, uint64_t seq, struct sources *s, bool *ret,
                                  struct mun_err *err)
{
	struct mun_buf *line = &h->lookup.line;
	bool sane;

	*ret = false;
	mun_buf_clear(line);
	enum mun_code code = mun_journal_entry(h->j, seq, line, err);
	if (code != MUN_OK)
		return code;
	*ret = is_request(line, &sane);
	if (!sane)
		return mun_fail(err, MUN_E_CORRUPT, "it is of no known kind");
	if (!*ret)
		return MUN_OK;
	return mun_entry_decode(&s->request, &s->request_owner, line->data, line->len, err);
}

/* One entry of the log: a row when it is an attempt that meets the filter. */
static enum mun_code visit(struct history *h, uint64_t seq, struct mun_err *err)
{
	struct sources s MUN_CLEANUP(sources_done) = { .request_owner = NULL };
	bool is_one;

	enum mun_code code = read_request(h, seq, &s, &is_one, err);
	if (code != MUN_OK)
		return mun_damage_note(&h->damage, code, seq, err) ? MUN_OK : code;
	if (!is_one || !mun_purpose_mutates(s.request.u.request.purpose) || !s.request.has_batch ||
	    s.request.item == MUN_NO_ITEM || !mun_filter_in_time(h->f, s.request.time_us, seq))
		return MUN_OK;
	return deliver(h, &s, err);
}

static bool is_full(const struct history *h)
{
	return h->f->limit && h->delivered >= h->f->limit;
}

static enum mun_code scan(struct history *h, uint64_t first, uint64_t end, struct mun_err *err)
{
	for (uint64_t i = first; i < end && !is_full(h); i++) {
		enum mun_code code = visit(h, h->f->reverse ? end - 1 - (i - first) : i, err);
		if (code != MUN_OK)
			return code;
	}
	return MUN_OK;
}

struct seqs {
	uint64_t seq[CHAIN_MAX];
	size_t len;
	bool over; /* more than fit, or not all can be read: the log is scanned instead */
};

struct chains { /* what add_chain is asked with */
	struct history *h;
	struct seqs *seqs;
};

static enum mun_code add_chain(void *arg, const struct mun_place *place, struct mun_err *err)
{
	const struct chains *c = arg;
	struct seqs *ret = c->seqs;
	struct mun_exchange ex;
	struct mun_item item;

	if (!place->has_batch || ret->over)
		return MUN_OK;
	enum mun_code code = mun_journal_item(c->h->j, &place->batch, place->item, &item, err);
	if (code != MUN_OK)
		return code;
	for (uint64_t seq = item.exchange_seq; seq != MUN_NO_SEQ; seq = ex.prev_seq) {
		code = mun_journal_exchange(c->h->j, seq, &ex, err);
		if (code != MUN_OK)
			return code;
		if (ret->len == CHAIN_MAX) {
			ret->over = true;
			return MUN_OK;
		}
		ret->seq[ret->len++] = seq;
	}
	return MUN_OK;
}

static enum mun_code add_run(struct history *h, const struct mun_id *run, struct seqs *ret,
                             struct mun_err *err)
{
	struct chains chains = { h, ret };
	struct mun_id orgs[16];
	size_t orgs_len = 0;

	enum mun_code code =
		mun_journal_by_run_any_org(h->j, run, orgs, &orgs_len, MUN_ARRAY_LEN(orgs), err);
	ret->over |= orgs_len == MUN_ARRAY_LEN(orgs);
	for (size_t o = 0; code == MUN_OK && o < orgs_len; o++)
		code = mun_journal_each_place(h->j, &orgs[o], run, add_chain, &chains, err);
	/* where the tables are damaged, the log itself may still tell */
	if (mun_damage_note(&h->damage, code, MUN_NO_SEQ, err)) {
		ret->over = true;
		return MUN_OK;
	}
	return code;
}

static int compare_seq(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* Whole run ids lead to their attempts without reading the log. *ret_done: that was possible. */
static enum mun_code by_runs(struct history *h, bool *ret_done, struct mun_err *err)
{
	struct seqs *seqs MUN_CLEANUP(mun_freep) = calloc(1, sizeof(*seqs));

	*ret_done = false;
	if (!seqs)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the attempts of a run");
	for (size_t i = 0; i < h->f->run_len; i++) {
		struct mun_id run;
		if (mun_id_parse(&run, h->f->run[i], strlen(h->f->run[i])) == MUN_ID_BAD)
			return MUN_OK;
		enum mun_code code = add_run(h, &run, seqs, err);
		if (code != MUN_OK)
			return code;
	}
	if (seqs->over)
		return MUN_OK;
	*ret_done = true;
	qsort(seqs->seq, seqs->len, sizeof(seqs->seq[0]), compare_seq);
	for (size_t i = 0; i < seqs->len && !is_full(h); i++) {
		size_t at = h->f->reverse ? seqs->len - 1 - i : i;
		if (i > 0 && seqs->seq[at] == seqs->seq[h->f->reverse ? at + 1 : at - 1])
			continue;
		enum mun_code code = visit(h, seqs->seq[at], err);
		if (code != MUN_OK)
			return code;
	}
	return MUN_OK;
}

/* A batch's attempts lie between its start and its last entry. */
static enum mun_code narrow_to_batches(struct history *h, uint64_t *first, uint64_t *end,
                                       struct mun_err *err)
{
	uint64_t low = MUN_NO_SEQ, high = 0;

	for (size_t i = 0; i < h->f->batch_len; i++) {
		struct mun_batch row;
		struct mun_ref ref;
		enum mun_code code = mun_query_batch(h->j, h->f->batch[i], &ref, err);
		if (code == MUN_OK)
			code = mun_journal_batch(h->j, &ref, &row, err);
		if (code != MUN_OK)
			return code;
		low = row.started_seq < low ? row.started_seq : low;
		high = row.last_seq + 1 > high ? row.last_seq + 1 : high;
	}
	if (low == MUN_NO_SEQ)
		return MUN_OK;
	*first = low > *first ? low : *first;
	*end = high < *end ? high : *end;
	return MUN_OK;
}

static enum mun_code run_history(struct history *h, struct mun_err *err)
{
	const struct mun_filter *f = h->f;
	struct mun_head head;
	uint64_t first = 0, end;
	bool done = false;

	if (f->run_len) {
		enum mun_code code = by_runs(h, &done, err);
		if (code != MUN_OK || done)
			return code;
	}
	enum mun_code code = mun_journal_head(h->j, &head, err);
	if (code != MUN_OK)
		return code;
	end = head.size;
	if (f->since_us != MUN_TIME_NONE || f->until_us != MUN_TIME_NONE)
		code = mun_journal_time_range(h->j, f->since_us, f->until_us, &first, &end, err);
	if (code == MUN_OK)
		code = narrow_to_batches(h, &first, &end, err);
	if (code != MUN_OK)
		return code;
	end = end < head.size ? end : head.size;
	if (f->after_seq != MUN_NO_SEQ && f->after_seq + 1 > first)
		first = f->after_seq + 1;
	return scan(h, first, end, err);
}

enum mun_code mun_query_history(struct mun_journal *j, const struct mun_filter *f,
                                mun_history_fn fn, void *arg, struct mun_err *err)
{
	struct history h = { .j = j, .f = f, .fn = fn, .arg = arg };

	mun_lookup_init(&h.lookup, j);
	enum mun_code code = mun_query_check(j, f, err);
	if (code == MUN_OK)
		code = run_history(&h, err);
	mun_lookup_done(&h.lookup);
	return mun_damage_end(&h.damage, code, err);
}
