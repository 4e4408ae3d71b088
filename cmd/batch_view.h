/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BATCH_VIEW_H
#define MUN_BATCH_VIEW_H
/*
 * A batch as commands print it: the object that run, archive, restore, resume,
 * cancel, resolve and status share, or lines for people.
 */
#include "cmd/cmd.h"
#include "journal/journal.h"
struct mun_batch_view {
	struct mun_batch batch; /* in flight is counted as in doubt when no runner lives */
	bool runner_lives;
	char state[32];   /* running, waiting, draining, or how the journal names it */
	char holder[256]; /* text of the lock file of a living runner, else "" */
	char base_url[256];
	enum mun_verdict only;   /* of a batch of one item */
	int64_t next_at_us;      /* MUN_TIME_NONE */
	int64_t oldest_doubt_us; /* sending of the oldest item in doubt; MUN_TIME_NONE */
};
enum mun_code mun_batch_view_load(struct mun_batch_view *ret, struct mun_journal *j,
                                  const struct mun_ref *batch, struct mun_err *err) MUN_MUST_CHECK;
/* exit_status: of the process that prints; < 0: what the batch itself says. */
enum mun_code mun_batch_view_print(struct mun_app *app, const struct mun_batch_view *v,
                                   int exit_status, struct mun_err *err) MUN_MUST_CHECK;
/* Does a process hold the batch? */
bool mun_batch_is_held(struct mun_journal *j, const struct mun_ref *batch);
#endif
