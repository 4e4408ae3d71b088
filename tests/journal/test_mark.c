/* SPDX-License-Identifier: Apache-2.0 */
/* The high-water mark: made, raised, never lowered; damaged ones; two processes at once. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/handle.h"
#include "journal/mark.h"
#include "lib/file.h"
#include "tests/test.h"

struct place {
	char base[64], dir[160], state[160], mark[300];
	struct mun_journal *j;
};

static enum mun_code open_in(struct place *p, enum mun_journal_mode mode, struct mun_err *err)
{
	const struct mun_journal_options o = {
		.dir = p->dir, .mode = mode, .version = "0.1.0", .state_dir = p->state
	};

	return mun_journal_open(&p->j, &o, err);
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct mun_err err = { 0 };

	if (p == NULL)
		return 1;
	(void)snprintf(p->base, sizeof(p->base), "/tmp/muniment-mark-XXXXXX");
	if (mkdtemp(p->base) == NULL)
		return 1;
	(void)snprintf(p->dir, sizeof(p->dir), "%s/a %% \xc3\xa9\njournal", p->base);
	(void)snprintf(p->state, sizeof(p->state), "%s/state/of/it", p->base);
	*state = p;
	if (open_in(p, MUN_JOURNAL_CREATE, &err) != MUN_OK) {
		print_error("%s\n", err.text);
		return 1;
	}
	(void)snprintf(p->mark, sizeof(p->mark), "%s/%s", p->state, p->j->id.id);
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[200];

	mun_journal_closep(&p->j);
	(void)snprintf(command, sizeof(command), "rm -rf %s", p->base);
	(void)!system(command);
	free(p);
	return 0;
}

static void add_entry(struct mun_journal *j)
{
	struct mun_entry e = { .kind = MUN_K_CLOCK_JUMPED, .item = MUN_NO_ITEM };
	struct mun_group g = { .entries = &e, .len = 1 };
	struct mun_err err = { 0 };

	e.u.clock.server_us = e.u.clock.before_us = MUN_TIME_NONE;
	assert_ok(mun_journal_append(j, &g, &err), &err);
}

static struct mun_mark_state compare(struct place *p)
{
	struct mun_mark_state s;
	struct mun_err err = { 0 };

	assert_ok(mun_mark_compare(p->j, &s, &err), &err);
	return s;
}

static void test_made_and_raised(void **state)
{
	struct place *p = *state;
	struct mun_err err = { 0 };
	struct mun_mark_state s = compare(p);
	char real[4096];
	bool made;

	assert_int_equal(s.fit, MUN_MARK_FITS);
	assert_true(s.own);
	assert_int_equal(s.mark.size, 1);
	assert_int_equal(s.mark.since, 0);
	assert_non_null(realpath(p->dir, real));
	assert_string_equal(s.mark.path, real);
	add_entry(p->j);
	assert_int_equal(compare(p).mark.size, 1);
	assert_ok(mun_mark_raise(p->j, &made, &err), &err);
	assert_false(made);
	assert_int_equal(compare(p).mark.size, 2);
	add_entry(p->j);
	mun_journal_closep(&p->j); /* the last thing that a writer does */
	assert_ok(open_in(p, MUN_JOURNAL_READ, &err), &err);
	assert_int_equal(compare(p).mark.size, 3);
	assert_false(mun_mark_is_older(p->j, 0));
}

/* Removed while the journal had entries: those are older than the mark that is made. */
static void test_made_anew(void **state)
{
	struct place *p = *state;
	struct mun_err err = { 0 };
	bool made;

	add_entry(p->j);
	mun_journal_closep(&p->j);
	assert_int_equal(unlink(p->mark), 0);
	assert_ok(open_in(p, MUN_JOURNAL_READ, &err), &err);
	assert_int_equal(compare(p).fit, MUN_MARK_NONE);
	mun_journal_closep(&p->j);
	assert_ok(open_in(p, MUN_JOURNAL_WRITE, &err), &err);
	assert_string_equal(mun_mark_problem(p->j, &made), "");
	assert_true(made);
	assert_true(mun_mark_is_older(p->j, 1));
	assert_false(mun_mark_is_older(p->j, 2));
	mun_journal_closep(&p->j);
	assert_ok(open_in(p, MUN_JOURNAL_WRITE, &err), &err);
	(void)mun_mark_problem(p->j, &made);
	assert_false(made);
	assert_true(mun_mark_is_older(p->j, 1));
}

static void read_all(const char *path, char *ret, size_t size, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	*ret_len = fread(ret, 1, size, f);
	(void)fclose(f);
}

static void write_all(const char *path, const char *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	(void)fclose(f);
}

