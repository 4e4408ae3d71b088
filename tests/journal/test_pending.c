/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/journal/history_sample.h"

#define ITEMS 12

static struct mun_id run_of(uint32_t item)
{
	struct mun_id run;

	memset(run.bytes, (int)(0x40 + item), sizeof(run.bytes));
	return run;
}

/* A batch of more items, in which some were touched and others were not. */
static void open_batch(struct sample *s)
{
	struct mun_plan_row rows[ITEMS] = { 0 };
	struct mun_entry e = {
		.kind = MUN_K_PLAN_STORED, .has_org = true, .org = s->org, .item = MUN_NO_ITEM
	};
	struct mun_err err = { 0 };

	memset(s->plan.bytes, 7, sizeof(s->plan.bytes));
	memset(s->batch.bytes, 8, sizeof(s->batch.bytes));
	for (uint32_t i = 0; i < ITEMS; i++) {
		rows[i].run = run_of(i);
		rows[i].line = i + 1;
	}
	assert_ok(mun_journal_plan_rows(s->j, &s->plan, 0, &s->org, rows, ITEMS, &err), &err);
	e.u.plan.plan = s->plan;
	e.u.plan.base_url = "https://api.tallyfy.com";
	e.u.plan.items = ITEMS;
	e.u.plan.reason = "a batch of many items";
	e.u.plan.operator_ = sample_operator;
	sample_append(s, &e);
	sample_start(s);
}

static uint64_t send_item(struct sample *s, uint32_t item)
{
	struct mun_id run = run_of(item);
	struct mun_entry e = sample_entry(s, MUN_K_REQUEST, &run, item);

	sample_append(s, &e);
	return e.seq;
}

static void answer(struct sample *s, uint32_t item, uint64_t request, enum mun_verdict v)
{
	struct mun_id run = run_of(item);
	struct mun_entry e = sample_entry(s, MUN_K_RESPONSE, &run, item);

	e.u.response.request = request;
	e.u.response.http = v == MUN_V_ARCHIVED ? 200 : 429;
	e.u.response.verdict = v;
	sample_append(s, &e);
}

/* Items that are done or in flight behind the first untouched one are in no range. */
static void test_ranges_hold_what_is_pending_and_nothing_else(void **state)
{
	struct sample *s = *state;
	static const struct mun_range want[] = { { 1, 1 }, { 3, 6 }, { 8, 8 }, { 10, 11 } };
	struct mun_range got[ITEMS];
	struct mun_err err = { 0 };
	uint32_t from = 0;
	size_t len;

	open_batch(s);
	answer(s, 0, send_item(s, 0), MUN_V_ARCHIVED);
	answer(s, 1, send_item(s, 1), MUN_V_RATE_LIMITED);
	(void)send_item(s, 2);
	answer(s, 5, send_item(s, 5), MUN_V_RATE_LIMITED);
	answer(s, 7, send_item(s, 7), MUN_V_ARCHIVED);
	(void)send_item(s, 9);
	assert_ok(mun_journal_pending(s->j, &s->batch, 0, got, ITEMS, &len, &err), &err);
	assert_int_equal(len, MUN_ARRAY_LEN(want));
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(got[i].first, want[i].first);
		assert_int_equal(got[i].last, want[i].last);
	}
	for (size_t i = 0; i < MUN_ARRAY_LEN(want); i++) { /* one at a time gives the same */
		assert_ok(mun_journal_pending(s->j, &s->batch, from, got, 1, &len, &err), &err);
		assert_true(len == 1 && got[0].first == want[i].first);
		from = got[0].last + 1;
	}
	assert_ok(mun_journal_pending(s->j, &s->batch, from, got, 1, &len, &err), &err);
	assert_int_equal(len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ranges_hold_what_is_pending_and_nothing_else,
		                                sample_setup, sample_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
