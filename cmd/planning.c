/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/planning.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/engine/outcome.h"
#include "cmd/plan_id.h"
#include "cmd/prompt.h"
#include "cmd/runlist.h"

#define LABEL_MAX   256 /* bytes of k=v */
#define LABELS_TEXT (MUN_LIST_MAX * (LABEL_MAX + 1))

struct labels {
	struct mun_label at[MUN_LIST_MAX];
	struct mun_buf text;
};

static void labels_done(struct labels *l)
{
	mun_buf_done(&l->text);
}

static enum mun_code get_target(struct mun_app *app, struct mun_target *ret, bool *ret_has_org,
                                struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	enum mun_code code = MUN_OK;
	const char *base = a->base_url != NULL ? a->base_url : getenv("TALLYFY_BASE_URL");

	if (a->as != NULL) {
		code = mun_credential_target(app, a->as, &ret->org, &ret->base, err);
		*ret_has_org = code == MUN_OK;
		if (code == MUN_OK && a->base_url == NULL)
			base = NULL;
	}
	if (code == MUN_OK && (base != NULL || a->as == NULL))
		code = mun_base_url_parse(&ret->base, base != NULL ? base : MUN_BASE_URL_DEFAULT,
		                          err);
	if (code != MUN_OK || a->org == NULL)
		return code;
	if (mun_id_parse(&ret->org, a->org, strlen(a->org)) == MUN_ID_BAD)
		return mun_fail(err, MUN_E_USAGE, "--org must be 32 hex digits");
	*ret_has_org = true;
	return MUN_OK;
}

/* The list, checked, with the organization it is for. *ret_empty: nothing in it, as allowed. */
static enum mun_code get_list(struct mun_app *app, struct mun_runlist *l, struct mun_planned *ret,
                              struct mun_err *err)
{
	enum mun_code code = get_target(app, &ret->target, &l->has_org, err);

	l->org = ret->target.org;
	if (code == MUN_OK)
		code = mun_runlist_read(l, app, err);
	if (code != MUN_OK)
		return code;
	ret->target.org = l->org;
	ret->rows = l->report.rows;
	ret->folded = l->report.folded;
	ret->empty = mun_runset_len(l->runs) == 0;
	if (ret->empty && app->args.allow_empty) {
		mun_say(app, "%s: the list is empty, there is nothing to do", l->options.source);
		return MUN_OK;
	}
	if (ret->empty) {
		(void)mun_fail(err, MUN_E_INPUT, "%s: the list is empty", l->options.source);
		mun_hint(err, "an export may have failed; --allow-empty accepts it");
		return MUN_E_INPUT;
	}
	if (!l->has_org)
		return mun_fail(err, MUN_E_USAGE, "which organization? --org ID, or --as NAME");
	return MUN_OK;
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
		    !mun_plan_expired(&ret->plan, now.real_us))
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

static enum mun_code check_label(const char *s, struct mun_err *err)
{
	const char *equals = strchr(s, '=');
	size_t len = strlen(s);

	if (equals == NULL || equals == s)
		return mun_fail(err, MUN_E_USAGE, "--label %s: must be k=v", s);
	if (len > LABEL_MAX)
		return mun_fail(err, MUN_E_USAGE, "--label %.*s: has %zu bytes, the limit is %d",
		                (int)(equals - s) < 40 ? (int)(equals - s) : 40, s, len, LABEL_MAX);
	return MUN_OK;
}

/* k=v, sorted by key. The labels point into text. */
static enum mun_code get_labels(const struct mun_args *a, struct mun_label *ret,
                                struct mun_buf *text, struct mun_err *err)
{
	enum mun_code code = MUN_OK;
	char *s;

