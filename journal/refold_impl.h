/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_REFOLD_IMPL_H
#define MUN_REFOLD_IMPL_H
/* Private to journal/refold*.c. */
#include "journal/fold.h"
#include "journal/refold.h"
#define MUN_REFOLD_KEPT 16
struct mun_refold_start {
	uint32_t batch, epoch;
	uint64_t seq;
};
struct mun_refold_answer { /* a body of a run, sorted by org, run, seq */
	struct mun_id org, run;
	uint64_t seq;
};
struct mun_refold_kept {
	uint64_t seq;
	struct mun_entry entry;
	struct mun_decoded *owner; /* NULL: free */
};
struct mun_refold {
	struct mun_source *source;
	struct mun_plan *plans; /* owned */
	size_t plans_len, plans_cap;
	struct mun_refold_batch *batches; /* owned */
	size_t batches_len, batches_cap;
	struct mun_refold_start *starts; /* owned, ascending seq */
	size_t starts_len, starts_cap;
	struct mun_scratch items, exchanges, answers;
	bool sorted; /* answers are */
	uint32_t last_batch;
	struct mun_refold_kept kept[MUN_REFOLD_KEPT];
	unsigned next_kept;
	struct mun_buf line, text;
	/* what strings of a row point into */
	struct mun_entry own;
	struct mun_decoded *own_owner;
	char operator_[640], token[33], archived_at[40];
	const struct mun_entry *operator_of; /* the start that operator_ was made of, and its seq */
	uint64_t operator_seq;
};
/* A row of items that has been touched begins with this; zeros: never. */
struct mun_refold_item_row {
	bool touched;
	struct mun_item item;
};
#endif
