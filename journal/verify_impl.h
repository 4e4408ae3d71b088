/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VERIFY_IMPL_H
#define MUN_VERIFY_IMPL_H
/* Private to journal/verify*.c. */
#include "journal/lookup.h"
#include "journal/verify.h"
#include "lib/base.h"

/* A request without outcome so far: unanswered, or answered in doubt. */
struct mun_verify_open {
	uint64_t seq;
	struct mun_ref batch;
	int64_t item;
	bool has_batch, mutates, answered, settled;
};
struct mun_verify_plan {
	struct mun_ref plan;
	struct mun_id org;
	enum mun_op_kind op;
	uint32_t items;
	uint64_t duplicates;
};
enum mun_verify_bucket {
	MUN_VB_OPEN,
	MUN_VB_SUCCESS,
	MUN_VB_LEFT_OUT
};
uint8_t *mun_verify_buckets(uint32_t items); /* all open; to be freed; NULL: no memory */
struct mun_verify_batch {
	struct mun_ref batch;
	struct mun_verify_plan plan;
	uint32_t epoch;
	uint64_t success;
	uint8_t *bucket; /* owned, one byte an item: enum mun_verify_bucket */
};
struct mun_verify {
	struct mun_journal *j;
	struct mun_verdict_report *report;
	uint64_t last_bad;            /* MUN_NO_SEQ: none yet */
	bool gap;                     /* an entry is not known, so what follows looks odd */
	struct mun_verify_open *open; /* owned, ascending seq */
	size_t open_len, open_cap;
	struct mun_verify_plan *plans; /* owned */
	size_t plans_len, plans_cap;
	struct mun_verify_batch *batches; /* owned */
	size_t batches_len, batches_cap;
	int64_t last_time_us;
	struct mun_buf text; /* scratch */
};
/* Something that makes the journal fail; counted once an entry. */
void mun_verify_bad(struct mun_verify *v, uint64_t seq, const char *fmt, ...) MUN_PRINTF(3, 4);
/* Something that does not fit what came before: bad, unless a gap before it explains it. */
void mun_verify_odd(struct mun_verify *v, uint64_t seq, const char *fmt, ...) MUN_PRINTF(3, 4);
/* Something to know. */
void mun_verify_note(struct mun_verify *v, uint64_t seq, const char *fmt, ...) MUN_PRINTF(3, 4);
/* All entries below the head: bytes, leaves, tree, and each through mun_verify_fold(). */
enum mun_code mun_verify_chain(struct mun_verify *v, struct mun_err *err) MUN_MUST_CHECK;
/* What the entry says, given all before it. */
enum mun_code mun_verify_fold(struct mun_verify *v, const struct mun_entry *e, struct mun_err *err)
	MUN_MUST_CHECK;
/* After the last entry: what is in doubt. */
void mun_verify_fold_end(struct mun_verify *v);
/* The list of a plan against its hashes. */
enum mun_code mun_verify_list(struct mun_verify *v, const struct mun_entry *e, struct mun_err *err)
	MUN_MUST_CHECK;
/* A body beside the log against the entry's commitment. */
enum mun_code mun_verify_body(struct mun_verify *v, uint64_t seq, const struct mun_body_ref *body,
                              struct mun_err *err) MUN_MUST_CHECK;
/* Projections against a rebuild, in scratch tables. */
enum mun_code mun_verify_tables(struct mun_verify *v, struct mun_err *err) MUN_MUST_CHECK;
#endif
