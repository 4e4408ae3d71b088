/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/planning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/credential.h"
#include "cmd/engine/outcome.h"
#include "cmd/plan_id.h"
#include "cmd/runset.h"
#include "lib/digest.h"
#include "lib/file.h"
#include "lib/manifest.h"

#define CHUNK 4096 /* rows of one transaction */

struct reading { /* the first pass over the list */
	struct mun_runset *runs;
	struct mun_target *target;
	bool has_org;
	struct mun_sha256 *list, *overrides;
	bool any_override;
	uint64_t duplicates;
	struct mun_buf named; /* line numbers of duplicates, the first of them */
};

static enum mun_code get_target(struct mun_app *app, struct reading *r, struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	enum mun_code code = MUN_OK;
	const char *base = a->base_url != NULL ? a->base_url : getenv("TALLYFY_BASE_URL");

	if (a->as != NULL) {
		code = mun_credential_target(app, a->as, &r->target->org, &r->target->base, err);
		r->has_org = code == MUN_OK;
		if (code == MUN_OK && a->base_url == NULL)
			base = NULL;
	}
	if (code == MUN_OK && (base != NULL || a->as == NULL))
		code = mun_base_url_parse(&r->target->base,
		                          base != NULL ? base : MUN_BASE_URL_DEFAULT, err);
	if (code != MUN_OK || a->org == NULL)
		return code;
	if (mun_id_parse(&r->target->org, a->org, strlen(a->org)) == MUN_ID_BAD)
		return mun_fail(err, MUN_E_USAGE, "--org must be 32 hex digits");
	r->has_org = true;
	return MUN_OK;
}

static enum mun_code check_org(struct reading *r, const struct mun_row *row, struct mun_err *err)
{
	if (!row->has_org)
		return MUN_OK;
	if (!r->has_org) {
		r->target->org = row->org;
		r->has_org = true;
	} else if (!mun_id_equal(&row->org, &r->target->org)) {
		return mun_fail(err, MUN_E_INPUT,
		                "line %u: the URL belongs to another organization", row->line);
	}
	return MUN_OK;
}

/* "id TAB reason TAB ticket" of the rows that have their own. */
static void hash_override(struct reading *r, const char *id, const struct mun_row *row)
{
	if (row->reason == NULL && row->ticket == NULL)
		return;
	r->any_override = true;
	mun_sha256_add(r->overrides, id, MUN_ID_TEXT - 1);
	mun_sha256_add(r->overrides, "\t", 1);
	if (row->reason != NULL)
		mun_sha256_add(r->overrides, row->reason, strlen(row->reason));
	mun_sha256_add(r->overrides, "\t", 1);
	if (row->ticket != NULL)
		mun_sha256_add(r->overrides, row->ticket, strlen(row->ticket));
	mun_sha256_add(r->overrides, "\n", 1);
}

static enum mun_code read_row(void *arg, const struct mun_row *row, struct mun_err *err)
{
	struct reading *r = arg;
	char id[MUN_ID_TEXT];
	bool added;
	enum mun_code code = check_org(r, row, err);

	if (code == MUN_OK)
		code = mun_runset_add(r->runs, &row->run, &added, err);
	if (code != MUN_OK)
		return code;
	mun_id_format(id, &row->run);
	if (!added) {
		if (r->duplicates++ < 10)
			mun_buf_printf(&r->named, "%s%u", r->named.len > 0 ? ", " : "", row->line);
		return MUN_OK;
	}
	mun_sha256_add(r->list, id, MUN_ID_TEXT - 1);
	mun_sha256_add(r->list, "\n", 1);
	hash_override(r, id, row);
	return MUN_OK;
}

struct writing { /* the second pass: rows in chunks */
	struct mun_journal *j;
	const struct mun_ref *plan;
	const struct mun_id *org;
	struct mun_runset *runs; /* the same rows again: only the first of each is stored */
	struct mun_plan_row rows[CHUNK];
	struct mun_buf texts;
	size_t offset[CHUNK][3]; /* reason, ticket, columns in texts, plus one; 0 none */
	size_t len;
	uint32_t item;
};

static enum mun_code flush_rows(struct writing *w, struct mun_err *err)
{
	enum mun_code code = mun_buf_check(&w->texts, "a chunk of the list", err);

	for (size_t i = 0; code == MUN_OK && i < w->len; i++) {
		struct mun_plan_row *row = &w->rows[i];
		const size_t *at = w->offset[i];

		row->reason = at[0] > 0 ? w->texts.data + at[0] - 1 : NULL;
		row->ticket = at[1] > 0 ? w->texts.data + at[1] - 1 : NULL;
		row->columns = at[2] > 0 ? w->texts.data + at[2] - 1 : NULL;
	}
	if (code == MUN_OK && w->len > 0)
		code = mun_journal_plan_rows(w->j, w->plan, w->item, w->org, w->rows, w->len, err);
	w->item += (uint32_t)w->len;
	w->len = 0;
	mun_buf_clear(&w->texts);
	return code;
}

