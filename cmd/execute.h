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
	/* resolve --assume: decisions to record under the lock before anything is asked */
	enum mun_code (*prepare)(void *arg, struct mun_journal *j, const struct mun_batch *b,
	                         struct mun_err *err);
	void *arg;
};
/* *ret_exit is the exit status when MUN_OK is returned. */
enum mun_code mun_execute(struct mun_app *app, struct mun_journal *j, const struct mun_execute *x,
                          int *ret_exit, struct mun_err *err) MUN_MUST_CHECK;
/* The batch as one JSON object, or for people the four things, to stdout and stderr. */
enum mun_code mun_report_batch(struct mun_app *app, struct mun_journal *j,
                               const struct mun_batch *b, const char *detail, int64_t next_at_us,
                               unsigned exit_status, struct mun_err *err) MUN_MUST_CHECK;
/* Verdict of the only item of a batch of one, else MUN_V_NONE. */
enum mun_verdict mun_only_verdict(struct mun_journal *j, const struct mun_batch *b);
#endif
