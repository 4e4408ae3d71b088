/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_JOURNAL_DRILL_H
#define MUN_JOURNAL_DRILL_H
/*
 * A copy of the beginning of a journal (at most 10,000 entries, bounded on disk), signed by a key
 * that is thrown away, damaged in many ways, each checked by verify as an auditor would who kept
 * the key and the first checkpoint. The journal is only read, and no vault is opened.
 */
#include "journal/verify.h"
struct mun_drill_step {
	const char *name;   /* what was done */
	const char *expect; /* what the verdict must name */
	bool caught;
	char found[200]; /* the finding that names it, or the first of them; "" none */
};
typedef void (*mun_drill_fn)(void *arg, const struct mun_drill_step *step);
/* dir: an empty directory for the copies, which are the caller's to remove. VERIFY: the beginning
 * of the journal does not verify by itself. */
enum mun_code mun_drill_run(struct mun_journal *j, const char *dir, mun_drill_fn fn, void *arg,
                            uint64_t *ret_entries, struct mun_err *err) MUN_MUST_CHECK;
#endif
