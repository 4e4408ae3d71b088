/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/execute.h"
#include "cmd/plan_view.h"

static enum mun_code still_valid(struct mun_app *app, const struct mun_plan *p, struct mun_err *err)
{
	const char *state = mun_plan_view_state(app, p);
	enum mun_code code;

	if (strcmp(state, "expired") != 0 && strcmp(state, "discarded") != 0)
		return MUN_OK;
	code = mun_fail(err, MUN_E_USAGE, "the plan is %s; nothing was sent", state);
	mun_hint(err, "plan it again: muniment plan --from FILE --reason TEXT gives a new id");
	return code;
}

static enum mun_code run(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	struct mun_execute x = { .planned = NULL };
	struct mun_ref ref;
	enum mun_code code;

	if (app->args.args_len != 1)
		return mun_fail(err, MUN_E_USAGE,
		                "run needs one plan\nhint: muniment status lists them");
	if (strncmp(app->args.args[0], "b-", 2) == 0)
		return mun_fail(err, MUN_E_USAGE, "%s is a batch\nhint: muniment resume %s",
		                app->args.args[0], app->args.args[0]);
	if (!mun_ref_parse(&ref, 'p', app->args.args[0]))
		return mun_fail(err, MUN_E_USAGE,
		                "run needs the full id of a plan, p- and 20 hex digits");
	if (app->args.confirm != NULL && strcmp(app->args.confirm, app->args.args[0]) != 0)
		return mun_fail(err, MUN_E_USAGE, "--confirm does not match the plan");
	code = mun_app_journal(app, MUN_JOURNAL_WRITE, &j, err);
	if (code == MUN_OK)
		code = mun_journal_plan(j, &ref, &x.plan, err);
	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, code, "there is no plan %s in this journal",
		                app->args.args[0]);
	if (code == MUN_OK)
		code = still_valid(app, &x.plan, err);
	return code == MUN_OK ? mun_execute(app, j, &x, ret_exit, err) : code;
}

const struct mun_cmd mun_cmd_run = {
	.name = "run",
	.args = "PLAN",
	.summary = "execute a stored plan",
	.effect = MUN_CHANGES_SERVER,
	.groups = MUN_G_COMMON | MUN_G_CREDENTIAL | MUN_G_PACE | MUN_G_STOP | MUN_G_STORING |
	          MUN_G_CONFIRM,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON,
	.section = "do",
	.example = { "muniment run p-1c9a5e0b7d3f2a486e51",
	             "muniment run p-1c9a5e0b7d3f2a486e51 --stop-after 10" },
	.example_text = { "execute a plan; its full id is the consent", "a canary: ten items" },
	.run = run,
};
