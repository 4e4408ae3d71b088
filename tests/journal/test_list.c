/* SPDX-License-Identifier: Apache-2.0 */
/* A long list: its rows, and the places of its runs written at once in the order of their keys. */
#include <stdlib.h>
#include <string.h>

#include "journal/query.h"
#include "journal/verify.h"
#include "tests/journal/history_sample.h"

#define RUNS  9000 /* more than one chunk of either kind of write */
#define CHUNK 1000

static struct mun_err err;
static struct mun_id runs[RUNS];

static void make_runs(void)
{
	for (uint32_t i = 0; i < RUNS; i++) {
		uint32_t mixed = i * 2654435761U;

		memset(&runs[i], 0, sizeof(runs[i]));
		/* Some differ in their last bytes alone. */
		memcpy(runs[i].bytes, &mixed, i % 10 == 0 ? 1 : sizeof(mixed));
		memcpy(runs[i].bytes + 12, &i, sizeof(i));
	}
}

static void store_rows(struct sample *s)
{
	for (uint32_t first = 0; first < RUNS; first += CHUNK) {
		static struct mun_plan_row rows[CHUNK];

		for (uint32_t i = 0; i < CHUNK; i++)
			rows[i] = (struct mun_plan_row){ .run = runs[first + i],
				                         .line = first + i + 1,
				                         .reason = i == 3 ? "of its own" : NULL,
				                         .ticket = i == 4 ? "OPS-4" : NULL };
		assert_ok(mun_journal_plan_rows(s->j, &s->plan, first, NULL, rows, CHUNK, &err),
		          &err);
	}
}

static void store_plan(struct sample *s)
{
	struct mun_entry e = {
		.kind = MUN_K_PLAN_STORED, .has_org = true, .org = s->org, .item = MUN_NO_ITEM
	};

	e.u.plan.plan = s->plan;
	e.u.plan.base_url = "https://api.tallyfy.com";
	e.u.plan.items = RUNS;
	e.u.plan.reason = "a long list";
	e.u.plan.operator_ = sample_operator;
	sample_append(s, &e);
}

static size_t places_of(struct sample *s, const struct mun_id *run, struct mun_place *ret)
{
	size_t len;

	assert_ok(mun_journal_by_run(s->j, &s->org, run, ret, 4, &len, &err), &err);
	return len;
}

static void test_each_run_is_found_at_its_place(void **state)
{
	struct sample *s = *state;
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_list_row row;
	struct mun_place place[4];

	mun_buf_init(&text, 10000);
	make_runs();
	memset(s->plan.bytes, 0x77, sizeof(s->plan.bytes));
	store_rows(s);
	assert_ok(mun_journal_plan_index(s->j, &s->plan, &s->org, runs, RUNS, &err), &err);
	/* Valid once the plan is stored, not before. */
	assert_int_equal(places_of(s, &runs[5], place), 0);
	store_plan(s);
	for (uint32_t i = 0; i < RUNS; i += 97) {
		assert_int_equal(places_of(s, &runs[i], place), 1);
		assert_true(mun_ref_equal(&place[0].plan, &s->plan) && !place[0].has_batch);
		assert_int_equal(place[0].item, i);
		mun_buf_clear(&text);
		assert_ok(mun_journal_list_row(s->j, &s->plan, i, &row, &text, &err), &err);
		assert_true(mun_id_equal(&row.run, &runs[i]) && row.line == i + 1);
		assert_int_equal(row.reason != NULL, i % CHUNK == 3);
		assert_int_equal(row.ticket != NULL, i % CHUNK == 4);
	}
	assert_int_equal(mun_journal_list_row(s->j, &s->plan, RUNS, &row, &text, &err),
	                 MUN_E_NOTFOUND);
}

/* The same run in the older plan is found too; the organization must be the same. */
static void test_places_belong_to_an_organization(void **state)
{
	struct sample *s = *state;
	struct mun_id other = { { 0xbb } }, orgs[4];
	struct mun_place place[4];
	size_t len;

	assert_int_equal(places_of(s, &s->run[0], place), 1);
	assert_true(place[0].has_batch && mun_ref_equal(&place[0].batch, &s->batch));
	assert_ok(mun_journal_by_run(s->j, &other, &s->run[0], place, 4, &len, &err), &err);
	assert_int_equal(len, 0);
	assert_ok(mun_journal_by_run_any_org(s->j, &s->run[0], orgs, &len, 4, &err), &err);
	assert_int_equal(len, 1);
	assert_true(mun_id_equal(&orgs[0], &s->org));
}

static bool names(const struct mun_verdict_report *r, const char *what)
{
	for (size_t i = 0; i < r->findings_len; i++)
		if (r->findings[i].bad && strstr(r->findings[i].what, what))
			return true;
	return false;
}

/* The plan of this test carries no hash of its list and none of the reasons of single rows. */
static void test_another_list_than_the_hashed_is_noticed(void **state)
{
	struct sample *s = *state;
	struct mun_verdict_report report;

	make_runs();
	memset(s->plan.bytes, 0x77, sizeof(s->plan.bytes));
	store_rows(s);
	assert_ok(mun_journal_plan_index(s->j, &s->plan, &s->org, runs, RUNS, &err), &err);
	store_plan(s);
	assert_ok(mun_verify_journal(s->j, NULL, &report, &err), &err);
	assert_int_equal(report.result, MUN_VERIFY_FAILED);
	assert_true(names(&report, "list does not hash to its list_sha256"));
	assert_true(names(&report, "own reasons do not hash to overrides_sha256"));
	mun_verdict_report_done(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_run_is_found_at_its_place, sample_setup,
		                                sample_teardown),
		cmocka_unit_test_setup_teardown(test_another_list_than_the_hashed_is_noticed,
		                                sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_places_belong_to_an_organization, sample_setup,
		                                sample_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
