/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/fold.h"
#include "tests/test.h"

#define SENT     10 /* seq of the request */
#define ANSWERED 11

static struct mun_batch batch;
static struct mun_item item;
static struct mun_exchange exchange;

static struct mun_entry response_of(enum mun_verdict v, unsigned http)
{
	struct mun_entry e = { .kind = MUN_K_RESPONSE, .seq = ANSWERED, .time_us = 2000 };

	e.u.response.request = SENT;
	e.u.response.verdict = v;
	e.u.response.http = http;
	e.u.response.sent = v != MUN_V_NOT_SENT;
	e.u.response.retry_at_us = 9000;
	return e;
}

/* A batch of one item, whose first attempt is on the wire. */
static int send_one(void **state)
{
	struct mun_entry e = { .kind = MUN_K_REQUEST, .seq = SENT, .time_us = 1000 };

	(void)state;
	batch = (struct mun_batch){ .state = MUN_B_RUNNING, .items = 1, .attempts_limit = 1 };
	e.u.request.purpose = MUN_P_ARCHIVE;
	e.u.request.attempt = e.u.request.epoch = 1;
	mun_item_init(&item);
	mun_fold_request(&item, &exchange, &e);
	return 0;
}

static void test_an_untouched_item_is_pending(void **state)
{
	struct mun_item fresh;

	(void)state;
	mun_item_init(&fresh);
	assert_int_equal(fresh.state, MUN_I_PENDING);
	assert_true(fresh.request_seq == MUN_NO_SEQ && fresh.retry_at_us == MUN_TIME_NONE);
	for (enum mun_item_state s = 0; s < MUN_ITEM_STATES; s++)
		assert_int_equal(mun_item_is_open(s),
		                 s == MUN_I_PENDING || s == MUN_I_IN_FLIGHT || s == MUN_I_IN_DOUBT);
}

static void test_a_request_is_in_flight(void **state)
{
	(void)state;
	assert_int_equal(item.state, MUN_I_IN_FLIGHT);
	assert_true(item.request_seq == SENT && item.unanswered == 1 && item.attempts == 1);
	assert_true(exchange.verdict == MUN_V_NONE && exchange.sent_us == 1000);
	assert_true(exchange.ended_us == MUN_TIME_NONE && exchange.prev_seq == MUN_NO_SEQ);
}

static void test_an_answer_decides(void **state)
{
	static const struct {
		enum mun_verdict verdict;
		unsigned http;
		enum mun_item_state state;
		uint32_t answered;
		bool retry; /* its time is kept */
	} cases[] = {
		{ MUN_V_ARCHIVED, 200, MUN_I_DONE, 1, false },
		{ MUN_V_ALREADY_ARCHIVED, 200, MUN_I_ALREADY, 1, false },
		{ MUN_V_REJECTED, 405, MUN_I_FAILED, 1, false },
		{ MUN_V_NOT_FOUND, 404, MUN_I_FAILED, 1, false },
		{ MUN_V_DENIED, 403, MUN_I_FAILED, 1, false },
		{ MUN_V_BLOCKED, 403, MUN_I_FAILED, 1, false }, /* the only attempt */
		{ MUN_V_CONFIG_ERROR, 302, MUN_I_IN_DOUBT, 1, false },
		{ MUN_V_CONFIG_ERROR, 404, MUN_I_PENDING, 1, true },
		{ MUN_V_RATE_LIMITED, 429, MUN_I_PENDING, 0, true },
		{ MUN_V_NOT_SENT, 0, MUN_I_PENDING, 0, true },
		{ MUN_V_AUTH_LOST, 401, MUN_I_PENDING, 1, true },
		{ MUN_V_PLAN_LIMIT, 402, MUN_I_PENDING, 1, true },
		{ MUN_V_UNKNOWN, 502, MUN_I_IN_DOUBT, 1, true },
		{ MUN_V_UNVERIFIED, 204, MUN_I_IN_DOUBT, 1, true },
	};

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_entry e = response_of(cases[i].verdict, cases[i].http);
		bool doubt = cases[i].state == MUN_I_IN_DOUBT;

		(void)send_one(state);
		mun_fold_response(&item, &exchange, &batch, &e);
		assert_int_equal(item.state, cases[i].state);
		assert_int_equal(item.answered, cases[i].answered);
		assert_int_equal(item.unanswered, 0);
		assert_true(item.retry_at_us == (cases[i].retry ? 9000 : MUN_TIME_NONE));
		assert_true(item.response_seq == ANSWERED && exchange.response_seq == ANSWERED);
		/* Nothing holds while there is doubt; what was answered is kept. */
		assert_int_equal(exchange.verdict, doubt ? MUN_V_NONE : cases[i].verdict);
		assert_int_equal(exchange.answer, cases[i].verdict);
		assert_true(exchange.ended_us == 2000 && exchange.http == cases[i].http);
	}
}

