/* SPDX-License-Identifier: Apache-2.0 */
/* Formats of other versions, files that are damaged, missing or no journal at all. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/handle.h"
#include "lib/cursor.h"
#include "tests/journal/history_sample.h"

static void set_format(struct sample *s, uint32_t version, uint32_t min_reader, uint32_t min_writer)
{
	struct mun_txn *t = NULL;
	struct mun_err err = { 0 };
	uint8_t row[12];

	mun_put_u32(row, version);
	mun_put_u32(row + 4, min_reader);
	mun_put_u32(row + 8, min_writer);
	assert_ok(mun_store_write(&t, mun_journal_store(s->j), &err), &err);
	assert_ok(mun_txn_put(t, MUN_T_META, mun_text_val(MUN_META_FORMAT), mun_val(row, 12), &err),
	          &err);
	assert_ok(mun_txn_commit(t, &err), &err);
}

static enum mun_code try_open(const char *dir, enum mun_journal_mode mode, struct mun_err *err)
{
	const struct mun_journal_options o = { .dir = dir, .mode = mode, .version = "0.1.0" };
	struct mun_journal *j = NULL;

	enum mun_code code = mun_journal_open(&j, &o, err);
	mun_journal_closep(&j);
	return code;
}

static void test_newer_for_writers_can_be_read(void **state)
{
	struct sample *s = *state;
	struct mun_err err = { 0 };

	set_format(s, MUN_FORMAT_VERSION + 1, MUN_FORMAT_VERSION, MUN_FORMAT_VERSION + 1);
	mun_journal_closep(&s->j);
	assert_ok(try_open(s->dir, MUN_JOURNAL_READ, &err), &err);
	assert_fails(try_open(s->dir, MUN_JOURNAL_WRITE, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "format 2 is needed to write it, this program knows 1"));
	assert_fails(try_open(s->dir, MUN_JOURNAL_CREATE, &err), MUN_E_JOURNAL, &err);
	assert_fails(try_open(s->dir, MUN_JOURNAL_REBUILD, &err), MUN_E_JOURNAL, &err);
}

static void test_newer_for_readers_is_named(void **state)
{
	struct sample *s = *state;
	struct mun_err err = { 0 };

	set_format(s, 3, 3, 3);
	mun_journal_closep(&s->j);
	assert_fails(try_open(s->dir, MUN_JOURNAL_READ, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "format 3 is needed to read it, this program knows 1"));
	assert_non_null(strstr(err.text, "newer muniment"));
}

/* A version that only adds what this program can overlook. */
static void test_newer_that_allows_us_is_used(void **state)
{
	struct sample *s = *state;
	struct mun_err err = { 0 };

	set_format(s, 2, 1, 1);
	mun_journal_closep(&s->j);
	assert_ok(try_open(s->dir, MUN_JOURNAL_WRITE, &err), &err);
	sample_open(s, MUN_JOURNAL_REBUILD);
	assert_ok(mun_journal_rebuild(s->j, &err), &err);
	mun_journal_closep(&s->j);
	sample_open(s, MUN_JOURNAL_WRITE);
	assert_int_equal(s->j->format, 2); /* never lowered */
}

static void test_older_is_read_and_rebuilt_on_demand(void **state)
{
	struct sample *s = *state;
	struct mun_err err = { 0 };

	set_format(s, 0, 0, 0);
	mun_journal_closep(&s->j);
	assert_ok(try_open(s->dir, MUN_JOURNAL_READ, &err), &err);
	assert_fails(try_open(s->dir, MUN_JOURNAL_WRITE, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "it has format 0, this program writes 1"));
	assert_non_null(strstr(err.text, "muniment journal rebuild"));
	assert_fails(try_open(s->dir, MUN_JOURNAL_CREATE, &err), MUN_E_JOURNAL, &err);
	sample_open(s, MUN_JOURNAL_REBUILD);
	assert_ok(mun_journal_rebuild(s->j, &err), &err);
	mun_journal_closep(&s->j);
	sample_open(s, MUN_JOURNAL_WRITE);
	sample_request(s, 0, MUN_P_PROBE);
}

