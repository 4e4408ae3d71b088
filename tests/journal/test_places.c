/* SPDX-License-Identifier: Apache-2.0 */
/* A run that stands in more plans than anybody expects. */
#include <stdio.h>

#include "journal/query.h"
#include "lib/cursor.h"
#include "tests/journal/history_sample.h"

#define PLANS 70

/* Plan n with the one run that all have, and its batch. */
static void plan_n(struct sample *s, uint32_t n)
{
	struct mun_plan_row row = { .run = s->run[2], .line = 1 };
	struct mun_entry e = {
		.kind = MUN_K_PLAN_STORED, .has_org = true, .org = s->org, .item = MUN_NO_ITEM
	};
	struct mun_err err = { 0 };
	char text[MUN_ID_TEXT + 1];

	/* refs are hashes: their order is not that in which plans are stored */
	mun_put_u32(s->plan.bytes, n * 2654435761U);
	mun_put_u32(s->batch.bytes, n * 2654435761U);
	assert_ok(mun_journal_plan_rows(s->j, &s->plan, 0, &s->org, &row, 1, &err), &err);
	mun_id_format(text, &row.run);
	e.u.plan.plan = s->plan;
	e.u.plan.op = MUN_OP_ARCHIVE;
	e.u.plan.base_url = "https://api.tallyfy.com";
	e.u.plan.items = 1;
	text[MUN_ID_TEXT - 1] = '\n';
	mun_sha256(e.u.plan.list_sha256, text, MUN_ID_TEXT);
	e.u.plan.reason = "one of very many";
	e.u.plan.operator_ = sample_operator;
	sample_append(s, &e);
	sample_start(s);
	s->run[0] = s->run[2];
}

static enum mun_code count_place(void *arg, const struct mun_place *place, struct mun_err *err)
{
	unsigned *n = arg;

	(void)err;
	*n += place->has_batch;
	return MUN_OK;
}

static enum mun_code take_name(void *arg, const struct mun_history_row *row, struct mun_err *err)
{
	(void)err;
	(void)snprintf(arg, 32, "%s", row->name ? row->name : "-");
	return MUN_OK;
}

static enum mun_code count_row(void *arg, const struct mun_history_row *row, struct mun_err *err)
{
	unsigned *n = arg;

	(void)row;
	(void)err;
	++*n;
	return MUN_OK;
}

static void fill(struct sample *s)
{
	struct mun_settle settle = {
		.batch = s->batch, .item = 2, .request = 9, .verdict = MUN_V_ARCHIVED
	};
	uint64_t probe = sample_request(s, 2, MUN_P_PROBE);
	char body[64];

	sample_response(s, 2, probe, 200, MUN_V_IS_ARCHIVED, "{}", &settle);
	for (uint32_t n = 1; n <= PLANS; n++) {
		plan_n(s, n);
		uint64_t request = sample_request(s, 0, MUN_P_ARCHIVE);
		(void)snprintf(body, sizeof(body), "{\"data\":{\"name\":\"Name %u\"}}", n);
		sample_response(s, 0, request, 200, MUN_V_ARCHIVED, body, NULL);
	}
}

static void test_all_places_are_seen(void **state)
{
	static const char *const run = "33333333333333333333333333333333";
	struct mun_filter f = { .since_us = MUN_TIME_NONE,
		                .until_us = MUN_TIME_NONE,
		                .after_seq = MUN_NO_SEQ,
		                .reverse = true,
		                .limit = 1 };
	struct sample *s = *state;
	struct mun_place places[64];
	struct mun_plan plan;
	struct mun_err err = { 0 };
	unsigned all = 0, rows = 0;
	char name[32] = "";
	uint64_t last = 0;
	size_t len;

	fill(s);
	assert_ok(mun_journal_each_place(s->j, &s->org, &s->run[2], count_place, &all, &err), &err);
	assert_int_equal(all, PLANS + 1);
	/* where not all fit, the newest do, oldest first */
	assert_ok(mun_journal_by_run(s->j, &s->org, &s->run[2], places, 64, &len, &err), &err);
	assert_int_equal(len, 64);
	for (size_t i = 0; i < len; i++) {
		assert_ok(mun_journal_plan(s->j, &places[i].plan, &plan, &err), &err);
		assert_true(plan.seq > last);
		last = plan.seq;
	}
	assert_true(mun_ref_equal(&places[63].plan, &s->plan));
	f.run[f.run_len++] = run;
	assert_ok(mun_query_history(s->j, &f, take_name, name, &err), &err);
	assert_string_equal(name, "Name 70");
	f.limit = 0;
	assert_ok(mun_query_history(s->j, &f, count_row, &rows, &err), &err);
	assert_int_equal(rows, PLANS + 1);
}

