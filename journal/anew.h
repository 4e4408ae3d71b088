/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ANEW_H
#define MUN_ANEW_H
/*
 * The tables of a journal made anew from its entries, in a scratch environment: a folder in
 * TMPDIR whose files have no name any more before the first row is written, so that a process
 * that is killed leaves empty tables at most. Entries are folded in slices, so memory does not
 * grow with them, and no transaction of the journal stays open for long. by_run is not among the
 * tables: it follows from the lists alone (mun_list_each), and its random keys would cost a page
 * each.
 */
#include "journal/tables.h"
struct mun_anew {
	struct mun_store *store; /* all projections but by_run and the requests of window */
	uint64_t size;           /* entries folded so far */
	uint64_t wrong;          /* entries whose counts are not those of their batch then */
	uint64_t first_wrong;    /* when there are */
};
/* IO: the scratch files cannot be made. */
enum mun_code mun_anew_open(struct mun_anew *ret, struct mun_err *err) MUN_MUST_CHECK;
void mun_anew_done(struct mun_anew *a);
/* The entries from a->size up to end. CORRUPT: entry a->size is missing or does not fit. */
enum mun_code mun_anew_fold(struct mun_anew *a, struct mun_store *source, uint64_t end,
                            struct mun_err *err) MUN_MUST_CHECK;
/* The same, read within one transaction. */
enum mun_code mun_anew_fold_within(struct mun_anew *a, struct mun_txn *source, uint64_t end,
                                   struct mun_err *err) MUN_MUST_CHECK;
/* The next entries, decoded and in order; what they say of waits goes into no window. */
enum mun_code mun_anew_entries(struct mun_anew *a, const struct mun_entry *entries, size_t len,
                               struct mun_err *err) MUN_MUST_CHECK;
/* Rows of window from the newest requests, folded before. Whether windows admitted a request is
 * not in its entry, so all of them count. */
enum mun_code mun_anew_windows(struct mun_anew *a, struct mun_txn *source, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
