/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/app.h"
#include "cmd/holder.h"
#include "cmd/next.h"
#include "cmd/plan_id.h"
#include "cmd/runlist.h"
#include "cmd/why.h"
#include "journal/holder.h"
#include "journal/mark.h"
#include "lib/canon.h"
#include "lib/manifest.h"

#define PATH_ROOM 4352 /* a journal's path, and a suffix */

struct adopting {
	struct mun_app *app;
	struct mun_journal *old, *next;
	struct mun_journal_id id; /* of old */
	struct mun_head head;
	struct mun_mark_state mark;
	char aside[PATH_ROOM], fresh[PATH_ROOM]; /* where old goes, where next is made */
	struct mun_buf plans;                    /* struct mun_ref each */
};

static void adopting_done(struct adopting *a)
{
	mun_journal_closep(&a->old);
	mun_journal_closep(&a->next);
	mun_buf_done(&a->plans);
}

static enum mun_code open_journal(struct adopting *a, const char *dir, enum mun_journal_mode mode,
                                  const struct mun_previous *previous, struct mun_journal **ret,
                                  struct mun_err *err)
{
	struct mun_app *app = a->app;
	struct mun_journal_options o = { .dir = dir,
		                         .mode = mode,
		                         .clock = app->clock,
		                         .version = app->version,
		                         .exe_sha256 = app->exe_sha256[0] ? app->exe_sha256 : NULL,
		                         .state_dir = app->state_dir[0] ? app->state_dir : NULL,
		                         .previous = previous };

	return mun_journal_open(ret, &o, err);
}

/* ---- what is still open there ---- */

static bool is_open(const struct mun_item *st)
{
	return st->state == MUN_I_PENDING || st->state == MUN_I_IN_FLIGHT ||
	       st->state == MUN_I_IN_DOUBT;
}

/* One row as a manifest has it: id, own reason and ticket, the other columns. */
static enum mun_code add_row(struct adopting *a, const struct mun_ref *plan, uint32_t item,
                             struct mun_buf *out, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text, columns;
	struct mun_list_row row;
	struct mun_canon c;
	char id[MUN_ID_TEXT];
	enum mun_code code;

	mun_buf_init(&text, 65536);
	mun_buf_init(&columns, MUN_COLUMNS_MAX + 1);
	code = mun_journal_list_row(a->old, plan, item, &row, &text, err);
	if (code == MUN_OK)
		code = mun_journal_columns(a->old, plan, item, &columns, err);
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	mun_id_format(id, &row.run);
	mun_canon_init(&c, out);
	mun_canon_loose(&c);
	mun_canon_object(&c, NULL);
	mun_canon_str(&c, "id", id);
	if (row.reason != NULL)
		mun_canon_str(&c, "reason", row.reason);
	if (row.ticket != NULL)
		mun_canon_str(&c, "ticket", row.ticket);
	mun_canon_end(&c);
	if (columns.len > 2) { /* both are objects: the second goes on in the first */
		out->len--;
		mun_buf_putc(out, ',');
		mun_buf_add(out, columns.data + 1, columns.len - 1);
	}
	mun_buf_putc(out, '\n');
	return mun_buf_check(out, "the open items", err);
}

/* Without a batch it is a plan that was adopted and never run: all its items. */
static enum mun_code collect_items(struct adopting *a, const struct mun_ref *plan, uint32_t items,
                                   const struct mun_ref *batch, struct mun_buf *out,
                                   struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (uint32_t item = 0; code == MUN_OK && item < items; item++) {
		struct mun_item st = { .state = MUN_I_PENDING };

		if (batch != NULL)
			code = mun_journal_item(a->old, batch, item, &st, err);
		if (code == MUN_OK && is_open(&st))
			code = add_row(a, plan, item, out, err);
	}
	return code;
}

/* ---- a plan of them in the new journal ---- */

static enum mun_code old_plan(struct adopting *a, const struct mun_ref *ref, struct mun_buf *line,
                              struct mun_entry *ret, struct mun_decoded **ret_owner,
                              struct mun_err *err)
{
	struct mun_plan plan;
	enum mun_code code = mun_journal_plan(a->old, ref, &plan, err);

	if (code == MUN_OK)
		code = mun_journal_entry(a->old, plan.seq, line, err);
	return code == MUN_OK ? mun_entry_decode(ret, ret_owner, line->data, line->len, err) : code;
}

