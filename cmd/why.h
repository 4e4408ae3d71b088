/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_WHY_H
#define MUN_CMD_WHY_H
/* Who acts and why: the audit trail's own words. */
#include "cmd/cmd.h"

/* Who asks: uid, user, host, tty; claimed is --operator. Texts are static to the process's life. */
void mun_operator_of(struct mun_operator *ret, const struct mun_app *app);
/* --reason, asked on a terminal, else USAGE; checked. */
enum mun_code mun_reason_get(struct mun_app *app, const char **ret, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
