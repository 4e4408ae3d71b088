/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/fold.h"
#include "journal/tables.h"
#include "tests/test.h"

/* A batch with one item that was sent once. */
struct sent {
	struct mun_batch batch;
	struct mun_item item;
	struct mun_exchange x;
};

static void send_one(struct sent *s)
{
	struct mun_entry e = { .kind = MUN_K_REQUEST, .seq = 5, .has_batch = true };

	memset(s, 0, sizeof(*s));
	s->batch.attempts_limit = 1;
	s->batch.ended_us = MUN_TIME_NONE;
	mun_item_init(&s->item);
	e.u.request.purpose = MUN_P_ARCHIVE;
	e.u.request.attempt = 1;
	mun_fold_request(&s->item, &s->x, &e);
	assert_int_equal(s->item.state, MUN_I_IN_FLIGHT);
	assert_int_equal(s->item.unanswered, 1);
	assert_int_equal(s->item.request_seq, 5);
}

static const struct {
	enum mun_verdict verdict;
	unsigned http;
	enum mun_item_state state;
	uint32_t answered;
	enum mun_verdict holds; /* of the exchange */
} answers[] = {
	{ MUN_V_ARCHIVED, 200, MUN_I_DONE, 1, MUN_V_ARCHIVED },
	{ MUN_V_ALREADY_ARCHIVED, 200, MUN_I_ALREADY, 1, MUN_V_ALREADY_ARCHIVED },
	{ MUN_V_REJECTED, 405, MUN_I_FAILED, 1, MUN_V_REJECTED },
	{ MUN_V_NOT_FOUND, 404, MUN_I_FAILED, 1, MUN_V_NOT_FOUND },
	{ MUN_V_DENIED, 403, MUN_I_FAILED, 1, MUN_V_DENIED },
	{ MUN_V_BLOCKED, 403, MUN_I_FAILED, 1, MUN_V_BLOCKED }, /* the only attempt is used up */
	{ MUN_V_RATE_LIMITED, 429, MUN_I_PENDING, 0, MUN_V_RATE_LIMITED },
	{ MUN_V_NOT_SENT, 0, MUN_I_PENDING, 0, MUN_V_NOT_SENT },
	{ MUN_V_AUTH_LOST, 401, MUN_I_PENDING, 1, MUN_V_AUTH_LOST },
	{ MUN_V_PLAN_LIMIT, 402, MUN_I_PENDING, 1, MUN_V_PLAN_LIMIT },
	{ MUN_V_CONFIG_ERROR, 404, MUN_I_PENDING, 1, MUN_V_CONFIG_ERROR },
	{ MUN_V_CONFIG_ERROR, 302, MUN_I_IN_DOUBT, 1, MUN_V_NONE },
	{ MUN_V_UNVERIFIED, 200, MUN_I_IN_DOUBT, 1, MUN_V_NONE },
	{ MUN_V_UNKNOWN, 500, MUN_I_IN_DOUBT, 1, MUN_V_NONE },
};

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(answers); i++) {
		struct mun_entry e = { .kind = MUN_K_RESPONSE, .seq = 6 };
		struct sent s;
		bool keeps;

		send_one(&s);
		e.u.response.verdict = answers[i].verdict;
		e.u.response.http = answers[i].http;
		e.u.response.retry_at_us = 77;
		mun_fold_response(&s.item, &s.x, &s.batch, &e);
		assert_int_equal(s.item.state, answers[i].state);
		assert_int_equal(s.item.answered, answers[i].answered);
		assert_int_equal(s.item.unanswered, 0);
		assert_int_equal(s.x.verdict, answers[i].holds);
		assert_int_equal(s.x.answer, answers[i].verdict);
		keeps = answers[i].state == MUN_I_PENDING ||
		        (answers[i].state == MUN_I_IN_DOUBT && answers[i].http / 100 != 3);
		assert_true(s.item.retry_at_us == (keeps ? 77 : MUN_TIME_NONE));
	}
}

static void settle(struct sent *s, enum mun_verdict v)
{
	struct mun_settle settle = { .request = 5, .verdict = v };
	struct mun_entry e = { .kind = MUN_K_RESPONSE, .seq = 9 };

	e.u.response.retry_at_us = 88;
	mun_fold_settle(&s->item, &s->x, &s->batch, &settle, &e);
	assert_int_equal(s->x.verdict, v);
	assert_int_equal(s->x.how, MUN_HOW_PROBE);
	assert_int_equal(s->x.settled_seq, 9);
}

static void test_settling(void **state)
{
	struct sent s;

	(void)state;
	send_one(&s);
	settle(&s, MUN_V_ARCHIVED);
	assert_int_equal(s.item.state, MUN_I_DONE);
	send_one(&s);
	settle(&s, MUN_V_ALREADY_ARCHIVED);
	assert_int_equal(s.item.state, MUN_I_ALREADY);
	send_one(&s);
	settle(&s, MUN_V_NO_EFFECT);
	assert_int_equal(s.item.state, MUN_I_PENDING);
	assert_int_equal(s.item.retry_at_us, 88);
	send_one(&s);
	s.item.answered = 1;
	settle(&s, MUN_V_NO_EFFECT);
	assert_int_equal(s.item.state, MUN_I_FAILED);
	send_one(&s);
	s.batch.cancelled = true;
	settle(&s, MUN_V_NO_EFFECT);
	assert_int_equal(s.item.state, MUN_I_CANCELLED);
}