/* Wherever the attempt without an outcome stands, no other is admitted. */
static void test_attempt_in_any_of_them_refuses(void **state)
{
	struct sample *s = *state;
	struct mun_ref old_batch;
	struct mun_err err = { 0 };

	fill(s);
	plan_n(s, PLANS + 1);
	old_batch = s->batch;
	uint64_t open = sample_request(s, 0, MUN_P_ARCHIVE);
	for (uint32_t n = PLANS + 2; n < 2 * PLANS; n++) {
		struct mun_entry e = { .kind = MUN_K_REQUEST,
			               .has_batch = true,
			               .has_org = true,
			               .org = s->org,
			               .has_run = true,
			               .run = s->run[2],
			               .item = 0 };
		struct mun_group g = { .entries = &e, .len = 1 };

		plan_n(s, n);
		e.batch = s->batch;
		e.u.request.purpose = MUN_P_ARCHIVE;
		e.u.request.attempt = 1;
		e.u.request.epoch = 1;
		assert_ok(mun_journal_append(s->j, &g, &err), &err);
		assert_int_equal(e.refused, MUN_REFUSED_ELSEWHERE);
	}
	s->batch = old_batch;
	sample_response(s, 0, open, 200, MUN_V_ARCHIVED, "{}", NULL);
	plan_n(s, 2 * PLANS);
	(void)sample_request(s, 0, MUN_P_ARCHIVE);
}

static struct mun_entry attempt_of(const struct sample *s)
{
	return sample_entry(s, MUN_K_REQUEST, &s->run[2], 0);
}

static enum mun_refusal try(struct sample *s, struct mun_entry *e)
{
	struct mun_group g = { .entries = e, .len = 1 };
	struct mun_err err = { 0 };

	assert_ok(mun_journal_append(s->j, &g, &err), &err);
	return e->refused;
}

/* What another batch did since it was looked at: ask the server before a first attempt. */
static void test_a_goal_reached_elsewhere_refuses_a_first_attempt(void **state)
{
	struct sample *s = *state;
	struct mun_entry e;

	fill(s); /* the newest outcome of the run: archived */
	plan_n(s, 2 * PLANS);
	e = attempt_of(s);
	assert_int_equal(try(s, &e), MUN_REFUSED_ELSEWHERE);
	e = attempt_of(s);
	e.u.request.attempt = 2; /* of a later one its own attempt is what matters */
	assert_int_equal(try(s, &e), MUN_ADMITTED);
	plan_n(s, 2 * PLANS + 1); /* the open attempt of the batch before refuses this one */
	e = attempt_of(s);
	assert_int_equal(try(s, &e), MUN_REFUSED_ELSEWHERE);
	e = attempt_of(s);
	e.elsewhere_seen = MUN_NO_SEQ; /* unless the server was asked since */
	assert_int_equal(try(s, &e), MUN_ADMITTED);
}

/* One effect, one claim: the same archived_at makes the second one `already`. */
static void test_an_archived_at_is_claimed_once(void **state)
{
	static const char time[] = "2026-11-23T22:48:01Z"; /* that sample_response() tells */
	struct sample *s = *state;
	struct mun_settle settle = { .item = 0, .verdict = MUN_V_ARCHIVED };
	struct mun_entry e;
	uint64_t seq;

	fill(s);
	for (uint32_t n = 0; n < 3; n++) {
		plan_n(s, 2 * PLANS + n);
		e = attempt_of(s);
		e.elsewhere_seen = MUN_NO_SEQ;
		assert_int_equal(try(s, &e), MUN_ADMITTED);
		seq = e.seq;
		e = sample_entry(s, MUN_K_RESPONSE, &s->run[2], 0);
		e.u.response.request = seq;
		e.u.response.http = n < 2 ? 200 : 502;
		e.u.response.verdict = n < 2 ? MUN_V_ARCHIVED : MUN_V_UNKNOWN;
		e.u.response.archived_at = n == 0 ? time : n == 1 ? "2026-11-23T22:48:02Z" : NULL;
		(void)try(s, &e);
		assert_int_equal(e.u.response.verdict, n == 0   ? MUN_V_ALREADY_ARCHIVED
		                                       : n == 1 ? MUN_V_ARCHIVED
		                                                : MUN_V_UNKNOWN);
	}
	settle.batch = s->batch; /* and so does a probe that settles */
	settle.request = seq;
	(void)snprintf(settle.archived_at, sizeof(settle.archived_at), "%s", time);
	seq = sample_request(s, 0, MUN_P_PROBE);
	sample_response(s, 0, seq, 200, MUN_V_IS_ARCHIVED, "{}", &settle);
	assert_int_equal(settle.verdict, MUN_V_ALREADY_ARCHIVED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_places_are_seen, sample_setup,
		                                sample_teardown),
		cmocka_unit_test_setup_teardown(test_attempt_in_any_of_them_refuses, sample_setup,
		                                sample_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_goal_reached_elsewhere_refuses_a_first_attempt, sample_setup,
			sample_teardown),
		cmocka_unit_test_setup_teardown(test_an_archived_at_is_claimed_once, sample_setup,
		                                sample_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
