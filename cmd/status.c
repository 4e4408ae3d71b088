/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/batch_view.h"
#include "cmd/commands.h"
#include "cmd/out.h"
#include "cmd/plan_view.h"
#include "cmd/rows.h"

static const struct mun_column columns[] = {
	{ "id", MUN_CELL_TEXT, true },      { "kind", MUN_CELL_TEXT, false },
	{ "op", MUN_CELL_TEXT, true },      { "org", MUN_CELL_TEXT, true },
	{ "state", MUN_CELL_TEXT, true },   { "total", MUN_CELL_INT, true },
	{ "done", MUN_CELL_INT, true },     { "failed", MUN_CELL_INT, true },
	{ "in_doubt", MUN_CELL_INT, true }, { "pending", MUN_CELL_INT, true },
	{ "time", MUN_CELL_TIME, true },    { "oldest_in_doubt", MUN_CELL_TIME, false },
	{ "reason", MUN_CELL_TEXT, false },
};

struct listing {
	struct mun_app *app;
	struct mun_journal *j;
	struct mun_out *out;
};

static enum mun_code list_plan(void *arg, const struct mun_plan *p, struct mun_err *err)
{
	struct listing *l = arg;
	const char *state = mun_plan_view_state(l->app, p);
	char plan[MUN_REF_TEXT], org[MUN_ID_TEXT];

	if (!l->app->args.all && strcmp(state, "stored") != 0)
		return MUN_OK;
	mun_ref_format(plan, 'p', &p->plan);
	mun_id_format(org, &p->org);
	const struct mun_cell cells[] = {
		mun_cell_text(plan),
		mun_cell_text("plan"),
		mun_cell_text(mun_ops[p->op].name),
		mun_cell_text(org),
		mun_cell_text(state),
		mun_cell_int((int64_t)(p->items + p->duplicates)),
		mun_cell_int(0),
		mun_cell_int(0),
		mun_cell_int(0),
		mun_cell_int(p->state == MUN_PLAN_CONSUMED ? 0 : p->items),
		mun_cell_time(p->stored_us),
		mun_cell_time(MUN_TIME_NONE),
		mun_cell_text(NULL),
	};
	_Static_assert(MUN_ARRAY_LEN(cells) == MUN_ARRAY_LEN(columns), "one a column");
	return mun_out_row(l->out, cells, err);
}

static enum mun_code list_batch(void *arg, const struct mun_batch *b, struct mun_err *err)
{
	struct listing *l = arg;
	char batch[MUN_REF_TEXT], org[MUN_ID_TEXT];
	struct mun_batch_view v;

	if (!l->app->args.all && !mun_batch_is_open(b->state) && b->counts.in_doubt == 0)
		return MUN_OK;
	enum mun_code code = mun_batch_view_load(&v, l->j, &b->batch, err);
	if (code != MUN_OK)
		return code;
	const struct mun_counts *c = &v.batch.counts;
	mun_ref_format(batch, 'b', &b->batch);
	mun_id_format(org, &b->org);
	const struct mun_cell cells[] = {
		mun_cell_text(batch),
		mun_cell_text("batch"),
		mun_cell_text(mun_ops[b->op].name),
		mun_cell_text(org),
		mun_cell_text(v.state),
		mun_cell_int((int64_t)c->total),
		mun_cell_int((int64_t)(c->done + c->already)),
		mun_cell_int((int64_t)c->failed),
		mun_cell_int((int64_t)c->in_doubt),
		mun_cell_int((int64_t)c->pending),
		mun_cell_time(b->started_us),
		mun_cell_time(v.oldest_doubt_us),
		mun_cell_text(b->why[0] ? b->why : NULL),
	};
	_Static_assert(MUN_ARRAY_LEN(cells) == MUN_ARRAY_LEN(columns), "one a column");
	return mun_out_row(l->out, cells, err);
}

static enum mun_code list(struct mun_app *app, struct mun_journal *j, struct mun_err *err)
{
	struct mun_out *out MUN_CLEANUP(mun_out_abortp) = NULL;
	struct listing l = { .app = app, .j = j };

	enum mun_code code = mun_out_open(&out, app, columns, MUN_ARRAY_LEN(columns), err);
	if (code != MUN_OK)
		return code;
	l.out = out;
	code = mun_journal_plans(j, false, list_plan, &l, err);
	if (code == MUN_OK)
		code = mun_journal_batches(j, false, list_batch, &l, err);
	return code == MUN_OK ? mun_out_close(&out, err) : code;
}

static enum mun_code one(struct mun_app *app, struct mun_journal *j, const char *text,
                         struct mun_err *err)
{
	struct mun_batch_view view;
	struct mun_ref ref;
	enum mun_code code;

	if (app->output == MUN_OUT_CSV)
		return mun_fail(err, MUN_E_USAGE, "status of one batch or plan has no output csv");
	if (strncmp(text, "p-", 2) == 0) {
		code = mun_query_plan(j, text, &ref, err);
		return code != MUN_OK ? code : mun_plan_view_print(app, j, &ref, err);
	}
	code = mun_query_batch(j, text, &ref, err);
	if (code == MUN_OK)
		code = mun_batch_view_load(&view, j, &ref, err);
	return code != MUN_OK ? code : mun_batch_view_print(app, &view, -1, err);
}

static enum mun_code run_status(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;

	*ret_exit = 0;
	if (app->args.args_len > 1)
		return mun_fail(err, MUN_E_USAGE, "status takes one batch or plan at most");
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_READ, &j, err);
	if (code != MUN_OK)
		return code;
	if (app->args.args_len == 0)
		return list(app, j, err);
	return one(app, j, app->args.args[0], err);
}

const struct mun_cmd mun_cmd_status = {
	.name = "status",
	.args = "[BATCH|PLAN]",
	.summary = "open plans and batches, or one of them in full",
	.effect = MUN_READS_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_STATUS,
	.outputs =
		1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL | 1u << MUN_OUT_CSV,
	.section = "ask",
	.example = { "muniment status", "muniment status b-4f1c20 -o json" },
	.example_text = { "what is open, in doubt or waiting", "how one batch stands" },
	.run = run_status,
};
