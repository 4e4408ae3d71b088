/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_NEXT_H
#define MUN_NEXT_H
/*
 * The one command to type next, complete: it can be pasted into a shell. Options that say where
 * journal, vault and token are come along when this process got them as options; what the
 * environment gave is there for the next process as well.
 */
#include "cmd/cmd.h"
#include "journal/journal.h"
/* Appends nothing when there is nothing to do. base_url: of the batch's plan. */
void mun_next_command(struct mun_buf *ret, const struct mun_app *app, const struct mun_batch *b,
                      const char *base_url);
/* "muniment VERB ID" for a plan or a batch. */
void mun_next_verb(struct mun_buf *ret, const struct mun_app *app, const char *verb,
                   const char *id);
/* Plans the content of a plan.stored entry again; its list is FILE, whose name is not recorded. */
void mun_next_plan_again(struct mun_buf *ret, const struct mun_app *app,
                         const struct mun_entry *plan);
/* s as one word of a shell, in quotes where it needs them. */
void mun_next_quote(struct mun_buf *ret, const char *s);
#endif
