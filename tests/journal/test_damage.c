/* SPDX-License-Identifier: Apache-2.0 */
/* Queries of a journal that is damaged in one place show the rest, and say what is missing. */
#include <stdio.h>
#include <string.h>

#include "journal/damage.h"
#include "journal/query.h"
#include "journal/tables.h"
#include "tests/journal/history_sample.h"

static const struct mun_filter everything = { .since_us = MUN_TIME_NONE,
	                                      .until_us = MUN_TIME_NONE,
	                                      .after_seq = MUN_NO_SEQ };

struct seen {
	unsigned rows;
	char text[1024];
};

static void see(struct seen *s, const char *fmt, ...) MUN_PRINTF(2, 3);
static void see(struct seen *s, const char *fmt, ...)
{
	size_t len = strlen(s->text);
	va_list args;

	s->rows++;
	va_start(args, fmt);
	(void)vsnprintf(s->text + len, sizeof(s->text) - len, fmt, args);
	va_end(args);
}

static enum mun_code see_attempt(void *arg, const struct mun_history_row *r, struct mun_err *err)
{
	(void)err;
	see(arg, "%u:%s:%s:%s:%lld ", r->item, r->verdict, r->operator_ ? r->operator_ : "-",
	    r->reason ? r->reason : "-", (long long)(r->duration_ms < 0 ? -1 : 1));
	return MUN_OK;
}

static enum mun_code see_item(void *arg, const struct mun_item_row *r, struct mun_err *err)
{
	(void)err;
	see(arg, "%u:%s:%s ", r->item, r->state, r->reason ? r->reason : "-");
	return MUN_OK;
}

static enum mun_code see_entry(void *arg, uint64_t seq, const char *line, size_t len,
                               const struct mun_entry *e, struct mun_err *err)
{
	(void)line;
	(void)len;
	(void)e;
	(void)err;
	see(arg, "%llu ", (unsigned long long)seq);
	return MUN_OK;
}

/* Row n of a table keyed by a number becomes unreadable; to NULL: is taken away. */
static void spoil(struct sample *s, enum mun_table table, uint64_t n, const char *from,
                  const char *to)
{
	struct mun_key key = mun_key_u64(n);
	struct mun_err err = { 0 };
	struct mun_txn *t = NULL;
	struct mun_val v;

	assert_ok(mun_store_write(&t, mun_journal_store(s->j), &err), &err);
	if (to) {
		char row[MUN_ENTRY_MAX];

		assert_ok(mun_txn_get(t, table, mun_key_val(&key), &v, &err), &err);
		memcpy(row, v.data, v.len);
		char *at = memmem(row, v.len, from, strlen(from));
		assert_non_null(at);
		memcpy(at, to, strlen(to));
		assert_ok(mun_txn_put(t, table, mun_key_val(&key), mun_val(row, v.len), &err),
		          &err);
	} else {
		assert_ok(mun_txn_delete(t, table, mun_key_val(&key), &err), &err);
	}
	assert_ok(mun_txn_commit(t, &err), &err);
}

static void expect_history(struct sample *s, const struct mun_filter *f, const char *rows,
                           const char *names)
{
	struct mun_err err = { 0 };
	struct seen seen = { 0 };

	assert_fails(mun_query_history(s->j, f, see_attempt, &seen, &err), MUN_E_CORRUPT, &err);
	assert_string_equal(seen.text, rows);
	assert_non_null(strstr(err.text, names));
	assert_non_null(strstr(err.text, "muniment verify"));
}

#define FIRST  "0:archived:alice@desk:quarterly clean-up:1 "
#define SECOND "1:archived:alice@desk:quarterly clean-up:1 "
#define THIRD  "2:in_doubt:alice@desk:quarterly clean-up:-1 "