/* As it was planned there, by whoever adopts it, of the items that are left. */
static enum mun_code store_plan(struct adopting *a, const struct mun_ref *plan,
                                const struct mun_ref *batch, struct mun_runlist *l,
                                struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	MUN_BUF_CLEANUP struct mun_buf line;
	struct mun_entry e;
	struct mun_group g = { .entries = &e, .len = 1 };
	enum mun_code code;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	code = old_plan(a, plan, &line, &e, &owner, err);
	if (code != MUN_OK)
		return code;
	mun_runlist_describe(l, &e);
	e.u.plan.has_adopted = true;
	if (batch != NULL)
		e.u.plan.adopted = *batch;
	mun_operator_of(&e.u.plan.operator_, a->app);
	code = mun_plan_id(&e.u.plan.plan, &e, 0, err);
	if (code == MUN_OK)
		code = mun_runlist_store(l, a->next, &e.u.plan.plan, err);
	if (code == MUN_OK)
		code = mun_journal_append(a->next, &g, err);
	mun_buf_add(&a->plans, &e.u.plan.plan, sizeof(e.u.plan.plan));
	return code == MUN_OK ? mun_buf_check(&a->plans, "the plans", err) : code;
}

static enum mun_code adopt_items(struct adopting *a, const struct mun_ref *plan, uint32_t items,
                                 const struct mun_id *org, const struct mun_ref *batch,
                                 struct mun_err *err)
{
	MUN_CLEANUP(mun_runlist_done) struct mun_runlist l;
	enum mun_code code = mun_runlist_init(&l, err);

	if (code == MUN_OK)
		code = collect_items(a, plan, items, batch, &l.source, err);
	if (code != MUN_OK || l.source.len == 0)
		return code;
	l.has_org = true;
	l.org = *org;
	code = mun_runlist_read_text(&l, a->app, "open items", err);
	return code == MUN_OK ? store_plan(a, plan, batch, &l, err) : code;
}

static enum mun_code adopt_batch(void *arg, const struct mun_batch *b, struct mun_err *err)
{
	return mun_batch_is_open(b->state)
	               ? adopt_items(arg, &b->plan, b->items, &b->org, &b->batch, err)
	               : MUN_OK;
}

/* What was adopted before and has not been asked about is in doubt still, also when the plan was
 * discarded. */
static enum mun_code adopt_plan(void *arg, const struct mun_plan *p, struct mun_err *err)
{
	return p->adopted && p->state != MUN_PLAN_CONSUMED
	               ? adopt_items(arg, &p->plan, p->items, &p->org, NULL, err)
	               : MUN_OK;
}

/* ---- one in the place of the other ---- */

static enum mun_code nobody_works(void *arg, const struct mun_batch *b, struct mun_err *err)
{
	struct adopting *a = arg;
	char id[MUN_REF_TEXT];

	if (!mun_journal_runner_lives(a->old, &b->batch))
		return MUN_OK;
	mun_ref_format(id, 'b', &b->batch);
	return mun_fail(err, MUN_E_BUSY, "batch %s is being worked on", id);
}

static enum mun_code make_next(struct adopting *a, struct mun_err *err)
{
	struct mun_previous previous = { .origin = a->id.origin,
		                         .reason = a->app->args.reason,
		                         .size = a->head.size,
		                         .mark = a->mark.mark.size };
	enum mun_code code;

	memcpy(previous.root, a->head.root, sizeof(previous.root));
	code = open_journal(a, a->fresh, MUN_JOURNAL_CREATE, &previous, &a->next, err);
	if (code == MUN_OK && !mun_journal_created(a->next))
		code = mun_fail(err, MUN_E_JOURNAL, "%s exists already", a->fresh);
	if (code == MUN_OK)
		code = mun_journal_batches(a->old, false, adopt_batch, a, err);
	return code == MUN_OK ? mun_journal_plans(a->old, false, adopt_plan, a, err) : code;
}

/* The two change places in one step where the file system can; then the old one gets its name.
 * *ret_moved: the former one is no longer where it was. */
static enum mun_code exchange(struct adopting *a, bool *ret_moved, struct mun_err *err)
{
	const char *dir = a->app->journal_dir;

	*ret_moved = renameat2(AT_FDCWD, a->fresh, AT_FDCWD, dir, RENAME_EXCHANGE) == 0;
	if (*ret_moved) {
		if (rename(a->fresh, a->aside) != 0)
			return mun_fail_errno(err, MUN_E_JOURNAL, errno,
			                      "the former journal stands at %s", a->fresh);
		return MUN_OK;
	}
	if (errno != EINVAL && errno != ENOSYS)
		return mun_fail_errno(err, MUN_E_JOURNAL, errno, "cannot rename %s", dir);
	*ret_moved = rename(dir, a->aside) == 0;
	if (!*ret_moved || rename(a->fresh, dir) != 0)
		return mun_fail_errno(err, MUN_E_JOURNAL, errno, "cannot rename %s to %s", a->fresh,
		                      dir);
	return MUN_OK;
}

