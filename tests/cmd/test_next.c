/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cmd/next.h"
#include "tests/test.h"

#define URL "https://api.example"

static struct mun_app app;
static struct mun_buf out;

static const char *next(struct mun_batch b)
{
	mun_buf_clear(&out);
	memset(b.batch.bytes, 0xab, sizeof(b.batch.bytes));
	mun_next_command(&out, &app, &b, URL);
	return mun_buf_str(&out);
}

static int reset(void **state)
{
	(void)state;
	memset(&app, 0, sizeof app);
	(void)unsetenv("MUNIMENT_JOURNAL");
	return 0;
}

static void test_words_of_a_shell(void **state)
{
	static const char *const pairs[][2] = {
		{ "plain-1.2/x:y@z,+%=", "plain-1.2/x:y@z,+%=" },
		{ "", "''" },
		{ "two words", "'two words'" },
		{ "it's", "'it'\\''s'" },
		{ "$(rm -r x)`;&|<>\"\\", "'$(rm -r x)`;&|<>\"\\'" },
		{ "*?[a]~", "'*?[a]~'" },
		{ "M\xc3\xbcller", "'M\xc3\xbcller'" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(pairs); i++) {
		mun_buf_clear(&out);
		mun_next_quote(&out, pairs[i][0]);
		assert_string_equal(mun_buf_str(&out), pairs[i][1]);
	}
}

static void test_each_state_has_its_command(void **state)
{
	struct mun_batch b = { .state = MUN_B_DONE, .items = 3, .counts = { .total = 3 } };

	(void)state;
	assert_string_equal(next(b), "");
	b.counts.failed = 1;
	assert_string_equal(
		next(b),
		"muniment items b-abababababababababab --state failed -o ids | muniment archive "
		"--dry-run --org 00000000000000000000000000000000 --base-url " URL
		" --from - --reason 'again what failed in b-abababababababababab'");
	b.op = MUN_OP_RESTORE;
	assert_non_null(strstr(next(b), "| muniment restore --dry-run "));
	b.counts.in_doubt = 1;
	assert_string_equal(next(b), "muniment resolve b-abababababababababab");
	b.state = MUN_B_HALTED;
	assert_string_equal(next(b), "muniment resume b-abababababababababab");
	b = (struct mun_batch){ .state = MUN_B_DONE_WITH_FAILURES,
		                .items = 3,
		                .counts = { .total = 4, .skipped = 1 } };
	assert_string_equal(next(b), ""); /* a duplicate needs nobody */
	b.counts.skipped = 2;
	assert_string_equal(next(b), "muniment items b-abababababababababab --state skipped");
}

static void test_options_come_along_unless_the_environment_has_them(void **state)
{
	struct mun_batch b = { .state = MUN_B_STOPPED };

	(void)state;
	app.args.journal = "/a b";
	app.args.as = "acme";
	app.args.key_file = "/k";
	assert_string_equal(next(b), "muniment resume b-abababababababababab --journal '/a b' "
	                             "--as acme --key-file /k");
	assert_int_equal(setenv("MUNIMENT_JOURNAL", "/a b", 1), 0);
	assert_string_equal(next(b),
	                    "muniment resume b-abababababababababab --as acme --key-file /k");
	assert_int_equal(setenv("MUNIMENT_JOURNAL", "/other", 1), 0);
	assert_non_null(strstr(next(b), "--journal '/a b'"));
	b.state = MUN_B_DONE;
	b.counts.failed = 1;
	assert_non_null(strstr(next(b), "-o ids --journal '/a b' | muniment archive"));
	assert_null(strstr(next(b), "--as"));
}

static void test_the_same_plan_again(void **state)
{
	const struct mun_label labels[] = { { "wave", "two words" } };
	struct mun_entry e = { .kind = MUN_K_PLAN_STORED };

	(void)state;
	e.u.plan.op = MUN_OP_RESTORE;
	e.u.plan.base_url = URL;
	e.u.plan.reason = "it's late";
	e.u.plan.ticket = "OPS-1";
	e.u.plan.labels = labels;
	e.u.plan.labels_len = 1;
	mun_buf_clear(&out);
	mun_next_plan_again(&out, &app, &e);
	assert_string_equal(mun_buf_str(&out),
	                    "muniment restore --dry-run --org 00000000000000000000000000000000 "
	                    "--base-url " URL
	                    " --from FILE --reason 'it'\\''s late' --ticket OPS-1 "
	                    "--label 'wave=two words'");
	e.u.plan.op = MUN_OP_ARCHIVE;
	mun_buf_clear(&out);
	mun_next_plan_again(&out, &app, &e);
	assert_ptr_equal(strstr(mun_buf_str(&out), "muniment plan --org"), mun_buf_str(&out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_words_of_a_shell, reset),
		cmocka_unit_test_setup(test_each_state_has_its_command, reset),
		cmocka_unit_test_setup(test_options_come_along_unless_the_environment_has_them,
		                       reset),
		cmocka_unit_test_setup(test_the_same_plan_again, reset),
	};
	int failed;

	mun_buf_init(&out, 65536);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	mun_buf_done(&out);
	return failed;
}
