/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/bundle_make.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/bundle_dir.h"
#include "journal/bundle_files.h"
#include "journal/bundle_text.h"
#include "journal/select.h"

#define TELL_EVERY 2048 /* entries */

struct making {
	struct mun_journal *j;
	const struct mun_bundle_order *order;
	struct mun_bundle_made *ret;
	struct mun_source *base, *source; /* the journal's entries; those of the bundle */
	struct mun_bundle *whole, *bundle;
	struct mun_selection selection;
	struct mun_bundle_dir *dir;
	struct mun_bundle_shipped shipped;
	struct mun_checkpoint checkpoint;
	struct mun_bundle_facts facts;
	const char *phase;
	uint64_t lines;
};

static void making_done(struct making *m)
{
	mun_bundle_freep(&m->bundle);
	mun_bundle_freep(&m->whole);
	if (m->source != m->base)
		mun_source_closep(&m->source);
	mun_source_closep(&m->base);
	mun_selection_done(&m->selection);
	mun_bundle_shipped_done(&m->shipped);
	mun_bundle_dir_freep(&m->dir);
}

static void tell(struct making *m, const char *what, uint64_t done, uint64_t all)
{
	const struct mun_bundle_progress p = { what, done, all };

	if (m->order->progress)
		m->order->progress(m->order->progress_arg, &p);
}

static enum mun_code count_line(void *arg, const void *data, size_t len, struct mun_err *err)
{
	struct making *m = arg;

	(void)data;
	(void)len;
	(void)err;
	if (++m->lines % TELL_EVERY == 0)
		tell(m, m->phase, m->lines, m->order->size);
	return MUN_OK;
}

/* entries.jsonl; of one line the leaf hash is shown to the reader. */
static enum mun_code write_line(void *arg, const void *data, size_t len, struct mun_err *err)
{
	struct making *m = arg;

	if (m->facts.sample_line < MUN_BUNDLE_SAMPLE_LINE) {
		m->facts.sample_line++;
		mun_tree_leaf(m->facts.sample_leaf, data, len - 1);
	}
	enum mun_code code = count_line(m, data, len, err);
	return code == MUN_OK ? mun_bundle_dir_write(m->dir, data, len, err) : code;
}

static struct mun_bundle_options options_of(const struct making *m)
{
	return (struct mun_bundle_options){ .scratch_dir = m->order->scratch_dir,
		                            .bodies = m->order->bodies,
		                            .filter = m->order->filter_text,
		                            .left_out = m->order->left_out };
}

/* With a filter everything is read once before, to know what it selects. */
static enum mun_code select_entries(struct making *m, struct mun_err *err)
{
	struct mun_bundle_options o = options_of(m);

	m->source = m->base;
	if (!m->order->filter)
		return MUN_OK;
	o.bodies = false;
	o.entries = count_line;
	o.entries_arg = m;
	m->phase = "selecting entries";
	enum mun_code code = mun_bundle_read(&m->whole, m->base, &o, err);
	if (code == MUN_OK)
		code = mun_select(&m->selection, m->base, mun_bundle_fold(m->whole),
		                  m->order->filter, err);
	if (code == MUN_OK)
		code = mun_bundle_ship(&m->shipped, m->base, m->whole, err);
	if (code != MUN_OK)
		return code;
	const struct mun_part part = { .source = m->base,
		                       .selection = &m->selection,
		                       .bodies = m->order->bodies,
		                       .checkpoints = m->shipped.sizes,
		                       .checkpoints_len = m->shipped.len,
		                       .j = m->j };
	m->ret->attempts = m->selection.attempts;
	m->lines = 0;
	mun_bundle_freep(&m->whole);
	return mun_source_part(&m->source, &part, err);
}

static enum mun_code write_entries(struct making *m, struct mun_err *err)
{
	struct mun_bundle_options o = options_of(m);

	o.entries = write_line;
	o.entries_arg = m;
	m->phase = "writing entries";
	enum mun_code code = mun_bundle_dir_begin(m->dir, "entries.jsonl", err);
	if (code == MUN_OK)
		code = mun_bundle_read(&m->bundle, m->source, &o, err);
	if (code == MUN_OK)
		code = mun_bundle_dir_end(m->dir, err);
	if (code == MUN_OK && !m->order->filter)
		code = mun_bundle_ship(&m->shipped, m->base, m->bundle, err);
	m->ret->entries = code == MUN_OK ? mun_bundle_entries(m->bundle) : 0;
	return code;
}

typedef enum mun_code (*writer_fn)(struct mun_bundle *b, mun_write_fn write, void *arg,
                                   struct mun_err *err);

static enum mun_code write_one(struct making *m, const char *name, writer_fn write,
                               struct mun_err *err)
{
	tell(m, name, 0, 0);
	enum mun_code code = mun_bundle_dir_begin(m->dir, name, err);
	if (code == MUN_OK)
		code = write(m->bundle, mun_bundle_dir_write, m->dir, err);
	return code == MUN_OK ? mun_bundle_dir_end(m->dir, err) : code;
}

