/* SPDX-License-Identifier: Apache-2.0 */
/* When: back-off, Retry-After, 429, a network that is not there. */
#include "tests/engine/world.h"

#define SECOND_US INT64_C(1000000)

static void rule(struct world *w, enum fake_kind kind, int run, unsigned to, struct fake_answer a)
{
	fake_rule(w->f, (struct fake_rule){ kind, run, 0, to, 0, a });
}

static const struct fake_request *mutation(struct world *w, int run, size_t n)
{
	const struct fake_request *r = fake_nth(w->f, FAKE_MUTATE, run, n);

	assert_non_null(r);
	return r;
}

/* Back-off doubles from 1 s to 300 s with jitter; every wait is at least 1 s. */
static void test_back_off_grows_and_is_bounded(void **state)
{
	struct world *w = *state;
	uint64_t longest_ms = 0;

	world_open(w, "back-off", MUN_OP_ARCHIVE, 1);
	rule(w, FAKE_MUTATE, 0, 40, (struct fake_answer){ .http = 429 });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_int_equal(fake_mutations(w->f, 0), 41); /* costs no attempt */
	for (size_t i = 1; i <= 40; i++) {
		uint64_t gap_ms = mutation(w, 0, i)->at_ms - mutation(w, 0, i - 1)->answered_ms;
		uint64_t bound_ms = i < 9 ? UINT64_C(1000) << i : 300000;

		assert_true(gap_ms >= 1000);
		assert_true(gap_ms <= (bound_ms < 300000 ? bound_ms : 300000) + 1000);
		longest_ms = gap_ms > longest_ms ? gap_ms : longest_ms;
	}
	assert_true(longest_ms > 100000);
	world_close(w);
}

/* Each wait is journalled as an absolute time, and the next request keeps it over a restart. */
static void test_retry_at_is_journalled_and_kept(void **state)
{
	struct world *w = *state;
	int64_t answered_us;

	world_open(w, "retry_at", MUN_OP_ARCHIVE, 1);
	rule(w, FAKE_MUTATE, 0, 1,
	     (struct fake_answer){ .http = 403, .body = FAKE_HTML, .retry_after_s = 600 });
	answered_us = w->f->now.real_us;
	w->o.stop_at_us = answered_us + 30 * SECOND_US;
	world_run(w);
	assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_AT);
	assert_true(world_item(w, 0).retry_at_us >= answered_us + 600 * SECOND_US);
	assert_true(world_item(w, 0).retry_at_us <= answered_us + 602 * SECOND_US);
	w->o.stop_at_us = MUN_TIME_NONE;
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_true(mutation(w, 0, 1)->at_ms >= mutation(w, 0, 0)->answered_ms + 600000);
	world_close(w);
}

/* The largest of Retry-After and back-off; it holds for every request, reads too. */
static void test_429_blocks_everything(void **state)
{
	struct world *w = *state;

	for (int by_read = 0; by_read < 2; by_read++) {
		uint64_t from_ms = 0;

		world_open(w, "429", MUN_OP_ARCHIVE, 12);
		w->o.concurrency = 4;
		rule(w, FAKE_MUTATE, 3, 1, (struct fake_answer){ .http = 409 });
		rule(w, by_read ? FAKE_GET : FAKE_MUTATE, by_read ? 3 : 5, 1,
		     (struct fake_answer){ .http = 429, .retry_after_s = 120 });
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		for (size_t i = 0; i < w->f->requests; i++)
			if (w->f->request[i].http == 429)
				from_ms = w->f->request[i].answered_ms;
		for (size_t i = 0; i < w->f->requests; i++) {
			const struct fake_request *r = &w->f->request[i];

			assert_false(r->at_ms > from_ms && r->at_ms < from_ms + 120000);
		}
		assert_int_equal(fake_mutations(w->f, 3), 2);
		assert_true(world_item(w, 5).attempts <= 2);
	}
	world_close(w);
}

/* Eight refused at once are one reason to wait longer, not eight. */
static void test_429s_of_one_wait_count_once(void **state)
{
	struct world *w = *state;

	world_open(w, "429s at once", MUN_OP_ARCHIVE, 9);
	w->o.concurrency = 8;
	for (int i = 1; i < 9; i++)
		rule(w, FAKE_MUTATE, i, 1, (struct fake_answer){ .http = 429 });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_in_range(mutation(w, 1, 1)->at_ms - mutation(w, 1, 0)->answered_ms, 1000, 2100);
	world_close(w);
}