static void test_a_blocked_item_goes_again_while_it_may(void **state)
{
	struct mun_entry e = response_of(MUN_V_BLOCKED, 403);

	(void)state;
	batch.attempts_limit = 2;
	mun_fold_response(&item, &exchange, &batch, &e);
	assert_int_equal(item.state, MUN_I_PENDING);
}

static void test_a_probe_settles(void **state)
{
	static const struct {
		enum mun_verdict verdict;
		uint32_t limit;
		bool cancelled;
		enum mun_item_state state;
	} cases[] = {
		{ MUN_V_ARCHIVED, 1, false, MUN_I_DONE },
		{ MUN_V_ALREADY_ARCHIVED, 1, false, MUN_I_ALREADY },
		{ MUN_V_NO_EFFECT, 2, false, MUN_I_PENDING },
		{ MUN_V_NO_EFFECT, 1, false, MUN_I_FAILED },
		{ MUN_V_NO_EFFECT, 1, true, MUN_I_CANCELLED },
		{ MUN_V_NOT_FOUND, 1, false, MUN_I_FAILED },
		{ MUN_V_REJECTED, 1, false, MUN_I_FAILED },
		{ MUN_V_DENIED, 1, false, MUN_I_FAILED },
		{ MUN_V_AUTH_LOST, 1, false, MUN_I_PENDING },
	};

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_entry e = response_of(MUN_V_UNKNOWN, 502);
		struct mun_entry probe = response_of(MUN_V_IS_ACTIVE, 200);
		const struct mun_settle s = { .request = SENT,
			                      .verdict = cases[i].verdict,
			                      .archived_at = "2026-11-23T22:48:01.000000Z" };

		(void)send_one(state);
		batch.attempts_limit = cases[i].limit;
		batch.cancelled = cases[i].cancelled;
		mun_fold_response(&item, &exchange, &batch, &e);
		probe.seq = 13;
		mun_fold_settle(&item, &exchange, &batch, &s, &probe);
		assert_int_equal(item.state, cases[i].state);
		assert_true(item.settled_seq == 13 && exchange.settled_seq == 13);
		assert_int_equal(exchange.verdict, cases[i].verdict);
		assert_int_equal(exchange.how, MUN_HOW_PROBE);
		assert_string_equal(exchange.archived_at, s.archived_at);
		/* An answer that comes later changes nothing that is known. */
		mun_fold_response(&item, &exchange, &batch, &e);
		assert_int_equal(item.state, cases[i].state);
		assert_int_equal(exchange.verdict, cases[i].verdict);
	}
}

static void test_a_decision_gives_a_fresh_attempt_or_ends(void **state)
{
	struct mun_entry e = { .kind = MUN_K_DECISION, .seq = 14 };

	e.u.decision.verdict = MUN_V_NO_EFFECT;
	mun_fold_decision(&item, &exchange, &batch, &e);
	assert_int_equal(item.state, MUN_I_PENDING);
	assert_true(item.probe_first && item.extra == 1);
	assert_int_equal(exchange.how, MUN_HOW_DECISION);
	(void)send_one(state);
	e.u.decision.verdict = MUN_V_ARCHIVED;
	mun_fold_decision(&item, &exchange, &batch, &e);
	assert_int_equal(item.state, MUN_I_DONE);
	assert_int_equal(item.how, MUN_HOW_DECISION);
	(void)send_one(state);
	batch.cancelled = true;
	e.u.decision.verdict = MUN_V_NO_EFFECT;
	mun_fold_decision(&item, NULL, &batch, &e);
	assert_int_equal(item.state, MUN_I_CANCELLED);
}

static uint64_t sum(const struct mun_counts *c)
{
	return c->done + c->already + c->failed + c->in_doubt + c->skipped + c->cancelled +
	       c->pending;
}

