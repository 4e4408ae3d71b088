/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/journal/history_sample.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct mun_operator sample_operator = {
	.uid = 1000,
	.user = "alice",
	.host = "desk",
	.claimed = "Alice A.",
};

void sample_append(struct sample *s, struct mun_entry *e)
{
	struct mun_group g = { .entries = e, .len = 1 };
	struct mun_err err = { 0 };

	assert_ok(mun_journal_append(s->j, &g, &err), &err);
	assert_int_equal(e->refused, MUN_ADMITTED);
}

void sample_open(struct sample *s, enum mun_journal_mode mode)
{
	const struct mun_journal_options o = {
		.dir = s->dir, .mode = mode, .clock = mun_clock_system(), .version = "0.1.0"
	};
	struct mun_err err = { 0 };

	assert_ok(mun_journal_open(&s->j, &o, &err), &err);
}

void sample_plan(struct sample *s)
{
	struct mun_plan_row rows[SAMPLE_RUNS] = { 0 };
	struct mun_err err = { 0 };
	char text[SAMPLE_RUNS * MUN_ID_TEXT + 1];

	for (unsigned i = 0; i < SAMPLE_RUNS; i++) {
		rows[i] = (struct mun_plan_row){ .run = s->run[i], .line = i + 1 };
		mun_id_format(text + i * MUN_ID_TEXT, &s->run[i]);
		text[i * MUN_ID_TEXT + MUN_ID_TEXT - 1] = '\n';
	}
	static const char columns[] = "{\"name\":\"From the list\"}";
	rows[2].columns = columns;
	rows[2].columns_len = sizeof(columns) - 1;
	assert_ok(mun_journal_plan_rows(s->j, &s->plan, 0, &s->org, rows, SAMPLE_RUNS, &err), &err);
	struct mun_entry e = {
		.kind = MUN_K_PLAN_STORED, .has_org = true, .org = s->org, .item = MUN_NO_ITEM
	};
	e.u.plan.plan = s->plan;
	e.u.plan.op = MUN_OP_ARCHIVE;
	e.u.plan.base_url = "https://api.tallyfy.com";
	e.u.plan.items = SAMPLE_RUNS;
	mun_sha256(e.u.plan.list_sha256, text, SAMPLE_RUNS * MUN_ID_TEXT);
	e.u.plan.reason = "quarterly clean-up";
	e.u.plan.ticket = "OPS-1";
	e.u.plan.operator_ = sample_operator;
	sample_append(s, &e);
}

void sample_start(struct sample *s)
{
	struct mun_entry e = { .kind = MUN_K_BATCH_STARTED,
		               .has_batch = true,
		               .batch = s->batch,
		               .has_org = true,
		               .org = s->org,
		               .item = MUN_NO_ITEM };

	e.u.start.plan = s->plan;
	e.u.start.epoch = 1;
	e.u.start.operator_ = sample_operator;
	e.u.start.version = "0.1.0";
	e.u.start.machine = "0123456789ab";
	e.u.start.token = "00112233445566778899aabbccddeeff";
	e.u.start.identity_id = "4711";
	e.u.start.identity_role = "standard";
	e.u.start.host = "api.tallyfy.com";
	e.u.start.limits = "10/5s";
	e.u.start.options = "{}";
	e.u.start.attempts = 5;
	sample_append(s, &e);
}

struct mun_entry sample_entry(const struct sample *s, enum mun_kind kind, const struct mun_id *run,
                              uint32_t item)
{
	struct mun_entry e = { .kind = kind,
		               .has_batch = true,
		               .batch = s->batch,
		               .has_org = true,
		               .org = s->org,
		               .has_run = true,
		               .run = *run,
		               .item = item };

	if (kind == MUN_K_REQUEST) {
		e.u.request.purpose = MUN_P_ARCHIVE;
		e.u.request.attempt = 1;
		e.u.request.epoch = 1;
		e.u.request.method = "DELETE";
		e.u.request.host = "api.tallyfy.com";
		e.u.request.path = "/organizations/o/runs/r";
		e.u.request.token = "00112233445566778899aabbccddeeff";
	} else {
		e.u.response.sent = true;
		e.u.response.curl_name = "OK";
		e.u.response.duration_ms = 12;
		e.u.response.retry_at_us = MUN_TIME_NONE;
	}
	return e;
}

