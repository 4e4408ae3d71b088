/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/batch_view.h"

#include <stdio.h>
#include <string.h>

#include "cmd/engine/outcome.h"
#include "cmd/next.h"
#include "cmd/out.h"
#include "cmd/pace.h"
#include "lib/canon.h"
#include "lib/remote/request.h"
#include "lib/text.h"

#define OBJECT_MAX 32768
#define OPEN_MAX   1024

static enum mun_code decode_at(struct mun_journal *j, uint64_t seq, struct mun_entry *ret,
                               struct mun_decoded **ret_owner, struct mun_err *err)
{
	struct mun_buf line MUN_BUF_CLEANUP;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	enum mun_code code = mun_journal_entry(j, seq, &line, err);
	return code == MUN_OK ? mun_entry_decode(ret, ret_owner, line.data, line.len, err) : code;
}

static enum mun_code load_target(struct mun_batch_view *v, struct mun_journal *j,
                                 struct mun_err *err)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_base_url base;
	struct mun_plan plan;
	struct mun_entry e;

	enum mun_code code = mun_journal_plan(j, &v->batch.plan, &plan, err);
	if (code == MUN_OK)
		code = decode_at(j, plan.seq, &e, &owner, err);
	if (code == MUN_OK)
		code = mun_base_url_parse(&base, e.u.plan.base_url, err);
	if (code != MUN_OK)
		return code;
	(void)snprintf(v->base_url, sizeof(v->base_url), "%s", base.text);
	(void)snprintf(v->host, sizeof(v->host), "%s", base.host);
	return MUN_OK;
}

/* Windows of the newest start: what is used of them, and when the next request may go. */
static enum mun_code load_window(struct mun_batch_view *v, struct mun_journal *j,
                                 const struct mun_clock *clock, struct mun_err *err)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_window_state window;
	char org[MUN_ID_TEXT], target[320];
	struct mun_entry e;
	struct mun_now now;

	if (!mun_batch_is_open(v->batch.state))
		return MUN_OK;
	mun_id_format(org, &v->batch.org);
	(void)snprintf(target, sizeof(target), "%s %s", v->host, org);
	enum mun_code code = decode_at(j, v->batch.newest_start_seq, &e, &owner, err);
	if (code == MUN_OK)
		code = mun_rate_parse(&v->rate, e.u.start.limits, err);
	if (code == MUN_OK)
		code = mun_journal_window(j, target, &v->rate, &window, err);
	if (code != MUN_OK)
		return code;
	memcpy(v->used, window.used, sizeof(v->used));
	clock->now(clock, &now);
	if (window.blocked_until_us != MUN_TIME_NONE && window.blocked_until_us > now.real_us)
		v->next_at_us = window.blocked_until_us;
	else if (window.wait_ms > 0)
		v->next_at_us = now.real_us + (int64_t)window.wait_ms * 1000;
	else if (v->batch.state == MUN_B_HALTED) /* what it halted for, though it is over now */
		v->next_at_us = mun_why_find(v->batch.why) == MUN_WHY_RATE_LIMITED
		                        ? window.blocked_until_us
		                        : MUN_TIME_NONE;
	return MUN_OK;
}

/* A batch that left because of a wait comes back when the last one of its items may be asked. */
static void note_retry(struct mun_batch_view *v, const struct mun_item *item)
{
	if (v->batch.state == MUN_B_HALTED && mun_why_find(v->batch.why) == MUN_WHY_RATE_LIMITED &&
	    item->retry_at_us != MUN_TIME_NONE &&
	    (v->next_at_us == MUN_TIME_NONE || v->next_at_us < item->retry_at_us))
		v->next_at_us = item->retry_at_us;
}

/* Open items give the age of the oldest doubt and the earliest retry. */
static enum mun_code load_open(struct mun_batch_view *v, struct mun_journal *j, struct mun_err *err)
{
	uint32_t items[OPEN_MAX];
	size_t len = 0;

