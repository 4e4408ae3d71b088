/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/consent.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cmd/prompt.h"

#define YES_MAX 25

static void show_ids(struct mun_app *app, const struct mun_planned *p)
{
	char id[MUN_ID_TEXT];

	for (size_t i = 0; i < p->shown; i++) {
		mun_id_format(id, &p->first[i]);
		mun_say(app, "  %s%s\n", id, i == 0 ? "  first" : "");
	}
	for (size_t i = 0; p->plan.items > 3 && i < p->shown; i++) {
		mun_id_format(id, &p->last[i]);
		mun_say(app, "  %s%s\n", id, i + 1 == p->shown ? "  last" : "");
	}
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
	enum mun_code code;

	if (a->confirm != NULL)
		code = mun_fail(err, MUN_E_USAGE, "--confirm %s does not fit: the plan is %s",
		                a->confirm, plan);
	else if (a->yes)
		code = mun_fail(err, MUN_E_USAGE,
		                "--yes is good for %d items, the plan has %u; "
		                "nothing was sent",
		                YES_MAX, k->plan->items);
	else
		code = mun_fail(err, MUN_E_USAGE,
		                "not confirmed; nothing was sent, plan %s stays stored", plan);
	mun_hint(err, "muniment run %s", plan);
	return code;
}

static enum mun_code done_before(const struct mun_asking *k, const struct mun_id *run,
                                 bool *ret_done, struct mun_ref *ret_batch, struct mun_err *err)
{
	struct mun_place places[16];
	size_t len;
	uint64_t newest = 0;
	enum mun_code code = mun_journal_by_run(k->j, &k->plan->org, run, places,
	                                        MUN_ARRAY_LEN(places), &len, err);

	for (size_t i = 0; code == MUN_OK && i < len; i++) {
		struct mun_batch batch;
		struct mun_item item;

		if (!places[i].has_batch)
			continue;
		code = mun_journal_batch(k->j, &places[i].batch, &batch, err);
		if (code == MUN_OK)
			code = mun_journal_item(k->j, &places[i].batch, places[i].item, &item, err);
		if (code != MUN_OK || (item.state != MUN_I_DONE && item.state != MUN_I_ALREADY) ||
		    item.last_seq < newest)
			continue;
		newest = item.last_seq;
		*ret_done = batch.op == k->plan->op;
		*ret_batch = places[i].batch;
	}
	return code;
}

/* How many of the runs this journal holds as done already, and by which batch the newest. */
static enum mun_code say_known(const struct mun_asking *k, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	char id[MUN_REF_TEXT] = "";
	uint32_t known = 0;
	enum mun_code code = MUN_OK;

	mun_buf_init(&text, 4096);
	for (uint32_t i = 0; code == MUN_OK && i < k->plan->items; i++) {
		struct mun_list_row row;
		struct mun_ref batch;
		bool done = false;

		mun_buf_clear(&text);
		code = mun_journal_list_row(k->j, &k->plan->plan, i, &row, &text, err);
		if (code == MUN_OK)
			code = done_before(k, &row.run, &done, &batch, err);
		known += done;
		if (done)
			mun_ref_format(id, 'b', &batch);
	}
	if (code == MUN_OK && known > 0)
		mun_say(k->app, "%u of them are done already, says this journal (batch %s)\n",
		        known, id);
	return code;
}

static enum mun_code ask(const struct mun_asking *k, const char *plan, struct mun_err *err)
{
	const struct mun_op *op = &mun_ops[k->plan->op];
	uint32_t items = k->plan->items;
	char text[700], answer[64], want[24], org[MUN_ID_TEXT];
	enum mun_code code;

	mun_id_format(org, &k->plan->org);
	show_ids(k->app, k->planned);
	code = say_known(k, err);
	if (code != MUN_OK)
		return code;
	if (op->loses[0] != '\0')
		mun_say(k->app, "%s\n", op->loses);
	(void)snprintf(want, sizeof(want), items > YES_MAX ? "%u" : "y", items);
	(void)snprintf(text, sizeof(text),
	               "%c%s %u runs in %s (%.4s...%s) at %s as user %s%s%s%s? %s ",
	               op->name[0] - 'a' + 'A', op->name + 1, items,
	               k->who->org_name[0] != '\0' ? k->who->org_name : "organization", org,
	               org + 28, k->base->host, k->who->has_me ? k->who->me_id : "unknown",
	               k->who->role[0] != '\0' ? " (" : "", k->who->role,
	               k->who->role[0] != '\0' ? ")" : "",
	               items > YES_MAX ? "Type the number of runs:" : "[y/N]");
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
