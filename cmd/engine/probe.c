/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the server before sending again: GET of the run; where that is 404, the archived list,
 * one walk for all who wait. Which question an item needs first, the journal knows.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/engine/loop.h"
#include "lib/file.h"

#define WALK_PAGES 20
#define PER_PAGE   100
#define PLACES     64

static uint64_t now_ms(const struct mun_engine *e)
{
	return (uint64_t)e->now.uptime_ms;
}

/* Uptime at which "settle after ended_us" is over; without an end it counts from now. */
static uint64_t settled_at(const struct mun_engine *e, int64_t ended_us)
{
	int64_t passed_ms = ended_us == MUN_TIME_NONE ? 0 : (e->now.real_us - ended_us) / 1000;

	if (passed_ms < 0)
		passed_ms = 0;
	if ((uint64_t)passed_ms >= e->o.settle_ms)
		return now_ms(e);
	return now_ms(e) + e->o.settle_ms - (uint64_t)passed_ms;
}

static enum mun_verdict to_confirm(unsigned http)
{
	if (http == 404 || http == 410)
		return MUN_V_NOT_FOUND;
	return http == 400 || http == 422 ? MUN_V_REJECTED : MUN_V_NONE;
}

/* An attempt of ours whose outcome is not known. */
static enum mun_code load_doubt(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
{
	struct mun_exchange x;
	enum mun_code code = mun_journal_exchange(e->o.journal, s->st.request_seq, &x, err);

	if (code != MUN_OK)
		return code;
	s->stage = MUN_STAGE_PROBE;
	s->sent_us = x.sent_us;
	s->ended_us = x.response_seq == MUN_NO_SEQ ? MUN_TIME_NONE : x.ended_us;
	s->settled_after_ms = settled_at(e, s->ended_us);
	if (x.response_seq != MUN_NO_SEQ) {
		s->maybe = to_confirm(x.http);
		s->http = x.http;
		if (x.http == 401)
			s->stage = MUN_STAGE_ME;
	}
	return MUN_OK;
}

static bool runner_lives(struct mun_engine *e, const struct mun_ref *batch)
{
	struct mun_err ignored;
	char path[4200];
	bool held = false;
	struct mun_buf text;

	mun_buf_init(&text, 4096);
	mun_journal_lock_path(e->o.journal, batch, path, sizeof(path));
	if (mun_lock_read(&text, &held, path, &ignored) != MUN_OK)
		held = false;
	mun_buf_done(&text);
	return held;
}

/* Another item with the same run: an open attempt, or the goal as its last outcome. */
static enum mun_code load_place(struct mun_engine *e, struct mun_slot *s, const struct mun_place *p,
                                uint64_t *newest, struct mun_err *err)
{
	struct mun_item other;
	struct mun_batch batch;
	struct mun_exchange x;
	enum mun_code code = mun_journal_item(e->o.journal, &p->batch, p->item, &other, err);

	if (code == MUN_OK)
		code = mun_journal_batch(e->o.journal, &p->batch, &batch, err);
	if (code != MUN_OK)
		return code;
	if (other.state == MUN_I_IN_FLIGHT || other.state == MUN_I_IN_DOUBT) {
		code = mun_journal_exchange(e->o.journal, other.request_seq, &x, err);
		if (code != MUN_OK)
			return code;
		s->before_first = true;
		s->recheck = runner_lives(e, &p->batch);
		s->settled_after_ms =
			settled_at(e, x.response_seq == MUN_NO_SEQ ? x.sent_us : x.ended_us);
	} else if ((other.state == MUN_I_DONE || other.state == MUN_I_ALREADY) &&
	           other.last_seq >= *newest) {
		*newest = other.last_seq;
		s->before_first = mun_ops[batch.op].goal_archived == e->op->goal_archived;
		(void)snprintf(s->other_archived_at, sizeof(s->other_archived_at), "%s",
		               other.archived_at);
	}
	return MUN_OK;
}

static enum mun_code load_elsewhere(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
{
	struct mun_place places[PLACES];
	uint64_t newest = 0;
	size_t len;
	enum mun_code code = mun_journal_by_run(e->o.journal, &e->batch.org, &s->row.run, places,
	                                        PLACES, &len, err);

	s->before_first = s->recheck = false;
	for (size_t i = 0; code == MUN_OK && i < len; i++)
		if (places[i].has_batch && !mun_ref_equal(&places[i].batch, &e->batch.batch))
			code = load_place(e, s, &places[i], &newest, err);
	if (code != MUN_OK)
		return code;
	if (s->before_first)
		s->stage = MUN_STAGE_PROBE;
	if (s->recheck)
		s->due_ms = now_ms(e) + 1000;
	return MUN_OK;
}

enum mun_code mun_probe_load(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
{
	enum mun_code code = mun_journal_item(e->o.journal, &e->batch.batch, s->item, &s->st, err);

	if (code != MUN_OK)
		return code;
	s->stage = MUN_STAGE_SEND;
	s->due_ms = now_ms(e);
	s->ended_us = MUN_TIME_NONE;
	if (s->st.state == MUN_I_IN_FLIGHT || s->st.state == MUN_I_IN_DOUBT)
		return load_doubt(e, s, err);
	if (s->st.retry_at_us != MUN_TIME_NONE && s->st.retry_at_us > e->now.real_us)
		s->due_ms += (uint64_t)(s->st.retry_at_us - e->now.real_us) / 1000 + 1;
	if (s->st.probe_first) {
		code = load_doubt(e, s, err);
		s->before_first = true;
		s->maybe = MUN_V_NONE;
		s->stage = MUN_STAGE_PROBE;
		s->settled_after_ms = 0;
		return code;
	}
	return s->st.attempts == 0 ? load_elsewhere(e, s, err) : MUN_OK;
}

static void send_probe(struct mun_engine *e, struct mun_slot *s)
{
	struct mun_request r;
	struct mun_flight f = { .kind = MUN_FLIGHT_PROBE, .slot = s };

	mun_request_get_run(&r, &e->o.base, &e->batch.org, &s->row.run);
	s->stage = MUN_STAGE_FLYING;
	s->probed_ms = now_ms(e);
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

static void send_page(struct mun_engine *e)
{
	struct mun_request r;
	struct mun_flight f = { .kind = MUN_FLIGHT_PAGE };
	struct mun_walk *w = &e->walk;

	if (w->page == 1)
		w->started_ms = now_ms(e);
	mun_request_list_archived(&r, &e->o.base, &e->batch.org, w->filter, w->page, PER_PAGE,
	                          NULL);
	w->flying = true;
	mun_loop_intend(e, &f, &r, MUN_P_PROBE);
}

static void send_test(struct mun_engine *e)
{
	struct mun_request r;
	struct mun_flight f = { .kind = MUN_FLIGHT_TEST };

	mun_request_get_run(&r, &e->o.base, &e->batch.org, &e->walk.sample);
	e->test_wanted = false;
	mun_loop_intend(e, &f, &r, MUN_P_PROBE);
}

/* While the breaker is open, one GET each time: the oldest open probe, else /me. */
static void breaker_intent(struct mun_engine *e)
{
	if (now_ms(e) < e->breaker.due_ms || e->flights_len > 0)
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
	if (e->test_wanted && e->intents_len < room)
		send_test(e);
	if (e->walk.active && !e->walk.flying && now_ms(e) >= e->walk.due_ms &&
	    e->intents_len < room)
		send_page(e);
	for (size_t i = 0; i < e->slots_len && e->intents_len < room; i++) {
		struct mun_slot *s = e->slots[i];

		if (s->due_ms > now_ms(e) || s->recheck)
			continue;
		if (s->stage == MUN_STAGE_PROBE)
			send_probe(e, s);
		else if (s->stage == MUN_STAGE_ME)
			send_me(e, s);
	}
}

static void join_walk(struct mun_engine *e, struct mun_slot *s)
{
	s->stage = MUN_STAGE_WALK;
	if (e->walk.active)
		return;
	e->walk = (struct mun_walk){
		.active = true, .page = 1, .due_ms = now_ms(e), .filter = e->walk.filter
	};
}

static enum mun_found found_in(const struct mun_engine *e, const struct mun_run_doc *run)
{
	if (run->archived == MUN_ARCHIVED_ABSENT)
		return MUN_FOUND_NOTHING;
	return (run->archived == MUN_ARCHIVED_TIME) == e->op->goal_archived ? MUN_FOUND_GOAL
	                                                                    : MUN_FOUND_NOT_GOAL;
}

static void limited(struct mun_engine *e, struct mun_entry *r, const struct mun_answer *a)
{
	uint64_t wait_ms;

	if (a->http != 429)
		return;
	wait_ms = mun_wait_ms(a->retry_after_s, ++e->limit_failures, mun_random_below(UINT32_MAX));
	r->u.response.retry_at_us = e->now.real_us + (int64_t)wait_ms * 1000;
	e->next_at_us = r->u.response.retry_at_us;
	e->window_until_ms = now_ms(e) + wait_ms;
	if (wait_ms > e->o.max_wait_ms)
		mun_loop_halt(e, MUN_WHY_RATE_LIMITED, "");
}

void mun_probe_answer(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a)
{
	struct mun_slot *s = f->slot;
	struct mun_run_doc run = { .updated_us = MUN_TIME_NONE };
	char error_code[64];
	enum mun_found found = MUN_FOUND_NOTHING;
	enum mun_verdict v = MUN_V_NO_ANSWER;
	struct mun_entry *r;
	bool whole = a->send == MUN_SEND_OK;

	mun_breaker_read(e, whole && a->http < 500);
	if (whole && a->http / 100 == 2 && mun_answer_run(&run, a->body, a->body_len) &&
	    mun_id_equal(&run.id, &s->row.run)) {
		found = found_in(e, &run);
		if (found != MUN_FOUND_NOTHING)
			v = run.archived == MUN_ARCHIVED_TIME ? MUN_V_IS_ARCHIVED : MUN_V_IS_ACTIVE;
	} else if (whole && a->http == 404 && mun_answer_code(error_code, a->body, a->body_len) &&
	           strcmp(error_code, "ENDPOINT_NOT_FOUND") != 0) {
		if (e->get_serves_archived == 1) {
			found = MUN_FOUND_GONE;
			v = MUN_V_GONE;
		} else {
			(void)mun_judge_response(e, f, a, MUN_V_NO_ANSWER);
			join_walk(e, s);
			return;
		}
	}
	r = mun_judge_response(e, f, a, v);
	if (a->send == MUN_SEND_NOT_SENT || a->http == 429) { /* says nothing about the run */
		limited(e, r, a);
		s->stage = MUN_STAGE_PROBE;
		s->due_ms = now_ms(e) + mun_wait_ms(a->retry_after_s, ++s->failures,
		                                    mun_random_below(UINT32_MAX));
		return;
	}
	mun_settle_item(e, r, s, found, &run, a->retry_after_s);
}

struct page_scan {
	struct mun_engine *e;
	struct mun_entry *r;
	struct mun_id first;
	bool has_first;
};

static void page_row(void *arg, const struct mun_run_doc *row)
{
	struct page_scan *scan = arg;
	struct mun_engine *e = scan->e;
	struct mun_walk *w = &e->walk;

	if (!scan->has_first)
		scan->first = row->id;
	scan->has_first = true;
	if (row->archived != MUN_ARCHIVED_TIME) {
		w->rows_live++;
		return;
	}
	w->rows_archived++;
	if (!w->has_sample)
		w->sample = row->id;
	w->has_sample = true;
	for (size_t i = e->slots_len; i > 0; i--) {
		struct mun_slot *s = e->slots[i - 1];

		if (s->stage == MUN_STAGE_WALK && mun_id_equal(&s->row.run, &row->id) &&
		    scan->r->u.response.settles_len < MUN_SETTLES_MAX) {
			s->probed_ms = w->started_ms;
			mun_settle_item(e, scan->r, s, found_in(e, row), row, -1);
		}
	}
}

/* The walk is over: those still waiting are in no list, or it gave no answer. */
static void end_walk(struct mun_engine *e, struct mun_entry *r, enum mun_found found)
{
	for (size_t i = e->slots_len; i > 0; i--) {
		struct mun_slot *s = e->slots[i - 1];

		if (s->stage != MUN_STAGE_WALK || r->u.response.settles_len >= MUN_SETTLES_MAX)
			continue;
		s->probed_ms = e->walk.started_ms;
		mun_settle_item(e, r, s, found, NULL, -1);
	}
	e->walk.active = false;
	if (e->get_serves_archived < 0 && e->walk.has_sample)
		e->test_wanted = true;
	for (size_t i = 0; i < e->slots_len; i++) /* more than one entry can settle: walk again */
		if (e->slots[i]->stage == MUN_STAGE_WALK)
			join_walk(e, e->slots[i]);
}

/* A list that ignores the filter shows live rows: try the other spelling, once. */
static bool other_filter(struct mun_engine *e)
{
	struct mun_walk *w = &e->walk;

	if (w->rows_live == 0 || w->filter == MUN_FILTER_STATUS_ARCHIVED)
		return false;
	*w = (struct mun_walk){
		.active = true, .page = 1, .due_ms = now_ms(e), .filter = MUN_FILTER_STATUS_ARCHIVED
	};
	return true;
}

void mun_probe_page(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a)
{
	struct mun_walk *w = &e->walk;
	struct mun_page page;
	struct page_scan scan = { .e = e };
	bool list = false, repeated, last;

	w->flying = false;
	scan.r = mun_judge_response(e, f, a, MUN_V_NO_ANSWER);
	if (a->send == MUN_SEND_OK && a->http / 100 == 2)
		list = mun_answer_page(&page, a->body, a->body_len, page_row, &scan);
	mun_breaker_read(e, a->send == MUN_SEND_OK && a->http < 500);
	if (!list) {
		limited(e, scan.r, a);
		end_walk(e, scan.r, MUN_FOUND_NOTHING);
		return;
	}
	scan.r->u.response.verdict = MUN_V_OK;
	if (other_filter(e))
		return;
	repeated = w->has_first && scan.has_first && mun_id_equal(&w->first_of_page, &scan.first);
	last = page.rows == 0 || (page.total_pages >= 0 && (int64_t)w->page >= page.total_pages);
	if (w->rows_live > 0 || repeated || page.bad_rows > 0 || (!last && w->page >= WALK_PAGES)) {
		end_walk(e, scan.r, MUN_FOUND_NOTHING);
	} else if (last) {
		end_walk(e, scan.r, MUN_FOUND_GONE);
	} else {
		w->first_of_page = scan.first;
		w->has_first = scan.has_first;
		w->page++;
		w->due_ms = now_ms(e);
	}
}

/* One GET of an archived row tells whether GET serves archived runs. */
void mun_probe_test(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a)
{
	struct mun_run_doc run;
	bool whole = a->send == MUN_SEND_OK;
	bool served = whole && a->http / 100 == 2 && mun_answer_run(&run, a->body, a->body_len) &&
	              run.archived == MUN_ARCHIVED_TIME;

	(void)mun_judge_response(e, f, a, served ? MUN_V_IS_ARCHIVED : MUN_V_NO_ANSWER);
	if (served)
		e->get_serves_archived = 1;
	else if (whole && a->http == 404)
		e->get_serves_archived = 0;
}
