/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/id.h"
#include "tests/test.h"

#define RUN   "0123456789abcdef0123456789abcdef"
#define UPPER "0123456789ABCDEF0123456789abcdef"
#define ORG   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_ids_are_parsed(void **state)
{
	char text[MUN_ID_TEXT];
	struct mun_id id;
	struct mun_id folded;

	(void)state;
	assert_int_equal(mun_id_parse(&id, RUN, 32), MUN_ID_OK);
	assert_int_equal(mun_id_parse(&folded, UPPER, 32), MUN_ID_FOLDED);
	assert_true(mun_id_equal(&id, &folded));
	mun_id_format(text, &folded);
	assert_string_equal(text, RUN);
	assert_int_equal(mun_id_parse(&id, RUN, 31), MUN_ID_BAD);
	assert_int_equal(mun_id_parse(&id, RUN "0", 33), MUN_ID_BAD);
}

static void test_runs_as_people_give_them(void **state)
{
	static const struct {
		const char *text;
		bool org;
		bool folded;
	} cases[] = {
		{ RUN, false, false },
		{ UPPER, false, true },
		{ "https://go.tallyfy.com/" ORG "/processes/" RUN, true, false },
		{ "http://127.0.0.1:8080/organizations/" ORG "/runs/" RUN, true, false },
		{ "HTTPS://go.tallyfy.com/" ORG "/processes/" UPPER "/?tab=x#y", true, true },
		{ "https://api.tallyfy.com/organizations/" ORG "/runs/" RUN, true, false },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_id run;
		struct mun_id org;
		bool has_org;
		bool folded;
		char text[MUN_ID_TEXT];
		struct mun_err err;

		assert_ok(mun_run_parse(&run, &org, &has_org, &folded, cases[i].text,
		                        strlen(cases[i].text), &err),
		          &err);
		mun_id_format(text, &run);
		assert_string_equal(text, RUN);
		assert_int_equal(has_org, cases[i].org);
		assert_int_equal(folded, cases[i].folded);
		if (has_org) {
			mun_id_format(text, &org);
			assert_string_equal(text, ORG);
		}
	}
}

static void test_everything_else_is_refused(void **state)
{
#define PLAIN "\nhint: an id is 32 characters of 0-9 and a-f"
#define NAME  "\nhint: this may be a name: give the id of the run, from its URL or an export"
#define URL   "\nhint: expected https://go.tallyfy.com/ORG/processes/RUN"
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{ "", "run id is empty" PLAIN },
		{ "abc", "\"abc\" is no run id" PLAIN },
		{ "01234567-89ab-cdef-0123-456789abcdef",
		  "\"01234567-89ab-cdef-0123-456789abcdef\" is no run id\nhint: ids have no "
		  "dashes: "
		  "remove them" },
		{ "1.2E+31",
		  "\"1.2E+31\" is no run id\nhint: a spreadsheet turned the id into a number: "
		  "export the column as text" },
		{ "123456789abcdef0123456789abcdef",
		  "\"123456789abcdef0123456789abcdef\" is no run id\nhint: leading zeros may have "
		  "been "
		  "lost in a spreadsheet: export the column as text" },
		{ "Onboarding Jane", "\"Onboarding Jane\" is no run id" NAME },
		{ "../" RUN, "\"../" RUN "\" is no run id" NAME },
		{ RUN "/delete", "\"" RUN "/delete\" is no run id" NAME },
		{ RUN "?x", "\"" RUN "?x\" is no run id" NAME },
		{ "\x1b[2J", "\"\\u{1b}[2J\" is no run id" NAME },
		{ "https://go.tallyfy.com/" RUN,
		  "\"https://go.tallyfy.com/" RUN "\" is no URL of a run" URL },
		{ "https://evil.com/o/processes/r",
		  "\"https://evil.com/o/processes/r\" is no URL of a run" URL },
		{ "https://nottallyfy.com/" ORG "/processes/" RUN,
		  "\"https://nottallyfy.com/" ORG
		  "/processes/0123456789abcd...\" is no URL of a run" URL },
		{ "https://go.tallyfy.com@evil.com/" ORG "/processes/" RUN,
		  "\"https://go.tallyfy.com@evil.com/" ORG
		  "/processes/01234...\" is no URL of a run" URL },
		{ "https://go.tallyfy.com/x/processes/" RUN,
		  "\"x\" is no id of an organization" NAME },
		{ "https://go.tallyfy.com/" ORG "/processes/" RUN "/delete",
		  "\"https://go.tallyfy.com/" ORG
		  "/processes/0123456789abcd...\" is no URL of a run" URL },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_id run;
		struct mun_id org;
		bool has_org;
		bool folded;
		struct mun_err err;

		assert_fails(mun_run_parse(&run, &org, &has_org, &folded, cases[i].text,
		                           strlen(cases[i].text), &err),
		             MUN_E_INPUT, &err);
		assert_string_equal(err.text, cases[i].message);
	}
}

/* No text but an id or a URL of one may be taken: every single changed character is refused. */
static void test_every_changed_character_is_refused(void **state)
{
	struct mun_id id;

	(void)state;
	for (size_t i = 0; i < 32; i++) {
		for (int c = 0; c < 256; c++) {
			char text[33] = RUN;

			text[i] = (char)c;
			if (strchr("0123456789abcdefABCDEF", c) == NULL || c == 0)
				assert_int_equal(mun_id_parse(&id, text, 32), MUN_ID_BAD);
			else
				assert_int_not_equal(mun_id_parse(&id, text, 32), MUN_ID_BAD);
		}
	}
}

static void test_refs(void **state)
{
	static const char *const bad[] = { "",
		                           "p",
		                           "p-",
		                           "b-00112233445566778899",
		                           "p-0011",
		                           "p-0011223344556677889900",
		                           "p-0011223344556677889A",
		                           "P-00112233445566778899" };
	char text[MUN_REF_TEXT];
	struct mun_ref ref;
	struct mun_ref other;

	(void)state;
	assert_true(mun_ref_parse(&ref, 'p', "p-00112233445566778899"));
	assert_true(mun_ref_parse(&other, 'b', "b-00112233445566778899"));
	assert_true(mun_ref_equal(&ref, &other));
	mun_ref_format(text, 'b', &ref);
	assert_string_equal(text, "b-00112233445566778899");
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++)
		assert_false(mun_ref_parse(&ref, 'p', bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_are_parsed),
		cmocka_unit_test(test_runs_as_people_give_them),
		cmocka_unit_test(test_everything_else_is_refused),
		cmocka_unit_test(test_every_changed_character_is_refused),
		cmocka_unit_test(test_refs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
