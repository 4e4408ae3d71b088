/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one answer to a mutating request does to its item and its batch: each kind of answer, for
 * both operations, as the batch's first item and as a later one.
 */
#include <string.h>

#include "tests/engine/world.h"

#define ITEMS 4
#define ODD   2 /* the item that gets the answer when it is not the first */

enum fate {
	DONE_BY_RETRY, /* not executed: a second request does it */
	FAILS,         /* the item fails, the batch goes on */
	FAILS_GUARDED, /* as the first item it also halts the batch */
	HALTS_PENDING, /* the batch halts at once, the item is pending */
	HALTS_IN_DOUBT,
};
struct row {
	const char *name;
	struct fake_answer answer; /* without effect */
	enum mun_verdict recorded; /* with the response entry */
	enum mun_verdict final;    /* of FAILS */
	enum fate fate;
	enum mun_why why;
	unsigned exit;
	bool probes; /* the run is asked about before anything else */
};

#define DOUBT(http_, body_, recorded_)                                       \
	{                                                                    \
#http_ " " #recorded_, { .http = (http_), .body = (body_) }, \
			                 MUN_V_##recorded_,                  \
			                 0,                                  \
			                 DONE_BY_RETRY,                      \
			                 0,                                  \
			                 0,                                  \
			                 true                                \
	}
#define REJECTED(http_)                                         \
	{                                                       \
#http_, { .http = (http_), .body = FAKE_JSON }, \
			  MUN_V_REJECTED,                       \
			  MUN_V_REJECTED,                       \
			  FAILS_GUARDED,                        \
			  MUN_WHY_REJECTED,                     \
			  7,                                    \
			  false                                 \
	}

