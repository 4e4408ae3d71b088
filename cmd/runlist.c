/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/runlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/opt.h"
#include "cmd/signal.h"
#include "lib/file.h"
#include "lib/text.h"

#define CHUNK     16384                            /* rows of one transaction */
#define TEXTS_MAX ((size_t)4 * 1024 * 1024)        /* bytes of their reasons, tickets and columns */
#define ROOM_ROW  ((size_t)MUN_COLUMNS_MAX + 4096) /* of one row */
#define NAMED     100000                           /* lines of duplicates that are named */

enum mun_code mun_runlist_init(struct mun_runlist *l, struct mun_err *err)
{
	*l = (struct mun_runlist){ .has_org = false };
	mun_buf_init(&l->source, MUN_MANIFEST_MAX);
	mun_buf_init(&l->report.faults, 4 << 20);
	return mun_runset_new(&l->runs, err);
}

void mun_runlist_done(struct mun_runlist *l)
{
	mun_buf_done(&l->source);
	mun_buf_done(&l->report.faults);
	mun_runset_freep(&l->runs);
}

/* ---- the bytes ---- */

static bool interrupted(void)
{
	return mun_signal_count() > 0;
}

static enum mun_code get_source(struct mun_runlist *l, struct mun_app *app, struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	MUN_CLEANUP(mun_closep) int fd = -1;
	bool terminal = false;
	enum mun_code code;

	if ((a->from == NULL) == (a->args_len == 0))
		return mun_fail(err, MUN_E_USAGE, "%s needs RUN... or --from FILE, not both",
		                app->cmd->name);
	if (a->from == NULL) {
		for (size_t i = 0; i < a->args_len; i++)
			mun_buf_printf(&l->source, "%s\n", a->args[i]);
		return mun_buf_check(&l->source, "the list of runs", err);
	}
	code = mun_manifest_open(&fd, &terminal, a->from, err);
	if (code == MUN_OK && terminal)
		mun_say(app, "reading ids, end with Ctrl-D");
	if (code == MUN_OK)
		code = mun_manifest_read(&l->source, fd, l->options.source, interrupted, err);
	return code == MUN_OK ? code : mun_wrap(err, code, "--from");
}

static enum mun_code set_options(struct mun_runlist *l, const struct mun_args *a,
                                 struct mun_err *err)
{
	struct mun_manifest_options *o = &l->options;

	o->id_column = a->id_column;
	o->source = a->from;
	if (a->from == NULL) {
		o->source = "arguments";
		o->arguments = true;
		o->format = MUN_FORMAT_IDS;
	} else if (strcmp(a->from, "-") == 0) {
		o->source = "standard input";
	}
	if (a->from != NULL && a->format != NULL && !mun_format_parse(&o->format, a->format))
		return mun_fail(err, MUN_E_USAGE, "--format %s: auto, ids, csv, jsonl or json",
		                a->format);
	return MUN_OK;
}

static enum mun_code parse(struct mun_runlist *l, mun_row_fn fn, void *arg, struct mun_err *err)
{
	return mun_manifest_parse(mun_buf_str(&l->source), l->source.len, &l->options, fn, arg,
	                          &l->report, err);
}

/* ---- first: every row is checked ---- */

struct checking {
	struct mun_runlist *l;
	struct mun_sha256 *list, *overrides;
	struct mun_buf named; /* line numbers of duplicates, the first of them */
};

static void checking_done(struct checking *c)
{
	mun_sha256_freep(&c->list);
	mun_sha256_freep(&c->overrides);
	mun_buf_done(&c->named);
}

static enum mun_code check_org(struct mun_runlist *l, const struct mun_row *row,
                               struct mun_err *err)
{
	char theirs[MUN_ID_TEXT], ours[MUN_ID_TEXT];

	if (!row->has_org)
		return MUN_OK;
	if (!l->has_org) {
		l->org = row->org;
		l->has_org = true;
	}
	if (mun_id_equal(&row->org, &l->org))
		return MUN_OK;
	mun_id_format(theirs, &row->org);
	mun_id_format(ours, &l->org);
	return mun_fail(err, MUN_E_INPUT, "the URL is of organization %s, not of %s", theirs, ours);
}

/* "id TAB reason TAB ticket" of the rows that have their own. */
static void hash_override(struct checking *c, const char *id, const struct mun_row *row)
{
	if (row->reason == NULL && row->ticket == NULL)
		return;
	c->l->any_override = true;
	mun_sha256_add(c->overrides, id, MUN_ID_TEXT - 1);
	mun_sha256_add(c->overrides, "\t", 1);
	if (row->reason != NULL)
		mun_sha256_add(c->overrides, row->reason, strlen(row->reason));
	mun_sha256_add(c->overrides, "\t", 1);
	if (row->ticket != NULL)
		mun_sha256_add(c->overrides, row->ticket, strlen(row->ticket));
	mun_sha256_add(c->overrides, "\n", 1);
}