uint64_t sample_request(struct sample *s, uint32_t item, enum mun_purpose purpose)
{
	struct mun_entry e = sample_entry(s, MUN_K_REQUEST, &s->run[item], item);

	e.elsewhere_seen = MUN_NO_SEQ; /* as if the server had been asked just now */
	if (purpose != MUN_P_ARCHIVE) {
		e.u.request.purpose = purpose;
		e.u.request.attempt = 0;
		e.u.request.method = "GET";
	}
	sample_append(s, &e);
	return e.seq;
}

void sample_response(struct sample *s, uint32_t item, uint64_t request, unsigned http,
                     enum mun_verdict verdict, const char *body, struct mun_settle *settles)
{
	struct mun_entry e = sample_entry(s, MUN_K_RESPONSE, &s->run[item], item);

	e.u.response.request = request;
	e.u.response.http = http;
	e.u.response.verdict = verdict;
	if (verdict == MUN_V_ARCHIVED || verdict == MUN_V_IS_ARCHIVED)
		e.u.response.archived_at = "2026-11-23T22:48:01Z";
	if (body)
		e.u.response.body = (struct mun_body_ref){ .data = body,
			                                   .bytes = strlen(body),
			                                   .present = true };
	e.u.response.settles = settles;
	e.u.response.settles_len = settles ? 1 : 0;
	sample_append(s, &e);
}

int sample_setup(void **state)
{
	struct sample *s = calloc(1, sizeof(*s));
	struct mun_err err = { 0 };

	*state = s;
	assert_ok(mun_crypto_init(&err), &err);
	(void)snprintf(s->dir, 64, "/tmp/mun-history-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	assert_true(mun_ref_parse(&s->plan, 'p', "p-0123456789abcdef0123"));
	assert_true(mun_ref_parse(&s->batch, 'b', "b-abcdef01234567890123"));
	memset(s->org.bytes, 0xaa, sizeof(s->org.bytes));
	for (unsigned i = 0; i < SAMPLE_RUNS; i++)
		memset(s->run[i].bytes, (int)(0x11 * (i + 1)), sizeof(s->run[i].bytes));
	sample_open(s, MUN_JOURNAL_CREATE);
	sample_plan(s);
	sample_start(s);
	uint64_t first = sample_request(s, 0, MUN_P_ARCHIVE);
	sample_response(s, 0, first, 200, MUN_V_ARCHIVED, "{\"data\":{\"name\":\"First\"}}", NULL);
	uint64_t second = sample_request(s, 1, MUN_P_ARCHIVE);
	sample_response(s, 1, second, 504, MUN_V_UNKNOWN, "gateway", NULL);
	uint64_t probe = sample_request(s, 1, MUN_P_PROBE);
	struct mun_settle settle = { .batch = s->batch,
		                     .item = 1,
		                     .request = second,
		                     .verdict = MUN_V_ARCHIVED,
		                     .archived_at = "2026-11-23T22:48:01Z" };
	sample_response(s, 1, probe, 200, MUN_V_IS_ARCHIVED, "{\"data\":{\"name\":\"Second\"}}",
	                &settle);
	(void)sample_request(s, 2, MUN_P_ARCHIVE);
	return 0;
}

int sample_teardown(void **state)
{
	struct sample *s = *state;
	char path[512];

	mun_journal_closep(&s->j);
	DIR *dir = opendir(s->dir);
	for (struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir)) {
		(void)snprintf(path, sizeof(path), "%s/%s", s->dir, d->d_name);
		(void)unlink(path);
	}
	if (dir)
		(void)closedir(dir);
	(void)rmdir(s->dir);
	free(s);
	return 0;
}
