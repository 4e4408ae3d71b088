/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VERIFY_H
#define MUN_VERIFY_H
/*
 * Every check that needs no signature. One pass over slices of entries, beside
 * a running batch; memory: right edge, open requests, one byte per planned item.
 * What it cannot show stands in not_checked: that its own keeper did not rewrite the journal.
 */
#include "journal/journal.h"
struct mun_finding {
	uint64_t seq; /* MUN_NO_SEQ: none */
	bool bad;
	char what[200];
};
#define MUN_FINDINGS_MAX 1000
struct mun_verdict_report {
	enum mun_verify_result {
		MUN_VERIFIED,
		MUN_VERIFIED_FINDINGS,
		MUN_VERIFY_FAILED
	} result;
	struct mun_head head;
	uint64_t first_bad;           /* MUN_NO_SEQ */
	uint64_t bad;                 /* how many */
	struct mun_finding *findings; /* owned */
	size_t findings_len;
	uint64_t findings_more; /* not kept */
	const char *checked[16];
	size_t checked_len; /* static texts */
	const char *not_checked[16];
	size_t not_checked_len;
};
void mun_verdict_report_done(struct mun_verdict_report *r);
/* tables_only: `journal check`, projections against a rebuild. */
enum mun_code mun_verify_journal(struct mun_journal *j, bool tables_only,
                                 struct mun_verdict_report *ret, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
