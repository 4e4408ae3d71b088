/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/batch_view.h"
#include "cmd/commands.h"
#include "cmd/execute.h"
#include "cmd/holder.h"
#include "cmd/plan_view.h"
#include "cmd/signer.h"

static enum mun_code append_one(struct mun_journal *j, struct mun_entry *e, struct mun_err *err)
{
	struct mun_group g = { .entries = e, .len = 1 };

	return mun_journal_append(j, &g, err);
}

static enum mun_code discard(struct mun_app *app, struct mun_journal *j, const struct mun_plan *p,
                             const char *reason, struct mun_err *err)
{
	struct mun_entry e = {
		.kind = MUN_K_PLAN_DISCARDED, .item = MUN_NO_ITEM, .has_org = true, .org = p->org
	};
	enum mun_code code;

	if (p->state == MUN_PLAN_CONSUMED) {
		char batch[MUN_REF_TEXT];

		mun_ref_format(batch, 'b', &p->batch);
		code = mun_fail(err, MUN_E_USAGE, "the plan was executed by batch %s", batch);
		mun_hint(err, "muniment cancel %s", batch);
		return code;
	}
	if (p->state != MUN_PLAN_STORED)
		return mun_fail(err, MUN_E_USAGE, "the plan is %s already",
		                mun_plan_view_state(app, p));
	e.u.discard.plan = p->plan;
	e.u.discard.reason = reason;
	mun_operator_of(&e.u.discard.operator_, app);
	code = append_one(j, &e, err);
	return code == MUN_OK ? mun_plan_view_print(app, j, &p->plan, err) : code;
}

#define RANGES 64 /* in one entry */

static void range_entry(struct mun_entry *e, const struct mun_app *app, const struct mun_batch *b,
                        const struct mun_range *ranges, size_t len, const char *reason)
{
	*e = (struct mun_entry){ .kind = MUN_K_ITEM_CANCELLED,
		                 .item = MUN_NO_ITEM,
		                 .has_batch = true,
		                 .batch = b->batch,
		                 .has_org = true,
		                 .org = b->org };
	e->u.ranges.ranges = ranges;
	e->u.ranges.ranges_len = len;
	e->u.ranges.why = "cancelled";
	e->u.ranges.reason = reason;
	e->u.ranges.has_operator = true;
	mun_operator_of(&e->u.ranges.operator_, app);
}

/* Nobody runs it: pending items become cancelled here and now. */
static enum mun_code cancel_idle(struct mun_app *app, struct mun_journal *j, struct mun_batch *b,
                                 const char *reason, struct mun_err *err)
{
	struct mun_range ranges[RANGES];
	struct mun_entry e;
	uint32_t from = 0;
	size_t len;
	enum mun_code code;

	do {
		code = mun_journal_pending(j, &b->batch, from, ranges, RANGES, &len, err);
		if (code == MUN_OK && len > 0) {
			range_entry(&e, app, b, ranges, len, reason);
			code = append_one(j, &e, err);
			from = ranges[len - 1].last + 1;
		}
	} while (code == MUN_OK && len == RANGES);
	if (code == MUN_OK)
		code = mun_journal_batch(j, &b->batch, b, err);
	if (code != MUN_OK)
		return code;
	e = (struct mun_entry){ .kind = MUN_K_BATCH_ENDED,
		                .item = MUN_NO_ITEM,
		                .has_batch = true,
		                .batch = b->batch,
		                .has_org = true,
		                .org = b->org };
	e.u.pause.state = mun_batch_state_name(MUN_B_CANCELLED);
	e.u.pause.counts = mun_batch_at_rest(b);
	code = append_one(j, &e, err);
	return code == MUN_OK ? mun_journal_batch(j, &b->batch, b, err) : code;
}

