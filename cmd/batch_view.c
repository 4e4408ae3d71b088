/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/batch_view.h"

#include <stdio.h>
#include <string.h>

#include "cmd/engine/outcome.h"
#include "cmd/out.h"
#include "lib/canon.h"
#include "lib/file.h"
#include "lib/text.h"

#define LOCK_TEXT_MAX 4096
#define OBJECT_MAX    16384
#define OPEN_MAX      1024

static bool read_lock(struct mun_journal *j, const struct mun_ref *batch, struct mun_buf *text)
{
	char path[4200];
	struct mun_err ignored;
	bool held = false;

	mun_journal_lock_path(j, batch, path, sizeof(path));
	return mun_lock_read(text, &held, path, &ignored) == MUN_OK && held;
}

bool mun_batch_is_held(struct mun_journal *j, const struct mun_ref *batch)
{
	struct mun_buf text MUN_BUF_CLEANUP;

	mun_buf_init(&text, LOCK_TEXT_MAX);
	return read_lock(j, batch, &text);
}

/* The runner's text ends in ", " and what it does; settle waits are part of running. */
static const char *phase_of(const char *text)
{
	if (strstr(text, ", waiting"))
		return "waiting";
	return strstr(text, ", draining") ? "draining" : "running";
}

/* What the runner wrote into its lock file; an empty text still says that it lives. */
static void load_runner(struct mun_batch_view *v, struct mun_journal *j)
{
	struct mun_buf text MUN_BUF_CLEANUP;

	mun_buf_init(&text, LOCK_TEXT_MAX);
	v->runner_lives = read_lock(j, &v->batch.batch, &text);
	if (!v->runner_lives)
		return;
	(void)snprintf(v->state, sizeof(v->state), "%s", phase_of(mun_buf_str(&text)));
	size_t line = strcspn(mun_buf_str(&text), "\n");
	mun_text_copy(v->holder, line + 1 < sizeof(v->holder) ? line + 1 : sizeof(v->holder),
	              mun_buf_str(&text), line);
}

static enum mun_code load_target(struct mun_batch_view *v, struct mun_journal *j,
                                 struct mun_err *err)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	const struct mun_rate rate = { .len = 0 };
	struct mun_buf line MUN_BUF_CLEANUP;
	struct mun_window_state window;
	char org[MUN_ID_TEXT], target[320];
	struct mun_plan plan;
	struct mun_entry e;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	enum mun_code code = mun_journal_plan(j, &v->batch.plan, &plan, err);
	if (code == MUN_OK)
		code = mun_journal_entry(j, plan.seq, &line, err);
	if (code == MUN_OK)
		code = mun_entry_decode(&e, &owner, line.data, line.len, err);
	if (code != MUN_OK)
		return code;
	if (e.kind == MUN_K_PLAN_STORED && e.u.plan.base_url)
		(void)snprintf(v->base_url, sizeof(v->base_url), "%s", e.u.plan.base_url);
	if (!mun_batch_is_open(v->batch.state))
		return MUN_OK;
	mun_id_format(org, &v->batch.org);
	(void)snprintf(target, sizeof(target), "%s %s", v->base_url, org);
	code = mun_journal_window(j, target, &rate, &window, err);
	if (code == MUN_OK)
		v->next_at_us = window.blocked_until_us;
	return code;
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
		             (item.state == MUN_I_IN_FLIGHT && !v->runner_lives);
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
	load_runner(&v, j);
	if (!v.runner_lives) {
		uint64_t flying = v.batch.in_flight < v.batch.counts.pending
		                          ? v.batch.in_flight
		                          : v.batch.counts.pending;
		v.batch.counts.in_doubt += flying;
		v.batch.counts.pending -= flying;
		v.batch.in_flight = 0;
	}
	if (v.batch.items == 1) {
		code = mun_journal_item(j, batch, 0, &item, err);
		v.only = code == MUN_OK ? item.verdict : MUN_V_NONE;
	}
	if (code == MUN_OK)
		code = load_target(&v, j, err);
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

static void add_counts(struct mun_canon *c, const struct mun_batch *b)
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

