/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/batch_view.h"
#include "cmd/commands.h"
#include "cmd/execute.h"
#include "cmd/holder.h"
#include "cmd/opt.h"

#define ITEMS_MAX (1 << 20) /* bytes for the items of the runs that were named */

struct assumption {
	struct mun_app *app;
	const struct mun_op *op;
	bool reached; /* archived (or active), else not */
};

static bool in_doubt(const struct mun_item *item)
{
	return item->state == MUN_I_IN_DOUBT || item->state == MUN_I_IN_FLIGHT;
}

/* The attempt whose outcome is decided: one that was settled before is not it. */
static enum mun_code open_attempt(struct mun_journal *j, const struct mun_item *st, uint64_t *ret,
                                  struct mun_err *err)
{
	struct mun_exchange x;
	enum mun_code code;

	*ret = st->request_seq;
	if (st->request_seq == MUN_NO_SEQ)
		return MUN_OK;
	code = mun_journal_exchange(j, st->request_seq, &x, err);
	if (code == MUN_OK && x.verdict != MUN_V_NONE)
		*ret = MUN_NO_SEQ;
	return code;
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
	code = open_attempt(j, &st, &e.u.decision.request, err);
	if (code != MUN_OK)
		return code;
	e.run = row.run;
	e.u.decision.verdict = a->reached ? a->op->done : MUN_V_NO_EFFECT;
	e.u.decision.reason = a->app->args.reason;
	mun_operator_of(&e.u.decision.operator_, a->app);
	return mun_journal_append(j, &g, err);
}

/* The first item in doubt from *item on; NOTFOUND. */
static enum mun_code find_doubt(struct mun_journal *j, const struct mun_batch *b, uint32_t *item,
                                struct mun_err *err)
{
	for (; *item < b->items; (*item)++) {
		struct mun_item st;
		enum mun_code code = mun_journal_item(j, &b->batch, *item, &st, err);

		if (code != MUN_OK || in_doubt(&st))
			return code;
	}
	return MUN_E_NOTFOUND;
}

/* The only item in doubt, where no run was named. */
static enum mun_code only_doubt(struct mun_journal *j, const struct mun_batch *b, uint32_t *ret,
                                struct mun_err *err)
{
	uint64_t found = mun_batch_at_rest(b).in_doubt;
	size_t len = 0;
	enum mun_code code;

	*ret = 0;
	if (found != 1)
		return mun_fail(err, MUN_E_USAGE, "%llu items are in doubt%s",
		                (unsigned long long)found,
		                found > 1 ? "; name the runs" : "; nothing was recorded");
	/* as a rule it is among the few that are open; in doubt for another reason, anywhere */
	code = mun_journal_open_items(j, &b->batch, 0, ret, 1, &len, err);
	if (code == MUN_OK && (len == 0 || b->doubted_seq != MUN_NO_SEQ))
		*ret = 0;
	return code == MUN_OK ? find_doubt(j, b, ret, err) : code;
}

struct search { /* for the item of a run in one batch */
	const struct mun_ref *batch;
	uint32_t *ret;
	bool found;
};

static enum mun_code look_at(void *arg, const struct mun_place *p, struct mun_err *err)
{
	struct search *s = arg;

	(void)err;
	if (p->has_batch && mun_ref_equal(&p->batch, s->batch)) {
		*s->ret = p->item;
		s->found = true;
	}
	return MUN_OK;
}

/* Item of a run that a person named. */
static enum mun_code find_item(struct mun_journal *j, const struct mun_batch *b, const char *text,
                               uint32_t *ret, struct mun_err *err)
{
	struct search s = { .batch = &b->batch, .ret = ret };
	struct mun_id id, org;
	bool has_org, folded;
	enum mun_code code;

	if (mun_run_parse(&id, &org, &has_org, &folded, text, strlen(text), err) != MUN_OK)
		return mun_wrap(err, MUN_E_USAGE, "%.60s", mun_opt_printable(text));
	if (has_org && !mun_id_equal(&org, &b->org))
		return mun_fail(err, MUN_E_INPUT, "%.100s: the URL is of another organization",
		                text);
	code = mun_journal_each_place(j, &b->org, &id, look_at, &s, err);
	if (code != MUN_OK || s.found)
		return code;
	return mun_fail(err, MUN_E_NOTFOUND, "the batch has no run %.60s", text);
}