static const struct row rows[] = {
	DOUBT(204, "", UNVERIFIED),
	DOUBT(200, "", UNVERIFIED),
	DOUBT(202, FAKE_HTML, UNVERIFIED),
	DOUBT(200, "{\"data\":{\"id\":", UNVERIFIED),
	DOUBT(200, "{\"data\":{}}", UNVERIFIED),
	DOUBT(200, "{\"data\":null,\"errors\":[{\"message\":\"x\"}]}", UNVERIFIED),
	{ "other id",
	  { .http = 200, .shown_id = "00000000000000000000000000000001" },
	  MUN_V_UNVERIFIED,
	  0,
	  HALTS_IN_DOUBT,
	  MUN_WHY_OTHER_ID,
	  14,
	  false },
	{ "301",
	  { .http = 301 },
	  MUN_V_CONFIG_ERROR,
	  0,
	  HALTS_IN_DOUBT,
	  MUN_WHY_REDIRECT,
	  14,
	  false },
	{ "302",
	  { .http = 302, .body = FAKE_HTML },
	  MUN_V_CONFIG_ERROR,
	  0,
	  HALTS_IN_DOUBT,
	  MUN_WHY_REDIRECT,
	  14,
	  false },
	{ "308",
	  { .http = 308, .body = FAKE_JSON },
	  MUN_V_CONFIG_ERROR,
	  0,
	  HALTS_IN_DOUBT,
	  MUN_WHY_REDIRECT,
	  14,
	  false },
	{ "400",
	  { .http = 400, .body = FAKE_JSON },
	  MUN_V_UNKNOWN,
	  MUN_V_REJECTED,
	  FAILS_GUARDED,
	  MUN_WHY_REJECTED,
	  7,
	  true },
	{ "422",
	  { .http = 422, .body = FAKE_HTML },
	  MUN_V_UNKNOWN,
	  MUN_V_REJECTED,
	  FAILS_GUARDED,
	  MUN_WHY_REJECTED,
	  7,
	  true },
	{ "410",
	  { .http = 410, .body = FAKE_JSON },
	  MUN_V_UNKNOWN,
	  MUN_V_NOT_FOUND,
	  FAILS_GUARDED,
	  MUN_WHY_REJECTED,
	  7,
	  true },
	REJECTED(405),
	REJECTED(411),
	REJECTED(412),
	REJECTED(413),
	REJECTED(414),
	REJECTED(415),
	REJECTED(416),
	REJECTED(417),
	REJECTED(426),
	REJECTED(431),
	REJECTED(451),
	REJECTED(501),
	REJECTED(505),
	{ "402",
	  { .http = 402, .body = FAKE_JSON },
	  MUN_V_PLAN_LIMIT,
	  0,
	  HALTS_PENDING,
	  MUN_WHY_PLAN_LIMIT,
	  4,
	  false },
	{ "401, /me answers",
	  { .http = 401, .body = FAKE_JSON },
	  MUN_V_UNKNOWN,
	  MUN_V_DENIED,
	  FAILS_GUARDED,
	  MUN_WHY_DENIED,
	  3,
	  false },
	{ "403 JSON",
	  { .http = 403, .body = FAKE_JSON },
	  MUN_V_DENIED,
	  MUN_V_DENIED,
	  FAILS_GUARDED,
	  MUN_WHY_DENIED,
	  3,
	  false },
	{ "403 HTML",
	  { .http = 403, .body = FAKE_HTML },
	  MUN_V_BLOCKED,
	  0,
	  DONE_BY_RETRY,
	  0,
	  0,
	  false },
	{ "404",
	  { .http = 404, .body = FAKE_NOT_FOUND },
	  MUN_V_UNKNOWN,
	  MUN_V_NOT_FOUND,
	  FAILS,
	  0,
	  9,
	  true },
	{ "404 JSON without code",
	  { .http = 404, .body = FAKE_JSON },
	  MUN_V_UNKNOWN,
	  MUN_V_NOT_FOUND,
	  FAILS,
	  0,
	  9,
	  true },
	{ "404 endpoint",
	  { .http = 404, .body = FAKE_ENDPOINT },
	  MUN_V_CONFIG_ERROR,
	  0,
	  HALTS_PENDING,
	  MUN_WHY_CONFIG,
	  14,
	  false },
	{ "404 HTML",
	  { .http = 404, .body = FAKE_HTML },
	  MUN_V_CONFIG_ERROR,
	  0,
	  HALTS_PENDING,
	  MUN_WHY_CONFIG,
	  14,
	  false },
	DOUBT(408, "", UNKNOWN),
	DOUBT(409, FAKE_JSON, UNKNOWN),
	DOUBT(423, FAKE_JSON, UNKNOWN),
	DOUBT(425, "", UNKNOWN),
	{ "429", { .http = 429 }, MUN_V_RATE_LIMITED, 0, DONE_BY_RETRY, 0, 0, false },
	DOUBT(500, FAKE_JSON, UNKNOWN),
	DOUBT(502, FAKE_HTML, UNKNOWN),
	DOUBT(503, "", UNKNOWN),
	DOUBT(504, "", UNKNOWN),
	DOUBT(520, "", UNKNOWN),
	DOUBT(523, "", UNKNOWN),
	DOUBT(527, "", UNKNOWN),
	DOUBT(530, "", UNKNOWN),
	DOUBT(506, "", UNKNOWN),
	DOUBT(599, "", UNKNOWN),
	{ "not sent",
	  { .send = MUN_SEND_NOT_SENT },
	  MUN_V_NOT_SENT,
	  0,
	  DONE_BY_RETRY,
	  0,
	  0,
	  false },
	{ "certificate",
	  { .send = MUN_SEND_BAD_CERT },
	  MUN_V_CONFIG_ERROR,
	  0,
	  HALTS_PENDING,
	  MUN_WHY_CERTIFICATE,
	  14,
	  false },
	{ "broken", { .send = MUN_SEND_BROKEN }, MUN_V_UNKNOWN, 0, DONE_BY_RETRY, 0, 0, true },
};

/* Codes that no rule names: permanent for the item, and no guard minds them. */
static const struct row other_rows[] = {
	{ "406",
	  { .http = 406, .body = FAKE_JSON },
	  MUN_V_REJECTED,
	  MUN_V_REJECTED,
	  FAILS,
	  0,
	  9,
	  false },
	{ "418",
	  { .http = 418, .body = FAKE_JSON },
	  MUN_V_REJECTED,
	  MUN_V_REJECTED,
	  FAILS,
	  0,
	  9,
	  false },
	{ "499", { .http = 499 }, MUN_V_REJECTED, MUN_V_REJECTED, FAILS, 0, 9, false },
};

