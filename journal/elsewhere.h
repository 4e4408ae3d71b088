/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ELSEWHERE_H
#define MUN_ELSEWHERE_H
/*
 * What items of other batches say of a run, within the transaction that appends: there no other
 * process can have written since. Cost: the places of that run, never the journal.
 */
#include "journal/tables.h"
struct mun_elsewhere {
	struct mun_txn *t;        /* borrowed */
	struct mun_iter **by_run; /* opened when it is needed, closed by the caller */
	const struct mun_batch *own;
};
/*
 * May the mutating request e go? *ret is false when an attempt elsewhere is open, or, before a
 * first attempt, when the newest outcome elsewhere is what this batch wants; unless e says that
 * the server was asked since (elsewhere_seen).
 */
enum mun_code mun_elsewhere_allows(const struct mun_elsewhere *w, const struct mun_entry *e,
                                   bool *ret, struct mun_err *err) MUN_MUST_CHECK;
/* Has another attempt for the run this very archived_at? One effect is claimed once. */
enum mun_code mun_elsewhere_claimed(const struct mun_elsewhere *w, const struct mun_id *org,
                                    const struct mun_id *run, const char *archived_at, bool *ret,
                                    struct mun_err *err) MUN_MUST_CHECK;
#endif