static void test_attempt_that_cannot_be_read_is_named(void **state)
{
	struct mun_filter f = everything;

	spoil(*state, MUN_T_LOG, 3, "{", "[");
	expect_history(*state, &f, SECOND THIRD, "damaged or missing #3 (");
	f.reverse = true;
	expect_history(*state, &f, THIRD SECOND, "damaged or missing #3 (");
	f.run[f.run_len++] = "11111111111111111111111111111111";
	expect_history(*state, &f, "", "damaged or missing #3 (");
}

/* A line that no longer says it is a request must not vanish without a word. */
static void test_damaged_kind_is_named(void **state)
{
	spoil(*state, MUN_T_LOG, 3, "\"kind\":\"request\"", "\"kind\":\"requesu\"");
	spoil(*state, MUN_T_LOG, 5, "\"kind\":\"", "\"kinc\":\"");
	expect_history(*state, &everything, THIRD, "damaged or missing #3, #5 (");
}

static void test_missing_entries_are_named(void **state)
{
	spoil(*state, MUN_T_LOG, 5, "", NULL);
	spoil(*state, MUN_T_LOG, 9, "", NULL);
	expect_history(*state, &everything, FIRST, "damaged or missing #5, #9 (");
}

static void test_row_goes_without_its_response(void **state)
{
	spoil(*state, MUN_T_LOG, 4, "{", "[");
	expect_history(*state, &everything,
	               "0:archived:alice@desk:quarterly clean-up:-1 " SECOND THIRD,
	               "damaged or missing #4 (");
}

static void test_rows_go_without_their_plan(void **state)
{
	spoil(*state, MUN_T_LOG, 1, "{", "[");
	expect_history(*state, &everything,
	               "0:archived:alice@desk:-:1 1:archived:alice@desk:-:1 "
	               "2:in_doubt:alice@desk:-:-1 ",
	               "damaged or missing #1 (");
}

static void test_rows_go_without_their_start(void **state)
{
	spoil(*state, MUN_T_LOG, 2, "{", "[");
	expect_history(*state, &everything,
	               "0:archived:-:quarterly clean-up:1 1:archived:-:quarterly clean-up:1 "
	               "2:in_doubt:-:quarterly clean-up:-1 ",
	               "damaged or missing #2 (");
}

/* Nothing that the answer does not need is read: with it, the damage would be told. */
static void test_only_what_is_needed_is_read(void **state)
{
	struct sample *s = *state;
	struct mun_filter f = everything;
	struct mun_err err = { 0 };
	struct seen seen = { 0 };

	spoil(s, MUN_T_LOG, 3, "{", "[");
	spoil(s, MUN_T_LOG, 7, "{", "[");
	f.limit = 1;
	f.reverse = true;
	assert_ok(mun_query_history(s->j, &f, see_attempt, &seen, &err), &err);
	assert_string_equal(seen.text, THIRD);
	f = everything;
	f.run[f.run_len++] = "33333333333333333333333333333333";
	memset(&seen, 0, sizeof(seen));
	assert_ok(mun_query_history(s->j, &f, see_attempt, &seen, &err), &err);
	assert_string_equal(seen.text, THIRD);
	f = everything;
	f.limit = 3;
	memset(&seen, 0, sizeof(seen));
	assert_ok(mun_query_log(s->j, &f, see_entry, &seen, &err), &err);
	assert_string_equal(seen.text, "0 1 2 ");
}

static void test_damaged_exchange_is_named(void **state)
{
	struct mun_filter f = everything;

	spoil(*state, MUN_T_EXCHANGE, 3, "", NULL);
	expect_history(*state, &f, SECOND THIRD, "damaged or missing #3 (");
	f.run[f.run_len++] = "11111111111111111111111111111111";
	expect_history(*state, &f, "", "damaged or missing #3 (");
}

