/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An item in doubt: when the server is asked, what its answer settles, whose the goal is, and
 * when a new attempt may follow.
 */
#include <string.h>
#include <unistd.h>

#include "tests/engine/world.h"

#define MINUTE_MS UINT64_C(60000)
#define MINUTE_US INT64_C(60000000)

static const struct fake_answer bad_gateway = { .http = 502 };

/* The first request for run 0 is answered so. */
static void first(struct world *w, struct fake_answer a)
{
	fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, 0, 1, 1, 0, a });
}

static uint64_t at(struct world *w, enum fake_kind kind, size_t n)
{
	const struct fake_request *r = fake_nth(w->f, kind, 0, n);

	assert_non_null(r);
	return r->at_ms;
}

/* The first probe goes at once; "not the goal" counts --settle after the transfer's end. */
static void test_not_the_goal_counts_after_settle(void **state)
{
	static const uint64_t settles[] = { 0, 1000, 60000, 600000 };
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (size_t i = 0; i < MUN_ARRAY_LEN(settles); i++) {
			uint64_t ended_ms, again_ms;

			world_open(w, "settle", op, 1);
			w->o.settle_ms = settles[i];
			first(w, (struct fake_answer){ .http = 502, .latency_ms = 5000 });
			world_run(w);
			assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
			ended_ms = fake_nth(w->f, FAKE_MUTATE, 0, 0)->answered_ms;
			again_ms = at(w, FAKE_MUTATE, 1);
			assert_true(at(w, FAKE_GET, 0) - ended_ms < 100);
			assert_int_equal(w->f->count[FAKE_GET], settles[i] > 0 ? 2 : 1);
			assert_true(at(w, FAKE_GET, w->f->count[FAKE_GET] - 1) >=
			            ended_ms + settles[i]);
			assert_true(again_ms >= ended_ms + settles[i] + 1000); /* back-off */
			assert_true(again_ms <= ended_ms + settles[i] + 3000);
			assert_int_equal(world_attempt(w, 0, 0).verdict, MUN_V_NO_EFFECT);
			assert_int_equal(world_attempt(w, 0, 0).how, MUN_HOW_PROBE);
		}
	world_close(w);
}

/* The origin works on it for 30 s after the gateway gave up: nothing is sent again. */
static void test_an_effect_within_settle_is_found(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		world_open(w, "late effect", op, 3);
		first(w, (struct fake_answer){
				 .http = 504, .effect = FAKE_EFFECT, .effect_after_ms = 30000 });
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = 3);
		assert_int_equal(fake_mutations(w->f, 0), 1);
		assert_int_equal(w->f->count[FAKE_GET], 2);
		assert_verdict(w, 0, mun_ops[op].done);
		/* the others did not wait for it */
		assert_true(fake_nth(w->f, FAKE_MUTATE, 2, 0)->at_ms < at(w, FAKE_GET, 1));
	}
	world_close(w);
}

/* 5xx with Retry-After: the probe goes then; any other answer does not delay it. */
static void test_retry_after_of_5xx_delays_the_probe(void **state)
{
	static const struct {
		unsigned http;
		uint64_t wait_ms;
	} cases[] = { { 503, 45000 }, { 500, 45000 }, { 409, 0 }, { 408, 0 } };
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		uint64_t waited_ms;

		world_open(w, "retry after", MUN_OP_ARCHIVE, 1);
		first(w, (struct fake_answer){ .http = cases[i].http, .retry_after_s = 45 });
		world_run(w);
		waited_ms = at(w, FAKE_GET, 0) - fake_nth(w->f, FAKE_MUTATE, 0, 0)->answered_ms;
		assert_true(waited_ms >= cases[i].wait_ms);
		assert_true(waited_ms < cases[i].wait_ms + 1000);
	}
	world_close(w);
}

