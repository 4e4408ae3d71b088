/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archived list, where GET of a run says 404: one walk answers all who wait. It is believed
 * only when it is complete and holds archived rows alone. One GET of a row of it tells whether
 * GET serves archived runs; if so, GET 404 alone means gone from then on.
 */
#include "cmd/engine/loop.h"

#define WALK_PAGES 20
#define PER_PAGE   100

static void send_page(struct mun_engine *e)
{
	struct mun_request r;
	struct mun_flight f = { .kind = MUN_FLIGHT_PAGE };
	struct mun_walk *w = &e->walk;

	if (w->page == 1)
		w->started_ms = mun_loop_ms(e);
	mun_request_list_archived(&r, &e->o.base, &e->batch.org, w->filter, w->page, PER_PAGE,
	                          w->narrow ? &w->checklist : NULL);
	w->flying = true;
	mun_loop_intend(e, &f, &r, MUN_P_PROBE);
}

static void send_test(struct mun_engine *e)
{
	struct mun_request r;
	struct mun_flight f = { .kind = MUN_FLIGHT_TEST };

	mun_request_get_run(&r, &e->o.base, &e->batch.org, &e->test_sample);
	e->test_wanted = false;
	mun_loop_intend(e, &f, &r, MUN_P_PROBE);
}

/* Narrowed when all who wait are of one blueprint, or when the whole list was too long before. */
static void choose(struct mun_engine *e)
{
	struct mun_walk *w = &e->walk;
	bool differ = false;

	w->narrow = false;
	for (size_t i = 0; i < e->slots_len; i++) {
		const struct mun_slot *s = e->slots[i];

		if (s->stage != MUN_STAGE_WALK)
			continue;
		if (s->has_checklist && !w->narrow) {
			w->narrow = true;
			w->checklist = s->checklist;
		}
		differ |= !s->has_checklist || !mun_id_equal(&s->checklist, &w->checklist);
	}
	w->narrow &= !differ || e->walk_cut;
}

/* A walk that is due: who waits takes part in it from its first page. */
enum mun_code mun_walk_begin(struct mun_engine *e, struct mun_err *err)
{
	struct mun_walk *w = &e->walk;
	size_t waiting = 0;
	enum mun_code code = MUN_OK;

	if (!w->active || w->begun || e->breaker.open)
		return MUN_OK;
	for (size_t i = 0; code == MUN_OK && i < e->slots_len; i++) {
		struct mun_slot *s = e->slots[i];

		if (s->stage != MUN_STAGE_WALK)
			continue;
		if (waiting++ >= MUN_SETTLES_MAX)
			s->walk = e->walks + 2; /* the next one is theirs */
		if (!s->has_checklist)
			code = mun_load_checklist(e, s, err);
	}
	choose(e);
	w->begun = true;
	e->walks++;
	return code;
}

void mun_walk_intents(struct mun_engine *e, size_t room)
{
	if (e->test_wanted && e->intents_len < room)
		send_test(e);
	if (e->walk.active && !e->walk.flying && mun_loop_ms(e) >= e->walk.due_ms &&
	    e->intents_len < room)
		send_page(e);
}

void mun_walk_join(struct mun_engine *e, struct mun_slot *s)
{
	s->stage = MUN_STAGE_WALK;
	s->walk = e->walks + 1; /* one that is under way has gone past pages unseen */
	if (e->walk.active)
		return;
	e->walk = (struct mun_walk){
		.active = true, .page = 1, .due_ms = mun_loop_ms(e), .filter = e->walk.filter
	};
}

static bool takes_part(const struct mun_engine *e, const struct mun_slot *s)
{
	const struct mun_walk *w = &e->walk;

	return s->stage == MUN_STAGE_WALK && s->walk <= e->walks &&
	       (!w->narrow || (s->has_checklist && mun_id_equal(&s->checklist, &w->checklist)));
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
	if (!w->has_sample)
		w->sample = row->id;
	w->has_sample = true;
	for (size_t i = e->slots_len; i > 0; i--) {
		struct mun_slot *s = e->slots[i - 1];

		if (takes_part(e, s) && mun_id_equal(&s->row.run, &row->id) &&
		    scan->r->u.response.settles_len < MUN_SETTLES_MAX) {
			s->probed_ms = w->started_ms;
			mun_settle_item(e, scan->r, s, mun_found_in(e, row), row, NULL);
		}
	}
}