static size_t keep(struct mun_buf *texts, const char *s, size_t len)
{
	size_t at = texts->len;

	if (s == NULL)
		return 0;
	mun_buf_add(texts, s, len);
	mun_buf_putc(texts, '\0');
	return at + 1;
}

static enum mun_code write_row(void *arg, const struct mun_row *row, struct mun_err *err)
{
	struct writing *w = arg;
	size_t *at = w->offset[w->len];

	if (!mun_runset_take(w->runs, &row->run))
		return MUN_OK;
	w->rows[w->len] = (struct mun_plan_row){ .run = row->run,
		                                 .line = row->line,
		                                 .columns_len = row->columns_len };
	at[0] = keep(&w->texts, row->reason, row->reason != NULL ? strlen(row->reason) : 0);
	at[1] = keep(&w->texts, row->ticket, row->ticket != NULL ? strlen(row->ticket) : 0);
	at[2] = keep(&w->texts, row->columns, row->columns_len);
	return ++w->len == CHUNK ? flush_rows(w, err) : MUN_OK;
}

/* The list as bytes: a file, stdin, or the arguments one a line. */
static enum mun_code get_source(struct mun_app *app, struct mun_buf *ret, const char **ret_name,
                                struct mun_err *err)
{
	const struct mun_args *a = &app->args;

	if ((a->from == NULL) == (a->args_len == 0))
		return mun_fail(err, MUN_E_USAGE, "%s needs RUN... or --from FILE, not both",
		                app->cmd->name);
	*ret_name = a->from == NULL ? "arguments" : a->from;
	if (a->from == NULL) {
		for (size_t i = 0; i < a->args_len; i++)
			mun_buf_printf(ret, "%s\n", a->args[i]);
		return mun_buf_check(ret, "the list of runs", err);
	}
	if (strcmp(a->from, "-") == 0) {
		*ret_name = "standard input";
		if (app->stdin_tty)
			mun_say(app, "reading ids from the terminal, end with Ctrl-D\n");
	}
	/* what cannot be read as a list is bad input, not an internal error */
	if (mun_file_read(ret, a->from, err) != MUN_OK)
		return mun_wrap(err, err->code == MUN_E_NOMEM ? MUN_E_NOMEM : MUN_E_INPUT, "--from");
	return MUN_OK;
}

static enum mun_code parse(struct mun_app *app, const struct mun_buf *source, const char *name,
                           mun_row_fn fn, void *arg, struct mun_manifest_report *report,
                           struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	struct mun_manifest_options o = { .id_column = a->id_column, .source = name };

	if (a->from == NULL)
		o.format = MUN_FORMAT_IDS;
	else if (a->format != NULL && !mun_format_parse(&o.format, a->format))
		return mun_fail(err, MUN_E_USAGE, "--format %s: auto, ids, csv, jsonl or json",
		                a->format);
	return mun_manifest_parse(mun_buf_str(source), source->len, &o, fn, arg, report, err);
}

static void say_what_was_read(struct mun_app *app, const struct mun_manifest_report *report,
                              const struct reading *r)
{
	if (app->args.from != NULL && app->args.format == NULL && !app->args.quiet)
		mun_say(app, "reading %s as %s\n", app->args.from, mun_format_name(report->format));
	if (report->folded > 0)
		mun_say(app, "%llu ids were in upper case and were folded\n",
		        (unsigned long long)report->folded);
	if (r->duplicates > 0)
		mun_say(app, "%llu duplicates skipped (lines %s%s)\n",
		        (unsigned long long)r->duplicates, mun_buf_str(&r->named),
		        r->duplicates > 10 ? ", ..." : "");
	if (report->bom || report->crlf)
		mun_say(app, "accepted:%s%s\n", report->bom ? " byte order mark" : "",
		        report->crlf ? " CRLF line ends" : "");
}

/* The first id whose plan is new, still stored, or executed by an open batch. */
static enum mun_code find_plan(struct mun_app *app, struct mun_journal *j,
                               const struct mun_entry *e, struct mun_planned *ret,
                               struct mun_err *err)
{
	struct mun_now now;