static enum mun_code check_row(void *arg, const struct mun_row *row, struct mun_err *err)
{
	struct checking *c = arg;
	char id[MUN_ID_TEXT + 1];
	bool added;
	enum mun_code code = check_org(c->l, row, err);

	if (code == MUN_OK)
		code = mun_runset_add(c->l->runs, &row->run, &added, err);
	if (code != MUN_OK)
		return code;
	if (!added) {
		if (c->l->duplicates++ < NAMED)
			mun_buf_printf(&c->named, "%s%u", c->named.len > 0 ? ", " : "", row->line);
		return MUN_OK;
	}
	mun_id_format(id, &row->run);
	hash_override(c, id, row);
	id[MUN_ID_TEXT - 1] = '\n';
	mun_sha256_add(c->list, id, MUN_ID_TEXT);
	return MUN_OK;
}

static void say_duplicates(struct mun_app *app, const struct checking *c)
{
	const struct mun_runlist *l = c->l;
	char more[48] = "";

	if (l->duplicates == 0)
		return;
	if (l->duplicates > NAMED)
		(void)snprintf(more, sizeof(more), " and %llu more",
		               (unsigned long long)(l->duplicates - NAMED));
	mun_say(app, "%llu duplicate%s skipped: %s%s %s%s", (unsigned long long)l->duplicates,
	        l->duplicates == 1 ? "" : "s", l->options.arguments ? "argument" : "line",
	        l->duplicates == 1 ? "" : "s", mun_buf_str(&c->named), more);
}

static void say_what_was_read(struct mun_app *app, const struct checking *c)
{
	const struct mun_manifest_report *r = &c->l->report;
	const struct mun_args *a = &app->args;
	MUN_BUF_CLEANUP struct mun_buf text = { .max = 256 };

	if (a->from != NULL && c->l->options.format == MUN_FORMAT_AUTO && !a->quiet)
		mun_say(app, "reading %s as %s", c->l->options.source, mun_format_name(r->format));
	if (r->bom)
		mun_buf_puts(&text, ", a byte order mark");
	if (r->crlf)
		mun_buf_puts(&text, ", CRLF line ends");
	if (r->no_last_newline && r->rows > 0)
		mun_buf_puts(&text, ", no newline at the end");
	if (text.len > 0 && !a->quiet)
		mun_say(app, "accepted: %s", text.data + 2);
	if (r->folded > 0)
		mun_say(app, "%llu id%s in upper case, folded to lower case",
		        (unsigned long long)r->folded, r->folded == 1 ? "" : "s");
	say_duplicates(app, c);
}

/* The rows themselves do not fit into an error: they are said before it. */
static enum mun_code bad_rows(struct mun_app *app, const struct mun_runlist *l, struct mun_err *err)
{
	const struct mun_manifest_report *r = &l->report;
	unsigned long long more = r->bad > MUN_MANIFEST_FAULTS ? r->bad - MUN_MANIFEST_FAULTS : 0;
	size_t ignored;

	mun_say(app, "%s", mun_buf_str(&r->faults));
	if (more > 0)
		mun_say(app, "and %llu more", more);
	(void)mun_fail(err, MUN_E_INPUT, "%s: %llu of %llu rows %s invalid, nothing was stored",
	               l->options.source, (unsigned long long)r->bad,
	               (unsigned long long)(r->rows + r->bad), r->bad == 1 ? "is" : "are");
	if (mun_text_token(mun_buf_str(&r->faults), r->faults.len, &ignored))
		mun_hint(err, MUN_OPT_REVOKE);
	return MUN_E_INPUT;
}

static enum mun_code check_rows(struct mun_runlist *l, struct mun_app *app, struct mun_err *err)
{
	MUN_CLEANUP(checking_done) struct checking c = { .l = l };
	enum mun_code code = mun_sha256_new(&c.list, err);

	mun_buf_init(&c.named, 2 << 20);
	if (code == MUN_OK)
		code = mun_sha256_new(&c.overrides, err);
	if (code == MUN_OK)
		code = parse(l, check_row, &c, err);
	mun_runset_seal(l->runs);
	if (code == MUN_E_INPUT && l->report.bad > 0)
		return bad_rows(app, l, err);
	if (code != MUN_OK)
		return code;
	mun_sha256_end(c.list, l->list_sha256);
	mun_sha256_end(c.overrides, l->overrides_sha256);
	say_what_was_read(app, &c);
	return MUN_OK;
}

enum mun_code mun_runlist_read(struct mun_runlist *l, struct mun_app *app, struct mun_err *err)
{
	enum mun_code code = set_options(l, &app->args, err);

