/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_JOURNAL_HOLDER_H
#define MUN_JOURNAL_HOLDER_H
/* Who works on a batch: what its lock file says, and what that means for its items. */
#include "journal/journal.h"
/* Does a process hold the batch's lock? What it wrote there is appended to ret: one line, for
 * people. */
bool mun_journal_holder(struct mun_journal *j, const struct mun_ref *batch, struct mun_buf *ret);
bool mun_journal_runner_lives(struct mun_journal *j, const struct mun_ref *batch);
/* Name of an item's state: what is in flight reads in_doubt when no runner lives. */
const char *mun_item_state_now(struct mun_journal *j, const struct mun_ref *batch,
                               enum mun_item_state s, const struct mun_op *op);
#endif
