/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "journal/verify_impl.h"

#define CLOCK_TOLERANCE_US 1000000 /* two processes read their clocks before they take turns */

/* In a filtered bundle what is not there was perhaps withheld. */
static bool may_be_withheld(const struct mun_verify *v)
{
	return mun_source_is_partial(v->source);
}

static void set_bucket(struct mun_verify *v, uint64_t seq, const struct mun_ref *batch,
                       uint64_t item, uint8_t bucket)
{
	struct mun_verify_batch *b = mun_verify_find_batch(&v->state, batch);

	if (b && !b->bucket)
		return;
	if (!b || item >= b->plan.items) {
		if (b || !may_be_withheld(v))
			mun_verify_odd(v, seq, "speaks of an item that no batch has");
		return;
	}
	uint8_t now = b->bucket[item] & MUN_VB_BUCKET;
	if (now == bucket)
		return;
	if (now == MUN_VB_SUCCESS) {
		mun_verify_odd(v, seq, "takes back the success of item %llu",
		               (unsigned long long)item);
		return;
	}
	b->bucket[item] = (uint8_t)(b->bucket[item] & MUN_VB_DOUBT) | bucket;
	if (bucket == MUN_VB_SUCCESS)
		b->success++;
}

static enum mun_code fold_plan(struct mun_verify *v, const struct mun_entry *e, struct mun_err *err)
{
	struct mun_verify_plan plan = {
		.plan = e->u.plan.plan,
		.org = e->org,
		.op = e->u.plan.op,
		.items = e->u.plan.items,
		.duplicates = e->u.plan.duplicates,
		.own = e->u.plan.has_overrides,
	};

	if (mun_verify_find_plan(&v->state, &e->u.plan.plan))
		mun_verify_odd(v, e->seq, "stores a plan that was stored before");
	enum mun_code code = mun_verify_list(v, e, &plan.listed, err);
	if (code == MUN_OK)
		code = mun_verify_add_plan(&v->state, &plan, err);
	return code == MUN_OK ? mun_verify_body(v, e->seq, &e->u.plan.source, err) : code;
}

static void resume(struct mun_verify *v, const struct mun_entry *e, struct mun_verify_batch *b)
{
	if (!b)
		mun_verify_odd(v, e->seq, "resumes a batch that never started");
	else if (e->u.start.epoch <= b->epoch)
		mun_verify_odd(v, e->seq, "epoch %u does not come after %u", e->u.start.epoch,
		               b->epoch);
	else
		b->epoch = e->u.start.epoch;
}

static enum mun_code fold_start(struct mun_verify *v, const struct mun_entry *e,
                                struct mun_err *err)
{
	const struct mun_verify_plan *plan = mun_verify_find_plan(&v->state, &e->u.start.plan);
	struct mun_verify_batch *b = mun_verify_find_batch(&v->state, &e->batch);

	if (!plan) {
		mun_verify_odd(v, e->seq, "works on a plan that was never stored");
		return MUN_OK;
	}
	if (e->kind == MUN_K_BATCH_RESUMED) {
		resume(v, e, b);
		return MUN_OK;
	}
	if (b) {
		mun_verify_odd(v, e->seq, "starts a batch that has started before");
		return MUN_OK;
	}
	const struct mun_verify_batch batch = { .batch = e->batch,
		                                .plan = *plan,
		                                .epoch = e->u.start.epoch };
	return mun_verify_add_batch(&v->state, &batch, err);
}

static void name_doubt(struct mun_verify *v, const struct mun_entry *e)
{
	for (size_t i = v->state.open_len; i-- > 0;) {
		const struct mun_verify_open *o = &v->state.open[i];
		if (o->gone || !o->mutates || o->settled || o->item != e->item || !o->has_batch ||
		    !mun_ref_equal(&o->batch, &e->batch))
			continue;
		mun_verify_odd(v, e->seq, "sent while #%llu of the same item was in doubt",
		               (unsigned long long)o->seq);
		return;
	}
}

static enum mun_code check_row(struct mun_verify *v, const struct mun_entry *e,
                               const struct mun_verify_batch *b, struct mun_err *err)
{
	struct mun_list_row row;

	mun_buf_clear(&v->text);
	enum mun_code code = mun_source_list_row(v->source, &b->plan.plan, (uint32_t)e->item, &row,
	                                         &v->text, err);
	if (code != MUN_OK && code != MUN_E_NOTFOUND && code != MUN_E_CORRUPT)
		return code;
	if (code != MUN_OK || !e->has_run || !mun_id_equal(&row.run, &e->run) || !e->has_org ||
	    !mun_id_equal(&b->plan.org, &e->org))
		mun_verify_odd(v, e->seq, "the request's run is not item %lld of its plan's list",
		               (long long)e->item);
	return MUN_OK;
}

