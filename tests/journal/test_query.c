/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "journal/query.h"
#include "tests/journal/history_sample.h"

static const struct mun_filter everything = { .since_us = MUN_TIME_NONE,
	                                      .until_us = MUN_TIME_NONE,
	                                      .after_seq = MUN_NO_SEQ };

struct seen {
	unsigned rows;
	char text[4096];
};

static enum mun_code see_attempt(void *arg, const struct mun_history_row *r, struct mun_err *err)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	(void)err;
	s->rows++;
	(void)snprintf(s->text + len, sizeof(s->text) - len, "%u:%s:%s:%s:%s:%u:%s\n", r->item,
	               r->verdict, r->evidence ? r->evidence : "-", r->name ? r->name : "-",
	               r->operator_, r->http, r->reason);
	return MUN_OK;
}

static enum mun_code see_item(void *arg, const struct mun_item_row *r, struct mun_err *err)
{
	struct seen *s = arg;
	size_t len = strlen(s->text);

	(void)err;
	s->rows++;
	(void)snprintf(s->text + len, sizeof(s->text) - len, "%u:%s:%s\n", r->line, r->state,
	               r->evidence ? r->evidence : "-");
	return MUN_OK;
}

static enum mun_code see_entry(void *arg, uint64_t seq, const char *line, size_t len,
                               const struct mun_entry *e, struct mun_err *err)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);

	(void)err;
	(void)e;
	assert_int_equal(line[0], '{');
	assert_int_equal(line[len - 1], '}');
	s->rows++;
	(void)snprintf(s->text + at, sizeof(s->text) - at, "%llu ", (unsigned long long)seq);
	return MUN_OK;
}

static unsigned attempts(struct sample *s, const struct mun_filter *f, struct seen *seen)
{
	struct mun_err err = { 0 };

	memset(seen, 0, sizeof(*seen));
	assert_ok(mun_query_history(s->j, f, see_attempt, seen, &err), &err);
	return seen->rows;
}

static void test_history_has_one_row_an_attempt(void **state)
{
	struct seen seen;

	assert_int_equal(attempts(*state, &everything, &seen), 3);
	assert_string_equal(seen.text,
	                    "0:archived:response:First:alice@desk:200:quarterly clean-up\n"
	                    "1:archived:probe:Second:alice@desk:504:quarterly clean-up\n"
	                    "2:in_doubt:-:From the list:alice@desk:0:quarterly clean-up\n");
}

static void test_filters_choose(void **state)
{
	static const char *const run = "22222222222222222222222222222222";
	struct mun_filter f = everything;
	struct seen seen;

	f.run[f.run_len++] = run;
	assert_int_equal(attempts(*state, &f, &seen), 1);
	f = everything;
	f.run[f.run_len++] = "333333";
	assert_int_equal(attempts(*state, &f, &seen), 1);
	f = everything;
	f.verdict[f.verdict_len++] = "in_doubt";
	f.verdict[f.verdict_len++] = "rejected";
	assert_int_equal(attempts(*state, &f, &seen), 1);
	f = everything;
	f.http[f.http_len++] = "5xx";
	assert_int_equal(attempts(*state, &f, &seen), 1);
	f = everything;
	f.operator_[f.operator_len++] = "alice";
	f.batch[f.batch_len++] = "b-abcdef";
	assert_int_equal(attempts(*state, &f, &seen), 3);
	f.op[f.op_len++] = "restore";
	assert_int_equal(attempts(*state, &f, &seen), 0);
	f = everything;
	f.limit = 1;
	f.reverse = true;
	assert_int_equal(attempts(*state, &f, &seen), 1);
	assert_memory_equal(seen.text, "2:", 2);
	f = everything;
	f.after_seq = 3;
	assert_int_equal(attempts(*state, &f, &seen), 2);
	f = everything;
	f.until_us = 1;
	assert_int_equal(attempts(*state, &f, &seen), 0);
}

static void test_items_have_their_final_state(void **state)
{
	struct sample *s = *state;
	struct mun_filter f = everything;
	struct seen seen = { 0 };
	struct mun_err err = { 0 };

	assert_ok(mun_query_items(s->j, &s->batch, &f, false, see_item, &seen, &err), &err);
	assert_string_equal(seen.text, "1:archived:response\n2:archived:probe\n3:in_doubt:-\n");
	memset(&seen, 0, sizeof(seen));
	f.state[f.state_len++] = "archived";
	assert_ok(mun_query_items(s->j, &s->batch, &f, true, see_item, &seen, &err), &err);
	assert_int_equal(seen.rows, 2);
}

static void test_log_gives_entries(void **state)
{
	struct sample *s = *state;
	struct mun_filter f = everything;
	struct seen seen = { 0 };
	struct mun_err err = { 0 };

	assert_ok(mun_query_log(s->j, &f, see_entry, &seen, &err), &err);
	assert_int_equal(seen.rows, SAMPLE_SIZE);
	memset(&seen, 0, sizeof(seen));
	f.kind[f.kind_len++] = "response";
	f.ticket[f.ticket_len++] = "OPS-1";
	assert_ok(mun_query_log(s->j, &f, see_entry, &seen, &err), &err);
	assert_string_equal(seen.text, "4 6 8 ");
	memset(&seen, 0, sizeof(seen));
	assert_ok(mun_query_item_log(s->j, &s->batch, 1, see_entry, &seen, &err), &err);
	assert_string_equal(seen.text, "5 6 7 8 ");
}

static void test_references_resolve(void **state)
{
	struct sample *s = *state;
	struct mun_err err = { 0 };
	struct mun_ref ref;

	assert_ok(mun_query_batch(s->j, "b-abcdef", &ref, &err), &err);
	assert_true(mun_ref_equal(&ref, &s->batch));
	assert_ok(mun_query_plan(s->j, "p-0123456789abcdef0123", &ref, &err), &err);
	assert_fails(mun_query_batch(s->j, "b-abcde", &ref, &err), MUN_E_USAGE, &err);
	assert_fails(mun_query_batch(s->j, "p-012345", &ref, &err), MUN_E_USAGE, &err);
	assert_fails(mun_query_batch(s->j, "b-00000000000000000000", &ref, &err), MUN_E_NOTFOUND,
	             &err);
	assert_fails(mun_query_plan(s->j, "p-ffffff", &ref, &err), MUN_E_NOTFOUND, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_history_has_one_row_an_attempt, sample_setup,
		                                sample_teardown),
		cmocka_unit_test_setup_teardown(test_filters_choose, sample_setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_items_have_their_final_state, sample_setup,
		                                sample_teardown),
		cmocka_unit_test_setup_teardown(test_log_gives_entries, sample_setup,
		                                sample_teardown),
		cmocka_unit_test_setup_teardown(test_references_resolve, sample_setup,
		                                sample_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
