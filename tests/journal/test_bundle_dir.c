/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle under its final name: all of it, with its sums, or nothing. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/bundle_dir.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "tests/test.h"

struct place {
	char dir[64], out[96];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/mun-bundle-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->out, sizeof(p->out), "%s/out", p->dir);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r '%s'", p->dir);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static unsigned names_in(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n - 2;
}

static void put(struct mun_bundle_dir *d, const char *name, const char *text)
{
	struct mun_err err = { 0 };

	assert_ok(mun_bundle_dir_put(d, name, text, strlen(text), &err), &err);
}

static void assert_file(const struct place *p, const char *name, const char *text)
{
	struct mun_buf b MUN_BUF_CLEANUP;
	struct mun_err err = { 0 };
	char path[256];

	mun_buf_init(&b, 1 << 20);
	(void)snprintf(path, sizeof(path), "%s/%s", p->out, name);
	assert_ok(mun_file_read(&b, path, &err), &err);
	assert_string_equal(mun_buf_str(&b), text);
}

static void test_files_and_sums(void **state)
{
	struct mun_bundle_dir *d MUN_CLEANUP(mun_bundle_dir_freep) = NULL;
	struct place *p = *state;
	static const char sums[] =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  B\n"
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n"
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  plan/x\n";
	uint8_t got[MUN_SHA256_LEN], wanted[MUN_SHA256_LEN];
	struct mun_err err = { 0 };

	assert_ok(mun_bundle_dir_new(&d, p->out, false, &err), &err);
	put(d, "plan/x", "a");
	put(d, "a", "abc");
	put(d, "B", "");
	assert_int_not_equal(access(p->out, F_OK), 0); /* not before it is whole */
	assert_ok(mun_bundle_dir_finish(d, 0, got, &err), &err);
	mun_sha256(wanted, sums, strlen(sums));
	assert_memory_equal(got, wanted, sizeof(got));
	assert_file(p, "SHA256SUMS", sums);
	assert_file(p, "plan/x", "a");
	mun_bundle_dir_freep(&d);
	assert_int_equal(names_in(p->dir), 1);
	assert_int_equal(names_in(p->out), 4);
}

static void test_pieces_of_any_length(void **state)
{
	struct mun_bundle_dir *d MUN_CLEANUP(mun_bundle_dir_freep) = NULL;
	struct place *p = *state;
	char *large = malloc(5 << 20);
	uint8_t sum[MUN_SHA256_LEN], sums[MUN_SHA256_LEN];
	char hex[2 * MUN_SHA256_LEN + 1], line[160];
	struct mun_err err = { 0 };
	size_t at = 0, sizes[] = { 1, 70000, 3 << 20, 5, 1 << 20, 1 };

	for (size_t i = 0; i < (5 << 20); i++)
		large[i] = (char)(i * 7 >> 3);
	assert_ok(mun_bundle_dir_new(&d, p->out, false, &err), &err);
	assert_ok(mun_bundle_dir_begin(d, "x", &err), &err);
	for (size_t i = 0; i < MUN_ARRAY_LEN(sizes); at += sizes[i++])
		assert_ok(mun_bundle_dir_write(d, large + at, sizes[i], &err), &err);
	assert_ok(mun_bundle_dir_end(d, &err), &err);
	assert_ok(mun_bundle_dir_finish(d, 0, sums, &err), &err);
	mun_sha256(sum, large, at);
	mun_hex_encode(hex, sum, sizeof(sum));
	(void)snprintf(line, sizeof(line), "%s  x\n", hex);
	assert_file(p, "SHA256SUMS", line);
	(void)snprintf(line, sizeof(line), "%s/x", p->out);
	struct mun_buf b MUN_BUF_CLEANUP;
	mun_buf_init(&b, 8 << 20);
	assert_ok(mun_file_read(&b, line, &err), &err);
	assert_int_equal(b.len, at);
	assert_memory_equal(b.data, large, at);
	free(large);
}

static void test_what_is_given_up_is_gone(void **state)
{
	struct place *p = *state;
	struct mun_bundle_dir *d = NULL;
	struct mun_err err = { 0 };

	assert_ok(mun_bundle_dir_new(&d, p->out, true, &err), &err);
	put(d, "checkpoints/1", "x");
	assert_ok(mun_bundle_dir_begin(d, "half", &err), &err);
	assert_int_equal(names_in(p->dir), 1);
	mun_bundle_dir_freep(&d);
	assert_int_equal(names_in(p->dir), 0);
}

static void test_nothing_is_written_over(void **state)
{
	struct mun_bundle_dir *d MUN_CLEANUP(mun_bundle_dir_freep) = NULL;
	struct mun_bundle_dir *none = NULL;
	struct place *p = *state;
	uint8_t sums[MUN_SHA256_LEN];
	struct mun_err err = { 0 };

	assert_ok(mun_bundle_dir_new(&d, p->out, false, &err), &err);
	put(d, "a", "b");
	assert_int_equal(mkdir(p->out, 0700), 0); /* by somebody else, meanwhile */
	assert_fails(mun_bundle_dir_new(&none, p->out, false, &err), MUN_E_USAGE, &err);
	assert_fails(mun_bundle_dir_finish(d, 0, sums, &err), MUN_E_IO, &err);
	assert_int_equal(names_in(p->out), 0);
}

static void test_only_the_dead_are_swept(void **state)
{
	struct mun_bundle_dir *d MUN_CLEANUP(mun_bundle_dir_freep) = NULL;
	struct place *p = *state;
	struct mun_bundle_dir *alive = NULL;
	struct mun_err err = { 0 };
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/.muniment-export-77-0", p->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/.muniment-export-77-0/bundle", p->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_ok(mun_bundle_dir_new(&alive, p->out, false, &err), &err);
	assert_int_equal(names_in(p->dir), 1);
	assert_ok(mun_bundle_dir_new(&d, p->out, false, &err), &err);
	assert_int_equal(names_in(p->dir), 2);
	put(alive, "a", "b");
	mun_bundle_dir_freep(&alive);
	assert_int_equal(names_in(p->dir), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files_and_sums, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pieces_of_any_length, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_given_up_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_is_written_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_the_dead_are_swept, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