/* Closure: what was sent stands in the plan, and nothing was sent twice unasked. */
static enum mun_code check_mutation(struct mun_verify *v, const struct mun_entry *e,
                                    struct mun_err *err)
{
	struct mun_verify_batch *b =
		e->has_batch ? mun_verify_find_batch(&v->state, &e->batch) : NULL;

	if (!b && may_be_withheld(v)) /* it came along with an answer to another */
		return MUN_OK;
	if (!b || e->item < 0 || (uint64_t)e->item >= b->plan.items) {
		mun_verify_odd(v, e->seq, "a mutating request outside of every plan's list");
		return MUN_OK;
	}
	if (e->u.request.purpose != mun_purpose_of(b->plan.op))
		mun_verify_odd(v, e->seq, "the request does another operation than its plan");
	if (e->u.request.epoch != b->epoch)
		mun_verify_odd(v, e->seq, "sent in epoch %u while epoch %u was in force",
		               e->u.request.epoch, b->epoch);
	if (!b->bucket)
		return MUN_OK;
	if ((b->bucket[e->item] & MUN_VB_BUCKET) != MUN_VB_OPEN)
		mun_verify_odd(v, e->seq, "sent for item %lld, which was final before",
		               (long long)e->item);
	if (b->bucket[e->item] & MUN_VB_DOUBT)
		name_doubt(v, e);
	b->bucket[e->item] |= MUN_VB_DOUBT;
	return check_row(v, e, b, err);
}

static enum mun_code fold_request(struct mun_verify *v, const struct mun_entry *e,
                                  struct mun_err *err)
{
	const struct mun_verify_open open = { .seq = e->seq,
		                              .batch = e->batch,
		                              .has_batch = e->has_batch,
		                              .item = e->item,
		                              .mutates =
		                                      mun_purpose_mutates(e->u.request.purpose) };
	enum mun_code code = open.mutates ? check_mutation(v, e, err) : MUN_OK;

	return code == MUN_OK ? mun_verify_add_open(&v->state, &open, err) : code;
}

/* Its outcome is known. */
static void clear_doubt(struct mun_verify *v, const struct mun_verify_open *o)
{
	struct mun_verify_batch *b =
		o->mutates && o->has_batch ? mun_verify_find_batch(&v->state, &o->batch) : NULL;

	if (b && b->bucket && o->item >= 0 && (uint64_t)o->item < b->plan.items)
		b->bucket[o->item] &= MUN_VB_BUCKET;
}

static bool leaves_doubt(const struct mun_entry *e)
{
	enum mun_verdict verdict = e->u.response.verdict;

	if (verdict == MUN_V_CONFIG_ERROR) /* a redirect: somebody may have taken it */
		return e->u.response.http >= 300 && e->u.response.http < 400;
	return verdict == MUN_V_UNKNOWN || verdict == MUN_V_UNVERIFIED || verdict == MUN_V_NONE;
}

static void fold_answer(struct mun_verify *v, const struct mun_entry *e)
{
	struct mun_verify_open *o = mun_verify_find_open(&v->state, e->u.response.request);

	if (!o || o->answered) {
		mun_verify_odd(v, e->seq, "answers #%llu, which is no request without an answer",
		               (unsigned long long)e->u.response.request);
		return;
	}
	if (o->has_batch != e->has_batch || o->item != e->item ||
	    (o->has_batch && !mun_ref_equal(&o->batch, &e->batch)))
		mun_verify_odd(v, e->seq, "answers #%llu, which is of another item",
		               (unsigned long long)o->seq);
	bool counts = o->mutates && !o->settled;
	if (counts && leaves_doubt(e)) {
		o->answered = true;
	} else {
		if (counts)
			clear_doubt(v, o);
		mun_verify_remove_open(&v->state, o);
	}
	if (counts && mun_verdict_is_success(e->u.response.verdict))
		set_bucket(v, e->seq, &e->batch, (uint64_t)e->item, MUN_VB_SUCCESS);
}

/* What is said about the mutating request of an item; it may have been known before. */
static void close_request(struct mun_verify *v, uint64_t seq, uint64_t request,
                          const struct mun_ref *batch, int64_t item)
{
	struct mun_verify_open *o = mun_verify_find_open(&v->state, request);

	if (request >= seq) {
		mun_verify_odd(v, seq, "settles #%llu, which is not earlier",
		               (unsigned long long)request);
		return;
	}
	if (!o || !o->mutates)
		return;
	if (o->item != item || !mun_ref_equal(&o->batch, batch))
		mun_verify_odd(v, seq, "settles #%llu, which is of another item",
		               (unsigned long long)request);
	clear_doubt(v, o);
	if (o->answered)
		mun_verify_remove_open(&v->state, o);
	else
		o->settled = true; /* its answer may come late */
}

