/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_DRILL_H
#define MUN_DRILL_H
/*
 * verify --drill: a copy of the journal's beginning, signed by a throw-away key, is damaged in a
 * dozen ways, and each must be caught for the right reason. The journal is only read.
 */
#include "cmd/cmd.h"
/* *ret_exit: 0, or 15 when something went unnoticed. */
enum mun_code mun_drill(struct mun_app *app, int *ret_exit, struct mun_err *err) MUN_MUST_CHECK;
#endif
