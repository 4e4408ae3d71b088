/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/tables.h"
#include "journal/verify.h"
#include "tests/journal/history_sample.h"

static const struct mun_verify_options tables = { .tables_only = true };

static void verify(struct sample *s, struct mun_verdict_report *r)
{
	struct mun_err err = { 0 };

	assert_ok(mun_verify_journal(s->j, NULL, r, &err), &err);
}

static void get(struct sample *s, enum mun_table table, uint64_t n, char *ret, size_t *ret_len)
{
	struct mun_txn *t = NULL;
	struct mun_err err = { 0 };
	struct mun_key key = mun_key_u64(n);
	struct mun_val v;

	assert_ok(mun_store_read(&t, mun_journal_store(s->j), &err), &err);
	assert_ok(mun_txn_get(t, table, mun_key_val(&key), &v, &err), &err);
	memcpy(ret, v.data, v.len);
	*ret_len = v.len;
	mun_txn_abortp(&t);
}

static void put(struct sample *s, enum mun_table table, uint64_t n, const char *data, size_t len)
{
	struct mun_txn *t = NULL;
	struct mun_err err = { 0 };
	struct mun_key key = mun_key_u64(n);

	assert_ok(mun_store_write(&t, mun_journal_store(s->j), &err), &err);
	if (data)
		assert_ok(mun_txn_put(t, table, mun_key_val(&key), mun_val(data, len), &err), &err);
	else
		assert_ok(mun_txn_delete(t, table, mun_key_val(&key), &err), &err);
	assert_ok(mun_txn_commit(t, &err), &err);
}

static void expect_bad(struct sample *s, uint64_t first_bad, uint64_t bad)
{
	struct mun_verdict_report r;

	verify(s, &r);
	assert_int_equal(r.result, MUN_VERIFY_FAILED);
	assert_int_equal(r.first_bad, first_bad);
	assert_int_equal(r.bad, bad);
	mun_verdict_report_done(&r);
}

static bool finds(const struct mun_verdict_report *r, const char *text)
{
	for (size_t i = 0; i < r->findings_len; i++)
		if (strstr(r->findings[i].what, text))
			return true;
	return false;
}

static void test_untouched_journal_is_verified(void **state)
{
	struct mun_verdict_report r;

	verify(*state, &r);
	for (size_t i = 0; i < r.findings_len; i++)
		if (r.findings[i].bad)
			print_error("%s\n", r.findings[i].what);
	assert_int_equal(r.bad, 0);
	assert_int_equal(r.result, MUN_VERIFIED_FINDINGS);
	assert_int_equal(r.head.size, SAMPLE_SIZE);
	assert_true(finds(&r, "unsigned"));
	assert_true(finds(&r, "nothing anchored"));
	assert_true(finds(&r, "item 2 of b-abcdef01234567890123 is in doubt"));
	mun_verdict_report_done(&r);
}

static void test_edited_entry_is_named(void **state)
{
	struct sample *s = *state;
	char line[MUN_ENTRY_MAX];
	size_t len;

	get(s, MUN_T_LOG, 4, line, &len);
	char *at = memmem(line, len, "\"http\":200", 10);
	assert_non_null(at);
	at[9] = '1';
	put(s, MUN_T_LOG, 4, line, len);
	expect_bad(s, 4, 1);
}

static void test_cut_and_missing_entries_are_named(void **state)
{
	struct sample *s = *state;

	put(s, MUN_T_LOG, SAMPLE_SIZE - 1, NULL, 0);
	expect_bad(s, SAMPLE_SIZE - 1, 1);
}

static void test_swapped_entries_are_named(void **state)
{
	struct sample *s = *state;
	char a[MUN_ENTRY_MAX], b[MUN_ENTRY_MAX];
	size_t a_len, b_len;

	get(s, MUN_T_LOG, 5, a, &a_len);
	get(s, MUN_T_LOG, 6, b, &b_len);
	put(s, MUN_T_LOG, 5, b, b_len);
	put(s, MUN_T_LOG, 6, a, a_len);
	struct mun_verdict_report r;
	verify(s, &r);
	assert_int_equal(r.result, MUN_VERIFY_FAILED);
	assert_int_equal(r.first_bad, 5);
	assert_true(r.bad >= 2);
	mun_verdict_report_done(&r);
}

static void test_stored_leaf_is_not_trusted(void **state)
{
	struct sample *s = *state;
	char line[MUN_ENTRY_MAX];
	uint8_t leaf[MUN_SHA256_LEN];
	size_t len;

	get(s, MUN_T_LOG, 4, line, &len);
	char *at = memmem(line, len, "\"http\":200", 10);
	assert_non_null(at);
	at[9] = '1';
	mun_tree_leaf(leaf, line, len);
	put(s, MUN_T_LOG, 4, line, len);
	put(s, MUN_T_TREE, mun_tree_stored(4), (const char *)leaf, sizeof(leaf));
	struct mun_verdict_report r;
	verify(s, &r);
	assert_int_equal(r.result, MUN_VERIFY_FAILED);
	mun_verdict_report_done(&r);
}

