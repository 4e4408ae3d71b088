/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that do not fit the entries are found and made anew; one descriptor of the data file. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "journal/anew.h"
#include "journal/query.h"
#include "journal/verify.h"
#include "lib/store_impl.h"
#include "tests/journal/history_sample.h"
#include "tests/journal/signed_place.h"

static struct mun_txn *begin(struct sample *s)
{
	struct mun_txn *t = NULL;
	struct mun_err err = { 0 };

	assert_ok(mun_store_write(&t, mun_journal_store(s->j), &err), &err);
	return t;
}

static void commit(struct mun_txn *t)
{
	struct mun_err err = { 0 };

	assert_ok(mun_txn_commit(t, &err), &err);
}

static void verify(struct mun_journal *j)
{
	const struct mun_verify_options tables = { .tables_only = true };
	struct mun_verdict_report r;
	struct mun_err err = { 0 };

	assert_ok(mun_verify_journal(j, &tables, &r, &err), &err);
	assert_int_equal(r.result, MUN_VERIFIED);
	mun_verdict_report_done(&r);
}

/* Checks the tables; table: the one that does not fit, or NULL. */
static void check(struct sample *s, const char *table)
{
	const struct mun_verify_options tables = { .tables_only = true };
	struct mun_verdict_report r;
	struct mun_err err = { 0 };
	bool found = false;

	assert_ok(mun_verify_journal(s->j, &tables, &r, &err), &err);
	for (size_t i = 0; table && i < r.findings_len; i++)
		found |= strstr(r.findings[i].what, table) != NULL &&
		         strstr(r.findings[i].what, "muniment journal rebuild") != NULL;
	assert_int_equal(found, table != NULL);
	assert_int_equal(r.result, table ? MUN_VERIFY_FAILED : MUN_VERIFIED);
	mun_verdict_report_done(&r);
}

static void mend(struct sample *s)
{
	struct mun_err err = { 0 };

	assert_ok(mun_journal_rebuild(s->j, &err), &err);
	check(s, NULL);
}

static const unsigned projections[] = {
	MUN_T_PLAN,     MUN_T_PLAN_ORDER, MUN_T_BATCH,   MUN_T_BATCH_ORDER, MUN_T_ITEM, MUN_T_OPEN,
	MUN_T_EXCHANGE, MUN_T_BY_RUN,     MUN_T_BY_TIME, MUN_T_BY_BATCH,    MUN_T_KEY,
};

static void test_lost_tables_come_back(void **state)
{
	struct sample *s = *state;
	struct mun_err err = { 0 };
	struct mun_txn *t;
	char name[64];

	check(s, NULL);
	for (size_t i = 0; i < MUN_ARRAY_LEN(projections); i++) {
		t = begin(s);
		assert_ok(mun_txn_clear(t, projections[i], &err), &err);
		commit(t);
		(void)snprintf(name, sizeof(name), "table %s ", mun_table_names[projections[i]]);
		check(s, name);
		mend(s);
	}
	t = begin(s);
	for (size_t i = 0; i < MUN_ARRAY_LEN(projections); i++)
		assert_ok(mun_txn_clear(t, projections[i], &err), &err);
	commit(t);
	mend(s);
}

static void test_surplus_rows_go(void **state)
{
	static const char key[100] = "a key that no table has";
	struct sample *s = *state;
	struct mun_err err = { 0 };
	struct mun_key early = mun_key_run(&s->org, &s->run[0], &s->batch, 0);
	char name[64];

	for (size_t i = 0; i < MUN_ARRAY_LEN(projections); i++) {
		struct mun_txn *t = begin(s);
		assert_ok(mun_txn_put(t, projections[i], mun_val(key, sizeof(key)), mun_val("x", 1),
		                      &err),
		          &err);
		if (projections[i] == MUN_T_BY_RUN)
			assert_ok(mun_txn_put(t, MUN_T_BY_RUN, mun_key_val(&early), mun_val("", 0),
			                      &err),
			          &err);
		commit(t);
		(void)snprintf(name, sizeof(name), "table %s ", mun_table_names[projections[i]]);
		check(s, name);
		mend(s);
	}
}

