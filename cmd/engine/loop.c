/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds: what is ready now, never waiting for more, becomes one group and one commit; then it is
 * sent. A crash in between leaves requests without response: items in doubt, about which the
 * next start asks the server.
 */
#include "cmd/engine/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/record.h"

#define DRAW_MS          200
#define IDLE_MS          1000
#define RETRY_REFUSED_MS 1000

struct mun_entry *mun_loop_entry(struct mun_engine *e, enum mun_kind kind)
{
	struct mun_entry *r;

	assert(e->entries_len < MUN_ARRAY_LEN(e->entries));
	r = &e->entries[e->entries_len++];
	*r = (struct mun_entry){ .kind = kind, .item = MUN_NO_ITEM };
	r->has_batch = r->has_org = true;
	r->batch = e->batch.batch;
	r->org = e->batch.org;
	return r;
}

void mun_loop_intend(struct mun_engine *e, const struct mun_flight *f, const struct mun_request *r,
                     enum mun_purpose purpose)
{
	struct mun_slot *s = f->slot;
	size_t i = e->intents_len++;
	struct mun_entry *entry;

	e->requests[i] = *r;
	e->intents[i] = *f;
	e->intent_entry[i] = e->entries_len;
	entry = mun_loop_entry(e, MUN_K_REQUEST);
	if (s != NULL) {
		entry->item = s->item;
		entry->has_run = true;
		entry->run = s->row.run;
	}
	mun_record_request(entry, &e->requests[i], &e->o.base, e->o.token_fingerprint, purpose);
	entry->u.request.epoch = e->batch.epoch;
	if (s != NULL && f->kind == MUN_FLIGHT_MUTATE) {
		entry->u.request.attempt = s->st.attempts + 1;
		entry->u.request.reason = s->row.reason;
		entry->u.request.ticket = s->row.ticket;
		entry->elsewhere_seen = s->cleared_seq;
	}
}

void mun_loop_halt(struct mun_engine *e, enum mun_why why, const char *detail)
{
	if (e->why != MUN_WHY_NONE)
		return;
	e->why = why;
	if (detail[0] != '\0')
		(void)snprintf(e->detail, sizeof(e->detail), "%s", detail);
}

/* ---- answers ---- */

static void take_answers(struct mun_engine *e)
{
	for (size_t i = 0; i < e->answers_len; i++) {
		for (size_t k = 0; k < e->flights_len; k++) {
			struct mun_flight f = e->flights[k];

			if (f.tag != e->answers[i].tag)
				continue;
			e->flights[k] = e->flights[--e->flights_len];
			e->mutating -= f.kind == MUN_FLIGHT_MUTATE;
			mun_judge(e, &f, &e->answers[i], i);
			break;
		}
	}
}

static void drop_answers(struct mun_engine *e)
{
	for (size_t i = 0; i < e->answers_len; i++)
		mun_answer_done(&e->answers[i]);
	e->answers_len = 0;
}

/* ---- one round ---- */

static void unsend(struct mun_engine *e, const struct mun_flight *f, uint64_t delay_ms)
{
	struct mun_slot *s = f->slot;

	if (f->kind == MUN_FLIGHT_MUTATE)
		e->mutating--;
	if (f->kind == MUN_FLIGHT_PAGE) {
		e->walk.flying = false;
		e->walk.due_ms = mun_loop_ms(e) + delay_ms;
	}
	if (f->kind == MUN_FLIGHT_TEST)
		e->test_wanted = true;
	if (s == NULL)
		return;
	s->due_ms = mun_loop_ms(e) + delay_ms;
	s->stage = f->kind == MUN_FLIGHT_MUTATE ? MUN_STAGE_SEND
	           : f->kind == MUN_FLIGHT_ME   ? MUN_STAGE_ME
	                                        : MUN_STAGE_PROBE;
}

static enum mun_code refused(struct mun_engine *e, const struct mun_flight *f, enum mun_refusal why,
                             struct mun_err *err)
{
	unsend(e, f, 0);
	switch (why) {
	case MUN_ADMITTED:
		break;
	case MUN_REFUSED_EPOCH:
		return mun_fail(err, MUN_E_STALE, "another process works on this batch now");
	case MUN_REFUSED_CANCELLED:
		e->draining = true;
		e->batch.cancelling = true;
		break;
	case MUN_REFUSED_WINDOW:
		break;
	case MUN_REFUSED_ELSEWHERE: /* came up since it was looked at: look again */
		f->slot->recheck = true;
		f->slot->due_ms = mun_loop_ms(e) + RETRY_REFUSED_MS;
		break;
	case MUN_REFUSED_NOT_PENDING: /* settled by somebody else meanwhile */
		mun_slot_drop(e, f->slot);
		break;
	}
	return MUN_OK;
}

