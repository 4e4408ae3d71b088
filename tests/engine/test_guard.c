/* SPDX-License-Identifier: Apache-2.0 */
/* Guards: what halts a batch before it does harm, and what turns a guard off. */
#include <string.h>

#include "tests/engine/world.h"

static const struct fake_answer denied = { .http = 403, .body = FAKE_JSON };
static const struct fake_answer rejected = { .http = 405, .body = FAKE_JSON };
static const struct fake_answer missing = { .http = 404, .body = FAKE_NOT_FOUND };

/* Every run, at each request, gets the answer. */
static void always(struct world *w, enum fake_kind kind, struct fake_answer a)
{
	fake_rule(w->f, (struct fake_rule){ kind, FAKE_ANY, 0, 0, 0, a });
}

static void one(struct world *w, int run, struct fake_answer a)
{
	fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, run, 0, 0, 0, a });
}

static void test_three_denied_in_a_row(void **state)
{
	struct world *w = *state;

	for (int by_401 = 0; by_401 < 2; by_401++) {
		const struct fake_answer a = { .http = by_401 ? 401 : 403, .body = FAKE_JSON };

		world_open(w, "denied", MUN_OP_ARCHIVE, 12);
		one(w, 1, a);
		one(w, 2, a);
		one(w, 4, a);
		one(w, 5, a);
		one(w, 6, a);
		world_run(w);
		assert_ended(w, MUN_B_HALTED, MUN_WHY_DENIED);
		assert_counts(w, .done = 2, .failed = 5, .pending = 5);
		assert_int_equal(world_exit(w), 3);
		assert_int_equal(fake_mutations(w->f, 7), 0);
	}
	world_close(w);
}

/* Another permanent failure, or an item in doubt settled as done, ends the row. */
static void test_denied_must_be_consecutive(void **state)
{
	struct world *w = *state;

	world_open(w, "denied, interrupted", MUN_OP_ARCHIVE, 12);
	one(w, 1, denied);
	one(w, 2, denied);
	one(w, 3, rejected);
	one(w, 4, denied);
	one(w, 5, denied);
	world_run(w);
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
	assert_counts(w, .done = 7, .failed = 5);
	world_close(w);
}

/* A challenge of something in front of the API: no item fails, whatever item it is about. */
static void test_three_blocked_in_a_row(void **state)
{
	const struct fake_answer blocked = { .http = 403, .body = FAKE_HTML };
	struct world *w = *state;

	for (int run = 0; run < 2; run++) { /* every run; one, that is alone in the end */
		world_open(w, "blocked", MUN_OP_RESTORE, 6);
		w->o.concurrency = run == 0 ? 4 : 1;
		one(w, run, blocked);
		if (run == 0)
			w->f->rule[0].run = FAKE_ANY;
		world_run(w);
		assert_ended(w, MUN_B_HALTED, MUN_WHY_BLOCKED);
		assert_counts(w, .done = run == 0 ? 0 : 5, .pending = run == 0 ? 6 : 1);
		assert_int_equal(w->f->count[FAKE_GET], 0);
		if (run == 0)
			assert_int_equal(fake_mutations(w->f, FAKE_ANY), 3);
		assert_int_equal(world_exit(w), 14);
	}
	world_open(w, "blocked twice", MUN_OP_ARCHIVE, 6);
	fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, FAKE_ANY, 1, 2, 2, blocked });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	world_close(w);
}

/* Answers without evidence: three in a row that their first probes do not confirm. */
static void test_three_unconfirmed_in_a_row(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (int no_answer = 0; no_answer < 2; no_answer++) {
			world_open(w, "unconfirmed", op, 8);
			always(w, FAKE_MUTATE, (struct fake_answer){ .http = 200, .body = "" });
			if (no_answer) /* the field is gone from reads too: no answer */
				always(w, FAKE_GET,
				       (struct fake_answer){ .http = 200, .archived_at = "7" });
			world_run(w);
			assert_ended(w, MUN_B_HALTED, MUN_WHY_UNVERIFIED);
			assert_int_equal(world_exit(w), 14);
			assert_int_equal(fake_mutations(w->f, FAKE_ANY), 3);
			assert_int_equal(w->result.batch.counts.failed, 0);
			assert_int_equal(w->result.batch.counts.in_doubt, 3);
		}
	world_close(w);
}

