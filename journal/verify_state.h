/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VERIFY_STATE_H
#define MUN_VERIFY_STATE_H
/*
 * What verify remembers of plans, batches and open requests while it passes over the entries. Found
 * by a keyed hash: neither many of them nor chosen names make it slow.
 */
#include "journal/entry.h"
struct mun_verify_open { /* a request without outcome so far: unanswered, or answered in doubt */
	uint64_t seq;
	struct mun_ref batch;
	int64_t item;
	bool has_batch, mutates, answered, settled, gone;
};
struct mun_verify_plan {
	struct mun_ref plan;
	struct mun_id org;
	enum mun_op_kind op;
	bool listed; /* its list is there */
	bool own;    /* some rows have their own reason */
	uint32_t items;
	uint64_t duplicates;
};
#define MUN_VB_OPEN     0
#define MUN_VB_SUCCESS  1
#define MUN_VB_LEFT_OUT 2
#define MUN_VB_BUCKET   3   /* the bits of these */
#define MUN_VB_DOUBT    128 /* a mutating request of the item is not settled */
struct mun_verify_batch {
	struct mun_ref batch;
	struct mun_verify_plan plan;
	uint32_t epoch;
	uint64_t success;
	uint8_t *bucket; /* owned, one byte an item; NULL: the list is not there */
};
struct mun_verify_map {
	uint8_t key[16];
	uint32_t *slot; /* owned: index + 1 */
	size_t cap, len;
};
struct mun_verify_state {
	struct mun_verify_open *open; /* owned, ascending seq */
	size_t open_len, open_cap, open_gone;
	struct mun_verify_plan *plans; /* owned */
	size_t plans_len, plans_cap;
	struct mun_verify_map plan_map;
	struct mun_verify_batch *batches; /* owned */
	size_t batches_len, batches_cap;
	struct mun_verify_map batch_map;
};
void mun_verify_state_init(struct mun_verify_state *s);
void mun_verify_state_done(struct mun_verify_state *s);
struct mun_verify_plan *mun_verify_find_plan(struct mun_verify_state *s,
                                             const struct mun_ref *plan);
struct mun_verify_batch *mun_verify_find_batch(struct mun_verify_state *s,
                                               const struct mun_ref *batch);
/* NOMEM. */
enum mun_code mun_verify_add_plan(struct mun_verify_state *s, const struct mun_verify_plan *plan,
                                  struct mun_err *err) MUN_MUST_CHECK;
/* Its buckets are made. */
enum mun_code mun_verify_add_batch(struct mun_verify_state *s, const struct mun_verify_batch *batch,
                                   struct mun_err *err) MUN_MUST_CHECK;
/* seq is larger than that of all before. */
enum mun_code mun_verify_add_open(struct mun_verify_state *s, const struct mun_verify_open *open,
                                  struct mun_err *err) MUN_MUST_CHECK;
struct mun_verify_open *mun_verify_find_open(struct mun_verify_state *s,
                                             uint64_t seq); /* or NULL */
void mun_verify_remove_open(struct mun_verify_state *s, struct mun_verify_open *open);
#endif
