/* SPDX-License-Identifier: Apache-2.0 */
/* GET of the run says 404: the archived list tells, or nothing does. */
#include "tests/engine/world.h"

#define PAGE 100

static void mutation(struct world *w, int run, struct fake_answer a)
{
	fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, run, 1, 1, 0, a });
}

static const struct fake_answer done_but_502 = { .http = 502, .effect = FAKE_EFFECT };

static size_t first_pages(struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->f->requests; i++)
		n += w->f->request[i].kind == FAKE_LIST && w->f->request[i].page == 1;
	return n;
}

/* GET hides archived runs: the list shows it. */
static void test_a_hidden_run_is_found_in_the_list(void **state)
{
	static const struct {
		unsigned filler, pages;
	} cases[] = { { 0, 1 }, { 98, 1 }, { 99, 2 }, { 250, 3 }, { 1998, 20 } };
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		world_open(w, "hidden", MUN_OP_ARCHIVE, 2);
		w->f->hides_archived = true;
		w->f->filler = cases[i].filler;
		mutation(w, 1, done_but_502);
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = 2);
		assert_int_equal(world_item(w, 1).how, MUN_HOW_PROBE);
		assert_int_equal(w->f->count[FAKE_LIST], cases[i].pages);
		for (size_t k = 0; k < cases[i].pages; k++)
			assert_int_equal(fake_nth(w->f, FAKE_LIST, FAKE_ANY, k)->page, k + 1);
	}
	world_close(w);
}

/* Neither GET nor the whole list has it: gone. After an attempt in doubt nobody can tell. */
static void test_gone_after_an_attempt_in_doubt(void **state)
{
	static const unsigned fillers[] = { 0, 3, 250, 2000 };
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (size_t i = 0; i < MUN_ARRAY_LEN(fillers); i++) {
			world_open(w, "gone in doubt", op, 3);
			w->f->filler = fillers[i];
			w->f->run[1].gone = true;
			mutation(w, 1, (struct fake_answer){ .http = 502 });
			world_run(w);
			assert_ended(w, MUN_B_DONE_IN_DOUBT, MUN_WHY_NONE);
			assert_counts(w, .done = 2, .in_doubt = 1);
			assert_int_equal(fake_mutations(w->f, 1), 1);
			assert_int_equal(world_exit(w), 13);
		}
	world_close(w);
}

/* Nor is it sent in a later epoch: it is only asked about. */
static void test_gone_is_never_sent_again(void **state)
{
	struct world *w = *state;

	world_open(w, "gone, epochs", MUN_OP_ARCHIVE, 9);
	w->f->run[0].gone = true;
	mutation(w, 0, (struct fake_answer){ .http = 502 });
	for (unsigned epoch = 1; epoch <= 5; epoch++) {
		w->o.stop_after = 2;
		world_run(w);
		assert_int_equal(fake_mutations(w->f, 0), 1);
		assert_int_equal(world_item(w, 0).state, MUN_I_IN_DOUBT);
		assert_int_equal(w->f->run[0].count[FAKE_GET], epoch);
	}
	assert_ended(w, MUN_B_DONE_IN_DOUBT, MUN_WHY_NONE);
	world_close(w);
}

/* After a 404 to the request it failed, as not found, and the probe is the evidence. */
static void test_gone_after_404_is_not_found(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		world_open(w, "gone", op, 3);
		w->f->run[1].gone = true;
		world_run(w);
		assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
		assert_verdict(w, 1, MUN_V_NOT_FOUND);
		assert_int_equal(world_item(w, 1).how, MUN_HOW_PROBE);
		assert_int_equal(world_exit(w), 9);
	}
	world_close(w);
}

/* 404 to the request and to GET, but the list has it: somebody archived it. */
static void test_404_of_an_archived_run(void **state)
{
	struct world *w = *state;

	world_open(w, "404, archived", MUN_OP_ARCHIVE, 3);
	w->f->hides_archived = true;
	w->f->run[1].archived = true;
	mutation(w, 1, (struct fake_answer){ .http = 404, .body = FAKE_NOT_FOUND });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_verdict(w, 1, MUN_V_ALREADY_ARCHIVED);
	world_close(w);
}

/* A 404 in JSON is a 404, whatever code stands in it. */
static void test_every_404_in_json_leads_to_the_list(void **state)
{
	static const char *const bodies[] = { FAKE_NOT_FOUND, FAKE_JSON, "{}", "[]",
		                              "{\"code\":\"OTHER\"}" };
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(bodies); i++) {
		world_open(w, bodies[i], MUN_OP_ARCHIVE, 2);
		mutation(w, 1, done_but_502);
		fake_rule(w->f, (struct fake_rule){
					FAKE_GET, 1, 0, 0, 0, { .http = 404, .body = bodies[i] } });
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = 2);
	}
	world_close(w);
}

