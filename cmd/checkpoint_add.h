/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CHECKPOINT_ADD_H
#define MUN_CHECKPOINT_ADD_H
/* `checkpoint --add FILE`: cosignatures that came by another way than the network. */
#include "cmd/cmd.h"
#include "journal/checkpoint.h"
/*
 * Keep the lines of FILE (a note, or cosignature lines alone) that --witness-key made for one of
 * the journal's checkpoints; *ret, made, is the newest of those. USAGE: no --witness-key. INPUT:
 * none of the lines is one.
 */
enum mun_code mun_checkpoint_add(struct mun_app *app, struct mun_journal *j, struct mun_signed *ret,
                                 struct mun_err *err) MUN_MUST_CHECK;
#endif
