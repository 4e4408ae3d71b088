/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/next.h"
#include "cmd/out.h"
#include "cmd/pace.h"
#include "cmd/plan_view.h"
#include "cmd/planning.h"
#include "cmd/signer.h"

enum mun_code mun_plan_and_show(struct mun_app *app, struct mun_journal *j, enum mun_op_kind op,
                                struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf next;
	struct mun_planned planned = { 0 };
	struct mun_pace pace;
	char id[MUN_REF_TEXT];
	enum mun_code code = mun_plan_view_fields(app, err);

	mun_buf_init(&next, 65536);
	if (code == MUN_OK)
		code = mun_pace_get(&pace, app, NULL, err);
	if (code == MUN_OK)
		code = mun_planning_store(app, j, op, &planned, err);
	if (code == MUN_OK && planned.empty)
		return mun_plan_view_empty(app, op, &planned.target.org, planned.target.base.text,
		                           err);
	if (code != MUN_OK)
		return code;
	(void)mun_signer_checkpoint_quietly(app, j, NULL, !app->args.quiet, NULL);
	mun_ref_format(id, 'p', &planned.plan.plan);
	if (app->args.quiet)
		return mun_out_text(app, id, sizeof(id) - 1, err);
	mun_plan_view_eta(app, &pace.rate, planned.plan.items);
	if (planned.existed)
		mun_say(app, "the same plan was stored before\n");
	code = mun_plan_view_print(app, j, &planned.plan.plan, err);
	mun_next_verb(&next, app, "run", id);
	mun_say(app, "nothing was sent. next: %s\n", mun_buf_str(&next));
	return code;
}

static enum mun_code run(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_CREATE, &j, err);

	*ret_exit = 0;
	return code == MUN_OK ? mun_plan_and_show(app, j, MUN_OP_ARCHIVE, err) : code;
}

const struct mun_cmd mun_cmd_plan = {
	.name = "plan",
	.args = "RUN... | --from FILE",
	.summary = "store an archive plan; nothing is sent",
	.effect = MUN_CHANGES_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_CREDENTIAL | MUN_G_TARGET | MUN_G_INPUT | MUN_G_WHY,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON,
	.section = "do",
	.example = { "muniment plan --org ORG --from runs.csv --reason \"contract ended\"",
	             "muniment plan -q --as acme --from ids.txt --reason \"retention 2026\"" },
	.example_text = { "store a plan, see its counts and how long it takes",
	                  "print the plan's id alone, for `muniment run`" },
	.run = run,
};
