/* SPDX-License-Identifier: Apache-2.0 */
/* summary.json: what a bundle's entries add up to. */
#include <string.h>

#include "journal/bundle_impl.h"
#include "lib/canon.h"
#include "lib/hex.h"

#define CHUNK 65536

struct summary {
	struct mun_bundle *b;
	const struct mun_verdict_report *verdict;
	mun_write_fn write;
	void *arg;
	struct mun_buf out;
	struct mun_canon c;
};

static enum mun_code flush(struct summary *s, size_t at_least, struct mun_err *err)
{
	enum mun_code code = mun_buf_check(&s->out, "the summary", err);

	if (code != MUN_OK || s->out.len < at_least)
		return code;
	code = s->write(s->arg, mun_buf_str(&s->out), s->out.len, err);
	mun_buf_clear(&s->out);
	return code;
}

/* Each member on a line of its own, for whoever opens the file in an editor. */
static struct mun_canon *on_a_line(struct summary *s)
{
	mun_buf_putc(&s->out, '\n');
	return &s->c;
}

static void put_count(struct mun_canon *c, const char *key, uint64_t n)
{
	mun_canon_int(c, key, (int64_t)n);
}

static void put_seq(struct mun_canon *c, const char *key, uint64_t seq)
{
	if (seq == MUN_NO_SEQ)
		mun_canon_null(c, key);
	else
		put_count(c, key, seq);
}

static void put_time(struct mun_canon *c, const char *key, int64_t time_us)
{
	char text[MUN_DATE_MAX];

	if (time_us == MUN_TIME_NONE) {
		mun_canon_null(c, key);
		return;
	}
	mun_date_format(text, time_us);
	mun_canon_str(c, key, text);
}

static void put_ref(struct mun_canon *c, const char *key, char prefix, const struct mun_ref *ref)
{
	char text[MUN_REF_TEXT];

	mun_ref_format(text, prefix, ref);
	mun_canon_str(c, key, text);
}

static void put_org(struct mun_canon *c, const struct mun_id *org)
{
	char text[MUN_ID_TEXT];

	mun_id_format(text, org);
	mun_canon_str(c, "org", text);
}

static void put_whole(struct summary *s)
{
	const struct mun_bundle *b = s->b;
	char root[2 * MUN_SHA256_LEN + 1];
	uint64_t size = mun_source_size(b->source);

	mun_hex_encode(root, s->verdict->head.root, MUN_SHA256_LEN);
	mun_canon_str(on_a_line(s), "origin", b->origin);
	mun_canon_str(&s->c, "journal", b->journal);
	put_count(&s->c, "size", size);
	mun_canon_str(&s->c, "root", root);
	mun_canon_str(&s->c, "filter", b->o.filter);
	mun_canon_bool(&s->c, "bodies", b->o.bodies);
	mun_canon_object(on_a_line(s), "entries");
	put_count(&s->c, "held", b->entries);
	put_count(&s->c, "withheld", size - b->entries);
	put_seq(&s->c, "left_out", b->o.left_out);
	mun_canon_object(&s->c, "kinds");
	for (unsigned k = 0; k < MUN_KINDS; k++)
		if (b->kinds[k] > 0)
			put_count(&s->c, mun_kind_name((enum mun_kind)k), b->kinds[k]);
	mun_canon_end(&s->c);
	mun_canon_end(&s->c);
}

static const char *plan_state(enum mun_plan_state state)
{
	switch (state) {
	case MUN_PLAN_STORED:
		return "stored";
	case MUN_PLAN_CONSUMED:
		return "consumed";
	case MUN_PLAN_DISCARDED:
		break;
	}
	return "discarded";
}

static enum mun_code put_plans(struct summary *s, struct mun_err *err)
{
	const struct mun_entry *e;
	enum mun_code code = MUN_OK;

