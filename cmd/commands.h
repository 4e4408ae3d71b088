/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_COMMANDS_H
#define MUN_CMD_COMMANDS_H
/* Each command is one row, defined in the file of its name. */
#include "cmd/cmd.h"
extern const struct mun_cmd mun_cmd_plan, mun_cmd_archive, mun_cmd_restore, mun_cmd_run,
	mun_cmd_resume, mun_cmd_resolve, mun_cmd_cancel;
extern const struct mun_cmd mun_cmd_status, mun_cmd_items, mun_cmd_history, mun_cmd_show,
	mun_cmd_log, mun_cmd_verify, mun_cmd_export;
extern const struct mun_cmd mun_cmd_prove, mun_cmd_checkpoint, mun_cmd_cosign;
extern const struct mun_cmd mun_cmd_token, mun_cmd_journal, mun_cmd_doctor, mun_cmd_help,
	mun_cmd_version;
#endif
