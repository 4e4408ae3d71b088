/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process dies at its n-th step, for every n: readings of the clock (each transaction makes
 * one) after something happened, before and after a request leaves, before and after a wait. The
 * next process finds what was committed, asks before it sends, and gets everything done.
 */
#include <string.h>

#include "tests/engine/world.h"

#define ITEMS 6

struct story {
	const char *name;
	enum mun_op_kind op;
	uint32_t concurrency;
	unsigned stride; /* steps from one death to the next that is tried */
};

static void tell(struct world *w, const struct story *s)
{
	world_open(w, s->name, s->op, ITEMS);
	w->o.concurrency = s->concurrency;
	w->o.settle_ms = 3000;
	w->o.attempts = 40;
	fake_rule(w->f, (struct fake_rule){
				FAKE_MUTATE, 1, 1, 1, 0, { .http = 502, .effect = FAKE_EFFECT } });
	fake_rule(w->f, (struct fake_rule){
				FAKE_MUTATE,
				2,
				1,
				1,
				0,
				{ .http = 504, .effect = FAKE_EFFECT, .effect_after_ms = 1500 } });
	fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, 3, 1, 1, 0, { .http = 409 } });
	fake_rule(w->f, (struct fake_rule){
				FAKE_MUTATE, 4, 1, 1, 0, { .http = 429, .retry_after_s = 1 } });
	fake_rule(w->f, (struct fake_rule){ FAKE_GET, 3, 1, 1, 0, { .http = 500 } });
	w->f->filler = 3;
	w->f->hides_archived = s->op == MUN_OP_ARCHIVE && s->concurrency > 1;
}

static void check(struct world *w)
{
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_counts(w, .done = ITEMS);
	for (uint32_t i = 0; i < ITEMS; i++) {
		assert_int_equal(w->f->run[i].effects, 1);
		assert_verdict(w, i, mun_ops[w->f->op].done);
	}
	assert_int_equal(world_exit(w), 0);
}

/* One death, at each step of the story. */
static void die_once(struct world *w, const struct story *s)
{
	for (unsigned step = 1;; step += s->stride) {
		bool died;

		tell(w, s);
		w->unverified = step % 8 != 1;
		died = world_run_and_die(w, step);
		if (died)
			world_run(w);
		else
			assert_ok(mun_journal_batch(w->j, &w->batch, &w->result.batch, &w->err),
			          &w->err);
		check(w);
		if (!died)
			break;
		assert_true(step < 2000);
	}
}

/* Dies again and again, each time a little later in its life. */
static void die_often(struct world *w, const struct story *s)
{
	for (unsigned step = 2; step < 60; step += 14) {
		unsigned deaths = 0;

		tell(w, s);
		while (world_run_and_die(w, step + deaths * s->stride))
			assert_true(++deaths < 150);
		assert_ok(mun_journal_batch(w->j, &w->batch, &w->result.batch, &w->err), &w->err);
		check(w);
	}
}

static void test_archive_dies_at_every_step(void **state)
{
	die_once(*state, &(struct story){ "archive", MUN_OP_ARCHIVE, 1, 1 });
	world_close(*state);
}

static void test_archive_side_by_side_dies(void **state)
{
	die_once(*state, &(struct story){ "archive, 4", MUN_OP_ARCHIVE, 4, 2 });
	world_close(*state);
}

static void test_restore_dies(void **state)
{
	die_once(*state, &(struct story){ "restore", MUN_OP_RESTORE, 1, 2 });
	world_close(*state);
}

static void test_dying_again_and_again(void **state)
{
	die_often(*state, &(struct story){ "again", MUN_OP_ARCHIVE, 1, 5 });
	die_often(*state, &(struct story){ "again, 3", MUN_OP_RESTORE, 3, 7 });
	world_close(*state);
}

/* A runner that dies while it only asks changes nothing. */
static void test_resolve_dies_at_every_step(void **state)
{
	struct world *w = *state;

	for (unsigned step = 1;; step++) {
		bool died;

		world_open(w, "resolve", MUN_OP_ARCHIVE, 3);
		w->unverified = step % 8 != 1;
		w->o.settle_ms = 1000;
		fake_rule(
			w->f,
			(struct fake_rule){
				FAKE_MUTATE, 1, 1, 1, 0, { .http = 302, .effect = FAKE_EFFECT } });
		world_run(w);
		w->o.resolving = true;
		died = world_run_and_die(w, step);
		world_run(w);
		assert_counts(w, .done = 2, .pending = 1);
		assert_int_equal(fake_mutations(w->f, FAKE_ANY), 2);
		if (!died)
			break;
		assert_true(step < 500);
	}
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_archive_dies_at_every_step),
		world_test(test_archive_side_by_side_dies),
		world_test(test_restore_dies),
		world_test(test_dying_again_and_again),
		world_test(test_resolve_dies_at_every_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
