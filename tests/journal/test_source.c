/* SPDX-License-Identifier: Apache-2.0 */
/* A journal and a bundle as sources, and what a hostile directory may hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/lines.h"
#include "journal/members.h"
#include "journal/source.h"
#include "tests/journal/history_sample.h"

struct folder {
	char dir[64];
};

static int setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	*state = f;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/mun-source-XXXXXX");
	return mkdtemp(f->dir) ? 0 : -1;
}

static int teardown(void **state)
{
	struct folder *f = *state;
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	int code = system(command);
	free(f);
	return code;
}

static void put(const struct folder *f, const char *name, const char *text, size_t len)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void make(const struct folder *f, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static struct mun_members *members(const struct folder *f)
{
	struct mun_members *m = NULL;
	struct mun_err err = { 0 };

	assert_ok(mun_members_open(&m, f->dir, &err), &err);
	return m;
}

static void test_journal(void **state)
{
	struct sample *s = *state;
	struct mun_source *source = NULL;
	struct mun_err err = { 0 };
	struct mun_buf buf;
	struct mun_list_row row;
	uint8_t salt[32];
	const char *line;
	uint64_t seq;
	size_t len;

	mun_buf_init(&buf, 1 << 20);
	assert_ok(mun_source_journal(&source, s->j, SAMPLE_SIZE, &err), &err);
	assert_int_equal(mun_source_size(source), SAMPLE_SIZE);
	for (unsigned round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < SAMPLE_SIZE; i++) {
			assert_ok(mun_source_peek(source, &seq, &err), &err);
			assert_int_equal(seq, i);
			assert_ok(mun_source_next(source, &seq, &line, &len, &err), &err);
			assert_int_equal(seq, i);
			mun_buf_clear(&buf);
			assert_ok(mun_source_entry(source, i, &buf, &err), &err);
			assert_int_equal(buf.len, len);
			assert_memory_equal(buf.data, line, len);
		}
		assert_int_equal(mun_source_next(source, &seq, &line, &len, &err), MUN_E_NOTFOUND);
		assert_ok(mun_source_rewind(source, &err), &err);
	}
	assert_int_equal(mun_source_entry(source, SAMPLE_SIZE, &buf, &err), MUN_E_NOTFOUND);
	/* out of order, too */
	static const uint32_t items[] = { 2, 0, 1, 0, 2 };
	for (size_t i = 0; i < MUN_ARRAY_LEN(items); i++) {
		mun_buf_clear(&buf);
		assert_ok(mun_source_list_row(source, &s->plan, items[i], &row, &buf, &err), &err);
		assert_true(mun_id_equal(&row.run, &s->run[items[i]]));
	}
	assert_int_equal(mun_source_list_row(source, &s->plan, SAMPLE_RUNS, &row, &buf, &err),
	                 MUN_E_NOTFOUND);
	mun_buf_clear(&buf);
	assert_ok(mun_source_body(source, 4, salt, &buf, &err), &err);
	assert_string_equal(mun_buf_str(&buf), "{\"data\":{\"name\":\"First\"}}");
	assert_int_equal(mun_source_body(source, 3, salt, &buf, &err), MUN_E_NOTFOUND);
	mun_buf_done(&buf);
	mun_source_closep(&source);
}