/* It binds every batch of that organization, and holds over a restart. */
static void test_429_binds_other_batches(void **state)
{
	struct world *w = *state;
	uint64_t until_ms;

	world_open(w, "429, other batch", MUN_OP_ARCHIVE, 1);
	w->f->runs = 3;
	world_add_plan(w, 2, MUN_OP_ARCHIVE, 1, 2);
	rule(w, FAKE_MUTATE, 0, 1, (struct fake_answer){ .http = 429, .retry_after_s = 300 });
	w->o.stop_at_us = w->f->now.real_us + 5 * SECOND_US;
	world_run(w);
	assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_AT);
	until_ms = mutation(w, 0, 0)->answered_ms + 300000;
	w->o.stop_at_us = MUN_TIME_NONE;
	world_use(w, 2, MUN_OP_ARCHIVE);
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_in_range(mutation(w, 1, 0)->at_ms, until_ms, until_ms + 3000);
	world_close(w);
}

static void jump_once(struct fake *f)
{
	int64_t *jump_us = f->arg;

	if (f->count[FAKE_MUTATE] != 2 || f->flights > 0)
		return;
	f->now.real_us += *jump_us;
	f->server_offset_us -= *jump_us;
	*jump_us = 0;
}

/* The wall clock jumps during the wait: within a boot only the uptime counts. */
static void test_a_wait_does_not_follow_the_wall_clock(void **state)
{
	struct world *w = *state;

	for (int64_t days = -1; days <= 1; days += 2) {
		int64_t jump_us = days * INT64_C(86400000000);
		uint64_t gap_ms;

		world_open(w, "jump in a wait", MUN_OP_ARCHIVE, 2);
		w->f->arg = &jump_us;
		w->f->on_wait = jump_once;
		rule(w, FAKE_MUTATE, 1, 1,
		     (struct fake_answer){ .http = 429, .retry_after_s = 60 });
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		gap_ms = mutation(w, 1, 1)->at_ms - mutation(w, 1, 0)->answered_ms;
		assert_in_range(gap_ms, 60000, 65000);
	}
	world_close(w);
}

/* Other answers than 429 may ask for such a time too; what can go before, goes at the next start.
 */
