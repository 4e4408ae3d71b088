/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/batch_view.h"
#include "cmd/engine/outcome.h"
#include "cmd/execute.h"

enum mun_verdict mun_only_verdict(struct mun_journal *j, const struct mun_batch *b)
{
	struct mun_item item;
	struct mun_err ignored;

	if (b->items != 1 || mun_journal_item(j, &b->batch, 0, &item, &ignored) != MUN_OK)
		return MUN_V_NONE;
	return item.verdict;
}

/* What happened, what was not done, what is uncertain, the one command to type next. */
static void say_ending(struct mun_app *app, const struct mun_batch *b, const char *detail)
{
	const struct mun_counts *c = &b->counts;
	const struct mun_op *op = &mun_ops[b->op];
	enum mun_why why = mun_why_find(b->why);
	char next[512];

	if (why != MUN_WHY_NONE)
		mun_say(app, "%s: %s%s%s\n", mun_batch_state_name(b->state), mun_why_sentence(why),
		        detail[0] != '\0' ? ": " : "", detail);
	mun_say(app,
	        "%llu %s, %llu already, %llu failed, %llu skipped, %llu cancelled; "
	        "%llu not done yet, %llu in doubt\n",
	        (unsigned long long)c->done, mun_verdict_name(op->done),
	        (unsigned long long)c->already, (unsigned long long)c->failed,
	        (unsigned long long)c->skipped, (unsigned long long)c->cancelled,
	        (unsigned long long)c->pending, (unsigned long long)c->in_doubt);
	mun_outcome_next(next, sizeof(next), b);
	if (next[0] != '\0')
		mun_say(app, "next: %s\n", next);
}

enum mun_code mun_report_batch(struct mun_app *app, struct mun_journal *j,
                               const struct mun_batch *b, const char *detail, int64_t next_at_us,
                               unsigned exit_status, struct mun_err *err)
{
	struct mun_batch_view view;
	enum mun_code code = mun_batch_view_load(&view, j, &b->batch, err);

	if (code != MUN_OK)
		return code;
	if (!app->args.quiet)
		say_ending(app, &view.batch, detail);
	if (next_at_us != MUN_TIME_NONE && mun_batch_is_open(view.batch.state))
		view.next_at_us = next_at_us;
	return mun_batch_view_print(app, &view, (int)exit_status, err);
}
