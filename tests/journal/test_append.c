/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/handle.h"
#include "tests/test.h"

/* A journal in a folder of its own, with a clock that tests set. */
struct place {
	char dir[64];
	struct mun_clock clock;
	struct mun_now now;
	struct mun_journal *j;
	struct mun_err err;
};

static void read_clock(const struct mun_clock *clock, struct mun_now *ret)
{
	*ret = *(const struct mun_now *)clock->data;
}

static struct mun_journal *open_at(struct place *p, const char *dir, enum mun_journal_mode mode)
{
	struct mun_journal_options o = {
		.dir = dir, .mode = mode, .clock = &p->clock, .version = "0.1.0"
	};
	struct mun_journal *j = NULL;

	assert_ok(mun_journal_open(&j, &o, &p->err), &p->err);
	return j;
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/mun-append-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->now.real_us = INT64_C(1795000000000000);
	p->now.uptime_ms = 1000000;
	p->clock.now = read_clock;
	p->clock.data = &p->now;
	p->j = open_at(p, p->dir, MUN_JOURNAL_CREATE);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[160];

	mun_journal_closep(&p->j);
	(void)snprintf(command, sizeof(command), "rm -rf %s %s.*", p->dir, p->dir);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static struct mun_id id_of(uint8_t n)
{
	struct mun_id id;

	memset(id.bytes, n, sizeof(id.bytes));
	return id;
}

static struct mun_ref ref_of(uint8_t n)
{
	struct mun_ref ref;

	memset(ref.bytes, n, sizeof(ref.bytes));
	return ref;
}

static const struct mun_operator somebody = { 1000, "alice", NULL, "box", NULL, NULL };

static void append(struct place *p, struct mun_entry *e, size_t len)
{
	struct mun_group g = { .entries = e, .len = len };

	assert_ok(mun_journal_append(p->j, &g, &p->err), &p->err);
}

/* A plan of items runs (ids 1, 2, …), and its batch when batch is set. */
static void store(struct place *p, uint8_t n, uint32_t items, bool batch)
{
	struct mun_ref plan = ref_of(n);
	struct mun_id org = id_of(0xaa);
	struct mun_entry e = { .kind = MUN_K_PLAN_STORED, .item = MUN_NO_ITEM, .has_org = true };

	for (uint32_t i = 0; i < items; i++) {
		struct mun_plan_row row = { .run = id_of((uint8_t)(i + 1)),
			                    .line = i + 1,
			                    .reason = i == 0 ? "a reason of its own" : NULL,
			                    .columns = "{\"name\":\"x\"}",
			                    .columns_len = 12 };

		assert_ok(mun_journal_plan_rows(p->j, &plan, i, &org, &row, 1, &p->err), &p->err);
	}
	e.org = org;
	e.u.plan.plan = plan;
	e.u.plan.base_url = "https://api.tallyfy.com";
	e.u.plan.items = items;
	e.u.plan.duplicates = 1;
	e.u.plan.reason = "reason for all";
	e.u.plan.source.data = "1\n2\n";
	e.u.plan.source.bytes = 4;
	e.u.plan.operator_ = somebody;
	append(p, &e, 1);
	if (!batch)
		return;
	memset(&e, 0, sizeof(e));
	e.kind = MUN_K_BATCH_STARTED;
	e.item = MUN_NO_ITEM;
	e.has_batch = true;
	e.batch = ref_of(n);
	e.has_org = true;
	e.org = org;
	e.u.start.plan = plan;
	e.u.start.epoch = 1;
	e.u.start.operator_ = somebody;
	e.u.start.options = "{\"attempts\":3}";
	e.u.start.attempts = 3;
	append(p, &e, 1);
}

static struct mun_entry request_of(uint8_t n, int64_t item, uint32_t epoch)
{
	struct mun_entry e = { .kind = MUN_K_REQUEST,
		               .has_batch = true,
		               .item = item,
		               .has_org = true,
		               .has_run = true };