static void fold_settle(struct mun_verify *v, uint64_t seq, const struct mun_settle *s)
{
	if (s->request != MUN_NO_SEQ)
		close_request(v, seq, s->request, &s->batch, s->item);
	if (mun_verdict_is_success(s->verdict))
		set_bucket(v, seq, &s->batch, s->item, MUN_VB_SUCCESS);
}

static void fold_decision(struct mun_verify *v, const struct mun_entry *e)
{
	if (e->u.decision.request != MUN_NO_SEQ)
		close_request(v, e->seq, e->u.decision.request, &e->batch, e->item);
	if (e->has_batch && e->item >= 0 && mun_verdict_is_success(e->u.decision.verdict))
		set_bucket(v, e->seq, &e->batch, (uint64_t)e->item, MUN_VB_SUCCESS);
}

static void fold_ranges(struct mun_verify *v, const struct mun_entry *e)
{
	for (size_t i = 0; i < e->u.ranges.ranges_len; i++) {
		const struct mun_range *r = &e->u.ranges.ranges[i];
		const struct mun_verify_batch *b =
			e->has_batch ? mun_verify_find_batch(&v->state, &e->batch) : NULL;
		if (!b || r->first > r->last || r->last >= b->plan.items) {
			mun_verify_odd(v, e->seq, "speaks of items that no batch has");
			return;
		}
		for (uint32_t item = r->first; b->bucket && item <= r->last; item++)
			set_bucket(v, e->seq, &e->batch, item, MUN_VB_LEFT_OUT);
	}
}

static void fold_counts(struct mun_verify *v, const struct mun_entry *e)
{
	const struct mun_counts *c = &e->u.pause.counts;
	const struct mun_verify_batch *b =
		e->has_batch ? mun_verify_find_batch(&v->state, &e->batch) : NULL;

	if (!b) {
		mun_verify_odd(v, e->seq, "counts a batch that never started");
		return;
	}
	uint64_t planned = b->plan.items + b->plan.duplicates;
	uint64_t done = c->done + c->already;
	uint64_t sum = c->done + c->already + c->failed + c->in_doubt + c->skipped + c->cancelled +
	               c->pending;
	if (sum != c->total || c->total != planned)
		mun_verify_odd(v, e->seq, "conservation: counts give %llu, total %llu, plan %llu",
		               (unsigned long long)sum, (unsigned long long)c->total,
		               (unsigned long long)planned);
	if (b->bucket && done != b->success)
		mun_verify_odd(v, e->seq, "counts %llu items as done where the entries show %llu",
		               (unsigned long long)done, (unsigned long long)b->success);
	if (e->kind == MUN_K_BATCH_ENDED && c->pending)
		mun_verify_odd(v, e->seq, "ended with %llu items pending",
		               (unsigned long long)c->pending);
}

static void note_jump(struct mun_verify *v, const struct mun_entry *e)
{
	char real[MUN_DATE_MAX], other[MUN_DATE_MAX] = "";
	bool server = e->u.clock.server_us != MUN_TIME_NONE;
	int64_t other_us = server ? e->u.clock.server_us : e->u.clock.before_us;

	mun_date_format(real, e->time_us);
	if (other_us != MUN_TIME_NONE)
		mun_date_format(other, other_us);
	mun_verify_note(v, e->seq, "the clock jumped: it says %s%s%s", real,
	                other_us == MUN_TIME_NONE ? ""
	                : server                  ? ", the server "
	                                          : ", and said before ",
	                other);
}

static void fold_time(struct mun_verify *v, const struct mun_entry *e)
{
	if (e->kind == MUN_K_CLOCK_JUMPED)
		note_jump(v, e);
	else if (v->last_time_us != MUN_TIME_NONE &&
	         e->time_us < v->last_time_us - CLOCK_TOLERANCE_US)
		mun_verify_note(v, e->seq, "the clock goes back by %lld ms",
		                (long long)((v->last_time_us - e->time_us) / 1000));
	v->last_time_us = e->time_us;
	mun_verify_fold_time(v, e);
}

static void fold_created(struct mun_verify *v, const struct mun_entry *e)
{
	const char *origin = e->u.created.origin ? e->u.created.origin : "";
	const struct mun_previous *p = e->u.created.previous;

	if (v->origin[0] == '\0')
		(void)snprintf(v->origin, sizeof(v->origin), "%s", origin);
	else if (strcmp(v->origin, origin) != 0)
		mun_verify_bad(v, e->seq, "the journal's origin is not that of its checkpoints");
	v->has_previous = p != NULL;
	if (!p)
		return;
	v->previous = *p;
	v->previous.origin = v->previous.reason = NULL; /* borrowed from the entry */
	(void)snprintf(v->previous_origin, sizeof(v->previous_origin), "%s",
	               p->origin ? p->origin : "");
}