static void check_fails(struct world *w, const struct row *r, uint32_t item)
{
	bool halts = r->fate == FAILS_GUARDED && item == 0;

	assert_verdict(w, item, r->final);
	assert_int_equal(world_item(w, item).state, MUN_I_FAILED);
	assert_int_equal(world_item(w, item).how,
	                 r->probes || r->answer.http == 401 ? MUN_HOW_PROBE : MUN_HOW_RESPONSE);
	assert_int_equal(fake_mutations(w->f, (int)item), 1);
	if (!halts) {
		assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
		assert_counts(w, .done = ITEMS - 1, .failed = 1);
		assert_int_equal(world_exit(w), 9);
		return;
	}
	assert_ended(w, MUN_B_HALTED, r->why);
	assert_counts(w, .failed = 1, .pending = ITEMS - 1);
	assert_int_equal(world_exit(w), r->exit);
	world_run(w); /* what the guard saw stays failed, the rest is done */
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
	assert_counts(w, .done = ITEMS - 1, .failed = 1);
	assert_int_equal(fake_mutations(w->f, (int)item), 1);
}

static void check_halts(struct world *w, const struct row *r, uint32_t item)
{
	bool doubt = r->fate == HALTS_IN_DOUBT;

	assert_ended(w, MUN_B_HALTED, r->why);
	assert_int_equal(world_exit(w), r->exit);
	assert_int_equal(world_item(w, item).state, doubt ? MUN_I_IN_DOUBT : MUN_I_PENDING);
	assert_counts(w, .done = item, .in_doubt = doubt, .pending = ITEMS - item - doubt);
	assert_int_equal(w->f->count[FAKE_GET], 0);
	w->f->rules = 0;
	world_run(w); /* mended: it goes on, and asks first where that is needed */
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_counts(w, .done = ITEMS);
	assert_int_equal(w->f->count[FAKE_GET] > 0, doubt);
}

static void check_row(struct world *w, enum mun_op_kind op, const struct row *r, uint32_t item)
{
	world_open(w, r->name, op, ITEMS);
	fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, (int)item, 1, 1, 0, r->answer });
	world_run(w);
	assert_int_equal(world_attempt(w, (int)item, 0).answer, r->recorded);
	assert_int_equal(world_attempt(w, (int)item, 0).http, r->answer.http);
	switch (r->fate) {
	case DONE_BY_RETRY:
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		assert_counts(w, .done = ITEMS);
		assert_int_equal(fake_mutations(w->f, (int)item), 2);
		assert_int_equal(w->f->count[FAKE_GET] > 0, r->probes);
		assert_int_equal(world_attempt(w, (int)item, 0).verdict,
		                 r->probes ? MUN_V_NO_EFFECT : r->recorded);
		break;
	case FAILS:
	case FAILS_GUARDED:
		check_fails(w, r, item);
		break;
	case HALTS_PENDING:
	case HALTS_IN_DOUBT:
		check_halts(w, r, item);
		break;
	}
}

static void test_every_answer_that_changed_nothing(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (size_t i = 0; i < MUN_ARRAY_LEN(rows); i++) {
			check_row(w, op, &rows[i], 0);
			check_row(w, op, &rows[i], ODD);
		}
	world_close(w);
}

static void test_other_4xx_has_no_guard(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (size_t i = 0; i < MUN_ARRAY_LEN(other_rows); i++) {
			check_row(w, op, &other_rows[i], 0);
			check_row(w, op, &other_rows[i], ODD);
		}
	world_close(w);
}

/* The server did it and answered something else: one probe tells, nothing is sent again. */
static void test_every_doubtful_answer_with_effect(void **state)
{
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (size_t i = 0; i < MUN_ARRAY_LEN(rows); i++) {
			struct fake_answer a = rows[i].answer;

			if (rows[i].fate != DONE_BY_RETRY || !rows[i].probes)
				continue;
			a.effect = FAKE_EFFECT;
			world_open(w, rows[i].name, op, ITEMS);
			fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, 1, 1, 1, 0, a });
			world_run(w);
			assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
			assert_counts(w, .done = ITEMS);
			assert_verdict(w, 1, mun_ops[op].done);
			assert_int_equal(world_item(w, 1).how, MUN_HOW_PROBE);
			assert_int_equal(fake_mutations(w->f, 1), 1);
			assert_int_equal(w->f->count[FAKE_GET], 1);
			assert_int_equal(world_exit(w), 0);
		}
	world_close(w);
}

