/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_EXECUTE_H
#define MUN_EXECUTE_H
/*
 * From a stored plan or an open batch to the end of its execution: lock, token, identity,
 * consent, `batch.started` or `batch.resumed`, engine, and what is said at the end. Shared by
 * archive, restore, run, resume and resolve.
 */
#include "cmd/planning.h"

struct mun_execute {
	struct mun_plan plan;
	struct mun_planned *planned; /* for the question; NULL: naming the plan is the consent */
	bool resolving;
	const uint32_t *only; /* resolving: the items to ask about; NULL: all in doubt */
	size_t only_len;
};
/*
 * *ret_exit is the exit status when MUN_OK is returned; also when it fails, unless 0. With json or
 * jsonl the batch is printed at every end, once it exists.
 */
enum mun_code mun_execute(struct mun_app *app, struct mun_journal *j, const struct mun_execute *x,
                          int *ret_exit, struct mun_err *err) MUN_MUST_CHECK;
/*
 * The batch as one JSON object, or for people the four things, to stdout and stderr. exit_status:
 * of this process; < 0: what the batch itself says. Output that cannot be written is said, and
 * is no failure.
 */
enum mun_code mun_report_batch(struct mun_app *app, struct mun_journal *j,
                               const struct mun_batch *b, const char *detail, int64_t next_at_us,
                               int exit_status, struct mun_err *err) MUN_MUST_CHECK;
/* A run that cannot go on by itself: what is known of the batch, on stderr, before the error. */
void mun_report_cut_off(struct mun_app *app, const struct mun_batch *b, const char *base_url);
/* A failure in words goes to stderr; a program also gets how the batch stands, once it exists. */
void mun_report_failed(struct mun_app *app, struct mun_journal *j, const struct mun_ref *batch,
                       int exit_status);
/* Of resolve and cancel: 13 while something is in doubt, else 0. */
int mun_doubt_exit(struct mun_journal *j, const struct mun_batch *b);
/* Verdict of the only item of a batch of one, else MUN_V_NONE. */
enum mun_verdict mun_only_verdict(struct mun_journal *j, const struct mun_batch *b);
#endif