/* Cut anywhere, any bit turned: it is never taken for a lower mark of the same journal. */
static void test_damaged(void **state)
{
	struct place *p = *state;
	struct mun_err err = { 0 };
	char good[8192], bad[8192];
	size_t len;

	add_entry(p->j);
	mun_journal_closep(&p->j);
	read_all(p->mark, good, sizeof(good), &len);
	assert_ok(open_in(p, MUN_JOURNAL_READ, &err), &err);
	for (size_t cut = 0; cut < len; cut++) {
		write_all(p->mark, good, cut);
		assert_int_equal(compare(p).fit, MUN_MARK_UNKNOWN);
	}
	for (size_t bit = 0; bit < len * 8; bit++) {
		struct mun_mark_state s;

		memcpy(bad, good, len);
		bad[bit / 8] = (char)(bad[bit / 8] ^ (1 << bit % 8));
		write_all(p->mark, bad, len);
		s = compare(p);
		if (s.fit == MUN_MARK_FITS) /* what does not belong to the comparison */
			assert_true(s.mark.size == 2 || s.mark.size == 0);
	}
	mun_journal_closep(&p->j);
	write_all(p->mark, good, len - 1);
	assert_fails(open_in(p, MUN_JOURNAL_WRITE, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "is damaged"));
}

static void test_behind_and_forked(void **state)
{
	struct place *p = *state;
	struct mun_err err = { 0 };
	char good[8192], *size;
	size_t len;

	add_entry(p->j);
	mun_journal_closep(&p->j);
	read_all(p->mark, good, sizeof(good), &len);
	size = strstr(good, "size 2");
	assert_non_null(size);
	size[5] = '3';
	write_all(p->mark, good, len);
	assert_fails(open_in(p, MUN_JOURNAL_WRITE, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "older copy"));
	assert_ok(open_in(p, MUN_JOURNAL_READ, &err), &err);
	assert_int_equal(compare(p).fit, MUN_MARK_BEHIND);
	mun_journal_closep(&p->j);
	size[5] = '1'; /* with the root of two */
	write_all(p->mark, good, len);
	assert_fails(open_in(p, MUN_JOURNAL_WRITE, &err), MUN_E_JOURNAL, &err);
	assert_non_null(strstr(err.text, "forked"));
}

static void test_alarm_stays(void **state)
{
	struct place *p = *state;
	struct mun_err err = { 0 };

	assert_ok(mun_mark_alarm(p->j, "a witness\nsaw another line", &err), &err);
	assert_int_equal(compare(p).fit, MUN_MARK_ALARMED);
	mun_journal_closep(&p->j);
	for (int i = 0; i < 2; i++) {
		assert_fails(open_in(p, MUN_JOURNAL_WRITE, &err), MUN_E_JOURNAL, &err);
		assert_non_null(strstr(err.text, "a witness"));
	}
	assert_ok(open_in(p, MUN_JOURNAL_READ, &err), &err);
	assert_string_equal(compare(p).mark.alarm, "a witness\nsaw another line");
}

static void test_no_place_for_it(void **state)
{
	struct place *p = *state;
	struct mun_err err = { 0 };
	bool made;

	mun_journal_closep(&p->j);
	(void)snprintf(p->state, sizeof(p->state), "/dev/null/state");
	assert_ok(open_in(p, MUN_JOURNAL_WRITE, &err), &err);
	assert_string_not_equal(mun_mark_problem(p->j, &made), "");
	assert_false(made);
	assert_true(mun_mark_is_older(p->j, 0));
	assert_int_equal(compare(p).fit, MUN_MARK_NONE);
	add_entry(p->j);
}

#define RAISERS 6
#define RAISES  20

/* Writers of several processes: the mark is always one that the journal fits. */
static void test_many_processes(void **state)
{
	struct place *p = *state;
	struct mun_err err = { 0 };
	pid_t pids[RAISERS];

	mun_journal_closep(&p->j);
	for (unsigned i = 0; i < RAISERS; i++) {
		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		for (unsigned n = 0; n < RAISES; n++) {
			if (open_in(p, MUN_JOURNAL_WRITE, &err) != MUN_OK)
				_exit(1);
			add_entry(p->j);
			mun_journal_closep(&p->j);
		}
		_exit(0);
	}
	for (unsigned i = 0; i < RAISERS; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_ok(open_in(p, MUN_JOURNAL_READ, &err), &err);
	assert_int_equal(compare(p).fit, MUN_MARK_FITS);
	assert_int_equal(compare(p).mark.size, 1 + RAISERS * RAISES);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_made_and_raised),   CASE(test_made_anew),   CASE(test_damaged),
		CASE(test_behind_and_forked), CASE(test_alarm_stays), CASE(test_no_place_for_it),
		CASE(test_many_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