	mun_canon_array(on_a_line(s), "plans");
	for (size_t i = 0; code == MUN_OK && i < mun_refold_plans(s->b->fold); i++) {
		const struct mun_plan *p = mun_refold_plan(s->b->fold, i);

		code = mun_refold_plan_entry(s->b->fold, i, &e, err);
		if (code != MUN_OK)
			return code;
		mun_canon_object(on_a_line(s), NULL);
		put_ref(&s->c, "plan", 'p', &p->plan);
		mun_canon_str(&s->c, "op", mun_ops[p->op].name);
		put_org(&s->c, &p->org);
		mun_canon_str(&s->c, "base_url", e ? e->u.plan.base_url : NULL);
		put_count(&s->c, "items", p->items);
		put_count(&s->c, "duplicates", p->duplicates);
		mun_canon_str(&s->c, "reason", e ? e->u.plan.reason : NULL);
		mun_canon_str(&s->c, "ticket", e ? e->u.plan.ticket : NULL);
		put_time(&s->c, "stored", p->stored_us);
		mun_canon_str(&s->c, "state", plan_state(p->state));
		mun_canon_end(&s->c);
		code = flush(s, CHUNK, err);
	}
	mun_canon_end(&s->c);
	return code;
}

static void put_counts(struct mun_canon *c, const struct mun_op *op, const struct mun_counts *n)
{
	uint64_t sum = n->done + n->already + n->failed + n->in_doubt + n->skipped + n->cancelled +
	               n->pending;

	mun_canon_object(c, "counts");
	put_count(c, "total", n->total);
	put_count(c, mun_verdict_name(op->done), n->done);
	put_count(c, mun_verdict_name(op->already), n->already);
	put_count(c, "failed", n->failed);
	put_count(c, "in_doubt", n->in_doubt);
	put_count(c, "skipped", n->skipped);
	put_count(c, "cancelled", n->cancelled);
	put_count(c, "pending", n->pending);
	mun_canon_end(c);
	mun_canon_bool(c, "conserved", sum == n->total);
}

/* The first anchor that covers the end of the batch, as the journal recorded it. */
static void put_anchor(struct summary *s, const struct mun_refold_batch *b)
{
	const struct mun_anchor_seen *first = NULL;

	for (size_t i = 0; b->ended_seq != MUN_NO_SEQ && !first && i < s->b->anchors_len; i++)
		if (s->b->anchors[i].size > b->ended_seq)
			first = &s->b->anchors[i];
	if (!first) {
		mun_canon_null(&s->c, "anchored");
		return;
	}
	mun_canon_object(&s->c, "anchored");
	mun_canon_str(&s->c, "kind", first->kind);
	put_count(&s->c, "size", first->size);
	put_time(&s->c, "time", first->time_us);
	mun_canon_int(&s->c, "delay_s",
	              b->row.ended_us == MUN_TIME_NONE
	                      ? 0
	                      : (first->time_us - b->row.ended_us) / 1000000);
	mun_canon_end(&s->c);
}

static enum mun_code put_batches(struct summary *s, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	mun_canon_array(on_a_line(s), "batches");
	for (size_t i = 0; code == MUN_OK && i < mun_refold_batches(s->b->fold); i++) {
		const struct mun_refold_batch *b = mun_refold_batch(s->b->fold, i);
		struct mun_counts n = b->whole ? mun_batch_at_rest(&b->row) : b->recorded;

		mun_canon_object(on_a_line(s), NULL);
		put_ref(&s->c, "batch", 'b', &b->row.batch);
		put_ref(&s->c, "plan", 'p', &b->row.plan);
		mun_canon_str(&s->c, "op", mun_ops[b->row.op].name);
		put_org(&s->c, &b->row.org);
		mun_canon_bool(&s->c, "whole", b->whole);
		mun_canon_str(&s->c, "state", mun_batch_state_name(b->row.state));
		put_time(&s->c, "started", b->row.started_us);
		put_time(&s->c, "ended", b->row.ended_us);
		put_count(&s->c, "epochs", b->row.epoch);
		if (b->whole || b->counted) {
			put_counts(&s->c, &mun_ops[b->row.op], &n);
		} else {
			mun_canon_null(&s->c, "counts");
			mun_canon_null(&s->c, "conserved");
		}
		put_anchor(s, b);
		mun_canon_end(&s->c);
		code = flush(s, CHUNK, err);
	}
	mun_canon_end(&s->c);
	return code;
}