/* The last byte of the first row of each table that has values. */
static void test_changed_rows_are_mended(void **state)
{
	struct sample *s = *state;
	struct mun_err err = { 0 };
	char name[64];

	for (size_t i = 0; i < MUN_ARRAY_LEN(projections); i++) {
		struct mun_txn *t = begin(s);
		struct mun_iter *it = NULL;
		struct mun_val k, v;
		char key[64], row[MUN_ROW_MAX];

		assert_ok(mun_iter_open(&it, t, projections[i], &err), &err);
		assert_ok(mun_iter_seek(it, mun_val(NULL, 0), &k, &v, &err), &err);
		memcpy(key, k.data, k.len);
		memcpy(row, v.data, v.len);
		row[v.len > 0 ? v.len - 1 : 0] ^= 1;
		k = mun_val(key, k.len);
		v = mun_val(row, v.len > 0 ? v.len : 1);
		mun_iter_closep(&it);
		assert_ok(mun_txn_put(t, projections[i], k, v, &err), &err);
		commit(t);
		(void)snprintf(name, sizeof(name), "table %s ", mun_table_names[projections[i]]);
		check(s, name);
		mend(s);
	}
}

/* Another process is storing a list: its rows are early, not surplus. */
static void test_list_at_work_is_left_alone(void **state)
{
	struct sample *s = *state;
	const struct mun_ref plan = { { 9, 9 } };
	const struct mun_plan_row row = { .run = s->run[1], .line = 1 };
	struct mun_key key = mun_key_run(&s->org, &s->run[1], &plan, 0);
	struct mun_err err = { 0 };
	struct mun_val v;

	assert_ok(mun_journal_plan_rows(s->j, &plan, 0, &s->org, &row, 1, &err), &err);
	mend(s);
	struct mun_txn *t = begin(s);
	assert_ok(mun_txn_get(t, MUN_T_BY_RUN, mun_key_val(&key), &v, &err), &err);
	mun_txn_abortp(&t);
}

static void test_damaged_entry_stops_the_rebuild(void **state)
{
	const struct mun_verify_options tables = { .tables_only = true };
	struct sample *s = *state;
	struct mun_key key = mun_key_u64(4);
	struct mun_err err = { 0 };
	struct mun_verdict_report r;

	struct mun_txn *t = begin(s);
	assert_ok(mun_txn_put(t, MUN_T_LOG, mun_key_val(&key), mun_val("{}", 2), &err), &err);
	assert_ok(mun_txn_clear(t, MUN_T_OPEN, &err), &err);
	commit(t);
	assert_fails(mun_journal_rebuild(s->j, &err), MUN_E_CORRUPT, &err);
	assert_non_null(strstr(err.text, "entry #4"));
	assert_ok(mun_verify_journal(s->j, &tables, &r, &err), &err);
	assert_int_equal(r.first_bad, 4);
	mun_verdict_report_done(&r);
}