static enum mun_code mark(struct mun_app *app, struct mun_journal *j, const struct mun_batch *b,
                          const char *reason, struct mun_err *err)
{
	struct mun_entry e = { .kind = MUN_K_BATCH_CANCELLING,
		               .item = MUN_NO_ITEM,
		               .has_batch = true,
		               .batch = b->batch,
		               .has_org = true,
		               .org = b->org };

	e.u.cancelling.reason = reason;
	mun_operator_of(&e.u.cancelling.operator_, app);
	mun_say(app, "a process works on the batch; it was told to stop and will end it\n");
	return append_one(j, &e, err);
}

/* Under the lock, or by the mark when somebody holds it; he may have left in between. */
static enum mun_code cancel_open(struct mun_app *app, struct mun_journal *j, struct mun_batch *b,
                                 const char *reason, struct mun_err *err)
{
	int fd = -1;
	enum mun_code code = mun_holder_take(app, j, &b->batch, &fd, NULL, 0, err);

	if (code == MUN_E_BUSY) {
		code = mark(app, j, b, reason, err);
		if (code != MUN_OK)
			return code;
		code = mun_holder_take(app, j, &b->batch, &fd, NULL, 0, err);
		if (code == MUN_E_BUSY)
			return MUN_OK;
	}
	if (code == MUN_OK)
		code = mun_journal_batch(j, &b->batch, b, err);
	if (code == MUN_OK && mun_batch_is_open(b->state))
		code = cancel_idle(app, j, b, reason, err);
	mun_holder_release(&fd);
	return code;
}

static enum mun_code cancel_batch(struct mun_app *app, struct mun_journal *j, struct mun_batch *b,
                                  const char *reason, int *ret_exit, struct mun_err *err)
{
	enum mun_code code;

	if (!mun_batch_is_open(b->state))
		return mun_fail(err, MUN_E_USAGE, "the batch has ended already (%s)",
		                mun_batch_state_name(b->state));
	code = cancel_open(app, j, b, reason, err);
	if (code == MUN_OK)
		code = mun_journal_batch(j, &b->batch, b, err);
	if (code != MUN_OK)
		return code;
	(void)mun_signer_checkpoint_quietly(app, j, NULL, true, NULL);
	*ret_exit = mun_doubt_exit(j, b);
	return mun_report_batch(app, j, b, "", MUN_TIME_NONE, -1, err);
}

static enum mun_code run(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	const char *reason = NULL;
	struct mun_batch batch;
	struct mun_plan plan;
	struct mun_ref ref;
	bool is_plan;
	enum mun_code code;

	*ret_exit = 0;
	if (app->args.args_len != 1)
		return mun_fail(err, MUN_E_USAGE, "cancel needs one batch or plan");
	is_plan = strncmp(app->args.args[0], "p-", 2) == 0;
	code = is_plan ? mun_plan_view_fields(app, err) : mun_batch_view_fields(app, err);
	if (code == MUN_OK)
		code = mun_app_journal(app, MUN_JOURNAL_WRITE, &j, err);
	if (code == MUN_OK)
		code = is_plan ? mun_query_plan(j, app->args.args[0], &ref, err)
		               : mun_query_batch(j, app->args.args[0], &ref, err);
	if (code == MUN_OK)
		code = is_plan ? mun_journal_plan(j, &ref, &plan, err)
		               : mun_journal_batch(j, &ref, &batch, err);
	if (code == MUN_OK)
		code = mun_reason_get(app, &reason, err);
	if (code != MUN_OK)
		return code;
	return is_plan ? discard(app, j, &plan, reason, err)
	               : cancel_batch(app, j, &batch, reason, ret_exit, err);
}

const struct mun_cmd mun_cmd_cancel = {
	.name = "cancel",
	.args = "BATCH|PLAN",
	.summary = "pending items become cancelled; a plan is discarded",
	.effect = MUN_CHANGES_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_WHY | MUN_G_KEY,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON,
	.section = "do",
	.example = { "muniment cancel b-1c9a5e0b7d3f2a486e51 --reason \"wrong list\"",
	             "muniment cancel p-77aa01d2c3b4f5069788 --reason \"superseded\"" },
	.example_text = { "end a batch; what is in doubt stays in doubt", "discard a plan" },
	.run = run,
};
