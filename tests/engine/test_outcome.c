/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/engine/outcome.h"
#include "tests/test.h"

static void test_each_reason_has_a_word_and_a_status(void **state)
{
	(void)state;
	assert_string_equal(mun_why_name(MUN_WHY_NONE), "");
	for (enum mun_why w = 1; w < MUN_WHYS; w++) {
		const struct mun_batch halted = { .state = MUN_B_HALTED, .items = 1 };
		struct mun_batch b = halted;

		assert_int_equal(mun_why_find(mun_why_name(w)), w);
		assert_true(strlen(mun_why_name(w)) < sizeof(b.why));
		assert_true(mun_why_sentence(w)[0] != '\0');
		assert_true(mun_why_exit(w) > 0);
		assert_int_equal(mun_why_is_stop(w), mun_why_exit(w) == 10);
		memcpy(b.why, mun_why_name(w), strlen(mun_why_name(w)) + 1);
		assert_int_equal(mun_outcome_exit(&b, MUN_V_NONE), mun_why_exit(w));
		assert_string_equal(mun_outcome_action(&b),
		                    w == MUN_WHY_RATE_LIMITED ? "wait" : "fix");
	}
	assert_int_equal(mun_why_find("weather"), MUN_WHY_NONE);
}

static void test_exit_statuses_in_their_order(void **state)
{
	static const struct {
		struct mun_batch batch;
		enum mun_verdict only;
		unsigned exit;
		const char *action;
	} cases[] = {
		{ { .state = MUN_B_DONE,
		    .items = 2,
		    .counts = { .total = 3, .done = 2, .skipped = 1 } },
		  MUN_V_NONE,
		  0,
		  "none" },
		{ { .state = MUN_B_DONE_WITH_FAILURES,
		    .items = 2,
		    .counts = { .total = 2, .done = 1, .failed = 1 } },
		  MUN_V_NONE,
		  9,
		  "fix" },
		{ { .state = MUN_B_DONE_WITH_FAILURES,
		    .items = 2,
		    .counts = { .total = 2, .done = 1, .skipped = 1 } },
		  MUN_V_NONE,
		  9,
		  "fix" },
		{ { .state = MUN_B_DONE_IN_DOUBT,
		    .items = 2,
		    .counts = { .total = 2, .failed = 1, .in_doubt = 1 } },
		  MUN_V_NONE,
		  13,
		  "resolve" },
		{ { .state = MUN_B_STOPPED, .items = 2, .counts = { .total = 2, .pending = 2 } },
		  MUN_V_NONE,
		  10,
		  "resume" },
		{ { .state = MUN_B_STOPPED,
		    .items = 2,
		    .counts = { .total = 2, .pending = 1, .in_doubt = 1 } },
		  MUN_V_NONE,
		  13,
		  "resume" },
		{ { .state = MUN_B_CANCELLED,
		    .items = 2,
		    .counts = { .total = 2, .cancelled = 2 } },
		  MUN_V_NONE,
		  9,
		  "none" },
		{ { .state = MUN_B_DONE_WITH_FAILURES,
		    .items = 1,
		    .counts = { .total = 1, .failed = 1 } },
		  MUN_V_NOT_FOUND,
		  5,
		  "fix" },
		{ { .state = MUN_B_DONE_WITH_FAILURES,
		    .items = 1,
		    .counts = { .total = 1, .failed = 1 } },
		  MUN_V_DENIED,
		  3,
		  "fix" },
		{ { .state = MUN_B_DONE_WITH_FAILURES,
		    .items = 1,
		    .counts = { .total = 1, .failed = 1 } },
		  MUN_V_REJECTED,
		  7,
		  "fix" },
		{ { .state = MUN_B_DONE_WITH_FAILURES,
		    .items = 1,
		    .counts = { .total = 1, .failed = 1 } },
		  MUN_V_BLOCKED,
		  9,
		  "fix" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		assert_int_equal(mun_outcome_exit(&cases[i].batch, cases[i].only), cases[i].exit);
		assert_string_equal(mun_outcome_action(&cases[i].batch), cases[i].action);
	}
}

static void test_how_a_batch_ends(void **state)
{
	static const struct {
		struct mun_counts counts;
		bool cancelling;
		enum mun_batch_state state;
	} cases[] = {
		{ { .total = 3, .done = 1, .already = 1, .skipped = 1 }, false, MUN_B_DONE },
		{ { .total = 2, .done = 1, .skipped = 1 }, false, MUN_B_DONE_WITH_FAILURES },
		{ { .total = 2, .done = 1, .failed = 1 }, false, MUN_B_DONE_WITH_FAILURES },
		{ { .total = 2, .done = 1, .cancelled = 1 }, false, MUN_B_DONE_WITH_FAILURES },
		{ { .total = 2, .failed = 1, .in_doubt = 1 }, false, MUN_B_DONE_IN_DOUBT },
		{ { .total = 2, .done = 1, .in_doubt = 1 }, true, MUN_B_CANCELLED },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		assert_true(mun_counts_conserve(&cases[i].counts));
		assert_int_equal(mun_outcome_end(&cases[i].counts, 2, cases[i].cancelling),
		                 cases[i].state);
	}
}

static void test_a_lost_item_is_noticed(void **state)
{
	struct mun_counts whole = { 28, 1, 2, 3, 4, 5, 6, 7 };
	uint64_t *fields = (uint64_t *)(void *)&whole; /* it has no other field */

	(void)state;
	assert_true(mun_counts_conserve(&whole));
	for (size_t i = 0; i < sizeof(whole) / sizeof(*fields); i++) {
		fields[i]++;
		assert_false(mun_counts_conserve(&whole));
		fields[i]--;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_reason_has_a_word_and_a_status),
		cmocka_unit_test(test_exit_statuses_in_their_order),
		cmocka_unit_test(test_how_a_batch_ends),
		cmocka_unit_test(test_a_lost_item_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