	enum mun_code code =
		mun_journal_open_items(j, &v->batch.batch, 0, items, OPEN_MAX, &len, err);
	for (size_t i = 0; code == MUN_OK && i < len && i < OPEN_MAX; i++) {
		struct mun_exchange ex;
		struct mun_item item;
		code = mun_journal_item(j, &v->batch.batch, items[i], &item, err);
		if (code != MUN_OK)
			return code;
		bool doubt = item.state == MUN_I_IN_DOUBT ||
		             (item.state == MUN_I_IN_FLIGHT && !v->runner.lives);
		note_retry(v, &item);
		if (!doubt || item.request_seq == MUN_NO_SEQ)
			continue;
		code = mun_journal_exchange(j, item.request_seq, &ex, err);
		if (code == MUN_OK &&
		    (v->oldest_doubt_us == MUN_TIME_NONE || ex.sent_us < v->oldest_doubt_us))
			v->oldest_doubt_us = ex.sent_us;
	}
	return code;
}

enum mun_code mun_batch_view_load(struct mun_batch_view *ret, struct mun_journal *j,
                                  const struct mun_ref *batch, struct mun_err *err)
{
	struct mun_batch_view v = { .next_at_us = MUN_TIME_NONE, .oldest_doubt_us = MUN_TIME_NONE };
	struct mun_item item;

	enum mun_code code = mun_journal_batch(j, batch, &v.batch, err);
	if (code != MUN_OK)
		return code;
	(void)snprintf(v.state, sizeof(v.state), "%s", mun_batch_state_name(v.batch.state));
	mun_holder_read(&v.runner, j, batch);
	if (v.runner.lives)
		(void)snprintf(v.state, sizeof(v.state), "%s", v.runner.phase);
	if (!v.runner.lives) {
		v.batch.counts = mun_batch_at_rest(&v.batch);
		v.batch.in_flight = 0;
	}
	if (v.batch.items == 1) {
		code = mun_journal_item(j, batch, 0, &item, err);
		v.only = code == MUN_OK ? item.verdict : MUN_V_NONE;
	}
	if (code == MUN_OK)
		code = load_target(&v, j, err);
	if (code == MUN_OK)
		code = load_window(&v, j, mun_clock_system(), err);
	if (code == MUN_OK)
		code = load_open(&v, j, err);
	if (code == MUN_OK)
		*ret = v;
	return code;
}

static void add_time(struct mun_canon *c, const char *key, int64_t time_us)
{
	char text[MUN_DATE_MAX];

	if (time_us == MUN_TIME_NONE) {
		mun_canon_null(c, key);
		return;
	}
	mun_date_format(text, time_us);
	mun_canon_str(c, key, text);
}

void mun_batch_view_counts(struct mun_canon *c, const struct mun_batch *b)
{
	const struct mun_op *op = &mun_ops[b->op];

	mun_canon_object(c, "counts");
	mun_canon_int(c, "total", (int64_t)b->counts.total);
	mun_canon_int(c, mun_verdict_name(op->done), (int64_t)b->counts.done);
	mun_canon_int(c, mun_verdict_name(op->already), (int64_t)b->counts.already);
	mun_canon_int(c, "failed", (int64_t)b->counts.failed);
	mun_canon_int(c, "in_doubt", (int64_t)b->counts.in_doubt);
	mun_canon_int(c, "skipped", (int64_t)b->counts.skipped);
	mun_canon_int(c, "cancelled", (int64_t)b->counts.cancelled);
	mun_canon_int(c, "pending", (int64_t)b->counts.pending);
	mun_canon_end(c);
}

static void add_windows(struct mun_canon *c, const struct mun_batch_view *v)
{
	if (!mun_batch_is_open(v->batch.state)) {
		mun_canon_null(c, "windows");
		return;
	}
	mun_canon_array(c, "windows");
	for (size_t i = 0; i < v->rate.len; i++) {
		mun_canon_object(c, NULL);
		mun_canon_int(c, "limit", v->rate.window[i].limit);
		mun_canon_int(c, "period_ms", (int64_t)v->rate.window[i].period_ms);
		mun_canon_int(c, "used", v->used[i]);
		mun_canon_end(c);
	}
	mun_canon_end(c);
}

