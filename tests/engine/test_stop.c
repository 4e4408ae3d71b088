/* SPDX-License-Identifier: Apache-2.0 */
/* Own limits, signals, a cancel, an epoch raised behind the runner's back. */
#include <stdio.h>
#include <unistd.h>

#include "tests/engine/world.h"

#define SECOND_US INT64_C(1000000)

static void rule(struct world *w, int run, unsigned to, struct fake_answer a)
{
	fake_rule(w->f, (struct fake_rule){ FAKE_MUTATE, run, 0, to, 0, a });
}

/* A canary: N items done by us, what is on the wire counted. */
static void test_stop_after_is_never_exceeded(void **state)
{
	static const uint32_t concurrencies[] = { 1, 3, 64 };
	struct world *w = *state;

	for (enum mun_op_kind op = 0; op < MUN_OPS; op++)
		for (size_t c = 0; c < MUN_ARRAY_LEN(concurrencies); c++)
			for (uint64_t limit = 1; limit <= 40; limit = limit * 3 + 1) {
				world_open(w, "stop after", op, 120);
				w->o.concurrency = concurrencies[c];
				w->o.stop_after = limit;
				world_run(w);
				assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_AFTER);
				assert_counts(w, .done = limit, .pending = 120 - limit);
				assert_int_equal(fake_mutations(w->f, FAKE_ANY), limit);
				assert_int_equal(world_exit(w), 10);
				world_run(w); /* the next epoch counts from zero */
				assert_counts(w, .done = 2 * limit, .pending = 120 - 2 * limit);
			}
	world_close(w);
}

/* Items that were not done by us do not use it up. */
static void test_stop_after_counts_what_we_did(void **state)
{
	struct world *w = *state;

	for (uint32_t concurrency = 1; concurrency <= 64; concurrency *= 8) {
		world_open(w, "done by us", MUN_OP_ARCHIVE, 40);
		w->o.concurrency = concurrency;
		w->o.stop_after = 10;
		rule(w, 2, 1, (struct fake_answer){ .http = 405, .body = FAKE_JSON });
		w->f->run[4].archived = true; /* an hour ago */
		world_run(w);
		assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_AFTER);
		assert_counts(w, .done = 10, .already = 1, .failed = 1, .pending = 28);
	}
	world_close(w);
}

/* An item in doubt may turn out to be done by us: it is counted until it is known. */
static void test_stop_after_counts_items_in_doubt(void **state)
{
	struct world *w = *state;

	for (int limit = 1; limit <= 3; limit++) {
		unsigned effects = 0;

		world_open(w, "in doubt", MUN_OP_ARCHIVE, 12);
		w->o.stop_after = (uint64_t)limit;
		rule(w, limit - 1, 1,
		     (struct fake_answer){
			     .http = 504, .effect = FAKE_EFFECT, .effect_after_ms = 20000 });
		world_run(w);
		assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_AFTER);
		for (int i = 0; i < 12; i++)
			effects += w->f->run[i].effects;
		assert_true(effects <= (unsigned)limit);
		assert_int_equal(w->result.batch.counts.done, limit);
	}
	world_close(w);
}

/* When the last item is done at the limit, the batch is done. */
static void test_stop_after_the_last_item(void **state)
{
	struct world *w = *state;

	world_open(w, "last item", MUN_OP_ARCHIVE, 5);
	w->o.stop_after = 5;
	world_run(w);
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	world_close(w);
}

static void test_stop_on_failures(void **state)
{
	struct world *w = *state;

	for (uint64_t limit = 1; limit <= 3; limit++) {
		world_open(w, "stop on failures", MUN_OP_ARCHIVE, 20);
		w->o.stop_on_failures = limit;
		for (int i = 3; i < 20; i += 4)
			rule(w, i, 0, (struct fake_answer){ .http = 422, .body = FAKE_JSON });
		world_run(w);
		assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_ON_FAILURES);
		assert_int_equal(w->result.batch.counts.failed, limit);
		assert_int_equal(world_exit(w), 10);
		world_run(w);
		assert_int_equal(w->result.batch.counts.failed, limit == 3 ? 5 : 2 * limit);
	}
	world_close(w);
}