/* Work of the operator that a signature has not covered yet. */
static void count_tail(struct mun_verify *v, const struct mun_entry *e)
{
	if (mun_kind_is_bookkeeping(e->kind))
		return;
	if (v->tail == 0)
		v->tail_from = e->seq;
	v->tail++;
}

static enum mun_code fold_response(struct mun_verify *v, const struct mun_entry *e,
                                   struct mun_err *err)
{
	fold_answer(v, e);
	for (size_t i = 0; i < e->u.response.settles_len; i++)
		fold_settle(v, e->seq, &e->u.response.settles[i]);
	return mun_verify_body(v, e->seq, &e->u.response.body, err);
}

static enum mun_code fold_ended(struct mun_verify *v, const struct mun_entry *e,
                                struct mun_err *err)
{
	fold_counts(v, e);
	return e->kind == MUN_K_BATCH_ENDED ? mun_verify_fold_ended(v, e, err) : MUN_OK;
}

/* A bundle ships the checkpoints that are anchored, not those that were exported. */
static enum mun_code fold_exported(struct mun_verify *v, const struct mun_entry *e,
                                   struct mun_err *err)
{
	if (mun_source_is_bundle(v->source))
		return MUN_OK;
	return mun_verify_named(v, e->seq, e->u.exported.size, e->u.exported.root, NULL, err);
}

/* Plans, batches, exchanges. */
static enum mun_code fold_work(struct mun_verify *v, const struct mun_entry *e, struct mun_err *err)
{
	switch (e->kind) {
	case MUN_K_PLAN_STORED:
		return fold_plan(v, e, err);
	case MUN_K_BATCH_STARTED:
	case MUN_K_BATCH_RESUMED:
		return fold_start(v, e, err);
	case MUN_K_REQUEST:
		return fold_request(v, e, err);
	case MUN_K_RESPONSE:
		return fold_response(v, e, err);
	case MUN_K_BATCH_PAUSED:
	case MUN_K_BATCH_ENDED:
		return fold_ended(v, e, err);
	case MUN_K_DECISION:
		fold_decision(v, e);
		break;
	case MUN_K_ITEM_SKIPPED:
	case MUN_K_ITEM_CANCELLED:
		fold_ranges(v, e);
		break;
	case MUN_K_PLAN_DISCARDED:
		if (!mun_verify_find_plan(&v->state, &e->u.discard.plan) && !may_be_withheld(v))
			mun_verify_odd(v, e->seq, "discards a plan that was never stored");
		break;
	case MUN_K_BATCH_CANCELLING:
		if (!e->has_batch || !mun_verify_find_batch(&v->state, &e->batch))
			mun_verify_odd(v, e->seq, "cancels a batch that never started");
		break;
	default:
		break;
	}
	return MUN_OK;
}

enum mun_code mun_verify_fold(struct mun_verify *v, const struct mun_entry *e, struct mun_err *err)
{
	if ((e->kind == MUN_K_CREATED) != (e->seq == 0))
		mun_verify_odd(v, e->seq, "a journal begins with journal.created, once");
	fold_time(v, e);
	count_tail(v, e);
	switch (e->kind) {
	case MUN_K_CREATED:
		fold_created(v, e);
		return MUN_OK;
	case MUN_K_KEY_ADDED:
		return mun_verify_fold_key(v, e, err);
	case MUN_K_ANCHORED:
		return mun_verify_named(v, e->seq, e->u.anchored.size, e->u.anchored.root,
		                        e->u.anchored.receipt, err);
	case MUN_K_EXPORTED:
		return fold_exported(v, e, err);
	case MUN_K_ERASED:
		mun_verify_erased(v, e);
		return MUN_OK;
	default:
		return fold_work(v, e, err);
	}
}

void mun_verify_fold_end(struct mun_verify *v)
{
	for (size_t i = 0; i < v->state.open_len; i++) {
		const struct mun_verify_open *o = &v->state.open[i];
		char batch[MUN_REF_TEXT];
		if (o->gone || !o->mutates || o->settled)
			continue;
		mun_ref_format(batch, 'b', &o->batch);
		mun_verify_note(v, o->seq, "item %lld of %s is in doubt: %s", (long long)o->item,
		                batch,
		                o->answered ? "its answer does not say what happened"
		                            : "sent, without an answer so far");
	}
}
