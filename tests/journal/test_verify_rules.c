/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verify says about journals whose tree is right and whose entries are not: somebody who
 * can write the file rewrote them, leaves, nodes and head included. One rule a test.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/tables.h"
#include "journal/verify.h"
#include "lib/cursor.h"
#include "tests/journal/history_sample.h"

static struct mun_txn *begin(struct sample *s)
{
	struct mun_txn *t = NULL;
	struct mun_err err = { 0 };

	assert_ok(mun_store_write(&t, mun_journal_store(s->j), &err), &err);
	return t;
}

static void commit(struct mun_txn *t)
{
	struct mun_err err = { 0 };

	assert_ok(mun_txn_commit(t, &err), &err);
}

static size_t line_of(struct mun_txn *t, uint64_t seq, char ret[static MUN_ENTRY_MAX + 1])
{
	struct mun_err err = { 0 };
	struct mun_key key = mun_key_u64(seq);
	struct mun_val v;

	assert_ok(mun_txn_get(t, MUN_T_LOG, mun_key_val(&key), &v, &err), &err);
	memcpy(ret, v.data, v.len);
	ret[v.len] = '\0';
	return v.len;
}

static void put_line(struct mun_txn *t, uint64_t seq, const char *line)
{
	struct mun_err err = { 0 };
	struct mun_key key = mun_key_u64(seq);

	assert_ok(mun_txn_put(t, MUN_T_LOG, mun_key_val(&key), mun_val(line, strlen(line)), &err),
	          &err);
}

