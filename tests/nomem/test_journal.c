/* SPDX-License-Identifier: Apache-2.0 */
/* The journal without memory: whatever fails, it opens again and every check of it holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/checkpoint.h"
#include "journal/prove.h"
#include "journal/query.h"
#include "journal/verify.h"
#include "tests/journal/history_sample.h"
#include "tests/nomem/nomem.h"

static enum mun_code open_at(struct mun_journal **ret, const char *dir, struct mun_err *err)
{
	const struct mun_journal_options o = { .dir = dir,
		                               .mode = MUN_JOURNAL_CREATE,
		                               .clock = mun_clock_system(),
		                               .version = "0.1.0" };

	return mun_journal_open(ret, &o, err);
}

static enum mun_code append(struct mun_journal *j, struct mun_entry *e, struct mun_err *err)
{
	struct mun_rate rate = { .window = { { 100, 60000 } }, .len = 1 };
	struct mun_group g = { .entries = e, .len = 1, .rate = &rate, .target = "host org" };

	return mun_journal_append(j, &g, err);
}

static void hash_list(uint8_t ret[static MUN_SHA256_LEN], const struct sample *s)
{
	char list[SAMPLE_RUNS * MUN_ID_TEXT + 1];

	for (size_t i = 0; i < SAMPLE_RUNS; i++) {
		mun_id_format(list + i * MUN_ID_TEXT, &s->run[i]);
		list[(i + 1) * MUN_ID_TEXT - 1] = '\n';
	}
	mun_sha256(ret, list, SAMPLE_RUNS * MUN_ID_TEXT);
}

static struct mun_entry entry_of(const struct sample *s, enum mun_kind kind)
{
	struct mun_entry e = { .kind = kind, .has_org = true, .org = s->org, .item = MUN_NO_ITEM };

	if (kind == MUN_K_PLAN_STORED) {
		e.u.plan.plan = s->plan;
		e.u.plan.base_url = "https://api.tallyfy.com";
		e.u.plan.items = SAMPLE_RUNS;
		hash_list(e.u.plan.list_sha256, s);
		e.u.plan.reason = "quarterly clean-up";
		e.u.plan.source.data = "the list";
		e.u.plan.source.bytes = 8;
		e.u.plan.operator_ = sample_operator;
		return e;
	}
	e.has_batch = true;
	e.batch = s->batch;
	if (kind == MUN_K_BATCH_STARTED) {
		e.u.start.plan = s->plan;
		e.u.start.epoch = 1;
		e.u.start.operator_ = sample_operator;
		e.u.start.host = "api.tallyfy.com";
		e.u.start.limits = "100/m";
		e.u.start.options = "{}";
		e.u.start.attempts = 5;
		return e;
	}
	e.has_run = true;
	e.run = s->run[0];
	e.item = 0;
	return e;
}

static enum mun_code exchange(struct sample *s, struct mun_journal *j, struct mun_err *err)
{
	struct mun_entry request = entry_of(s, MUN_K_REQUEST);
	struct mun_entry response = entry_of(s, MUN_K_RESPONSE);
	enum mun_code code;

	request.u.request.purpose = MUN_P_ARCHIVE;
	request.u.request.attempt = request.u.request.epoch = 1;
	request.u.request.method = "DELETE";
	request.u.request.host = "api.tallyfy.com";
	request.u.request.path = "/organizations/o/runs/r";
	request.u.request.token = "00112233445566778899aabbccddeeff";
	code = append(j, &request, err);
	if (code != MUN_OK)
		return code;
	assert_int_equal(request.refused, MUN_ADMITTED);
	response.u.response.request = request.seq;
	response.u.response.sent = true;
	response.u.response.curl_name = "OK";
	response.u.response.http = 200;
	response.u.response.verdict = MUN_V_ARCHIVED;
	response.u.response.archived_at = "2026-11-23T22:48:01.000000Z";
	response.u.response.retry_at_us = MUN_TIME_NONE;
	response.u.response.body =
		(struct mun_body_ref){ "{\"data\":{}}", NULL, 11, true, false, { 0 } };
	return append(j, &response, err);
}

/* A journal from nothing to its first answer. */
static enum mun_code write_all(void *arg, struct mun_err *err)
{
	struct sample *s = arg;
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	struct mun_entry plan = entry_of(s, MUN_K_PLAN_STORED);
	struct mun_entry start = entry_of(s, MUN_K_BATCH_STARTED);
	enum mun_code code = open_at(&j, s->dir, err);

	for (uint32_t i = 0; code == MUN_OK && i < SAMPLE_RUNS; i++) {
		struct mun_plan_row row = { .run = s->run[i], .line = i + 1 };

		code = mun_journal_plan_rows(j, &s->plan, i, NULL, &row, 1, err);
	}
	if (code == MUN_OK)
		code = mun_journal_plan_index(j, &s->plan, &s->org, s->run, SAMPLE_RUNS, err);
	if (code == MUN_OK)
		code = append(j, &plan, err);
	if (code == MUN_OK)
		code = append(j, &start, err);
	return code == MUN_OK ? exchange(s, j, err) : code;
}

