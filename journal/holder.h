/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_JOURNAL_HOLDER_H
#define MUN_JOURNAL_HOLDER_H
/* Whether somebody works on a batch, and what that means for its items. */
#include "journal/journal.h"
/* Does a process hold the batch's lock? */
bool mun_journal_runner_lives(struct mun_journal *j, const struct mun_ref *batch);
/* Name of an item's state: what is in flight reads in_doubt when no runner lives. */
const char *mun_item_state_now(struct mun_journal *j, const struct mun_ref *batch,
                               enum mun_item_state s, const struct mun_op *op);
#endif
