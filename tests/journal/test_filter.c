/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/filter.h"
#include "tests/test.h"

static const struct mun_label labels[] = { { "customer", "Acme" }, { "wave", "2" } };
static struct mun_subject subject;
static struct mun_filter f;

static int reset(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	f.since_us = f.until_us = MUN_TIME_NONE;
	f.after_seq = MUN_NO_SEQ;
	subject = (struct mun_subject){
		.run = "0123456789abcdef0123456789abcdef",
		.org = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		.batch = "b-00112233445566778899",
		.plan = "p-99887766554433221100",
		.ticket = "OPS-1",
		.operator_ = "alice@box",
		.claimed = "Alice B.",
		.identity = "4711",
		.reason = "contract ended",
		.op = "archive",
		.state = "failed",
		.verdict = "rejected",
		.labels = labels,
		.labels_len = MUN_ARRAY_LEN(labels),
		.http = 422,
		.time_us = 1000,
		.seq = 41,
	};
	return 0;
}

static void test_a_field_meets_or_not(void **state)
{
	const struct {
		const char **values;
		size_t *len;
		const char *met, *missed;
	} cases[] = {
		{ f.run, &f.run_len, "012345", "1234567" },
		{ f.run, &f.run_len, "0123456789abcdef0123456789abcdef", "0123456789abcdef1" },
		{ f.org, &f.org_len, "aaaaaa", "aaaaab" },
		{ f.batch, &f.batch_len, "b-0011", "p-0011" },
		{ f.plan, &f.plan_len, "p-99887766554433221100", "p-9988776655443322110f" },
		{ f.ticket, &f.ticket_len, "OPS-1", "OPS" },
		{ f.operator_, &f.operator_len, "alice", "ali" },
		{ f.operator_, &f.operator_len, "alice@box", "alice@bo" },
		{ f.operator_, &f.operator_len, "Alice B.", "Alice" },
		{ f.identity, &f.identity_len, "4711", "471" },
		{ f.label, &f.label_len, "customer=Acme", "customer=Acm" },
		{ f.label, &f.label_len, "wave", "wav" },
		{ f.label, &f.label_len, "wave=2", "wave=" },
		{ f.reason, &f.reason_len, "tract e", "Contract" },
		{ f.op, &f.op_len, "archive", "restore" },
		{ f.state, &f.state_len, "failed", "fail" },
		{ f.verdict, &f.verdict_len, "rejected", "in_doubt" },
		{ f.http, &f.http_len, "422", "42" },
		{ f.http, &f.http_len, "4xx", "5xx" },
	};

	(void)state;
	assert_true(mun_filter_match(&f, &subject));
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		*cases[i].len = 1;
		cases[i].values[0] = cases[i].met;
		if (!mun_filter_match(&f, &subject))
			print_error("%s is not met\n", cases[i].met);
		assert_true(mun_filter_match(&f, &subject));
		cases[i].values[0] = cases[i].missed;
		if (mun_filter_match(&f, &subject))
			print_error("%s is met\n", cases[i].missed);
		assert_false(mun_filter_match(&f, &subject));
		/* The values of one option are alternatives. */
		cases[i].values[1] = cases[i].met;
		*cases[i].len = 2;
		assert_true(mun_filter_match(&f, &subject));
		*cases[i].len = 0;
	}
}

static void test_filters_combine(void **state)
{
	(void)state;
	f.op[0] = "archive";
	f.http[0] = "4xx";
	f.op_len = f.http_len = 1;
	assert_true(mun_filter_match(&f, &subject));
	f.op[0] = "restore";
	assert_false(mun_filter_match(&f, &subject));
}

static void test_what_is_not_known_meets_nothing(void **state)
{
	const struct {
		const char **values;
		size_t *len;
	} fields[] = {
		{ f.run, &f.run_len },
		{ f.ticket, &f.ticket_len },
		{ f.operator_, &f.operator_len },
		{ f.label, &f.label_len },
		{ f.reason, &f.reason_len },
		{ f.verdict, &f.verdict_len },
		{ f.http, &f.http_len },
		{ f.kind, &f.kind_len },
	};
	const struct mun_subject nothing = { .time_us = 1000, .seq = 41 };

	(void)state;
	assert_true(mun_filter_match(&f, &nothing));
	for (size_t i = 0; i < MUN_ARRAY_LEN(fields); i++) {
		fields[i].values[0] = "";
		*fields[i].len = 1;
		assert_false(mun_filter_match(&f, &nothing));
		*fields[i].len = 0;
	}
}

static void test_times(void **state)
{
	(void)state;
	f.since_us = 1000;
	assert_true(mun_filter_in_time(&f, 1000, 41));
	assert_false(mun_filter_in_time(&f, 999, 41));
	f.until_us = 1000; /* exclusive */
	assert_false(mun_filter_in_time(&f, 1000, 41));
	f.until_us = 1001;
	assert_true(mun_filter_match(&f, &subject));
	f.after_seq = 41;
	assert_false(mun_filter_match(&f, &subject));
	f.after_seq = 40;
	assert_true(mun_filter_match(&f, &subject));
}

#define filter_test(test) cmocka_unit_test_setup(test, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		filter_test(test_a_field_meets_or_not),
		filter_test(test_filters_combine),
		filter_test(test_what_is_not_known_meets_nothing),
		filter_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