static void put_alarm(struct adopting *a, const char *what)
{
	struct mun_err why;

	if (mun_mark_alarm(a->old, what, &why) != MUN_OK)
		mun_say(a->app, "muniment: warning: its mark cannot be written: %s", why.text);
}

/* Before anything can be sent from the next one, nothing is written to the former one any more,
 * wherever a copy of it turns up: also where this process is killed in between. */
static enum mun_code replace(struct adopting *a, struct mun_err *err)
{
	struct mun_journal_id id;
	char what[200];
	bool moved;
	enum mun_code code = mun_journal_identity(a->next, &id, err);

	if (code != MUN_OK)
		return code;
	(void)snprintf(what, sizeof(what), "the journal %.150s follows it", id.origin);
	put_alarm(a, what);
	code = exchange(a, &moved, err);
	if (!moved)
		put_alarm(a, a->mark.mark.alarm);
	return code;
}

/* "DIR/../journal-<first 8 of the id>" */
static enum mun_code choose_names(struct adopting *a, struct mun_err *err)
{
	char dir[4096];
	struct stat st;
	char *slash;

	(void)snprintf(dir, sizeof(dir), "%s", a->app->journal_dir);
	while (strlen(dir) > 1 && dir[strlen(dir) - 1] == '/')
		dir[strlen(dir) - 1] = '\0';
	(void)snprintf(a->app->journal_dir, sizeof(a->app->journal_dir), "%s", dir);
	slash = strrchr(dir, '/');
	if (slash != NULL)
		slash[1] = '\0';
	else
		dir[0] = '\0';
	(void)snprintf(a->aside, sizeof(a->aside), "%sjournal-%.8s", dir, a->id.id);
	(void)snprintf(a->fresh, sizeof(a->fresh), "%s.journal-adopting-%ld", dir, (long)getpid());
	if (lstat(a->aside, &st) != 0)
		return MUN_OK;
	(void)mun_fail(err, MUN_E_USAGE, "%s exists: it was adopted before", a->aside);
	mun_hint(err, "move that one away first");
	return MUN_E_USAGE;
}

static void say_result(struct adopting *a)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	size_t len = a->plans.len / sizeof(struct mun_ref);

	mun_buf_init(&text, 65536);
	mun_buf_printf(&text, "the former journal is %s (%llu entries)\n", a->aside,
	               (unsigned long long)a->head.size);
	mun_buf_printf(&text, "a new one is at %s; ", a->app->journal_dir);
	if (len == 0)
		mun_buf_puts(&text, "nothing was open\n");
	else
		mun_buf_puts(&text, "open items are planned there, each is asked about first:\n");
	for (size_t i = 0; i < len && i < 20; i++) {
		char id[MUN_REF_TEXT];
		struct mun_ref ref;

		memcpy(&ref, a->plans.data + i * sizeof(ref), sizeof(ref));
		mun_ref_format(id, 'p', &ref);
		mun_buf_puts(&text, "  ");
		mun_next_verb(&text, a->app, "run", id);
		mun_buf_putc(&text, '\n');
	}
	mun_say(a->app, "%s", mun_buf_str(&text));
}

static enum mun_code look(struct adopting *a, struct mun_err *err)
{
	enum mun_code code =
		open_journal(a, a->app->journal_dir, MUN_JOURNAL_READ, NULL, &a->old, err);

	if (code == MUN_OK)
		code = mun_journal_identity(a->old, &a->id, err);
	if (code == MUN_OK)
		code = mun_journal_head(a->old, &a->head, err);
	if (code == MUN_OK)
		code = mun_mark_compare(a->old, &a->mark, err);
	if (code == MUN_OK)
		code = mun_journal_batches(a->old, false, nobody_works, a, err);
	return code == MUN_OK ? choose_names(a, err) : code;
}

enum mun_code mun_adopt(struct mun_app *app, struct mun_err *err)
{
	MUN_CLEANUP(adopting_done) struct adopting a = { .app = app };
	enum mun_code code = mun_reason_get(app, &app->args.reason, err);

	mun_buf_init(&a.plans, 1 << 20);
	if (code == MUN_OK && app->journal_dir[0] == '\0')
		code = mun_fail(err, MUN_E_JOURNAL, "no place for the journal: HOME is not set");
	mun_app_executable(app);
	if (code == MUN_OK)
		code = look(&a, err);
	if (code == MUN_OK)
		code = make_next(&a, err);
	if (code == MUN_OK)
		code = replace(&a, err);
	if (code != MUN_OK)
		return code;
	mun_journal_closep(&a.next);
	code = open_journal(&a, app->journal_dir, MUN_JOURNAL_WRITE, NULL, &a.next, err);
	if (code == MUN_OK)
		say_result(&a);
	return code;
}