	app->clock->now(app->clock, &now);
	for (uint32_t n = 0;; n++) {
		struct mun_batch batch;
		enum mun_code code = mun_plan_id(&ret->plan.plan, e, n, err);
		struct mun_ref id = ret->plan.plan;

		if (code != MUN_OK)
			return code;
		code = mun_journal_plan(j, &id, &ret->plan, err);
		if (code == MUN_E_NOTFOUND) {
			ret->plan = (struct mun_plan){ .plan = id };
			return MUN_OK;
		}
		if (code != MUN_OK)
			return code;
		ret->existed = true;
		if (ret->plan.state == MUN_PLAN_STORED &&
		    now.real_us < ret->plan.stored_us + MUN_PLAN_LIFE_US)
			return MUN_OK;
		if (ret->plan.state == MUN_PLAN_CONSUMED) {
			code = mun_journal_batch(j, &ret->plan.batch, &batch, err);
			if (code != MUN_OK)
				return code;
			ret->attached = mun_batch_is_open(batch.state);
			if (ret->attached)
				return MUN_OK;
		}
		ret->existed = false;
	}
}

static int by_key(const void *a, const void *b)
{
	const struct mun_label *x = a, *y = b;

	return strcmp(x->key, y->key);
}

/* k=v, sorted by key; texts are split in place in copies that live as long as the process. */
static enum mun_code get_labels(const struct mun_args *a, struct mun_label *ret,
                                struct mun_err *err)
{
	for (size_t i = 0; i < a->label_len; i++) {
		char *copy = strdup(a->label[i]);
		char *equals = copy != NULL ? strchr(copy, '=') : NULL;

		if (equals == NULL || equals == copy) {
			free(copy);
			return mun_fail(err, MUN_E_USAGE, "--label %s: must be k=v", a->label[i]);
		}
		*equals = '\0';
		ret[i] = (struct mun_label){ copy, equals + 1 };
	}
	qsort(ret, a->label_len, sizeof(ret[0]), by_key);
	for (size_t i = 1; i < a->label_len; i++)
		if (strcmp(ret[i - 1].key, ret[i].key) == 0)
			return mun_fail(err, MUN_E_USAGE, "--label %s is given twice", ret[i].key);
	return MUN_OK;
}

static void free_labels(struct mun_label *labels, size_t len)
{
	for (size_t i = 0; i < len; i++)
		free((char *)(uintptr_t)labels[i].key);
}

static enum mun_code store(struct mun_app *app, struct mun_journal *j, struct mun_entry *e,
                           const struct mun_buf *source, const char *name, struct mun_runset *runs,
                           struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) struct writing *w = calloc(1, sizeof(*w));
	struct mun_manifest_report report = { 0 };
	struct mun_group g = { .entries = e, .len = 1 };
	enum mun_code code;

	if (w == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the list");
	w->j = j;
	w->plan = &e->u.plan.plan;
	w->org = &e->org;
	w->runs = runs;
	mun_buf_init(&w->texts, 64u * 1024 * 1024);
	mun_buf_init(&report.faults, 65536);
	code = parse(app, source, name, write_row, w, &report, err);
	if (code == MUN_OK)
		code = flush_rows(w, err);
	if (code == MUN_OK)
		code = mun_journal_append(j, &g, err);
	mun_buf_done(&w->texts);
	mun_buf_done(&report.faults);
	return code;
}

static void fill_sample(struct mun_planned *ret, const struct mun_runset *runs)
{
	size_t len = mun_runset_len(runs);

	ret->shown = len < 3 ? len : 3;
	for (size_t i = 0; i < ret->shown; i++) {
		ret->first[i] = *mun_runset_at(runs, i);
		ret->last[i] = *mun_runset_at(runs, len - ret->shown + i);
	}
}

static enum mun_code bad_list(const struct mun_manifest_report *report, const char *name,
                              struct mun_err *err)
{
	size_t len = report->faults.len;

	(void)mun_fail(err, MUN_E_INPUT,
	               "%s: %llu of %llu rows are invalid, nothing was stored\n%.*s", name,
	               (unsigned long long)report->bad,
	               (unsigned long long)(report->rows + report->bad),
	               (int)(len > 700 ? 700 : len), mun_buf_str(&report->faults));
	return MUN_E_INPUT;
}

static enum mun_code read_list(struct mun_app *app, const struct mun_buf *source, const char *name,
                               struct reading *r, struct mun_planned *ret, struct mun_err *err)
{
	struct mun_manifest_report report = { 0 };
	enum mun_code code;

	mun_buf_init(&report.faults, 65536);
	code = parse(app, source, name, read_row, r, &report, err);
	if (code == MUN_E_INPUT && report.bad > 0)
		code = bad_list(&report, name, err);
	if (code == MUN_OK)
		say_what_was_read(app, &report, r);
	ret->rows = report.rows;
	ret->folded = report.folded;
	mun_buf_done(&report.faults);
	if (code != MUN_OK)
		return code;
	if (mun_runset_len(r->runs) == 0) {
		ret->empty = app->args.allow_empty;
		return ret->empty ? MUN_OK
		                  : mun_fail(err, MUN_E_INPUT,
		                             "%s: the list is empty\nhint: an export "
		                             "may have failed; --allow-empty accepts it",
		                             name);
	}
	if (!r->has_org)
		return mun_fail(err, MUN_E_USAGE, "which organization? --org ID, or --as NAME");
	return MUN_OK;
}

