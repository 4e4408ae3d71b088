/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an answer, as each of the documents that the server may mean by it. */
#include "lib/date.h"
#include "lib/remote/answer.h"
#include "tests/fuzz/fuzz.h"

static void check_run(const struct mun_run_doc *run)
{
	enum mun_date_zone zone;
	int64_t us;

	if (run->archived != MUN_ARCHIVED_TIME)
		return;
	assert(mun_date_parse(&us, &zone, run->archived_at, strlen(run->archived_at)));
	assert(us == run->archived_us && run->comparable == (zone == MUN_ZONE_GIVEN));
}

static void count_row(void *arg, const struct mun_run_doc *row)
{
	size_t *rows = arg;

	check_run(row);
	++*rows;
}

static void check_texts(const char *body, size_t len)
{
	static const struct mun_id org = { { 0x5f, 0x0c } };
	struct mun_member member;
	struct mun_me me;
	struct mun_orgs orgs;
	char code[64], name[256];

	if (mun_answer_me(&me, body, len))
		assert(me.id[0] != '\0' && strspn(me.id, "0123456789") == strlen(me.id));
	if (mun_answer_member(&member, body, len))
		assert(fuzz_is_plain(member.role, strlen(member.role)) &&
		       fuzz_is_plain(member.type, strlen(member.type)));
	if (mun_answer_orgs(&orgs, body, len, &org))
		assert(fuzz_is_plain(orgs.names, strlen(orgs.names)) &&
		       fuzz_is_plain(orgs.name, strlen(orgs.name)));
	if (mun_answer_code(code, body, len))
		assert(code[0] != '\0' && fuzz_is_plain(code, strlen(code)));
	if (mun_answer_name(name, body, len))
		assert(mun_utf8_bad(name, strlen(name)) == strlen(name));
}

static void check_evidence(const char *body, size_t len)
{
	static const struct mun_id want = { { 0x42 } };
	struct mun_answer a = { .http = 200, .sent = true, .body_len = len };
	struct mun_observation seen;
	struct mun_run_doc run;

	a.body = malloc(len + 1);
	assert(a.body);
	memcpy(a.body, body, len);
	a.body[len] = '\0';
	for (int goal_archived = 0; goal_archived < 2; goal_archived++) {
		mun_answer_observe(&seen, &a, &want, goal_archived, &run);
		assert(seen.json == mun_answer_is_json(&a));
		if (seen.evidence != MUN_EV_GOAL)
			continue;
		assert(seen.json && mun_id_equal(&run.id, &want));
		assert(run.archived == (goal_archived ? MUN_ARCHIVED_TIME : MUN_ARCHIVED_NULL));
	}
	mun_answer_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	struct mun_page page;
	struct mun_run_doc run;
	size_t rows = 0;

	if (mun_answer_run(&run, body, size))
		check_run(&run);
	if (mun_answer_page(&page, body, size, count_row, &rows))
		assert(page.rows == rows + page.bad_rows || page.rows == rows);
	check_texts(body, size);
	if (size > 0)
		check_evidence(body, size);
	return 0;
}