/* As the fold of its entry changed the item. */
static void note_sent(struct mun_slot *s, const struct mun_entry *entry, int64_t sent_ms)
{
	s->sent_ms = sent_ms;
	s->here = true;
	s->st.state = MUN_I_IN_FLIGHT;
	s->st.request_seq = entry->seq;
	s->st.attempts++;
	s->st.unanswered++;
}

static enum mun_code send_admitted(struct mun_engine *e, struct mun_err *err)
{
	for (size_t i = 0; i < e->intents_len; i++) {
		struct mun_flight *f = &e->intents[i];
		struct mun_entry *entry = &e->entries[e->intent_entry[i]];
		enum mun_code code;

		if (entry->refused != MUN_ADMITTED) {
			code = refused(e, f, entry->refused, err);
			if (code != MUN_OK)
				return code;
			continue;
		}
		f->tag = entry->seq;
		f->sent_ms = mun_loop_ms(e);
		if (f->kind == MUN_FLIGHT_MUTATE)
			note_sent(f->slot, entry, e->now.uptime_ms);
		e->flights[e->flights_len++] = *f;
		code = e->o.wire->start(
			e->o.wire, f->tag, &e->requests[i],
			f->kind == MUN_FLIGHT_PAGE ? MUN_ANSWER_LIST_MAX : MUN_ANSWER_RUN_MAX, err);
		if (code != MUN_OK)
			return code;
	}
	return MUN_OK;
}

static void report_lost(struct mun_engine *e)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	struct mun_err ignored;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	for (size_t i = 0; e->o.lost != NULL && i < e->entries_len; i++) {
		mun_buf_clear(&line);
		e->entries[i].time_us = e->now.real_us;
		e->entries[i].uptime_ms = mun_loop_ms(e);
		if (e->entries[i].kind == MUN_K_RESPONSE &&
		    mun_entry_encode(&line, &e->entries[i], &ignored) == MUN_OK)
			e->o.lost(e->o.arg, mun_buf_str(&line));
	}
}

enum mun_code mun_loop_commit(struct mun_engine *e, struct mun_err *err)
{
	struct mun_group g = { .entries = e->entries,
		               .len = e->entries_len,
		               .rate = &e->o.rate,
		               .target = e->target,
		               .in_flight = (uint32_t)e->flights_len };
	enum mun_code code;

	if (e->entries_len == 0)
		return MUN_OK;
	code = mun_journal_append(e->o.journal, &g, err);
	if (code == MUN_E_FULL && e->intents_len > 0 && e->intent_entry[0] > 0) {
		/* no room for intents: the answers alone go into what was reserved for them */
		for (size_t i = 0; i < e->intents_len; i++)
			unsend(e, &e->intents[i], 0);
		e->intents_len = 0;
		g.len = e->entries_len = e->intent_entry[0];
		if (mun_journal_append(e->o.journal, &g, err) != MUN_OK)
			report_lost(e);
		return code;
	}
	if (code != MUN_OK)
		report_lost(e);
	return code;
}

enum mun_code mun_loop_refresh(struct mun_engine *e, struct mun_err *err)
{
	enum mun_code code = mun_journal_batch(e->o.journal, &e->batch.batch, &e->batch, err);

	if (code == MUN_OK && e->batch.cancelling)
		e->draining = true;
	for (size_t i = 0; code == MUN_OK && i < e->finished_len && e->o.finished != NULL; i++)
		e->o.finished(e->o.arg, e->finished_item[i], e->finished_seq[i]);
	e->finished_len = 0;
	return code;
}

static enum mun_code run_round(struct mun_engine *e, uint32_t *next, struct mun_err *err)
{
	enum mun_code code;
	uint32_t epoch = e->batch.epoch;