static void test_members(void **state)
{
	const struct folder *f = *state;
	struct mun_err err = { 0 };
	struct mun_buf buf;
	char path[256];
	size_t foreign;
	int fd;

	make(f, "plan");
	make(f, "other");
	put(f, "b", "b", 1);
	put(f, "a", "a", 1);
	put(f, "plan/p", "p", 1);
	put(f, "other/x", "x", 1);
	put(f, "line\nfeed", "x", 1);
	(void)snprintf(path, sizeof(path), "%s/link", f->dir);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	(void)snprintf(path, sizeof(path), "%s/pipe", f->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	struct mun_members *m = members(f);
	assert_int_equal(mun_members_count(m), 3);
	assert_string_equal(mun_members_name(m, 0), "a");
	assert_string_equal(mun_members_name(m, 2), "plan/p");
	assert_non_null(mun_members_foreign(m, &foreign));
	assert_int_equal(foreign, 4);
	assert_int_equal(mun_members_fd(m, "link", &fd, NULL, &err), MUN_E_NOTFOUND);
	assert_int_equal(mun_members_fd(m, "../etc/passwd", &fd, NULL, &err), MUN_E_NOTFOUND);
	/* a link that comes in between is not followed */
	(void)snprintf(path, sizeof(path), "%s/a", f->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("b", path), 0);
	assert_int_not_equal(mun_members_fd(m, "a", &fd, NULL, &err), MUN_OK);
	mun_buf_init(&buf, 0);
	assert_int_equal(mun_members_read(m, "b", &buf, &err), MUN_E_CORRUPT);
	mun_buf_done(&buf);
	mun_members_closep(&m);
}

static struct mun_lines *lines(const struct folder *f, size_t max)
{
	struct mun_members *m = members(f);
	struct mun_lines *l = NULL;
	struct mun_err err = { 0 };
	int fd;

	assert_ok(mun_members_fd(m, "lines", &fd, NULL, &err), &err);
	assert_ok(mun_lines_open(&l, fd, "lines", max, &err), &err);
	mun_members_closep(&m);
	return l;
}

static void test_lines(void **state)
{
	static const char text[] = "one\n\nfar too long\nlast";
	struct mun_err err = { 0 };
	const char *line;
	uint64_t at = 0;
	size_t len;

	put(*state, "lines", text, sizeof(text) - 1);
	struct mun_lines *l = lines(*state, 4);
	assert_ok(mun_lines_read(l, &at, &line, &len, &err), &err);
	assert_int_equal(len, 3);
	assert_ok(mun_lines_read(l, &at, &line, &len, &err), &err);
	assert_int_equal(len, 0);
	assert_int_equal(mun_lines_read(l, &at, &line, &len, &err), MUN_E_CORRUPT);
	assert_int_equal(mun_lines_read(l, &at, &line, &len, &err), MUN_E_CORRUPT);
	assert_int_equal(mun_lines_read(l, &at, &line, &len, &err), MUN_E_NOTFOUND);
	mun_lines_closep(&l);
}

/* In any order, over many windows and marks. */
static void test_numbers(void **state)
{
	enum {
		LINES = 20000
	};
	struct mun_err err = { 0 };
	struct mun_buf text;
	const char *line;
	uint64_t number;
	size_t len;

	mun_buf_init(&text, 4 << 20);
	for (unsigned i = 0; i < LINES; i++)
		mun_buf_printf(&text, "{\"labels\":{\"seq\":\"9\"},\"seq\":%u,\"v\":1}\n", 3 * i);
	put(*state, "lines", mun_buf_str(&text), text.len);
	mun_buf_done(&text);
	struct mun_lines *l = lines(*state, 200);
	for (unsigned i = 0; i < 3000; i++) {
		unsigned at = i * 7919 % LINES;
		assert_ok(mun_lines_find(l, 3 * at, &line, &len, &err), &err);
		assert_true(mun_lines_number(line, len, &number));
		assert_int_equal(number, 3 * at);
		assert_int_equal(mun_lines_find(l, 3 * at + 1, &line, &len, &err), MUN_E_NOTFOUND);
	}
	mun_lines_closep(&l);
	assert_false(mun_lines_number("{\"seq\":}", 8, &number));
	assert_false(mun_lines_number("{\"seq\":1", 8, &number));
	assert_false(mun_lines_number("", 0, &number));
}

static void test_no_bundle(void **state)
{
	const struct folder *f = *state;
	struct mun_source *s = NULL;
	struct mun_err err = { 0 };

	assert_fails(mun_source_bundle(&s, f->dir, &err), MUN_E_CORRUPT, &err);
	put(f, "checkpoint", "no note\n", 8);
	assert_fails(mun_source_bundle(&s, f->dir, &err), MUN_E_CORRUPT, &err);
	assert_fails(mun_source_bundle(&s, "/nowhere", &err), MUN_E_INPUT, &err);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_journal, sample_setup, sample_teardown),
		IN_FOLDER(test_members),
		IN_FOLDER(test_lines),
		IN_FOLDER(test_numbers),
		IN_FOLDER(test_no_bundle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
