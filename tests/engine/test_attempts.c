/* SPDX-License-Identifier: Apache-2.0 */
/* How often an item is tried, how often it is asked about, and what a 401 means. */
#include <string.h>
#include <unistd.h>

#include "tests/engine/world.h"

#define SECOND_US INT64_C(1000000)

static void rule(struct world *w, enum fake_kind kind, int run, unsigned to, struct fake_answer a)
{
	fake_rule(w->f, (struct fake_rule){ kind, run, 0, to, 0, a });
}

/* Attempts with an answer: used up, the item failed; its last outcome is known. */
static void test_attempts_with_an_answer_have_a_limit(void **state)
{
	static const struct {
		struct fake_answer answer;
		enum mun_verdict verdict;
	} cases[] = {
		{ { .http = 409, .body = FAKE_JSON }, MUN_V_NO_EFFECT },
		{ { .send = MUN_SEND_BROKEN }, MUN_V_NO_EFFECT },
		{ { .http = 500 }, MUN_V_NO_EFFECT },
	};
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++)
			for (uint32_t limit = 1; limit <= 4; limit++) {
				world_open(w, "used up", op, 3);
				w->o.attempts = limit;
				rule(w, FAKE_MUTATE, 1, 0, cases[i].answer);
				world_run(w);
				assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
				assert_counts(w, .done = 2, .failed = 1);
				assert_int_equal(fake_mutations(w->f, 1), limit);
				assert_verdict(w, 1, cases[i].verdict);
				assert_int_equal(world_item(w, 1).attempts, limit);
			}
	world_close(w);
}

/* Another epoch gives no fresh attempts. */
static void test_attempts_are_counted_over_epochs(void **state)
{
	struct world *w = *state;

	world_open(w, "epochs", MUN_OP_ARCHIVE, 2);
	w->o.attempts = 3;
	rule(w, FAKE_MUTATE, 1, 0, (struct fake_answer){ .http = 409 });
	w->o.stop_at_us = w->f->now.real_us + 65 * SECOND_US; /* during the second attempt */
	world_run(w);
	assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_AT);
	w->o.stop_at_us = MUN_TIME_NONE;
	world_run(w);
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
	assert_int_equal(fake_mutations(w->f, 1), 3);
	world_close(w);
}

static void die_with_run_0(struct fake *f, const struct fake_request *r)
{
	(void)f;
	if (r->kind == FAKE_MUTATE && r->run == 0)
		_exit(FAKE_EXIT);
}

/* Without an answer (each runner dies): a limit of its own, and then it is unresolved. */
static void test_attempts_without_an_answer_have_their_own_limit(void **state)
{
	struct world *w = *state;

	for (uint32_t limit = 1; limit <= 3; limit++) {
		unsigned deaths = 0;

		world_open(w, "poison", MUN_OP_ARCHIVE, 3);
		w->o.attempts = limit;
		w->f->on_start = die_with_run_0;
		rule(w, FAKE_MUTATE, 0, 0, (struct fake_answer){ .http = 200 });
		while (world_run_and_die(w, 0))
			assert_true(++deaths < 9);
		assert_int_equal(deaths, limit);
		assert_int_equal(fake_mutations(w->f, 0), limit);
		assert_ok(mun_journal_batch(w->j, &w->batch, &w->result.batch, &w->err), &w->err);
		assert_int_equal(w->result.batch.state, MUN_B_DONE_IN_DOUBT);
		assert_int_equal(w->result.batch.counts.done, 2);
		assert_int_equal(world_exit(w), 13);
	}
	world_close(w);
}

