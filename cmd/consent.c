/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/consent.h"

#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cmd/next.h"
#include "cmd/plan_view.h"
#include "cmd/prompt.h"
#include "journal/lookup.h"
#include "lib/text.h"

#define YES_MAX        25
#define BATCHES_SHOWN  3
#define NAME_MAX_SHOWN 4096

/* Text of the server or the manifest, as it may stand on a terminal. */
static const char *visible(struct mun_buf *ret, const char *text)
{
	mun_buf_clear(ret);
	mun_text_visible(ret, text, strlen(text), strcmp(nl_langinfo(CODESET), "UTF-8") != 0);
	return mun_buf_str(ret);
}

static void show_id(const struct mun_asking *k, struct mun_lookup *names, const struct mun_id *run,
                    uint32_t item, const char *place)
{
	MUN_BUF_CLEANUP struct mun_buf shown;
	struct mun_err ignored;
	const char *name = NULL;
	char id[MUN_ID_TEXT];

	mun_buf_init(&shown, NAME_MAX_SHOWN);
	mun_id_format(id, run);
	if (mun_lookup_name(names, &k->plan->org, run, &k->plan->plan, item, &name, &ignored) !=
	    MUN_OK)
		name = NULL;
	mun_say(k->app, "  %s%s%s%s%s\n", id, name ? "  " : "", name ? visible(&shown, name) : "",
	        place[0] ? "  " : "", place);
}

/* The first and the last three, with the names that are known here. */
static void show_ids(const struct mun_asking *k)
{
	const struct mun_planned *p = k->planned;
	uint32_t items = k->plan->items;
	struct mun_lookup names;

	mun_lookup_init(&names, k->j);
	for (uint32_t i = 0; i < p->shown; i++)
		show_id(k, &names, &p->first[i], i, i == 0 ? "(first)" : "");
	if (items > 2 * MUN_ARRAY_LEN(p->last))
		mun_say(k->app, "  ...\n");
	for (uint32_t i = 0; i < p->shown; i++) {
		uint32_t item = items - (uint32_t)p->shown + i;

		if (item >= p->shown)
			show_id(k, &names, &p->last[i], item, item + 1 == items ? "(last)" : "");
	}
	mun_lookup_done(&names);
}

static bool consented(const struct mun_args *a, const char *plan, uint32_t items)
{
	if (a->confirm != NULL)
		return strcmp(a->confirm, plan) == 0;
	return a->yes && items <= YES_MAX;
}

static enum mun_code not_consented(const struct mun_asking *k, const char *plan,
                                   struct mun_err *err)
{
	const struct mun_args *a = &k->app->args;
	bool open = k->batch->counts.total > 0;
	MUN_BUF_CLEANUP struct mun_buf next;
	char batch[MUN_REF_TEXT];
	enum mun_code code;

	mun_buf_init(&next, 65536);
	mun_ref_format(batch, 'b', &k->batch->batch);
	if (a->confirm != NULL)
		code = mun_fail(err, MUN_E_USAGE, "--confirm %s does not fit: the plan is %s",
		                a->confirm, plan);
	else if (a->yes)
		code = mun_fail(err, MUN_E_USAGE,
		                "--yes is good for %d items, the plan has %u; "
		                "nothing was sent",
		                YES_MAX, k->plan->items);
	else
		code = mun_fail(err, MUN_E_USAGE, "not confirmed; nothing was sent, %s %s stays %s",
		                open ? "batch" : "plan", open ? batch : plan,
		                open ? "open" : "stored");
	mun_next_verb(&next, k->app, open ? "resume" : "run", open ? batch : plan);
	mun_hint(err, "%s", mun_buf_str(&next));
	return code;
}

struct before { /* the newest batch that reached the goal, or its reverse, for one run */
	const struct mun_asking *k;
	uint64_t newest;
	bool done; /* it was our goal */
	struct mun_ref batch;
};

static enum mun_code look_before(void *arg, const struct mun_place *p, struct mun_err *err)
{
	struct before *b = arg;
	struct mun_batch batch;
	struct mun_item item = { 0 };
	enum mun_code code;

	if (!p->has_batch)
		return MUN_OK;
	code = mun_journal_batch(b->k->j, &p->batch, &batch, err);
	if (code == MUN_OK)
		code = mun_journal_item(b->k->j, &p->batch, p->item, &item, err);
	if (code != MUN_OK || (item.state != MUN_I_DONE && item.state != MUN_I_ALREADY) ||
	    item.last_seq < b->newest)
		return code;
	b->newest = item.last_seq;
	b->done = batch.op == b->k->plan->op;
	b->batch = p->batch;
	return MUN_OK;
}

struct known { /* runs that are done already, by batch */
	struct {
		struct mun_ref batch;
		uint32_t runs;
	} by[BATCHES_SHOWN];
	size_t by_len;
	uint32_t runs;
};

static void count(struct known *n, const struct mun_ref *batch)
{
	size_t i = 0;

	n->runs++;
	while (i < n->by_len && !mun_ref_equal(&n->by[i].batch, batch))
		i++;
	if (i == MUN_ARRAY_LEN(n->by))
		return;
	if (i == n->by_len) {
		n->by[i].batch = *batch;
		n->by[i].runs = 0;
		n->by_len++;
	}
	n->by[i].runs++;
}