/* 204 on every item, and it was done: each probe confirms, the batch gets done. */
static void test_confirmed_answers_without_evidence_are_fine(void **state)
{
	struct world *w = *state;

	world_open(w, "204 everywhere", MUN_OP_ARCHIVE, 8);
	always(w, FAKE_MUTATE, (struct fake_answer){ .http = 204, .effect = FAKE_EFFECT });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_counts(w, .done = 8);
	assert_int_equal(fake_mutations(w->f, FAKE_ANY), 8);
	world_close(w);
}

static void test_unconfirmed_must_be_consecutive(void **state)
{
	const struct fake_answer empty = { .http = 200, .body = "" };
	struct world *w = *state;

	world_open(w, "unconfirmed, interrupted", MUN_OP_ARCHIVE, 8);
	for (int i = 0; i < 8; i++)
		if (i % 3 != 2) /* two without effect, then a success */
			fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, i, 1, 1, 0, empty });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_counts(w, .done = 8);
	world_close(w);
}

static void test_first_five_not_found(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		world_open(w, "five 404", op, 9);
		for (int i = 0; i < 9; i++)
			w->f->run[i].gone = true;
		world_run(w);
		assert_ended(w, MUN_B_HALTED, MUN_WHY_WRONG_ORG);
		assert_counts(w, .failed = 5, .pending = 4);
		assert_int_equal(world_exit(w), 14);
	}
	world_close(w);
}

static void test_four_not_found_are_no_wrong_organization(void **state)
{
	struct world *w = *state;

	for (int odd = 0; odd < 5; odd++) {
		world_open(w, "four of five", MUN_OP_ARCHIVE, 9);
		for (int i = 0; i < 5; i++)
			w->f->run[i].gone = i != odd;
		world_run(w);
		assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
		assert_counts(w, .done = 5, .failed = 4);
	}
	world_close(w);
}

/* A batch of five that are all gone has nothing left to do: no guard leaves it open. */
static void test_a_guard_leaves_nothing_open_without_work(void **state)
{
	struct world *w = *state;

	world_open(w, "five of five", MUN_OP_ARCHIVE, 5);
	for (int i = 0; i < 5; i++)
		w->f->run[i].gone = true;
	world_run(w);
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
	assert_int_equal(world_exit(w), 9);
	world_open(w, "the last three", MUN_OP_ARCHIVE, 6);
	for (int i = 3; i < 6; i++)
		one(w, i, denied);
	world_run(w);
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
	world_close(w);
}

