/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a read of the server establishes about one item: whether the goal is reached and by whom,
 * whether an attempt had no effect, or that nothing can be said yet.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/engine/loop.h"

static uint64_t now_ms(const struct mun_engine *e)
{
	return (uint64_t)e->now.uptime_ms;
}

/*
 * Does the attempt of ours explain the goal? A restore always; an archive when archived_at is no
 * other attempt's and lies between its request and the end of its transfer, in server time with
 * room for skew and settling. A date alone, or a time without zone, is not compared.
 */
static bool explains(const struct mun_engine *e, const struct mun_slot *s,
                     const struct mun_run_doc *run)
{
	int64_t from, to;

	if (s->st.attempts == 0 || s->maybe != MUN_V_NONE)
		return false;
	if (!e->op->goal_archived)
		return true;
	if (s->other_archived_at[0] != '\0' && strcmp(s->other_archived_at, run->archived_at) == 0)
		return false;
	if (!run->comparable)
		return true;
	from = s->sent_us + e->server_offset_us - MUN_SKEW_US;
	to = s->ended_us != MUN_TIME_NONE ? s->ended_us
	                                  : s->sent_us + (int64_t)e->o.timeout_ms * 1000;
	to += e->server_offset_us + (int64_t)e->o.settle_ms * 1000 + MUN_SKEW_US;
	return run->archived_us >= from && run->archived_us <= to;
}

static void reached(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s,
                    const struct mun_run_doc *run)
{
	enum mun_verdict v = explains(e, s, run) ? e->op->done : e->op->already;
	struct mun_settle *t = mun_judge_settle(e, r, s, v);

	if (run->archived == MUN_ARCHIVED_TIME)
		(void)snprintf(t->archived_at, sizeof(t->archived_at), "%s", run->archived_at);
	mun_judge_final(e, s, v, s->st.request_seq);
}

static void fails(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s, enum mun_verdict v)
{
	(void)mun_judge_settle(e, r, s, v);
	mun_guard_failed(e, v, s->http);
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

static void no_effect(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s,
                      const struct mun_run_doc *run)
{
	uint32_t limit = e->o.attempts + s->st.extra;
	bool drifted = run != NULL && run->updated_us != MUN_TIME_NONE &&
	               run->updated_us > s->sent_us + e->server_offset_us;

	if (s->st.unanswered >= limit) { /* as often lost as it may be: a person must look */
		mun_loop_drop(e, s);
		return;
	}
	(void)mun_judge_settle(e, r, s, MUN_V_NO_EFFECT);
	if (drifted) {
		skip_drifted(e, s);
	} else if (s->st.answered >= limit) {
		mun_guard_failed(e, MUN_V_NO_EFFECT, 0);
		mun_judge_final(e, s, MUN_V_NO_EFFECT, s->st.request_seq);
	} else {
		uint64_t wait_ms = mun_wait_ms(-1, ++s->failures, mun_random_below(UINT32_MAX));

		r->u.response.retry_at_us = e->now.real_us + (int64_t)wait_ms * 1000;
		s->st.state = MUN_I_PENDING;
		s->stage = MUN_STAGE_SEND;
		s->due_ms = now_ms(e) + wait_ms;
		if (e->o.resolving)
			mun_loop_drop(e, s);
	}
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
		s->cleared = true;
		s->stage = MUN_STAGE_SEND;
		s->due_ms = now_ms(e);
		if (e->o.resolving)
			mun_loop_drop(e, s);
	} else {
		no_effect(e, r, s, run);
	}
}

static void gone(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s)
{
	if (s->maybe != MUN_V_NONE)
		fails(e, r, s, s->maybe);
	else if (s->before_first && s->st.attempts == 0)
		fails(e, r, s, MUN_V_NOT_FOUND);
	else
		mun_loop_drop(e, s); /* unresolved: stays in doubt, never sent again */
}

void mun_settle_item(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s,
                     enum mun_found found, const struct mun_run_doc *run, int64_t retry_after_s)
{
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
		not_confirmed(e, s);
		if (++s->tries >= e->o.attempts) {
			mun_loop_drop(e, s);
			break;
		}
		s->stage = MUN_STAGE_PROBE;
		s->due_ms = now_ms(e) +
		            mun_wait_ms(retry_after_s, s->tries, mun_random_below(UINT32_MAX));
		break;
	}
}
