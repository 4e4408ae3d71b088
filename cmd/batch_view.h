/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BATCH_VIEW_H
#define MUN_BATCH_VIEW_H
/*
 * A batch as commands print it: the object that run, archive, restore, resume,
 * cancel, resolve and status share, or lines for people.
 */
#include "cmd/holder.h"
struct mun_batch_view {
	struct mun_batch batch; /* in flight is counted as in doubt when no runner lives */
	struct mun_holder runner;
	char state[32]; /* running, waiting, draining, or how the journal names it */
	char base_url[256];
	char host[256];       /* of base_url, as requests name it */
	struct mun_rate rate; /* of the newest start; with used, only while the batch is open */
	uint32_t used[MUN_RATE_WINDOWS];
	enum mun_verdict only;   /* of a batch of one item */
	int64_t next_at_us;      /* when the next request may go; MUN_TIME_NONE: now, or never */
	int64_t oldest_doubt_us; /* sending of the oldest item in doubt; MUN_TIME_NONE */
};
enum mun_code mun_batch_view_load(struct mun_batch_view *ret, struct mun_journal *j,
                                  const struct mun_ref *batch, struct mun_err *err) MUN_MUST_CHECK;
/* exit_status: of the process that prints; < 0: what the batch itself says, null while it runs or
 * when its runner died. */
enum mun_code mun_batch_view_print(struct mun_app *app, const struct mun_batch_view *v,
                                   int exit_status, struct mun_err *err) MUN_MUST_CHECK;
/* Do the --fields of app exist in the object? Asked before anything is done. USAGE. */
enum mun_code mun_batch_view_fields(struct mun_app *app, struct mun_err *err) MUN_MUST_CHECK;
/* "halted: the token is no longer accepted": a state and why, unless that says the state too. */
void mun_batch_view_state(struct mun_buf *ret, const char *state, const char *why);
/* The member "counts" of an object. */
struct mun_canon;
void mun_batch_view_counts(struct mun_canon *c, const struct mun_batch *b);
/* Exit status that the batch itself says; -1: it says none yet. */
int mun_batch_view_exit(const struct mun_batch_view *v);
#endif
