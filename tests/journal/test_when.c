/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/journal.h"
#include "journal/when.h"
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

static void open_journal(struct place *p)
{
	struct mun_journal_options o = {
		.dir = p->dir, .mode = MUN_JOURNAL_CREATE, .clock = &p->clock, .version = "0.1.0"
	};

	assert_ok(mun_journal_open(&p->j, &o, &p->err), &p->err);
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/mun-when-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->now.real_us = INT64_C(1795000000000000);
	p->now.uptime_ms = 1000000;
	p->clock = (struct mun_clock){ .now = read_clock, .data = &p->now };
	open_journal(p);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[160];

	mun_journal_closep(&p->j);
	(void)snprintf(command, sizeof(command), "rm -rf %s", p->dir);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static uint64_t append_token(struct place *p)
{
	struct mun_entry e = { .kind = MUN_K_TOKEN_REMOVED, .item = MUN_NO_ITEM };
	struct mun_group g = { .entries = &e, .len = 1 };

	e.u.token.name = "prod";
	e.u.token.token = "00112233445566778899aabbccddeeff";
	e.u.token.base_url = "https://api.tallyfy.com";
	e.has_org = true;
	memset(e.org.bytes, 0xaa, sizeof(e.org.bytes));
	assert_ok(mun_journal_append(p->j, &g, &p->err), &p->err);
	return e.seq;
}

static uint64_t since(struct place *p, uint64_t seq)
{
	uint64_t ms;

	assert_ok(mun_journal_since(p->j, seq, &ms, &p->err), &p->err);
	return ms;
}

/* Within a boot only uptime tells how long ago; across boots realtime, and never less than 0. */
static void test_time_passed_by_uptime_within_a_boot(void **state)
{
	struct place *p = *state;
	uint64_t seq = append_token(p);
	uint64_t none_ms;
	int64_t at_us;

	assert_ok(mun_journal_time_of(p->j, seq, &at_us, &p->err), &p->err);
	assert_int_equal(at_us, p->now.real_us);
	p->now.uptime_ms += 5000;
	p->now.real_us += INT64_C(86400) * 1000000; /* set forward by a day */
	assert_int_equal(since(p, seq), 5000);
	p->now.real_us -= INT64_C(2) * 86400 * 1000000; /* and back by two */
	assert_int_equal(since(p, seq), 5000);
	memset(p->now.boot_id, 7, sizeof(p->now.boot_id));
	p->now.uptime_ms = 10;
	assert_int_equal(since(p, seq), 0);
	p->now.real_us = at_us + 7000000;
	assert_int_equal(since(p, seq), 7000);
	assert_fails(mun_journal_since(p->j, 99, &none_ms, &p->err), MUN_E_NOTFOUND, &p->err);
}

static enum mun_kind kind_of(struct place *p, uint64_t seq, int64_t *ret_before_us)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	MUN_BUF_CLEANUP struct mun_buf line;
	struct mun_entry e;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	assert_ok(mun_journal_entry(p->j, seq, &line, &p->err), &p->err);
	assert_ok(mun_entry_decode(&e, &owner, line.data, line.len, &p->err), &p->err);
	*ret_before_us = e.kind == MUN_K_CLOCK_JUMPED ? e.u.clock.before_us : MUN_TIME_NONE;
	return e.kind;
}

/* Realtime before that of the newest entry: said once, in front of what comes next. */
static void test_a_clock_that_goes_back_is_recorded(void **state)
{
	struct place *p = *state;
	int64_t before_us;
	int64_t late_us = p->now.real_us;
	uint64_t first = append_token(p);
	uint64_t second;

	assert_int_equal(append_token(p), first + 1); /* the same instant is no jump */
	p->now.real_us -= 1;
	second = append_token(p);
	assert_int_equal(second, first + 3);
	assert_int_equal(kind_of(p, first + 2, &before_us), MUN_K_CLOCK_JUMPED);
	assert_int_equal(before_us, late_us);
	assert_int_equal(append_token(p), second + 1);
	mun_journal_closep(&p->j); /* also when another process wrote the newest entry */
	p->now.real_us -= INT64_C(86400) * 1000000;
	open_journal(p);
	assert_int_equal(append_token(p), second + 3);
	assert_int_equal(kind_of(p, second + 2, &before_us), MUN_K_CLOCK_JUMPED);
	assert_int_equal(before_us, late_us - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_time_passed_by_uptime_within_a_boot, setup,
		                                teardown),
		cmocka_unit_test_setup_teardown(test_a_clock_that_goes_back_is_recorded, setup,
		                                teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