/* Leaves, nodes and head of the first size entries as they stand now. */
static void make_tree(struct mun_txn *t, uint64_t size)
{
	uint8_t leaf[MUN_SHA256_LEN], made[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	uint8_t head[8 + MUN_TREE_LEVELS * MUN_SHA256_LEN];
	char line[MUN_ENTRY_MAX + 1];
	struct mun_err err = { 0 };
	struct mun_tree tree;
	size_t head_len;

	mun_tree_init(&tree);
	for (uint64_t seq = 0; seq < size; seq++) {
		size_t len = line_of(t, seq, line);
		mun_tree_leaf(leaf, line, len);
		unsigned n = mun_tree_push(&tree, leaf, made);
		for (unsigned i = 0; i < n; i++) {
			struct mun_key key = mun_key_u64(mun_tree_stored(seq) + i);
			assert_ok(mun_txn_put(t, MUN_T_TREE, mun_key_val(&key),
			                      mun_val(made[i], MUN_SHA256_LEN), &err),
			          &err);
		}
	}
	mun_tree_pack(head, &head_len, &tree);
	assert_ok(mun_txn_put(t, MUN_T_HEAD, mun_val("head", 4), mun_val(head, head_len), &err),
	          &err);
}

/* from becomes to in entry seq, which is put at the place at. */
static void forge(struct sample *s, uint64_t seq, const char *from, const char *to, uint64_t at)
{
	char line[MUN_ENTRY_MAX + 1], forged[MUN_ENTRY_MAX + 1], own[32], other[32];
	struct mun_txn *t = begin(s);

	(void)line_of(t, seq, line);
	char *found = strstr(line, from);
	assert_non_null(found);
	(void)snprintf(forged, sizeof(forged), "%.*s%s%s", (int)(found - line), line, to,
	               found + strlen(from));
	(void)snprintf(own, sizeof(own), "\"seq\":%llu,", (unsigned long long)seq);
	(void)snprintf(other, sizeof(other), "\"seq\":%llu,", (unsigned long long)at);
	found = strstr(forged, own);
	assert_non_null(found);
	(void)snprintf(line, sizeof(line), "%.*s%s%s", (int)(found - forged), forged, other,
	               found + strlen(own));
	put_line(t, at, line);
	make_tree(t, at >= SAMPLE_SIZE ? at + 1 : SAMPLE_SIZE);
	commit(t);
}

static bool finds(const struct mun_verdict_report *r, bool bad, const char *text)
{
	for (size_t i = 0; i < r->findings_len; i++)
		if (r->findings[i].bad == bad && strstr(r->findings[i].what, text))
			return true;
	return false;
}

static void expect(struct sample *s, uint64_t first_bad, const char *text)
{
	struct mun_verdict_report r;
	struct mun_err err = { 0 };
	bool bad = first_bad != MUN_NO_SEQ;

	assert_ok(mun_verify_journal(s->j, NULL, &r, &err), &err);
	for (size_t i = 0; i < r.findings_len && !finds(&r, bad, text); i++)
		print_error("%s\n", r.findings[i].what);
	assert_true(finds(&r, bad, text));
	if (bad)
		assert_int_equal(r.result, MUN_VERIFY_FAILED);
	assert_true(r.first_bad == first_bad);
	mun_verdict_report_done(&r);
}

static const struct {
	uint64_t seq;
	const char *from, *to; /* in that entry */
	uint64_t at;           /* which is put there */
	uint64_t first_bad;
	const char *what;
} forgeries[] = {
	{ 4, "\"request\":3", "\"request\":5", 4, 4, "answers #5, which is no request" },
	{ 4, "\"item\":0", "\"item\":0", SAMPLE_SIZE, SAMPLE_SIZE,
	  "answers #3, which is no request without an answer" },
	{ 6, "\"item\":1", "\"item\":1", 7, 7,
	  "answers #5, which is no request without an answer" },
	{ 4, "\"item\":0", "\"item\":1", 4, 4, "answers #3, which is of another item" },
	{ 3, "\"run\":\"1111", "\"run\":\"9999", 3, 3,
	  "the request's run is not item 0 of its plan's list" },
	{ 9, "\"item\":2", "\"item\":7", 9, 9, "a mutating request outside of every plan's list" },
	{ 9, "\"purpose\":\"archive\"", "\"purpose\":\"restore\"", 9, 9,
	  "the request does another operation than its plan" },
	{ 9, "\"epoch\":1", "\"epoch\":2", 9, 9, "sent in epoch 2 while epoch 1 was in force" },
	{ 3, "\"attempt\":1", "\"attempt\":2", SAMPLE_SIZE, SAMPLE_SIZE,
	  "sent for item 0, which was final before" },
	{ 9, "\"attempt\":1", "\"attempt\":2", SAMPLE_SIZE, SAMPLE_SIZE,
	  "sent while #9 of the same item was in doubt" },
	{ 8, "\"request\":5", "\"request\":9", 8, 8, "settles #9, which is not earlier" },
	{ 8, "\"item\":1,\"request\":5", "\"item\":2,\"request\":5", 8, 8,
	  "settles #5, which is of another item" },
	{ 2, "\"kind\":\"batch.started\"", "\"kind\":\"batch.resumed\"", SAMPLE_SIZE, SAMPLE_SIZE,
	  "epoch 1 does not come after 1" },
	{ 2, "\"epoch\":1", "\"epoch\":2", SAMPLE_SIZE, SAMPLE_SIZE,
	  "starts a batch that has started before" },
	{ 1, "\"items\":3", "\"items\":3", SAMPLE_SIZE, SAMPLE_SIZE,
	  "stores a plan that was stored before" },
	{ 0, "\"v\":1", "\"v\":1", SAMPLE_SIZE, SAMPLE_SIZE,
	  "a journal begins with journal.created, once" },
	{ 9, "\"time\":\"20", "\"time\":\"19", 9, MUN_NO_SEQ, "the clock goes back by" },
};

static void test_forgeries_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(forgeries); i++) {
		void *sample = NULL;
		assert_int_equal(sample_setup(&sample), 0);
		forge(sample, forgeries[i].seq, forgeries[i].from, forgeries[i].to,
		      forgeries[i].at);
		expect(sample, forgeries[i].first_bad, forgeries[i].what);
		assert_int_equal(sample_teardown(&sample), 0);
	}
}