static void check_report(const struct mun_verdict_report *r)
{
	for (size_t i = 0; i < r->findings_len; i++)
		if (r->findings[i].bad)
			print_error("%s\n", r->findings[i].what);
	assert_int_not_equal(r->result, MUN_VERIFY_FAILED);
}

static void verify(struct mun_journal *j)
{
	struct mun_verdict_report report;
	struct mun_err err;

	assert_ok(mun_verify_journal(j, NULL, &report, &err), &err);
	check_report(&report);
	mun_verdict_report_done(&report);
}

/* What was written holds together; then everything goes, for the next beginning. */
static void check_and_remove(void *arg)
{
	struct sample *s = arg;
	struct mun_err err;
	char command[160];

	assert_ok(open_at(&s->j, s->dir, &err), &err);
	verify(s->j);
	mun_journal_closep(&s->j);
	(void)snprintf(command, sizeof(command), "%s/data.mdb", s->dir);
	assert_int_equal(unlink(command), 0);
	(void)snprintf(command, sizeof(command), "%s/lock.mdb", s->dir);
	(void)unlink(command);
}

static enum mun_code history_row(void *arg, const struct mun_history_row *row, struct mun_err *err)
{
	unsigned *rows = arg;

	(void)row;
	(void)err;
	++*rows;
	return MUN_OK;
}

static enum mun_code item_row(void *arg, const struct mun_item_row *row, struct mun_err *err)
{
	unsigned *rows = arg;

	(void)row;
	(void)err;
	++*rows;
	return MUN_OK;
}

static enum mun_code log_row(void *arg, uint64_t seq, const char *line, size_t len,
                             const struct mun_entry *e, struct mun_err *err)
{
	unsigned *rows = arg;

	(void)seq;
	(void)line;
	(void)len;
	(void)e;
	(void)err;
	++*rows;
	return MUN_OK;
}

static const struct mun_filter everything = { .since_us = MUN_TIME_NONE,
	                                      .until_us = MUN_TIME_NONE,
	                                      .after_seq = MUN_NO_SEQ };

/* Every query; one that succeeds has left nothing out. */
static enum mun_code read_all(void *arg, struct mun_err *err)
{
	struct sample *s = arg;
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	MUN_BUF_CLEANUP struct mun_buf text;
	unsigned history = 0, items = 0, log = 0;
	enum mun_code code = open_at(&j, s->dir, err);

	mun_buf_init(&text, 100000);
	if (code == MUN_OK)
		code = mun_query_history(j, &everything, history_row, &history, err);
	if (code == MUN_OK)
		code = mun_query_items(j, &s->batch, &everything, false, item_row, &items, err);
	if (code == MUN_OK)
		code = mun_query_log(j, &everything, log_row, &log, err);
	if (code == MUN_OK) {
		assert_true(history == 3 && items == 3 && log == SAMPLE_SIZE);
		code = mun_query_item_log(j, &s->batch, 1, log_row, &log, err);
	}
	if (code == MUN_OK)
		code = mun_journal_body(j, 4, &text, err);
	if (code == MUN_OK)
		code = mun_journal_columns(j, &s->plan, 2, &text, err);
	return code;
}

static enum mun_code rebuild(void *arg, struct mun_err *err)
{
	struct sample *s = arg;
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	enum mun_code code = open_at(&j, s->dir, err);

	return code == MUN_OK ? mun_journal_rebuild(j, err) : code;
}

static enum mun_code verify_report(void *arg, struct mun_err *err)
{
	struct sample *s = arg;
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	struct mun_verdict_report report;
	enum mun_code code = open_at(&j, s->dir, err);

	if (code == MUN_OK)
		code = mun_verify_journal(j, NULL, &report, err);
	if (code == MUN_OK) {
		check_report(&report);
		mun_verdict_report_done(&report);
	}
	return code;
}

static void still_whole(void *arg)
{
	struct sample *s = arg;
	struct mun_err err;

	assert_ok(open_at(&s->j, s->dir, &err), &err);
	verify(s->j);
	mun_journal_closep(&s->j);
}

static enum mun_code make_key(struct mun_journal *j, struct mun_signing *k,
                              struct mun_secret *secret, struct mun_err *err)
{
	static const uint8_t seed[32] = { 5 };
	uint8_t public_key[MUN_PUBLIC_LEN];
	struct mun_journal_id id;
	enum mun_code code = mun_journal_identity(j, &id, err);

	k->secret = secret;
	if (code == MUN_OK)
		code = mun_sign_key_of_seed(secret, public_key, seed, err);
	return code == MUN_OK ? mun_vkey_make(&k->key, id.origin, MUN_KEY_ED25519, public_key, err)
	                      : code;
}

