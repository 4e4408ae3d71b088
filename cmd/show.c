/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/batch_view.h"
#include "cmd/commands.h"
#include "cmd/out.h"
#include "cmd/plan_view.h"
#include "lib/canon.h"
#include "lib/text.h"

#define OUT_MAX ((size_t)64 << 20)
#define SEQ_MAX ((uint64_t)1 << 53)

struct shown_run {
	const struct mun_app *app;
	struct mun_buf *out;
	struct mun_canon canon;
	bool table, begun;
	char run[MUN_ID_TEXT];
};

static void add_time(struct mun_canon *c, const char *key, int64_t time_us)
{
	char text[MUN_DATE_MAX];

	mun_date_format(text, time_us);
	mun_canon_str(c, key, text);
}

static void add_seq(struct mun_canon *c, const char *key, uint64_t seq)
{
	if (seq == MUN_NO_SEQ)
		mun_canon_null(c, key);
	else
		mun_canon_int(c, key, (int64_t)seq);
}

/* The newest attempt comes first, so it gives the name. */
static void begin_run(struct shown_run *s, const char *name)
{
	if (s->begun)
		return;
	s->begun = true;
	if (s->table) {
		mun_buf_printf(s->out, "run        %s\n", s->run);
		if (name) {
			mun_buf_puts(s->out, "name       ");
			mun_text_visible(s->out, name, strlen(name), false);
			mun_buf_putc(s->out, '\n');
		}
		return;
	}
	mun_canon_init(&s->canon, s->out);
	mun_canon_loose(&s->canon);
	mun_canon_object(&s->canon, NULL);
	mun_canon_str(&s->canon, "run", s->run);
	mun_canon_str(&s->canon, "name", name);
	mun_canon_array(&s->canon, "attempts");
}

static void attempt_object(struct mun_canon *c, const struct mun_history_row *row)
{
	char org[MUN_ID_TEXT], batch[MUN_REF_TEXT];

	mun_id_format(org, &row->org);
	mun_ref_format(batch, 'b', &row->batch);
	mun_canon_object(c, NULL);
	add_time(c, "time", row->time_us);
	mun_canon_str(c, "org", org);
	mun_canon_str(c, "op", row->op);
	mun_canon_str(c, "batch", batch);
	mun_canon_int(c, "item", row->item);
	mun_canon_int(c, "attempt", row->attempt);
	mun_canon_str(c, "verdict", row->verdict);
	mun_canon_str(c, "evidence", row->evidence);
	if (row->http)
		mun_canon_int(c, "http", row->http);
	else
		mun_canon_null(c, "http");
	mun_canon_str(c, "archived_at", row->archived_at);
	mun_canon_str(c, "operator", row->operator_);
	mun_canon_str(c, "claimed", row->claimed);
	mun_canon_str(c, "identity", row->identity);
	mun_canon_str(c, "reason", row->reason);
	mun_canon_str(c, "ticket", row->ticket);
	add_seq(c, "request_seq", row->request_seq);
	add_seq(c, "response_seq", row->response_seq);
	add_seq(c, "settled_seq", row->settled_seq);
	mun_canon_end(c);
}

static void attempt_lines(struct mun_buf *out, const struct mun_app *app,
                          const struct mun_history_row *row)
{
	char batch[MUN_REF_TEXT];

	mun_ref_format(batch, 'b', &row->batch);
	mun_buf_putc(out, '\n');
	mun_out_time(out, app, row->time_us);
	mun_buf_printf(out, "  %s -> %s%s%s\n", row->op, row->verdict,
	               row->evidence ? ", known by " : "", row->evidence ? row->evidence : "");
	mun_buf_printf(out, "  batch %s item %u attempt %u, entry #%llu", batch, row->item,
	               row->attempt, (unsigned long long)row->request_seq);
	if (row->response_seq != MUN_NO_SEQ)
		mun_buf_printf(out, ", answer #%llu", (unsigned long long)row->response_seq);
	if (row->settled_seq != MUN_NO_SEQ)
		mun_buf_printf(out, ", settled by #%llu", (unsigned long long)row->settled_seq);
	mun_buf_puts(out, "\n  by ");
	if (row->operator_)
		mun_text_visible(out, row->operator_, strlen(row->operator_), false);
	if (row->archived_at)
		mun_buf_printf(out, ", archived_at %s", row->archived_at);
	mun_buf_puts(out, "\n  ");
	if (row->reason)
		mun_text_visible(out, row->reason, strlen(row->reason), false);
	mun_buf_putc(out, '\n');
}

static enum mun_code add_attempt(void *arg, const struct mun_history_row *row, struct mun_err *err)
{
	struct shown_run *s = arg;

	begin_run(s, row->name);
	if (s->table)
		attempt_lines(s->out, s->app, row);
	else
		attempt_object(&s->canon, row);
	return mun_buf_check(s->out, "description of a run", err);
}

static enum mun_code show_run(struct mun_app *app, struct mun_journal *j, const struct mun_id *run,
                              struct mun_buf *out, struct mun_err *err)
{
	struct shown_run s = { .app = app, .out = out, .table = app->output == MUN_OUT_TABLE };
	struct mun_filter filter = { .since_us = MUN_TIME_NONE,
		                     .until_us = MUN_TIME_NONE,
		                     .after_seq = MUN_NO_SEQ,
		                     .run_len = 1,
		                     .reverse = true };
	struct mun_id orgs[4];
	size_t orgs_len = 0;