static void test_changed_body_is_named(void **state)
{
	struct sample *s = *state;
	char row[4096];
	size_t len;

	get(s, MUN_T_BODY, 4, row, &len);
	row[0] ^= 1;
	put(s, MUN_T_BODY, 4, row, len);
	expect_bad(s, 4, 1);
	put(s, MUN_T_BODY, 4, NULL, 0);
	expect_bad(s, 4, 1);
}

static void test_changed_projection_is_found_and_healed(void **state)
{
	struct sample *s = *state;
	struct mun_verdict_report r;
	struct mun_err err = { 0 };
	char row[4096];
	size_t len;

	get(s, MUN_T_EXCHANGE, 3, row, &len);
	row[len - 45] ^= 1;
	put(s, MUN_T_EXCHANGE, 3, row, len);
	assert_ok(mun_verify_journal(s->j, &tables, &r, &err), &err);
	assert_int_equal(r.result, MUN_VERIFY_FAILED);
	assert_true(finds(&r, "table exchange"));
	mun_verdict_report_done(&r);
	assert_ok(mun_journal_rebuild(s->j, &err), &err);
	assert_ok(mun_verify_journal(s->j, &tables, &r, &err), &err);
	assert_int_equal(r.result, MUN_VERIFIED);
	mun_verdict_report_done(&r);
}

static void test_wrong_counts_break_conservation(void **state)
{
	struct sample *s = *state;
	struct mun_entry e = { .kind = MUN_K_BATCH_PAUSED,
		               .has_batch = true,
		               .batch = s->batch,
		               .has_org = true,
		               .org = s->org,
		               .item = MUN_NO_ITEM };

	e.u.pause.state = "halted";
	e.u.pause.why = "network";
	e.u.pause.counts = (struct mun_counts){ .total = 3, .done = 1, .pending = 1 };
	sample_append(s, &e);
	expect_bad(s, SAMPLE_SIZE, 1);
}

/* A body that is gone is missing, until an entry says that it was erased. */
static void test_erased_body_is_no_damage(void **state)
{
	static const uint64_t seqs[] = { 4 };
	struct sample *s = *state;
	struct mun_entry e = { .kind = MUN_K_ERASED, .item = MUN_NO_ITEM };
	struct mun_verdict_report r;

	put(s, MUN_T_BODY, 4, NULL, 0);
	verify(s, &r);
	assert_int_equal(r.result, MUN_VERIFY_FAILED);
	assert_int_equal(r.first_bad, 4);
	assert_true(finds(&r, "its body is missing, and no entry says that it was erased"));
	mun_verdict_report_done(&r);
	e.u.erased.seqs = seqs;
	e.u.erased.seqs_len = 1;
	e.u.erased.basis = "GDPR Art. 17";
	e.u.erased.operator_ = sample_operator;
	sample_append(s, &e);
	verify(s, &r);
	assert_int_equal(r.bad, 0);
	assert_int_equal(r.result, MUN_VERIFIED_FINDINGS);
	assert_true(finds(&r, "erased on request: the bodies of 1 entries"));
	mun_verdict_report_done(&r);
}

static void test_backup_verifies(void **state)
{
	struct sample *s = *state;
	struct sample copy = *s;
	struct sample *copy_state = calloc(1, sizeof(copy));
	struct mun_verdict_report r;
	struct mun_err err = { 0 };
	void *p = copy_state;

	assert_non_null(copy_state);
	(void)snprintf(copy.dir, sizeof(copy.dir), "%.60s-b", s->dir);
	assert_ok(mun_journal_backup(s->j, copy.dir, &err), &err);
	mun_journal_closep(&s->j);
	*copy_state = copy;
	copy_state->j = NULL;
	sample_open(copy_state, MUN_JOURNAL_READ);
	verify(copy_state, &r);
	assert_int_equal(r.bad, 0);
	mun_verdict_report_done(&r);
	(void)sample_teardown(&p);
}

int main(void)
{
#define SAMPLED(test) cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)
	const struct CMUnitTest tests[] = {
		SAMPLED(test_untouched_journal_is_verified),
		SAMPLED(test_edited_entry_is_named),
		SAMPLED(test_cut_and_missing_entries_are_named),
		SAMPLED(test_swapped_entries_are_named),
		SAMPLED(test_stored_leaf_is_not_trusted),
		SAMPLED(test_changed_body_is_named),
		SAMPLED(test_changed_projection_is_found_and_healed),
		SAMPLED(test_wrong_counts_break_conservation),
		SAMPLED(test_erased_body_is_no_damage),
		SAMPLED(test_backup_verifies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
