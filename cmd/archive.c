/* SPDX-License-Identifier: Apache-2.0 */
/* archive and restore: plan, consent, run. They differ by the operation in their tables alone. */
#include "cmd/commands.h"
#include "cmd/execute.h"
#include "cmd/plan_view.h"

static void planned_done(struct mun_planned *p)
{
	mun_credential_done(&p->credential);
}

static enum mun_code run(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	MUN_CLEANUP(planned_done) struct mun_planned planned = { .empty = true };
	struct mun_execute x = { .planned = &planned };
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_CREATE, &j, err);

	*ret_exit = 0;
	if (code == MUN_OK && app->args.dry_run)
		return mun_plan_and_show(app, j, app->cmd->op, err);
	if (code == MUN_OK)
		code = mun_planning_store(app, j, app->cmd->op, &planned, err);
	if (code == MUN_OK && planned.empty)
		return mun_plan_view_empty(app, app->cmd->op, &planned.target.org,
		                           planned.target.base.text, err);
	if (code != MUN_OK)
		return code;
	x.plan = planned.plan;
	return mun_execute(app, j, &x, ret_exit, err);
}

#define ARCHIVE_GROUPS                                                              \
	(MUN_G_COMMON | MUN_G_CREDENTIAL | MUN_G_TARGET | MUN_G_INPUT | MUN_G_WHY | \
	 MUN_G_CONSENT | MUN_G_PACE | MUN_G_STOP | MUN_G_ANCHOR | MUN_G_STORING)

const struct mun_cmd mun_cmd_archive = {
	.name = "archive",
	.args = "RUN... | --from FILE",
	.summary = "plan, confirm and archive runs",
	.effect = MUN_CHANGES_SERVER,
	.groups = ARCHIVE_GROUPS,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL,
	.section = "do",
	.example = { "muniment archive --as acme --from runs.csv --reason \"contract ended\"",
	             "muniment archive RUN --as acme --reason \"test run\" --yes" },
	.example_text = { "a list, confirmed on the terminal", "one run, without a question" },
	.op = MUN_OP_ARCHIVE,
	.run = run,
};

const struct mun_cmd mun_cmd_restore = {
	.name = "restore",
	.args = "RUN... | --from FILE",
	.summary = "plan, confirm and restore archived runs",
	.effect = MUN_CHANGES_SERVER,
	.groups = ARCHIVE_GROUPS,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL,
	.section = "do",
	.example = { "muniment restore RUN --as acme --reason \"archived by mistake\" --yes",
	             "muniment restore --as acme --from ids.txt --dry-run --reason \"audit "
	             "sample\"" },
	.example_text = { "bring one run back", "store the plan only" },
	.op = MUN_OP_RESTORE,
	.run = run,
};
