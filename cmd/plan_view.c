/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/plan_view.h"

#include <stdio.h>
#include <string.h>

#include "cmd/batch_view.h"
#include "cmd/next.h"
#include "cmd/out.h"
#include "cmd/pace.h"
#include "lib/canon.h"
#include "lib/text.h"

#define OUT_MAX 262144

const char *mun_plan_view_state(const struct mun_app *app, const struct mun_plan *p)
{
	struct mun_now now;

	if (p->state == MUN_PLAN_CONSUMED)
		return "consumed";
	if (p->state == MUN_PLAN_DISCARDED)
		return "discarded";
	app->clock->now(app->clock, &now);
	return mun_plan_expired(p, now.real_us) ? "expired" : "stored";
}

static uint64_t eta_ms(const struct mun_rate *rate, uint64_t requests)
{
	const struct mun_admissions none = { 0 };

	return mun_rate_eta_ms(rate, &none, 0, requests);
}

/* The limits ask for less than a second: then it is the server's time that counts. */
static void eta_text(char *ret, size_t ret_size, uint64_t ms)
{
	if (ms < 1000)
		(void)snprintf(ret, ret_size, "seconds");
	else
		mun_duration_format(ret, ret_size, (int64_t)ms);
}

void mun_plan_view_eta(struct mun_app *app, const struct mun_rate *rate, uint64_t requests)
{
	static const struct mun_rate fast = { { { 600, 60000 } }, 1 };
	uint64_t slow_ms = eta_ms(rate, requests), fast_ms = eta_ms(&fast, requests);
	char eta[32], other[32], text[128];

	if (rate->len == 0) {
		mun_say(app, "takes as long as the server does: no rate is set\n");
		return;
	}
	mun_rate_format(text, sizeof(text), rate);
	eta_text(eta, sizeof(eta), slow_ms);
	eta_text(other, sizeof(other), fast_ms);
	if (fast_ms * 2 < slow_ms)
		mun_say(app, "takes %s at %s; %s at 600/m if your organization allows it\n", eta,
		        text, other);
	else
		mun_say(app, "takes %s at %s\n", eta, text);
}

/* The first fields are fixed; new ones only ever follow them. A plan that was stored at no time is
 * none. */
static void make_object(struct mun_buf *out, const char *state, const struct mun_plan *p,
                        const struct mun_entry *e, const struct mun_rate *rate,
                        const struct mun_batch_view *v)
{
	char plan[MUN_REF_TEXT], batch[MUN_REF_TEXT], org[MUN_ID_TEXT];
	char stored[MUN_DATE_MAX], expires[MUN_DATE_MAX];
	static const struct mun_id nobody;
	bool stored_at = p->stored_us != MUN_TIME_NONE;
	struct mun_canon c;

	mun_ref_format(plan, 'p', &p->plan);
	mun_ref_format(batch, 'b', &p->batch);
	mun_id_format(org, &p->org);
	mun_date_format(stored, p->stored_us);
	mun_date_format(expires, p->stored_us + MUN_PLAN_LIFE_US);
	mun_canon_init(&c, out);
	mun_canon_loose(&c);
	mun_canon_object(&c, NULL);
	mun_canon_str(&c, "plan", stored_at ? plan : NULL);
	mun_canon_str(&c, "op", mun_ops[p->op].name);
	mun_canon_str(&c, "org", mun_id_equal(&p->org, &nobody) ? NULL : org);
	mun_canon_str(&c, "base_url", e->u.plan.base_url);
	mun_canon_int(&c, "items", p->items);
	mun_canon_int(&c, "duplicates", (int64_t)p->duplicates);
	mun_canon_int(&c, "eta_s", (int64_t)((eta_ms(rate, p->items) + 999) / 1000));
	mun_canon_str(&c, "expires",
	              stored_at && p->state == MUN_PLAN_STORED && !p->adopted ? expires : NULL);
	mun_canon_str(&c, "state", state);
	mun_canon_str(&c, "stored", stored_at ? stored : NULL);
	mun_canon_str(&c, "batch", p->state == MUN_PLAN_CONSUMED ? batch : NULL);
	mun_canon_str(&c, "reason", e->u.plan.reason);
	mun_canon_str(&c, "ticket", e->u.plan.ticket);
	mun_canon_object(&c, "labels");
	for (size_t i = 0; i < e->u.plan.labels_len; i++)
		mun_canon_str(&c, e->u.plan.labels[i].key, e->u.plan.labels[i].value);
	mun_canon_end(&c);
	mun_canon_str(&c, "operator", e->u.plan.operator_.user);
	mun_canon_str(&c, "claimed", e->u.plan.operator_.claimed);
	if (stored_at)
		mun_canon_int(&c, "seq", (int64_t)p->seq);
	else
		mun_canon_null(&c, "seq");
	mun_canon_str(&c, "batch_state", v ? v->state : NULL);
	if (v)
		mun_batch_view_counts(&c, &v->batch);
	else
		mun_canon_null(&c, "counts");
	mun_canon_end(&c);
	mun_buf_putc(out, '\n');
}

static void add_visible(struct mun_buf *out, const char *label, const char *text)
{
	if (!text)
		return;
	mun_buf_printf(out, "%-10s ", label);
	mun_text_visible(out, text, strlen(text), false);
	mun_buf_putc(out, '\n');
}