	if (code == MUN_OK)
		code = get_source(l, app, err);
	return code == MUN_OK ? check_rows(l, app, err) : code;
}

enum mun_code mun_runlist_read_text(struct mun_runlist *l, struct mun_app *app, const char *source,
                                    struct mun_err *err)
{
	l->options.source = source;
	l->options.format = MUN_FORMAT_JSONL;
	l->options.id_column = "id"; /* other columns may have a name that would do */
	return check_rows(l, app, err);
}

void mun_runlist_describe(struct mun_runlist *l, struct mun_entry *e)
{
	e->u.plan.items = (uint32_t)mun_runset_len(l->runs);
	memcpy(e->u.plan.list_sha256, l->list_sha256, MUN_SHA256_LEN);
	e->u.plan.has_overrides = l->any_override;
	memcpy(e->u.plan.overrides_sha256, l->overrides_sha256, MUN_SHA256_LEN);
	e->u.plan.source = (struct mun_body_ref){ .present = true,
		                                  .data = l->source.data,
		                                  .owner = &l->source, /* its memory is wanted */
		                                  .bytes = l->source.len };
	e->u.plan.duplicates = l->duplicates;
}

/* ---- second: they are stored ---- */

struct writing {
	struct mun_journal *j;
	const struct mun_ref *plan;
	struct mun_runlist *l;
	struct mun_plan_row rows[CHUNK];
	size_t offset[CHUNK][3]; /* reason, ticket, columns in texts, plus one; 0 none */
	struct mun_buf texts;
	size_t len;
	uint32_t item; /* of the first row */
};

static void writing_done(struct writing **w)
{
	if (*w == NULL)
		return;
	mun_buf_done(&(*w)->texts);
	free(*w);
	*w = NULL;
}

static enum mun_code flush_rows(struct writing *w, struct mun_err *err)
{
	enum mun_code code = mun_buf_check(&w->texts, "a chunk of the list", err);

	if (code == MUN_OK && interrupted())
		return mun_fail(err, MUN_E_USAGE, "interrupted, the plan is not stored");
	for (size_t i = 0; code == MUN_OK && i < w->len; i++) {
		struct mun_plan_row *row = &w->rows[i];
		const size_t *at = w->offset[i];

		row->reason = at[0] > 0 ? w->texts.data + at[0] - 1 : NULL;
		row->ticket = at[1] > 0 ? w->texts.data + at[1] - 1 : NULL;
		row->columns = at[2] > 0 ? w->texts.data + at[2] - 1 : NULL;
	}
	if (code == MUN_OK && w->len > 0)
		code = mun_journal_plan_rows(w->j, w->plan, w->item, NULL, w->rows, w->len, err);
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
	mun_buf_add(texts, s, len + 1); /* with its NUL */
	return at + 1;
}

static enum mun_code write_row(void *arg, const struct mun_row *row, struct mun_err *err)
{
	struct writing *w = arg;
	size_t *at = w->offset[w->len];

	if (!mun_runset_take(w->l->runs, &row->run))
		return MUN_OK;
	w->rows[w->len] = (struct mun_plan_row){ .run = row->run,
		                                 .line = row->line,
		                                 .columns_len = row->columns_len };
	at[0] = keep(&w->texts, row->reason, row->reason != NULL ? strlen(row->reason) : 0);
	at[1] = keep(&w->texts, row->ticket, row->ticket != NULL ? strlen(row->ticket) : 0);
	at[2] = keep(&w->texts, row->columns, row->columns_len);
	w->len++;
	return w->len == CHUNK || w->texts.len > TEXTS_MAX ? flush_rows(w, err) : MUN_OK;
}

static enum mun_code store_rows(struct mun_runlist *l, struct mun_journal *j,
                                const struct mun_ref *plan, struct mun_err *err)
{
	MUN_CLEANUP(writing_done) struct writing *w = calloc(1, sizeof(*w));
	enum mun_code code;

	if (w == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the list");
	w->j = j;
	w->plan = plan;
	w->l = l;
	mun_buf_init(&w->texts, TEXTS_MAX + ROOM_ROW);
	code = parse(l, write_row, w, err);
	return code == MUN_OK ? flush_rows(w, err) : code;
}

enum mun_code mun_runlist_store(struct mun_runlist *l, struct mun_journal *j,
                                const struct mun_ref *plan, struct mun_err *err)
{
	enum mun_code code = store_rows(l, j, plan, err);

	if (code == MUN_OK)
		code = mun_journal_plan_index(j, plan, &l->org, mun_runset_at(l->runs, 0),
		                              mun_runset_len(l->runs), err);
	mun_runset_freep(&l->runs);
	return code;
}
