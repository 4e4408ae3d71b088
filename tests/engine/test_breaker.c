/* SPDX-License-Identifier: Apache-2.0 */
/* The breaker: a server that is down is asked, not hammered. */
#include "tests/engine/world.h"

static const struct fake_answer down = { .http = 503 };

static void rule(struct world *w, enum fake_kind kind, unsigned first, struct fake_answer a)
{
	fake_rule(w->f, (struct fake_rule){ kind, FAKE_ANY, 0, 0, first, a });
}

/* End of the n-th (from 1) mutating exchange. */
static uint64_t ended(struct world *w, size_t n)
{
	const struct fake_request *r = fake_nth(w->f, FAKE_MUTATE, FAKE_ANY, n - 1);

	assert_non_null(r);
	return r->answered_ms;
}

/* Requests sent in (from, to). */
static size_t sent_between(struct world *w, uint64_t from_ms, uint64_t to_ms, bool mutating)
{
	size_t n = 0;

	for (size_t i = 0; i < w->f->requests; i++) {
		const struct fake_request *r = &w->f->request[i];

		n += r->at_ms > from_ms && r->at_ms < to_ms && (r->kind == FAKE_MUTATE) == mutating;
	}
	return n;
}

/* Everything is 503: 30 s, 60, 120, 240, 300, 300 …; one GET each time; then it halts. */
static void test_a_server_that_is_down(void **state)
{
	static const uint64_t pauses_ms[] = { 30000, 60000, 120000, 240000, 300000, 300000 };
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		uint64_t at_ms, took_ms;

		world_open(w, "down", op, 9);
		w->o.max_wait_ms = 2 * 3600 * 1000;
		for (int kind = 0; kind < FAKE_KINDS; kind++)
			rule(w, (enum fake_kind)kind, 0, down);
		took_ms = (uint64_t)w->f->now.uptime_ms;
		world_run(w);
		took_ms = (uint64_t)w->f->now.uptime_ms - took_ms;
		assert_ended(w, MUN_B_HALTED, MUN_WHY_SERVER);
		assert_int_equal(world_exit(w), 14);
		assert_int_equal(fake_mutations(w->f, FAKE_ANY), 5);
		assert_int_equal(w->result.batch.counts.failed, 0);
		assert_true(took_ms >= w->o.max_wait_ms && took_ms < w->o.max_wait_ms + 301000);
		at_ms = ended(w, 5);
		for (size_t i = 0; i < MUN_ARRAY_LEN(pauses_ms); i++) {
			assert_int_equal(sent_between(w, at_ms, at_ms + pauses_ms[i], false), 0);
			assert_int_equal(sent_between(w, at_ms, at_ms + pauses_ms[i] + 1500, false),
			                 1);
			for (size_t k = 0; k < w->f->requests; k++)
				if (w->f->request[k].at_ms > at_ms) {
					at_ms = w->f->request[k].answered_ms;
					break;
				}
		}
	}
	world_close(w);
}

/* The GET is the oldest open probe; when none is open, /me. */
static void test_what_is_asked_while_it_is_open(void **state)
{
	struct world *w = *state;
	size_t asked_me = 0;

	world_open(w, "asked", MUN_OP_ARCHIVE, 9);
	w->o.attempts = 1; /* a probe without an answer is given up at once */
	w->o.max_wait_ms = 3600 * 1000;
	for (int kind = 0; kind < FAKE_KINDS; kind++)
		rule(w, (enum fake_kind)kind, 0, down);
	world_run(w);
	for (size_t i = 0; i < w->f->requests; i++)
		asked_me += w->f->request[i].kind == FAKE_ME;
	assert_true(asked_me > 3);

	world_open(w, "oldest", MUN_OP_ARCHIVE, 9);
	w->o.settle_ms = 600000; /* all five are still open when it asks */
	rule(w, FAKE_MUTATE, 5, down);
	world_run(w);
	for (size_t i = 0; i < w->f->requests; i++)
		if (w->f->request[i].at_ms > ended(w, 5) + 1000) {
			assert_int_equal(w->f->request[i].kind, FAKE_GET);
			assert_int_equal(w->f->request[i].run, 0);
			break;
		}
	assert_int_equal(w->f->count[FAKE_ME], 0);
	world_close(w);
}

/* The GET is answered: half open, one mutating request at a time until an item is done. */
static void test_half_open_sends_one(void **state)
{
	struct world *w = *state;
	uint64_t opened_ms;

	world_open(w, "half", MUN_OP_ARCHIVE, 40);
	w->o.concurrency = 8;
	fake_rule(w->f, (struct fake_rule){
				FAKE_MUTATE, 0, 0, 0, 0, { .http = 200, .effect = FAKE_EFFECT } });
	rule(w, FAKE_MUTATE, 30, down);
	world_run(w);
	/* one success, then the places on the wire fill up with refusals: it opens */
	opened_ms = ended(w, 9);
	assert_int_equal(sent_between(w, opened_ms, opened_ms + 30000, true), 0);
	for (size_t i = 0; i < 21; i++) {
		const struct fake_request *r = fake_nth(w->f, FAKE_MUTATE, FAKE_ANY, 9 + i);

		assert_non_null(r);
		if (r->at_ms > opened_ms + 30000 && r->http == 503)
			assert_int_equal(r->mutating, 1);
	}
	world_close(w);
}

