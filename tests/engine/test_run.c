/* SPDX-License-Identifier: Apache-2.0 */
/* How a batch goes when nothing goes wrong: order, commits, windows, concurrency, clocks. */
#include <string.h>

#include "tests/engine/world.h"

static void test_a_batch_gets_done(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		world_open(w, mun_ops[op].name, op, 7);
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = 7);
		assert_int_equal(fake_mutations(w->f, FAKE_ANY), 7);
		assert_int_equal(w->f->requests, 7);
		for (uint32_t i = 0; i < 7; i++) {
			assert_int_equal(fake_nth(w->f, FAKE_MUTATE, FAKE_ANY, i)->run, i);
			assert_verdict(w, i, mun_ops[op].done);
			assert_int_equal(world_item(w, i).how, MUN_HOW_RESPONSE);
		}
		assert_int_equal(world_exit(w), 0);
	}
	world_close(w);
}

static int64_t time_of(struct world *w, uint64_t seq)
{
	WORLD_DECODED *owner = NULL;
	struct mun_entry e;

	world_entry(w, seq, &e, &owner);
	return e.time_us;
}

/* The outcome of one run and the intent of the next are one transaction (the same time). */
static void test_outcome_and_next_intent_share_a_commit(void **state)
{
	struct world *w = *state;

	world_open(w, "shared commit", MUN_OP_ARCHIVE, 5);
	world_run(w);
	for (int i = 0; i < 4; i++)
		assert_int_equal(time_of(w, world_attempt(w, i, 0).response_seq),
		                 time_of(w, fake_nth(w->f, FAKE_MUTATE, i + 1, 0)->tag));
	world_close(w);
}

/* With a wait before the next, the outcome is committed at once and alone. */
static void test_a_wait_commits_the_outcome_alone(void **state)
{
	struct world *w = *state;

	world_open(w, "commit before a wait", MUN_OP_ARCHIVE, 4);
	assert_ok(mun_rate_parse(&w->o.rate, "1/10s", &w->err), &w->err);
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	for (int i = 0; i < 3; i++) {
		const struct fake_request *next = fake_nth(w->f, FAKE_MUTATE, i + 1, 0);
		int64_t outcome_us = time_of(w, world_attempt(w, i, 0).response_seq);

		assert_true(time_of(w, next->tag) - outcome_us > 9000000);
		assert_true(outcome_us - time_of(w, world_attempt(w, i, 0).response_seq - 1) <
		            100000);
	}
	world_close(w);
}

/* Sliding windows: reads count too, no window is ever overrun, none is left unused. */
static void test_windows_are_kept(void **state)
{
	static const struct {
		unsigned n;
		uint64_t period_ms;
	} windows[] = { { 3, 5000 }, { 8, 60000 } };
	struct world *w = *state;

	for (uint32_t concurrency = 1; concurrency <= 16; concurrency *= 4) {
		world_open(w, "windows", MUN_OP_ARCHIVE, 20);
		w->o.concurrency = concurrency;
		assert_ok(mun_rate_parse(&w->o.rate, "3/5s,8/m", &w->err), &w->err);
		for (int i = 2; i < 20; i += 4)
			fake_rule(w->f,
			          (struct fake_rule){ FAKE_MUTATE,
			                              i,
			                              1,
			                              1,
			                              0,
			                              { .http = 502, .effect = FAKE_EFFECT } });
		w->o.stop_after = 9; /* a restart in between */
		world_run(w);
		w->o.stop_after = 0;
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		for (size_t k = 0; k < MUN_ARRAY_LEN(windows); k++)
			for (size_t i = windows[k].n; i < w->f->requests; i++)
				assert_true(w->f->request[i].at_ms -
				                    w->f->request[i - windows[k].n].at_ms >=
				            windows[k].period_ms);
		assert_true(w->f->request[w->f->requests - 1].at_ms - w->f->request[0].at_ms <
		            (w->f->requests / 8 + 1) * 61000);
	}
	world_close(w);
}

/* Waiting for our own windows is no outage, however long. */
static void test_own_windows_do_not_use_up_max_wait(void **state)
{
	struct world *w = *state;

	world_open(w, "slow", MUN_OP_ARCHIVE, 5);
	w->o.max_wait_ms = 60000;
	assert_ok(mun_rate_parse(&w->o.rate, "1/h", &w->err), &w->err);
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	world_close(w);
}

/* Never more on the wire than --concurrency, reads included. */
static void test_concurrency_is_kept(void **state)
{
	static const uint32_t all[] = { 1, 2, 7, 64, 256 };
	struct world *w = *state;

	for (size_t c = 0; c < MUN_ARRAY_LEN(all); c++) {
		unsigned most = 0;

		world_open(w, "concurrency", MUN_OP_ARCHIVE, 400);
		w->o.concurrency = all[c];
		w->o.settle_ms = 1000;
		for (int i = 3; i < 400; i += 5)
			fake_rule(w->f,
			          (struct fake_rule){ FAKE_MUTATE, i, 1, 1, 0, { .http = 409 } });
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = 400);
		for (size_t i = 0; i < w->f->requests; i++)
			most = w->f->request[i].flying > most ? w->f->request[i].flying : most;
		assert_int_equal(most, all[c]);
	}
	world_close(w);
}

/* What was done stays done: an ended or stopped batch sends nothing twice. */
static void test_epochs_add_up(void **state)
{
	struct world *w = *state;

	world_open(w, "epochs", MUN_OP_RESTORE, 30);
	w->o.stop_after = 7;
	for (unsigned epoch = 1; epoch <= 5; epoch++) {
		world_run(w);
		assert_int_equal(w->result.batch.counts.done, epoch * 7 < 30 ? epoch * 7 : 30);
	}
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_int_equal(fake_mutations(w->f, FAKE_ANY), 30);
	world_close(w);
}