/* Somebody changed the run after our send and it is not as we want it: hands off. */
static void test_drift_is_skipped(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (int64_t offset_us = -5 * MINUTE_US; offset_us <= 5 * MINUTE_US;
		     offset_us += 5 * MINUTE_US) {
			world_open(w, "drift", op, 2);
			w->f->server_offset_us = offset_us;
			w->f->run[0].updated_us = w->f->now.real_us + offset_us + 10000000;
			first(w, bad_gateway);
			world_run(w);
			assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
			assert_counts(w, .done = 1, .skipped = 1);
			assert_int_equal(fake_mutations(w->f, 0), 1);
			assert_int_equal(world_attempt(w, 0, 0).verdict, MUN_V_NO_EFFECT);
			assert_int_equal(world_exit(w), 9);
		}
	world_close(w);
}

/* Changed before our send, in server time, or not known when: no drift. */
static void test_an_older_change_is_no_drift(void **state)
{
	struct world *w = *state;

	for (int known = 0; known < 2; known++) {
		world_open(w, "no drift", MUN_OP_ARCHIVE, 2);
		w->f->server_offset_us = 10 * MINUTE_US;
		w->f->run[0].updated_us = known ? w->f->now.real_us + 9 * MINUTE_US : MUN_TIME_NONE;
		first(w, bad_gateway);
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_int_equal(fake_mutations(w->f, 0), 2);
	}
	world_close(w);
}

/*
 * Whose is the goal? Ours when archived_at lies between the request - 120 s and the end of the
 * transfer + --settle + 120 s, in server time.
 */
static void test_what_explains_an_archived_run(void **state)
{
	static const struct {
		const char *name;
		int64_t from_request_us; /* archived_at, after the request in server time */
		bool ours;
	} cases[] = {
		{ "long before", -60 * MINUTE_US, false },
		{ "121 s before", -125 * INT64_C(1000000), false },
		{ "119 s before", -115 * INT64_C(1000000), true },
		{ "with it", 0, true },
		{ "within settle", 50 * INT64_C(1000000), true },
		{ "within skew", 235 * INT64_C(1000000), true }, /* 60 + 60 + 120 - 5 */
		{ "too late", 250 * INT64_C(1000000), false },
		{ "an hour later", 60 * MINUTE_US, false },
	};
	struct world *w = *state;

	for (int64_t offset_us = -10 * MINUTE_US; offset_us <= 10 * MINUTE_US;
	     offset_us += 10 * MINUTE_US)
		for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
			struct fake_run *run;

			world_open(w, cases[i].name, MUN_OP_ARCHIVE, 2);
			w->f->server_offset_us = offset_us;
			run = &w->f->run[1];
			run->archived = true;
			run->archived_us = w->f->now.real_us + offset_us + cases[i].from_request_us;
			fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE,
			                                    1,
			                                    1,
			                                    1,
			                                    0,
			                                    { .http = 504, .latency_ms = 60000 } });
			world_run(w);
			assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
			assert_counts(w, .done = 1 + cases[i].ours, .already = !cases[i].ours);
			assert_int_equal(fake_mutations(w->f, 1), 1);
			assert_int_equal(world_item(w, 1).how, MUN_HOW_PROBE);
		}
	world_close(w);
}

/* No Date in any answer: the local time stands in for the server's. */
static void test_without_dates_the_local_time_counts(void **state)
{
	struct world *w = *state;

	for (int ours = 0; ours < 2; ours++) {
		world_open(w, "no dates", MUN_OP_ARCHIVE, 1);
		w->f->no_dates = true;
		w->f->run[0].archived = true;
		w->f->run[0].archived_us = w->f->now.real_us - (ours ? 1 : 3) * MINUTE_US;
		first(w, bad_gateway);
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = ours ? 1 : 0, .already = ours ? 0 : 1);
	}
	world_close(w);
}

