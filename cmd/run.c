/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/app.h"
#include "cmd/commands.h"
#include "cmd/execute.h"
#include "cmd/holder.h"
#include "cmd/next.h"
#include "cmd/plan_view.h"

static enum mun_code still_valid(struct mun_app *app, struct mun_journal *j,
                                 const struct mun_plan *p, struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	MUN_BUF_CLEANUP struct mun_buf again;
	const char *state = mun_plan_view_state(app, p);
	bool discarded = strcmp(state, "discarded") == 0;
	char time[MUN_DATE_MAX];
	struct mun_entry e;
	enum mun_code code;

	mun_buf_init(&again, 8192);
	if (!discarded && strcmp(state, "expired") != 0)
		return MUN_OK;
	code = mun_plan_view_entry(j, p, &e, &owner, err);
	if (code != MUN_OK)
		return code;
	mun_next_plan_again(&again, app, &e);
	mun_date_format(time, discarded ? p->stored_us : p->stored_us + MUN_PLAN_LIFE_US);
	code = mun_fail(err, MUN_E_USAGE, "the plan %s %s; nothing was sent",
	                discarded ? "was discarded; it was stored at" : "expired at", time);
	mun_hint(err, "plan it again, which gives a new id: %s", mun_buf_str(&again));
	return code;
}

static enum mun_code run(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	struct mun_execute x = { .planned = NULL };
	struct mun_ref ref, batch;
	char id[MUN_REF_TEXT];
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
	mun_holder_batch(&batch, &ref);
	mun_ref_format(id, 'b', &batch);
	code = mun_holder_check(app, id, mun_app_exit(MUN_E_BUSY), err);
	if (code == MUN_OK)
		code = mun_app_journal(app, MUN_JOURNAL_WRITE, &j, err);
	if (code == MUN_OK)
		code = mun_journal_plan(j, &ref, &x.plan, err);
	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, code, "there is no plan %s in this journal",
		                app->args.args[0]);
	if (code == MUN_OK)
		code = still_valid(app, j, &x.plan, err);
	return code == MUN_OK ? mun_execute(app, j, &x, ret_exit, err) : code;
}

const struct mun_cmd mun_cmd_run = {
	.name = "run",
	.args = "PLAN",
	.summary = "execute a stored plan",
	.effect = MUN_CHANGES_SERVER,
	.groups = MUN_G_COMMON | MUN_G_CREDENTIAL | MUN_G_PACE | MUN_G_STOP | MUN_G_ANCHOR |
	          MUN_G_STORING | MUN_G_CONFIRM,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL,
	.section = "do",
	.example = { "muniment run p-1c9a5e0b7d3f2a486e51",
	             "muniment run p-1c9a5e0b7d3f2a486e51 --stop-after 10" },
	.example_text = { "execute a plan; its full id is the consent", "a canary: ten items" },
	.run = run,
};