/* At the time given, also in the middle of a wait; what is on the wire is awaited. */
static void test_stop_at(void **state)
{
	struct world *w = *state;
	int64_t stop_us;

	world_open(w, "stop at, in a settle wait", MUN_OP_ARCHIVE, 3);
	rule(w, 1, 1, (struct fake_answer){ .http = 502 });
	stop_us = w->f->now.real_us + 30 * SECOND_US;
	w->o.stop_at_us = stop_us;
	world_run(w);
	assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_AT);
	assert_counts(w, .done = 2, .in_doubt = 1);
	assert_true(w->f->now.real_us >= stop_us && w->f->now.real_us < stop_us + 2 * SECOND_US);
	assert_int_equal(world_exit(w), 13);

	world_open(w, "stop at, on the wire", MUN_OP_ARCHIVE, 3);
	rule(w, 1, 1,
	     (struct fake_answer){ .http = 200, .effect = FAKE_EFFECT, .latency_ms = 40000 });
	w->o.stop_at_us = w->f->now.real_us + 30 * SECOND_US;
	world_run(w);
	assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_AT);
	assert_counts(w, .done = 2, .pending = 1);
	assert_int_equal(world_exit(w), 10);

	world_open(w, "stop at, in the past", MUN_OP_ARCHIVE, 3);
	w->o.stop_at_us = w->f->now.real_us - SECOND_US;
	world_run(w);
	assert_ended(w, MUN_B_STOPPED, MUN_WHY_STOP_AT);
	assert_int_equal(w->f->requests, 0);
	world_close(w);
}

static int signals_come; /* set while the engine runs */

static int signals(void)
{
	return signals_come;
}

static void signal_at_run_2(struct fake *f, const struct fake_request *r)
{
	(void)f;
	if (r->kind == FAKE_MUTATE && r->run == 2)
		signals_come = 1;
}

/* The first signal: no new request, what is in flight is awaited and recorded. */
static void test_first_signal_drains(void **state)
{
	struct world *w = *state;

	for (uint32_t concurrency = 1; concurrency <= 4; concurrency += 3) {
		world_open(w, "first signal", MUN_OP_ARCHIVE, 20);
		signals_come = 0;
		w->o.signals = signals;
		w->o.concurrency = concurrency;
		w->f->on_start = signal_at_run_2;
		rule(w, 2, 1,
		     (struct fake_answer){
			     .http = 200, .effect = FAKE_EFFECT, .latency_ms = 9000 });
		world_run(w);
		assert_ended(w, MUN_B_INTERRUPTED, MUN_WHY_SIGNAL);
		assert_int_equal(w->f->aborts, 0);
		assert_int_equal(w->result.batch.counts.done, fake_mutations(w->f, FAKE_ANY));
		assert_int_equal(w->result.batch.counts.done, concurrency == 1 ? 3 : 5);
		assert_int_equal(w->result.batch.counts.in_doubt, 0);
		signals_come = 0;
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	}
	world_close(w);
}

static void second_signal(struct fake *f)
{
	if (signals_come == 1 && f->flights > 0)
		signals_come = 2;
}

/* The second: the transfers are aborted and recorded, in doubt. */
static void test_second_signal_aborts(void **state)
{
	struct world *w = *state;

	world_open(w, "second signal", MUN_OP_ARCHIVE, 20);
	signals_come = 0;
	w->o.signals = signals;
	w->f->on_start = signal_at_run_2;
	w->f->on_wait = second_signal;
	rule(w, 2, 1,
	     (struct fake_answer){ .http = 200, .effect = FAKE_EFFECT, .latency_ms = 50000 });
	world_run(w);
	assert_ended(w, MUN_B_INTERRUPTED, MUN_WHY_SIGNAL);
	assert_true(w->f->aborts > 0);
	assert_counts(w, .done = 2, .in_doubt = 1, .pending = 17);
	assert_int_equal(world_attempt(w, 2, 0).answer, MUN_V_UNKNOWN);
	signals_come = 0;
	world_run(w); /* asked first: it was done */
	assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
	assert_int_equal(fake_mutations(w->f, 2), 1);
	world_close(w);
}

static void signal_soon(struct fake *f)
{
	if (f->waits == 5)
		signals_come = 1;
}

