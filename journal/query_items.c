/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "journal/damage.h"
#include "journal/filter.h"
#include "journal/lookup.h"
#include "journal/query.h"

#define ROW_TEXT_MAX 65536

struct items {
	struct mun_journal *j;
	const struct mun_filter *f;
	bool runner_lives;
	struct mun_lookup lookup;
	struct mun_lookup starts;
	struct mun_batch batch;
	struct mun_damage damage;
	const struct mun_entry *plan; /* kept in lookup: nothing else is asked of it; or NULL */
	struct mun_buf text;
};

static enum mun_code fill_row(struct items *q, uint32_t item, struct mun_item *state,
                              struct mun_item_row *row, struct mun_err *err)
{
	const struct mun_op *op = &mun_ops[q->batch.op];
	struct mun_list_row list;

	enum mun_code code = mun_journal_item(q->j, &q->batch.batch, item, state, err);
	mun_buf_clear(&q->text);
	if (code == MUN_OK)
		code = mun_journal_list_row(q->j, &q->batch.plan, item, &list, &q->text, err);
	if (code != MUN_OK)
		return mun_wrap(err, code, "item %u", item);
	if (state->state == MUN_I_IN_FLIGHT && !q->runner_lives)
		state->state = MUN_I_IN_DOUBT;
	*row = (struct mun_item_row){
		.batch = q->batch.batch,
		.item = item,
		.line = list.line,
		.run = list.run,
		.org = q->batch.org,
		.state = mun_item_state_name(state->state, op),
		.verdict = mun_verdict_name(state->verdict),
		.evidence = mun_how_name(state->how),
		.attempts = state->attempts,
		.archived_at = state->archived_at[0] ? state->archived_at : NULL,
		.reason = list.reason || !q->plan ? list.reason : q->plan->u.plan.reason,
		.ticket = list.ticket || !q->plan ? list.ticket : q->plan->u.plan.ticket,
		.last_seq = state->last_seq,
	};
	return MUN_OK;
}

/* The newest attempt of an item, as far as a filter asks for it. */
struct attempt {
	unsigned http; /* of its own answer; 0 none */
	int64_t time_us;
	const struct mun_entry *start; /* of the epoch that sent it; NULL: none */
	char operator_[384];
};

static bool asks_attempts(const struct mun_filter *f)
{
	return f->http_len + f->operator_len + f->identity_len > 0 ||
	       f->since_us != MUN_TIME_NONE || f->until_us != MUN_TIME_NONE;
}

static enum mun_code load_attempt(struct items *q, const struct mun_item *state,
                                  struct attempt *ret, struct mun_err *err)
{
	struct mun_exchange x;
	enum mun_code code;

	*ret = (struct attempt){ .time_us = q->batch.started_us };
	if (!asks_attempts(q->f) || state->request_seq == MUN_NO_SEQ)
		return MUN_OK;
	code = mun_journal_exchange(q->j, state->request_seq, &x, err);
	if (code == MUN_OK)
		code = mun_lookup_start(&q->starts, &q->batch.batch, x.epoch, state->request_seq,
		                        &ret->start, err);
	if (code != MUN_OK)
		return code;
	ret->http = x.http;
	ret->time_us = x.sent_us;
	if (ret->start != NULL)
		(void)snprintf(ret->operator_, sizeof(ret->operator_), "%s@%s",
		               ret->start->u.start.operator_.user,
		               ret->start->u.start.operator_.host);
	return MUN_OK;
}

/* Who said so: at the start of the epoch, else when the plan was made. */
static const char *claimed_by(const struct items *q, const struct attempt *a)
{
	const char *claimed = a->start ? a->start->u.start.operator_.claimed : NULL;

	return claimed || !q->plan ? claimed : q->plan->u.plan.operator_.claimed;
}

static bool row_matches(const struct items *q, const struct mun_item *state,
                        const struct mun_item_row *row, const struct attempt *a)
{
	bool answered = state->response_seq != MUN_NO_SEQ || state->how == MUN_HOW_PROBE;
	char run[MUN_ID_TEXT], org[MUN_ID_TEXT], batch[MUN_REF_TEXT], plan[MUN_REF_TEXT];

	mun_id_format(run, &row->run);
	mun_id_format(org, &row->org);
	mun_ref_format(batch, 'b', &row->batch);
	mun_ref_format(plan, 'p', &q->batch.plan);
	const struct mun_subject subject = {
		.run = run,
		.org = org,
		.batch = batch,
		.plan = plan,
		.ticket = row->ticket,
		.reason = row->reason,
		.op = mun_ops[q->batch.op].name,
		.state = row->state,
		.verdict = row->verdict,
		.http = a->http,
		.operator_ = a->start ? a->operator_ : NULL,
		.claimed = claimed_by(q, a),
		.identity = a->start ? a->start->u.start.identity_id : NULL,
		.kind = { state->request_seq != MUN_NO_SEQ ? mun_kind_name(MUN_K_REQUEST) : NULL,
		          answered ? mun_kind_name(MUN_K_RESPONSE) : NULL,
		          state->how == MUN_HOW_DECISION ? mun_kind_name(MUN_K_DECISION) : NULL },
		.labels = q->plan ? q->plan->u.plan.labels : NULL,
		.labels_len = q->plan ? q->plan->u.plan.labels_len : 0,
		.seq = row->last_seq,
		.time_us = a->time_us,
	};
	return mun_filter_match(q->f, &subject);
}

static enum mun_code run_items(struct items *q, mun_item_fn fn, void *arg, struct mun_err *err)
{
	uint64_t delivered = 0;

	enum mun_code code = mun_lookup_plan(&q->lookup, &q->batch.plan, &q->plan, err);
	if (code != MUN_OK && !mun_damage_note(&q->damage, code, q->lookup.asked, err))
		return code;
	for (uint32_t i = 0; i < q->batch.items; i++) {
		uint32_t item = q->f->reverse ? q->batch.items - 1 - i : i;
		struct mun_item state;
		struct mun_item_row row;
		struct attempt attempt;
		if (q->f->limit && delivered >= q->f->limit)
			break;
		code = fill_row(q, item, &state, &row, err);
		if (code == MUN_OK)
			code = load_attempt(q, &state, &attempt, err);
		if (mun_damage_note(&q->damage, code, MUN_NO_SEQ, err))
			continue;
		if (code != MUN_OK)
			return code;
		if (!row_matches(q, &state, &row, &attempt))
			continue;
		code = mun_lookup_name(&q->lookup, &row.org, &row.run, &q->batch.plan, item,
		                       &row.name, err);
		if (code == MUN_OK)
			code = fn(arg, &row, err);
		if (code != MUN_OK)
			return code;
		delivered++;
	}
	return MUN_OK;
}

enum mun_code mun_query_items(struct mun_journal *j, const struct mun_ref *batch,
                              const struct mun_filter *f, bool runner_lives, mun_item_fn fn,
                              void *arg, struct mun_err *err)
{
	struct items q = { .j = j, .f = f, .runner_lives = runner_lives };

	mun_lookup_init(&q.lookup, j);
	mun_lookup_init(&q.starts, j);
	mun_buf_init(&q.text, ROW_TEXT_MAX);
	enum mun_code code = mun_query_check(j, f, err);
	if (code == MUN_OK)
		code = mun_journal_batch(j, batch, &q.batch, err);
	if (code == MUN_OK)
		code = run_items(&q, fn, arg, err);
	mun_buf_done(&q.text);
	mun_lookup_done(&q.lookup);
	mun_lookup_done(&q.starts);
	return mun_damage_end(&q.damage, code, err);
}