/* A walk that cannot be trusted is no answer: the item stays in doubt, nothing is sent again. */
static void test_walks_that_are_no_answer(void **state)
{
	static const struct {
		const char *name;
		unsigned filler;
		bool repeats, ignores;
		struct fake_answer list; /* http 0: the server's own */
	} cases[] = {
		{ "cut by the bound", 2001, false, false, { .http = 0 } },
		{ "the same page again", 250, true, false, { .http = 0 } },
		{ "live rows under both filters", 10, false, true, { .http = 0 } },
		{ "HTML", 0, false, false, { .http = 200, .body = FAKE_HTML } },
		{ "no list", 0, false, false, { .http = 200, .body = "{\"data\":{}}" } },
		{ "500", 0, false, false, { .http = 500 } },
		{ "404", 0, false, false, { .http = 404, .body = FAKE_NOT_FOUND } },
		{ "rows without id",
		  0,
		  false,
		  false,
		  { .http = 200, .body = "{\"data\":[{\"id\":7,\"archived_at\":null}]}" } },
		{ "broken", 0, false, false, { .send = MUN_SEND_BROKEN, .http = 1 } },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		world_open(w, cases[i].name, MUN_OP_ARCHIVE, 3);
		w->o.attempts = 3;
		w->f->filler = cases[i].filler;
		w->f->hides_archived = true; /* or GET alone would tell in the end */
		w->f->repeats_page = cases[i].repeats;
		w->f->ignores_filter = w->f->ignores_status = cases[i].ignores;
		w->f->runs = 4; /* one that nobody touches stays active */
		w->f->run[1].gone = true;
		mutation(w, 1, (struct fake_answer){ .http = 404, .body = FAKE_NOT_FOUND });
		if (cases[i].list.http != 0)
			fake_rule(w->f, (struct fake_rule){ FAKE_LIST, FAKE_ANY, 0, 0, 0,
			                                    cases[i].list });
		world_run(w);
		assert_ended(w, MUN_B_DONE_IN_DOUBT, MUN_WHY_NONE);
		assert_counts(w, .done = 2, .in_doubt = 1);
		assert_int_equal(fake_mutations(w->f, 1), 1);
		for (size_t k = 0; k < w->f->count[FAKE_LIST]; k++)
			assert_true(fake_nth(w->f, FAKE_LIST, FAKE_ANY, k)->page <= 20);
	}
	world_close(w);
}

/* The page count was made with another page size, or the last page comes again and again. */
static void test_lists_that_count_their_pages_wrongly(void **state)
{
	static const struct {
		const char *name;
		unsigned page_rows;
		int pages_said;
		bool clamps;
	} cases[] = {
		{ "one page said", 10, 1, false },  { "too few said", 10, 3, false },
		{ "too many said", 10, 19, false }, { "the last page again", 10, 19, true },
		{ "right", 10, 0, false },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		world_open(w, cases[i].name, MUN_OP_ARCHIVE, 3);
		w->f->filler = 48;
		w->f->hides_archived = true;
		w->f->page_rows = cases[i].page_rows;
		w->f->pages_said = cases[i].pages_said;
		w->f->clamps_page = cases[i].clamps;
		w->f->run[2].gone = true;
		mutation(w, 1, done_but_502);
		mutation(w, 2, (struct fake_answer){ .http = 404, .body = FAKE_NOT_FOUND });
		world_run(w);
		assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
		assert_counts(w, .done = 2, .failed = 1);
		assert_verdict(w, 2, MUN_V_NOT_FOUND);
	}
	world_close(w);
}

/* archived=only shows live rows: from then on status=archived. */
static void test_a_filter_that_is_ignored(void **state)
{
	struct world *w = *state;
	size_t by_status = 0;

	world_open(w, "ignored filter", MUN_OP_ARCHIVE, 6);
	w->f->hides_archived = true;
	w->f->ignores_filter = true;
	mutation(w, 1, done_but_502);
	mutation(w, 3, done_but_502);
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_counts(w, .done = 6);
	assert_false(fake_nth(w->f, FAKE_LIST, FAKE_ANY, 0)->by_status);
	for (size_t i = 1; i < w->f->count[FAKE_LIST]; i++)
		by_status += fake_nth(w->f, FAKE_LIST, FAKE_ANY, i)->by_status;
	assert_int_equal(by_status, w->f->count[FAKE_LIST] - 1);
	world_close(w);
}

/* Many wait: one walk answers them. */
static void test_one_walk_for_many(void **state)
{
	struct world *w = *state;

	world_open(w, "many", MUN_OP_ARCHIVE, 120);
	w->o.concurrency = 64;
	w->f->hides_archived = true;
	w->f->filler = 450;
	for (int i = 1; i < 120; i++)
		mutation(w, i, (struct fake_answer){ .http = 409, .effect = FAKE_EFFECT });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_counts(w, .done = 120);
	assert_true(first_pages(w) <= 5);
	world_close(w);
}