static void test_any_retry_after_beyond_max_wait_leaves(void **state)
{
	static const struct {
		const char *name;
		bool by_read;
		struct fake_answer answer;
		unsigned in_doubt, pending, later; /* later: left by the second start */
	} cases[] = {
		{ "503", false, { .http = 503, .retry_after_s = 86400 }, 1, 2, 0 },
		{ "blocked",
		  false,
		  { .http = 403, .body = FAKE_HTML, .retry_after_s = 86400 },
		  0,
		  3,
		  1 },
		{ "503 to the probe", true, { .http = 503, .retry_after_s = 86400 }, 1, 2, 0 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		uint64_t started_ms;

		world_open(w, cases[i].name, MUN_OP_ARCHIVE, 4);
		w->o.max_wait_ms = 3600 * 1000;
		if (cases[i].by_read)
			rule(w, FAKE_MUTATE, 1, 1, (struct fake_answer){ .http = 409 });
		rule(w, cases[i].by_read ? FAKE_GET : FAKE_MUTATE, 1, 1, cases[i].answer);
		started_ms = (uint64_t)w->f->now.uptime_ms;
		world_run(w);
		assert_ended(w, MUN_B_HALTED, MUN_WHY_RATE_LIMITED);
		assert_counts(w, .done = 1, .in_doubt = cases[i].in_doubt,
		              .pending = cases[i].pending);
		assert_true((uint64_t)w->f->now.uptime_ms - started_ms < 5000);
		assert_true(w->result.next_at_us > w->f->now.real_us + 80000 * SECOND_US);
		world_run(w);
		assert_counts(w, .done = 4 - cases[i].later, .pending = cases[i].later);
		assert_int_equal(world_exit(w), cases[i].later ? 6 : 0);
		assert_true((uint64_t)w->f->now.uptime_ms - started_ms < 600000);
	}
	world_close(w);
}

/* Longer than --max-wait: it leaves now, with the time; a start before it does not send. */
static void test_a_wait_longer_than_max_wait_leaves_now(void **state)
{
	struct world *w = *state;

	for (int by_read = 0; by_read < 2; by_read++) {
		int64_t until_us;
		uint64_t started_ms;
		size_t sent;

		world_open(w, "leaves now", MUN_OP_ARCHIVE, 4);
		w->o.max_wait_ms = 3600 * 1000;
		if (by_read)
			rule(w, FAKE_MUTATE, 1, 1, (struct fake_answer){ .http = 409 });
		rule(w, by_read ? FAKE_GET : FAKE_MUTATE, 1, 1,
		     (struct fake_answer){ .http = 429, .retry_after_s = 7200 });
		started_ms = (uint64_t)w->f->now.uptime_ms;
		until_us = w->f->now.real_us + 7200 * SECOND_US;
		world_run(w);
		assert_ended(w, MUN_B_HALTED, MUN_WHY_RATE_LIMITED);
		assert_int_equal(world_exit(w), 6);
		assert_true((uint64_t)w->f->now.uptime_ms - started_ms < 5000);
		assert_true(w->result.next_at_us >= until_us);
		assert_true(w->result.next_at_us < until_us + 5 * SECOND_US);
		sent = w->f->requests;
		world_run(w); /* still blocked: not one request */
		assert_ended(w, MUN_B_HALTED, MUN_WHY_RATE_LIMITED);
		assert_int_equal(w->f->requests, sent);
		assert_true(w->result.next_at_us >= until_us);
		w->f->now.real_us += 7300 * SECOND_US;
		w->f->now.uptime_ms += 7300 * 1000;
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	}
	world_close(w);
}

/* Only 429 for longer than --max-wait, each wait short. */
static void test_a_429_storm_ends_after_max_wait(void **state)
{
	struct world *w = *state;
	uint64_t started_ms;

	world_open(w, "storm", MUN_OP_ARCHIVE, 4);
	w->o.max_wait_ms = 3600 * 1000;
	rule(w, FAKE_MUTATE, FAKE_ANY, 0, (struct fake_answer){ .http = 429, .retry_after_s = 60 });
	w->f->rule[0].run = FAKE_ANY;
	started_ms = (uint64_t)w->f->now.uptime_ms;
	world_run(w);
	assert_ended(w, MUN_B_HALTED, MUN_WHY_RATE_LIMITED);
	assert_counts(w, .pending = 4);
	assert_true((uint64_t)w->f->now.uptime_ms - started_ms >= w->o.max_wait_ms);
	assert_true((uint64_t)w->f->now.uptime_ms - started_ms <= w->o.max_wait_ms + 310000);
	world_close(w);
}

/* Certainly not sent: no attempt, no item fails, tries at most every five minutes. */
static void test_a_network_that_is_away_costs_no_attempt(void **state)
{
	struct world *w = *state;

	world_open(w, "network", MUN_OP_ARCHIVE, 4);
	w->o.attempts = 2;
	rule(w, FAKE_MUTATE, 1, 15, (struct fake_answer){ .send = MUN_SEND_NOT_SENT });
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_int_equal(fake_mutations(w->f, 1), 16);
	assert_int_equal(world_item(w, 1).answered, 1);
	for (size_t i = 1; i < 16; i++)
		assert_true(mutation(w, 1, i)->at_ms - mutation(w, 1, i - 1)->at_ms <= 301000);
	world_close(w);
}

static void test_nothing_answers(void **state)
{
	struct world *w = *state;

	for (int terminal = 0; terminal < 2; terminal++) {
		uint64_t took_ms;

		world_open(w, "nothing answers", MUN_OP_ARCHIVE, 4);
		w->o.on_terminal = terminal;
		rule(w, FAKE_MUTATE, FAKE_ANY, 0,
		     (struct fake_answer){ .send = MUN_SEND_NOT_SENT });
		took_ms = (uint64_t)w->f->now.uptime_ms;
		world_run(w);
		took_ms = (uint64_t)w->f->now.uptime_ms - took_ms;
		assert_ended(w, MUN_B_HALTED, MUN_WHY_NETWORK);
		assert_string_equal(w->result.detail, "the line is dead");
		assert_counts(w, .pending = 4);
		assert_int_equal(world_exit(w), 14);
		assert_true(terminal ? took_ms < 1000 : took_ms >= 60000 && took_ms < 75000);
	}
	/* something answered before: it waits, also on a terminal, until --max-wait */
	for (int terminal = 0; terminal < 2; terminal++) {
		uint64_t took_ms;

		world_open(w, "network lost", MUN_OP_ARCHIVE, 4);
		w->o.on_terminal = terminal;
		w->o.max_wait_ms = 2 * 3600 * 1000;
		rule(w, FAKE_MUTATE, 1, 0, (struct fake_answer){ .send = MUN_SEND_NOT_SENT });
		rule(w, FAKE_MUTATE, 2, 0, (struct fake_answer){ .send = MUN_SEND_NOT_SENT });
		rule(w, FAKE_MUTATE, 3, 0, (struct fake_answer){ .send = MUN_SEND_NOT_SENT });
		took_ms = (uint64_t)w->f->now.uptime_ms;
		world_run(w);
		took_ms = (uint64_t)w->f->now.uptime_ms - took_ms;
		assert_ended(w, MUN_B_HALTED, MUN_WHY_NETWORK);
		assert_counts(w, .done = 1, .pending = 3);
		assert_true(took_ms >= w->o.max_wait_ms && took_ms <= w->o.max_wait_ms + 310000);
	}
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_back_off_grows_and_is_bounded),
		world_test(test_retry_at_is_journalled_and_kept),
		world_test(test_429_blocks_everything),
		world_test(test_429s_of_one_wait_count_once),
		world_test(test_429_binds_other_batches),
		world_test(test_a_wait_does_not_follow_the_wall_clock),
		world_test(test_any_retry_after_beyond_max_wait_leaves),
		world_test(test_a_wait_longer_than_max_wait_leaves_now),
		world_test(test_a_429_storm_ends_after_max_wait),
		world_test(test_a_network_that_is_away_costs_no_attempt),
		world_test(test_nothing_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
