/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/date.h"
#include "lib/remote/answer.h"
#include "tests/test.h"

#define RUN   "0123456789abcdef0123456789abcdef"
#define OTHER "ffffffffffffffffffffffffffffffff"

struct body_case {
	const char *body;
	enum mun_evidence_kind archive, restore;
	bool json;
};

static const struct body_case bodies[] = {
	{ "", MUN_EV_NOT_JSON, MUN_EV_NOT_JSON, false },
	{ "<html>", MUN_EV_NOT_JSON, MUN_EV_NOT_JSON, false },
	{ "{}", MUN_EV_JSON, MUN_EV_JSON, true },
	{ "{\"data\":{}}", MUN_EV_JSON, MUN_EV_JSON, true },
	{ "{\"data\":{\"id\":\"" RUN "\",\"archived_at\":\"2026-05-22T10:00:00Z\"}}", MUN_EV_GOAL,
	  MUN_EV_JSON, true },
	{ "{\"data\":{\"id\":\"" RUN "\",\"archived_at\":\"2026-05-22T10:00:00Z\"}",
	  MUN_EV_NOT_JSON, MUN_EV_NOT_JSON, false },
	{ "{\"data\":{\"id\":\"" RUN "\",\"archived_at\":\"2026-05-22T10:00:00Z\"}}x",
	  MUN_EV_NOT_JSON, MUN_EV_NOT_JSON, false },
	{ "{\"data\":{\"id\":\"" RUN "\",\"archived_at\":\"2026-05-22\"}}", MUN_EV_GOAL,
	  MUN_EV_JSON, true },
	{ "{\"data\":{\"id\":\"" RUN "\",\"archived_at\":null}}", MUN_EV_JSON, MUN_EV_GOAL, true },
	{ "{\"data\":{\"id\":\"" RUN "\",\"status\":\"archived\"}}", MUN_EV_JSON, MUN_EV_JSON,
	  true },
	{ "{\"data\":{\"id\":\"" RUN "\",\"archived_at\":\"yes\"}}", MUN_EV_JSON, MUN_EV_JSON,
	  true },
	{ "{\"data\":{\"id\":\"" RUN "\",\"archived_at\":true}}", MUN_EV_JSON, MUN_EV_JSON, true },
	{ "{\"data\":{\"id\":\"" OTHER "\",\"archived_at\":null}}", MUN_EV_OTHER_ID,
	  MUN_EV_OTHER_ID, true },
	{ "{\"data\":{\"id\":12,\"archived_at\":null}}", MUN_EV_JSON, MUN_EV_JSON, true },
	{ "[{\"id\":\"" RUN "\",\"archived_at\":null}]", MUN_EV_JSON, MUN_EV_JSON, true },
	{ "{\"data\":{\"id\":\"" RUN "\",\"archived_at\":null,\"id\":\"" RUN "\"}}",
	  MUN_EV_NOT_JSON, MUN_EV_NOT_JSON, false },
};

static void observe(void **state)
{
	struct mun_id want;

	(void)state;
	assert_int_equal(mun_id_parse(&want, RUN, 32), MUN_ID_OK);
	for (size_t i = 0; i < MUN_ARRAY_LEN(bodies); i++) {
		struct mun_answer a = { .http = 200 };
		struct mun_observation o;
		struct mun_run_doc run;

		a.body = strdup(bodies[i].body);
		a.body_len = strlen(bodies[i].body);
		mun_answer_observe(&o, &a, &want, true, &run);
		assert_int_equal(o.json, bodies[i].json);
		assert_int_equal(o.evidence, bodies[i].archive);
		mun_answer_observe(&o, &a, &want, false, &run);
		assert_int_equal(o.evidence, bodies[i].restore);
		a.body_cut = true;
		mun_answer_observe(&o, &a, &want, false, &run);
		assert_int_equal(o.evidence, MUN_EV_NOT_JSON);
		mun_answer_done(&a);
		mun_answer_done(&a);
	}
}

