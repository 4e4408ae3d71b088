/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_APP_H
#define MUN_CMD_APP_H
/* What main does before and after a command; the rest of an app is in cmd.h. */
#include "cmd/cmd.h"
/* The facts of the process: terminals, clock, version. */
void mun_app_init(struct mun_app *app, const struct mun_cmd *cmd);
void mun_app_done(struct mun_app *app);
/* After parsing: directories, zone, output format. USAGE. */
enum mun_code mun_app_settle(struct mun_app *app, struct mun_err *err) MUN_MUST_CHECK;
/* Exit status of an error (README.md). */
int mun_app_exit(enum mun_code code);
/* What runs here, so that the journal names it, into app->exe_sha256; "" when it cannot be read. */
void mun_app_executable(struct mun_app *app);
/* Has whoever read our stdout gone away? */
bool mun_app_reader_gone(void);
/* Once per process: that stdout cannot be written, and that the work goes on all the same. */
void mun_app_output_lost(struct mun_app *app, const struct mun_err *err);
/* Keep a copy of the token, so that mun_say() never prints it. */
enum mun_code mun_app_hide(struct mun_app *app, const struct mun_secret *token, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
