/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of which another copy of the journal may have done more than this one knows. */
#include "tests/engine/world.h"

#define MINUTE_MS UINT64_C(60000)

static void rule(struct world *w, enum fake_kind kind, int run, struct fake_answer a)
{
	fake_rule(w->f, (struct fake_rule){ kind, run, 0, 0, 0, a });
}

/* One item is done; then the batch is put in doubt. Gives the uptime of that start. */
static uint64_t doubted(struct world *w, const char *name, enum mun_op_kind op)
{
	world_open(w, name, op, 3);
	w->o.stop_after = 1;
	world_run(w);
	assert_counts(w, .done = 1, .pending = 2);
	w->o.stop_after = 0;
	w->all_in_doubt = true;
	return (uint64_t)w->f->now.uptime_ms;
}

/* Not the goal, long enough after the start: sent, one attempt each. */
static void test_nothing_happened(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		uint64_t start_ms = doubted(w, "nothing happened", op);

		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = 3);
		for (int run = 1; run < 3; run++) {
			assert_int_equal(fake_mutations(w->f, run), 1);
			assert_true(fake_nth(w->f, FAKE_GET, run, 0) != NULL);
			assert_true(fake_nth(w->f, FAKE_MUTATE, run, 0)->at_ms >=
			            start_ms + MINUTE_MS);
		}
		w->all_in_doubt = false;
	}
	world_close(w);
}

/* The goal is reached, by whom nobody here can tell: never sent. */
static void test_the_other_copy_did_it(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		(void)doubted(w, "the other copy", op);
		for (int run = 1; run < 3; run++)
			w->f->run[run].archived = mun_ops[op].goal_archived;
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = 1, .already = 2);
		assert_verdict(w, 1, mun_ops[op].already);
		assert_int_equal(world_item(w, 1).request_seq, MUN_NO_SEQ);
		assert_int_equal(fake_mutations(w->f, 1) + fake_mutations(w->f, 2), 0);
		w->all_in_doubt = false;
	}
	world_close(w);
}

/* Adopted items are in doubt from the batch's first start on. */
static void test_from_the_first_start(void **state)
{
	struct world *w = *state;

	world_open(w, "adopted", MUN_OP_ARCHIVE, 3);
	w->all_in_doubt = true;
	w->f->run[0].archived = true;
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_counts(w, .done = 2, .already = 1);
	assert_int_equal(fake_mutations(w->f, 0), 0);
	world_close(w);
}

/* No answer: they stay in doubt, and nothing is sent, in this epoch or the next. */
static void test_no_answer(void **state)
{
	struct world *w = *state;

	(void)doubted(w, "no answer", MUN_OP_ARCHIVE);
	rule(w, FAKE_GET, FAKE_ANY, (struct fake_answer){ .http = 403, .body = FAKE_JSON });
	world_run(w);
	assert_counts(w, .done = 1, .in_doubt = 2);
	assert_int_equal(world_exit(w), 13);
	w->all_in_doubt = false;
	w->f->rules = 0;
	w->o.resolving = true;
	world_run(w);
	assert_counts(w, .done = 1, .pending = 2);
	w->o.resolving = false;
	world_run(w);
	assert_counts(w, .done = 3);
	assert_int_equal(fake_mutations(w->f, 1), 1);
	world_close(w);
}

/* Gone before a first attempt of this journal: failed, never sent. */
static void test_gone(void **state)
{
	struct world *w = *state;

	(void)doubted(w, "gone", MUN_OP_ARCHIVE);
	w->f->run[1].gone = true;
	world_run(w);
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
	assert_counts(w, .done = 2, .failed = 1);
	assert_verdict(w, 1, MUN_V_NOT_FOUND);
	assert_int_equal(fake_mutations(w->f, 1), 0);
	world_close(w);
}

/*
 * An attempt of this journal was settled as without effect before: the goal is not its doing, and
 * what is found is no second verdict about it.
 */
static void test_after_a_settled_attempt(void **state)
{
	struct world *w = *state;

	for (int done = 0; done < 2; done++) {
		world_open(w, "settled before", MUN_OP_ARCHIVE, 1);
		rule(w, FAKE_MUTATE, 0, (struct fake_answer){ .http = 403, .body = FAKE_HTML });
		w->o.stop_at_us = w->f->now.real_us + 500000;
		world_run(w);
		assert_counts(w, .pending = 1);
		w->o.stop_at_us = MUN_TIME_NONE;
		w->f->rules = 0;
		w->all_in_doubt = true;
		w->f->run[0].archived = done;
		w->f->run[0].archived_us = w->f->now.real_us - 86400 * INT64_C(1000000);
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		if (done)
			assert_counts(w, .already = 1);
		else
			assert_counts(w, .done = 1);
		assert_int_equal(world_attempt(w, 0, 0).verdict, MUN_V_BLOCKED);
		w->all_in_doubt = false;
	}
	world_close(w);
}

/* Put in doubt, stopped before all was asked about, and resolved one by one by a person's word. */
static void test_doubt_stays_until_asked(void **state)
{
	struct world *w = *state;
	struct mun_entry e = { .kind = MUN_K_DECISION, .item = 2, .has_batch = true };

	(void)doubted(w, "stays", MUN_OP_ARCHIVE);
	w->o.stop_at_us = w->f->now.real_us;
	world_run(w);
	assert_counts(w, .done = 1, .in_doubt = 2);
	w->o.stop_at_us = MUN_TIME_NONE;
	w->all_in_doubt = false;
	e.batch = w->batch;
	e.has_org = e.has_run = true;
	e.org = w->org;
	e.run = w->f->run[2].id;
	e.u.decision.request = MUN_NO_SEQ;
	e.u.decision.verdict = MUN_V_ARCHIVED;
	e.u.decision.reason = "seen in the app";
	e.u.decision.operator_ = (struct mun_operator){ .user = "u", .host = "h" };
	world_append(w, &e);
	assert_int_equal(world_item(w, 2).state, MUN_I_DONE);
	assert_int_equal(world_item(w, 1).state, MUN_I_IN_DOUBT);
	w->o.resolving = true;
	world_run(w);
	assert_counts(w, .done = 2, .pending = 1);
	assert_int_equal(fake_mutations(w->f, 1), 0);
	w->o.resolving = false;
	world_run(w);
	assert_counts(w, .done = 3);
	assert_int_equal(fake_mutations(w->f, 2), 0);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_nothing_happened),
		world_test(test_the_other_copy_did_it),
		world_test(test_from_the_first_start),
		world_test(test_no_answer),
		world_test(test_gone),
		world_test(test_after_a_settled_attempt),
		world_test(test_doubt_stays_until_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