/* A date alone, or a time without zone, is not compared: it counts as ours. */
static void test_a_date_alone_counts_as_ours(void **state)
{
	static const char *const texts[] = { "2020-02-03", "2020-02-03 10:11:12",
		                             "2020-02-03T10:11:12" };
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(texts); i++) {
		world_open(w, texts[i], MUN_OP_ARCHIVE, 1);
		w->f->run[0].archived = true;
		w->f->run[0].archived_text = texts[i];
		first(w, bad_gateway);
		world_run(w);
		assert_counts(w, .done = 1);
		assert_string_equal(world_item(w, 0).archived_at, texts[i]);
	}
	world_close(w);
}

/* A restore in doubt is ours whenever the run is active. */
static void test_a_lost_restore_is_ours(void **state)
{
	struct world *w = *state;

	world_open(w, "restore", MUN_OP_RESTORE, 1);
	w->f->run[0].archived = false;
	first(w, bad_gateway);
	world_run(w);
	assert_counts(w, .done = 1);
	assert_verdict(w, 0, MUN_V_RESTORED);
	world_close(w);
}

/* 200 with the time of somebody else: over 120 s before our request, in server time. */
static void test_a_good_answer_with_an_old_time_is_not_ours(void **state)
{
	static const struct {
		int64_t before_us;
		bool ours;
	} cases[] = { { 60 * MINUTE_US, false },
		      { 125 * INT64_C(1000000), false },
		      { 115 * INT64_C(1000000), true },
		      { 0, true } };
	struct world *w = *state;

	for (int64_t offset_us = -10 * MINUTE_US; offset_us <= 10 * MINUTE_US;
	     offset_us += 10 * MINUTE_US)
		for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
			world_open(w, "old time", MUN_OP_ARCHIVE, 2);
			w->f->server_offset_us = offset_us;
			w->f->run[1].archived = true;
			w->f->run[1].archived_us =
				w->f->now.real_us + offset_us - cases[i].before_us;
			world_run(w); /* the first answer tells the server's time */
			assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
			assert_counts(w, .done = 1 + cases[i].ours, .already = !cases[i].ours);
			assert_int_equal(world_item(w, 1).how, MUN_HOW_RESPONSE);
			assert_int_equal(world_exit(w), 0);
		}
	world_open(w, "restore has no time", MUN_OP_RESTORE, 1);
	w->f->run[0].archived = false;
	world_run(w);
	assert_verdict(w, 0, MUN_V_RESTORED); /* a 200 cannot tell */
	world_close(w);
}

/*
 * The first attempt took effect while its answer said otherwise; the probe did not see it yet,
 * so a second one went, and its answer carries the time of the first: ours.
 */
static void test_the_time_of_an_attempt_before_is_ours(void **state)
{
	struct world *w = *state;

	world_open(w, "lagging reads", MUN_OP_ARCHIVE, 2);
	w->o.settle_ms = 600000; /* so that the effect lies long before the second request */
	fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE,
	                                    1,
	                                    1,
	                                    1,
	                                    0,
	                                    { .send = MUN_SEND_BROKEN, .effect = FAKE_EFFECT } });
	fake_rule(w->f, (struct fake_rule){
				FAKE_GET, 1, 0, 0, 0, { .http = 200, .archived_at = "null" } });
	world_run(w);
	assert_int_equal(fake_mutations(w->f, 1), 2);
	assert_verdict(w, 1, MUN_V_ARCHIVED);
	world_close(w);
}

static void die(struct fake *f, const struct fake_request *r)
{
	(void)f;
	(void)r;
	_exit(FAKE_EXIT);
}

