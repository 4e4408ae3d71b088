/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of options against each other: what a person types has one meaning. */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/opt.h"
#include "tests/test.h"

/* As in the program's main(), which no test links. */
const struct mun_cmd *const mun_cmds[] = {
	&mun_cmd_plan,    &mun_cmd_archive, &mun_cmd_restore, &mun_cmd_run,   &mun_cmd_resume,
	&mun_cmd_resolve, &mun_cmd_cancel,  &mun_cmd_status,  &mun_cmd_items, &mun_cmd_history,
	&mun_cmd_show,    &mun_cmd_log,     &mun_cmd_verify,  &mun_cmd_token, &mun_cmd_journal,
	&mun_cmd_doctor,  &mun_cmd_help,    &mun_cmd_version, NULL,
};

static const struct mun_opt_group *group_of(unsigned bit)
{
	for (size_t i = 0; i < mun_opt_groups_len; i++)
		if (mun_opt_groups[i].bit == bit)
			return &mun_opt_groups[i];
	return NULL;
}

static void test_each_row_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < mun_opt_groups_len; i++) {
		const struct mun_opt_group *g = &mun_opt_groups[i];

		assert_true(g->bit != 0 && (g->bit & (g->bit - 1)) == 0 && g->len > 0);
		assert_ptr_equal(group_of(g->bit), g);
		for (size_t k = 0; k < g->len; k++) {
			const struct mun_opt *o = &g->opts[k];

			assert_true(strlen(o->name) >= 2 && o->name[0] != '-');
			assert_true(strspn(o->name, "abcdefghijklmnopqrstuvwxyz-") ==
			            strlen(o->name));
			assert_true(o->help[0] != '\0' && o->help[strlen(o->help) - 1] != '.');
			assert_true((o->kind == MUN_OPT_FLAG) == (o->value == NULL));
			assert_true(o->offset < sizeof(struct mun_args));
		}
	}
}

static void test_a_command_has_each_option_once(void **state)
{
	(void)state;
	for (size_t c = 0; mun_cmds[c]; c++) {
		const struct mun_opt *seen[128];
		size_t len = 0;

		for (size_t i = 0; i < mun_opt_groups_len; i++) {
			const struct mun_opt_group *g = &mun_opt_groups[i];

			for (size_t k = 0; (mun_cmds[c]->groups & g->bit) && k < g->len; k++) {
				const struct mun_opt *o = &g->opts[k];

				for (size_t n = 0; n < len; n++) {
					if (strcmp(seen[n]->name, o->name) == 0)
						print_error("%s: --%s twice\n", mun_cmds[c]->name,
						            o->name);
					assert_string_not_equal(seen[n]->name, o->name);
					assert_true(o->short_ == 0 || o->short_ != seen[n]->short_);
				}
				seen[len++] = o;
			}
		}
	}
}

/* Consent and overrides come from the command line only. */
static void test_consent_is_never_inherited(void **state)
{
	static const struct {
		unsigned group;
		const char *name;
	} here[] = {
		{ MUN_G_CONSENT, "yes" },
		{ MUN_G_CONSENT, "confirm" },
		{ MUN_G_CONFIRM, "confirm" },
		{ MUN_G_RESOLVE, "assume" },
		{ MUN_G_INPUT, "allow-empty" },
		{ MUN_G_STOP, "keep-going" },
		{ MUN_G_RESUME, "accept-identity-change" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(here); i++) {
		const struct mun_opt_group *g = group_of(here[i].group);
		bool found = false;

		for (size_t k = 0; g && k < g->len; k++) {
			if (strcmp(g->opts[k].name, here[i].name) != 0)
				continue;
			found = true;
			assert_true(g->opts[k].no_env);
		}
		assert_true(found);
	}
}

/* No option takes a token as its value. */
static void test_no_option_takes_a_secret(void **state)
{
	static const char *const words[] = { "token", "passphrase", "password", "key" };

	(void)state;
	for (size_t i = 0; i < mun_opt_groups_len; i++) {
		for (size_t k = 0; k < mun_opt_groups[i].len; k++) {
			for (size_t w = 0; w < MUN_ARRAY_LEN(words); w++)
				assert_string_not_equal(mun_opt_groups[i].opts[k].name, words[w]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_row_is_complete),
		cmocka_unit_test(test_a_command_has_each_option_once),
		cmocka_unit_test(test_consent_is_never_inherited),
		cmocka_unit_test(test_no_option_takes_a_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