/* Over 30 % of the newest 50, once 20 are final. */
static void test_share_of_failures(void **state)
{
	static const struct {
		unsigned every; /* n-th item fails */
		uint32_t halts; /* items final when it halts; 0 never */
	} cases[] = {
		{ 2, 20 }, /* 10 of 20 */
		{ 3, 21 }, /* 6 of 20 is not over 30 %, 7 of 21 is */
		{ 4, 0 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		const struct mun_counts *c = &w->result.batch.counts;

		world_open(w, "share", MUN_OP_ARCHIVE, 60);
		for (unsigned run = cases[i].every - 1; run < 60; run += cases[i].every)
			one(w, (int)run, rejected);
		world_run(w);
		assert_ended(w, cases[i].halts ? MUN_B_HALTED : MUN_B_DONE_WITH_FAILURES,
		             cases[i].halts ? MUN_WHY_FAILURES : MUN_WHY_NONE);
		assert_int_equal(world_exit(w), cases[i].halts ? 14 : 9);
		if (cases[i].halts)
			assert_int_equal(c->done + c->failed, cases[i].halts);
	}
	world_close(w);
}

/* Only the newest 50 count: 40 good ones do not hide that everything fails since. */
static void test_share_looks_at_the_newest_fifty(void **state)
{
	struct world *w = *state;

	world_open(w, "newest fifty", MUN_OP_ARCHIVE, 120);
	for (int i = 60; i < 120; i += 2)
		one(w, i, rejected);
	world_run(w);
	/* after 60 good ones the 16th failure among the last 50 is the 31st item from there on */
	assert_ended(w, MUN_B_HALTED, MUN_WHY_FAILURES);
	assert_int_equal(w->result.batch.counts.failed, 16);
	assert_int_equal(w->result.batch.counts.done, 60 + 15);
	world_close(w);
}

/* --keep-going: these guards and no others. */
static void test_keep_going_turns_off_four_guards(void **state)
{
	struct world *w = *state;

	world_open(w, "keep going: first item", MUN_OP_ARCHIVE, 6);
	w->o.keep_going = true;
	one(w, 0, denied);
	one(w, 1, rejected);
	one(w, 2, (struct fake_answer){ .http = 422, .body = FAKE_JSON });
	world_run(w);
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
	assert_counts(w, .done = 3, .failed = 3);

	world_open(w, "keep going: three denied", MUN_OP_ARCHIVE, 30);
	w->o.keep_going = true;
	always(w, FAKE_MUTATE, denied); /* thirty in a row, and more than 30 % */
	world_run(w);
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
	assert_counts(w, .failed = 30);

	world_open(w, "keep going: five 404", MUN_OP_ARCHIVE, 30);
	w->o.keep_going = true;
	for (int i = 0; i < 30; i++)
		w->f->run[i].gone = true;
	world_run(w);
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
	assert_counts(w, .failed = 30);
	world_close(w);
}

static void test_keep_going_leaves_the_others(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		enum mun_why why;
	} cases[] = {
		{ "redirect", { .http = 302 }, MUN_WHY_REDIRECT },
		{ "other id",
		  { .http = 200, .shown_id = "00000000000000000000000000000001" },
		  MUN_WHY_OTHER_ID },
		{ "certificate", { .send = MUN_SEND_BAD_CERT }, MUN_WHY_CERTIFICATE },
		{ "endpoint", { .http = 404, .body = FAKE_ENDPOINT }, MUN_WHY_CONFIG },
		{ "plan limit", { .http = 402 }, MUN_WHY_PLAN_LIMIT },
		{ "blocked", { .http = 403, .body = FAKE_HTML }, MUN_WHY_BLOCKED },
		{ "unverified", { .http = 200, .body = FAKE_HTML }, MUN_WHY_UNVERIFIED },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		world_open(w, cases[i].name, MUN_OP_ARCHIVE, 9);
		w->o.keep_going = true;
		always(w, FAKE_MUTATE, cases[i].answer);
		world_run(w);
		assert_ended(w, MUN_B_HALTED, cases[i].why);
	}
	world_open(w, "auth lost", MUN_OP_ARCHIVE, 9);
	w->o.keep_going = true;
	always(w, FAKE_MUTATE, (struct fake_answer){ .http = 401 });
	always(w, FAKE_ME, (struct fake_answer){ .http = 401 });
	world_run(w);
	assert_ended(w, MUN_B_HALTED, MUN_WHY_AUTH_LOST);
	world_close(w);
}

