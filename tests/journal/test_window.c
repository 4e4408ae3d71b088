/* SPDX-License-Identifier: Apache-2.0 */
/* Rate windows and waits of a target, with clocks that jump, machines that boot, processes that
 * come and go; compared with a model that keeps every admission. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/handle.h"
#include "tests/test.h"

#define TARGET  "api.tallyfy.com aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DAY_US  (86400 * INT64_C(1000000))
#define MODELED 4096

struct place {
	char dir[64];
	struct mun_clock clock;
	struct mun_now now;
	struct mun_journal *j;
	struct mun_rate rate;
	int64_t true_ms; /* what really passes, whatever the clocks say */
	int64_t admitted_ms[MODELED];
	size_t admitted;
	uint32_t seed;
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
	struct mun_err err = { 0 };

	mun_journal_closep(&p->j);
	assert_ok(mun_journal_open(&p->j, &o, &err), &err);
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct mun_err err = { 0 };

	assert_non_null(p);
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/mun-window-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->now.real_us = INT64_C(1795000000000000);
	p->now.uptime_ms = 1000000;
	p->clock.now = read_clock;
	p->clock.data = &p->now;
	p->seed = 1;
	assert_ok(mun_rate_parse(&p->rate, "4/2s,9/10s,30/m", &err), &err);
	open_journal(p);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[96];

	mun_journal_closep(&p->j);
	(void)snprintf(command, sizeof(command), "rm -rf %s", p->dir);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static uint32_t below(struct place *p, uint32_t bound)
{
	p->seed = p->seed * 1664525 + 1013904223;
	return (p->seed >> 8) % bound;
}

static void pass(struct place *p, int64_t ms)
{
	p->true_ms += ms;
	p->now.uptime_ms += ms;
	p->now.real_us += ms * 1000;
}

static void boot(struct place *p)
{
	p->now.boot_id[0]++;
	p->now.uptime_ms = below(p, 5000);
	open_journal(p);
}

static struct mun_entry request(void)
{
	struct mun_entry e = { .kind = MUN_K_REQUEST, .item = MUN_NO_ITEM, .has_org = true };

	memset(e.org.bytes, 0xaa, sizeof(e.org.bytes));
	e.u.request.purpose = MUN_P_IDENTITY;
	e.u.request.method = "GET";
	e.u.request.host = "api.tallyfy.com";
	e.u.request.path = "/me";
	e.u.request.token = "00112233445566778899aabbccddeeff";
	return e;
}

/* Whether a request goes; *ret_seq may be NULL. */
static bool ask(struct place *p, const char *target, const struct mun_rate *rate, uint64_t *ret_seq)
{
	struct mun_entry e = request();
	struct mun_group g = { .entries = &e, .len = 1, .rate = rate, .target = target };
	struct mun_err err = { 0 };

	assert_ok(mun_journal_append(p->j, &g, &err), &err);
	assert_true(e.refused == MUN_ADMITTED || e.refused == MUN_REFUSED_WINDOW);
	if (ret_seq)
		*ret_seq = e.seq;
	return e.refused == MUN_ADMITTED;
}

/* Requests of the model in the window that ends now. */
static uint32_t used(const struct place *p, uint64_t period_ms)
{
	uint32_t n = 0;

	for (size_t i = p->admitted; i-- > 0;)
		n += (uint64_t)(p->true_ms - p->admitted_ms[i]) < period_ms;
	return n;
}

static bool model_admits(const struct place *p)
{
	for (size_t i = 0; i < p->rate.len; i++)
		if (used(p, p->rate.window[i].period_ms) >= p->rate.window[i].limit)
			return false;
	return true;
}

/* Asks; exact: both say the same, else: never more than the windows allow. */
static void step(struct place *p, bool exact)
{
	bool may = model_admits(p);
	bool goes = ask(p, TARGET, &p->rate, NULL);

	if (exact)
		assert_int_equal(goes, may);
	else if (goes)
		assert_true(may);
	if (goes && p->admitted < MODELED)
		p->admitted_ms[p->admitted++] = p->true_ms;
}

static void test_windows_are_exact(void **state)
{
	struct place *p = *state;

	for (unsigned i = 0; i < 1500; i++) {
		pass(p, below(p, 700));
		if (below(p, 20) == 0)
			open_journal(p); /* another process */
		if (below(p, 60) == 0)
			boot(p);
		step(p, true);
	}
	assert_true(p->admitted > 100);
}