static void put_requests(struct summary *s)
{
	const struct mun_bundle *b = s->b;

	mun_canon_array(on_a_line(s), "requests");
	for (size_t i = 0; i < b->patterns_len; i++) {
		const struct mun_pattern *p = &b->patterns[i];

		mun_canon_object(on_a_line(s), NULL);
		mun_canon_str(&s->c, "purpose", mun_purpose_name(p->purpose));
		mun_canon_str(&s->c, "method", p->method);
		mun_canon_str(&s->c, "path", p->path);
		put_count(&s->c, "count", p->count);
		mun_canon_end(&s->c);
	}
	mun_canon_end(&s->c);
	put_count(on_a_line(s), "requests_of_other_forms", b->patterns_more);
	put_count(&s->c, "runs_outside_list", b->outside);
	put_count(&s->c, "requests_without_list", b->without);
}

static void put_texts(struct mun_canon *c, const char *key, char *const *texts, size_t len)
{
	mun_canon_array(c, key);
	for (size_t i = 0; i < len; i++)
		mun_canon_str(c, NULL, texts[i]);
	mun_canon_end(c);
}

static void put_verdict(struct summary *s)
{
	const struct mun_verdict_report *r = s->verdict;

	mun_canon_object(on_a_line(s), "verify");
	mun_canon_str(&s->c, "result", mun_verify_result_name(r->result));
	put_count(&s->c, "withheld", r->withheld);
	put_seq(&s->c, "first_bad", r->first_bad);
	put_count(&s->c, "bad", r->bad);
	put_texts(&s->c, "checked", r->checked, r->checked_len);
	put_texts(&s->c, "not_checked", r->not_checked, r->not_checked_len);
	mun_canon_array(&s->c, "findings");
	for (size_t i = 0; i < r->findings_len; i++) {
		mun_canon_object(on_a_line(s), NULL);
		put_seq(&s->c, "seq", r->findings[i].seq);
		mun_canon_str(&s->c, "what", r->findings[i].what);
		mun_canon_bool(&s->c, "bad", r->findings[i].bad);
		mun_canon_end(&s->c);
	}
	mun_canon_end(&s->c);
	put_count(&s->c, "findings_more", r->findings_more);
	mun_canon_str(&s->c, "says",
	              mun_source_size(s->b->source) == s->b->entries
	                      ? "complete: it holds every entry below its size"
	                      : "sound, not complete: entries are withheld, and any of them may "
	                        "meet the filter");
	mun_canon_end(&s->c);
}

static void summary_done(struct summary *s)
{
	mun_buf_done(&s->out);
}

enum mun_code mun_bundle_summary(struct mun_bundle *b, const struct mun_verdict_report *verdict,
                                 mun_write_fn write, void *arg, struct mun_err *err)
{
	struct summary s MUN_CLEANUP(
		summary_done) = { .b = b, .verdict = verdict, .write = write, .arg = arg };

	mun_buf_init(&s.out, (size_t)4 << 20);
	mun_canon_init(&s.c, &s.out);
	mun_canon_loose(&s.c);
	mun_canon_object(&s.c, NULL);
	put_whole(&s);
	enum mun_code code = put_plans(&s, err);
	if (code == MUN_OK)
		code = put_batches(&s, err);
	if (code != MUN_OK)
		return code;
	put_requests(&s);
	put_verdict(&s);
	mun_canon_end(&s.c);
	mun_buf_putc(&s.out, '\n');
	return flush(&s, 1, err);
}
