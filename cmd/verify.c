/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/verify_print.h"

static enum mun_code run_verify(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;

	if (app->args.args_len > 1)
		return mun_fail(err, MUN_E_USAGE, "verify takes one directory at most");
	if (app->args.args_len == 1) {
		int len = snprintf(app->journal_dir, sizeof(app->journal_dir), "%s",
		                   app->args.args[0]);
		if (len < 0 || (size_t)len >= sizeof(app->journal_dir))
			return mun_fail(err, MUN_E_USAGE, "the path of the directory is too long");
	}
	enum mun_code code = mun_verify_open(app, &j, err);
	char *hint = app->args.args_len == 1 ? strchr(err->text, '\n') : NULL;
	if (code == MUN_E_JOURNAL && hint) /* it is about the journal that commands write */
		*hint = '\0';
	if (code != MUN_OK)
		return code;
	return mun_verify_and_print(app, j, false, app->args.strict, ret_exit, err);
}

const struct mun_cmd mun_cmd_verify = {
	.name = "verify",
	.args = "[DIR]",
	.summary = "check the journal, or a copy of it",
	.effect = MUN_READS_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_VERIFY,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL,
	.section = "prove",
	.example = { "muniment verify", "muniment verify /mnt/backup/journal -o json" },
	.example_text = { "check this journal, also while a batch runs", "check a copy of it" },
	.run = run_verify,
};