static void test_list_hashes_to_its_plan(void **state)
{
	static const char from[] = "\"list_sha256\":\"";
	struct sample *s = *state;
	char line[MUN_ENTRY_MAX + 1], hash[32], other[32];
	struct mun_txn *t = begin(s);

	(void)line_of(t, 1, line);
	commit(t);
	char *at = strstr(line, from);
	assert_non_null(at);
	(void)snprintf(hash, sizeof(hash), "%.18s", at);
	memcpy(other, hash, sizeof(other));
	other[15] = other[15] == '0' ? '1' : '0';
	forge(s, 1, hash, other, 1);
	expect(s, 1, "the plan's list does not hash to its list_sha256");
}

static void test_changed_list_is_found(void **state)
{
	struct sample *s = *state;
	struct mun_err err = { 0 };
	struct mun_key key = mun_key_item(&s->plan, 2);
	struct mun_txn *t = begin(s);
	uint8_t row[64];
	struct mun_val v;

	assert_ok(mun_txn_get(t, MUN_T_LIST, mun_key_val(&key), &v, &err), &err);
	assert_true(v.len < sizeof(row));
	memcpy(row, v.data, v.len);
	row[0] ^= 1;
	assert_ok(mun_txn_put(t, MUN_T_LIST, mun_key_val(&key), mun_val(row, v.len), &err), &err);
	commit(t);
	expect(s, 1, "the plan's list does not hash to its list_sha256");
	t = begin(s);
	assert_ok(mun_txn_delete(t, MUN_T_LIST, mun_key_val(&key), &err), &err);
	commit(t);
	expect(s, 1, "item 2 of 3 of the plan's list is missing");
}

static void pause_with(struct sample *s, enum mun_kind kind, struct mun_counts counts)
{
	struct mun_entry e = { .kind = kind,
		               .has_batch = true,
		               .batch = s->batch,
		               .has_org = true,
		               .org = s->org,
		               .item = MUN_NO_ITEM };

	e.u.pause.state = kind == MUN_K_BATCH_ENDED ? "done" : "halted";
	e.u.pause.why = "network";
	e.u.pause.counts = counts;
	sample_append(s, &e);
}

/* The probe knew first, then the process that had sent it went on and recorded its answer. */
static void test_late_answers_are_no_breach(void **state)
{
	struct sample *s = *state;
	struct mun_settle settle = {
		.batch = s->batch, .item = 2, .request = 9, .verdict = MUN_V_ARCHIVED
	};
	uint64_t probe = sample_request(s, 2, MUN_P_PROBE);
	struct mun_verdict_report r;
	struct mun_err err = { 0 };

	sample_response(s, 2, probe, 200, MUN_V_IS_ARCHIVED, "{}", &settle);
	assert_ok(mun_verify_journal(s->j, NULL, &r, &err), &err);
	assert_false(finds(&r, false, "in doubt"));
	assert_int_equal(r.bad, 0);
	mun_verdict_report_done(&r);
	sample_response(s, 2, 9, 504, MUN_V_UNKNOWN, "{}", NULL);
	pause_with(s, MUN_K_BATCH_ENDED, (struct mun_counts){ .total = 3, .done = 3 });
	assert_ok(mun_verify_journal(s->j, NULL, &r, &err), &err);
	assert_false(finds(&r, false, "in doubt"));
	assert_int_equal(r.bad, 0);
	mun_verdict_report_done(&r);
	sample_response(s, 2, 9, 504, MUN_V_UNKNOWN, "{}", NULL);
	expect(s, SAMPLE_SIZE + 4, "answers #9, which is no request without an answer");
}

static void test_counts_are_conserved(void **state)
{
	pause_with(*state, MUN_K_BATCH_ENDED, (struct mun_counts){ .total = 3, .done = 2 });
	expect(*state, SAMPLE_SIZE, "conservation: counts give 2, total 3, plan 3");
}

static void test_counts_are_those_of_the_plan(void **state)
{
	pause_with(*state, MUN_K_BATCH_PAUSED,
	           (struct mun_counts){ .total = 4, .done = 2, .in_doubt = 2 });
	expect(*state, SAMPLE_SIZE, "conservation: counts give 4, total 4, plan 3");
}

