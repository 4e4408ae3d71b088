/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/filter.h"
#include "journal/lookup.h"
#include "journal/query.h"

#define CHAIN_MAX  4096 /* attempts of the runs named by a filter */
#define PLACES_MAX 256
#define HOST_MAX   320

struct history {
	struct mun_journal *j;
	const struct mun_filter *f;
	mun_history_fn fn;
	void *arg;
	struct mun_lookup lookup;
	uint64_t delivered;
};

/* What a row is made of; strings of the row point in here. */
struct sources {
	struct mun_entry request, response;
	struct mun_decoded *request_owner, *response_owner;
	struct mun_exchange ex;
	struct mun_item item;
	struct mun_batch batch;
	const struct mun_entry *plan, *start;
	char operator_[HOST_MAX];
	char run[MUN_ID_TEXT], org[MUN_ID_TEXT], batch_text[MUN_REF_TEXT], plan_text[MUN_REF_TEXT];
};

static void sources_done(struct sources *s)
{
	mun_decoded_freep(&s->request_owner);
	mun_decoded_freep(&s->response_owner);
}

static enum mun_code load_sources(struct history *h, struct sources *s, struct mun_err *err)
{
	const struct mun_entry *e = &s->request;

	enum mun_code code = mun_journal_exchange(h->j, e->seq, &s->ex, err);
	if (code == MUN_OK)
		code = mun_journal_batch(h->j, &e->batch, &s->batch, err);
	if (code == MUN_OK)
		code = mun_journal_item(h->j, &e->batch, (uint32_t)e->item, &s->item, err);
	if (code == MUN_OK && s->ex.response_seq != MUN_NO_SEQ)
		code = mun_lookup_entry(&h->lookup, s->ex.response_seq, &s->response,
		                        &s->response_owner, err);
	if (code == MUN_OK)
		code = mun_lookup_plan(&h->lookup, &s->batch.plan, &s->plan, err);
	if (code == MUN_OK)
		code = mun_lookup_start(&h->lookup, &e->batch, s->ex.epoch, e->seq, &s->start, err);
	return code;
}

static void fill_row(struct sources *s, struct mun_history_row *row)
{
	const struct mun_entry *e = &s->request;
	const struct mun_operator *op = &s->start->u.start.operator_;
	const char *verdict = mun_verdict_name(s->ex.verdict);

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
		.operator_ = s->operator_,
		.claimed = op->claimed,
		.identity = s->start->u.start.identity_id,
		.reason = e->u.request.reason ? e->u.request.reason : s->plan->u.plan.reason,
		.ticket = e->u.request.ticket ? e->u.request.ticket : s->plan->u.plan.ticket,
		.token = e->u.request.token,
		.request_seq = e->seq,
		.response_seq = s->ex.response_seq,
		.settled_seq = s->ex.settled_seq,
	};
}

static bool row_matches(const struct history *h, struct sources *s,
                        const struct mun_history_row *row)
{
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
		.state = mun_item_state_name(s->item.state, &mun_ops[s->batch.op]),
		.verdict = row->verdict,
		.kind = mun_kind_name(MUN_K_REQUEST),
		.labels = s->plan->u.plan.labels,
		.labels_len = s->plan->u.plan.labels_len,
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
		return mun_wrap(err, code, "attempt #%llu", (unsigned long long)s->request.seq);
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

/* One entry of the log: a row when it is an attempt that meets the filter. */
static enum mun_code visit(struct history *h, uint64_t seq, struct mun_err *err)
{
	static const char mark[] = "\"kind\":\"request\"";
	struct sources s MUN_CLEANUP(sources_done) = { .request_owner = NULL };
	struct mun_buf *line = &h->lookup.line;

	mun_buf_clear(line);
	enum mun_code code = mun_journal_entry(h->j, seq, line, err);
	if (code != MUN_OK)
		return code;
	if (!memmem(mun_buf_str(line), line->len, mark, sizeof(mark) - 1))
		return MUN_OK;
	code = mun_entry_decode(&s.request, &s.request_owner, line->data, line->len, err);
	if (code != MUN_OK)
		return mun_wrap(err, code, "entry #%llu", (unsigned long long)seq);
	if (s.request.kind != MUN_K_REQUEST || !mun_purpose_mutates(s.request.u.request.purpose) ||
	    !s.request.has_batch || s.request.item == MUN_NO_ITEM ||
	    !mun_filter_in_time(h->f, s.request.time_us, seq))
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
	bool over; /* more than fit: the log is scanned instead */
};

static enum mun_code add_chain(struct history *h, const struct mun_place *place, struct seqs *ret,
                               struct mun_err *err)
{
	struct mun_exchange ex;
	struct mun_item item;

	enum mun_code code = mun_journal_item(h->j, &place->batch, place->item, &item, err);
	if (code != MUN_OK)
		return code;
	for (uint64_t seq = item.exchange_seq; seq != MUN_NO_SEQ; seq = ex.prev_seq) {
		code = mun_journal_exchange(h->j, seq, &ex, err);
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
	struct mun_place places[PLACES_MAX];
	struct mun_id orgs[16];
	size_t orgs_len = 0, len = 0;

	enum mun_code code =
		mun_journal_by_run_any_org(h->j, run, orgs, &orgs_len, MUN_ARRAY_LEN(orgs), err);
	if (code == MUN_E_NOTFOUND)
		return MUN_OK;
	if (code != MUN_OK)
		return code;
	ret->over |= orgs_len >= MUN_ARRAY_LEN(orgs);
	for (size_t o = 0; o < orgs_len && o < MUN_ARRAY_LEN(orgs); o++) {
		code = mun_journal_by_run(h->j, &orgs[o], run, places, PLACES_MAX, &len, err);
		if (code == MUN_E_NOTFOUND)
			continue;
		if (code != MUN_OK)
			return code;
		ret->over |= len >= PLACES_MAX;
		for (size_t i = 0; i < len && i < PLACES_MAX; i++) {
			code = places[i].has_batch ? add_chain(h, &places[i], ret, err) : MUN_OK;
			if (code != MUN_OK)
				return code;
		}
	}
	return MUN_OK;
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
	enum mun_code code = run_history(&h, err);
	mun_lookup_done(&h.lookup);
	return code;
}