/* Another process raises the format while this one has the journal open. */
static void test_format_is_read_in_every_transaction(void **state)
{
	struct sample *s = *state;
	struct mun_entry e = { .kind = MUN_K_TOKEN_ADDED, .item = MUN_NO_ITEM };
	struct mun_entry request = { .kind = MUN_K_REQUEST,
		                     .item = MUN_NO_ITEM,
		                     .u.request = { .purpose = MUN_P_IDENTITY } };
	struct mun_group g = { .entries = &e, .len = 1 };
	struct mun_group requests = { .entries = &request, .len = 1 };
	struct mun_plan_row row = { .run = s->run[0], .line = 1 };
	const struct mun_ref other = { { 7 } };
	struct mun_err err = { 0 };
	struct mun_head head;

	set_format(s, 2, 1, 2);
	assert_fails(mun_journal_append(s->j, &g, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "format 2 is needed to write it"));
	assert_fails(mun_journal_append(s->j, &requests, &err), MUN_E_JOURNAL, &err);
	assert_fails(mun_journal_plan_rows(s->j, &other, 0, &s->org, &row, 1, &err), MUN_E_JOURNAL,
	             &err);
	assert_fails(mun_journal_rebuild(s->j, &err), MUN_E_JOURNAL, &err);
	assert_ok(mun_journal_head(s->j, &head, &err), &err);
	assert_int_equal(head.size, SAMPLE_SIZE);
	set_format(s, 0, 0, 0);
	assert_fails(mun_journal_append(s->j, &requests, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "muniment journal rebuild"));
}

/* A copy over it keeps the inode, and what is in the file goes back in time. */
static void test_older_copy_in_its_place_is_noticed(void **state)
{
	struct sample *s = *state;
	struct mun_entry e = { .kind = MUN_K_TOKEN_ADDED, .item = MUN_NO_ITEM };
	struct mun_group g = { .entries = &e, .len = 1 };
	struct mun_err err = { 0 };
	struct mun_head head;
	char command[400];

	(void)snprintf(command, sizeof(command), "cp %s/data.mdb %s/old", s->dir, s->dir);
	assert_int_equal(system(command), 0);
	sample_append(s, &e);
	assert_ok(mun_journal_head(s->j, &head, &err), &err);
	(void)snprintf(command, sizeof(command),
	               "dd if=%s/old of=%s/data.mdb conv=notrunc bs=1M 2>/dev/null", s->dir,
	               s->dir);
	assert_int_equal(system(command), 0);
	assert_fails(mun_journal_append(s->j, &g, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "an older copy stands in its place"));
	assert_fails(mun_journal_head(s->j, &head, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "an older copy stands in its place"));
}

static void test_lost_format_is_damage(void **state)
{
	struct sample *s = *state;
	struct mun_txn *t = NULL;
	struct mun_err err = { 0 };

	assert_ok(mun_store_write(&t, mun_journal_store(s->j), &err), &err);
	assert_ok(mun_txn_delete(t, MUN_T_META, mun_text_val(MUN_META_FORMAT), &err), &err);
	assert_ok(mun_txn_commit(t, &err), &err);
	mun_journal_closep(&s->j);
	assert_fails(try_open(s->dir, MUN_JOURNAL_READ, &err), MUN_E_CORRUPT, &err);
	assert_fails(try_open(s->dir, MUN_JOURNAL_CREATE, &err), MUN_E_CORRUPT, &err);
}

