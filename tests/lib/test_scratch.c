/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in a file without a name: zeros at first, kept while it grows, no disk before a touch. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "tests/test.h"

struct row { /* of a size that no block is a multiple of */
	uint64_t n;
	char rest[91];
};

static void test_rows_are_kept_while_it_grows(void **state)
{
	struct mun_scratch s;
	struct mun_err err = { 0 };
	void *row;

	(void)state;
	mun_scratch_init(&s, "/tmp", sizeof(struct row));
	for (uint64_t i = 0; i < 100000; i++) {
		assert_ok(mun_scratch_add(&s, &row, &err), &err);
		assert_int_equal(((struct row *)row)->n, 0);
		((struct row *)row)->n = i * i;
	}
	assert_int_equal(s.len, 100000);
	for (uint64_t i = 0; i < 100000; i++) {
		const struct row *kept = mun_scratch_get(&s, i);
		assert_non_null(kept);
		assert_true(kept->n == i * i);
	}
	mun_scratch_done(&s);
	assert_int_equal(s.len, 0);
}

static void test_untouched_rows_take_nothing(void **state)
{
	static const size_t places[] = { 17, 500000, 500001, 2999999999 };
	struct mun_scratch s;
	struct mun_err err = { 0 };
	struct stat st;
	size_t at = 0, found = 0;
	void *row;

	(void)state;
	mun_scratch_init(&s, "/tmp", sizeof(struct row));
	assert_null(mun_scratch_get(&s, 0));
	assert_ok(mun_scratch_extend(&s, 3000000000, &err), &err);
	assert_null(mun_scratch_get(&s, 2999999999));
	for (size_t i = 0; i < MUN_ARRAY_LEN(places); i++) {
		assert_ok(mun_scratch_touch(&s, places[i], &row, &err), &err);
		((struct row *)row)->n = places[i];
	}
	assert_int_equal(fstat(s.fd, &st), 0);
	assert_true((uint64_t)st.st_blocks * 512 < 8u * 1024 * 1024);
	/* everything touched is met by going from block to block */
	for (at = mun_scratch_next(&s, 0); at < s.len; at = mun_scratch_next(&s, at + 1)) {
		const struct row *kept = mun_scratch_get(&s, at);
		assert_non_null(kept);
		found += kept->n == at && at > 0;
	}
	assert_int_equal(found, MUN_ARRAY_LEN(places));
	mun_scratch_done(&s);
}

static void test_what_cannot_be_had_is_an_error(void **state)
{
	struct mun_scratch s;
	struct mun_err err = { 0 };
	void *row;

	(void)state;
	mun_scratch_init(&s, "/no/such/folder", 8);
	assert_fails(mun_scratch_add(&s, &row, &err), MUN_E_IO, &err);
	mun_scratch_done(&s);
	mun_scratch_init(&s, "/tmp", 1 << 20);
	assert_fails(mun_scratch_extend(&s, SIZE_MAX / 2, &err), MUN_E_FULL, &err);
	mun_scratch_done(&s);
}

static void test_the_file_has_no_name(void **state)
{
	char dir[] = "/tmp/mun-scratch-XXXXXX";
	struct mun_scratch s;
	struct mun_err err = { 0 };
	void *row;
	unsigned names = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	mun_scratch_init(&s, dir, 8);
	assert_ok(mun_scratch_add(&s, &row, &err), &err);
	DIR *d = opendir(dir);
	while (readdir(d))
		names++;
	(void)closedir(d);
	assert_int_equal(names, 2); /* itself and its parent */
	mun_scratch_done(&s);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_kept_while_it_grows),
		cmocka_unit_test(test_untouched_rows_take_nothing),
		cmocka_unit_test(test_what_cannot_be_had_is_an_error),
		cmocka_unit_test(test_the_file_has_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