static void say_counted(const struct mun_asking *k, const struct known *n)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	uint32_t named = 0;

	mun_buf_init(&text, 1024);
	for (size_t i = 0; i < n->by_len; i++) {
		char id[MUN_REF_TEXT];

		mun_ref_format(id, 'b', &n->by[i].batch);
		mun_buf_printf(&text, "%s%u by %s", i > 0 ? ", " : "", n->by[i].runs, id);
		named += n->by[i].runs;
	}
	mun_say(k->app, "this journal holds %u of them as %s already: %s%s\n", n->runs,
	        mun_verdict_name(mun_ops[k->plan->op].done), mun_buf_str(&text),
	        named < n->runs ? ", the rest by other batches" : "");
}

/* How many of the runs this journal holds as done already, and by which batches. */
static enum mun_code say_known(const struct mun_asking *k, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	struct known n = { .runs = 0 };
	enum mun_code code = MUN_OK;

	mun_buf_init(&text, 4096);
	for (uint32_t i = 0; code == MUN_OK && i < k->plan->items; i++) {
		struct before before = { .k = k };
		struct mun_list_row row;

		mun_buf_clear(&text);
		code = mun_journal_list_row(k->j, &k->plan->plan, i, &row, &text, err);
		if (code == MUN_OK)
			code = mun_journal_each_place(k->j, &k->plan->org, &row.run, look_before,
			                              &before, err);
		if (code == MUN_OK && before.done)
			count(&n, &before.batch);
	}
	if (code == MUN_OK && n.runs > 0)
		say_counted(k, &n);
	return code;
}

/* The batch is open: what a yes goes on with. */
static void say_attached(const struct mun_asking *k)
{
	const struct mun_counts *c = &k->batch->counts;
	char id[MUN_REF_TEXT];

	if (c->total == 0)
		return;
	mun_ref_format(id, 'b', &k->batch->batch);
	mun_say(k->app,
	        "this list is in batch %s, which is open: it goes on with %llu pending and %llu "
	        "in doubt of %llu\n",
	        id, (unsigned long long)c->pending, (unsigned long long)c->in_doubt,
	        (unsigned long long)c->total);
}

static void make_question(const struct mun_asking *k, char *ret, size_t ret_size)
{
	const struct mun_op *op = &mun_ops[k->plan->op];
	MUN_BUF_CLEANUP struct mun_buf name;
	uint32_t items = k->plan->items;
	char org[MUN_ID_TEXT];
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

	mun_buf_init(&name, NAME_MAX_SHOWN);
	mun_id_format(org, &k->plan->org);
	(void)snprintf(ret, ret_size, "%c%s %u run%s in %s (%.4s%s%s) at %s as user %s%s%s%s? %s ",
	               op->name[0] - 'a' + 'A', op->name + 1, items, items == 1 ? "" : "s",
	               k->who->org_name[0] ? visible(&name, k->who->org_name) : "organization", org,
	               utf8 ? "\xe2\x80\xa6" : "...", org + 28, k->base->host,
	               k->who->has_me ? k->who->me_id : "unknown",
	               k->who->role[0] != '\0' ? " (" : "", k->who->role,
	               k->who->role[0] != '\0' ? ")" : "",
	               items > YES_MAX ? "Type the number of runs:" : "[y/N]");
}

static enum mun_code ask(const struct mun_asking *k, const char *plan, struct mun_err *err)
{
	uint32_t items = k->plan->items;
	char text[1200], answer[64], want[24];
	enum mun_code code;

	show_ids(k);
	code = say_known(k, err);
	if (code != MUN_OK)
		return code;
	say_attached(k);
	mun_plan_view_eta(k->app, &k->pace->rate,
	                  k->batch->counts.total > 0 ? k->batch->counts.pending : items);
	mun_say(k->app, "a restore does not undo all: %s\n", MUN_OP_NOT_UNDONE);
	make_question(k, text, sizeof(text));
	(void)snprintf(want, sizeof(want), items > YES_MAX ? "%u" : "y", items);
	code = mun_prompt_line(answer, sizeof(answer), k->app, text, err);
	if (code != MUN_OK || strcasecmp(answer, want) != 0)
		return not_consented(k, plan, err);
	return MUN_OK;
}

enum mun_code mun_consent_offline(const struct mun_asking *k, bool *ret_ask, struct mun_err *err)
{
	const struct mun_args *a = &k->app->args;
	char plan[MUN_REF_TEXT];

	mun_ref_format(plan, 'p', &k->plan->plan);
	*ret_ask = k->planned != NULL && !consented(a, plan, k->plan->items);
	if (*ret_ask && (a->confirm != NULL || a->yes || !mun_prompt_possible(k->app)))
		return not_consented(k, plan, err);
	return MUN_OK;
}

enum mun_code mun_consent_ask(const struct mun_asking *k, struct mun_err *err)
{
	char plan[MUN_REF_TEXT];
	bool open;
	enum mun_code code = mun_consent_offline(k, &open, err);

	mun_ref_format(plan, 'p', &k->plan->plan);
	return code == MUN_OK && open ? ask(k, plan, err) : code;
}