/* Within a boot, realtime may say what it likes. */
static void test_realtime_does_not_count_within_a_boot(void **state)
{
	struct place *p = *state;

	for (unsigned i = 0; i < 1500; i++) {
		pass(p, below(p, 700));
		if (below(p, 10) == 0)
			p->now.real_us += ((int64_t)below(p, 5) - 2) * DAY_US;
		if (below(p, 20) == 0)
			open_journal(p);
		step(p, true);
	}
	assert_true(p->admitted > 100);
}

/* Across boots realtime is all there is. Where it went back, no time has passed. */
static void test_time_that_went_back_admits_nothing(void **state)
{
	struct place *p = *state;

	for (unsigned i = 0; i < 1500; i++) {
		pass(p, below(p, 2000));
		if (below(p, 40) == 0) {
			p->now.real_us -= (int64_t)below(p, 90) * 1000000;
			boot(p);
		}
		step(p, false);
	}
	assert_true(p->admitted > 50);
	while (ask(p, TARGET, &p->rate, NULL)) /* until a window is full */
		pass(p, 1);
	p->now.real_us -= DAY_US;
	boot(p);
	assert_false(ask(p, TARGET, &p->rate, NULL));
	pass(p, 60000);
	assert_true(ask(p, TARGET, &p->rate, NULL));
}

static void test_processes_share_windows(void **state)
{
	struct place *p = *state;
	int to_child[2], to_parent[2];
	char c = 'x';

	mun_journal_closep(&p->j);
	assert_int_equal(pipe(to_child), 0);
	assert_int_equal(pipe(to_parent), 0);
	pid_t child = fork();
	if (child == 0) {
		bool good;
		open_journal(p);
		good = ask(p, TARGET, &p->rate, NULL);
		good = ask(p, TARGET, &p->rate, NULL) && good;
		good = good && write(to_parent[1], &c, 1) == 1 && read(to_child[0], &c, 1) == 1;
		/* its ring is warm, and the other process has asked since */
		good = good && !ask(p, TARGET, &p->rate, NULL);
		mun_journal_closep(&p->j);
		_exit(good ? 0 : 1);
	}
	open_journal(p);
	assert_int_equal(read(to_parent[0], &c, 1), 1);
	assert_true(ask(p, TARGET, &p->rate, NULL));
	assert_true(ask(p, TARGET, &p->rate, NULL));
	assert_false(ask(p, TARGET, &p->rate, NULL));
	assert_int_equal(write(to_child[1], &c, 1), 1);
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (unsigned i = 0; i < 2; i++) {
		(void)close(to_child[i]);
		(void)close(to_parent[i]);
	}
}

/* Old rows are dropped by their own age: a clock that is set forward must not make room. */
static void test_pruning_keeps_what_counts(void **state)
{
	struct place *p = *state;
	struct mun_window_state w;
	struct mun_err err = { 0 };

	assert_ok(mun_rate_parse(&p->rate, "20/h", &err), &err);
	for (unsigned i = 0; i < 6; i++)
		assert_true(ask(p, TARGET, &p->rate, NULL));
	p->now.real_us += 3 * DAY_US;
	assert_true(ask(p, TARGET, &p->rate, NULL));
	open_journal(p);
	assert_ok(mun_journal_window(p->j, TARGET, &p->rate, &w, &err), &err);
	assert_int_equal(w.used[0], 7);
}

static uint64_t wait_ms(struct place *p)
{
	struct mun_window_state w;
	struct mun_err err = { 0 };

	assert_ok(mun_journal_window(p->j, TARGET, NULL, &w, &err), &err);
	assert_true((w.wait_ms > 0) == (w.blocked_until_us != MUN_TIME_NONE));
	return w.wait_ms;
}

static void refuse(struct place *p, uint64_t seq, int64_t for_ms)
{
	struct mun_entry e = { .kind = MUN_K_RESPONSE,
		               .item = MUN_NO_ITEM,
		               .u.response = { .request = seq,
		                               .sent = true,
		                               .curl_name = "CURLE_OK",
		                               .http = 429,
		                               .verdict = MUN_V_NO_ANSWER,
		                               .retry_at_us = p->now.real_us + for_ms * 1000 } };
	struct mun_group g = { .entries = &e, .len = 1 };
	struct mun_err err = { 0 };

	assert_ok(mun_journal_append(p->j, &g, &err), &err);
}

