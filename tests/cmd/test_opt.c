/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "cmd/opt.h"
#include "tests/test.h"

static const struct mun_cmd command = {
	.name = "plan",
	.groups = MUN_G_COMMON | MUN_G_TARGET | MUN_G_INPUT | MUN_G_WHY,
};

/* argv is writable memory of pointers; the texts are only read. */
static enum mun_code parse(struct mun_args *args, struct mun_err *err, const char *a, const char *b,
                           const char *c, const char *d)
{
	static char texts[4][256], *argv[4];
	const char *given[4] = { a, b, c, d };
	size_t len = 0;

	while (len < 4 && given[len]) {
		memset(texts[len], 0, sizeof texts[len]);
		memcpy(texts[len], given[len], strnlen(given[len], sizeof texts[len] - 1));
		argv[len] = texts[len];
		len++;
	}
	memset(args, 0, sizeof *args);
	return mun_opt_parse(args, &command, argv, len, err);
}

static void test_options_and_arguments_mix(void **state)
{
	struct mun_args args;
	struct mun_err err;

	(void)state;
	assert_ok(parse(&args, &err, "run1", "--org=abc", "-q", "run2"), &err);
	assert_string_equal(args.org, "abc");
	assert_true(args.quiet);
	assert_int_equal(args.args_len, 2);
	assert_string_equal(args.args[0], "run1");
	assert_string_equal(args.args[1], "run2");
	assert_ok(parse(&args, &err, "-ojson", "--reason", "-5 days", "--"), &err);
	assert_string_equal(args.output, "json");
	assert_string_equal(args.reason, "-5 days");
	assert_ok(parse(&args, &err, "-qv", "--", "--org", NULL), &err);
	assert_true(args.verbose);
	assert_string_equal(args.args[0], "--org");
	assert_ok(parse(&args, &err, "--from", "-", "--reason=", NULL), &err);
	assert_string_equal(args.from, "-");
}

static void test_labels_repeat(void **state)
{
	struct mun_args args;
	struct mun_err err;

	(void)state;
	assert_ok(parse(&args, &err, "--label", "a=1", "--label=b=2", NULL), &err);
	assert_int_equal(args.label.len, 2);
	assert_string_equal(args.label.at[1], "b=2");
}

static void refuse(const char *a, const char *b, const char *named)
{
	struct mun_args args;
	struct mun_err err;

	assert_fails(parse(&args, &err, a, b, NULL, NULL), MUN_E_USAGE, &err);
	assert_non_null(strstr(err.text, named));
}

static void test_wrong_options_are_named(void **state)
{
	(void)state;
	refuse("--nope", NULL, "unknown option --nope");
	refuse("--org", NULL, "--org");
	refuse("--org", "--quiet", "--org");
	refuse("--or=1", NULL, "--or");
	refuse("--yes", NULL, "plan does not take the option --yes");
	refuse("--quiet=1", NULL, "--quiet takes no value");
	refuse("-x", NULL, "-x");
	refuse("--org=1", "--org=2", "twice");
	refuse("--select", NULL, "unknown option");
	refuse("--preflight", NULL, "unknown option");
}

static void test_a_token_is_not_repeated(void **state)
{
	struct mun_args args;
	struct mun_err err;

	(void)state;
	assert_fails(parse(&args, &err, "--token=eyJsecret", NULL, NULL, NULL), MUN_E_USAGE, &err);
	assert_null(strstr(err.text, "eyJ"));
	assert_true(mun_opt_looks_secret("eyJhbGciOi"));
	assert_false(mun_opt_looks_secret("archive"));
	assert_false(mun_opt_looks_secret("5f0c2d9e7b1a4c36a8e4d1f09b72c35e"));
}

static void test_environment_fills_what_is_missing(void **state)
{
	struct mun_args args;
	struct mun_err err;

	(void)state;
	assert_int_equal(setenv("MUNIMENT_ORG", "fromenv", 1), 0);
	assert_int_equal(setenv("MUNIMENT_NO_INPUT", "1", 1), 0);
	assert_int_equal(setenv("MUNIMENT_ALLOW_EMPTY", "1", 1), 0);
	assert_int_equal(setenv("TALLYFY_BASE_URL", "https://example.org", 1), 0);
	assert_ok(parse(&args, &err, NULL, NULL, NULL, NULL), &err);
	assert_ok(mun_opt_environment(&args, &command, &err), &err);
	assert_string_equal(args.org, "fromenv");
	assert_string_equal(args.base_url, "https://example.org");
	assert_true(args.no_input);
	assert_false(args.allow_empty);
	assert_ok(parse(&args, &err, "--org=flag", NULL, NULL, NULL), &err);
	assert_ok(mun_opt_environment(&args, &command, &err), &err);
	assert_string_equal(args.org, "flag");
	assert_int_equal(setenv("MUNIMENT_NO_INPUT", "maybe", 1), 0);
	assert_ok(parse(&args, &err, NULL, NULL, NULL, NULL), &err);
	assert_fails(mun_opt_environment(&args, &command, &err), MUN_E_USAGE, &err);
}

#define WEB_TOKEN "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.abc"

static void test_a_web_token_is_refused_unseen(void **state)
{
	static const char *const refused[] = { "--org=" WEB_TOKEN, "--label=k=" WEB_TOKEN,
		                               "--label=" WEB_TOKEN };
	struct mun_cmd queries = command;
	struct mun_args args;
	struct mun_err err;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(refused); i++) {
		assert_ok(parse(&args, &err, refused[i], NULL, NULL, NULL), &err);
		assert_fails(mun_opt_no_token(&args, &command, &err), MUN_E_USAGE, &err);
		assert_null(strstr(err.text, "eyJ"));
		assert_non_null(strstr(err.text, "revoke"));
	}
	assert_ok(parse(&args, &err, "--org=eyJabc", "run", NULL, NULL), &err);
	assert_ok(mun_opt_no_token(&args, &command, &err), &err);
	/* Among runs it is a bad row of the list. */
	assert_ok(parse(&args, &err, WEB_TOKEN, NULL, NULL, NULL), &err);
	assert_ok(mun_opt_no_token(&args, &command, &err), &err);
	queries.groups = MUN_G_COMMON;
	assert_fails(mun_opt_no_token(&args, &queries, &err), MUN_E_USAGE, &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_and_arguments_mix),
		cmocka_unit_test(test_labels_repeat),
		cmocka_unit_test(test_wrong_options_are_named),
		cmocka_unit_test(test_a_token_is_not_repeated),
		cmocka_unit_test(test_environment_fills_what_is_missing),
		cmocka_unit_test(test_a_web_token_is_refused_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