	e->entries_len = e->intents_len = e->settles_len = e->ranges_len = 0;
	take_answers(e);
	code = mun_schedule_intents(e, next, err);
	if (code == MUN_OK)
		code = mun_loop_commit(e, err);
	if (code == MUN_OK && e->entries_len > 0)
		code = mun_loop_refresh(e, err);
	if (code == MUN_OK && e->batch.epoch != epoch)
		code = mun_fail(err, MUN_E_STALE, "another process works on this batch now");
	if (code == MUN_OK)
		code = send_admitted(e, err);
	drop_answers(e);
	return code;
}

/* ---- waiting ---- */

/* When the next thing can happen that is not an answer; a pause of the whole batch included. */
static uint64_t next_due(const struct mun_engine *e)
{
	uint64_t at = MUN_NEVER;
	uint64_t pause_ms =
		e->window_until_ms > e->network_until_ms ? e->window_until_ms : e->network_until_ms;

	for (size_t i = 0; i < e->slots_len; i++) {
		const struct mun_slot *s = e->slots[i];

		if (s->stage != MUN_STAGE_FLYING && s->stage != MUN_STAGE_WALK && s->due_ms < at)
			at = s->due_ms;
	}
	if (e->breaker.open)
		at = e->breaker.due_ms;
	if (at == MUN_NEVER && pause_ms > mun_loop_ms(e))
		return pause_ms;
	return at < pause_ms ? pause_ms : at;
}

static uint64_t soonest(const struct mun_engine *e)
{
	uint64_t at = next_due(e);

	if (e->draw_owed && at > e->last_draw_ms + DRAW_MS)
		at = e->last_draw_ms + DRAW_MS;
	return at > mun_loop_ms(e) + IDLE_MS ? mun_loop_ms(e) + IDLE_MS : at;
}

/* Our own windows: how long until the next request may go. Such waits do not count as outage. */
static enum mun_code ask_window(struct mun_engine *e, struct mun_err *err)
{
	struct mun_window_state w;
	enum mun_code code = mun_journal_window(e->o.journal, e->target, &e->o.rate, &w, err);

	if (code == MUN_OK)
		memcpy(e->used, w.used, sizeof(e->used));
	if (code != MUN_OK || w.wait_ms == 0)
		return code;
	e->window_until_ms = mun_loop_ms(e) + w.wait_ms;
	if (w.blocked_until_us == MUN_TIME_NONE || w.blocked_until_us <= e->now.real_us) {
		e->last_good_ms = mun_loop_ms(e);
	} else if (w.wait_ms > e->o.max_wait_ms) {
		e->next_at_us = w.blocked_until_us;
		mun_loop_halt(e, MUN_WHY_RATE_LIMITED, "");
	}
	return MUN_OK;
}

static void check_stops(struct mun_engine *e)
{
	if (e->o.stop_at_us != MUN_TIME_NONE && e->now.real_us >= e->o.stop_at_us)
		mun_loop_halt(e, MUN_WHY_STOP_AT, "");
	if (e->o.stop_after > 0 && e->guard.done + e->guard.unresolved >= e->o.stop_after)
		mun_loop_halt(e, MUN_WHY_STOP_AFTER, "");
	if (e->o.signals == NULL || e->o.signals() == 0)
		return;
	mun_loop_halt(e, mun_why_of_signal(e->o.signal_number ? e->o.signal_number() : SIGINT), "");
	if (e->o.signals() >= 2)
		e->o.wire->abort(e->o.wire);
}

static void draw(struct mun_engine *e)
{
	struct mun_progress p = { .counts = e->batch.counts,
		                  .flying = (uint32_t)e->flights_len,
		                  .answers = e->answers_ever,
		                  .answers_5xx = e->answers_5xx };
	uint64_t until = next_due(e);
	struct mun_err ignored;

	e->draw_owed = e->o.progress != NULL && mun_loop_ms(e) - e->last_draw_ms < DRAW_MS;
	if (e->o.progress == NULL || e->draw_owed)
		return;
	e->last_draw_ms = mun_loop_ms(e);
	memcpy(p.used, e->used, sizeof(p.used));
	if (e->draining || e->why != MUN_WHY_NONE)
		p.phase = MUN_PHASE_DRAINING;
	else if (e->breaker.open)
		p.phase = MUN_PHASE_SERVER;
	else if (mun_loop_ms(e) < e->network_until_ms)
		p.phase = MUN_PHASE_NETWORK;
	else if (mun_loop_ms(e) < e->window_until_ms)
		p.phase = MUN_PHASE_QUOTA;
	else if (e->flights_len == 0 && e->slots_len > 0)
		p.phase = MUN_PHASE_SETTLING;
	if (until < e->window_until_ms)
		until = e->window_until_ms;
	if (until != MUN_NEVER && until > mun_loop_ms(e))
		p.until_ms = until - mun_loop_ms(e);
	if (mun_journal_eta(e->o.journal, e->target, &e->o.rate, p.counts.pending, &p.eta_ms,
	                    &ignored) != MUN_OK)
		p.eta_ms = 0; /* what the journal cannot say, the next commit will */
	e->o.progress(e->o.arg, &p);
}