	for (size_t i = 0; code == MUN_OK && i < a->label.len; i++) {
		code = check_label(a->label.at[i], err);
		mun_buf_add(text, a->label.at[i], strlen(a->label.at[i]) + 1);
	}
	if (code == MUN_OK)
		code = mun_buf_check(text, "labels", err);
	if (code != MUN_OK)
		return code;
	s = text->data;
	for (size_t i = 0; i < a->label.len; i++) {
		char *equals = strchr(s, '=');

		*equals = '\0';
		ret[i] = (struct mun_label){ s, equals + 1 };
		s = equals + 1 + strlen(equals + 1) + 1;
	}
	qsort(ret, a->label.len, sizeof(ret[0]), by_key);
	for (size_t i = 1; i < a->label.len; i++)
		if (strcmp(ret[i - 1].key, ret[i].key) == 0)
			return mun_fail(err, MUN_E_USAGE, "--label %s is given twice", ret[i].key);
	return MUN_OK;
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

/* Texts are borrowed from app, l and labels. */
static enum mun_code plan_entry(struct mun_app *app, struct mun_runlist *l, const char *reason,
                                struct mun_entry *e, struct labels *labels, struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	enum mun_code code = get_labels(a, labels->at, &labels->text, err);

	if (code == MUN_OK && a->ticket != NULL && mun_ticket_check(a->ticket, err) != MUN_OK)
		return mun_wrap(err, MUN_E_USAGE, "--ticket");
	if (code != MUN_OK)
		return code;
	mun_runlist_describe(l, e);
	e->u.plan.reason = reason;
	e->u.plan.ticket = a->ticket;
	e->u.plan.labels = labels->at;
	e->u.plan.labels_len = a->label.len;
	mun_operator_of(&e->u.plan.operator_, app);
	return MUN_OK;
}

static enum mun_code store(struct mun_journal *j, struct mun_entry *e, struct mun_runlist *l,
                           struct mun_planned *ret, struct mun_err *err)
{
	struct mun_group g = { .entries = e, .len = 1 };
	enum mun_code code;

	e->u.plan.plan = ret->plan.plan;
	code = mun_runlist_store(l, j, &e->u.plan.plan, err);
	if (code == MUN_OK)
		code = mun_journal_append(j, &g, err);
	return code == MUN_OK ? mun_journal_plan(j, &e->u.plan.plan, &ret->plan, err) : code;
}

/* The passphrase is asked for before the reason, and a plan that is only stored needs neither. */
static enum mun_code open_vault(struct mun_app *app, struct mun_planned *ret, struct mun_err *err)
{
	if (app->cmd->effect != MUN_CHANGES_SERVER || app->args.dry_run ||
	    app->args.reason != NULL || !mun_prompt_possible(app))
		return MUN_OK;
	return mun_credential_get(&ret->credential, app, &ret->target.org, &ret->target.base, err);
}

static enum mun_code plan_list(struct mun_app *app, struct mun_journal *j, enum mun_op_kind op,
                               struct mun_runlist *l, struct mun_planned *ret, struct mun_err *err)
{
	MUN_CLEANUP(labels_done) struct labels labels = { .text = { .max = LABELS_TEXT } };
	struct mun_entry e = { .kind = MUN_K_PLAN_STORED, .item = MUN_NO_ITEM, .has_org = true };
	const char *reason = NULL;
	enum mun_code code = get_list(app, l, ret, err);

	if (code == MUN_OK && !ret->empty)
		code = open_vault(app, ret, err);
	if (code == MUN_OK && !ret->empty)
		code = mun_reason_get(app, &reason, err);
	if (code != MUN_OK || ret->empty)
		return code;
	e.org = l->org;
	e.u.plan.op = op;
	e.u.plan.base_url = ret->target.base.text;
	code = plan_entry(app, l, reason, &e, &labels, err);
	if (code == MUN_OK)
		code = find_plan(app, j, &e, ret, err);
	fill_sample(ret, l->runs);
	if (code == MUN_OK && !ret->existed)
		code = store(j, &e, l, ret, err);
	return code;
}

enum mun_code mun_planning_store(struct mun_app *app, struct mun_journal *j, enum mun_op_kind op,
                                 struct mun_planned *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_runlist_done) struct mun_runlist l;
	enum mun_code code = mun_runlist_init(&l, err);

	*ret = (struct mun_planned){ 0 };
	return code == MUN_OK ? plan_list(app, j, op, &l, ret, err) : code;
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