/* A probe without an answer is tried --attempts times, then the batch goes on. */
static void test_a_probe_without_an_answer_gives_up(void **state)
{
	static const struct fake_answer silent[] = {
		{ .http = 500 },
		{ .send = MUN_SEND_BROKEN },
		{ .http = 200, .body = FAKE_HTML },
		{ .http = 200, .archived_at = "false" },
		{ .http = 200, .shown_id = "00000000000000000000000000000001" },
		{ .http = 403, .body = FAKE_JSON },
		{ .http = 404, .body = FAKE_ENDPOINT },
		{ .http = 302 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(silent); i++) {
		world_open(w, "silent", MUN_OP_ARCHIVE, 3);
		w->o.attempts = 4;
		rule(w, FAKE_MUTATE, 1, 1, (struct fake_answer){ .http = 409 });
		rule(w, FAKE_GET, 1, 4, silent[i]);
		world_run(w);
		assert_ended(w, MUN_B_DONE_IN_DOUBT, MUN_WHY_NONE);
		assert_counts(w, .done = 2, .in_doubt = 1);
		assert_int_equal(w->f->count[FAKE_GET], 4);
		assert_int_equal(fake_mutations(w->f, 1), 1);
		assert_int_equal(world_exit(w), 13);
		for (size_t k = 1; k < 4; k++) { /* with back-off between them */
			uint64_t gap_ms = fake_nth(w->f, FAKE_GET, 1, k)->at_ms -
			                  fake_nth(w->f, FAKE_GET, 1, k - 1)->answered_ms;

			assert_true(gap_ms >= 1000 && gap_ms <= (UINT64_C(2000) << k));
		}
	}
	world_close(w);
}

/* resolve asks again in an epoch of its own, and never mutates. */
static void test_resolve_asks_again(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (int effect = 0; effect < 2; effect++) {
			world_open(w, "resolve", op, 3);
			w->o.attempts = 2;
			rule(w, FAKE_MUTATE, 1, 1,
			     (struct fake_answer){ .http = 504,
			                           .effect =
			                                   effect ? FAKE_EFFECT : FAKE_NO_EFFECT });
			rule(w, FAKE_GET, 1, 3, (struct fake_answer){ .http = 500 });
			world_run(w);
			assert_ended(w, MUN_B_DONE_IN_DOUBT, MUN_WHY_NONE);
			w->o.resolving = true;
			world_run(w); /* one more silence, then the answer */
			assert_int_equal(fake_mutations(w->f, 1), 1);
			if (effect) {
				assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
				assert_verdict(w, 1, mun_ops[op].done);
				continue;
			}
			assert_true(mun_batch_is_open(w->result.batch.state)); /* reopened */
			assert_counts(w, .done = 2, .pending = 1);
			w->o.resolving = false;
			world_run(w);
			assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
			assert_int_equal(fake_mutations(w->f, 1), 2);
		}
	world_close(w);
}

/* Resolving an open batch leaves its pending items alone. */
static void test_resolving_never_mutates(void **state)
{
	struct world *w = *state;

	world_open(w, "resolving", MUN_OP_ARCHIVE, 6);
	rule(w, FAKE_MUTATE, 1, 1, (struct fake_answer){ .http = 302 });
	world_run(w);
	assert_ended(w, MUN_B_HALTED, MUN_WHY_REDIRECT);
	w->f->rules = 0;
	w->o.resolving = true;
	world_run(w);
	assert_int_equal(fake_mutations(w->f, FAKE_ANY), 2);
	assert_counts(w, .done = 1, .pending = 5);
	w->o.resolving = false;
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	world_close(w);
}

/* A probe that could not be sent says nothing about the run and costs no try. */
static void test_a_probe_that_was_not_sent_costs_no_try(void **state)
{
	static const struct fake_answer nothing[] = { { .send = MUN_SEND_NOT_SENT },
		                                      { .http = 429 } };
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(nothing); i++) {
		world_open(w, "probe not sent", MUN_OP_ARCHIVE, 2);
		w->o.attempts = 2;
		rule(w, FAKE_MUTATE, 1, 1,
		     (struct fake_answer){ .http = 502, .effect = FAKE_EFFECT });
		rule(w, FAKE_GET, 1, 9, nothing[i]);
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_int_equal(w->f->run[1].count[FAKE_GET], 10);
	}
	world_close(w);
}

/* 401: GET /me decides; without an answer it is asked again, then the token counts as lost. */
static void test_401_asks_me(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer me;
		unsigned times; /* this answer, then a good one */
		enum mun_why why;
		unsigned asked;
	} cases[] = {
		{ "401", { .http = 401, .body = FAKE_JSON }, 9, MUN_WHY_AUTH_LOST, 1 },
		{ "200", { .http = 200 }, 9, MUN_WHY_NONE, 1 },
		{ "403 JSON", { .http = 403, .body = FAKE_JSON }, 9, MUN_WHY_NONE, 1 },
		{ "403 code", { .http = 403, .body = FAKE_NOT_FOUND }, 9, MUN_WHY_NONE, 1 },
		{ "404 JSON", { .http = 404, .body = FAKE_NOT_FOUND }, 9, MUN_WHY_NONE, 1 },
		{ "500 then 200", { .http = 500 }, 2, MUN_WHY_NONE, 3 },
		{ "broken, then 200", { .send = MUN_SEND_BROKEN }, 3, MUN_WHY_NONE, 4 },
		{ "500 for ever", { .http = 500 }, 9, MUN_WHY_AUTH_LOST, 5 },
		{ "HTML for ever", { .http = 403, .body = FAKE_HTML }, 9, MUN_WHY_AUTH_LOST, 5 },
		{ "200 HTML", { .http = 200, .body = FAKE_HTML }, 9, MUN_WHY_AUTH_LOST, 5 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		bool lost = cases[i].why != MUN_WHY_NONE;

		world_open(w, cases[i].name, MUN_OP_ARCHIVE, 4);
		rule(w, FAKE_MUTATE, 1, 1, (struct fake_answer){ .http = 401, .body = FAKE_JSON });
		rule(w, FAKE_ME, FAKE_ANY, cases[i].times, cases[i].me);
		world_run(w);
		assert_ended(w, lost ? MUN_B_HALTED : MUN_B_DONE_WITH_FAILURES, cases[i].why);
		assert_int_equal(w->f->count[FAKE_ME], cases[i].asked);
		assert_int_equal(world_exit(w), lost ? 3 : 9);
		assert_int_equal(world_attempt(w, 1, 0).verdict,
		                 lost ? MUN_V_AUTH_LOST : MUN_V_DENIED);
		assert_int_equal(world_item(w, 1).state, lost ? MUN_I_PENDING : MUN_I_FAILED);
		assert_int_equal(w->f->count[FAKE_GET], 0);
		if (!lost)
			continue;
		w->f->rules = 0; /* a new token */
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	}
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_attempts_with_an_answer_have_a_limit),
		world_test(test_attempts_are_counted_over_epochs),
		world_test(test_attempts_without_an_answer_have_their_own_limit),
		world_test(test_a_probe_without_an_answer_gives_up),
		world_test(test_resolve_asks_again),
		world_test(test_resolving_never_mutates),
		world_test(test_a_probe_that_was_not_sent_costs_no_try),
		world_test(test_401_asks_me),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
