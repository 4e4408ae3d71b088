/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch without memory, somewhere in the middle: nothing is sent without its intent, nothing
 * twice without a probe (the simulated server looks), and a later resume settles everything.
 */
#include <string.h>

#include "tests/engine/world.h"
#include "tests/nomem/nomem.h"

#define ITEMS 4

static struct mun_wire real;

/* The server's own allocations are no matter of ours. */
static enum mun_code start(struct mun_wire *w, uint64_t tag, const struct mun_request *r,
                           size_t body_max, struct mun_err *err)
{
	enum mun_code code;

	nomem_pause();
	code = real.start(w, tag, r, body_max, err);
	nomem_resume();
	return code;
}

static enum mun_code wait_for(struct mun_wire *w, uint32_t timeout_ms, struct mun_answer *ret,
                              size_t max, size_t *ret_len, struct mun_err *err)
{
	enum mun_code code;

	nomem_pause();
	code = real.wait(w, timeout_ms, ret, max, ret_len, err);
	nomem_resume();
	return code;
}

static void open_world(struct world *w, enum mun_op_kind op)
{
	world_open(w, "no memory", op, ITEMS);
	real = w->f->wire;
	w->f->wire.start = start;
	w->f->wire.wait = wait_for;
	w->o.concurrency = 2;
	/* One in doubt that a probe settles, one that is refused for good. */
	fake_rule(w->f, (struct fake_rule){
				FAKE_MUTATE, 1, 1, 1, 0, { .http = 502, .effect = FAKE_EFFECT } });
	fake_rule(w->f, (struct fake_rule){
				FAKE_MUTATE, 2, 0, 0, 0, { .http = 422, .body = FAKE_JSON } });
}

/* False: no allocation was left to fail. */
static bool run_without(struct world *w, unsigned n, enum nomem_after after)
{
	enum mun_code code;
	bool hit;

	open_world(w, MUN_OP_ARCHIVE);
	nomem_arm(n, after);
	code = world_try(w);
	hit = nomem_disarm();
	if (code != MUN_OK && code != MUN_E_NOMEM)
		print_error("allocation %u: %s: %s\n", n, mun_code_name(code), w->err.text);
	assert_true(code == MUN_OK || (hit && code == MUN_E_NOMEM));
	/* What it could not record was said; the process is gone, with what was on the wire. */
	w->unrecorded = 0;
	fake_hang_up(w->f);
	w->o.batch.epoch = 0;
	world_run(w);
	assert_ended(w, MUN_B_DONE_WITH_FAILURES, MUN_WHY_NONE);
	assert_true(w->result.batch.counts.failed == 1 && w->result.batch.counts.in_doubt == 0 &&
	            w->result.batch.counts.pending == 0);
	for (int run = 0; run < ITEMS; run++)
		assert_true(w->f->run[run].effects == (run == 2 ? 0 : 1));
	world_close(w);
	return hit;
}

static void test_any_allocation_may_fail(void **state)
{
	for (enum nomem_after after = NOMEM_ONCE; after < NOMEM_AFTERS; after++) {
		unsigned n = 1;

		while (run_without(*state, n, after))
			n++;
		assert_true(n > 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { world_test(test_any_allocation_may_fail) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