/* Who begins to wait while a walk is under way has missed its first pages: the next is his. */
static void test_a_walk_under_way_does_not_answer_newcomers(void **state)
{
	struct world *w = *state;

	for (int gone = 0; gone < 2; gone++) {
		world_open(w, "newcomer", MUN_OP_ARCHIVE, 6);
		w->o.concurrency = 4;
		w->f->hides_archived = true;
		w->f->filler = 150; /* behind ours: the second page has none of ours */
		w->f->filler_last = true;
		mutation(w, 1, done_but_502);
		mutation(w, 2,
		         (struct fake_answer){ .http = gone ? 404 : 502,
		                               .body = gone ? FAKE_NOT_FOUND : NULL,
		                               .effect = FAKE_EFFECT,
		                               .latency_ms = 300 });
		mutation(w, 3, (struct fake_answer){ .http = 409, .latency_ms = 50 });
		/* run 1 is not on the page: it starts a walk that goes on to the second one */
		fake_rule(w->f, (struct fake_rule){ FAKE_LIST,
		                                    FAKE_ANY,
		                                    2,
		                                    2,
		                                    0,
		                                    { .http = 200, .latency_ms = 3000 } });
		fake_rule(w->f,
		          (struct fake_rule){
				  FAKE_GET, 3, 1, 1, 0, { .http = 404, .body = FAKE_NOT_FOUND } });
		w->f->run[3].archived = false;
		world_run(w);
		assert_int_equal(world_item(w, 2).state, gone ? MUN_I_ALREADY : MUN_I_DONE);
		assert_int_equal(w->result.batch.counts.failed, 0);
	}
	world_close(w);
}

/* One GET of an archived row tells whether GET serves archived runs; then 404 alone is gone. */
static void test_get_that_serves_archived_runs_is_learnt_once(void **state)
{
	struct world *w = *state;

	for (int hides = 0; hides < 2; hides++) {
		world_open(w, "learnt", MUN_OP_ARCHIVE, 12);
		w->f->filler = 5;
		w->f->hides_archived = hides;
		for (int i = 2; i < 12; i += 3)
			w->f->run[i].gone = true;
		world_run(w);
		assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
		assert_counts(w, .done = 8, .failed = 4);
		assert_int_equal(first_pages(w), hides ? 4 : 1);
		/* the four, and one GET of a row that is none of ours */
		assert_int_equal(w->f->count[FAKE_GET], 4 + 1);
	}
	world_close(w);
}

/* 429 to a page: it is asked again when the wait is over, and no try is lost. */
static void test_a_page_that_is_refused_is_asked_again(void **state)
{
	struct world *w = *state;

	world_open(w, "429 on the list", MUN_OP_ARCHIVE, 2);
	w->o.attempts = 2;
	w->f->hides_archived = true;
	mutation(w, 1, done_but_502);
	fake_rule(w->f,
	          (struct fake_rule){
			  FAKE_LIST, FAKE_ANY, 0, 6, 0, { .http = 429, .retry_after_s = 30 } });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_counts(w, .done = 2);
	world_close(w);
}

/* A restore: the run is still in the list of archived runs, so it is not restored yet. */
static void test_a_lost_restore_that_had_no_effect(void **state)
{
	struct world *w = *state;

	world_open(w, "restore", MUN_OP_RESTORE, 2);
	w->f->hides_archived = true;
	mutation(w, 1, (struct fake_answer){ .http = 502 });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_int_equal(fake_mutations(w->f, 1), 2);
	assert_int_equal(world_attempt(w, 1, 0).verdict, MUN_V_NO_EFFECT);
	world_close(w);
}

/* A body of the run has shown its blueprint: the walk is narrowed by it. */
static void test_a_walk_is_narrowed_by_the_blueprint(void **state)
{
	struct world *w = *state;

	for (int known = 0; known < 2; known++) {
		world_open(w, "narrowed", MUN_OP_ARCHIVE, 2);
		w->o.attempts = 3;
		w->f->hides_archived = true;
		w->f->filler = 2500; /* too many pages for a walk */
		w->f->run[1].blueprint = known;
		mutation(w, 1,
		         (struct fake_answer){
				 .http = 502, .effect = FAKE_EFFECT, .effect_after_ms = 20000 });
		world_run(w); /* the first probe still sees the run, and its body */
		assert_ended(w, known ? MUN_B_DONE : MUN_B_DONE_IN_DOUBT, MUN_WHY_NONE);
		assert_int_equal(w->f->count[FAKE_LIST], known ? 1 : 3 * 20);
		assert_int_equal(fake_nth(w->f, FAKE_LIST, FAKE_ANY, 0)->narrowed, known);
	}
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_a_hidden_run_is_found_in_the_list),
		world_test(test_gone_after_an_attempt_in_doubt),
		world_test(test_gone_is_never_sent_again),
		world_test(test_gone_after_404_is_not_found),
		world_test(test_lists_that_count_their_pages_wrongly),
		world_test(test_404_of_an_archived_run),
		world_test(test_every_404_in_json_leads_to_the_list),
		world_test(test_walks_that_are_no_answer),
		world_test(test_a_filter_that_is_ignored),
		world_test(test_one_walk_for_many),
		world_test(test_a_walk_under_way_does_not_answer_newcomers),
		world_test(test_get_that_serves_archived_runs_is_learnt_once),
		world_test(test_a_page_that_is_refused_is_asked_again),
		world_test(test_a_lost_restore_that_had_no_effect),
		world_test(test_a_walk_is_narrowed_by_the_blueprint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
