/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/commands.h"
#include "journal/journal.h"

static enum mun_code run_version(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	*ret_exit = 0;
	if (app->args.args_len > 0)
		return mun_fail(err, MUN_E_USAGE, "version takes no argument");
	if (app->output == MUN_OUT_JSON)
		(void)printf("{\"version\":\"%s\",\"journal_format\":%d}\n", app->version,
		             MUN_FORMAT_VERSION);
	else
		(void)printf("muniment %s\njournal format %d\n", app->version, MUN_FORMAT_VERSION);
	return MUN_OK;
}

const struct mun_cmd mun_cmd_version = {
	.name = "version",
	.args = "",
	.summary = "print the version of the program and of the journal's format",
	.effect = MUN_READS_JOURNAL,
	.groups = MUN_G_COMMON,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON,
	.section = "keep",
	.example = { "muniment version", "muniment version --json" },
	.example_text = { "prints two lines", "prints one object" },
	.run = run_version,
};
