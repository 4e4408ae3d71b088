/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/test.h"

static char folder[64];
static struct mun_err err;

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/test-file-XXXXXX");
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

static void test_replaced_files_are_whole_and_bounded_when_read(void **state)
{
	struct mun_buf b;
	struct stat st;
	DIR *dir;
	int names = 0;

	(void)state;
	mun_buf_init(&b, 10);
	assert_ok(mun_file_replace(in_folder("f"), "first", 5, 0644, &err), &err);
	assert_ok(mun_file_replace(in_folder("f"), "0123456789", 10, 0600, &err), &err);
	assert_ok(mun_file_read(&b, in_folder("f"), &err), &err);
	assert_string_equal(mun_buf_str(&b), "0123456789");
	assert_int_equal(stat(in_folder("f"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	dir = opendir(folder);
	assert_non_null(dir);
	while (readdir(dir) != NULL)
		names++;
	(void)closedir(dir);
	assert_int_equal(names, 3); /* . .. f: no temporary file is left */
	mun_buf_done(&b);
	assert_ok(mun_file_replace(in_folder("f"), "0123456789+", 11, 0600, &err), &err);
	assert_fails(mun_file_read(&b, in_folder("f"), &err), MUN_E_INPUT, &err);
	mun_buf_done(&b);
	assert_fails(mun_file_read(&b, in_folder("missing"), &err), MUN_E_IO, &err);
	assert_fails(mun_file_replace(in_folder("no/f"), "x", 1, 0600, &err), MUN_E_IO, &err);
	mun_buf_done(&b);
}

static void test_directories_are_made_with_their_parents(void **state)
{
	struct stat st;

	(void)state;
	assert_ok(mun_dir_make(in_folder("a/b//c/"), 0700, &err), &err);
	assert_ok(mun_dir_make(in_folder("a/b"), 0755, &err), &err);
	assert_int_equal(stat(in_folder("a/b/c"), &st), 0);
	assert_int_equal(stat(in_folder("a/b"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_ok(mun_file_replace(in_folder("f"), "", 0, 0600, &err), &err);
	assert_fails(mun_dir_make(in_folder("f/x"), 0700, &err), MUN_E_IO, &err);
}

static void test_one_process_holds_a_lock(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	bool held = true;
	char byte = 0;
	int to_child[2];
	int from_child[2];
	int fd = -1;
	pid_t pid;

	(void)state;
	mun_buf_init(&text, 4096);
	assert_fails(mun_lock_read(&text, &held, in_folder("l"), &err), MUN_E_NOTFOUND, &err);
	assert_int_equal(pipe(to_child), 0);
	assert_int_equal(pipe(from_child), 0);
	pid = fork();
	if (pid == 0) {
		bool ok = mun_lock_take(&fd, in_folder("l"), &err) == MUN_OK &&
		          mun_lock_write(fd, "a longer text", 13, &err) == MUN_OK &&
		          mun_lock_write(fd, "child", 5, &err) == MUN_OK &&
		          write(from_child[1], &byte, 1) == 1 && read(to_child[0], &byte, 1) == 1;

		_exit(ok ? 0 : 1);
	}
	assert_int_equal(read(from_child[0], &byte, 1), 1);
	assert_fails(mun_lock_take(&fd, in_folder("l"), &err), MUN_E_BUSY, &err);
	assert_int_equal(fd, -1);
	assert_ok(mun_lock_read(&text, &held, in_folder("l"), &err), &err);
	assert_true(held);
	assert_string_equal(mun_buf_str(&text), "child");
	assert_int_equal(kill(pid, SIGKILL), 0); /* the lock dies with its process */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_ok(mun_lock_read(&text, &held, in_folder("l"), &err), &err);
	assert_false(held);
	assert_ok(mun_lock_take(&fd, in_folder("l"), &err), &err);
	mun_buf_clear(&text);
	/* A second open of the file in this process, closed again, must not release the lock. */
	assert_ok(mun_lock_read(&text, &held, in_folder("l"), &err), &err);
	assert_true(held);
	assert_ok(mun_lock_read(&text, &held, in_folder("l"), &err), &err);
	assert_true(held);
	mun_closep(&fd);
	assert_ok(mun_lock_take(&fd, in_folder("l"), &err), &err);
	mun_closep(&fd);
}

/* Takes and removes the lock again and again; 1: somebody else was in at the same time. */
static int compete(void)
{
	struct mun_err e;

	for (int n = 0; n < 3000; n++) {
		int fd = -1, inside;

		if (mun_lock_take(&fd, in_folder("l"), &e) != MUN_OK)
			continue;
		inside = open(in_folder("inside"), O_CREAT | O_EXCL | O_WRONLY, 0600);
		if (inside < 0)
			return 1;
		(void)close(inside);
		if (unlink(in_folder("inside")) != 0)
			return 1;
		mun_lock_remove(&fd, in_folder("l"));
	}
	return 0;
}

static void test_a_lock_whose_file_is_removed_has_one_holder(void **state)
{
	bool held;
	int fd = -1, status = 1;
	pid_t pid[3];

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(pid); i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			_exit(compete());
	}
	for (size_t i = 0; i < MUN_ARRAY_LEN(pid); i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_ok(mun_lock_take(&fd, in_folder("l"), &err), &err);
	mun_lock_remove(&fd, in_folder("l"));
	assert_int_equal(fd, -1);
	assert_fails(mun_lock_read(NULL, &held, in_folder("l"), &err), MUN_E_NOTFOUND, &err);
	mun_lock_remove(&fd, in_folder("l")); /* nothing is held: nothing to do */
}

static void test_file_systems_have_a_name(void **state)
{
	enum mun_fs_kind kind;
	const char *name;

	(void)state;
	assert_ok(mun_fs_kind(&kind, &name, folder, &err), &err);
	assert_non_null(name);
	assert_ok(mun_fs_kind(&kind, &name, "/dev/shm", &err), &err);
	assert_int_equal(kind, MUN_FS_VOLATILE);
	assert_string_equal(name, "tmpfs");
	assert_fails(mun_fs_kind(&kind, &name, in_folder("no"), &err), MUN_E_IO, &err);
}

static void test_shared_and_volatile_file_systems_are_known(void **state)
{
	static const struct {
		uint32_t magic;
		enum mun_fs_kind kind;
		const char *name;
	} cases[] = {
		{ 0x6969, MUN_FS_REFUSED, "nfs" },
		{ 0xff534d42, MUN_FS_REFUSED, "cifs" },
		{ 0xfe534d42, MUN_FS_REFUSED, "smb2" },
		{ 0x01021997, MUN_FS_REFUSED, "9p" },
		{ 0x65735546, MUN_FS_REFUSED, "fuse" }, /* virtiofs too */
		{ 0x01021994, MUN_FS_VOLATILE, "tmpfs" },
		{ 0x794c7630, MUN_FS_VOLATILE, "overlayfs" },
		{ 0xef53, MUN_FS_LOCAL, "ext4" },
		{ 0x58465342, MUN_FS_LOCAL, "xfs" },
		{ 0x12345678, MUN_FS_LOCAL, "a local file system" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		const char *name = NULL;

		assert_int_equal(mun_fs_kind_of(cases[i].magic, &name), cases[i].kind);
		assert_string_equal(name, cases[i].name);
	}
}

static void test_nothing_is_made_in_a_folder_of_others(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(in_folder("home"), 0700), 0);
	assert_int_equal(chown(in_folder("home"), 12345, 12345), 0);
	assert_ok(mun_dir_make(in_folder("home"), 0700, &err), &err);
	assert_fails(mun_dir_make(in_folder("home/data/journal"), 0700, &err), MUN_E_IO, &err);
	assert_non_null(strstr(err.text, "belongs to user 12345"));
	assert_int_equal(rmdir(in_folder("home")), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_replaced_files_are_whole_and_bounded_when_read),
		IN_FOLDER(test_directories_are_made_with_their_parents),
		IN_FOLDER(test_one_process_holds_a_lock),
		IN_FOLDER(test_a_lock_whose_file_is_removed_has_one_holder),
		IN_FOLDER(test_file_systems_have_a_name),
		cmocka_unit_test(test_shared_and_volatile_file_systems_are_known),
		IN_FOLDER(test_nothing_is_made_in_a_folder_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
