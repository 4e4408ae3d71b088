/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/manifest.h"
#include "tests/test.h"

static bool never(void)
{
	return false;
}

static bool always(void)
{
	return true;
}

static enum mun_code read_path(struct mun_buf *ret, const char *path, bool *ret_terminal,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_closep) int fd = -1;
	enum mun_code code = mun_manifest_open(&fd, ret_terminal, path, err);

	return code == MUN_OK ? mun_manifest_read(ret, fd, path, never, err) : code;
}

static void test_what_cannot_be_a_list(void **state)
{
	static const struct {
		const char *path;
		const char *text;
	} cases[] = {
		{ "/", "/ is a directory\nhint: give the file that holds the list" },
		{ "/nowhere/at/all", "cannot open /nowhere/at/all: No such file or directory" },
		{ "/dev/zero", "/dev/zero: NUL at byte 0" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		MUN_BUF_CLEANUP struct mun_buf b = { .max = MUN_MANIFEST_MAX };
		struct mun_err err;
		bool terminal;

		assert_fails(read_path(&b, cases[i].path, &terminal, &err), MUN_E_INPUT, &err);
		assert_string_equal(err.text, cases[i].text);
		assert_true(b.len <= 1 << 20);
	}
}

static void test_size(void **state)
{
	static const char name[] = "/tmp/muniment-manifest-XXXXXX";
	char path[sizeof(name)];
	MUN_CLEANUP(mun_closep) int fd = -1;
	struct mun_err err;
	bool terminal;

	(void)state;
	memcpy(path, name, sizeof(name));
	fd = mkstemp(path);
	assert_true(fd >= 0);
	for (size_t len = 3; len <= 5; len++) { /* a limit of 4 */
		MUN_BUF_CLEANUP struct mun_buf b = { .max = 4 };
		enum mun_code code;

		assert_int_equal(pwrite(fd, "abcde", len, 0), len);
		code = read_path(&b, path, &terminal, &err);
		if (len <= 4)
			assert_ok(code, &err);
		else
			assert_fails(code, MUN_E_INPUT, &err);
		assert_int_equal(b.len, len <= 4 ? len : 4);
		assert_false(terminal);
	}
	/* nothing of it is read */
	assert_int_equal(ftruncate(fd, (off_t)MUN_MANIFEST_MAX + 1), 0);
	{
		MUN_BUF_CLEANUP struct mun_buf b = { .max = MUN_MANIFEST_MAX };

		assert_fails(read_path(&b, path, &terminal, &err), MUN_E_INPUT, &err);
		assert_int_equal(b.len, 0);
		assert_non_null(strstr(err.text, "larger than the limit of 536870912 bytes"));
	}
	(void)unlink(path);
}

static void test_a_pipe_is_read_once_to_its_end(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf b = { .max = MUN_MANIFEST_MAX };
	MUN_CLEANUP(mun_closep) int from = -1;
	struct mun_err err;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	from = ends[0];
	assert_int_equal(write(ends[1], "one\n", 4), 4);
	assert_int_equal(write(ends[1], "two", 3), 3);
	(void)close(ends[1]);
	assert_ok(mun_manifest_read(&b, from, "pipe", never, &err), &err);
	assert_string_equal(mun_buf_str(&b), "one\ntwo");
}

static void test_interrupted(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf b = { .max = MUN_MANIFEST_MAX };
	struct mun_err err;

	(void)state;
	assert_fails(mun_manifest_read(&b, STDIN_FILENO, "standard input", always, &err),
	             MUN_E_USAGE, &err);
	assert_string_equal(err.text, "interrupted while standard input was read");
}

/* ---- hostile lists ---- */

#define A   "0123456789abcdef0123456789abcdef"
#define B   "fedcba9876543210fedcba9876543210"
#define ORG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char *const seeds[] = {
	A "\n# c\n" B " # d\nhttps://go.tallyfy.com/" ORG "/processes/" A "\n",
	"id,reason,ticket,name\n" A ",long enough,T-1,\"a, \"\"b\"\"\n\"\n" B ",,,\n",
	"{\"id\":\"" A "\",\"x\":[1.5,{\"y\":null}]}\n{\"run_id\":\"" B
	"\",\"reason\":\"long enough\"}\n",
	"[\"" A "\",{\"id\":\"" B "\",\"name\":\"\\u00e4\"}]",
	"{\"data\":[{\"id\":\"" A "\"}],\"meta\":{\"total\":1}}",
};

