/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/batch_view.h"
#include "cmd/commands.h"
#include "cmd/engine/outcome.h"
#include "cmd/execute.h"
#include "lib/file.h"

struct assumption {
	struct mun_app *app;
	const struct mun_op *op;
	bool reached; /* archived (or active), else not */
};

static bool in_doubt(const struct mun_item *item)
{
	return item->state == MUN_I_IN_DOUBT || item->state == MUN_I_IN_FLIGHT;
}

static enum mun_code decide(struct assumption *a, struct mun_journal *j, const struct mun_batch *b,
                            uint32_t item, struct mun_err *err)
{
	struct mun_entry e = { .kind = MUN_K_DECISION,
		               .item = item,
		               .has_batch = true,
		               .batch = b->batch,
		               .has_org = true,
		               .org = b->org,
		               .has_run = true };
	struct mun_group g = { .entries = &e, .len = 1 };
	struct mun_list_row row;
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_item st;
	enum mun_code code;

	mun_buf_init(&text, 4096);
	code = mun_journal_item(j, &b->batch, item, &st, err);
	if (code == MUN_OK)
		code = mun_journal_list_row(j, &b->plan, item, &row, &text, err);
	if (code != MUN_OK)
		return code;
	if (!in_doubt(&st))
		return mun_fail(err, MUN_E_USAGE, "item %u is not in doubt", item);
	e.run = row.run;
	e.u.decision.request = st.request_seq;
	e.u.decision.verdict = a->reached ? a->op->done : MUN_V_NO_EFFECT;
	e.u.decision.reason = a->app->args.reason;
	mun_operator_of(&e.u.decision.operator_, a->app);
	return mun_journal_append(j, &g, err);
}

/* The only item in doubt, where no run was named. */
static enum mun_code only_doubt(struct mun_journal *j, const struct mun_batch *b, uint32_t *ret,
                                struct mun_err *err)
{
	uint32_t items[64];
	size_t len, found = 0;
	enum mun_code code;
	uint32_t from = 0;

	do {
		code = mun_journal_open_items(j, &b->batch, from, items, MUN_ARRAY_LEN(items), &len,
		                              err);
		for (size_t i = 0; code == MUN_OK && i < len; i++) {
			struct mun_item st;

			code = mun_journal_item(j, &b->batch, items[i], &st, err);
			if (code == MUN_OK && in_doubt(&st) && found++ == 0)
				*ret = items[i];
		}
		from = len > 0 ? items[len - 1] + 1 : from;
	} while (code == MUN_OK && len == MUN_ARRAY_LEN(items));
	if (code == MUN_OK && found != 1)
		return mun_fail(err, MUN_E_USAGE, "%zu items are in doubt; name the runs", found);
	return code;
}

static enum mun_code decide_run(struct assumption *a, struct mun_journal *j,
                                const struct mun_batch *b, const char *text, struct mun_err *err)
{
	struct mun_place places[64];
	struct mun_id run, org;
	bool has_org, folded;
	size_t len;
	enum mun_code code = mun_run_parse(&run, &org, &has_org, &folded, text, strlen(text), err);

	if (code == MUN_OK)
		code = mun_journal_by_run(j, &b->org, &run, places, MUN_ARRAY_LEN(places), &len,
		                          err);
	for (size_t i = 0; code == MUN_OK && i < len; i++)
		if (places[i].has_batch && mun_ref_equal(&places[i].batch, &b->batch))
			return decide(a, j, b, places[i].item, err);
	return code != MUN_OK ? code : mun_fail(err, MUN_E_NOTFOUND, "the batch has no such run");
}

static enum mun_code assume(void *arg, struct mun_journal *j, const struct mun_batch *b,
                            struct mun_err *err)
{
	struct assumption *a = arg;
	const struct mun_args *args = &a->app->args;
	enum mun_code code = MUN_OK;
	uint32_t item = 0;

	if (args->args_len == 1) {
		code = only_doubt(j, b, &item, err);
		return code == MUN_OK ? decide(a, j, b, item, err) : code;
	}
	for (size_t i = 1; code == MUN_OK && i < args->args_len; i++)
		code = decide_run(a, j, b, args->args[i], err);
	return code;
}

/* A decision needs no server: it is recorded under the batch's lock. */
static enum mun_code record(struct mun_app *app, struct mun_journal *j, struct mun_batch *b,
                            struct assumption *a, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_closep) int fd = -1;
	char path[4200];
	enum mun_code code;

	mun_journal_lock_path(j, &b->batch, path, sizeof(path));
	code = mun_lock_take(&fd, path, err);
	if (code == MUN_OK)
		code = assume(a, j, b, err);
	if (code == MUN_OK)
		code = mun_journal_batch(j, &b->batch, b, err);
	if (code != MUN_OK)
		return code;
	mun_closep(&fd);
	*ret_exit = b->counts.in_doubt > 0 ? 13 : 0;
	return mun_report_batch(app, j, b, "", MUN_TIME_NONE,
	                        mun_outcome_exit(b, mun_only_verdict(j, b)), err);
}

static enum mun_code with_assumption(struct mun_app *app, struct mun_journal *j,
                                     struct mun_batch *b, int *ret_exit, struct mun_err *err)
{
	struct assumption a = { .app = app, .op = &mun_ops[b->op] };
	const char *word = app->args.assume;
	enum mun_code code;

	a.reached = strcmp(word, a.op->assume) == 0;
	if (!a.reached && strcmp(word, a.op->assume_not) != 0)
		return mun_fail(err, MUN_E_USAGE, "--assume %s: %s or %s", word, a.op->assume,
		                a.op->assume_not);
	code = mun_reason_get(app, &app->args.reason, err);
	return code == MUN_OK ? record(app, j, b, &a, ret_exit, err) : code;
}

static enum mun_code run(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	struct mun_execute x = { .resolving = true };
	struct mun_batch batch;
	struct mun_ref ref;
	enum mun_code code;

	if (app->args.args_len == 0)
		return mun_fail(err, MUN_E_USAGE, "resolve needs a batch");
	code = mun_app_journal(app, MUN_JOURNAL_WRITE, &j, err);
	if (code == MUN_OK)
		code = mun_query_batch(j, app->args.args[0], &ref, err);
	if (code == MUN_OK)
		code = mun_journal_batch(j, &ref, &batch, err);
	if (code == MUN_OK)
		code = mun_journal_plan(j, &batch.plan, &x.plan, err);
	if (code != MUN_OK)
		return code;
	if (app->args.assume != NULL)
		return with_assumption(app, j, &batch, ret_exit, err);
	if (batch.counts.in_doubt == 0 && batch.in_flight == 0) {
		*ret_exit = 0;
		return mun_report_batch(app, j, &batch, "", MUN_TIME_NONE,
		                        mun_outcome_exit(&batch, mun_only_verdict(j, &batch)), err);
	}
	return mun_execute(app, j, &x, ret_exit, err);
}

const struct mun_cmd mun_cmd_resolve = {
	.name = "resolve",
	.args = "BATCH [RUN...]",
	.summary = "settle items in doubt by asking, or record a decision",
	.effect = MUN_ASKS_SERVER,
	.groups = MUN_G_COMMON | MUN_G_CREDENTIAL | MUN_G_WHY | MUN_G_RESOLVE,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON,
	.section = "do",
	.example = { "muniment resolve b-1c9a5e0b7d3f2a486e51",
	             "muniment resolve b-1c9a5e RUN --assume archived --reason \"seen in the "
	             "app\"" },
	.example_text = { "ask the server about every item in doubt",
	                  "record what a person has seen" },
	.run = run,
};