static void test_log_shows_the_rest(void **state)
{
	struct sample *s = *state;
	struct mun_filter f = everything;
	struct mun_err err = { 0 };
	struct seen seen = { 0 };

	spoil(s, MUN_T_LOG, 4, "{", "[");
	spoil(s, MUN_T_LOG, 7, "", NULL);
	assert_fails(mun_query_log(s->j, &f, see_entry, &seen, &err), MUN_E_CORRUPT, &err);
	assert_string_equal(seen.text, "0 1 2 3 5 6 8 9 ");
	assert_non_null(strstr(err.text, "damaged or missing #4, #7 ("));
	memset(&seen, 0, sizeof(seen));
	assert_fails(mun_query_item_log(s->j, &s->batch, 1, see_entry, &seen, &err), MUN_E_CORRUPT,
	             &err);
	assert_string_equal(seen.text, "5 6 8 ");
	memset(&seen, 0, sizeof(seen));
	spoil(s, MUN_T_LOG, 2, "{", "[");
	f.operator_[f.operator_len++] = "alice";
	f.kind[f.kind_len++] = "plan.stored";
	assert_fails(mun_query_log(s->j, &f, see_entry, &seen, &err), MUN_E_CORRUPT, &err);
	assert_string_equal(seen.text, "1 ");
	assert_non_null(strstr(err.text, "damaged or missing #2, #4, #7 ("));
}

static void test_items_show_the_rest(void **state)
{
	struct sample *s = *state;
	struct mun_key key = mun_key_item(&s->plan, 1);
	struct mun_err err = { 0 };
	struct seen seen = { 0 };
	struct mun_txn *t = NULL;

	spoil(s, MUN_T_LOG, 1, "{", "[");
	assert_fails(mun_query_items(s->j, &s->batch, &everything, true, see_item, &seen, &err),
	             MUN_E_CORRUPT, &err);
	assert_string_equal(seen.text, "0:archived:- 1:archived:- 2:in_flight:- ");
	assert_non_null(strstr(err.text, "#1 ("));
	assert_ok(mun_store_write(&t, mun_journal_store(s->j), &err), &err);
	assert_ok(mun_txn_delete(t, MUN_T_LIST, mun_key_val(&key), &err), &err);
	assert_ok(mun_txn_commit(t, &err), &err);
	memset(&seen, 0, sizeof(seen));
	assert_fails(mun_query_items(s->j, &s->batch, &everything, true, see_item, &seen, &err),
	             MUN_E_CORRUPT, &err);
	assert_string_equal(seen.text, "0:archived:- 2:in_flight:- ");
}

static void test_many_are_named_in_order(void **state)
{
	const struct mun_err why = { .text = "because\nhint: none" };
	struct mun_damage d = { .len = 0 };
	struct mun_err err = { 0 };

	(void)state;
	assert_ok(mun_damage_end(&d, MUN_OK, &err), &err);
	assert_false(mun_damage_note(&d, MUN_E_IO, 1, &why));
	assert_false(mun_damage_note(&d, MUN_OK, 1, &why));
	assert_ok(mun_damage_end(&d, MUN_OK, &err), &err);
	for (uint64_t seq = 40; seq > 0; seq -= 2)
		for (unsigned twice = 0; twice < 2; twice++)
			assert_true(mun_damage_note(&d, MUN_E_CORRUPT, seq, &why));
	assert_fails(mun_damage_end(&d, MUN_OK, &err), MUN_E_CORRUPT, &err);
	assert_non_null(strstr(err.text, "#2, #4, #6, #8, #10, #12, #14, #16, #18, #20, #22, #24, "
	                                 "#26, #28, #30, #32, … (because)\nhint: "));
	assert_int_equal(mun_damage_end(&d, MUN_E_FULL, &err), MUN_E_FULL);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_attempt_that_cannot_be_read_is_named),
		CASE(test_damaged_kind_is_named),
		CASE(test_missing_entries_are_named),
		CASE(test_row_goes_without_its_response),
		CASE(test_rows_go_without_their_plan),
		CASE(test_rows_go_without_their_start),
		CASE(test_only_what_is_needed_is_read),
		CASE(test_damaged_exchange_is_named),
		CASE(test_log_shows_the_rest),
		CASE(test_items_show_the_rest),
		cmocka_unit_test(test_many_are_named_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