/* The key once, then whatever else there may be to sign. */
static enum mun_code grow(struct mun_journal *j, const struct mun_signing *k, struct mun_err *err)
{
	struct mun_entry e = { .kind = MUN_K_KEY_ADDED, .item = MUN_NO_ITEM };
	struct mun_vkey in_force;
	char text[MUN_VKEY_TEXT];
	uint64_t seq;
	enum mun_code code = mun_journal_key(j, MUN_NO_SEQ, &in_force, &seq, err);

	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	mun_vkey_format(text, &k->key);
	if (code == MUN_E_NOTFOUND) {
		e.u.key.vkey = text;
		e.u.key.operator_ = sample_operator;
	} else {
		e.kind = MUN_K_TOKEN_ADDED;
	}
	return append(j, &e, err);
}

/* A cosigner's line below the checkpoint, as an anchor. */
static enum mun_code anchor_it(struct mun_journal *j, const struct mun_signing *k,
                               const struct mun_signed *row, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	struct mun_anchor a = { .size = row->size, .by = "witness.example" };
	struct mun_vkey key;
	struct mun_note note;
	enum mun_code code =
		mun_vkey_make(&key, "witness.example", MUN_KEY_COSIGNER, k->key.key, err);

	mun_buf_init(&line, 4096);
	if (code == MUN_OK)
		code = mun_note_parse(&note, row->note.data, row->note.len, err);
	if (code == MUN_OK)
		mun_note_sign(&line, note.text, note.text_len, &key, k->secret, 1795000000);
	if (code == MUN_OK)
		code = mun_buf_check(&line, "a line", err);
	a.line = line.data;
	a.line_len = line.len;
	return code == MUN_OK ? mun_checkpoint_anchor(j, &a, err) : code;
}

/* Each time a new entry, so there is something to sign; then an anchor and a proof. */
static enum mun_code sign_all(void *arg, struct mun_err *err)
{
	struct sample *s = arg;
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	MUN_CLEANUP(mun_secret_done) struct mun_secret secret = { NULL, 0 };
	MUN_CLEANUP(mun_signed_done) struct mun_signed row;
	struct mun_signing k = { .old_secret = NULL };
	struct mun_proof proof;
	uint64_t seq, size = 0, left = 1;
	enum mun_code code = open_at(&j, s->dir, err);

	mun_signed_init(&row);
	if (code == MUN_OK)
		code = make_key(j, &k, &secret, err);
	if (code == MUN_OK)
		code = grow(j, &k, err);
	if (code == MUN_OK)
		code = mun_checkpoint_sign(j, &k, &row, err);
	if (code == MUN_OK) {
		size = row.size;
		code = anchor_it(j, &k, &row, err);
	}
	if (code == MUN_OK)
		code = mun_checkpoint_newest(j, size, &row, err);
	if (code == MUN_OK) {
		assert_true(row.note.len > row.signed_len);
		code = mun_checkpoint_unsigned(j, &left, err);
	}
	if (code == MUN_OK)
		code = mun_journal_key(j, size, &k.key, &seq, err);
	if (code == MUN_OK)
		code = mun_prove_inclusion(j, 3, size, &proof, err);
	if (code == MUN_OK)
		assert_true(left == 0 && seq == SAMPLE_SIZE);
	return code;
}

static void test_writing(void **state)
{
	static const struct nomem_case c = { "writing", write_all, check_and_remove, true };
	struct sample *s = *state;

	mun_journal_closep(&s->j);
	check_and_remove(s);
	nomem_try(&c, s);
}

static void test_signing(void **state)
{
	static const struct nomem_case c = { "signing", sign_all, NULL, true };
	struct sample *s = *state;

	mun_journal_closep(&s->j);
	nomem_try(&c, s);
	still_whole(s);
}

static void test_reading(void **state)
{
	static const struct nomem_case cases[] = {
		{ "reading", read_all, NULL, true },
		{ "rebuilding", rebuild, still_whole, true },
		{ "verifying", verify_report, NULL, true },
	};
	struct sample *s = *state;

	mun_journal_closep(&s->j);
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++)
		nomem_try(&cases[i], s);
}

/* The sample in memory, where there is room for that: thousands of commits need no disk here. */
static int setup(void **state)
{
	char command[500], dir[sizeof(((struct sample *)NULL)->dir)];
	struct sample *s;

	if (sample_setup(state) != 0)
		return -1;
	s = *state;
	if (access("/dev/shm", W_OK) != 0)
		return 0;
	mun_journal_closep(&s->j);
	(void)snprintf(dir, sizeof(dir), "/dev/shm/mun-nomem-XXXXXX");
	if (mkdtemp(dir) == NULL || setenv("TMPDIR", "/dev/shm", 1) != 0)
		return -1;
	(void)snprintf(command, sizeof(command), "mv %s/* %s && rmdir %s", s->dir, dir, s->dir);
	memcpy(s->dir, dir, sizeof(dir));
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_writing, setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_signing, setup, sample_teardown),
		cmocka_unit_test_setup_teardown(test_reading, setup, sample_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