static bool is_over(const struct mun_engine *e, uint32_t next)
{
	if (e->flights_len > 0 || e->answers_len > 0)
		return false;
	if (e->why != MUN_WHY_NONE || e->draining)
		return true;
	return e->open_done && e->slots_len == 0 &&
	       (next >= e->batch.items || (e->o.resolving && e->batch.doubted_seq == MUN_NO_SEQ));
}

static uint32_t wait_ms(const struct mun_engine *e, uint32_t again_ms)
{
	uint64_t at = soonest(e);
	uint32_t ms = at > mun_loop_ms(e) ? (uint32_t)(at - mun_loop_ms(e)) : 0;

	return ms < again_ms ? ms : again_ms;
}

static enum mun_code run_aside(struct mun_engine *e, uint32_t *ret_again_ms, struct mun_err *err)
{
	return e->o.aside != NULL ? e->o.aside(e->o.arg, ret_again_ms, err) : MUN_OK;
}

static enum mun_code loop(struct mun_engine *e, struct mun_err *err)
{
	uint32_t next = e->batch.next;
	enum mun_code code = MUN_OK;

	while (code == MUN_OK) {
		uint32_t again_ms = IDLE_MS;

		e->o.clock->now(e->o.clock, &e->now);
		check_stops(e);
		if (e->why == MUN_WHY_NONE && mun_loop_ms(e) >= e->window_until_ms)
			code = ask_window(e, err);
		if (code == MUN_OK)
			code = run_round(e, &next, err);
		if (code != MUN_OK || is_over(e, next))
			break;
		if (e->flights_len == 0)
			mun_pause_give_up(e);
		draw(e);
		code = run_aside(e, &again_ms, err);
		if (code != MUN_OK)
			break;
		e->o.clock->now(e->o.clock, &e->now);
		code = e->o.wire->wait(e->o.wire, wait_ms(e, again_ms), e->answers, MUN_FLIGHTS,
		                       &e->answers_len, err);
	}
	return code == MUN_OK ? mun_closing_batch(e, err) : code;
}

enum mun_code mun_engine_run(const struct mun_engine_options *o, struct mun_engine_result *ret,
                             struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) struct mun_engine *e = calloc(1, sizeof(*e));
	char org[MUN_ID_TEXT];
	enum mun_code code;

	*ret = (struct mun_engine_result){ .batch = o->batch, .next_at_us = MUN_TIME_NONE };
	if (e == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the engine");
	e->o = *o;
	e->batch = o->batch;
	e->op = &mun_ops[o->batch.op];
	mun_id_format(org, &o->batch.org);
	(void)snprintf(e->target, sizeof(e->target), "%s %s", o->base.host, org);
	e->get_serves_archived = -1;
	e->next_at_us = MUN_TIME_NONE;
	o->clock->now(o->clock, &e->now);
	e->started_ms = e->last_good_ms = mun_loop_ms(e);
	e->guard.any_success = o->batch.counts.done + o->batch.counts.already > 0;

	code = loop(e, err);
	if (code == MUN_E_NOTFOUND) /* what a run looks up is there, unless the file is another */
		code = mun_wrap(err, MUN_E_JOURNAL, "the journal %s was changed under the run",
		                mun_journal_dir(o->journal));

	ret->batch = e->batch;
	ret->batch.counts = mun_batch_at_rest(&e->batch); /* nobody runs it any more */
	ret->batch.in_flight = 0;
	ret->why = e->why;
	(void)snprintf(ret->detail, sizeof(ret->detail), "%s", e->detail);
	ret->next_at_us = e->next_at_us;
	while (e->slots_len > 0)
		mun_slot_free(e->slots[--e->slots_len]);
	drop_answers(e);
	return code;
}