int mun_batch_view_exit(const struct mun_batch_view *v)
{
	const struct mun_batch *b = &v->batch;
	enum mun_why why = mun_why_find(b->why);

	if (b->state == MUN_B_INTERRUPTED && mun_why_is_signal(why))
		return (int)mun_why_exit(why);
	if (v->runner.lives || (mun_batch_is_open(b->state) && b->state != MUN_B_HALTED &&
	                        b->state != MUN_B_STOPPED && b->counts.in_doubt == 0))
		return -1;
	return (int)mun_outcome_exit(b, v->only);
}

/* The first fields are fixed; new ones only ever follow them. */
static void make_object(struct mun_buf *out, const struct mun_batch_view *v, int exit_status,
                        const char *next)
{
	char batch[MUN_REF_TEXT], plan[MUN_REF_TEXT], org[MUN_ID_TEXT];
	const struct mun_batch *b = &v->batch;
	const char *reason = v->runner.waits_for[0] ? v->runner.waits_for : b->why;
	struct mun_canon c;

	mun_ref_format(batch, 'b', &b->batch);
	mun_ref_format(plan, 'p', &b->plan);
	mun_id_format(org, &b->org);
	mun_canon_init(&c, out);
	mun_canon_loose(&c);
	mun_canon_object(&c, NULL);
	mun_canon_str(&c, "batch", batch);
	mun_canon_str(&c, "plan", plan);
	mun_canon_str(&c, "op", mun_ops[b->op].name);
	mun_canon_str(&c, "org", org);
	mun_canon_str(&c, "state", v->state);
	mun_batch_view_counts(&c, b);
	add_time(&c, "started", b->started_us);
	add_time(&c, "ended", b->ended_us);
	if (exit_status < 0)
		mun_canon_null(&c, "exit");
	else
		mun_canon_int(&c, "exit", exit_status);
	mun_canon_str(&c, "action", v->runner.lives ? "wait" : mun_outcome_action(b));
	mun_canon_str(&c, "next_command", next[0] ? next : NULL);
	add_time(&c, "next_at", v->next_at_us);
	mun_canon_str(&c, "reason", reason[0] ? reason : NULL);
	mun_canon_str(&c, "base_url", v->base_url[0] ? v->base_url : NULL);
	mun_canon_int(&c, "epoch", b->epoch);
	mun_canon_str(&c, "held_by", v->runner.text[0] ? v->runner.text : NULL);
	add_time(&c, "oldest_in_doubt", v->oldest_doubt_us);
	mun_canon_bool(&c, "holder_stopped", v->runner.stopped);
	add_windows(&c, v);
	mun_canon_end(&c);
	mun_buf_putc(out, '\n');
}

void mun_batch_view_state(struct mun_buf *ret, const char *state, const char *why)
{
	if (why[0] == '\0' || strncmp(why, state, strlen(state)) != 0)
		mun_buf_printf(ret, "%s%s", state, why[0] != '\0' ? ": " : "");
	mun_buf_puts(ret, why);
}

static void add_line_time(struct mun_buf *out, const struct mun_app *app, const char *label,
                          int64_t time_us)
{
	if (time_us == MUN_TIME_NONE)
		return;
	mun_buf_printf(out, "%-10s ", label);
	mun_out_time(out, app, time_us);
	mun_buf_putc(out, '\n');
}

static void add_doubt(struct mun_buf *out, const struct mun_app *app, int64_t since_us)
{
	struct mun_now now;
	char age[32];

	if (since_us == MUN_TIME_NONE)
		return;
	app->clock->now(app->clock, &now);
	mun_duration_format(age, sizeof(age), (now.real_us - since_us) / 1000);
	mun_buf_puts(out, "in doubt   since ");
	mun_out_time(out, app, since_us);
	mun_buf_printf(out, ", %s ago\n", age);
}

static void add_holder(struct mun_buf *out, const struct mun_holder *h)
{
	mun_buf_puts(out, "held by    ");
	mun_text_visible(out, h->text, strlen(h->text), false);
	mun_buf_puts(out, h->stopped ? " (stopped: it holds the lock and does nothing; kill -CONT "
	                               "wakes it)\n"
	                             : "\n");
}

