/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cmd/app.h"
#include "cmd/batch_view.h"
#include "cmd/engine/outcome.h"
#include "cmd/execute.h"
#include "cmd/next.h"
#include "journal/holder.h"
#include "lib/text.h"

enum mun_verdict mun_only_verdict(struct mun_journal *j, const struct mun_batch *b)
{
	struct mun_item item;
	struct mun_err ignored;

	if (b->items != 1 || mun_journal_item(j, &b->batch, 0, &item, &ignored) != MUN_OK)
		return MUN_V_NONE;
	return item.verdict;
}

int mun_doubt_exit(struct mun_journal *j, const struct mun_batch *b)
{
	bool dead = b->in_flight > 0 && !mun_journal_runner_lives(j, &b->batch);

	return b->counts.in_doubt > 0 || dead ? 13 : 0;
}

/* "3 failed, 1 pending": what is not zero, else none. */
struct counted {
	uint64_t n;
	const char *what;
};

static void say_counts(struct mun_buf *ret, const char *label, const struct counted *list,
                       size_t len, const char *none)
{
	bool any = false;

	mun_buf_printf(ret, "%s: ", label);
	for (size_t i = 0; i < len; i++) {
		if (list[i].n == 0)
			continue;
		mun_buf_printf(ret, "%s%llu %s", any ? ", " : "", (unsigned long long)list[i].n,
		               list[i].what);
		any = true;
	}
	mun_buf_printf(ret, "%s\n", any ? "" : none);
}

static void say_happened(struct mun_buf *ret, const struct mun_batch_view *v, const char *detail)
{
	enum mun_why why = mun_why_find(v->batch.why);
	char id[MUN_REF_TEXT];

	mun_ref_format(id, 'b', &v->batch.batch);
	mun_buf_printf(ret, "batch %s: ", id);
	mun_batch_view_state(ret, v->state, mun_why_sentence(why));
	if (detail[0] != '\0') {
		mun_buf_puts(ret, ": ");
		mun_text_visible(ret, detail, strlen(detail), false);
	}
	if (why == MUN_WHY_RATE_LIMITED && v->next_at_us != MUN_TIME_NONE) {
		char time[MUN_DATE_MAX];

		mun_date_format(time, v->next_at_us);
		mun_buf_printf(ret, "; the next request may go at %s", time);
	}
	mun_buf_putc(ret, '\n');
}

/* What happened, what was not done, what is uncertain, the one command to type next. */
static void say_ending(struct mun_app *app, const struct mun_batch_view *v, const char *detail)
{
	const struct mun_counts *c = &v->batch.counts;
	const struct mun_op *op = &mun_ops[v->batch.op];
	const struct counted done[] = { { c->done, mun_verdict_name(op->done) },
		                        { c->already, mun_verdict_name(op->already) } };
	const struct counted not_done[] = { { c->failed, "failed" },
		                            { c->skipped, "skipped" },
		                            { c->cancelled, "cancelled" },
		                            { c->pending, "pending" } };
	const struct counted uncertain[] = { { c->in_doubt, "in doubt" } };
	MUN_BUF_CLEANUP struct mun_buf text;
	size_t before;

	mun_buf_init(&text, 32768);
	say_happened(&text, v, detail);
	say_counts(&text, "done", done, MUN_ARRAY_LEN(done), "nothing");
	say_counts(&text, "not done", not_done, MUN_ARRAY_LEN(not_done), "nothing");
	say_counts(&text, "uncertain", uncertain, MUN_ARRAY_LEN(uncertain), "nothing");
	if (!v->runner.lives && mun_why_find(v->batch.why) == MUN_WHY_AUTH_LOST)
		mun_buf_printf(&text, "first: muniment token add %s --replace\n",
		               app->args.as ? app->args.as : "NAME");
	mun_buf_puts(&text, "next: ");
	before = text.len;
	if (!v->runner.lives)
		mun_next_command(&text, app, &v->batch, v->base_url);
	if (text.len == before)
		mun_buf_puts(&text, v->runner.lives ? "wait for that process" : "nothing");
	mun_say(app, "%s\n", mun_buf_str(&text));
}

enum mun_code mun_report_batch(struct mun_app *app, struct mun_journal *j,
                               const struct mun_batch *b, const char *detail, int64_t next_at_us,
                               int exit_status, struct mun_err *err)
{
	struct mun_batch_view view;
	enum mun_code code = mun_batch_view_load(&view, j, &b->batch, err);

	if (code != MUN_OK)
		return code;
	if (next_at_us != MUN_TIME_NONE && mun_batch_is_open(view.batch.state))
		view.next_at_us = next_at_us;
	if (!app->args.quiet && !app->summary_said)
		say_ending(app, &view, detail);
	code = mun_batch_view_print(app, &view, exit_status, err);
	if (code != MUN_E_IO)
		return code;
	mun_app_output_lost(app, err);
	return MUN_OK;
}

void mun_report_cut_off(struct mun_app *app, const struct mun_batch *b, const char *base_url)
{
	struct mun_batch_view v = { .batch = *b, .next_at_us = MUN_TIME_NONE };

	if (app->args.quiet || app->summary_said || b->counts.total == 0)
		return;
	v.batch.state = MUN_B_INTERRUPTED;
	v.batch.why[0] = '\0';
	(void)snprintf(v.state, sizeof(v.state), "interrupted");
	(void)snprintf(v.base_url, sizeof(v.base_url), "%s", base_url);
	say_ending(app, &v, "the journal cannot be used as it is; repair that first");
}

void mun_report_failed(struct mun_app *app, struct mun_journal *j, const struct mun_ref *batch,
                       int exit_status)
{
	struct mun_batch_view view;
	struct mun_err err;

	if (app->output == MUN_OUT_TABLE || mun_batch_view_fields(app, &err) != MUN_OK)
		return;
	if (mun_batch_view_load(&view, j, batch, &err) == MUN_OK &&
	    mun_batch_view_print(app, &view, exit_status, &err) != MUN_OK)
		mun_app_output_lost(app, &err);
}
