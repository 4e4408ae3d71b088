/* SPDX-License-Identifier: Apache-2.0 */
/* A run that stands in more than one batch, and what a person decided about an item. */
#include <string.h>

#include "lib/file.h"
#include "tests/engine/world.h"

#define MINUTE_MS UINT64_C(60000)

static void rule(struct world *w, enum fake_kind kind, unsigned to, struct fake_answer a)
{
	fake_rule(w->f, (struct fake_rule){ kind, 0, 0, to, 0, a });
}

/* Batch 1 tried run 0 and got the answer; batch 2 has the runs 0 and 1 and is used from now on. */
static void two_batches(struct world *w, const char *name, enum mun_op_kind first,
                        enum mun_op_kind second, struct fake_answer a)
{
	world_open(w, name, first, 1);
	w->f->runs = 2;
	w->f->run[1].archived = second == MUN_OP_RESTORE;
	world_add_plan(w, 2, second, 0, 2);
	if (a.http != 0)
		rule(w, FAKE_MUTATE, 1, a);
	world_run(w);
	world_use(w, 2, second);
	w->f->rules = 0;
}

static unsigned gets_before_mutation(struct world *w, int run, size_t from)
{
	unsigned n = 0;

	for (size_t i = from; i < w->f->requests; i++) {
		const struct fake_request *r = &w->f->request[i];

		if (r->run == run && r->kind == FAKE_MUTATE)
			break;
		n += r->run == run && r->kind == FAKE_GET;
	}
	return n;
}

/* The goal was reached elsewhere: asked first; still there, nothing is sent. */
static void test_already_done_elsewhere(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		two_batches(w, "done elsewhere", op, op, (struct fake_answer){ .http = 0 });
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = 1, .already = 1);
		assert_verdict(w, 0, mun_ops[op].already);
		assert_int_equal(world_item(w, 0).how, MUN_HOW_PROBE);
		assert_int_equal(fake_mutations(w->f, 0), 1);
		assert_int_equal(world_exit(w), 0);
	}
	world_close(w);
}

/* Done elsewhere and undone since by somebody: asked first, then sent, without a settle wait. */
static void test_undone_since(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		size_t sent;

		two_batches(w, "undone", op, op, (struct fake_answer){ .http = 0 });
		w->f->run[0].archived = !w->f->run[0].archived;
		w->f->now.uptime_ms += 10 * 60000;
		w->f->now.real_us += 10 * 60000 * INT64_C(1000);
		sent = w->f->requests;
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = 2);
		assert_int_equal(gets_before_mutation(w, 0, sent), 1);
		assert_int_equal(fake_mutations(w->f, 0), 2);
	}
	world_close(w);
}

/* The newest outcome elsewhere is the opposite: nothing to ask about. */
static void test_the_opposite_was_done_elsewhere(void **state)
{
	struct world *w = *state;

	two_batches(w, "opposite", MUN_OP_ARCHIVE, MUN_OP_RESTORE,
	            (struct fake_answer){ .http = 0 });
	world_run(w);
	assert_counts(w, .done = 2);
	assert_int_equal(w->f->count[FAKE_GET], 0);
	world_add_plan(w, 3, MUN_OP_ARCHIVE, 0, 2);
	world_use(w, 3, MUN_OP_ARCHIVE);
	world_run(w); /* archived by 1, restored by 2: the last outcome is not the goal */
	assert_counts(w, .done = 2);
	assert_int_equal(w->f->count[FAKE_GET], 0);
	world_close(w);
}

/* An attempt is open elsewhere and nobody settles it: asked at once. */
static void test_open_elsewhere(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (int effect = 0; effect < 2; effect++) {
			uint64_t ended_ms;
			size_t sent;

			two_batches(w, "open elsewhere", op, op,
			            (struct fake_answer){ .http = 302,
			                                  .effect = effect ? FAKE_EFFECT
			                                                   : FAKE_NO_EFFECT });
			assert_ended(w, MUN_B_HALTED, MUN_WHY_REDIRECT);
			ended_ms = fake_nth(w->f, FAKE_MUTATE, 0, 0)->answered_ms;
			sent = w->f->requests;
			world_run(w);
			assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
			assert_int_equal(fake_nth(w->f, FAKE_GET, 0, 0)->at_ms, ended_ms);
			if (effect) {
				assert_counts(w, .done = 1, .already = 1);
				assert_int_equal(fake_mutations(w->f, 0), 1);
			} else { /* --settle counts from the other attempt's transfer */
				assert_counts(w, .done = 2);
				assert_int_equal(gets_before_mutation(w, 0, sent), 2);
				assert_true(fake_nth(w->f, FAKE_MUTATE, 0, 1)->at_ms >=
				            ended_ms + MINUTE_MS);
			}
			/* nothing of the other batch was settled */
			world_use(w, 1, op);
			assert_int_equal(world_item(w, 0).state, MUN_I_IN_DOUBT);
			if (!effect)
				continue;
			world_run(w);
			assert_counts(w, .done = 1);
		}
	world_close(w);
}

