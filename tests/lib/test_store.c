/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/store.h"
#include "tests/test.h"

enum {
	ALPHA,
	BETA,
	TABLES
};
static const char *const names[] = { "alpha", "beta" };
static const struct mun_store_options both = { .tables = names, .tables_len = TABLES };

static char folder[64];
static struct mun_err err;

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/test-store-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int drop_folder(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static const char *in_folder(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static struct mun_val str(const char *s)
{
	return mun_val(s, strlen(s));
}

static void put_one(struct mun_store *s, const char *key, const char *value)
{
	struct mun_txn *t = NULL;

	assert_ok(mun_store_write(&t, s, &err), &err);
	assert_ok(mun_txn_put(t, ALPHA, str(key), str(value), &err), &err);
	assert_ok(mun_txn_commit(t, &err), &err);
}

static bool has(struct mun_store *s, const char *key, const char *value)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_val v;
	enum mun_code code;

	assert_ok(mun_store_read(&t, s, &err), &err);
	code = mun_txn_get(t, ALPHA, str(key), &v, &err);
	return code == MUN_OK && v.len == strlen(value) && memcmp(v.data, value, v.len) == 0;
}

static void test_values_survive_reopening(void **state)
{
	struct mun_store *s = NULL;
	struct stat st;

	(void)state;
	assert_ok(mun_store_open(&s, folder, &both, &err), &err);
	put_one(s, "k", "v");
	assert_true(has(s, "k", "v"));
	assert_false(has(s, "other", "v"));
	mun_store_closep(&s);
	assert_int_equal(stat(in_folder("data.mdb"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(in_folder("lock.mdb"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_ok(mun_store_open(&s, folder, &both, &err), &err);
	assert_true(has(s, "k", "v"));
	mun_store_closep(&s);
}

static void test_an_aborted_transaction_leaves_nothing(void **state)
{
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;

	(void)state;
	assert_ok(mun_store_open(&s, folder, &both, &err), &err);
	assert_ok(mun_store_write(&t, s, &err), &err);
	assert_ok(mun_txn_put(t, ALPHA, str("k"), str("v"), &err), &err);
	mun_txn_abortp(&t);
	assert_null(t);
	assert_false(has(s, "k", "v"));
	mun_store_closep(&s);
}

static void test_append_delete_clear_count(void **state)
{
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;

	(void)state;
	assert_ok(mun_store_open(&s, folder, &both, &err), &err);
	assert_ok(mun_store_write(&t, s, &err), &err);
	assert_ok(mun_txn_append(t, BETA, str("a"), str("1"), &err), &err);
	assert_ok(mun_txn_append(t, BETA, str("b"), str("2"), &err), &err);
	assert_fails(mun_txn_append(t, BETA, str("a"), str("3"), &err), MUN_E_CORRUPT, &err);
	mun_txn_abortp(&t);
	assert_ok(mun_store_write(&t, s, &err), &err);
	assert_ok(mun_txn_append(t, BETA, str("a"), str("1"), &err), &err);
	assert_ok(mun_txn_append(t, BETA, str("b"), str("2"), &err), &err);
	assert_int_equal(mun_txn_count(t, BETA), 2);
	assert_ok(mun_txn_delete(t, BETA, str("a"), &err), &err);
	assert_int_equal(mun_txn_delete(t, BETA, str("a"), NULL), MUN_E_NOTFOUND);
	assert_int_equal(mun_txn_count(t, BETA), 1);
	assert_ok(mun_txn_clear(t, BETA, &err), &err);
	assert_int_equal(mun_txn_count(t, BETA), 0);
	assert_ok(mun_txn_commit(t, &err), &err);
	mun_store_closep(&s);
}

static void test_a_cursor_walks_both_ways(void **state)
{
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;
	struct mun_iter *it = NULL;
	struct mun_val k;
	struct mun_val v;

	(void)state;
	assert_ok(mun_store_open(&s, folder, &both, &err), &err);
	put_one(s, "b", "1");
	put_one(s, "d", "2");
	put_one(s, "f", "3");
	assert_ok(mun_store_read(&t, s, &err), &err);
	assert_ok(mun_iter_open(&it, t, ALPHA, &err), &err);
	assert_ok(mun_iter_seek(it, str("c"), &k, &v, &err), &err);
	assert_memory_equal(k.data, "d", 1);
	assert_ok(mun_iter_next(it, &k, &v, &err), &err);
	assert_memory_equal(v.data, "3", 1);
	assert_int_equal(mun_iter_next(it, &k, &v, &err), MUN_E_NOTFOUND);
	assert_ok(mun_iter_seek_last(it, str("e"), &k, &v, &err), &err);
	assert_memory_equal(k.data, "d", 1);
	assert_ok(mun_iter_seek_last(it, str("d"), &k, &v, &err), &err);
	assert_memory_equal(v.data, "2", 1);
	assert_ok(mun_iter_seek_last(it, str("z"), &k, &v, &err), &err);
	assert_memory_equal(k.data, "f", 1);
	assert_ok(mun_iter_seek_last(it, str(""), &k, &v, &err), &err);
	assert_memory_equal(k.data, "f", 1);
	assert_ok(mun_iter_prev(it, &k, &v, &err), &err);
	assert_memory_equal(k.data, "d", 1);
	assert_int_equal(mun_iter_seek_last(it, str("a"), &k, &v, &err), MUN_E_NOTFOUND);
	assert_ok(mun_iter_seek(it, str(""), &k, &v, &err), &err);
	assert_memory_equal(k.data, "b", 1);
	mun_iter_closep(&it);
	mun_txn_abortp(&t);
	mun_store_closep(&s);
}

static void test_read_only_takes_a_missing_table_as_empty(void **state)
{
	struct mun_store_options one = { .tables = names, .tables_len = 1 };
	struct mun_store_options reading = both;
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;
	struct mun_iter *it = NULL;
	struct mun_val k;
	struct mun_val v;

	(void)state;
	reading.read_only = true;
	assert_fails(mun_store_open(&s, folder, &reading, &err), MUN_E_NOTFOUND, &err);
	assert_int_not_equal(access(in_folder("data.mdb"), F_OK), 0);
	assert_ok(mun_store_open(&s, folder, &one, &err), &err);
	put_one(s, "k", "v");
	mun_store_closep(&s);
	for (int no_lock = 0; no_lock < 2; no_lock++) {
		reading.no_lock = no_lock == 1;
		assert_ok(mun_store_open(&s, folder, &reading, &err), &err);
		assert_true(has(s, "k", "v"));
		assert_ok(mun_store_read(&t, s, &err), &err);
		assert_int_equal(mun_txn_get(t, BETA, str("k"), &v, &err), MUN_E_NOTFOUND);
		assert_int_equal(mun_txn_count(t, BETA), 0);
		assert_ok(mun_iter_open(&it, t, BETA, &err), &err);
		assert_int_equal(mun_iter_seek(it, str(""), &k, &v, &err), MUN_E_NOTFOUND);
		assert_int_equal(mun_iter_next(it, &k, &v, &err), MUN_E_NOTFOUND);
		mun_iter_closep(&it);
		mun_txn_abortp(&t);
		assert_fails(mun_store_write(&t, s, &err), MUN_E_INTERNAL, &err);
		mun_store_closep(&s);
	}
}

static void fill_until_full(struct mun_store *s)
{
	static const char block[50000];
	struct mun_txn *t = NULL;
	enum mun_code code = MUN_OK;

	for (uint32_t i = 0; code == MUN_OK && i < 1000; i++) {
		assert_ok(mun_store_write(&t, s, &err), &err);
		code = mun_txn_put(t, ALPHA, mun_val(&i, sizeof(i)), mun_val(block, sizeof(block)),
		                   &err);
		if (code == MUN_OK)
			code = mun_txn_commit(MUN_STEAL(t), &err);
		mun_txn_abortp(&t);
	}
	assert_int_equal(code, MUN_E_FULL);
	assert_int_equal(err.code, MUN_E_FULL);
}

static void test_a_full_map_is_told_and_grows(void **state)
{
	struct mun_store_options small = both;
	struct mun_store_info info;
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;

	(void)state;
	small.map_bytes = (size_t)2 << 20;
	assert_ok(mun_store_open(&s, folder, &small, &err), &err);
	fill_until_full(s);
	assert_ok(mun_store_read(&t, s, &err), &err);
	assert_fails(mun_store_reserve(s, (size_t)8 << 20, &err), MUN_E_INTERNAL, &err);
	mun_txn_abortp(&t);
	assert_ok(mun_store_reserve(s, (size_t)8 << 20, &err), &err);
	put_one(s, "after", "growth");
	assert_true(has(s, "after", "growth"));
	assert_ok(mun_store_info(s, &info, &err), &err);
	assert_true(info.map_bytes >= info.used_bytes + ((size_t)8 << 20));
	assert_int_equal(info.file_bytes % ((size_t)16 << 20), 0);
	mun_store_closep(&s);
}

static void test_no_room_on_disk_is_told_before_writing(void **state)
{
	struct mun_store *s = NULL;

	(void)state;
	assert_ok(mun_store_open(&s, folder, &both, &err), &err);
	assert_fails(mun_store_reserve(s, (size_t)1 << 50, &err), MUN_E_FULL, &err);
	assert_non_null(strstr(err.text, "bytes"));
	put_one(s, "still", "works");
	assert_true(has(s, "still", "works"));
	mun_store_closep(&s);
}

static void copy_file(const char *from, const char *to)
{
	char command[300];

	(void)snprintf(command, sizeof(command), "cp '%s/%s' '%s/%s'", folder, from, folder, to);
	assert_int_equal(system(command), 0);
}

static void move_file(const char *from, const char *to)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, from);
	assert_int_equal(rename(path, in_folder(to)), 0);
}

static void test_a_lost_file_is_noticed(void **state)
{
	static const char *const files[] = { "data.mdb", "lock.mdb" };
	struct mun_store *s = NULL;
	char kept[128];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_ok(mun_store_open(&s, folder, &both, &err), &err);
		put_one(s, "k", "v");
		assert_ok(mun_store_still_there(s, &err), &err);
		move_file(files[i], "away");
		assert_fails(mun_store_still_there(s, &err), MUN_E_CORRUPT, &err);
		assert_non_null(strstr(err.text, files[i]));
		copy_file("away", files[i]);
		assert_fails(mun_store_still_there(s, &err), MUN_E_CORRUPT, &err);
		move_file("away", files[i]);
		assert_ok(mun_store_still_there(s, &err), &err);
		(void)snprintf(kept, sizeof(kept), "%s/linked", folder);
		assert_int_equal(link(in_folder(files[i]), kept), 0);
		assert_fails(mun_store_still_there(s, &err), MUN_E_CORRUPT, &err);
		assert_int_equal(unlink(kept), 0);
		assert_ok(mun_store_still_there(s, &err), &err);
		assert_int_equal(unlink(in_folder(files[i])), 0);
		assert_fails(mun_store_still_there(s, &err), MUN_E_CORRUPT, &err);
		mun_store_closep(&s);
	}
}

/* Child of the two-process test: writes its keys one commit each, growing the map by itself. */
static int write_as(char who, bool grow)
{
	static const char block[4000];
	struct mun_store *s = NULL;
	enum mun_code code = mun_store_open(&s, folder, &both, &err);

	if (code == MUN_OK && grow)
		code = mun_store_reserve(s, (size_t)100 << 20, &err);
	for (int i = 0; code == MUN_OK && i < 100; i++) {
		struct mun_txn *t = NULL;
		char key[16];

		(void)snprintf(key, sizeof(key), "%c%03d", who, i);
		code = mun_store_write(&t, s, &err);
		if (code == MUN_OK)
			code = mun_txn_put(t, ALPHA, str(key), mun_val(block, sizeof(block)), &err);
		if (code == MUN_OK)
			code = mun_txn_commit(MUN_STEAL(t), &err);
		mun_txn_abortp(&t);
	}
	mun_store_closep(&s);
	return (int)code;
}

static void test_two_processes_write_side_by_side(void **state)
{
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;
	pid_t pids[2];
	int status;

	(void)state;
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(write_as((char)('a' + i), i == 1));
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_ok(mun_store_open(&s, folder, &both, &err), &err);
	assert_ok(mun_store_read(&t, s, &err), &err);
	assert_int_equal(mun_txn_count(t, ALPHA), 200);
	mun_txn_abortp(&t);
	mun_store_closep(&s);
}

/* The other process grows the map and fills it past ours while we hold the file open. */
static void test_a_map_grown_elsewhere_is_adopted(void **state)
{
	struct mun_store_options small = both;
	struct mun_store *s = NULL;
	int fds[2];
	int status;
	char byte = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	small.map_bytes = (size_t)1 << 20;
	pid = fork();
	if (pid == 0) {
		static char block[3 << 20];
		struct mun_txn *t = NULL;
		enum mun_code code = MUN_OK;

		if (read(fds[0], &byte, 1) != 1)
			_exit(99);
		code = mun_store_open(&s, folder, &small, &err);
		if (code == MUN_OK)
			code = mun_store_reserve(s, sizeof(block), &err);
		if (code == MUN_OK)
			code = mun_store_write(&t, s, &err);
		if (code == MUN_OK)
			code = mun_txn_put(t, ALPHA, str("big"), mun_val(block, sizeof(block)),
			                   &err);
		if (code == MUN_OK)
			code = mun_txn_commit(t, &err);
		mun_store_closep(&s);
		_exit((int)code);
	}
	assert_ok(mun_store_open(&s, folder, &small, &err), &err);
	put_one(s, "k", "v");
	assert_int_equal(write(fds[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(has(s, "k", "v"));
	put_one(s, "k2", "v2");
	assert_true(has(s, "k2", "v2"));
	mun_store_closep(&s);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_use_after_fork_is_refused(void **state)
{
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;
	int status;
	pid_t pid;

	(void)state;
	assert_ok(mun_store_open(&s, folder, &both, &err), &err);
	pid = fork();
	if (pid == 0)
		_exit(mun_store_read(&t, s, &err) == MUN_E_INTERNAL ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	mun_store_closep(&s);
}

static void test_too_many_readers_are_named(void **state)
{
	struct mun_store_options few = both;
	struct mun_store *s = NULL;
	struct mun_txn *t[3] = { NULL };
	char pid[32];

	(void)state;
	few.max_readers = 2;
	assert_ok(mun_store_open(&s, folder, &few, &err), &err);
	assert_ok(mun_store_read(&t[0], s, &err), &err);
	assert_ok(mun_store_read(&t[1], s, &err), &err);
	assert_fails(mun_store_read(&t[2], s, &err), MUN_E_BUSY, &err);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_non_null(strstr(err.text, pid));
	mun_txn_abortp(&t[0]);
	mun_txn_abortp(&t[1]);
	mun_store_closep(&s);
}

static void test_a_copy_is_whole_and_private(void **state)
{
	struct mun_store *s = NULL;
	struct stat st;
	char copy[128];

	(void)state;
	(void)snprintf(copy, sizeof(copy), "%s/copy", folder);
	assert_int_equal(mkdir(copy, 0700), 0);
	assert_ok(mun_store_open(&s, folder, &both, &err), &err);
	assert_ok(mun_store_reserve(s, 1000, &err), &err);
	put_one(s, "k", "v");
	assert_ok(mun_store_copy(s, copy, &err), &err);
	assert_fails(mun_store_copy(s, copy, &err), MUN_E_IO, &err);
	mun_store_closep(&s);
	assert_int_equal(stat(in_folder("copy/data.mdb"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_size < 1 << 20);
	assert_ok(mun_store_open(&s, copy, &both, &err), &err);
	assert_true(has(s, "k", "v"));
	mun_store_closep(&s);
}

static void test_a_foreign_file_is_refused(void **state)
{
	struct mun_store *s = NULL;
	FILE *f = fopen(in_folder("data.mdb"), "w");

	(void)state;
	assert_non_null(f);
	for (int i = 0; i < 10000; i++)
		(void)fputc('x', f);
	(void)fclose(f);
	assert_fails(mun_store_open(&s, folder, &both, &err), MUN_E_CORRUPT, &err);
	assert_null(s);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_values_survive_reopening),
		IN_FOLDER(test_an_aborted_transaction_leaves_nothing),
		IN_FOLDER(test_append_delete_clear_count),
		IN_FOLDER(test_a_cursor_walks_both_ways),
		IN_FOLDER(test_read_only_takes_a_missing_table_as_empty),
		IN_FOLDER(test_a_full_map_is_told_and_grows),
		IN_FOLDER(test_no_room_on_disk_is_told_before_writing),
		IN_FOLDER(test_a_lost_file_is_noticed),
		IN_FOLDER(test_two_processes_write_side_by_side),
		IN_FOLDER(test_a_map_grown_elsewhere_is_adopted),
		IN_FOLDER(test_use_after_fork_is_refused),
		IN_FOLDER(test_too_many_readers_are_named),
		IN_FOLDER(test_a_copy_is_whole_and_private),
		IN_FOLDER(test_a_foreign_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