static void test_429_binds_everybody(void **state)
{
	static const struct mun_rate none;
	struct place *p = *state;
	uint64_t first, second;

	assert_true(ask(p, TARGET, &none, &first));
	assert_true(ask(p, TARGET, &none, &second));
	refuse(p, first, 7000);
	assert_int_equal(wait_ms(p), 7000);
	assert_false(ask(p, TARGET, &none, NULL)); /* also without windows */
	assert_false(ask(p, TARGET, NULL, NULL));
	assert_true(ask(p, "other.example aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", &none, NULL));
	refuse(p, second, 3000); /* never shortened */
	assert_int_equal(wait_ms(p), 7000);
	open_journal(p);
	assert_int_equal(wait_ms(p), 7000);
	pass(p, 6999);
	assert_false(ask(p, TARGET, &none, NULL));
	pass(p, 1);
	assert_true(ask(p, TARGET, &none, NULL));
}

static void test_wait_is_by_uptime_within_a_boot(void **state)
{
	struct place *p = *state;
	uint64_t seq;

	assert_true(ask(p, TARGET, NULL, &seq));
	refuse(p, seq, 7000);
	p->now.real_us += DAY_US;
	assert_int_equal(wait_ms(p), 7000);
	p->now.real_us -= 2 * DAY_US;
	assert_int_equal(wait_ms(p), 7000);
	pass(p, 7000);
	assert_int_equal(wait_ms(p), 0);
}

static void test_wait_survives_a_boot(void **state)
{
	struct place *p = *state;
	uint64_t seq;

	assert_true(ask(p, TARGET, NULL, &seq));
	refuse(p, seq, 60000);
	pass(p, 20000);
	boot(p);
	assert_int_equal(wait_ms(p), 40000);
	p->now.real_us -=
		DAY_US; /* went back: no time has passed, and no more is asked than before */
	assert_int_equal(wait_ms(p), 60000);
	p->now.real_us += DAY_US;
	pass(p, 40000);
	assert_int_equal(wait_ms(p), 0);
}

static void test_rebuild_keeps_windows_and_waits(void **state)
{
	struct place *p = *state;
	struct mun_window_state w;
	struct mun_err err = { 0 };
	uint64_t seq = 0;

	for (unsigned i = 0; i < 4; i++)
		assert_true(ask(p, TARGET, &p->rate, &seq));
	refuse(p, seq, 5000);
	assert_ok(mun_journal_rebuild(p->j, &err), &err);
	assert_ok(mun_journal_window(p->j, TARGET, &p->rate, &w, &err), &err);
	assert_int_equal(w.used[0], 4);
	assert_int_equal(w.used[2], 4);
	assert_int_equal(w.wait_ms, 5000);
}

/* The largest window takes less than a MiB, and no more rows are read than it has room for. */
static void test_large_windows_take_little(void **state)
{
	struct place *p = *state;
	struct mun_rate large, small;
	struct mun_window_state w;
	struct mun_err err = { 0 };

	assert_ok(mun_rate_parse(&large, "100000/h", &err), &err);
	assert_ok(mun_rate_parse(&small, "3/h", &err), &err);
	for (unsigned i = 0; i < 10; i++)
		assert_true(ask(p, TARGET, &large, NULL));
	assert_int_equal(p->j->window.ring.cap, 100000);
	open_journal(p);
	assert_ok(mun_journal_window(p->j, TARGET, &small, &w, &err), &err);
	assert_int_equal(w.used[0], 3);
	assert_int_equal(w.wait_ms, 3600000);
	assert_int_equal(p->j->window.ring.cap, 3);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_windows_are_exact),
		CASE(test_realtime_does_not_count_within_a_boot),
		CASE(test_time_that_went_back_admits_nothing),
		CASE(test_processes_share_windows),
		CASE(test_pruning_keeps_what_counts),
		CASE(test_429_binds_everybody),
		CASE(test_wait_is_by_uptime_within_a_boot),
		CASE(test_wait_survives_a_boot),
		CASE(test_rebuild_keeps_windows_and_waits),
		CASE(test_large_windows_take_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