static void test_missing_is_not_damaged(void **state)
{
	struct sample *s = *state;
	struct mun_err err = { 0 };
	char path[256];

	assert_fails(try_open("/nonexistent", MUN_JOURNAL_READ, &err), MUN_E_JOURNAL, &err);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", s->dir);
	mun_journal_closep(&s->j);
	if (geteuid() != 0) { /* who may read everything sees no difference */
		assert_int_equal(chmod(path, 0), 0);
		assert_fails(try_open(s->dir, MUN_JOURNAL_READ, &err), MUN_E_JOURNAL, &err);
		assert_int_equal(chmod(path, 0600), 0);
	}
	assert_int_equal(unlink(path), 0);
	assert_fails(try_open(s->dir, MUN_JOURNAL_READ, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "muniment plan"));
}

/* A data file of LMDB without our tables is somebody else's. */
static void test_foreign_is_not_damaged(void **state)
{
	static const char *const tables[] = { "other" };
	const struct mun_store_options o = { .tables = tables, .tables_len = 1 };
	struct mun_store *store = NULL;
	struct sample *s = *state;
	struct mun_err err = { 0 };
	char path[256];

	mun_journal_closep(&s->j);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", s->dir);
	assert_int_equal(unlink(path), 0);
	assert_ok(mun_store_open(&store, s->dir, &o, &err), &err);
	mun_store_closep(&store);
	assert_fails(try_open(s->dir, MUN_JOURNAL_READ, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "this is not a journal"));
}

/* Processes that were killed while they read leave their slots to others, at once. */
static void test_dead_readers_give_their_slots_back(void **state)
{
	static const char *const tables[] = { "log" };
	const struct mun_store_options o = { .tables = tables, .tables_len = 1, .max_readers = 2 };
	struct mun_store *store = NULL;
	struct mun_txn *t[2] = { NULL };
	struct sample *s = *state;
	struct mun_err err = { 0 };
	char path[256];

	mun_journal_closep(&s->j);
	(void)snprintf(path, sizeof(path), "%s/lock.mdb", s->dir);
	assert_int_equal(unlink(path), 0); /* a new one, for two readers */
	for (unsigned i = 0; i < 4; i++) {
		pid_t child = fork();
		if (child == 0) {
			if (mun_store_open(&store, s->dir, &o, &err) == MUN_OK &&
			    mun_store_read(&t[0], store, &err) == MUN_OK)
				(void)kill(getpid(), SIGKILL);
			_exit(1);
		}
		int status = 0;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
	}
	assert_ok(mun_store_open(&store, s->dir, &o, &err), &err);
	assert_ok(mun_store_read(&t[0], store, &err), &err);
	assert_ok(mun_store_read(&t[1], store, &err), &err);
	mun_txn_abortp(&t[0]);
	mun_txn_abortp(&t[1]);
	mun_store_closep(&store);
}

static void test_damaged_is_said(void **state)
{
	static const char text[] = "this was a journal once";
	struct sample *s = *state;
	struct mun_err err = { 0 };
	struct stat st;
	char path[256];

	mun_journal_closep(&s->j);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", s->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, 3 * 4096), 0);
	assert_fails(try_open(s->dir, MUN_JOURNAL_READ, &err), MUN_E_CORRUPT, &err);
	assert_non_null(strstr(err.text, "cut off"));
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_fails(try_open(s->dir, MUN_JOURNAL_READ, &err), MUN_E_CORRUPT, &err);
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	assert_fails(try_open(s->dir, MUN_JOURNAL_READ, &err), MUN_E_CORRUPT, &err);
	assert_int_equal(ftruncate(fd, 65536), 0);
	assert_fails(try_open(s->dir, MUN_JOURNAL_READ, &err), MUN_E_CORRUPT, &err);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_newer_for_writers_can_be_read),
		CASE(test_newer_for_readers_is_named),
		CASE(test_newer_that_allows_us_is_used),
		CASE(test_older_is_read_and_rebuilt_on_demand),
		CASE(test_format_is_read_in_every_transaction),
		CASE(test_older_copy_in_its_place_is_noticed),
		CASE(test_lost_format_is_damage),
		CASE(test_missing_is_not_damaged),
		CASE(test_foreign_is_not_damaged),
		CASE(test_dead_readers_give_their_slots_back),
		CASE(test_damaged_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