/* No proper prefix of a good body is evidence. */
static void every_cut(void **state)
{
	const char *body = bodies[4].body;
	struct mun_run_doc run;

	(void)state;
	for (size_t len = 0; len < strlen(body); len++)
		assert_false(mun_answer_run(&run, body, len));
	assert_true(mun_answer_run(&run, body, strlen(body)));
	assert_string_equal(run.archived_at, "2026-05-22T10:00:00.000000Z");
	assert_true(run.comparable && run.updated_us == MUN_TIME_NONE);
}

static void codes(void **state)
{
	static const char *const good[] = {
		"{\"code\":\"ENDPOINT_NOT_FOUND\"}",
		"{\"error\":{\"code\":\"ENDPOINT_NOT_FOUND\"}}",
		"{\"errors\":[{\"code\":\"ENDPOINT_NOT_FOUND\"}]}",
	};
	char code[64];

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(good); i++) {
		assert_true(mun_answer_code(code, good[i], strlen(good[i])));
		assert_string_equal(code, "ENDPOINT_NOT_FOUND");
	}
	assert_false(mun_answer_code(code, "{}", 2));
	assert_false(mun_answer_code(code, "[]", 2));
	assert_false(mun_answer_code(code, "<", 1));
	assert_false(mun_answer_code(code, NULL, 0));
}

static void count_row(void *arg, const struct mun_run_doc *row)
{
	(void)row;
	++*(unsigned *)arg;
}

static void pages(void **state)
{
	static const char page[] =
		"{\"data\":[{\"id\":\"" RUN "\"},{\"id\":\"x\"},7],\"meta\":{\"pagination\":{"
		"\"total\":3,\"current_page\":1,\"total_pages\":2}}}";
	struct mun_page p;
	unsigned rows = 0;

	(void)state;
	assert_true(mun_answer_page(&p, page, strlen(page), count_row, &rows));
	assert_int_equal(rows, 1);
	assert_int_equal(p.rows, 3);
	assert_int_equal(p.bad_rows, 2);
	assert_true(p.total == 3 && p.current_page == 1 && p.total_pages == 2);
	assert_true(mun_answer_page(&p, "{\"data\":[]}", 11, count_row, &rows));
	assert_true(p.total == -1);
	assert_false(mun_answer_page(&p, "{\"data\":{}}", 11, count_row, &rows));
	assert_false(mun_answer_page(&p, "", 0, NULL, NULL));
}

static void identity(void **state)
{
	static const char orgs[] = "{\"data\":[{\"id\":\"" RUN "\",\"name\":\"Ac\\u001bme\"}],"
				   "\"meta\":{\"pagination\":{\"total\":1,\"current_page\":1,"
				   "\"total_pages\":1}}}";
	static const char member[] = "{\"data\":{\"role\":\"Admin\",\"type\":\"Light\"}}";
	struct mun_member m;
	struct mun_me me;
	struct mun_id org;
	struct mun_orgs found;

	(void)state;
	assert_true(mun_answer_me(&me, "{\"data\":{\"id\":4711}}", 20));
	assert_string_equal(me.id, "4711");
	assert_false(mun_answer_me(&me, "{\"data\":{\"id\":-1}}", 18));
	assert_int_equal(mun_id_parse(&org, RUN, 32), MUN_ID_OK);
	assert_true(mun_answer_orgs(&found, orgs, strlen(orgs), &org));
	assert_true(found.found && found.complete);
	assert_null(strchr(found.name, '\033'));
	assert_int_equal(mun_id_parse(&org, OTHER, 32), MUN_ID_OK);
	assert_true(mun_answer_orgs(&found, "{\"data\":[]}", 11, &org));
	assert_false(found.found || found.complete);
	assert_true(mun_answer_member(&m, member, strlen(member)));
	assert_string_equal(m.role, "admin");
	assert_string_equal(m.type, "light");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(observe), cmocka_unit_test(every_cut), cmocka_unit_test(codes),
		cmocka_unit_test(pages),   cmocka_unit_test(identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
