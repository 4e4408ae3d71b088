/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PLAN_VIEW_H
#define MUN_PLAN_VIEW_H
/* A plan as status and show print it. */
#include "cmd/cmd.h"
#include "journal/journal.h"
/* stored, consumed, expired, discarded: now, by the clock of app. */
const char *mun_plan_view_state(const struct mun_app *app, const struct mun_plan *p);
enum mun_code mun_plan_view_print(struct mun_app *app, struct mun_journal *j,
                                  const struct mun_ref *plan, struct mun_err *err) MUN_MUST_CHECK;
#endif
