/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TESTS_WORLD_H
#define MUN_TESTS_WORLD_H
/*
 * A real journal in a temporary folder, a plan and its batch over the runs of a fake server, and
 * the engine between them. Every run is followed by the checks that hold always: conservation,
 * no request without its intent, no second request while the first is in doubt, and at the end
 * every check of `verify`.
 */
#include "cmd/engine/engine.h"
#include "tests/engine/fake.h"
#include "tests/test.h"

struct world {
	char dir[64];
	const char *name; /* of the case, for messages */
	struct fake *f;
	struct mun_journal *j;
	struct mun_ref plan, batch;
	struct mun_id org;
	struct mun_engine_options o; /* change between runs; batch is filled by world_run() */
	struct mun_engine_result result;
	struct mun_err err;
	uint64_t unrecorded; /* outcomes that the engine could not commit */
	bool all_in_doubt;   /* the next starts say so */
	bool unverified;     /* world_close() leaves `verify` out: for hundreds of alike worlds */
};

/* cmocka fixture: *state is a struct world that holds nothing yet. */
int world_setup(void **state);
int world_teardown(void **state);
#define world_test(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

/* A fresh world for a case, in place of the one before (which is checked and removed). */
void world_open(struct world *w, const char *name, enum mun_op_kind op, uint32_t items);
void world_close(struct world *w);

/* Another plan over the runs first.. of the server; ref tells them apart (batch: ref too). */
void world_add_plan(struct world *w, uint8_t ref, enum mun_op_kind op, uint32_t first,
                    uint32_t items);
/* The batch that world_run() works on from now on. */
void world_use(struct world *w, uint8_t ref, enum mun_op_kind op);

/* The next epoch begins: batch.started or batch.resumed, then the engine. */
enum mun_code world_try(struct world *w);
void world_run(struct world *w); /* it must return MUN_OK; then the checks that always hold */
/* In a process of its own that dies at its n-th step (0: never); true: it died there. */
bool world_run_and_die(struct world *w, unsigned step);
/* Raises the epoch of the batch, as another process would. */
void world_raise_epoch(struct world *w);
void world_append(struct world *w, struct mun_entry *e);

struct mun_item world_item(struct world *w, uint32_t item);
enum mun_verdict world_verdict(struct world *w, uint32_t item);
/* What holds for the n-th mutating request (from 0) of a run, and how that is known. */
struct mun_exchange world_attempt(struct world *w, int run, size_t n);
uint64_t world_size(struct world *w);
/* Decoded entry; *ret_owner is freed by the caller with mun_decoded_freep(). */
void world_entry(struct world *w, uint64_t seq, struct mun_entry *ret,
                 struct mun_decoded **ret_owner);
unsigned world_exit(struct world *w); /* exit status of the batch as it stands */
#define WORLD_DECODED MUN_CLEANUP(mun_decoded_freep) struct mun_decoded

/* Counts named; the total is what the batch has, the rest zero. */
#define assert_counts(w, ...) \
	world_assert_counts((w), &(struct mun_counts){ __VA_ARGS__ }, __FILE__, __LINE__)
void world_assert_counts(struct world *w, const struct mun_counts *want, const char *file,
                         int line);
#define assert_ended(w, state_, why_) world_assert_ended((w), (state_), (why_), __FILE__, __LINE__)
void world_assert_ended(struct world *w, enum mun_batch_state state, enum mun_why why,
                        const char *file, int line);
#define assert_verdict(w, item, v) world_assert_verdict((w), (item), (v), __FILE__, __LINE__)
void world_assert_verdict(struct world *w, uint32_t item, enum mun_verdict v, const char *file,
                          int line);
#endif