/* Refused, and the probe shows the goal: somebody else reached it, also when the change is ours
 * by time, as a refused request changed nothing. */
static void test_refused_but_the_goal_is_there(void **state)
{
	static const struct fake_answer answers[] = {
		{ .http = 400, .body = FAKE_JSON },
		{ .http = 422, .body = FAKE_JSON },
		{ .http = 404, .body = FAKE_NOT_FOUND },
		{ .http = 410, .body = FAKE_JSON },
	};
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (size_t i = 0; i < MUN_ARRAY_LEN(answers); i++)
			for (int now = 0; now < 2; now++) {
				struct fake_answer a = answers[i];

				a.effect = now ? FAKE_EFFECT : FAKE_NO_EFFECT;
				world_open(w, "refused, goal reached", op, 2);
				if (!now)
					w->f->run[0].archived = op == MUN_OP_ARCHIVE;
				fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, 0, 1, 1, 0, a });
				world_run(w);
				assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
				assert_counts(w, .done = 1, .already = 1);
				assert_verdict(w, 0, mun_ops[op].already);
				assert_int_equal(world_attempt(w, 0, 0).answer, MUN_V_UNKNOWN);
				assert_int_equal(world_exit(w), 0);
			}
	world_close(w);
}

/* Evidence that is none: the time where null is wanted, null where a time is, garbage. */
static void test_archived_at_must_be_as_the_operation_wants_it(void **state)
{
	static const struct {
		enum mun_op_kind op;
		const char *archived_at;
	} cases[] = {
		{ MUN_OP_ARCHIVE, "null" },
		{ MUN_OP_ARCHIVE, "\"\"" },
		{ MUN_OP_ARCHIVE, "true" },
		{ MUN_OP_ARCHIVE, "1795000000" },
		{ MUN_OP_ARCHIVE, "\"yesterday\"" },
		{ MUN_OP_ARCHIVE, "\"2026-13-01T00:00:00Z\"" },
		{ MUN_OP_RESTORE, "\"2026-11-18T00:00:00Z\"" },
		{ MUN_OP_RESTORE, "false" },
		{ MUN_OP_RESTORE, "\"\"" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		const struct fake_answer a = { .http = 200,
			                       .effect = FAKE_EFFECT,
			                       .archived_at = cases[i].archived_at };

		world_open(w, cases[i].archived_at, cases[i].op, 1);
		fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, 0, 1, 1, 0, a });
		world_run(w);
		assert_int_equal(world_attempt(w, 0, 0).answer, MUN_V_UNVERIFIED);
		assert_verdict(w, 0, mun_ops[cases[i].op].done);
		assert_int_equal(world_item(w, 0).how, MUN_HOW_PROBE);
	}
	world_close(w);
}

/* A batch of one exits as the vendor's program would. */
static void test_a_single_item_has_an_exit_status_of_its_own(void **state)
{
	static const struct {
		struct fake_answer answer;
		unsigned exit;
	} cases[] = {
		{ { .http = 404, .body = FAKE_NOT_FOUND }, 5 },
		{ { .http = 403, .body = FAKE_JSON }, 3 },
		{ { .http = 422, .body = FAKE_JSON }, 7 },
		{ { .http = 405, .body = FAKE_JSON }, 7 },
		{ { .http = 418, .body = FAKE_JSON }, 7 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		world_open(w, "single", MUN_OP_ARCHIVE, 1);
		fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, 0, 1, 1, 0, cases[i].answer });
		world_run(w);
		assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE); /* nothing left open */
		assert_int_equal(world_exit(w), cases[i].exit);
	}
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_every_answer_that_changed_nothing),
		world_test(test_other_4xx_has_no_guard),
		world_test(test_every_doubtful_answer_with_effect),
		world_test(test_refused_but_the_goal_is_there),
		world_test(test_archived_at_must_be_as_the_operation_wants_it),
		world_test(test_a_single_item_has_an_exit_status_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
