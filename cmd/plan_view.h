/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PLAN_VIEW_H
#define MUN_PLAN_VIEW_H
/* A plan as status and show print it. */
#include "cmd/cmd.h"
#include "journal/journal.h"
/* stored, consumed, expired, discarded: now, by the clock of app. */
const char *mun_plan_view_state(const struct mun_app *app, const struct mun_plan *p);
/* The entry that stored it; the strings live as long as *ret_owner. */
enum mun_code mun_plan_view_entry(struct mun_journal *j, const struct mun_plan *p,
                                  struct mun_entry *ret, struct mun_decoded **ret_owner,
                                  struct mun_err *err) MUN_MUST_CHECK;
/* How long so many requests take, and the faster alternative where there is one, to stderr. */
void mun_plan_view_eta(struct mun_app *app, const struct mun_rate *rate, uint64_t requests);
/* Do the --fields of app exist in the object? USAGE. */
enum mun_code mun_plan_view_fields(struct mun_app *app, struct mun_err *err) MUN_MUST_CHECK;
/* An empty list, which is no plan: as JSON the object of one whose plan, state and times are null.
 * An org of zeros is not known. */
enum mun_code mun_plan_view_empty(struct mun_app *app, enum mun_op_kind op,
                                  const struct mun_id *org, const char *base_url,
                                  struct mun_err *err) MUN_MUST_CHECK;
/* A plan that was executed is followed by the counts of its batch. */
enum mun_code mun_plan_view_print(struct mun_app *app, struct mun_journal *j,
                                  const struct mun_ref *plan, struct mun_err *err) MUN_MUST_CHECK;
#endif