/* Without a response entry the settle time counts from the start of the epoch. */
static void test_after_a_crash_settle_counts_from_the_epoch(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (int effect = 0; effect < 2; effect++) {
			uint64_t started_ms;

			world_open(w, "crash", op, 2);
			first(w, (struct fake_answer){ .http = 200,
			                               .effect = effect ? FAKE_EFFECT
			                                                : FAKE_NO_EFFECT });
			w->f->on_start = die;
			assert_true(world_run_and_die(w, 0));
			w->f->on_start = NULL;
			w->f->now.uptime_ms += 3600 * 1000;
			w->f->now.real_us += 60 * MINUTE_US;
			w->f->rules = 0;
			started_ms = (uint64_t)w->f->now.uptime_ms;
			world_run(w);
			assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
			assert_counts(w, .done = 2);
			assert_true(at(w, FAKE_GET, 0) - started_ms < 100);
			assert_int_equal(w->f->request[1].kind, FAKE_GET); /* before all */
			assert_int_equal(fake_mutations(w->f, 0), effect ? 1 : 2);
			if (effect)
				assert_int_equal(world_item(w, 0).how, MUN_HOW_PROBE);
			else
				assert_true(at(w, FAKE_MUTATE, 1) >= started_ms + MINUTE_MS);
		}
	world_close(w);
}

/* With a response entry the wait goes on over a restart, it does not begin anew. */
static void test_settle_goes_on_over_a_restart(void **state)
{
	struct world *w = *state;
	uint64_t ended_ms;

	world_open(w, "restart", MUN_OP_ARCHIVE, 1);
	first(w, bad_gateway);
	w->o.stop_at_us = w->f->now.real_us + 10 * 1000000; /* in the settle wait */
	world_run(w);
	assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_AT);
	assert_counts(w, .in_doubt = 1);
	ended_ms = fake_nth(w->f, FAKE_MUTATE, 0, 0)->answered_ms;
	w->o.stop_at_us = MUN_TIME_NONE;
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_true(at(w, FAKE_MUTATE, 1) >= ended_ms + MINUTE_MS);
	assert_true(at(w, FAKE_MUTATE, 1) <= ended_ms + MINUTE_MS + 5000);
	world_close(w);
}

/* The probe's response entry names the attempt that it settles, with the server's time. */
static void test_a_probe_names_what_it_settles(void **state)
{
	struct world *w = *state;
	WORLD_DECODED *owner = NULL;
	struct mun_exchange x;
	struct mun_entry e;

	world_open(w, "settles", MUN_OP_ARCHIVE, 1);
	first(w, (struct fake_answer){ .http = 500, .effect = FAKE_EFFECT });
	world_run(w);
	x = world_attempt(w, 0, 0);
	world_entry(w, x.settled_seq, &e, &owner);
	assert_int_equal(e.kind, MUN_K_RESPONSE);
	assert_int_equal(e.u.response.verdict, MUN_V_IS_ARCHIVED);
	assert_int_equal(e.u.response.request, fake_nth(w->f, FAKE_GET, 0, 0)->tag);
	assert_int_equal(e.u.response.settles_len, 1);
	assert_int_equal(e.u.response.settles[0].request, fake_nth(w->f, FAKE_MUTATE, 0, 0)->tag);
	assert_int_equal(e.u.response.settles[0].verdict, MUN_V_ARCHIVED);
	assert_string_equal(e.u.response.settles[0].archived_at, x.archived_at);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_not_the_goal_counts_after_settle),
		world_test(test_an_effect_within_settle_is_found),
		world_test(test_retry_after_of_5xx_delays_the_probe),
		world_test(test_drift_is_skipped),
		world_test(test_an_older_change_is_no_drift),
		world_test(test_what_explains_an_archived_run),
		world_test(test_without_dates_the_local_time_counts),
		world_test(test_a_date_alone_counts_as_ours),
		world_test(test_a_lost_restore_is_ours),
		world_test(test_a_good_answer_with_an_old_time_is_not_ours),
		world_test(test_the_time_of_an_attempt_before_is_ours),
		world_test(test_after_a_crash_settle_counts_from_the_epoch),
		world_test(test_settle_goes_on_over_a_restart),
		world_test(test_a_probe_names_what_it_settles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