static void add_time(struct mun_buf *out, const struct mun_app *app, const char *label,
                     int64_t time_us)
{
	mun_buf_printf(out, "%-10s ", label);
	mun_out_time(out, app, time_us);
	mun_buf_putc(out, '\n');
}

static void make_lines(struct mun_buf *out, const struct mun_app *app, const char *state,
                       const struct mun_plan *p, const struct mun_entry *e)
{
	char plan[MUN_REF_TEXT], batch[MUN_REF_TEXT], org[MUN_ID_TEXT];

	mun_ref_format(plan, 'p', &p->plan);
	mun_ref_format(batch, 'b', &p->batch);
	mun_id_format(org, &p->org);
	mun_buf_printf(out, "plan       %s (%s)\norg        %s at %s\n", plan, mun_ops[p->op].name,
	               org, e->u.plan.base_url);
	mun_buf_printf(out, "state      %s%s%s\n", state,
	               p->state == MUN_PLAN_CONSUMED ? " by " : "",
	               p->state == MUN_PLAN_CONSUMED ? batch : "");
	mun_buf_printf(out, "items      %u, and %llu duplicates\n", p->items,
	               (unsigned long long)p->duplicates);
	add_time(out, app, "stored", p->stored_us);
	if (p->state == MUN_PLAN_STORED && !p->adopted)
		add_time(out, app, "expires", p->stored_us + MUN_PLAN_LIFE_US);
	add_visible(out, "reason", e->u.plan.reason);
	add_visible(out, "ticket", e->u.plan.ticket);
	if (strcmp(state, "stored") == 0) {
		mun_buf_puts(out, "next       ");
		mun_next_verb(out, app, "run", plan);
		mun_buf_putc(out, '\n');
	}
}

enum mun_code mun_plan_view_entry(struct mun_journal *j, const struct mun_plan *p,
                                  struct mun_entry *ret, struct mun_decoded **ret_owner,
                                  struct mun_err *err)
{
	struct mun_buf line MUN_BUF_CLEANUP;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	enum mun_code code = mun_journal_entry(j, p->seq, &line, err);
	if (code == MUN_OK)
		code = mun_entry_decode(ret, ret_owner, line.data, line.len, err);
	if (code == MUN_OK && ret->kind != MUN_K_PLAN_STORED)
		return mun_fail(err, MUN_E_CORRUPT, "entry #%llu stores no plan",
		                (unsigned long long)p->seq);
	return code;
}

enum mun_code mun_plan_view_print(struct mun_app *app, struct mun_journal *j,
                                  const struct mun_ref *plan, struct mun_err *err)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_buf out MUN_BUF_CLEANUP;
	struct mun_batch_view view;
	struct mun_pace pace;
	struct mun_plan row;
	struct mun_entry e;

	mun_buf_init(&out, OUT_MAX);
	enum mun_code code = mun_journal_plan(j, plan, &row, err);
	if (code == MUN_OK)
		code = mun_plan_view_entry(j, &row, &e, &owner, err);
	bool used = code == MUN_OK && row.state == MUN_PLAN_CONSUMED;
	if (used)
		code = mun_batch_view_load(&view, j, &row.batch, err);
	if (code == MUN_OK)
		code = mun_pace_get(&pace, app, NULL, err);
	if (code != MUN_OK)
		return code;
	const char *state = mun_plan_view_state(app, &row);
	if (app->output == MUN_OUT_TABLE)
		make_lines(&out, app, state, &row, &e);
	else
		make_object(&out, state, &row, &e, &pace.rate, used ? &view : NULL);
	code = mun_buf_check(&out, "description of a plan", err);
	if (code == MUN_OK)
		code = mun_out_object(app, &out, err);
	if (code != MUN_OK || !used || app->output != MUN_OUT_TABLE)
		return code;
	return mun_batch_view_print(app, &view, -1, err);
}

enum mun_code mun_plan_view_empty(struct mun_app *app, enum mun_op_kind op,
                                  const struct mun_id *org, const char *base_url,
                                  struct mun_err *err)
{
	const struct mun_plan nothing = { .op = op, .org = *org, .stored_us = MUN_TIME_NONE };
	const struct mun_entry e = { .kind = MUN_K_PLAN_STORED, .u.plan.base_url = base_url };
	const struct mun_rate none = { .len = 0 };
	struct mun_buf object MUN_BUF_CLEANUP;

	mun_buf_init(&object, OUT_MAX);
	if (app->output == MUN_OUT_TABLE || app->args.quiet)
		return MUN_OK;
	make_object(&object, NULL, &nothing, &e, &none, NULL);
	return mun_out_object(app, &object, err);
}

enum mun_code mun_plan_view_fields(struct mun_app *app, struct mun_err *err)
{
	const struct mun_rate none = { .len = 0 };
	const struct mun_plan any = { .stored_us = 0 };
	const struct mun_entry e = { .kind = MUN_K_PLAN_STORED };
	struct mun_buf object MUN_BUF_CLEANUP;
	struct mun_buf chosen MUN_BUF_CLEANUP;

	mun_buf_init(&object, OUT_MAX);
	mun_buf_init(&chosen, OUT_MAX);
	make_object(&object, "", &any, &e, &none, NULL);
	return mun_out_fields(&chosen, app, &object, err);
}