/* Each epoch counts from zero; the batch's first success is remembered. */
static void test_counters_start_at_zero_in_each_epoch(void **state)
{
	struct world *w = *state;

	world_open(w, "epochs: denied", MUN_OP_ARCHIVE, 9);
	for (int i = 1; i < 9; i++)
		one(w, i, denied);
	w->o.stop_on_failures = 2; /* one done, two denied */
	world_run(w);
	assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_ON_FAILURES);
	assert_counts(w, .done = 1, .failed = 2, .pending = 6);
	w->o.stop_on_failures = 0;
	world_run(w); /* three more, not one */
	assert_ended(w, MUN_B_HALTED, MUN_WHY_DENIED);
	assert_counts(w, .done = 1, .failed = 5, .pending = 3);

	world_open(w, "epochs: first item", MUN_OP_ARCHIVE, 4);
	one(w, 0, rejected);
	one(w, 1, rejected);
	world_run(w);
	assert_ended(w, MUN_B_HALTED, MUN_WHY_REJECTED);
	world_run(w); /* no success yet: the next one is guarded too */
	assert_ended(w, MUN_B_HALTED, MUN_WHY_REJECTED);
	assert_counts(w, .failed = 2, .pending = 2);
	world_run(w);
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);

	world_open(w, "epochs: five 404", MUN_OP_ARCHIVE, 14);
	for (int i = 0; i < 14; i++)
		w->f->run[i].gone = true;
	world_run(w);
	assert_ended(w, MUN_B_HALTED, MUN_WHY_WRONG_ORG);
	world_run(w);
	assert_ended(w, MUN_B_HALTED, MUN_WHY_WRONG_ORG);
	assert_counts(w, .failed = 10, .pending = 4);

	world_open(w, "epochs: a success before", MUN_OP_ARCHIVE, 4);
	w->o.stop_after = 1;
	world_run(w);
	w->o.stop_after = 0;
	one(w, 1, rejected); /* not the batch's first any more */
	world_run(w);
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
	world_close(w);
}

/* What is in flight when a guard halts is awaited and recorded. */
static void test_a_halt_waits_for_what_is_in_flight(void **state)
{
	struct world *w = *state;

	world_open(w, "drain", MUN_OP_ARCHIVE, 40);
	w->o.concurrency = 8;
	for (int i = 0; i < 40; i++)
		if (i != 4)
			one(w, i,
			    (struct fake_answer){
				    .http = 200, .effect = FAKE_EFFECT, .latency_ms = 500 });
	one(w, 4, (struct fake_answer){ .http = 302 });
	world_run(w);
	assert_ended(w, MUN_B_HALTED, MUN_WHY_REDIRECT);
	assert_int_equal(w->result.batch.counts.in_doubt, 1);
	assert_int_equal(w->result.batch.counts.done, fake_mutations(w->f, FAKE_ANY) - 1);
	assert_true(fake_mutations(w->f, FAKE_ANY) > 2);
	world_close(w);
}

static void test_one_at_a_time_until_the_first_success(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		const struct fake_request *r;
		uint64_t success_ms = 0;
		bool together = false;

		world_open(w, "first success", op, 30);
		w->o.concurrency = 16;
		one(w, 0, missing); /* failed: still no success */
		fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, 1, 1, 1, 0, { .http = 503 } });
		world_run(w);
		assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
		for (size_t i = 0; (r = fake_nth(w->f, FAKE_MUTATE, FAKE_ANY, i)) != NULL; i++) {
			if (success_ms == 0 || r->at_ms < success_ms)
				assert_int_equal(r->mutating, 1);
			if (r->http == 200 && success_ms == 0)
				success_ms = r->answered_ms;
			together = together || r->mutating > 8;
		}
		assert_true(together);
	}
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_three_denied_in_a_row),
		world_test(test_denied_must_be_consecutive),
		world_test(test_three_blocked_in_a_row),
		world_test(test_three_unconfirmed_in_a_row),
		world_test(test_confirmed_answers_without_evidence_are_fine),
		world_test(test_unconfirmed_must_be_consecutive),
		world_test(test_first_five_not_found),
		world_test(test_four_not_found_are_no_wrong_organization),
		world_test(test_a_guard_leaves_nothing_open_without_work),
		world_test(test_share_of_failures),
		world_test(test_share_looks_at_the_newest_fifty),
		world_test(test_keep_going_turns_off_four_guards),
		world_test(test_keep_going_leaves_the_others),
		world_test(test_counters_start_at_zero_in_each_epoch),
		world_test(test_a_halt_waits_for_what_is_in_flight),
		world_test(test_one_at_a_time_until_the_first_success),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
