/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_FOLD_H
#define MUN_FOLD_H
/*
 * What one entry makes of the rows that it concerns. Pure: rows in, rows out; who stores them is
 * journal/project. Counts follow through mun_fold_move(), called once per changed item.
 */
#include "journal/state.h"
/* pending (a row that exists), in flight, in doubt: work is left */
bool mun_item_is_open(enum mun_item_state s);
void mun_fold_request(struct mun_item *item, struct mun_exchange *ret, const struct mun_entry *e);
/* item is NULL outside a batch; batch too. */
void mun_fold_response(struct mun_item *item, struct mun_exchange *x, const struct mun_batch *batch,
                       const struct mun_entry *e);
/* x is NULL when the item has no request. e is the response that settles. */
void mun_fold_settle(struct mun_item *item, struct mun_exchange *x, const struct mun_batch *batch,
                     const struct mun_settle *s, const struct mun_entry *e);
void mun_fold_decision(struct mun_item *item, struct mun_exchange *x, const struct mun_batch *batch,
                       const struct mun_entry *e);
void mun_fold_start(struct mun_batch *batch, const struct mun_plan *plan,
                    const struct mun_entry *e);
void mun_fold_cancelling(struct mun_batch *batch, const struct mun_entry *e);
void mun_fold_pause(struct mun_batch *batch, const struct mun_entry *e);
/* n items went from one state to another. */
void mun_fold_move(struct mun_batch *batch, enum mun_item_state from, enum mun_item_state to,
                   uint64_t n);
/* After a settlement: an ended batch in doubt is reopened, or its doubt is over. */
void mun_fold_after_settling(struct mun_batch *batch);
#endif