static void test_done_is_what_entries_show(void **state)
{
	pause_with(*state, MUN_K_BATCH_PAUSED, (struct mun_counts){ .total = 3, .done = 3 });
	expect(*state, SAMPLE_SIZE, "counts 3 items as done where the entries show 2");
}

/* The sum is right, and what is done: but one is in doubt, and none has failed. */
static void test_each_count_is_what_entries_give(void **state)
{
	pause_with(*state, MUN_K_BATCH_PAUSED,
	           (struct mun_counts){ .total = 3, .done = 2, .in_doubt = 1 });
	pause_with(*state, MUN_K_BATCH_PAUSED,
	           (struct mun_counts){ .total = 3, .done = 2, .failed = 1 });
	expect(*state, SAMPLE_SIZE + 1, "counts are not what the entries give (in 1)");
}

static void test_ended_leaves_nothing_pending(void **state)
{
	pause_with(*state, MUN_K_BATCH_ENDED,
	           (struct mun_counts){ .total = 3, .done = 2, .pending = 1 });
	expect(*state, SAMPLE_SIZE, "ended with 1 items pending");
}

static void test_entry_says_its_own_seq(void **state)
{
	struct sample *s = *state;
	char line[MUN_ENTRY_MAX + 1];
	struct mun_txn *t = begin(s);

	(void)line_of(t, 5, line);
	put_line(t, 6, line);
	make_tree(t, SAMPLE_SIZE);
	commit(t);
	expect(s, 6, "says it is #5");
}

static void test_clock_jumps_are_findings(void **state)
{
	struct sample *s = *state;
	struct mun_entry e = { .kind = MUN_K_CLOCK_JUMPED, .item = MUN_NO_ITEM };

	e.u.clock.before_us = MUN_TIME_NONE;
	e.u.clock.server_us = INT64_C(1795000000000000);
	sample_append(s, &e);
	expect(s, MUN_NO_SEQ, ", the server 2026-11-18T");
	e.u.clock.before_us = e.u.clock.server_us;
	e.u.clock.server_us = MUN_TIME_NONE;
	sample_append(s, &e);
	expect(s, MUN_NO_SEQ, ", and said before 2026-11-18T");
}

static void test_body_is_what_its_entry_says(void **state)
{
	struct sample *s = *state;
	struct mun_err err = { 0 };
	struct mun_key key = mun_key_u64(4);
	struct mun_txn *t = begin(s);
	char row[4096];
	struct mun_val v;

	assert_ok(mun_txn_get(t, MUN_T_BODY, mun_key_val(&key), &v, &err), &err);
	memcpy(row, v.data, v.len);
	row[v.len - 1] ^= 1;
	assert_ok(mun_txn_put(t, MUN_T_BODY, mun_key_val(&key), mun_val(row, v.len), &err), &err);
	commit(t);
	expect(s, 4, "its body");
	t = begin(s);
	assert_ok(mun_txn_delete(t, MUN_T_BODY, mun_key_val(&key), &err), &err);
	commit(t);
	expect(s, 4, "its body is missing, and no entry says that it was erased");
}

static void test_deleted_neighbours_are_two(void **state)
{
	struct sample *s = *state;
	struct mun_verdict_report r;
	struct mun_err err = { 0 };
	struct mun_txn *t = begin(s);

	for (uint64_t seq = 3; seq <= 4; seq++) {
		struct mun_key key = mun_key_u64(seq);
		assert_ok(mun_txn_delete(t, MUN_T_LOG, mun_key_val(&key), &err), &err);
	}
	commit(t);
	assert_ok(mun_verify_journal(s->j, NULL, &r, &err), &err);
	assert_int_equal(r.result, MUN_VERIFY_FAILED);
	assert_int_equal(r.first_bad, 3);
	assert_int_equal(r.bad, 2);
	mun_verdict_report_done(&r);
}