/* The walk is over: those still waiting are in no list, or it gave no answer. */
static void end_walk(struct mun_engine *e, struct mun_entry *r, enum mun_found found)
{
	for (size_t i = e->slots_len; i > 0; i--) {
		struct mun_slot *s = e->slots[i - 1];

		if (!takes_part(e, s) || r->u.response.settles_len >= MUN_SETTLES_MAX)
			continue;
		s->probed_ms = e->walk.started_ms;
		mun_settle_item(e, r, s, found, NULL, NULL);
	}
	e->walk.active = false;
	if (e->get_serves_archived < 0 && e->walk.has_sample) {
		e->test_wanted = true;
		e->test_sample = e->walk.sample;
	}
	for (size_t i = 0; i < e->slots_len; i++) /* came late, or more than one entry settles */
		if (e->slots[i]->stage == MUN_STAGE_WALK)
			mun_walk_join(e, e->slots[i]);
}

/* A list that ignores the filter shows live rows: try the other spelling, once. */
static bool other_filter(struct mun_engine *e)
{
	struct mun_walk *w = &e->walk;

	if (w->rows_live == 0 || w->filter == MUN_FILTER_STATUS_ARCHIVED)
		return false;
	*w = (struct mun_walk){ .active = true,
		                .begun = true,
		                .narrow = w->narrow,
		                .checklist = w->checklist,
		                .page = 1,
		                .due_ms = mun_loop_ms(e),
		                .filter = MUN_FILTER_STATUS_ARCHIVED };
	return true;
}

/*
 * Is the list read to its end? Its page count may have been made with another page size than its
 * pages have, so the rows must add up as well; a server that has no further page may repeat one.
 */
static bool is_whole(const struct mun_walk *w, const struct mun_page *page, bool repeated)
{
	uint64_t rows = w->rows + (repeated ? 0 : page->rows);

	if (page->rows == 0)
		return true;
	return page->total >= 0 && rows == (uint64_t)page->total &&
	       (repeated || (page->total_pages >= 0 && (int64_t)w->page >= page->total_pages));
}

static void next_page(struct mun_engine *e, const struct page_scan *scan,
                      const struct mun_page *page)
{
	struct mun_walk *w = &e->walk;
	bool repeated =
		w->has_first && scan->has_first && mun_id_equal(&w->first_of_page, &scan->first);
	bool whole = is_whole(w, page, repeated);

	e->walk_cut = !whole && w->page >= WALK_PAGES;
	w->rows += page->rows;
	if (w->rows_live > 0 || page->bad_rows > 0 || e->walk_cut || (repeated && !whole)) {
		end_walk(e, scan->r, MUN_FOUND_NOTHING);
	} else if (whole) {
		end_walk(e, scan->r, MUN_FOUND_GONE);
	} else {
		w->first_of_page = scan->first;
		w->has_first = scan->has_first;
		w->page++;
		w->due_ms = mun_loop_ms(e);
	}
}

void mun_walk_page(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a)
{
	struct mun_page page;
	struct page_scan scan = { .e = e };

	e->walk.flying = false;
	scan.r = mun_judge_response(e, f, a, MUN_V_NO_ANSWER);
	mun_breaker_read(e, a->send == MUN_SEND_OK && a->http < 500);
	if (mun_pause_is(a)) {
		e->walk.due_ms = mun_loop_ms(e) + mun_pause_all(e, f, a, scan.r);
		return;
	}
	if (a->send != MUN_SEND_OK || a->http / 100 != 2 ||
	    !mun_answer_page(&page, a->body, a->body_len, page_row, &scan)) {
		end_walk(e, scan.r, MUN_FOUND_NOTHING);
		return;
	}
	scan.r->u.response.verdict = MUN_V_OK;
	if (!other_filter(e))
		next_page(e, &scan, &page);
}

void mun_walk_test(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a)
{
	struct mun_run_doc run;
	bool whole = a->send == MUN_SEND_OK;
	bool served = whole && a->http / 100 == 2 && mun_answer_run(&run, a->body, a->body_len) &&
	              mun_id_equal(&run.id, &e->test_sample) && run.archived == MUN_ARCHIVED_TIME;
	struct mun_entry *r =
		mun_judge_response(e, f, a, served ? MUN_V_IS_ARCHIVED : MUN_V_NO_ANSWER);

	if (mun_pause_is(a)) {
		e->test_wanted = true;
		(void)mun_pause_all(e, f, a, r);
	} else if (served) {
		e->get_serves_archived = 1;
	} else if (whole && a->http == 404) {
		e->get_serves_archived = 0;
	}
}