static unsigned files_in(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	assert_non_null(dir);
	for (struct dirent *d = readdir(dir); d; d = readdir(dir))
		n += d->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

static void test_scratch_tables_have_no_name(void **state)
{
	struct sample *s = *state;
	struct mun_anew a;
	struct mun_err err = { 0 };
	char folder[160];

	(void)snprintf(folder, sizeof(folder), "%s.tmp", s->dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(setenv("TMPDIR", folder, 1), 0);
	assert_ok(mun_anew_open(&a, &err), &err);
	assert_int_equal(files_in(folder), 0); /* nothing for a killed process to leave */
	assert_ok(mun_anew_fold(&a, mun_journal_store(s->j), SAMPLE_SIZE, &err), &err);
	assert_int_equal(a.size, SAMPLE_SIZE);
	assert_int_equal(files_in(folder), 0);
	mun_anew_done(&a);
	assert_int_equal(rmdir(folder), 0);
	assert_fails(mun_anew_open(&a, &err), MUN_E_IO, &err);
	assert_non_null(strstr(err.text, "TMPDIR"));
	mun_anew_done(&a);
	assert_int_equal(unsetenv("TMPDIR"), 0);
}

/* Descriptors of path that this process has. */
static unsigned descriptors(const char *path)
{
	char link[64], target[512];
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++) {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t len = readlink(link, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		n += strcmp(target, path) == 0;
	}
	return n;
}

struct census {
	struct sample *s;
	unsigned expected, rows;
};

/*
 * LMDB itself holds one to read and write, one for its meta pages. A further one, once closed,
 * would take the locks of the first away. While rows are delivered no transaction is open: a
 * reader that waits for its pager would make the file grow.
 */
static void census(struct census *c)
{
	const struct mun_store *store = mun_journal_store(c->s->j);

	c->rows++;
	assert_int_equal(descriptors(mun_store_path(store)), c->expected);
	assert_int_equal(store->open_txns, 0);
}

static enum mun_code on_attempt(void *arg, const struct mun_history_row *r, struct mun_err *err)
{
	(void)r;
	(void)err;
	census(arg);
	return MUN_OK;
}

static enum mun_code on_item(void *arg, const struct mun_item_row *r, struct mun_err *err)
{
	(void)r;
	(void)err;
	census(arg);
	return MUN_OK;
}

static enum mun_code on_entry(void *arg, uint64_t seq, const char *line, size_t len,
                              const struct mun_entry *e, struct mun_err *err)
{
	(void)seq;
	(void)line;
	(void)len;
	(void)e;
	(void)err;
	census(arg);
	return MUN_OK;
}

static enum mun_code on_place(void *arg, const struct mun_place *place, struct mun_err *err)
{
	(void)place;
	(void)err;
	census(arg);
	return MUN_OK;
}

static void test_data_file_is_opened_once(void **state)
{
	const struct mun_filter all = { .since_us = MUN_TIME_NONE,
		                        .until_us = MUN_TIME_NONE,
		                        .after_seq = MUN_NO_SEQ,
		                        .limit = 2 };
	struct sample *s = *state;
	struct census c = { .s = s, .expected = 2 };
	struct mun_err err = { 0 };
	char path[160], copy[160], command[400];

	(void)snprintf(path, sizeof(path), "%s", mun_store_path(mun_journal_store(s->j)));
	census(&c);
	assert_ok(mun_query_history(s->j, &all, on_attempt, &c, &err), &err);
	assert_ok(mun_query_items(s->j, &s->batch, &all, false, on_item, &c, &err), &err);
	assert_ok(mun_query_log(s->j, &all, on_entry, &c, &err), &err);
	assert_ok(mun_journal_each_place(s->j, &s->org, &s->run[0], on_place, &c, &err), &err);
	assert_int_equal(c.rows, 1 + 2 + 2 + 2 + 1);
	mend(s);
	(void)snprintf(copy, sizeof(copy), "%s.copy", s->dir);
	assert_ok(mun_journal_backup(s->j, copy, &err), &err);
	census(&c);
	mun_journal_closep(&s->j);
	assert_int_equal(descriptors(path), 0);
	sample_open(s, MUN_JOURNAL_READ);
	assert_int_equal(descriptors(path), 1);
	(void)snprintf(command, sizeof(command), "rm -rf %s", copy);
	assert_int_equal(system(command), 0);
}

static void test_a_rebuild_keeps_what_was_signed(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	struct mun_anchor a = { .size = 2, .stamp = "abc", .stamp_len = 3, .by = "w" };
	struct mun_txn *t = NULL;
	struct mun_vkey key;
	uint64_t seq;

	mun_signed_init(&s);
	place_add_key(p, 0);
	place_sign(p, 0, &s);
	assert_ok(mun_checkpoint_anchor(p->j, &a, &p->err), &p->err);
	place_add_key(p, 1);
	assert_ok(mun_store_write(&t, mun_journal_store(p->j), &p->err), &p->err);
	assert_ok(mun_txn_clear(t, MUN_T_KEY, &p->err), &p->err);
	assert_ok(mun_txn_commit(t, &p->err), &p->err);
	assert_fails(mun_journal_key(p->j, MUN_NO_SEQ, &key, &seq, &p->err), MUN_E_NOTFOUND,
	             &p->err);
	assert_ok(mun_journal_rebuild(p->j, &p->err), &p->err);
	assert_ok(mun_journal_key(p->j, 3, &key, &seq, &p->err), &p->err);
	assert_true(seq == 1 && mun_vkey_equal(&key, &p->key[0]));
	assert_ok(mun_journal_key(p->j, MUN_NO_SEQ, &key, &seq, &p->err), &p->err);
	assert_true(seq == 3 && mun_vkey_equal(&key, &p->key[1]));
	assert_ok(mun_checkpoint_newest(p->j, MUN_NO_SEQ, &s, &p->err), &p->err);
	assert_true(s.size == 2 && s.stamps_len == 1);
	verify(p->j);
}

/* A journal of before these tables: read as it is, and they are made by the first writer. */
static void test_a_journal_without_the_tables(void **state)
{
	struct place *p = *state;
	const char *names[MUN_TABLES];
	MUN_CLEANUP(mun_store_closep) struct mun_store *store = NULL;
	struct mun_store_options o = { .tables = names };
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct mun_txn *to = NULL, *from = NULL;
	unsigned tables[MUN_TABLES];
	struct mun_vkey key;
	char old[80];
	uint64_t seq;

	mun_signed_init(&s);
	for (unsigned i = 0; i < MUN_TABLES; i++) {
		if (i == MUN_T_KEY || i == MUN_T_CHECKPOINT)
			continue;
		tables[o.tables_len] = i;
		names[o.tables_len++] = mun_table_names[i];
	}
	(void)snprintf(old, sizeof(old), "mkdir %s.old", p->dir);
	assert_int_equal(system(old), 0);
	(void)snprintf(old, sizeof(old), "%s.old", p->dir);
	assert_ok(mun_store_open(&store, old, &o, &p->err), &p->err);
	assert_ok(mun_store_write(&to, store, &p->err), &p->err);
	assert_ok(mun_store_read(&from, mun_journal_store(p->j), &p->err), &p->err);
	for (unsigned i = 0; i < o.tables_len; i++) {
		MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
		struct mun_val k, v;
		enum mun_code code = mun_iter_open(&it, from, tables[i], &p->err);

		if (code == MUN_OK)
			code = mun_iter_seek(it, mun_val(NULL, 0), &k, &v, &p->err);
		while (code == MUN_OK) {
			assert_ok(mun_txn_put(to, i, k, v, &p->err), &p->err);
			code = mun_iter_next(it, &k, &v, &p->err);
		}
		assert_int_equal(code, MUN_E_NOTFOUND);
	}
	mun_txn_abortp(&from);
	assert_ok(mun_txn_commit(to, &p->err), &p->err);
	mun_store_closep(&store);
	(void)snprintf(p->dir + strlen(p->dir), 5, ".old");
	place_open(p, MUN_JOURNAL_READ);
	assert_fails(mun_journal_key(p->j, MUN_NO_SEQ, &key, &seq, &p->err), MUN_E_NOTFOUND,
	             &p->err);
	assert_fails(mun_checkpoint_newest(p->j, MUN_NO_SEQ, &s, &p->err), MUN_E_NOTFOUND, &p->err);
	verify(p->j);
	place_open(p, MUN_JOURNAL_WRITE);
	place_add_key(p, 0);
	place_sign(p, 0, &s);
	place_check(p, &s, 0);
	verify(p->j);
	p->dir[strlen(p->dir) - 4] = '\0';
}

/* The sample with a row in every table. */
static int setup(void **state)
{
	struct mun_entry e = { .kind = MUN_K_KEY_ADDED, .item = MUN_NO_ITEM };

	(void)sample_setup(state);
	e.u.key.vkey = "muniment/box-00112233+8a4e1c2f+AQID";
	e.u.key.reason = "first";
	e.u.key.operator_ = sample_operator;
	sample_append(*state, &e);
	return 0;
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, sample_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_lost_tables_come_back),
		CASE(test_surplus_rows_go),
		CASE(test_changed_rows_are_mended),
		CASE(test_list_at_work_is_left_alone),
		CASE(test_damaged_entry_stops_the_rebuild),
		CASE(test_scratch_tables_have_no_name),
		CASE(test_data_file_is_opened_once),
		cmocka_unit_test_setup_teardown(test_a_rebuild_keeps_what_was_signed, place_setup,
		                                place_teardown),
		cmocka_unit_test_setup_teardown(test_a_journal_without_the_tables, place_setup,
		                                place_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