static int64_t jump_us; /* of the wall clock of this machine; the server's stays */

static void jump(struct fake *f)
{
	f->now.real_us += jump_us;
	f->server_offset_us -= jump_us;
	jump_us = 0;
}

static void jump_when_run_1_leaves(struct fake *f, const struct fake_request *r)
{
	if (r->kind == FAKE_MUTATE && r->run == 1)
		jump(f);
}

static void jump_in_a_wait(struct fake *f)
{
	if (f->count[FAKE_MUTATE] >= 2)
		jump(f);
}

static size_t jumps(struct world *w)
{
	size_t n = 0;

	for (uint64_t seq = 0; seq < world_size(w); seq++) {
		WORLD_DECODED *owner = NULL;
		struct mun_entry e;

		world_entry(w, seq, &e, &owner);
		n += e.kind == MUN_K_CLOCK_JUMPED;
	}
	return n;
}

/* The wall clock jumps while a request is under way: durations do not care, nor does evidence. */
static void test_a_wall_clock_that_jumps(void **state)
{
	struct world *w = *state;

	for (int64_t days = -1; days <= 1; days += 2)
		for (int in_wait = 0; in_wait < 2; in_wait++)
			for (uint32_t concurrency = 1; concurrency <= 4; concurrency += 3) {
				uint64_t took_ms;

				world_open(w, "jump", MUN_OP_ARCHIVE, 8);
				w->o.concurrency = concurrency;
				jump_us = days * INT64_C(86400000000);
				w->f->on_start = in_wait ? NULL : jump_when_run_1_leaves;
				w->f->on_wait = in_wait ? jump_in_a_wait : NULL;
				fake_rule(w->f, (struct fake_rule){
							FAKE_MUTATE, 3, 1, 1, 0, { .http = 502 } });
				fake_rule(w->f, (struct fake_rule){
							FAKE_MUTATE,
							2,
							1,
							1,
							0,
							{ .http = 502, .effect = FAKE_EFFECT } });
				took_ms = (uint64_t)w->f->now.uptime_ms;
				world_run(w);
				took_ms = (uint64_t)w->f->now.uptime_ms - took_ms;
				assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
				assert_counts(w, .done = 8); /* ours, not of a day ago */
				assert_true(took_ms < 90000);
				assert_true(jumps(w) >= 1);
			}
	world_close(w);
}

/* A server ten minutes ahead: said once in the journal; what it says is read in its time. */
static void test_a_server_with_another_time(void **state)
{
	struct world *w = *state;

	for (int64_t minutes = -10; minutes <= 10; minutes += 5) {
		world_open(w, "another time", MUN_OP_ARCHIVE, 6);
		w->f->server_offset_us = minutes * INT64_C(60000000);
		fake_rule(
			w->f,
			(struct fake_rule){
				FAKE_MUTATE, 3, 1, 1, 0, { .http = 502, .effect = FAKE_EFFECT } });
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = 6);
		assert_int_equal(jumps(w), minutes != 0);
	}
	world_close(w);
}

static bool phases[MUN_PHASE_DRAINING + 1];
static struct mun_progress last;
static uint64_t longest_ms, drawn;

static void note_progress(void *arg, const struct mun_progress *p)
{
	(void)arg;
	phases[p->phase] = true;
	longest_ms = p->until_ms > longest_ms ? p->until_ms : longest_ms;
	last = *p;
	drawn++;
}

/* What it waits for, and until when; at most five times a second. */
static void test_progress_says_what_it_waits_for(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		enum mun_phase phase;
	} cases[] = {
		{ "429", { .http = 429, .retry_after_s = 600 }, MUN_PHASE_QUOTA },
		{ "no network", { .send = MUN_SEND_NOT_SENT }, MUN_PHASE_NETWORK },
		{ "in doubt", { .http = 502 }, MUN_PHASE_SETTLING },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		uint64_t took_ms;

		world_open(w, cases[i].name, MUN_OP_ARCHIVE, 3);
		assert_ok(mun_rate_parse(&w->o.rate, "100/h", &w->err), &w->err);
		w->o.progress = note_progress;
		memset(phases, 0, sizeof(phases));
		longest_ms = drawn = 0;
		fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, 2, 1, 1, 0, cases[i].answer });
		took_ms = (uint64_t)w->f->now.uptime_ms;
		world_run(w);
		took_ms = (uint64_t)w->f->now.uptime_ms - took_ms;
		for (int phase = MUN_PHASE_QUOTA; phase <= MUN_PHASE_SETTLING; phase++)
			assert_int_equal(phases[phase], phase == (int)cases[i].phase);
		assert_true(drawn <= took_ms / 200 + 1);
		assert_true(longest_ms <= took_ms);
		assert_true(longest_ms >= 900);
		assert_int_equal(last.counts.done, 2);
		assert_true(last.answers >= 2);
		assert_int_equal(last.answers_5xx, cases[i].answer.http == 502);
		assert_true(last.used[0] >= 2);
	}
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_a_batch_gets_done),
		world_test(test_outcome_and_next_intent_share_a_commit),
		world_test(test_a_wait_commits_the_outcome_alone),
		world_test(test_windows_are_kept),
		world_test(test_own_windows_do_not_use_up_max_wait),
		world_test(test_concurrency_is_kept),
		world_test(test_epochs_add_up),
		world_test(test_a_wall_clock_that_jumps),
		world_test(test_a_server_with_another_time),
		world_test(test_progress_says_what_it_waits_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
