/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_LOOKUP_H
#define MUN_LOOKUP_H
/*
 * What rows of queries need beside their own entry: the plan.stored of a plan, the start of an
 * epoch, the name of a run. A few answers are kept, as neighbouring rows ask for the same.
 */
#include "journal/journal.h"
#define MUN_LOOKUP_SLOTS 8
struct mun_kept {
	struct mun_ref ref;
	uint32_t epoch; /* 0: a plan */
	struct mun_entry entry;
	struct mun_decoded *owner; /* NULL: free slot */
};
struct mun_lookup {
	struct mun_journal *j; /* borrowed */
	struct mun_kept kept[MUN_LOOKUP_SLOTS];
	unsigned next;
	uint64_t asked; /* the entry that an answer needed last; MUN_NO_SEQ */
	bool lost;      /* the start of this epoch was looked for in vain */
	struct mun_ref lost_batch;
	uint32_t lost_epoch;
	uint64_t lost_seq; /* where it should stand */
	struct mun_buf line, body, name;
};
void mun_lookup_init(struct mun_lookup *l, struct mun_journal *j);
void mun_lookup_done(struct mun_lookup *l);
/* Read and decode one entry; the line stays in l->line until the next call. */
enum mun_code mun_lookup_entry(struct mun_lookup *l, uint64_t seq, struct mun_entry *ret,
                               struct mun_decoded **ret_owner, struct mun_err *err) MUN_MUST_CHECK;
/* Valid until MUN_LOOKUP_SLOTS further questions. NOTFOUND. When it fails, l->asked names the entry
 * that could not be read, where that is known; so for the next. */
enum mun_code mun_lookup_plan(struct mun_lookup *l, const struct mun_ref *plan,
                              const struct mun_entry **ret, struct mun_err *err) MUN_MUST_CHECK;
/* batch.started or batch.resumed of that epoch. NOTFOUND. */
enum mun_code mun_lookup_start(struct mun_lookup *l, const struct mun_ref *batch, uint32_t epoch,
                               uint64_t before_seq, const struct mun_entry **ret,
                               struct mun_err *err) MUN_MUST_CHECK;
/* From the newest body of the run, else the manifest's column "name", else NULL. Not evidence:
 * what cannot be read counts as no name. Valid until the next call. */
enum mun_code mun_lookup_name(struct mun_lookup *l, const struct mun_id *org,
                              const struct mun_id *run, const struct mun_ref *plan, uint32_t item,
                              const char **ret, struct mun_err *err) MUN_MUST_CHECK;
#endif
