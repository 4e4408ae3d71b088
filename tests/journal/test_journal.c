/* SPDX-License-Identifier: Apache-2.0 */
/* What an open journal says of itself, and what its keys make of secrets. */
#include <string.h>

#include "journal/journal.h"
#include "tests/journal/history_sample.h"

static struct mun_err err;

static void test_it_knows_itself(void **state)
{
	struct sample *s = *state;
	struct mun_journal_id id, again;

	assert_true(mun_journal_created(s->j));
	assert_string_equal(mun_journal_dir(s->j), s->dir);
	assert_ok(mun_journal_identity(s->j, &id, &err), &err);
	assert_int_equal(strspn(id.id, "0123456789abcdef"), 32);
	assert_true(id.origin[0] != '\0' && id.min_reader >= 1 && id.min_writer >= 1);
	mun_journal_closep(&s->j);
	sample_open(s, MUN_JOURNAL_READ);
	assert_false(mun_journal_created(s->j));
	assert_ok(mun_journal_identity(s->j, &again, &err), &err);
	assert_string_equal(again.id, id.id);
	assert_string_equal(again.origin, id.origin);
}

static void test_a_volatile_place_is_said(void **state)
{
	struct sample *s = *state;
	const char *warning = mun_journal_fs_warning(s->j);

	/* What lies below /tmp is not for this test to say. */
	assert_true(!warning || strstr(warning, "tmpfs") || strstr(warning, "overlayfs"));
}

static void test_fingerprints_are_the_journals_own(void **state)
{
	struct sample *s = *state;
	char a[33], b[33], machine[13], again[13];

	assert_ok(mun_journal_fingerprint(s->j, a, "token-1", 7, &err), &err);
	assert_ok(mun_journal_fingerprint(s->j, b, "token-2", 7, &err), &err);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_string_not_equal(a, b);
	assert_ok(mun_journal_machine(s->j, machine, &err), &err);
	assert_int_equal(strspn(machine, "0123456789abcdef"), 12);
	mun_journal_closep(&s->j);
	sample_open(s, MUN_JOURNAL_WRITE);
	assert_ok(mun_journal_fingerprint(s->j, b, "token-1", 7, &err), &err);
	assert_string_equal(a, b);
	assert_ok(mun_journal_machine(s->j, again, &err), &err);
	assert_string_equal(machine, again);
}

static void test_another_journal_has_other_fingerprints(void **state)
{
	static char first[33];
	char second[33];
	struct sample *s = *state;

	assert_ok(mun_journal_fingerprint(s->j, second, "token-1", 7, &err), &err);
	assert_string_not_equal(first, second);
	memcpy(first, second, sizeof(first));
}

static void test_a_plan_can_be_discarded(void **state)
{
	struct sample *s = *state;
	struct mun_entry e = { .kind = MUN_K_PLAN_DISCARDED, .has_org = true, .org = s->org };
	struct mun_plan plan;

	memset(s->plan.bytes, 0x55, sizeof(s->plan.bytes));
	sample_plan(s);
	assert_ok(mun_journal_plan(s->j, &s->plan, &plan, &err), &err);
	assert_int_equal(plan.state, MUN_PLAN_STORED);
	e.item = MUN_NO_ITEM;
	e.u.discard.plan = s->plan;
	e.u.discard.reason = "not needed any more";
	e.u.discard.operator_ = sample_operator;
	sample_append(s, &e);
	assert_ok(mun_journal_plan(s->j, &s->plan, &plan, &err), &err);
	assert_int_equal(plan.state, MUN_PLAN_DISCARDED);
}

#define journal_test(test) cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		journal_test(test_it_knows_itself),
		journal_test(test_a_volatile_place_is_said),
		journal_test(test_fingerprints_are_the_journals_own),
		journal_test(test_another_journal_has_other_fingerprints),
		journal_test(test_another_journal_has_other_fingerprints),
		journal_test(test_a_plan_can_be_discarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
