/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a read of the server establishes about one item: whether the goal is reached and by whom,
 * whether an attempt had no effect, or that nothing can be said yet.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/engine/loop.h"

enum mun_found mun_found_in(const struct mun_engine *e, const struct mun_run_doc *run)
{
	if (run->archived == MUN_ARCHIVED_ABSENT)
		return MUN_FOUND_NOTHING;
	return (run->archived == MUN_ARCHIVED_TIME) == e->op->goal_archived ? MUN_FOUND_GOAL
	                                                                    : MUN_FOUND_NOT_GOAL;
}

/* Between its request and the end of its transfer, in server time, with room to settle. */
static bool fits(const struct mun_engine *e, const struct mun_tried *t, int64_t archived_us)
{
	int64_t from = mun_loop_server_us(e, t->sent_ms) - MUN_SKEW_US;
	int64_t ended_ms =
		t->ended_ms != MUN_TIME_NONE ? t->ended_ms : t->sent_ms + (int64_t)e->o.timeout_ms;
	int64_t to = mun_loop_server_us(e, ended_ms + (int64_t)e->o.settle_ms) + MUN_SKEW_US;

	return archived_us >= from && archived_us <= to;
}

/* A date alone, or a time without zone, is not compared and counts as ours. */
bool mun_settle_explains(const struct mun_engine *e, const struct mun_slot *s,
                         const struct mun_run_doc *run)
{
	if (s->tried_len == 0 || !e->op->goal_archived)
		return s->tried_len > 0;
	for (unsigned i = 0; i < s->tried_len; i++)
		if (!run->comparable || fits(e, &s->tried[i], run->archived_us))
			return true;
	return false;
}

static void reached(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s,
                    const struct mun_run_doc *run)
{
	enum mun_verdict v = mun_settle_explains(e, s, run) ? e->op->done : e->op->already;
	struct mun_settle *t = mun_judge_settle(e, r, s, v);

	if (run->archived == MUN_ARCHIVED_TIME)
		(void)snprintf(t->archived_at, sizeof(t->archived_at), "%s", run->archived_at);
	mun_judge_final(e, s, v, s->st.request_seq);
}

static void fails(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s, enum mun_verdict v)
{
	(void)mun_judge_settle(e, r, s, v);
	mun_guard_failed(e, v, s->http, v == MUN_V_REJECTED || s->http == 410);
	mun_judge_final(e, s, v, s->st.request_seq);
}

/* Three answers without evidence in a row that their first probes do not confirm. */
static void not_confirmed(struct mun_engine *e, struct mun_slot *s)
{
	if (!s->unconfirmed)
		return;
	s->unconfirmed = false;
	if (++e->guard.unverified_row >= 3)
		mun_loop_halt(e, MUN_WHY_UNVERIFIED, "");
}

static void skip_drifted(struct mun_engine *e, struct mun_slot *s)
{
	struct mun_range *range = &e->ranges[e->ranges_len++];
	struct mun_entry *skip = mun_loop_entry(e, MUN_K_ITEM_SKIPPED);

	*range = (struct mun_range){ s->item, s->item };
	skip->u.ranges.ranges = range;
	skip->u.ranges.ranges_len = 1;
	skip->u.ranges.why = "drift";
	mun_judge_final(e, s, MUN_V_NO_EFFECT, s->st.request_seq);
}

/* Pending again; a resolver leaves it there. */
static void send_again(struct mun_engine *e, struct mun_slot *s, uint64_t wait_ms)
{
	s->st.state = MUN_I_PENDING;
	s->stage = MUN_STAGE_SEND;
	s->due_ms = mun_loop_ms(e) + wait_ms;
	if (e->o.resolving)
		mun_slot_drop(e, s);
}

static void no_effect(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s,
                      const struct mun_run_doc *run)
{
	uint32_t limit = e->o.attempts + s->st.extra;
	bool drifted = run != NULL && run->updated_us != MUN_TIME_NONE &&
	               run->updated_us > mun_loop_server_us(e, s->sent_ms);

	if (s->st.unanswered >= limit) { /* as often lost as it may be: a person must look */
		mun_slot_unresolved(e, s);
		return;
	}
	(void)mun_judge_settle(e, r, s, MUN_V_NO_EFFECT);
	if (drifted) {
		skip_drifted(e, s);
	} else if (s->st.answered >= limit) {
		mun_guard_failed(e, MUN_V_NO_EFFECT, 0, false);
		mun_judge_final(e, s, MUN_V_NO_EFFECT, s->st.request_seq);
	} else {
		uint64_t wait_ms = mun_pause_one(e, NULL, ++s->failures, r);

		mun_judge_finished(e, s->item, s->st.request_seq);
		send_again(e, s, wait_ms);
	}
}

/* No attempt of its own is open: the way is free, as far as the probe's request entry. */
static void clear_to_send(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s)
{
	if (s->st.state == MUN_I_IN_DOUBT)
		(void)mun_judge_settle(e, r, s, MUN_V_NO_EFFECT);
	s->cleared_seq = s->probe_seq;
	send_again(e, s, 0);
}

static void not_reached(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s,
                        const struct mun_run_doc *run)
{
	if (s->maybe != MUN_V_NONE) {
		fails(e, r, s, s->maybe);
		return;
	}
	not_confirmed(e, s);
	if (s->probed_ms < s->settled_after_ms) { /* too early to mean anything */
		s->stage = MUN_STAGE_PROBE;
		s->due_ms = s->settled_after_ms;
		s->tries = 0;
	} else if (s->before_first) {
		clear_to_send(e, r, s);
	} else {
		no_effect(e, r, s, run);
	}
}

static void gone(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s)
{
	if (s->maybe != MUN_V_NONE)
		fails(e, r, s, s->maybe);
	else if (s->decided || (s->before_first && s->st.attempts == 0))
		fails(e, r, s, MUN_V_NOT_FOUND);
	else
		mun_slot_unresolved(e, s); /* stays in doubt, never sent again */
}

/* a is NULL where a list said nothing: its entry is not about this item. */
static void no_answer(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s,
                      const struct mun_answer *a)
{
	not_confirmed(e, s);
	if (s->decided) { /* the decision stands */
		s->cleared_seq = s->probe_seq;
		send_again(e, s, 0);
		return;
	}
	if (s->before_first && s->st.attempts == 0) /* as the journal has it now */
		s->st.state = MUN_I_IN_DOUBT;
	if (++s->tries >= e->o.attempts) {
		mun_slot_unresolved(e, s);
		return;
	}
	s->stage = MUN_STAGE_PROBE;
	s->due_ms = mun_loop_ms(e) + mun_pause_one(e, a, s->tries, a != NULL ? r : NULL);
}

void mun_settle_item(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s,
                     enum mun_found found, const struct mun_run_doc *run,
                     const struct mun_answer *a)
{
	s->unasked = false;
	switch (found) {
	case MUN_FOUND_GOAL:
		reached(e, r, s, run);
		break;
	case MUN_FOUND_NOT_GOAL:
		not_reached(e, r, s, run);
		break;
	case MUN_FOUND_GONE:
		gone(e, r, s);
		break;
	case MUN_FOUND_NOTHING:
		no_answer(e, r, s, a);
		break;
	}
}