	e.batch = ref_of(n);
	e.org = id_of(0xaa);
	e.run = id_of((uint8_t)(item + 1));
	e.u.request.purpose = MUN_P_ARCHIVE;
	e.u.request.attempt = 1;
	e.u.request.epoch = epoch;
	e.u.request.method = "DELETE";
	e.u.request.host = "api.tallyfy.com";
	e.u.request.path = "/organizations/x/runs/y";
	e.u.request.token = "00112233445566778899aabbccddeeff";
	return e;
}

static struct mun_entry response_of(const struct mun_entry *request, enum mun_verdict verdict,
                                    unsigned http)
{
	struct mun_entry e = { .kind = MUN_K_RESPONSE,
		               .has_batch = true,
		               .item = request->item,
		               .has_org = true,
		               .has_run = true };

	e.batch = request->batch;
	e.org = request->org;
	e.run = request->run;
	e.u.response.request = request->seq;
	e.u.response.sent = true;
	e.u.response.curl_name = "CURLE_OK";
	e.u.response.http = http;
	e.u.response.verdict = verdict;
	e.u.response.retry_at_us = MUN_TIME_NONE;
	e.u.response.body.data = "{\"data\":{}}";
	e.u.response.body.bytes = 11;
	return e;
}

static void test_round(void **state)
{
	struct place *p = *state;
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_entry e[2];
	struct mun_batch batch;
	struct mun_item item;
	struct mun_exchange x;
	struct mun_head head;
	struct mun_list_row row;
	uint32_t open[4];
	size_t n;

	mun_buf_init(&b, 1 << 20);
	assert_true(mun_journal_created(p->j));
	store(p, 1, 3, true);
	e[0] = request_of(1, 0, 1);
	e[1] = request_of(1, 1, 1);
	append(p, e, 2);
	assert_int_equal(e[0].refused, MUN_ADMITTED);
	assert_int_equal(e[0].seq, 3);
	assert_ok(mun_journal_open_items(p->j, &e[0].batch, 0, open, 4, &n, &p->err), &p->err);
	assert_int_equal(n, 2);
	e[0] = response_of(&e[0], MUN_V_ARCHIVED, 200);
	e[0].u.response.archived_at = "2026-11-24T00:00:00.000000Z";
	append(p, e, 1);
	assert_ok(mun_journal_batch(p->j, &e[0].batch, &batch, &p->err), &p->err);
	assert_int_equal(batch.counts.done, 1);
	assert_int_equal(batch.counts.pending, 2);
	assert_int_equal(batch.in_flight, 1);
	assert_int_equal(batch.counts.total, 4);
	assert_int_equal(batch.next, 2);
	assert_int_equal(batch.attempts_limit, 3);
	assert_ok(mun_journal_item(p->j, &e[0].batch, 0, &item, &p->err), &p->err);
	assert_int_equal(item.state, MUN_I_DONE);
	assert_ok(mun_journal_exchange(p->j, 3, &x, &p->err), &p->err);
	assert_int_equal(x.verdict, MUN_V_ARCHIVED);
	assert_int_equal(x.response_seq, 5);
	assert_ok(mun_journal_body(p->j, 5, &b, &p->err), &p->err);
	assert_string_equal(mun_buf_str(&b), "{\"data\":{}}");
	assert_fails(mun_journal_body(p->j, 4, &b, &p->err), MUN_E_NOTFOUND, &p->err);
	assert_ok(mun_journal_head(p->j, &head, &p->err), &p->err);
	assert_int_equal(head.size, 6);
	mun_buf_clear(&b);
	assert_ok(mun_journal_list_row(p->j, &batch.plan, 0, &row, &b, &p->err), &p->err);
	assert_string_equal(row.reason, "a reason of its own");
	assert_null(row.ticket);
	assert_int_equal(row.line, 1);
}

static void test_two_processes(void **state)
{
	struct place *p = *state;
	struct mun_head head;
	pid_t child[2];

	mun_journal_closep(&p->j);
	for (int c = 0; c < 2; c++) {
		child[c] = fork();
		if (child[c] == 0) {
			p->j = open_at(p, p->dir, MUN_JOURNAL_WRITE);
			for (int i = 0; i < 50; i++) {
				struct mun_entry e = { .kind = MUN_K_TOKEN_ADDED,
					               .item = MUN_NO_ITEM };

				e.u.token.name = "acme";
				append(p, &e, 1);
			}
			mun_journal_closep(&p->j);
			_exit(0);
		}
	}
	for (int c = 0; c < 2; c++) {
		int status = -1;

		assert_int_equal(waitpid(child[c], &status, 0), child[c]);
		assert_int_equal(status, 0);
	}
	p->j = open_at(p, p->dir, MUN_JOURNAL_WRITE);
	assert_ok(mun_journal_head(p->j, &head, &p->err), &p->err);
	assert_int_equal(head.size, 101);
	assert_ok(mun_journal_rebuild(p->j, &p->err), &p->err); /* seq equals the index */
}

static void test_refusals(void **state)
{
	struct place *p = *state;
	struct mun_rate rate = { .window = { { 2, 5000 } }, .len = 1 };
	const char *target = "api.tallyfy.com aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	struct mun_entry e[4];
	struct mun_group g = { .entries = e, .len = 3, .rate = &rate, .target = target };
	struct mun_window_state w;

	store(p, 1, 4, true);
	store(p, 2, 4, true);
	e[0] = request_of(1, 0, 2);
	append(p, e, 1);
	assert_int_equal(e[0].refused, MUN_REFUSED_EPOCH);
	for (int i = 0; i < 3; i++)
		e[i] = request_of(1, i, 1);
	assert_ok(mun_journal_append(p->j, &g, &p->err), &p->err);
	assert_int_equal(e[1].refused, MUN_ADMITTED);
	assert_int_equal(e[2].refused, MUN_REFUSED_WINDOW);
	assert_ok(mun_journal_window(p->j, target, &rate, &w, &p->err), &p->err);
	assert_int_equal(w.used[0], 2);
	assert_int_equal(w.wait_ms, 5000);
	p->now.uptime_ms += 5000;
	p->now.real_us += 5000000;
	assert_ok(mun_journal_window(p->j, target, &rate, &w, &p->err), &p->err);
	assert_int_equal(w.wait_ms, 0);
	e[3] = request_of(2, 0, 1);
	append(p, &e[3], 1);
	assert_int_equal(e[3].refused, MUN_REFUSED_ELSEWHERE);
	e[3].elsewhere_seen = e[0].seq; /* asked before that attempt was made */
	append(p, &e[3], 1);
	assert_int_equal(e[3].refused, MUN_REFUSED_ELSEWHERE);
	e[3].elsewhere_seen = e[1].seq + 1;
	append(p, &e[3], 1);
	assert_int_equal(e[3].refused, MUN_ADMITTED);
	e[3] = response_of(&e[0], MUN_V_RATE_LIMITED, 429);
	e[3].u.response.retry_at_us = p->now.real_us + 7000000;
	append(p, &e[3], 1);
	assert_ok(mun_journal_window(p->j, target, NULL, &w, &p->err), &p->err);
	assert_int_equal(w.wait_ms, 7000);
	g.rate = NULL;
	g.len = 1;
	e[0] = request_of(1, 3, 1);
	assert_ok(mun_journal_append(p->j, &g, &p->err), &p->err);
	assert_int_equal(e[0].refused, MUN_REFUSED_WINDOW);
}

static void test_cancel(void **state)
{
	struct place *p = *state;
	struct mun_entry e = { .kind = MUN_K_BATCH_CANCELLING,
		               .item = MUN_NO_ITEM,
		               .has_batch = true };
	struct mun_range range = { 1, 4 };
	struct mun_batch batch;
	struct mun_item item;

	store(p, 1, 5, true);
	e.batch = ref_of(1);
	e.u.cancelling.operator_ = somebody;
	append(p, &e, 1);
	e = request_of(1, 0, 1);
	append(p, &e, 1);
	assert_int_equal(e.refused, MUN_REFUSED_CANCELLED);
	range.first = 0;
	memset(&e, 0, sizeof(e));
	e.kind = MUN_K_ITEM_CANCELLED;
	e.item = MUN_NO_ITEM;
	e.has_batch = true;
	e.batch = ref_of(1);
	e.u.ranges.ranges = &range;
	e.u.ranges.ranges_len = 1;
	append(p, &e, 1);
	assert_ok(mun_journal_batch(p->j, &e.batch, &batch, &p->err), &p->err);
	assert_true(batch.cancelled);
	assert_int_equal(batch.counts.cancelled, 5);
	assert_int_equal(batch.counts.pending, 0);
	assert_ok(mun_journal_item(p->j, &e.batch, 4, &item, &p->err), &p->err);
	assert_int_equal(item.state, MUN_I_CANCELLED);
}

/* Count and sum of hashes of each projection but window. */
static void sums(struct place *p, uint64_t ret[MUN_TABLES])
{
	static const uint8_t key[16];
	struct mun_txn *t = NULL;

	assert_ok(mun_store_read(&t, mun_journal_store(p->j), &p->err), &p->err);
	for (unsigned table = 0; table < MUN_TABLES; table++) {
		struct mun_iter *it = NULL;
		struct mun_val k;
		struct mun_val v;
		enum mun_code code;

		ret[table] = 0;
		if (table == MUN_T_WINDOW)
			continue;
		assert_ok(mun_iter_open(&it, t, table, &p->err), &p->err);
		for (code = mun_iter_seek(it, mun_val("", 0), &k, &v, &p->err); code == MUN_OK;
		     code = mun_iter_next(it, &k, &v, &p->err))
			ret[table] += mun_hash64(key, k.data, k.len) * 31 +
			              mun_hash64(key, v.data, v.len);
		mun_iter_closep(&it);
	}
	mun_txn_abortp(&t);
}

static void test_rebuild(void **state)
{
	struct place *p = *state;
	struct mun_settle settle = { .item = 1, .verdict = MUN_V_NO_EFFECT };
	struct mun_entry e[3];
	uint64_t live[MUN_TABLES];
	uint64_t anew[MUN_TABLES];

	store(p, 1, 4, true);
	store(p, 2, 4, false);
	for (int i = 0; i < 3; i++)
		e[i] = request_of(1, i, 1);
	append(p, e, 3);
	settle.batch = ref_of(1);
	settle.request = e[1].seq;
	e[0] = response_of(&e[0], MUN_V_NOT_FOUND, 404);
	e[1] = response_of(&e[1], MUN_V_UNKNOWN, 500);
	append(p, e, 2);
	e[1] = request_of(1, 1, 1);
	e[1].u.request.purpose = MUN_P_PROBE;
	e[1].u.request.attempt = 0;
	append(p, &e[1], 1);
	e[1] = response_of(&e[1], MUN_V_IS_ACTIVE, 200);
	e[1].u.response.settles = &settle;
	e[1].u.response.settles_len = 1;
	append(p, &e[1], 1);
	sums(p, live);
	assert_ok(mun_journal_rebuild(p->j, &p->err), &p->err);
	sums(p, anew);
	for (unsigned table = 0; table < MUN_TABLES; table++) {
		if (live[table] != anew[table])
			fail_msg("table %s differs after a rebuild", mun_table_names[table]);
	}
}

static void test_file_gone(void **state)
{
	struct place *p = *state;
	struct mun_entry e;
	struct mun_group g = { .entries = &e, .len = 1 };

	store(p, 1, 2, true);
	e = request_of(1, 0, 1);
	assert_int_equal(unlink(mun_store_path(mun_journal_store(p->j))), 0);
	assert_fails(mun_journal_append(p->j, &g, &p->err), MUN_E_JOURNAL, &p->err);
}

static void test_sweep(void **state)
{
	struct place *p = *state;
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_ref plan = ref_of(7);
	struct mun_id org = id_of(0xaa);
	struct mun_id orgs[2];
	struct mun_plan_row row = { .run = id_of(9), .line = 1 };
	struct mun_list_row back;
	struct mun_place places[2];
	size_t n;

	mun_buf_init(&b, 1000);
	store(p, 1, 2, true);
	assert_ok(mun_journal_plan_rows(p->j, &plan, 0, &org, &row, 1, &p->err), &p->err);
	mun_journal_closep(&p->j);
	p->j = open_at(p, p->dir, MUN_JOURNAL_WRITE);
	assert_ok(mun_journal_list_row(p->j, &plan, 0, &back, &b, &p->err), &p->err);
	mun_journal_closep(&p->j);
	p->now.real_us += 2 * 3600 * INT64_C(1000000);
	p->j = open_at(p, p->dir, MUN_JOURNAL_WRITE);
	assert_fails(mun_journal_list_row(p->j, &plan, 0, &back, &b, &p->err), MUN_E_NOTFOUND,
	             &p->err);
	assert_ok(mun_journal_by_run_any_org(p->j, &row.run, orgs, &n, 2, &p->err), &p->err);
	assert_int_equal(n, 0);
	row.run = id_of(2);
	assert_ok(mun_journal_by_run_any_org(p->j, &row.run, orgs, &n, 2, &p->err), &p->err);
	assert_int_equal(n, 1);
	assert_ok(mun_journal_by_run(p->j, &orgs[0], &row.run, places, 2, &n, &p->err), &p->err);
	assert_int_equal(n, 1);
	assert_int_equal(places[0].item, 1);
	assert_true(places[0].has_batch);
}

static void test_backup(void **state)
{
	struct place *p = *state;
	struct mun_journal_options o = { .mode = MUN_JOURNAL_WRITE, .clock = &p->clock };
	struct mun_journal *copy = NULL;
	struct mun_head head;
	char dir[80];

	(void)snprintf(dir, sizeof(dir), "%s.backup", p->dir);
	store(p, 1, 2, true);
	assert_ok(mun_journal_backup(p->j, dir, &p->err), &p->err);
	o.dir = dir;
	assert_fails(mun_journal_open(&copy, &o, &p->err), MUN_E_JOURNAL, &p->err);
	copy = open_at(p, dir, MUN_JOURNAL_READ);
	assert_ok(mun_journal_head(copy, &head, &p->err), &p->err);
	assert_int_equal(head.size, 3);
	mun_journal_closep(&copy);
	o.dir = "/nonexistent/journal";
	o.mode = MUN_JOURNAL_READ;
	assert_fails(mun_journal_open(&copy, &o, &p->err), MUN_E_JOURNAL, &p->err);
	assert_non_null(strstr(p->err.text, "muniment plan"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_processes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rebuild, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
		cmocka_unit_test_setup_teardown(test_backup, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
