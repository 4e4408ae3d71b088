/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PROJECT_H
#define MUN_PROJECT_H
/*
 * One entry into all projections, within a write transaction; appending and rebuilding both come
 * through here. The batch at hand is kept in memory: mun_project_flush() before the commit.
 */
#include "journal/tables.h"
struct mun_project {
	struct mun_txn *txn;    /* projections are written here */
	struct mun_txn *source; /* the log is read here; the same one when appending; or NULL */
	bool has_batch, dirty;
	struct mun_batch batch;
	bool has_block, has_mark;
	uint64_t block; /* of by_time */
	int64_t min_us, max_us;
	struct mun_ref mark_batch; /* of by_batch: what was marked last */
	uint64_t mark_block;
};
void mun_project_init(struct mun_project *p, struct mun_txn *txn, struct mun_txn *source);
enum mun_code mun_project_entry(struct mun_project *p, const struct mun_entry *e,
                                struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_project_flush(struct mun_project *p, struct mun_err *err) MUN_MUST_CHECK;
/* Make batch the one at hand, in p->batch. NOTFOUND leaves err alone. */
enum mun_code mun_project_batch(struct mun_project *p, const struct mun_ref *batch,
                                struct mun_err *err) MUN_MUST_CHECK;
#endif
