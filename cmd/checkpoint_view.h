/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CHECKPOINT_VIEW_H
#define MUN_CHECKPOINT_VIEW_H
/* A signed checkpoint for people and programs. What stands in its note and stamps is shown as it
 * is, not verified: that is for `verify`. */
#include "cmd/cmd.h"
#include "journal/checkpoint.h"
/* --fields of the object below, asked before anything is done. USAGE. */
enum mun_code mun_checkpoint_fields(struct mun_app *app, struct mun_err *err) MUN_MUST_CHECK;
/* The note's bytes; -o json: {size, root, origin, key, note, anchors: [{kind, by, time}]}. */
enum mun_code mun_checkpoint_print(struct mun_app *app, struct mun_journal *j,
                                   const struct mun_signed *s, struct mun_err *err) MUN_MUST_CHECK;
/* One row for each checkpoint of the journal, oldest first. */
enum mun_code mun_checkpoint_list(struct mun_app *app, struct mun_journal *j, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
