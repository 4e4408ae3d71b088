/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "journal/verify_impl.h"

#define CLOCK_TOLERANCE_US 1000000 /* two processes read their clocks before they take turns */

/* Room for one more element. */
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
		(void)mun_fail(err, MUN_E_NOMEM, "no memory for %zu rows of verify", want);
	return bigger;
}

static struct mun_verify_plan *find_plan(struct mun_verify *v, const struct mun_ref *plan)
{
	for (size_t i = v->plans_len; i-- > 0;)
		if (mun_ref_equal(&v->plans[i].plan, plan))
			return &v->plans[i];
	return NULL;
}

static struct mun_verify_batch *find_batch(struct mun_verify *v, const struct mun_ref *batch)
{
	for (size_t i = v->batches_len; i-- > 0;)
		if (mun_ref_equal(&v->batches[i].batch, batch))
			return &v->batches[i];
	return NULL;
}

/* Index of the open request seq; open_len: it is not open. */
static size_t find_open(const struct mun_verify *v, uint64_t seq)
{
	size_t low = 0, high = v->open_len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (v->open[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < v->open_len && v->open[low].seq == seq ? low : v->open_len;
}

static void remove_open(struct mun_verify *v, size_t at)
{
	memmove(&v->open[at], &v->open[at + 1], (v->open_len - at - 1) * sizeof(v->open[0]));
	v->open_len--;
}

static void set_bucket(struct mun_verify *v, uint64_t seq, const struct mun_ref *batch,
                       uint64_t item, enum mun_verify_bucket bucket)
{
	struct mun_verify_batch *b = find_batch(v, batch);

	if (!b || item >= b->plan.items) {
		mun_verify_odd(v, seq, "speaks of an item that no batch has");
		return;
	}
	if (b->bucket[item] == (uint8_t)bucket)
		return;
	if (b->bucket[item] == MUN_VB_SUCCESS) {
		mun_verify_odd(v, seq, "takes back the success of item %llu",
		               (unsigned long long)item);
		return;
	}
	b->bucket[item] = (uint8_t)bucket;
	if (bucket == MUN_VB_SUCCESS)
		b->success++;
}

static enum mun_code fold_plan(struct mun_verify *v, const struct mun_entry *e, struct mun_err *err)
{
	if (find_plan(v, &e->u.plan.plan))
		mun_verify_odd(v, e->seq, "stores a plan that was stored before");
	struct mun_verify_plan *plans =
		grow(v->plans, &v->plans_cap, v->plans_len, sizeof(*plans), err);
	if (!plans)
		return MUN_E_NOMEM;
	v->plans = plans;
	v->plans[v->plans_len++] = (struct mun_verify_plan){
		.plan = e->u.plan.plan,
		.org = e->org,
		.op = e->u.plan.op,
		.items = e->u.plan.items,
		.duplicates = e->u.plan.duplicates,
	};
	enum mun_code code = mun_verify_body(v, e->seq, &e->u.plan.source, err);
	return code != MUN_OK ? code : mun_verify_list(v, e, err);
}

static enum mun_code fold_start(struct mun_verify *v, const struct mun_entry *e,
                                struct mun_err *err)
{
	const struct mun_verify_plan *plan = find_plan(v, &e->u.start.plan);
	struct mun_verify_batch *b = find_batch(v, &e->batch);

	if (!plan) {
		mun_verify_odd(v, e->seq, "works on a plan that was never stored");
		return MUN_OK;
	}
	if (e->kind == MUN_K_BATCH_RESUMED) {
		if (!b)
			mun_verify_odd(v, e->seq, "resumes a batch that never started");
		else if (e->u.start.epoch <= b->epoch)
			mun_verify_odd(v, e->seq, "epoch %u does not come after %u",
			               e->u.start.epoch, b->epoch);
		else
			b->epoch = e->u.start.epoch;
		return MUN_OK;
	}
	if (b) {
		mun_verify_odd(v, e->seq, "starts a batch that has started before");
		return MUN_OK;
	}
	struct mun_verify_batch *batches =
		grow(v->batches, &v->batches_cap, v->batches_len, sizeof(*batches), err);
	if (!batches)
		return MUN_E_NOMEM;
	v->batches = batches;
	uint8_t *bucket = mun_verify_buckets(plan->items);
	if (!bucket)
		return mun_fail(err, MUN_E_NOMEM, "no memory for %u items", plan->items);
	v->batches[v->batches_len++] = (struct mun_verify_batch){
		.batch = e->batch,
		.plan = *plan,
		.epoch = e->u.start.epoch,
		.bucket = bucket,
	};
	return MUN_OK;
}

/* Closure: what was sent stands in the plan, and nothing was sent twice unasked. */
static enum mun_code check_mutation(struct mun_verify *v, const struct mun_entry *e,
                                    struct mun_err *err)
{
	const struct mun_verify_batch *b = e->has_batch ? find_batch(v, &e->batch) : NULL;
	struct mun_list_row row;

	if (!b || e->item < 0 || (uint64_t)e->item >= b->plan.items) {
		mun_verify_odd(v, e->seq, "a mutating request outside of every plan's list");
		return MUN_OK;
	}
	mun_buf_clear(&v->text);
	enum mun_code code =
		mun_journal_list_row(v->j, &b->plan.plan, (uint32_t)e->item, &row, &v->text, err);
	if (code != MUN_OK && code != MUN_E_NOTFOUND && code != MUN_E_CORRUPT)
		return code;
	if (code != MUN_OK || !e->has_run || !mun_id_equal(&row.run, &e->run) || !e->has_org ||
	    !mun_id_equal(&b->plan.org, &e->org))
		mun_verify_odd(v, e->seq, "the request's run is not item %lld of its plan's list",
		               (long long)e->item);
	if (e->u.request.purpose != mun_purpose_of(b->plan.op))
		mun_verify_odd(v, e->seq, "the request does another operation than its plan");
	if (e->u.request.epoch != b->epoch)
		mun_verify_odd(v, e->seq, "sent in epoch %u while epoch %u was in force",
		               e->u.request.epoch, b->epoch);
	if (b->bucket[e->item] != MUN_VB_OPEN)
		mun_verify_odd(v, e->seq, "sent for item %lld, which was final before",
		               (long long)e->item);
	for (size_t i = 0; i < v->open_len; i++)
		if (v->open[i].mutates && !v->open[i].settled && v->open[i].item == e->item &&
		    v->open[i].has_batch && mun_ref_equal(&v->open[i].batch, &e->batch))
			mun_verify_odd(v, e->seq, "sent while #%llu of the same item was in doubt",
			               (unsigned long long)v->open[i].seq);
	return MUN_OK;
}

static enum mun_code fold_request(struct mun_verify *v, const struct mun_entry *e,
                                  struct mun_err *err)
{
	bool mutates = mun_purpose_mutates(e->u.request.purpose);
	enum mun_code code = mutates ? check_mutation(v, e, err) : MUN_OK;

	if (code != MUN_OK)
		return code;
	struct mun_verify_open *open = grow(v->open, &v->open_cap, v->open_len, sizeof(*open), err);
	if (!open)
		return MUN_E_NOMEM;
	v->open = open;
	v->open[v->open_len++] = (struct mun_verify_open){
		.seq = e->seq,
		.batch = e->batch,
		.has_batch = e->has_batch,
		.item = e->item,
		.mutates = mutates,
	};
	return MUN_OK;
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
	size_t at = find_open(v, e->u.response.request);

	if (at == v->open_len || v->open[at].answered) {
		mun_verify_odd(v, e->seq, "answers #%llu, which is no request without an answer",
		               (unsigned long long)e->u.response.request);
		return;
	}
	struct mun_verify_open *o = &v->open[at];
	if (o->has_batch != e->has_batch || o->item != e->item ||
	    (o->has_batch && !mun_ref_equal(&o->batch, &e->batch)))
		mun_verify_odd(v, e->seq, "answers #%llu, which is of another item",
		               (unsigned long long)o->seq);
	bool counts = o->mutates && !o->settled;
	if (counts && leaves_doubt(e))
		o->answered = true;
	else
		remove_open(v, at);
	if (counts && mun_verdict_is_success(e->u.response.verdict))
		set_bucket(v, e->seq, &e->batch, (uint64_t)e->item, MUN_VB_SUCCESS);
}

/* What is said about the mutating request of an item; it may have been known before. */
static void close_request(struct mun_verify *v, uint64_t seq, uint64_t request,
                          const struct mun_ref *batch, int64_t item)
{
	size_t at = find_open(v, request);

	if (request >= seq) {
		mun_verify_odd(v, seq, "settles #%llu, which is not earlier",
		               (unsigned long long)request);
		return;
	}
	if (at == v->open_len || !v->open[at].mutates)
		return;
	if (v->open[at].item != item || !mun_ref_equal(&v->open[at].batch, batch))
		mun_verify_odd(v, seq, "settles #%llu, which is of another item",
		               (unsigned long long)request);
	if (v->open[at].answered)
		remove_open(v, at);
	else
		v->open[at].settled = true; /* its answer may come late */
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
		const struct mun_verify_batch *b = e->has_batch ? find_batch(v, &e->batch) : NULL;
		if (!b || r->first > r->last || r->last >= b->plan.items) {
			mun_verify_odd(v, e->seq, "speaks of items that no batch has");
			return;
		}
		for (uint32_t item = r->first; item <= r->last; item++)
			set_bucket(v, e->seq, &e->batch, item, MUN_VB_LEFT_OUT);
	}
}

static void fold_counts(struct mun_verify *v, const struct mun_entry *e)
{
	const struct mun_counts *c = &e->u.pause.counts;
	const struct mun_verify_batch *b = e->has_batch ? find_batch(v, &e->batch) : NULL;

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
	if (done != b->success)
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
}

static enum mun_code fold_response(struct mun_verify *v, const struct mun_entry *e,
                                   struct mun_err *err)
{
	fold_answer(v, e);
	for (size_t i = 0; i < e->u.response.settles_len; i++)
		fold_settle(v, e->seq, &e->u.response.settles[i]);
	return mun_verify_body(v, e->seq, &e->u.response.body, err);
}

enum mun_code mun_verify_fold(struct mun_verify *v, const struct mun_entry *e, struct mun_err *err)
{
	if ((e->kind == MUN_K_CREATED) != (e->seq == 0))
		mun_verify_odd(v, e->seq, "a journal begins with journal.created, once");
	fold_time(v, e);
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
	case MUN_K_DECISION:
		fold_decision(v, e);
		return MUN_OK;
	case MUN_K_ITEM_SKIPPED:
	case MUN_K_ITEM_CANCELLED:
		fold_ranges(v, e);
		return MUN_OK;
	case MUN_K_BATCH_PAUSED:
	case MUN_K_BATCH_ENDED:
		fold_counts(v, e);
		return MUN_OK;
	case MUN_K_PLAN_DISCARDED:
		if (!find_plan(v, &e->u.discard.plan))
			mun_verify_odd(v, e->seq, "discards a plan that was never stored");
		return MUN_OK;
	case MUN_K_BATCH_CANCELLING:
		if (!e->has_batch || !find_batch(v, &e->batch))
			mun_verify_odd(v, e->seq, "cancels a batch that never started");
		return MUN_OK;
	case MUN_K_CREATED:
	case MUN_K_TOKEN_ADDED:
	case MUN_K_TOKEN_REMOVED:
	case MUN_K_TOKEN_REKEYED:
	case MUN_K_CLOCK_JUMPED:
	case MUN_KINDS:
		break;
	}
	return MUN_OK;
}

void mun_verify_fold_end(struct mun_verify *v)
{
	for (size_t i = 0; i < v->open_len; i++) {
		const struct mun_verify_open *o = &v->open[i];
		char batch[MUN_REF_TEXT];
		if (!o->mutates || o->settled)
			continue;
		mun_ref_format(batch, 'b', &o->batch);
		mun_verify_note(v, o->seq, "item %lld of %s is in doubt: %s", (long long)o->item,
		                batch,
		                o->answered ? "its answer does not say what happened"
		                            : "sent, without an answer so far");
	}
}