static uint32_t next_random(uint32_t *x) /* xorshift: the same list of lists each time */
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static size_t mutate(char *data, size_t len, size_t max, uint32_t *x)
{
	static const char alphabet[] = "\"\"{}[]:,;\n\r\t #\\/.%?&-+eE09afAFgz\xc3\xa4\xff\x01";
	size_t at = next_random(x) % (len + 1);
	size_t n = next_random(x) % 8;
	char c = alphabet[next_random(x) % (sizeof(alphabet) - 1)];

	switch (next_random(x) % 5) {
	case 0: /* one byte becomes another */
		if (at < len)
			data[at] = c;
		return len;
	case 1: /* cut */
		return at;
	case 2: /* bytes are lost */
		n = n > len - at ? len - at : n;
		memmove(data + at, data + at + n, len - at - n);
		return len - n;
	case 3: /* a byte comes in */
		if (len == max)
			return len;
		memmove(data + at + 1, data + at, len - at);
		data[at] = c;
		return len + 1;
	default: /* the end comes twice */
		n = len - at < max - len ? len - at : max - len;
		memcpy(data + len, data + at, n);
		return len + n;
	}
}

static enum mun_code check_row(void *arg, const struct mun_row *row, struct mun_err *err)
{
	char id[MUN_ID_TEXT];

	(void)err;
	++*(uint64_t *)arg;
	mun_id_format(id, &row->run);
	assert_int_equal(strspn(id, "0123456789abcdef"), MUN_ID_TEXT - 1);
	if (row->columns != NULL) {
		assert_int_equal(strlen(row->columns), row->columns_len);
		assert_null(strchr(row->columns, '\n'));
	}
	return MUN_OK;
}

static void test_mutations_are_lists_or_refused(void **state)
{
	uint32_t x = 2463534242;
	uint64_t rows = 0, accepted = 0, refused = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		const struct mun_manifest_options options = {
			.source = "list", .format = (enum mun_format)(i % 2 == 0 ? 0 : i / 2 % 5)
		};
		struct mun_manifest_report report = { .rows = 0 };
		const char *seed = seeds[i % MUN_ARRAY_LEN(seeds)];
		size_t len = strlen(seed);
		size_t max = 2 * len + 16;
		char *data = malloc(max);
		char *exact;
		enum mun_code code;
		struct mun_err err;

		assert_non_null(data);
		memcpy(data, seed, len + 1);
		for (uint32_t n = 1 + next_random(&x) % 4; n > 0; n--)
			len = mutate(data, len, max, &x);
		exact = malloc(len + 1); /* its end is known to checkers of memory */
		assert_non_null(exact);
		memcpy(exact, data, len);
		mun_buf_init(&report.faults, 65536);
		code = mun_manifest_parse(exact, len, &options, check_row, &rows, &report, &err);
		assert_true(code == MUN_OK || code == MUN_E_INPUT);
		if (code == MUN_OK)
			assert_int_equal(report.bad, 0);
		accepted += code == MUN_OK;
		refused += code != MUN_OK;
		mun_buf_done(&report.faults);
		free(exact);
		free(data);
	}
	/* else the mutations would test one side only */
	assert_true(accepted > 1000 && refused > 1000 && rows > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_cannot_be_a_list),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_a_pipe_is_read_once_to_its_end),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_mutations_are_lists_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