static int lock_fd = -1;
static unsigned mutations_while_locked;

static void unlock_later(struct fake *f)
{
	if (lock_fd >= 0 && (uint64_t)f->now.uptime_ms > 5000000 + 30000) {
		mutations_while_locked = f->run[0].count[FAKE_MUTATE] + f->run[0].count[FAKE_GET];
		mun_closep(&lock_fd);
	}
}

/* A living runner is settling it: the item waits, the others go on. */
static void test_a_living_runner_settles_it(void **state)
{
	struct world *w = *state;
	struct mun_ref other;
	char path[4200];

	two_batches(w, "living runner", MUN_OP_ARCHIVE, MUN_OP_ARCHIVE,
	            (struct fake_answer){ .http = 302 });
	memset(other.bytes, 1, sizeof(other.bytes));
	mun_journal_lock_path(w->j, &other, path, sizeof(path));
	assert_ok(mun_lock_take(&lock_fd, path, &w->err), &w->err);
	w->f->on_wait = unlock_later;
	world_run(w);
	assert_int_equal(lock_fd, -1);
	assert_int_equal(mutations_while_locked, 1); /* that of the other batch */
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_counts(w, .done = 2);
	assert_true(fake_nth(w->f, FAKE_MUTATE, 1, 0)->at_ms <
	            fake_nth(w->f, FAKE_GET, 0, 0)->at_ms);
	assert_true(fake_nth(w->f, FAKE_GET, 0, 0)->at_ms >= 5000000 + 30000);
	world_close(w);
}

/* Gone before a first attempt: failed, not found, never sent. */
static void test_gone_before_a_first_attempt(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		two_batches(w, "gone before", op, op, (struct fake_answer){ .http = 0 });
		w->f->run[0].gone = true;
		world_run(w);
		assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
		assert_counts(w, .done = 1, .failed = 1);
		assert_verdict(w, 0, MUN_V_NOT_FOUND);
		assert_int_equal(world_item(w, 0).how, MUN_HOW_PROBE);
		assert_int_equal(fake_mutations(w->f, 0), 1); /* of the batch before */
		assert_int_equal(world_exit(w), 9);
	}
	world_close(w);
}

/* Reads lag behind: sent, and answered with the time that the other batch's attempt has. */
static void test_the_time_of_another_attempt_is_not_ours(void **state)
{
	struct world *w = *state;

	two_batches(w, "its time", MUN_OP_ARCHIVE, MUN_OP_ARCHIVE,
	            (struct fake_answer){ .http = 0 });
	rule(w, FAKE_GET, 9, (struct fake_answer){ .http = 200, .archived_at = "null" });
	world_run(w);
	assert_int_equal(fake_mutations(w->f, 0), 2);
	assert_verdict(w, 0, MUN_V_ALREADY_ARCHIVED);
	assert_int_equal(world_item(w, 0).how, MUN_HOW_RESPONSE);

	/* the same found by a probe, after our own answer was lost */
	two_batches(w, "its time, probed", MUN_OP_ARCHIVE, MUN_OP_ARCHIVE,
	            (struct fake_answer){ .http = 0 });
	rule(w, FAKE_GET, 1, (struct fake_answer){ .http = 200, .archived_at = "null" });
	rule(w, FAKE_MUTATE, 2, (struct fake_answer){ .http = 502 });
	world_run(w);
	assert_int_equal(fake_mutations(w->f, 0), 2);
	assert_verdict(w, 0, MUN_V_ALREADY_ARCHIVED);
	world_close(w);
}