static void test_nothing_gets_lost_between_states(void **state)
{
	const struct mun_plan plan = { .items = 7, .duplicates = 2, .op = MUN_OP_RESTORE };
	struct mun_entry e = { .kind = MUN_K_BATCH_STARTED, .seq = 2 };

	(void)state;
	e.u.start.epoch = 1;
	mun_fold_start(&batch, &plan, &e);
	assert_int_equal(batch.counts.total, 9);
	assert_int_equal(batch.counts.skipped, 2); /* the duplicates */
	assert_int_equal(batch.op, MUN_OP_RESTORE);
	for (enum mun_item_state from = 0; from < MUN_ITEM_STATES; from++) {
		for (enum mun_item_state to = 0; to < MUN_ITEM_STATES; to++) {
			struct mun_counts before = batch.counts;

			mun_fold_move(&batch, MUN_I_PENDING, from, 3);
			mun_fold_move(&batch, from, to, 3);
			assert_int_equal(sum(&batch.counts), 9);
			assert_int_equal(batch.in_flight, to == MUN_I_IN_FLIGHT ? 3 : 0);
			mun_fold_move(&batch, to, MUN_I_PENDING, 3);
			assert_memory_equal(&batch.counts, &before, sizeof(before));
			assert_int_equal(batch.in_flight, 0);
		}
	}
}

static void test_pauses_and_ends(void **state)
{
	static const struct {
		enum mun_kind kind;
		const char *word;
		enum mun_batch_state state;
	} cases[] = {
		{ MUN_K_BATCH_PAUSED, "halted", MUN_B_HALTED },
		{ MUN_K_BATCH_PAUSED, "stopped", MUN_B_STOPPED },
		{ MUN_K_BATCH_PAUSED, "interrupted", MUN_B_INTERRUPTED },
		{ MUN_K_BATCH_ENDED, "done", MUN_B_DONE },
		{ MUN_K_BATCH_ENDED, "done_with_failures", MUN_B_DONE_WITH_FAILURES },
		{ MUN_K_BATCH_ENDED, "done_in_doubt", MUN_B_DONE_IN_DOUBT },
		{ MUN_K_BATCH_ENDED, "cancelled", MUN_B_CANCELLED },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_entry e = { .kind = cases[i].kind, .seq = 20, .time_us = 5000 };
		bool ended = cases[i].kind == MUN_K_BATCH_ENDED;

		batch = (struct mun_batch){ .cancelling = true, .ended_us = MUN_TIME_NONE };
		e.u.pause.state = cases[i].word;
		e.u.pause.why = ended ? NULL : "network";
		mun_fold_pause(&batch, &e);
		assert_int_equal(batch.state, cases[i].state);
		assert_string_equal(batch.why, ended ? "" : "network");
		assert_true(batch.ended_us == (ended ? 5000 : MUN_TIME_NONE));
		assert_int_equal(batch.cancelling, !ended);
		assert_int_equal(mun_batch_is_open(batch.state), !ended);
	}
}

static void test_an_ended_batch_in_doubt_is_settled(void **state)
{
	static const struct {
		struct mun_counts counts;
		enum mun_batch_state state;
	} cases[] = {
		{ { .total = 2, .done = 1, .in_doubt = 1 }, MUN_B_DONE_IN_DOUBT },
		{ { .total = 2, .done = 2 }, MUN_B_DONE },
		{ { .total = 2, .done = 1, .failed = 1 }, MUN_B_DONE_WITH_FAILURES },
		{ { .total = 2, .done = 1, .pending = 1 }, MUN_B_INTERRUPTED },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		batch = (struct mun_batch){ .state = MUN_B_DONE_IN_DOUBT,
			                    .items = 2,
			                    .ended_us = 7 };
		batch.counts = cases[i].counts;
		mun_fold_after_settling(&batch);
		assert_int_equal(batch.state, cases[i].state);
		batch.state = MUN_B_CANCELLED; /* stays what it is */
		mun_fold_after_settling(&batch);
		assert_int_equal(batch.state, MUN_B_CANCELLED);
	}
}

#define fold_test(test) cmocka_unit_test_setup(test, send_one)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fold_test(test_an_untouched_item_is_pending),
		fold_test(test_a_request_is_in_flight),
		fold_test(test_an_answer_decides),
		fold_test(test_a_blocked_item_goes_again_while_it_may),
		fold_test(test_a_probe_settles),
		fold_test(test_a_decision_gives_a_fresh_attempt_or_ends),
		fold_test(test_nothing_gets_lost_between_states),
		fold_test(test_pauses_and_ends),
		fold_test(test_an_ended_batch_in_doubt_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
