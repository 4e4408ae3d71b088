/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the server before sending again: GET of the run; where that is 404, the archived list. */
#include "cmd/engine/loop.h"

static void send_probe(struct mun_engine *e, struct mun_slot *s)
{
	struct mun_request r;
	struct mun_flight f = { .kind = MUN_FLIGHT_PROBE, .slot = s };

	mun_request_get_run(&r, &e->o.base, &e->batch.org, &s->row.run);
	s->stage = MUN_STAGE_FLYING;
	s->probed_ms = mun_loop_ms(e);
	mun_loop_intend(e, &f, &r, MUN_P_PROBE);
}

static void send_me(struct mun_engine *e, struct mun_slot *s)
{
	struct mun_request r;
	struct mun_flight f = { .kind = MUN_FLIGHT_ME, .slot = s };

	mun_request_me(&r, &e->o.base);
	if (s != NULL)
		s->stage = MUN_STAGE_FLYING;
	mun_loop_intend(e, &f, &r, MUN_P_IDENTITY);
}

/* While the breaker is open, one GET each time: the oldest open probe, else /me. */
static void breaker_intent(struct mun_engine *e)
{
	if (mun_loop_ms(e) < e->breaker.due_ms || e->flights_len > 0)
		return;
	for (size_t i = 0; i < e->slots_len; i++)
		if (e->slots[i]->stage == MUN_STAGE_PROBE) {
			send_probe(e, e->slots[i]);
			return;
		}
	send_me(e, NULL);
}

void mun_probe_intents(struct mun_engine *e, size_t room)
{
	if (e->breaker.open) {
		if (room > 0)
			breaker_intent(e);
		return;
	}
	mun_walk_intents(e, room);
	for (size_t i = 0; i < e->slots_len && e->intents_len < room; i++) {
		struct mun_slot *s = e->slots[i];

		if (s->due_ms > mun_loop_ms(e) || s->recheck)
			continue;
		if (s->stage == MUN_STAGE_PROBE)
			send_probe(e, s);
		else if (s->stage == MUN_STAGE_ME)
			send_me(e, s);
	}
}

/* What one GET of the run says by itself. */
static enum mun_found read_run(const struct mun_engine *e, const struct mun_slot *s,
                               const struct mun_answer *a, struct mun_run_doc *ret)
{
	if (a->send != MUN_SEND_OK || a->http / 100 != 2 ||
	    !mun_answer_run(ret, a->body, a->body_len) || !mun_id_equal(&ret->id, &s->row.run))
		return MUN_FOUND_NOTHING;
	return mun_found_in(e, ret);
}

static bool is_missing(const struct mun_engine *e, const struct mun_slot *s,
                       const struct mun_answer *a)
{
	struct mun_observation seen;
	struct mun_run_doc ignored;

	mun_answer_observe(&seen, a, &s->row.run, e->op->goal_archived, &ignored);
	return a->send == MUN_SEND_OK && a->http == 404 && seen.json && !seen.endpoint_not_found;
}

static enum mun_verdict verdict_of(enum mun_found found, const struct mun_run_doc *run)
{
	if (found == MUN_FOUND_GONE)
		return MUN_V_GONE;
	if (found == MUN_FOUND_NOTHING)
		return MUN_V_NO_ANSWER;
	return run->archived == MUN_ARCHIVED_TIME ? MUN_V_IS_ARCHIVED : MUN_V_IS_ACTIVE;
}

void mun_probe_answer(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a)
{
	struct mun_slot *s = f->slot;
	struct mun_run_doc run = { .updated_us = MUN_TIME_NONE };
	enum mun_found found = read_run(e, s, a, &run);
	bool missing = is_missing(e, s, a);
	struct mun_entry *r;

	mun_breaker_read(e, a->send == MUN_SEND_OK && a->http < 500);
	s->probe_seq = f->tag;
	if (missing && e->get_serves_archived == 1)
		found = MUN_FOUND_GONE;
	r = mun_judge_response(e, f, a, verdict_of(found, &run));
	if (mun_pause_is(a)) {
		s->stage = MUN_STAGE_PROBE;
		s->due_ms = mun_loop_ms(e) + mun_pause_all(e, f, a, r);
	} else if (missing && found == MUN_FOUND_NOTHING) {
		s->unasked = false;
		if (s->before_first && s->st.attempts == 0)
			s->st.state = MUN_I_IN_DOUBT; /* as the journal has it now */
		mun_walk_join(e, s);
	} else {
		mun_settle_item(e, r, s, found, &run, a);
	}
}