static enum mun_code write_tables(struct making *m, struct mun_err *err)
{
	enum mun_code code = write_one(m, "history.csv", mun_bundle_history_csv, err);

	if (code == MUN_OK)
		code = write_one(m, "history.jsonl", mun_bundle_history_jsonl, err);
	return code == MUN_OK ? write_one(m, "items.csv", mun_bundle_items_csv, err) : code;
}

static enum mun_code write_texts(struct making *m, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_bundle_facts *f = &m->facts;

	mun_buf_init(&text, (size_t)1 << 20);
	f->size = m->order->size;
	f->entries = m->ret->entries;
	f->filtered = m->order->filter != NULL;
	f->bodies = m->order->bodies;
	mun_bundle_readme(&text, f);
	enum mun_code code = mun_buf_check(&text, "README.txt", err);
	if (code == MUN_OK)
		code = mun_bundle_dir_put(m->dir, "README.txt", text.data, text.len, err);
	if (code != MUN_OK)
		return code;
	return mun_bundle_dir_put(m->dir, "verify.py", mun_verify_py, mun_verify_py_len, err);
}

/* What was written so far, checked as whoever receives it would. */
struct checking {
	const char *path;
	struct mun_verdict_report report;
	enum mun_code code;
	struct mun_err err;
};

static void *check_written(void *arg)
{
	MUN_CLEANUP(mun_source_closep) struct mun_source *written = NULL;
	struct checking *c = arg;

	c->code = mun_source_bundle(&written, c->path, &c->err);
	if (c->code == MUN_OK)
		c->code = mun_verify_source(written, NULL, &c->report, &c->err);
	return NULL;
}

/* The tables need nothing of the check, nor the check of them: they go side by side. */
static enum mun_code write_and_check(struct making *m, struct checking *c, struct mun_err *err)
{
	pthread_t thread;
	bool beside = pthread_create(&thread, NULL, check_written, c) == 0;
	enum mun_code code = write_tables(m, err);

	tell(m, "checking the bundle", 0, 0);
	if (beside)
		(void)pthread_join(thread, NULL);
	else
		(void)check_written(c);
	if (code != MUN_OK || c->code == MUN_OK)
		return code;
	*err = c->err;
	return c->code;
}

static enum mun_code write_summary(struct making *m, const struct mun_verdict_report *report,
                                   struct mun_err *err)
{
	m->ret->result = report->result;
	m->ret->first_bad = report->first_bad;
	enum mun_code code = mun_bundle_dir_begin(m->dir, "summary.json", err);
	if (code == MUN_OK)
		code = mun_bundle_summary(m->bundle, report, mun_bundle_dir_write, m->dir, err);
	return code == MUN_OK ? mun_bundle_dir_end(m->dir, err) : code;
}

static enum mun_code write_derived(struct making *m, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) struct checking *c = calloc(1, sizeof(*c));

	if (!c)
		return mun_fail(err, MUN_E_NOMEM, "no memory to check a bundle");
	c->path = mun_bundle_dir_path(m->dir);
	enum mun_code code = write_and_check(m, c, err);
	if (code == MUN_OK)
		code = write_summary(m, &c->report, err);
	mun_verdict_report_done(&c->report);
	return code;
}

static enum mun_code write_files(struct making *m, struct mun_err *err)
{
	enum mun_code code = write_entries(m, err);

	if (code == MUN_OK && m->order->filter)
		code = mun_bundle_write_withheld(m->dir, m->source, err);
	if (code == MUN_OK)
		code = mun_bundle_write_checkpoints(m->dir, m->base, &m->shipped, &m->checkpoint,
		                                    &m->facts, err);
	if (code == MUN_OK)
		code = mun_bundle_write_key(m->dir, mun_bundle_vkey(m->bundle), &m->facts, err);
	if (code == MUN_OK)
		code = mun_bundle_write_plans(m->dir, m->source, mun_bundle_fold(m->bundle), err);
	if (code == MUN_OK && m->order->bodies)
		code = write_one(m, "bodies.jsonl", mun_bundle_bodies, err);
	if (code == MUN_OK)
		code = write_texts(m, err);
	return code == MUN_OK ? write_derived(m, err) : code;
}

enum mun_code mun_bundle_make(struct mun_journal *j, const struct mun_bundle_order *order,
                              struct mun_bundle_made *ret, struct mun_err *err)
{
	struct making m MUN_CLEANUP(making_done) = { .j = j, .order = order, .ret = ret };

	memset(ret, 0, sizeof(*ret));
	enum mun_code code = mun_source_journal(&m.base, j, order->size, err);
	if (code == MUN_OK)
		code = mun_bundle_dir_new(&m.dir, order->out, order->tar, err);
	if (code == MUN_OK)
		code = select_entries(&m, err);
	if (code == MUN_OK)
		code = write_files(&m, err);
	if (code != MUN_OK)
		return code;
	memcpy(ret->root, m.checkpoint.root, sizeof(ret->root));
	tell(&m, "syncing", 0, 0);
	return mun_bundle_dir_finish(m.dir, mun_bundle_last_us(m.bundle), ret->sums, err);
}