/* A start that is gone makes all behind it look odd, which is told and not counted. */
static void test_what_follows_a_gap_is_not_counted(void **state)
{
	struct sample *s = *state;
	struct mun_verdict_report r;
	struct mun_err err = { 0 };
	struct mun_key key = mun_key_u64(2);
	struct mun_txn *t = begin(s);

	assert_ok(mun_txn_delete(t, MUN_T_LOG, mun_key_val(&key), &err), &err);
	commit(t);
	assert_ok(mun_verify_journal(s->j, NULL, &r, &err), &err);
	assert_int_equal(r.first_bad, 2);
	assert_int_equal(r.bad, 1);
	assert_true(finds(&r, false, "outside of every plan's list"));
	mun_verdict_report_done(&r);
}

static void test_entry_above_the_head_is_found(void **state)
{
	struct sample *s = *state;
	struct mun_txn *t = begin(s);

	put_line(t, SAMPLE_SIZE, "{}");
	commit(t);
	expect(s, SAMPLE_SIZE, "an entry stands above the head");
}

static void test_rewritten_journal_passes_and_says_so(void **state)
{
	struct sample *s = *state;
	struct mun_verdict_report r;
	struct mun_err err = { 0 };
	bool told = false;

	/* a host name: in no table, so everything fits */
	forge(s, 2, "\"host\":\"desk\"", "\"host\":\"else\"", 2);
	assert_ok(mun_verify_journal(s->j, NULL, &r, &err), &err);
	assert_int_equal(r.bad, 0);
	for (size_t i = 0; i < r.not_checked_len; i++)
		told |= strstr(r.not_checked[i], "no local file can prove") != NULL;
	assert_true(told);
	mun_verdict_report_done(&r);
}

static void append_for_a_while(struct sample *s)
{
	sample_open(s, MUN_JOURNAL_WRITE);
	for (unsigned i = 0; i < 60; i++) {
		struct mun_ref plan = { { 0 } };
		struct mun_err err = { 0 };
		struct mun_plan_row row = { .run = s->run[0], .line = 1 };

		uint64_t seq = sample_request(s, 1, MUN_P_PROBE);
		sample_response(s, 1, seq, 200, MUN_V_IS_ARCHIVED, "{}", NULL);
		/* rows of a list whose plan is not stored yet */
		mun_put_u32(plan.bytes, i);
		assert_ok(mun_journal_plan_rows(s->j, &plan, 0, &s->org, &row, 1, &err), &err);
	}
	mun_journal_closep(&s->j);
}

static void test_journal_in_use_is_verified(void **state)
{
	struct sample *s = *state;
	int status = -1;
	unsigned rounds = 0;

	mun_journal_closep(&s->j);
	pid_t child = fork();
	if (child == 0) {
		append_for_a_while(s);
		_exit(0);
	}
	sample_open(s, MUN_JOURNAL_READ);
	while (waitpid(child, &status, WNOHANG) == 0) {
		struct mun_verdict_report r;
		struct mun_err err = { 0 };

		assert_ok(mun_verify_journal(s->j, NULL, &r, &err), &err);
		assert_int_equal(r.bad, 0);
		mun_verdict_report_done(&r);
		rounds++;
	}
	assert_int_equal(status, 0);
	assert_true(rounds > 1);
}

int main(void)
{
#define RULE(test) cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forgeries_are_named),
		RULE(test_list_hashes_to_its_plan),
		RULE(test_changed_list_is_found),
		RULE(test_late_answers_are_no_breach),
		RULE(test_counts_are_conserved),
		RULE(test_counts_are_those_of_the_plan),
		RULE(test_done_is_what_entries_show),
		RULE(test_each_count_is_what_entries_give),
		RULE(test_ended_leaves_nothing_pending),
		RULE(test_entry_says_its_own_seq),
		RULE(test_clock_jumps_are_findings),
		RULE(test_body_is_what_its_entry_says),
		RULE(test_deleted_neighbours_are_two),
		RULE(test_what_follows_a_gap_is_not_counted),
		RULE(test_entry_above_the_head_is_found),
		RULE(test_rewritten_journal_passes_and_says_so),
		RULE(test_journal_in_use_is_verified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