	mun_id_format(s.run, run);
	filter.run[0] = s.run;
	enum mun_code code =
		mun_journal_by_run_any_org(j, run, orgs, &orgs_len, MUN_ARRAY_LEN(orgs), err);
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	if (code == MUN_E_NOTFOUND || orgs_len == 0)
		return mun_fail(err, MUN_E_NOTFOUND, "no run %s in this journal", s.run);
	code = mun_query_history(j, &filter, add_attempt, &s, err);
	if (code != MUN_OK && code != MUN_E_CORRUPT)
		return code;
	begin_run(&s, NULL);
	if (!s.table) {
		mun_canon_end(&s.canon);
		mun_canon_end(&s.canon);
		mun_buf_putc(out, '\n');
	}
	return code;
}

/* JSON: the entry's own bytes. For people the body that was kept beside it, too. */
static enum mun_code show_entry(struct mun_app *app, struct mun_journal *j, const char *text,
                                struct mun_buf *out, struct mun_err *err)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_buf body MUN_BUF_CLEANUP;
	struct mun_entry e;
	char *end = NULL;

	mun_buf_init(&body, OUT_MAX);
	errno = 0;
	unsigned long long seq = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno || seq >= SEQ_MAX)
		return mun_fail(err, MUN_E_USAGE, "\"#%.30s\" is no entry number", text);
	enum mun_code code = mun_journal_entry(j, seq, out, err);
	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, code, "no entry #%llu in this journal", seq);
	if (code == MUN_OK)
		code = mun_entry_decode(&e, &owner, out->data, out->len, err);
	if (code != MUN_OK)
		return mun_wrap(err, code, "entry #%llu", seq);
	mun_buf_putc(out, '\n');
	if (app->output != MUN_OUT_TABLE)
		return MUN_OK;
	code = mun_journal_body(j, seq, &body, err);
	if (code == MUN_OK) {
		mun_buf_puts(out, "body ");
		mun_text_visible(out, mun_buf_str(&body), body.len, false);
		mun_buf_putc(out, '\n');
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static enum mun_code show_text(struct mun_app *app, struct mun_journal *j, const char *text,
                               struct mun_err *err)
{
	struct mun_buf out MUN_BUF_CLEANUP;
	struct mun_err end = { 0 };
	bool has_org, folded;
	struct mun_id run, org;
	enum mun_code code;

	mun_buf_init(&out, OUT_MAX);
	if (text[0] == '#' && app->args.fields) {
		code = mun_fail(err, MUN_E_USAGE,
		                "an entry is shown as it was hashed, whole: no --fields");
	} else if (text[0] == '#') {
		code = show_entry(app, j, text + 1, &out, err);
	} else {
		code = mun_run_parse(&run, &org, &has_org, &folded, text, strlen(text), err);
		if (code != MUN_OK)
			return mun_fail(err, MUN_E_USAGE,
			                "\"%.60s\" is no run, batch, plan or entry", text);
		code = show_run(app, j, &run, &out, err);
	}
	if (code != MUN_OK && code != MUN_E_CORRUPT)
		return code;
	/* What is damaged was left out or stands as it is; the rest is shown. */
	enum mun_code shown = mun_buf_check(&out, "what is shown", &end);
	/* An entry is shown as it was hashed, whole. */
	if (shown == MUN_OK && out.len > 0)
		shown = text[0] == '#' ? mun_out_text(app, out.data, out.len, &end)
		                       : mun_out_object(app, &out, &end);
	if (shown != MUN_OK)
		*err = end;
	return shown != MUN_OK ? shown : code;
}

static enum mun_code run_show(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;
	struct mun_batch_view view;
	struct mun_ref ref;

	*ret_exit = 0;
	if (app->args.args_len != 1)
		return mun_fail(err, MUN_E_USAGE, "show takes one run, batch, plan or #entry");
	const char *text = app->args.args[0];
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_READ, &j, err);
	if (code != MUN_OK)
		return code;
	if (strncmp(text, "p-", 2) == 0) {
		code = mun_query_plan(j, text, &ref, err);
		return code != MUN_OK ? code : mun_plan_view_print(app, j, &ref, err);
	}
	if (strncmp(text, "b-", 2) != 0)
		return show_text(app, j, text, err);
	code = mun_query_batch(j, text, &ref, err);
	if (code == MUN_OK)
		code = mun_batch_view_load(&view, j, &ref, err);
	return code != MUN_OK ? code : mun_batch_view_print(app, &view, -1, err);
}

const struct mun_cmd mun_cmd_show = {
	.name = "show",
	.args = "RUN|BATCH|PLAN|#SEQ",
	.summary = "one thing in full",
	.effect = MUN_READS_JOURNAL,
	.groups = MUN_G_COMMON,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL,
	.section = "ask",
	.example = { "muniment show 0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f", "muniment show '#42'" },
	.example_text = { "what happened to one run",
	                  "one entry as it was hashed, and (not with -o json) the body beside it" },
	.run = run_show,
};