/*
 * Are all the runs that were named items of the batch, and in doubt where they must be? Their
 * items are appended to ret.
 */
static enum mun_code check_named(struct mun_app *app, struct mun_journal *j,
                                 const struct mun_batch *b, bool doubted, struct mun_buf *ret,
                                 struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (size_t i = 1; code == MUN_OK && i < app->args.args_len; i++) {
		struct mun_item st;
		uint32_t item;

		code = find_item(j, b, app->args.args[i], &item, err);
		if (code == MUN_OK)
			code = mun_journal_item(j, &b->batch, item, &st, err);
		if (code == MUN_OK && doubted && !in_doubt(&st))
			code = mun_fail(err, MUN_E_USAGE,
			                "%.60s is not in doubt; nothing was recorded",
			                app->args.args[i]);
		mun_buf_add(ret, &item, sizeof(item));
	}
	return code == MUN_OK ? mun_buf_check(ret, "list of runs", err) : code;
}

static enum mun_code assume(struct assumption *a, struct mun_journal *j, const struct mun_batch *b,
                            struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf items;
	uint32_t item = 0;
	enum mun_code code;

	mun_buf_init(&items, ITEMS_MAX);
	if (a->app->args.args_len == 1) {
		code = only_doubt(j, b, &item, err);
		return code == MUN_OK ? decide(a, j, b, item, err) : code;
	}
	code = check_named(a->app, j, b, true, &items, err);
	for (size_t at = 0; code == MUN_OK && at < items.len; at += sizeof(item)) {
		memcpy(&item, items.data + at, sizeof(item));
		code = decide(a, j, b, item, err);
	}
	return code;
}

static enum mun_code report(struct mun_app *app, struct mun_journal *j, struct mun_batch *b,
                            int *ret_exit, struct mun_err *err)
{
	*ret_exit = mun_doubt_exit(j, b);
	return mun_report_batch(app, j, b, "", MUN_TIME_NONE, -1, err);
}

/* A decision needs no server: it is recorded under the batch's lock. */
static enum mun_code record(struct mun_app *app, struct mun_journal *j, struct mun_batch *b,
                            struct assumption *a, int *ret_exit, struct mun_err *err)
{
	int fd = -1;
	enum mun_code code = mun_holder_take(app, j, &b->batch, &fd, NULL, 0, err);

	if (code == MUN_OK)
		code = assume(a, j, b, err);
	if (code == MUN_OK)
		code = mun_journal_batch(j, &b->batch, b, err);
	mun_holder_release(&fd);
	return code == MUN_OK ? report(app, j, b, ret_exit, err) : code;
}

/* Nothing is in doubt, so nobody is asked; but a living runner may yet leave something. */
static enum mun_code nothing_to_do(struct mun_app *app, struct mun_journal *j, struct mun_batch *b,
                                   int *ret_exit, struct mun_err *err)
{
	int fd = -1;
	enum mun_code code = mun_holder_take(app, j, &b->batch, &fd, NULL, 0, err);

	mun_holder_release(&fd);
	return code == MUN_OK ? report(app, j, b, ret_exit, err) : code;
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
	MUN_BUF_CLEANUP struct mun_buf items;
	struct mun_execute x = { .resolving = true };
	struct mun_batch batch;
	struct mun_ref ref;
	enum mun_code code;

	mun_buf_init(&items, ITEMS_MAX);
	if (app->args.args_len == 0)
		return mun_fail(err, MUN_E_USAGE, "resolve needs a batch");
	code = mun_batch_view_fields(app, err);
	if (code == MUN_OK)
		code = mun_holder_check(app, app->args.args[0], -1, err);
	if (code == MUN_OK)
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
	code = check_named(app, j, &batch, false, &items, err);
	if (code != MUN_OK)
		return code;
	x.only_len = items.len / sizeof(*x.only);
	x.only = x.only_len > 0 ? (const uint32_t *)(const void *)items.data : NULL;
	if (batch.counts.in_doubt == 0 && batch.in_flight == 0)
		return nothing_to_do(app, j, &batch, ret_exit, err);
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
