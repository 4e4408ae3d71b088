/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer to a mutating request becomes its response entry and the next stage of its item.
 * The verdict of the answer alone is lib/remote/verdict.c; what one answer cannot know (another
 * attempt's archived_at, three in a row, the limit of attempts) is added here.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/engine/loop.h"
#include "cmd/engine/record.h"

struct mun_entry *mun_judge_response(struct mun_engine *e, const struct mun_flight *f,
                                     const struct mun_answer *a, enum mun_verdict v)
{
	struct mun_entry *r = mun_loop_entry(e, MUN_K_RESPONSE);

	if (f->slot != NULL) {
		r->item = f->slot->item;
		r->has_run = true;
		r->run = f->slot->row.run;
	}
	mun_record_answer(r, a, v, !e->o.no_bodies);
	r->u.response.request = f->tag;
	return r;
}

void mun_judge_finished(struct mun_engine *e, uint32_t item, uint64_t seq)
{
	if (seq == MUN_NO_SEQ || e->finished_len == MUN_ARRAY_LEN(e->finished_seq))
		return; /* no attempt of ours came of it */
	e->finished_item[e->finished_len] = item;
	e->finished_seq[e->finished_len++] = seq;
}

void mun_judge_final(struct mun_engine *e, struct mun_slot *s, enum mun_verdict v, uint64_t seq)
{
	mun_judge_finished(e, s->item, seq);
	mun_slot_drop(e, s);
	if (mun_verdict_is_success(v)) {
		e->guard.done += v == e->op->done;
		mun_guard_success(e);
	}
	if (e->o.stop_on_failures > 0 && e->guard.failures >= e->o.stop_on_failures)
		mun_loop_halt(e, MUN_WHY_STOP_ON_FAILURES, "");
}

static uint32_t limit_of(const struct mun_engine *e, const struct mun_slot *s)
{
	return e->o.attempts + s->st.extra;
}

/* Archived long before our request, and no lost attempt of ours did it. */
static bool is_older_than_us(const struct mun_engine *e, const struct mun_flight *f,
                             const struct mun_run_doc *run)
{
	const struct mun_slot *s = f->slot;

	if (!e->op->goal_archived || run->archived != MUN_ARCHIVED_TIME)
		return false;
	return run->comparable &&
	       run->archived_us < mun_loop_server_us(e, (int64_t)f->sent_ms) - MUN_SKEW_US &&
	       !mun_settle_explains(e, s, run);
}

static void done(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a,
                 const struct mun_run_doc *run, size_t index)
{
	enum mun_verdict v = is_older_than_us(e, f, run) ? e->op->already : e->op->done;
	struct mun_entry *r = mun_judge_response(e, f, a, v);

	if (run->archived == MUN_ARCHIVED_TIME) {
		(void)snprintf(e->texts[index], sizeof(e->texts[index]), "%s", run->archived_at);
		r->u.response.archived_at = e->texts[index];
	}
	mun_judge_final(e, f->slot, v, f->tag);
}

/* Certainly not executed: the item is to be sent again, after a wait. */
static void retry(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a,
                  const struct mun_judgement *j)
{
	struct mun_slot *s = f->slot;
	struct mun_entry *r = mun_judge_response(e, f, a, j->verdict);
	uint64_t wait_ms;

	if (mun_pause_is(a)) {
		wait_ms = mun_pause_all(e, f, a, r);
	} else {
		wait_ms = mun_pause_one(e, a, ++s->failures, r);
		s->st.answered++;
		if (++e->guard.blocked_row >= 3)
			mun_loop_halt(e, MUN_WHY_BLOCKED, "");
	}
	s->st.unanswered--;
	s->stage = MUN_STAGE_SEND;
	s->due_ms = mun_loop_ms(e) + wait_ms;
	s->st.state = MUN_I_PENDING;
	if (s->st.answered >= limit_of(e, s)) {
		mun_guard_failed(e, j->verdict, a->http, false);
		mun_judge_final(e, s, j->verdict, f->tag);
	} else {
		mun_judge_finished(e, s->item, f->tag);
	}
}

/* One more attempt whose own answer does not tell whether it had an effect. */
static void remember(struct mun_slot *s, int64_t sent_ms, int64_t ended_ms)
{
	if (s->tried_len == MUN_TRIED) /* the newest count */
		memmove(&s->tried[0], &s->tried[1], --s->tried_len * sizeof(s->tried[0]));
	s->tried[s->tried_len++] = (struct mun_tried){ sent_ms, ended_ms };
}

/* In doubt: the first probe goes at once, after a 5xx with Retry-After then. */
static void doubt(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a,
                  const struct mun_judgement *j, enum mun_verdict maybe)
{
	struct mun_slot *s = f->slot;

	struct mun_entry *r =
		mun_judge_response(e, f, a, maybe != MUN_V_NONE ? MUN_V_UNKNOWN : j->verdict);

	if (maybe == MUN_V_NONE)
		remember(s, (int64_t)f->sent_ms, e->now.uptime_ms);
	s->st.state = MUN_I_IN_DOUBT;
	s->st.answered++;
	s->st.unanswered--;
	s->stage = MUN_STAGE_PROBE;
	s->maybe = maybe;
	s->http = a->http;
	s->before_first = s->decided = s->foreign = false;
	s->tries = 0;
	s->unconfirmed = j->verdict == MUN_V_UNVERIFIED;
	s->settled_after_ms = mun_loop_ms(e) + e->o.settle_ms;
	s->due_ms = mun_loop_ms(e);
	if (a->http >= 500 && a->retry_after_s > 0)
		s->due_ms += mun_pause_one(e, a, 1, r);
}

static enum mun_why stop_reason(const struct mun_answer *a, const struct mun_judgement *j)
{
	if (a->send == MUN_SEND_BAD_CERT)
		return MUN_WHY_CERTIFICATE;
	if (a->http >= 300 && a->http < 400)
		return MUN_WHY_REDIRECT;
	if (j->verdict == MUN_V_PLAN_LIMIT)
		return MUN_WHY_PLAN_LIMIT;
	return j->verdict == MUN_V_UNVERIFIED ? MUN_WHY_OTHER_ID : MUN_WHY_CONFIG;
}

static void stop(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a,
                 const struct mun_judgement *j)
{
	enum mun_why why = stop_reason(a, j);

	(void)mun_judge_response(e, f, a, j->verdict);
	if (j->class_ == MUN_CLASS_STOP) {
		mun_judge_finished(e, f->slot->item, f->tag);
		mun_slot_drop(e, f->slot);
	} else {
		mun_slot_unresolved(e, f->slot);
	}
	mun_loop_halt(e, why, why == MUN_WHY_REDIRECT ? a->location_host : a->error);
}

static void failed(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a,
                   const struct mun_judgement *j)
{
	(void)mun_judge_response(e, f, a, j->verdict);
	mun_guard_failed(e, j->verdict, a->http, j->halt_exit != 0 && j->verdict == MUN_V_REJECTED);
	mun_judge_final(e, f->slot, j->verdict, f->tag);
}

static void ask_me(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a)
{
	(void)mun_judge_response(e, f, a, MUN_V_UNKNOWN);
	f->slot->st.state = MUN_I_IN_DOUBT;
	f->slot->st.answered++;
	f->slot->st.unanswered--;
	f->slot->stage = MUN_STAGE_ME;
	f->slot->due_ms = mun_loop_ms(e);
	f->slot->tries = 0;
}

static void judge_mutation(struct mun_engine *e, const struct mun_flight *f,
                           const struct mun_answer *a, size_t index)
{
	struct mun_observation seen;
	struct mun_run_doc run;
	struct mun_judgement j;

	mun_answer_observe(&seen, a, &f->slot->row.run, e->op->goal_archived, &run);
	j = mun_judge_answer(&seen, e->op->done);
	mun_guard_infra(e, j.infra);
	if (j.verdict != MUN_V_BLOCKED)
		e->guard.blocked_row = 0;
	if (j.verdict != MUN_V_UNVERIFIED && j.class_ != MUN_CLASS_DONE)
		e->guard.unverified_row = 0;
	switch (j.class_) {
	case MUN_CLASS_DONE:
		done(e, f, a, &run, index);
		break;
	case MUN_CLASS_RETRY:
		retry(e, f, a, &j);
		break;
	case MUN_CLASS_DOUBT:
		doubt(e, f, a, &j, MUN_V_NONE);
		break;
	case MUN_CLASS_FAILED_IF_PROBE:
		doubt(e, f, a, &j, j.verdict);
		break;
	case MUN_CLASS_FAILED:
		failed(e, f, a, &j);
		break;
	case MUN_CLASS_STOP:
	case MUN_CLASS_STOP_DOUBT:
		stop(e, f, a, &j);
		break;
	case MUN_CLASS_ASK_ME:
		ask_me(e, f, a);
		break;
	}
}

struct mun_settle *mun_judge_settle(struct mun_engine *e, struct mun_entry *r,
                                    const struct mun_slot *s, enum mun_verdict v)
{
	struct mun_settle *t = &e->settles[e->settles_len++];

	/* an attempt of this journal that was settled before is not what such an answer is about */
	*t = (struct mun_settle){ .batch = e->batch.batch,
		                  .item = s->item,
		                  .request = s->foreign && v != e->op->done ? MUN_NO_SEQ
		                                                            : s->st.request_seq,
		                  .verdict = v };
	if (r->u.response.settles_len++ == 0)
		r->u.response.settles = t;
	return t;
}

/* GET /me after a 401: refused too, the token is gone; answered, the refusal was about the run. */
static void judge_me(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a)
{
	struct mun_slot *s = f->slot;
	struct mun_me me;
	bool accepted = a->send == MUN_SEND_OK &&
	                ((a->http / 100 == 2 && mun_answer_me(&me, a->body, a->body_len)) ||
	                 ((a->http == 403 || a->http == 404) && mun_answer_is_json(a)));
	struct mun_entry *r = mun_judge_response(e, f, a, accepted ? MUN_V_OK : MUN_V_NO_ANSWER);

	mun_breaker_read(e, accepted);
	if (s == NULL)
		return;
	s->unasked = false;
	if (mun_pause_is(a)) {
		s->stage = MUN_STAGE_ME;
		s->due_ms = mun_loop_ms(e) + mun_pause_all(e, f, a, r);
	} else if (a->http == 401 || (!accepted && ++s->tries >= e->o.attempts)) {
		(void)mun_judge_settle(e, r, s, MUN_V_AUTH_LOST);
		mun_judge_finished(e, s->item, s->st.request_seq);
		mun_slot_drop(e, s);
		mun_loop_halt(e, MUN_WHY_AUTH_LOST, "");
	} else if (accepted) {
		(void)mun_judge_settle(e, r, s, MUN_V_DENIED);
		mun_guard_failed(e, MUN_V_DENIED, 401, false);
		mun_judge_final(e, s, MUN_V_DENIED, s->st.request_seq);
	} else {
		s->stage = MUN_STAGE_ME;
		s->due_ms = mun_loop_ms(e) + mun_pause_one(e, a, s->tries, NULL);
	}
}

void mun_judge(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a,
               size_t index)
{
	mun_pause_learn(e, a);
	if (a->send == MUN_SEND_BAD_CERT && f->kind != MUN_FLIGHT_MUTATE) {
		(void)mun_judge_response(e, f, a, MUN_V_NO_ANSWER);
		e->walk.flying = false;
		mun_loop_halt(e, MUN_WHY_CERTIFICATE, a->error);
		return;
	}
	switch (f->kind) {
	case MUN_FLIGHT_MUTATE:
		judge_mutation(e, f, a, index);
		break;
	case MUN_FLIGHT_PROBE:
		mun_probe_answer(e, f, a);
		break;
	case MUN_FLIGHT_PAGE:
		mun_walk_page(e, f, a);
		break;
	case MUN_FLIGHT_TEST:
		mun_walk_test(e, f, a);
		break;
	case MUN_FLIGHT_ME:
		judge_me(e, f, a);
		break;
	}
}