static void make_object(struct mun_buf *out, const struct mun_batch_view *v, int exit_status)
{
	char batch[MUN_REF_TEXT], plan[MUN_REF_TEXT], org[MUN_ID_TEXT], next[512];
	const struct mun_batch *b = &v->batch;
	struct mun_canon c;

	mun_ref_format(batch, 'b', &b->batch);
	mun_ref_format(plan, 'p', &b->plan);
	mun_id_format(org, &b->org);
	mun_outcome_next(next, sizeof(next), b);
	if (v->runner_lives)
		next[0] = '\0';
	mun_canon_init(&c, out);
	mun_canon_loose(&c);
	mun_canon_object(&c, NULL);
	mun_canon_str(&c, "batch", batch);
	mun_canon_str(&c, "plan", plan);
	mun_canon_str(&c, "op", mun_ops[b->op].name);
	mun_canon_str(&c, "org", org);
	mun_canon_str(&c, "state", v->state);
	add_counts(&c, b);
	add_time(&c, "started", b->started_us);
	add_time(&c, "ended", b->ended_us);
	mun_canon_int(&c, "exit", exit_status);
	mun_canon_str(&c, "action", v->runner_lives ? "wait" : mun_outcome_action(b));
	mun_canon_str(&c, "next_command", next[0] ? next : NULL);
	add_time(&c, "next_at", v->next_at_us);
	mun_canon_str(&c, "reason", b->why[0] ? b->why : NULL);
	mun_canon_str(&c, "base_url", v->base_url[0] ? v->base_url : NULL);
	mun_canon_int(&c, "epoch", b->epoch);
	mun_canon_str(&c, "held_by", v->holder[0] ? v->holder : NULL);
	add_time(&c, "oldest_in_doubt", v->oldest_doubt_us);
	mun_canon_end(&c);
	mun_buf_putc(out, '\n');
}

static void add_line_time(struct mun_buf *out, const char *label, int64_t time_us)
{
	char text[MUN_DATE_MAX];

	if (time_us == MUN_TIME_NONE)
		return;
	mun_date_format(text, time_us);
	mun_buf_printf(out, "%-10s %s\n", label, text);
}

static void make_lines(struct mun_buf *out, const struct mun_batch_view *v)
{
	char batch[MUN_REF_TEXT], plan[MUN_REF_TEXT], org[MUN_ID_TEXT], next[512];
	const struct mun_batch *b = &v->batch;
	const struct mun_op *op = &mun_ops[b->op];
	const struct mun_counts *c = &b->counts;
	const char *why = mun_why_sentence(mun_why_find(b->why));

	mun_ref_format(batch, 'b', &b->batch);
	mun_ref_format(plan, 'p', &b->plan);
	mun_id_format(org, &b->org);
	mun_outcome_next(next, sizeof(next), b);
	mun_buf_printf(out, "batch      %s (%s, plan %s)\n", batch, op->name, plan);
	mun_buf_printf(out, "org        %s at %s\n", org, v->base_url);
	mun_buf_printf(out, "state      %s%s%s\n", v->state, why[0] ? ": " : "", why);
	mun_buf_printf(out,
	               "items      %llu: %llu %s, %llu %s, %llu failed, %llu in doubt, "
	               "%llu skipped, %llu cancelled, %llu pending\n",
	               (unsigned long long)c->total, (unsigned long long)c->done,
	               mun_verdict_name(op->done), (unsigned long long)c->already,
	               mun_verdict_name(op->already), (unsigned long long)c->failed,
	               (unsigned long long)c->in_doubt, (unsigned long long)c->skipped,
	               (unsigned long long)c->cancelled, (unsigned long long)c->pending);
	add_line_time(out, "started", b->started_us);
	add_line_time(out, "ended", b->ended_us);
	add_line_time(out, "in doubt", v->oldest_doubt_us);
	add_line_time(out, "not before", v->next_at_us);
	if (v->runner_lives) {
		mun_buf_puts(out, "held by    ");
		mun_text_visible(out, v->holder, strlen(v->holder), false);
		mun_buf_putc(out, '\n');
	} else if (next[0]) {
		mun_buf_printf(out, "next       %s\n", next);
	}
}

enum mun_code mun_batch_view_print(struct mun_app *app, const struct mun_batch_view *v,
                                   int exit_status, struct mun_err *err)
{
	struct mun_buf out MUN_BUF_CLEANUP;

	mun_buf_init(&out, OBJECT_MAX);
	if (exit_status < 0)
		exit_status = (int)mun_outcome_exit(&v->batch, v->only);
	if (app->output == MUN_OUT_TABLE)
		make_lines(&out, v);
	else
		make_object(&out, v, exit_status);
	enum mun_code code = mun_buf_check(&out, "description of a batch", err);
	return code != MUN_OK ? code : mun_out_text(app, out.data, out.len, err);
}
