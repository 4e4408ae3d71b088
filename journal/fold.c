/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/fold.h"

#include <string.h>

#include "lib/text.h"

bool mun_item_is_open(enum mun_item_state s)
{
	return s == MUN_I_PENDING || s == MUN_I_IN_FLIGHT || s == MUN_I_IN_DOUBT;
}

static void copy_time(char ret[static 40], const char *s)
{
	mun_text_copy(ret, 40, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
}

static enum mun_item_state success_state(const struct mun_batch *batch, enum mun_verdict v)
{
	return v == mun_ops[batch->op].done ? MUN_I_DONE : MUN_I_ALREADY;
}

static bool attempts_used_up(const struct mun_item *item, const struct mun_batch *batch)
{
	return item->answered >= batch->attempts_limit + item->extra;
}

void mun_fold_request(struct mun_item *item, struct mun_exchange *ret, const struct mun_entry *e)
{
	memset(ret, 0, sizeof(*ret));
	ret->has_batch = e->has_batch;
	ret->batch = e->batch;
	ret->item = e->item;
	ret->purpose = e->u.request.purpose;
	ret->attempt = e->u.request.attempt;
	ret->epoch = e->u.request.epoch;
	ret->prev_seq = item != NULL ? item->exchange_seq : MUN_NO_SEQ;
	ret->response_seq = MUN_NO_SEQ;
	ret->settled_seq = MUN_NO_SEQ;
	ret->sent_us = e->time_us;
	ret->ended_us = MUN_TIME_NONE;
	if (item == NULL)
		return;
	item->exchange_seq = e->seq;
	item->last_seq = e->seq;
	if (!mun_purpose_mutates(e->u.request.purpose))
		return;
	item->state = MUN_I_IN_FLIGHT;
	item->verdict = MUN_V_NONE;
	item->how = MUN_HOW_NONE;
	item->probe_first = false;
	item->attempts = e->u.request.attempt;
	item->unanswered++;
	item->request_seq = e->seq;
	item->response_seq = MUN_NO_SEQ;
	item->settled_seq = MUN_NO_SEQ;
	item->retry_at_us = MUN_TIME_NONE;
}

/* how: what established that the last attempt had no effect */
static void set_pending(struct mun_item *item, const struct mun_batch *batch, enum mun_how how,
                        int64_t retry_at_us)
{
	item->state = batch->cancelled ? MUN_I_CANCELLED : MUN_I_PENDING;
	item->how = how;
	item->retry_at_us = retry_at_us;
}

static void final(struct mun_item *item, enum mun_item_state state, enum mun_how how)
{
	item->state = state;
	item->how = how;
	item->retry_at_us = MUN_TIME_NONE;
}

/* The table of verdicts for the item that the request was for. */
static void judge(struct mun_item *item, const struct mun_batch *batch, const struct mun_entry *e)
{
	enum mun_verdict v = e->u.response.verdict;
	unsigned http = e->u.response.http;

	switch (v) {
	case MUN_V_ARCHIVED:
	case MUN_V_RESTORED:
	case MUN_V_ALREADY_ARCHIVED:
	case MUN_V_ALREADY_ACTIVE:
		final(item, success_state(batch, v), MUN_HOW_RESPONSE);
		break;
	case MUN_V_REJECTED:
	case MUN_V_NOT_FOUND:
	case MUN_V_DENIED:
		final(item, MUN_I_FAILED, MUN_HOW_RESPONSE);
		break;
	case MUN_V_BLOCKED:
		if (attempts_used_up(item, batch)) {
			final(item, MUN_I_FAILED, MUN_HOW_RESPONSE);
			break;
		}
		set_pending(item, batch, MUN_HOW_RESPONSE, e->u.response.retry_at_us);
		break;
	case MUN_V_CONFIG_ERROR:
		if (http >= 300 && http < 400) {
			final(item, MUN_I_IN_DOUBT, MUN_HOW_NONE);
			break;
		}
		set_pending(item, batch, MUN_HOW_RESPONSE, e->u.response.retry_at_us);
		break;
	case MUN_V_RATE_LIMITED:
	case MUN_V_NOT_SENT:
	case MUN_V_AUTH_LOST:
	case MUN_V_PLAN_LIMIT:
		set_pending(item, batch, MUN_HOW_RESPONSE, e->u.response.retry_at_us);
		break;
	default:
		final(item, MUN_I_IN_DOUBT, MUN_HOW_NONE);
		item->retry_at_us = e->u.response.retry_at_us; /* when it may be asked about */
		break;
	}
}

/* What the answer to an attempt makes of its item. */
static void answer_item(struct mun_item *item, bool late, const struct mun_batch *batch,
                        const struct mun_entry *e)
{
	enum mun_verdict v = e->u.response.verdict;

	item->unanswered -= item->unanswered > 0 ? 1 : 0;
	if (v != MUN_V_RATE_LIMITED && v != MUN_V_NOT_SENT)
		item->answered++;
	if (late)
		return;
	item->verdict = v;
	item->response_seq = e->seq;
	if (e->u.response.archived_at != NULL)
		copy_time(item->archived_at, e->u.response.archived_at);
	judge(item, batch, e);
}

void mun_fold_response(struct mun_item *item, struct mun_exchange *x, const struct mun_batch *batch,
                       const struct mun_entry *e)
{
	enum mun_verdict v = e->u.response.verdict;
	/* A process that another one took over from may record its answer after a probe or a
	 * decision has settled the attempt: what is known by then stays. */
	bool late = x->settled_seq != MUN_NO_SEQ;
	bool doubt = false;

	if (item != NULL && mun_purpose_mutates(x->purpose)) {
		answer_item(item, late, batch, e);
		doubt = item->state == MUN_I_IN_DOUBT;
	}
	if (item != NULL && x->purpose == MUN_P_PROBE && v == MUN_V_NO_ANSWER &&
	    item->state == MUN_I_PENDING && item->request_seq == MUN_NO_SEQ)
		final(item, MUN_I_IN_DOUBT, MUN_HOW_NONE); /* another attempt for the run is open */
	if (item != NULL && x->purpose == MUN_P_PROBE && v == MUN_V_NO_ANSWER &&
	    item->state == MUN_I_IN_DOUBT)
		item->retry_at_us = e->u.response.retry_at_us; /* when it may be asked again */
	if (item != NULL)
		item->last_seq = e->seq;
	x->answer = v;
	x->http = e->u.response.http;
	x->sent = e->u.response.sent;
	x->response_seq = e->seq;
	x->ended_us = e->time_us;
	if (late)
		return;
	copy_time(x->archived_at, e->u.response.archived_at);
	if (!doubt) {
		x->verdict = v;
		x->how = MUN_HOW_RESPONSE;
	}
}

static void settle_exchange(struct mun_exchange *x, enum mun_verdict v, enum mun_how how,
                            uint64_t seq, const char *archived_at)
{
	if (x == NULL)
		return;
	x->verdict = v;
	x->how = how;
	x->settled_seq = seq;
	if (archived_at != NULL && archived_at[0] != '\0')
		copy_time(x->archived_at, archived_at);
}

void mun_fold_settle(struct mun_item *item, struct mun_exchange *x, const struct mun_batch *batch,
                     const struct mun_settle *s, const struct mun_entry *e)
{
	settle_exchange(x, s->verdict, MUN_HOW_PROBE, e->seq, s->archived_at);
	item->verdict = s->verdict;
	item->settled_seq = e->seq;
	item->last_seq = e->seq;
	if (s->archived_at[0] != '\0')
		copy_time(item->archived_at, s->archived_at);
	if (mun_verdict_is_success(s->verdict)) {
		final(item, success_state(batch, s->verdict), MUN_HOW_PROBE);
	} else if (s->verdict == MUN_V_NO_EFFECT) {
		if (attempts_used_up(item, batch) && !batch->cancelled)
			final(item, MUN_I_FAILED, MUN_HOW_PROBE);
		else
			set_pending(item, batch, MUN_HOW_PROBE, e->u.response.retry_at_us);
	} else if (s->verdict == MUN_V_AUTH_LOST) { /* GET /me was refused as well */
		set_pending(item, batch, MUN_HOW_PROBE, MUN_TIME_NONE);
	} else if (s->verdict == MUN_V_NOT_FOUND || s->verdict == MUN_V_REJECTED ||
	           s->verdict == MUN_V_DENIED) {
		final(item, MUN_I_FAILED, MUN_HOW_PROBE);
	}
}

void mun_fold_decision(struct mun_item *item, struct mun_exchange *x, const struct mun_batch *batch,
                       const struct mun_entry *e)
{
	enum mun_verdict v = e->u.decision.verdict;

	settle_exchange(x, v, MUN_HOW_DECISION, e->seq, NULL);
	item->verdict = v;
	item->settled_seq = e->seq;
	item->last_seq = e->seq;
	if (mun_verdict_is_success(v)) {
		final(item, success_state(batch, v), MUN_HOW_DECISION);
		return;
	}
	item->extra++;
	item->probe_first = true;
	set_pending(item, batch, MUN_HOW_DECISION, MUN_TIME_NONE);
}

/* What is in flight is in doubt by itself. */
static void doubt_pending(struct mun_batch *batch, uint64_t seq)
{
	uint64_t idle = batch->counts.pending - batch->in_flight;

	if (batch->cancelled)
		return; /* nothing is pending */
	batch->doubted_seq = seq;
	batch->counts.pending -= idle;
	batch->counts.in_doubt += idle;
}

void mun_fold_start(struct mun_batch *batch, const struct mun_plan *plan, const struct mun_entry *e)
{
	if (e->kind == MUN_K_BATCH_STARTED) {
		memset(batch, 0, sizeof(*batch));
		batch->batch = e->batch;
		batch->plan = e->u.start.plan;
		batch->op = plan->op;
		batch->org = plan->org;
		batch->items = plan->items;
		batch->counts.total = plan->items + plan->duplicates;
		batch->counts.pending = plan->items;
		batch->counts.skipped = plan->duplicates;
		batch->started_seq = e->seq;
		batch->started_us = e->time_us;
		batch->ended_us = MUN_TIME_NONE;
		batch->doubted_seq = MUN_NO_SEQ;
	}
	if (e->u.start.all_in_doubt)
		doubt_pending(batch, e->seq);
	batch->epoch = e->u.start.epoch;
	batch->newest_start_seq = e->seq;
	batch->last_seq = e->seq;
	batch->cancelling = false;
	if (e->u.start.resolving)
		return; /* asks only: what the batch is and why it waits stays */
	batch->attempts_limit = e->u.start.attempts;
	batch->state = MUN_B_RUNNING;
	batch->why[0] = '\0';
	batch->ended_us = MUN_TIME_NONE;
}

static enum mun_batch_state paused_state(const char *word)
{
	if (word != NULL && strcmp(word, "halted") == 0)
		return MUN_B_HALTED;
	if (word != NULL && strcmp(word, "stopped") == 0)
		return MUN_B_STOPPED;
	return MUN_B_INTERRUPTED;
}

static enum mun_batch_state ended_state(const char *word)
{
	for (unsigned s = MUN_B_DONE; word != NULL && s < MUN_BATCH_STATES; s++) {
		if (strcmp(mun_batch_state_name((enum mun_batch_state)s), word) == 0)
			return (enum mun_batch_state)s;
	}
	return MUN_B_DONE;
}

void mun_fold_cancelling(struct mun_batch *batch, const struct mun_entry *e)
{
	batch->cancelling = true;
	batch->cancelling_seq = e->seq;
	batch->last_seq = e->seq;
}

void mun_fold_pause(struct mun_batch *batch, const struct mun_entry *e)
{
	const char *why = e->u.pause.why;

	mun_text_copy(batch->why, sizeof(batch->why), why != NULL ? why : "",
	              why != NULL ? strlen(why) : 0);
	batch->last_seq = e->seq;
	if (e->kind == MUN_K_BATCH_PAUSED) {
		batch->state = paused_state(e->u.pause.state);
		return;
	}
	batch->state = ended_state(e->u.pause.state);
	batch->cancelled |= batch->state == MUN_B_CANCELLED; /* also what is settled later */
	batch->cancelling = false;
	batch->ended_us = e->time_us;
}

static uint64_t *bucket(struct mun_counts *n, enum mun_item_state s)
{
	switch (s) {
	case MUN_I_DONE:
		return &n->done;
	case MUN_I_ALREADY:
		return &n->already;
	case MUN_I_FAILED:
		return &n->failed;
	case MUN_I_IN_DOUBT:
		return &n->in_doubt;
	case MUN_I_SKIPPED:
		return &n->skipped;
	case MUN_I_CANCELLED:
		return &n->cancelled;
	default:
		return &n->pending;
	}
}

void mun_fold_move(struct mun_batch *batch, enum mun_item_state from, enum mun_item_state to,
                   uint64_t n)
{
	if (from == to)
		return;
	*bucket(&batch->counts, from) -= n;
	*bucket(&batch->counts, to) += n;
	if (from == MUN_I_IN_FLIGHT)
		batch->in_flight -= n;
	if (to == MUN_I_IN_FLIGHT)
		batch->in_flight += n;
}

void mun_fold_after_settling(struct mun_batch *batch)
{
	const struct mun_counts n = mun_batch_at_rest(batch);
	uint64_t duplicates = n.total - batch->items;

	if (batch->state != MUN_B_DONE_IN_DOUBT)
		return;
	if (n.pending > 0) {
		batch->state = MUN_B_INTERRUPTED;
		batch->ended_us = MUN_TIME_NONE;
	} else if (n.in_doubt == 0) {
		bool whole = n.failed == 0 && n.cancelled == 0 && n.skipped == duplicates;

		batch->state = whole ? MUN_B_DONE : MUN_B_DONE_WITH_FAILURES;
	}
}
