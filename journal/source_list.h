/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SOURCE_LIST_H
#define MUN_SOURCE_LIST_H
/*
 * Lists of an evidence bundle: plan/PLAN.ids, one id a line, and plan/PLAN.overrides, `id TAB
 * reason TAB ticket` of the rows that have their own, in the same order. A few are kept open.
 */
#include "journal/journal.h"
#include "journal/members.h"
struct mun_lists;
/* m stays open longer. */
enum mun_code mun_lists_open(struct mun_lists **ret, const struct mun_members *m,
                             struct mun_err *err) MUN_MUST_CHECK;
void mun_lists_closep(struct mun_lists **l);
/* NOTFOUND: no such list, or fewer items. CORRUPT: no list of ids, or an override of no item. */
enum mun_code mun_lists_row(struct mun_lists *l, const struct mun_ref *plan, uint32_t item,
                            struct mun_list_row *ret, struct mun_buf *text, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