/* After the GET a refusal opens it again, twice as long; an item done closes it. */
static void test_an_item_done_closes_it(void **state)
{
	struct world *w = *state;
	const struct fake_request *r;

	world_open(w, "closes", MUN_OP_ARCHIVE, 30);
	w->o.concurrency = 4;
	w->o.settle_ms = 3600 * 1000; /* so that those in doubt stay out of it */
	rule(w, FAKE_MUTATE, 6, down);
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_true(fake_nth(w->f, FAKE_MUTATE, FAKE_ANY, 5)->at_ms >= ended(w, 5) + 30000);
	assert_true(fake_nth(w->f, FAKE_MUTATE, FAKE_ANY, 6)->at_ms >= ended(w, 6) + 60000);
	/* the seventh is done: from there on four at a time, at once */
	r = fake_nth(w->f, FAKE_MUTATE, FAKE_ANY, 10);
	assert_int_equal(r->mutating, 4);
	assert_true(r->at_ms < ended(w, 7) + 100);
	world_close(w);
}

/* Four, and then something else: not five in a row. */
static void test_it_takes_five_in_a_row(void **state)
{
	static const struct fake_answer breaks[] = {
		{ .http = 200, .effect = FAKE_EFFECT },
		{ .http = 409 },
		{ .http = 422, .body = FAKE_JSON },
		{ .http = 429, .retry_after_s = 1 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(breaks); i++) {
		world_open(w, "four", MUN_OP_ARCHIVE, 14);
		w->o.keep_going = true;
		for (int run = 0; run < 14; run++)
			fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, run, 1, 1, 0,
			                                    run % 5 == 4 ? breaks[i] : down });
		world_run(w);
		/* all were asked for within a few seconds */
		assert_true(fake_nth(w->f, FAKE_MUTATE, 13, 0)->at_ms <
		            w->f->request[0].at_ms + 29000);
	}
	world_close(w);
}

/* 503, but it was done: each probe confirms it, and the breaker stays closed. */
static void test_a_probe_that_finds_it_done_counts_as_done(void **state)
{
	struct world *w = *state;
	uint64_t took_ms;

	world_open(w, "503 with effect", MUN_OP_RESTORE, 20);
	rule(w, FAKE_MUTATE, 0, (struct fake_answer){ .http = 503, .effect = FAKE_EFFECT });
	took_ms = (uint64_t)w->f->now.uptime_ms;
	world_run(w);
	took_ms = (uint64_t)w->f->now.uptime_ms - took_ms;
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_int_equal(fake_mutations(w->f, FAKE_ANY), 20);
	assert_true(took_ms < 20000);
	world_close(w);
}

/* Every second call fails: it gets done within --attempts, without a pause. */
static void test_flapping(void **state)
{
	struct world *w = *state;

	world_open(w, "flapping", MUN_OP_ARCHIVE, 20);
	for (int run = 0; run < 20; run += 2)
		fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, run, 1, 1, 0, down });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_int_equal(w->f->count[FAKE_ME], 0);
	world_close(w);
}

/* Transfers that break count as 5xx do; those that a Retry-After moves do not escape it. */
static void test_broken_transfers_open_it(void **state)
{
	struct world *w = *state;

	world_open(w, "broken", MUN_OP_ARCHIVE, 8);
	rule(w, FAKE_MUTATE, 5, (struct fake_answer){ .send = MUN_SEND_BROKEN });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_int_equal(sent_between(w, ended(w, 5), ended(w, 5) + 30000, true), 0);
	assert_int_equal(sent_between(w, ended(w, 5), ended(w, 5) + 30000, false), 0);
	world_close(w);
}

static enum mun_phase seen;

static void note_phase(void *arg, const struct mun_progress *p)
{
	(void)arg;
	if (p->phase == MUN_PHASE_SERVER)
		seen = p->phase;
}

static void test_progress_says_that_it_waits_for_the_server(void **state)
{
	struct world *w = *state;

	world_open(w, "phase", MUN_OP_ARCHIVE, 8);
	w->o.progress = note_phase;
	seen = MUN_PHASE_RUNNING;
	rule(w, FAKE_MUTATE, 5, down);
	world_run(w);
	assert_int_equal(seen, MUN_PHASE_SERVER);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_a_server_that_is_down),
		world_test(test_what_is_asked_while_it_is_open),
		world_test(test_half_open_sends_one),
		world_test(test_an_item_done_closes_it),
		world_test(test_it_takes_five_in_a_row),
		world_test(test_a_probe_that_finds_it_done_counts_as_done),
		world_test(test_flapping),
		world_test(test_broken_transfers_open_it),
		world_test(test_progress_says_that_it_waits_for_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