/* The question before a first attempt gets no answer: not sent, the others are done. */
static void test_no_answer_before_a_first_attempt(void **state)
{
	struct world *w = *state;

	two_batches(w, "no answer before", MUN_OP_ARCHIVE, MUN_OP_ARCHIVE,
	            (struct fake_answer){ .http = 0 });
	rule(w, FAKE_GET, 1 + 5, (struct fake_answer){ .http = 500 });
	w->o.attempts = 3;
	world_run(w);
	assert_int_equal(fake_mutations(w->f, 0), 1);
	assert_ended(w, MUN_B_DONE_IN_DOUBT, MUN_WHY_NONE);
	assert_counts(w, .done = 1, .in_doubt = 1);
	w->f->rules = 0;
	w->o.resolving = true;
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_counts(w, .done = 1, .already = 1);
	world_close(w);
}

/* A person decided about the attempt in doubt of item 0. */
static void decide(struct world *w, enum mun_verdict v)
{
	struct mun_entry e = { .kind = MUN_K_DECISION,
		               .has_batch = true,
		               .batch = w->batch,
		               .has_org = true,
		               .org = w->org,
		               .item = 0,
		               .has_run = true,
		               .run = w->f->run[0].id };

	e.u.decision.request = world_item(w, 0).request_seq;
	e.u.decision.verdict = v;
	e.u.decision.reason = "looked at it in the browser";
	e.u.decision.operator_ = (struct mun_operator){ .user = "bob", .host = "desk" };
	world_append(w, &e);
}

static void in_doubt(struct world *w, const char *name, enum mun_op_kind op, bool effect)
{
	world_open(w, name, op, 2);
	w->o.attempts = 2;
	rule(w, FAKE_MUTATE, 1,
	     (struct fake_answer){ .http = 302, .effect = effect ? FAKE_EFFECT : FAKE_NO_EFFECT });
	world_run(w);
	assert_ended(w, MUN_B_HALTED, MUN_WHY_REDIRECT);
	w->f->rules = 0;
}

/* "not archived": probed once more, and what the probe says wins; else a fresh attempt. */
static void test_decision_that_it_had_no_effect(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (int effect = 0; effect < 2; effect++) {
			in_doubt(w, "decided", op, effect);
			decide(w, MUN_V_NO_EFFECT);
			assert_int_equal(world_item(w, 0).state, MUN_I_PENDING);
			world_run(w);
			assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
			assert_counts(w, .done = 2);
			assert_int_equal(gets_before_mutation(w, 0, 1), 1);
			assert_int_equal(fake_mutations(w->f, 0), effect ? 1 : 2);
		}
	world_close(w);
}

/* A probe without an answer leaves the decision standing: it is sent. */
static void test_decision_stands_when_nothing_answers(void **state)
{
	static const struct fake_answer silent[] = { { .http = 500 },
		                                     { .http = 200, .body = FAKE_HTML } };
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(silent); i++) {
		in_doubt(w, "decision stands", MUN_OP_ARCHIVE, false);
		decide(w, MUN_V_NO_EFFECT);
		rule(w, FAKE_GET, 0, silent[i]);
		w->f->run[0].doubt = false; /* the decision is what is known */
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = 2);
		assert_int_equal(fake_mutations(w->f, 0), 2);
	}
	world_close(w);
}

/* Used up attempts do not count against the fresh one that a decision grants. */
static void test_decision_grants_one_fresh_attempt(void **state)
{
	struct world *w = *state;

	world_open(w, "fresh", MUN_OP_ARCHIVE, 2);
	w->o.attempts = 1;
	rule(w, FAKE_MUTATE, 1, (struct fake_answer){ .http = 502 });
	rule(w, FAKE_GET, 1, (struct fake_answer){ .http = 500 });
	world_run(w);
	assert_ended(w, MUN_B_DONE_IN_DOUBT, MUN_WHY_NONE);
	decide(w, MUN_V_NO_EFFECT);
	w->f->rules = 0;
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_int_equal(fake_mutations(w->f, 0), 2);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_already_done_elsewhere),
		world_test(test_undone_since),
		world_test(test_the_opposite_was_done_elsewhere),
		world_test(test_open_elsewhere),
		world_test(test_a_living_runner_settles_it),
		world_test(test_gone_before_a_first_attempt),
		world_test(test_the_time_of_another_attempt_is_not_ours),
		world_test(test_no_answer_before_a_first_attempt),
		world_test(test_decision_that_it_had_no_effect),
		world_test(test_decision_stands_when_nothing_answers),
		world_test(test_decision_grants_one_fresh_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