static enum mun_code plan_entry(struct mun_app *app, struct reading *r, enum mun_op_kind op,
                                const char *reason, const struct mun_buf *source,
                                struct mun_entry *e, struct mun_label *labels, struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	enum mun_code code = get_labels(a, labels, err);

	*e = (struct mun_entry){ .kind = MUN_K_PLAN_STORED,
		                 .item = MUN_NO_ITEM,
		                 .has_org = true,
		                 .org = r->target->org };
	if (code == MUN_OK && a->ticket != NULL && mun_ticket_check(a->ticket, err) != MUN_OK)
		return mun_wrap(err, MUN_E_USAGE, "--ticket");
	if (code != MUN_OK)
		return code;
	e->u.plan.op = op;
	e->u.plan.base_url = r->target->base.text;
	e->u.plan.items = (uint32_t)mun_runset_len(r->runs);
	mun_sha256_end(r->list, e->u.plan.list_sha256);
	e->u.plan.has_overrides = r->any_override;
	mun_sha256_end(r->overrides, e->u.plan.overrides_sha256);
	e->u.plan.source = (struct mun_body_ref){ .present = true,
		                                  .data = source->data,
		                                  .bytes = source->len };
	e->u.plan.duplicates = r->duplicates;
	e->u.plan.reason = reason;
	e->u.plan.ticket = a->ticket;
	e->u.plan.labels = labels;
	e->u.plan.labels_len = a->label_len;
	mun_operator_of(&e->u.plan.operator_, app);
	return MUN_OK;
}

static enum mun_code plan_list(struct mun_app *app, struct mun_journal *j, enum mun_op_kind op,
                               struct reading *r, struct mun_planned *ret, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf source;
	struct mun_label labels[MUN_LABELS_MAX] = { { 0 } };
	const char *name = "", *reason = NULL;
	struct mun_entry e;
	enum mun_code code;

	mun_buf_init(&source, MUN_MANIFEST_MAX);
	code = get_target(app, r, err);
	if (code == MUN_OK)
		code = get_source(app, &source, &name, err);
	if (code == MUN_OK)
		code = read_list(app, &source, name, r, ret, err);
	if (code == MUN_OK && !ret->empty)
		code = mun_reason_get(app, &reason, err);
	if (code != MUN_OK || ret->empty)
		return code;
	code = plan_entry(app, r, op, reason, &source, &e, labels, err);
	if (code == MUN_OK)
		code = find_plan(app, j, &e, ret, err);
	fill_sample(ret, r->runs);
	if (code == MUN_OK && !ret->existed) {
		e.u.plan.plan = ret->plan.plan;
		code = store(app, j, &e, &source, name, r->runs, err);
		if (code == MUN_OK)
			code = mun_journal_plan(j, &e.u.plan.plan, &ret->plan, err);
	}
	free_labels(labels, app->args.label_len);
	return code;
}

enum mun_code mun_planning_store(struct mun_app *app, struct mun_journal *j, enum mun_op_kind op,
                                 struct mun_planned *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_runset_freep) struct mun_runset *runs = NULL;
	MUN_CLEANUP(mun_sha256_freep) struct mun_sha256 *list = NULL;
	MUN_CLEANUP(mun_sha256_freep) struct mun_sha256 *overrides = NULL;
	struct reading r = { 0 };
	enum mun_code code = mun_runset_new(&runs, err);

	*ret = (struct mun_planned){ 0 };
	if (code == MUN_OK)
		code = mun_sha256_new(&list, err);
	if (code == MUN_OK)
		code = mun_sha256_new(&overrides, err);
	if (code != MUN_OK)
		return code;
	r.runs = runs;
	r.list = list;
	r.overrides = overrides;
	r.target = &ret->target;
	mun_buf_init(&r.named, 4096);
	code = plan_list(app, j, op, &r, ret, err);
	mun_buf_done(&r.named);
	return code;
}

enum mun_code mun_plan_base(struct mun_journal *j, const struct mun_plan *plan,
                            struct mun_base_url *ret, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_entry e;
	enum mun_code code;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	code = mun_journal_entry(j, plan->seq, &line, err);
	if (code == MUN_OK)
		code = mun_entry_decode(&e, &owner, line.data, line.len, err);
	if (code == MUN_OK)
		code = mun_base_url_parse(ret, e.u.plan.base_url, err);
	return code;
}