/* Known by a probe, then answered after all: by a process that was stopped meanwhile. */
static void test_late_answer(void **state)
{
	struct mun_entry e = { .kind = MUN_K_RESPONSE, .seq = 12 };
	struct sent s;

	(void)state;
	e.u.response.verdict = MUN_V_UNKNOWN;
	e.u.response.http = 504;
	e.u.response.retry_at_us = MUN_TIME_NONE;
	send_one(&s);
	settle(&s, MUN_V_ARCHIVED);
	mun_fold_response(&s.item, &s.x, &s.batch, &e);
	assert_int_equal(s.item.state, MUN_I_DONE);
	assert_int_equal(s.item.how, MUN_HOW_PROBE);
	assert_int_equal(s.item.last_seq, 12);
	assert_int_equal(s.x.verdict, MUN_V_ARCHIVED);
	assert_int_equal(s.x.how, MUN_HOW_PROBE);
	assert_int_equal(s.x.answer, MUN_V_UNKNOWN);
	assert_int_equal(s.x.response_seq, 12);
	send_one(&s);
	settle(&s, MUN_V_NO_EFFECT); /* and may be sent again */
	mun_fold_response(&s.item, &s.x, &s.batch, &e);
	assert_int_equal(s.item.state, MUN_I_PENDING);
}

static void test_decision(void **state)
{
	struct mun_entry e = { .kind = MUN_K_DECISION, .seq = 9 };
	struct sent s;

	(void)state;
	send_one(&s);
	e.u.decision.verdict = MUN_V_NO_EFFECT;
	mun_fold_decision(&s.item, &s.x, &s.batch, &e);
	assert_int_equal(s.item.state, MUN_I_PENDING);
	assert_int_equal(s.item.extra, 1);
	assert_true(s.item.probe_first);
	e.u.decision.verdict = MUN_V_ARCHIVED;
	mun_fold_decision(&s.item, &s.x, &s.batch, &e);
	assert_int_equal(s.item.state, MUN_I_DONE);
	assert_int_equal(s.item.how, MUN_HOW_DECISION);
}

static void test_batch(void **state)
{
	struct mun_plan plan = { .items = 3, .duplicates = 2 };
	struct mun_entry e = { .kind = MUN_K_BATCH_STARTED, .seq = 2 };
	struct mun_batch b;

	(void)state;
	e.u.start.epoch = 1;
	e.u.start.attempts = 5;
	mun_fold_start(&b, &plan, &e);
	assert_int_equal(b.counts.total, 5);
	assert_int_equal(b.counts.skipped, 2);
	assert_int_equal(b.counts.pending, 3);
	mun_fold_move(&b, MUN_I_PENDING, MUN_I_IN_FLIGHT, 1);
	assert_int_equal(b.in_flight, 1);
	assert_int_equal(b.counts.pending, 3);
	mun_fold_move(&b, MUN_I_IN_FLIGHT, MUN_I_IN_DOUBT, 1);
	mun_fold_move(&b, MUN_I_PENDING, MUN_I_DONE, 2);
	memset(&e.u, 0, sizeof(e.u));
	e.kind = MUN_K_BATCH_ENDED;
	e.u.pause.state = "done_in_doubt";
	mun_fold_pause(&b, &e);
	assert_int_equal(b.state, MUN_B_DONE_IN_DOUBT);
	mun_fold_move(&b, MUN_I_IN_DOUBT, MUN_I_PENDING, 1);
	mun_fold_after_settling(&b);
	assert_int_equal(b.state, MUN_B_INTERRUPTED);
	assert_true(mun_batch_is_open(b.state));
	b.state = MUN_B_DONE_IN_DOUBT;
	mun_fold_move(&b, MUN_I_PENDING, MUN_I_DONE, 1);
	mun_fold_after_settling(&b);
	assert_int_equal(b.state, MUN_B_DONE);
}

static void test_rows(void **state)
{
	struct mun_row_bytes row;
	struct mun_item back;
	struct mun_err err;
	struct sent s;

	(void)state;
	send_one(&s);
	mun_item_pack(&row, &s.item);
	assert_ok(mun_item_unpack(&back, mun_val(row.bytes, row.len), &err), &err);
	assert_memory_equal(back.archived_at, s.item.archived_at, sizeof(back.archived_at));
	assert_int_equal(back.request_seq, 5);
	assert_int_equal(back.retry_at_us, MUN_TIME_NONE);
	assert_fails(mun_item_unpack(&back, mun_val(row.bytes, row.len - 1), &err), MUN_E_CORRUPT,
	             &err);
	row.bytes[0] = 0xff;
	assert_fails(mun_item_unpack(&back, mun_val(row.bytes, row.len), &err), MUN_E_CORRUPT,
	             &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),     cmocka_unit_test(test_settling),
		cmocka_unit_test(test_late_answer), cmocka_unit_test(test_decision),
		cmocka_unit_test(test_batch),       cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