/* While nothing is in flight the first signal leaves at once, whatever it waits for. */
static void test_a_signal_ends_a_wait_at_once(void **state)
{
	static const struct fake_answer waits[] = {
		{ .http = 429, .retry_after_s = 3600 },
		{ .send = MUN_SEND_NOT_SENT },
		{ .http = 502 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(waits); i++) {
		uint64_t started_ms;

		world_open(w, "signal in a wait", MUN_OP_ARCHIVE, 1);
		signals_come = 0;
		w->o.signals = signals;
		w->f->on_wait = signal_soon;
		rule(w, 0, 0, waits[i]);
		started_ms = (uint64_t)w->f->now.uptime_ms;
		world_run(w);
		assert_ended(w, MUN_B_INTERRUPTED, MUN_WHY_SIGNAL);
		assert_true((uint64_t)w->f->now.uptime_ms - started_ms < 10000);
	}
	world_close(w);
}

static struct world *acting_on;

static void cancel_at_run_3(struct fake *f, const struct fake_request *r)
{
	struct mun_entry e = { .kind = MUN_K_BATCH_CANCELLING,
		               .item = MUN_NO_ITEM,
		               .has_batch = true,
		               .batch = acting_on->batch,
		               .has_org = true,
		               .org = acting_on->org };

	if (r->kind != FAKE_MUTATE || r->run != 3 || f->run[3].count[FAKE_MUTATE] != 1)
		return;
	e.u.cancelling.reason = "not this quarter";
	e.u.cancelling.operator_ = (struct mun_operator){ .user = "bob", .host = "desk" };
	world_append(acting_on, &e);
}

/* The mark of a cancel: it drains; pending is cancelled, in doubt stays in doubt. */
static void test_cancel_drains(void **state)
{
	struct world *w = *state;

	for (uint32_t concurrency = 1; concurrency <= 8; concurrency += 7)
		for (int doubt = 0; doubt < 2; doubt++) {
			world_open(w, "cancel", MUN_OP_ARCHIVE, 30);
			acting_on = w;
			w->o.concurrency = concurrency;
			w->f->on_start = cancel_at_run_3;
			rule(w, 3, 0,
			     doubt ? (struct fake_answer){ .http = 502, .latency_ms = 900 }
			           : (struct fake_answer){ .http = 200, .effect = FAKE_EFFECT });
			world_run(w);
			assert_ended(w, MUN_B_CANCELLED, MUN_WHY_NONE);
			assert_int_equal(w->result.batch.counts.pending, 0);
			assert_int_equal(w->result.batch.counts.in_doubt, doubt);
			assert_int_equal(w->result.batch.counts.done,
			                 fake_mutations(w->f, FAKE_ANY) - (unsigned)doubt);
			assert_true(w->result.batch.counts.cancelled > 10);
			assert_int_equal(world_exit(w), doubt ? 13 : 9);
			if (!doubt)
				continue;
			w->f->rules = 0;
			w->f->on_start = NULL;
			w->o.resolving = true; /* no effect: cancelled too */
			world_run(w);
			assert_ended(w, MUN_B_CANCELLED, MUN_WHY_NONE);
			assert_int_equal(w->result.batch.counts.in_doubt, 0);
			assert_int_equal(fake_mutations(w->f, 3), 1);
		}
	world_close(w);
}

/* With no item left to cancel, one in doubt is cancelled when a read settles it later. */
static void test_cancel_when_all_are_handed_out(void **state)
{
	struct world *w = *state;

	world_open(w, "all handed out", MUN_OP_ARCHIVE, 4);
	acting_on = w;
	w->o.concurrency = 8;
	w->f->on_start = cancel_at_run_3;
	rule(w, 3, 0, (struct fake_answer){ .http = 502, .latency_ms = 900 });
	world_run(w);
	assert_ended(w, MUN_B_CANCELLED, MUN_WHY_NONE);
	assert_counts(w, .done = 3, .in_doubt = 1);
	w->f->rules = 0;
	w->f->on_start = NULL;
	w->o.resolving = true;
	world_run(w);
	assert_ended(w, MUN_B_CANCELLED, MUN_WHY_NONE);
	assert_counts(w, .done = 3, .cancelled = 1);
	world_close(w);
}

static void cancel_when_all_were_tried(struct fake *f)
{
	struct mun_entry e = { .kind = MUN_K_BATCH_CANCELLING,
		               .item = MUN_NO_ITEM,
		               .has_batch = true,
		               .batch = acting_on->batch,
		               .has_org = true,
		               .org = acting_on->org };

	if (f->count[FAKE_MUTATE] < 320 || f->arg != NULL)
		return;
	f->arg = f;
	e.u.cancelling.reason = "not this quarter";
	e.u.cancelling.operator_ = (struct mun_operator){ .user = "bob", .host = "desk" };
	world_append(acting_on, &e);
}

/* Hundreds of items that were tried and wait for their next attempt are cancelled as well. */
static void test_cancel_of_many_touched_items(void **state)
{
	struct world *w = *state;

	world_open(w, "cancel many", MUN_OP_ARCHIVE, 320);
	acting_on = w;
	w->o.concurrency = 256;
	w->o.settle_ms = 0;
	w->f->on_wait = cancel_when_all_were_tried;
	fake_rule(w->f, (struct fake_rule){
				FAKE_MUTATE, 0, 0, 0, 0, { .http = 200, .effect = FAKE_EFFECT } });
	rule(w, FAKE_ANY, 0, (struct fake_answer){ .http = 409 });
	world_run(w);
	assert_ended(w, MUN_B_CANCELLED, MUN_WHY_NONE);
	assert_int_equal(w->result.batch.counts.pending, 0);
	assert_int_equal(w->result.batch.counts.done, 1);
	world_close(w);
}

static void raise_at_run_2(struct fake *f, const struct fake_request *r)
{
	if (r->kind == FAKE_MUTATE && r->run == 2 && f->arg == NULL) {
		f->arg = f;
		world_raise_epoch(acting_on);
	}
}

/* Another process took the batch over: nothing more is sent. */
static void test_a_stale_epoch_sends_nothing_more(void **state)
{
	struct world *w = *state;

	for (uint32_t concurrency = 1; concurrency <= 4; concurrency += 3) {
		size_t sent;

		world_open(w, "stale", MUN_OP_ARCHIVE, 20);
		acting_on = w;
		w->o.concurrency = concurrency;
		w->f->on_start = raise_at_run_2;
		assert_fails(world_try(w), MUN_E_STALE, &w->err);
		/* those of the same transaction were admitted before */
		sent = w->f->requests;
		assert_true(sent <= 1 + concurrency + 1);
		w->f->on_start = NULL;
		fake_hang_up(w->f);
		world_run(w);
		assert_ended(w, MUN_B_DONE, MUN_WHY_NONE);
		for (int i = 0; i < 20; i++)
			assert_int_equal(fake_mutations(w->f, i), 1);
	}
	world_close(w);
}

/* Raised while it waits: the next round refuses within its transaction. */
static void test_an_epoch_raised_in_a_wait(void **state)
{
	struct world *w = *state;
	struct mun_engine_options old;

	world_open(w, "stale before it begins", MUN_OP_ARCHIVE, 5);
	w->o.stop_after = 1;
	world_run(w);
	w->o.stop_after = 0;
	old = w->o; /* with the epoch of then */
	world_raise_epoch(w);
	assert_fails(mun_engine_run(&old, &w->result, &w->err), MUN_E_STALE, &w->err);
	assert_int_equal(w->f->requests, 1);
	world_close(w);
}

static void lose_the_file(struct fake *f, const struct fake_request *r)
{
	char path[100];

	(void)f;
	if (r->kind != FAKE_MUTATE || r->run != 2)
		return;
	(void)snprintf(path, sizeof(path), "%s/data.mdb", acting_on->dir);
	(void)unlink(path);
}

/* The journal's file is gone in mid-run: nothing more is sent. */
static void test_a_lost_journal_sends_nothing_more(void **state)
{
	struct world *w = *state;

	for (uint32_t concurrency = 1; concurrency <= 4; concurrency += 3) {
		world_open(w, "journal lost", MUN_OP_ARCHIVE, 20);
		acting_on = w;
		w->unverified = true;
		w->o.concurrency = concurrency;
		w->f->on_start = lose_the_file;
		assert_fails(world_try(w), MUN_E_JOURNAL, &w->err);
		assert_int_equal(w->f->requests, concurrency == 1 ? 3 : 5);
	}
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_stop_after_is_never_exceeded),
		world_test(test_stop_after_counts_what_we_did),
		world_test(test_stop_after_counts_items_in_doubt),
		world_test(test_stop_after_the_last_item),
		world_test(test_stop_on_failures),
		world_test(test_stop_at),
		world_test(test_first_signal_drains),
		world_test(test_second_signal_aborts),
		world_test(test_a_signal_ends_a_wait_at_once),
		world_test(test_cancel_drains),
		world_test(test_cancel_when_all_are_handed_out),
		world_test(test_cancel_of_many_touched_items),
		world_test(test_a_stale_epoch_sends_nothing_more),
		world_test(test_an_epoch_raised_in_a_wait),
		world_test(test_a_lost_journal_sends_nothing_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
