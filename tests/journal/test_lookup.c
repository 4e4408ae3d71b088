/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/lookup.h"
#include "tests/journal/history_sample.h"

static struct mun_lookup look;
static struct mun_err err;

static int setup(void **state)
{
	struct sample *s;

	if (sample_setup(state) != 0)
		return -1;
	s = *state;
	mun_lookup_init(&look, s->j);
	return 0;
}

static int teardown(void **state)
{
	mun_lookup_done(&look);
	return sample_teardown(state);
}

static void test_an_entry_is_read_and_decoded(void **state)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_entry e;

	(void)state;
	assert_ok(mun_lookup_entry(&look, 3, &e, &owner, &err), &err);
	assert_int_equal(e.kind, MUN_K_REQUEST);
	assert_int_equal(e.seq, 3);
	assert_non_null(strstr(mun_buf_str(&look.line), "\"seq\":3,"));
	mun_decoded_freep(&owner);
	assert_fails(mun_lookup_entry(&look, SAMPLE_SIZE, &e, &owner, &err), MUN_E_NOTFOUND, &err);
}

static void test_plan_and_start_are_found_and_kept(void **state)
{
	struct sample *s = *state;
	const struct mun_entry *plan, *start, *again;
	struct mun_ref none = { { 0xff } };

	assert_ok(mun_lookup_plan(&look, &s->plan, &plan, &err), &err);
	assert_string_equal(plan->u.plan.reason, "quarterly clean-up");
	assert_ok(mun_lookup_start(&look, &s->batch, 1, SAMPLE_SIZE, &start, &err), &err);
	assert_int_equal(start->u.start.epoch, 1);
	/* The same answer, not another copy. */
	assert_ok(mun_lookup_plan(&look, &s->plan, &again, &err), &err);
	assert_ptr_equal(again, plan);
	assert_ok(mun_lookup_start(&look, &s->batch, 1, SAMPLE_SIZE, &again, &err), &err);
	assert_ptr_equal(again, start);
	assert_fails(mun_lookup_plan(&look, &none, &again, &err), MUN_E_NOTFOUND, &err);
	assert_fails(mun_lookup_start(&look, &s->batch, 2, SAMPLE_SIZE, &again, &err),
	             MUN_E_NOTFOUND, &err);
	assert_int_equal(mun_lookup_start(&look, &none, 1, SAMPLE_SIZE, &again, &err),
	                 MUN_E_NOTFOUND);
}

static void test_an_answer_outlives_some_questions(void **state)
{
	struct sample *s = *state;
	const struct mun_entry *plan, *other;

	assert_ok(mun_lookup_plan(&look, &s->plan, &plan, &err), &err);
	for (unsigned i = 1; i < MUN_LOOKUP_SLOTS; i++)
		assert_ok(mun_lookup_start(&look, &s->batch, 1, SAMPLE_SIZE, &other, &err), &err);
	assert_string_equal(plan->u.plan.ticket, "OPS-1");
}

static void test_a_name_comes_from_the_newest_body_or_the_list(void **state)
{
	static const char *const names[SAMPLE_RUNS] = { "First", "Second", "From the list" };
	struct sample *s = *state;
	struct mun_id stranger = { { 0x99 } };
	const char *name;

	for (uint32_t i = 0; i < SAMPLE_RUNS; i++) {
		assert_ok(mun_lookup_name(&look, &s->org, &s->run[i], &s->plan, i, &name, &err),
		          &err);
		assert_string_equal(name, names[i]);
	}
	assert_ok(mun_lookup_name(&look, &s->org, &stranger, &s->plan, 0, &name, &err), &err);
	assert_null(name);
}

#define lookup_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lookup_test(test_an_entry_is_read_and_decoded),
		lookup_test(test_plan_and_start_are_found_and_kept),
		lookup_test(test_an_answer_outlives_some_questions),
		lookup_test(test_a_name_comes_from_the_newest_body_or_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