static void add_rate(struct mun_buf *out, const struct mun_app *app, const struct mun_batch_view *v)
{
	if (!mun_batch_is_open(v->batch.state))
		return;
	mun_buf_puts(out, v->rate.len > 0 ? "rate       used " : "rate       none");
	mun_pace_used(out, &v->rate, v->used);
	mun_buf_puts(out, "\n");
	if (v->next_at_us == MUN_TIME_NONE)
		mun_buf_puts(out, "request    may go now\n");
	else
		add_line_time(out, app, "request", v->next_at_us);
}

static void make_lines(struct mun_buf *out, const struct mun_app *app,
                       const struct mun_batch_view *v, const char *next)
{
	char batch[MUN_REF_TEXT], plan[MUN_REF_TEXT], org[MUN_ID_TEXT];
	const struct mun_batch *b = &v->batch;
	const struct mun_op *op = &mun_ops[b->op];
	const struct mun_counts *c = &b->counts;
	const char *why =
		v->runner.lives ? v->runner.waits_for : mun_why_sentence(mun_why_find(b->why));

	mun_ref_format(batch, 'b', &b->batch);
	mun_ref_format(plan, 'p', &b->plan);
	mun_id_format(org, &b->org);
	mun_buf_printf(out, "batch      %s (%s, plan %s)\n", batch, op->name, plan);
	mun_buf_printf(out, "org        %s at %s\n", org, v->base_url);
	mun_buf_puts(out, "state      ");
	mun_batch_view_state(out, v->state, why);
	mun_buf_putc(out, '\n');
	mun_buf_printf(out,
	               "items      %llu: %llu %s, %llu %s, %llu failed, %llu in doubt, "
	               "%llu skipped, %llu cancelled, %llu pending\n",
	               (unsigned long long)c->total, (unsigned long long)c->done,
	               mun_verdict_name(op->done), (unsigned long long)c->already,
	               mun_verdict_name(op->already), (unsigned long long)c->failed,
	               (unsigned long long)c->in_doubt, (unsigned long long)c->skipped,
	               (unsigned long long)c->cancelled, (unsigned long long)c->pending);
	add_line_time(out, app, "started", b->started_us);
	add_line_time(out, app, "ended", b->ended_us);
	add_doubt(out, app, v->oldest_doubt_us);
	add_rate(out, app, v);
	if (v->runner.lives)
		add_holder(out, &v->runner);
	else if (next[0])
		mun_buf_printf(out, "next       %s\n", next);
}

enum mun_code mun_batch_view_print(struct mun_app *app, const struct mun_batch_view *v,
                                   int exit_status, struct mun_err *err)
{
	struct mun_buf out MUN_BUF_CLEANUP;
	struct mun_buf next MUN_BUF_CLEANUP;

	mun_buf_init(&out, OBJECT_MAX);
	mun_buf_init(&next, OBJECT_MAX / 2);
	if (!v->runner.lives)
		mun_next_command(&next, app, &v->batch, v->base_url);
	if (exit_status < 0)
		exit_status = mun_batch_view_exit(v);
	if (app->output == MUN_OUT_TABLE)
		make_lines(&out, app, v, mun_buf_str(&next));
	else
		make_object(&out, v, exit_status, mun_buf_str(&next));
	enum mun_code code = mun_buf_check(&next, "the next command", err);
	if (code == MUN_OK)
		code = mun_buf_check(&out, "description of a batch", err);
	if (code != MUN_OK)
		return code;
	/* Of a run --fields chose the columns of the rows before it. */
	if (app->output == MUN_OUT_JSONL && app->cmd->effect != MUN_READS_JOURNAL)
		return mun_out_text(app, out.data, out.len, err);
	return mun_out_object(app, &out, err);
}

enum mun_code mun_batch_view_fields(struct mun_app *app, struct mun_err *err)
{
	const struct mun_batch_view any = { .next_at_us = MUN_TIME_NONE,
		                            .runner = { .waits_for = "" } };
	struct mun_buf object MUN_BUF_CLEANUP;
	struct mun_buf chosen MUN_BUF_CLEANUP;

	mun_buf_init(&object, OBJECT_MAX);
	mun_buf_init(&chosen, OBJECT_MAX);
	if (app->output == MUN_OUT_JSONL)
		return MUN_OK;
	make_object(&object, &any, 0, "");
	return mun_out_fields(&chosen, app, &object, err);
}
