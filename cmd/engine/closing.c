/* SPDX-License-Identifier: Apache-2.0 */
/* The last entry of an epoch: how the batch stands when nothing is in flight any more. */
#include "cmd/engine/loop.h"

#define CANCEL_GROUP 128 /* items in one transaction */

struct cancelling {
	struct mun_engine *e;
	struct mun_entry mark; /* batch.cancelling: who wanted it, and why */
};

static void cancel_range(struct cancelling *k, uint32_t first, uint32_t last)
{
	struct mun_engine *e = k->e;
	struct mun_range *range = &e->ranges[e->ranges_len++];
	struct mun_entry *entry = mun_loop_entry(e, MUN_K_ITEM_CANCELLED);

	*range = (struct mun_range){ first, last };
	entry->u.ranges.ranges = range;
	entry->u.ranges.ranges_len = 1;
	entry->u.ranges.why = "cancelled";
	entry->u.ranges.reason = k->mark.u.cancelling.reason;
	entry->u.ranges.operator_ = k->mark.u.cancelling.operator_;
	entry->u.ranges.has_operator = true;
}

/* Items that were touched and are pending again, group by group. */
static enum mun_code cancel_touched(struct cancelling *k, struct mun_err *err)
{
	struct mun_engine *e = k->e;
	uint32_t items[CANCEL_GROUP];
	uint32_t from = 0;
	size_t len;
	enum mun_code code;

	do {
		e->entries_len = e->ranges_len = 0;
		code = mun_journal_open_items(e->o.journal, &e->batch.batch, from, items,
		                              CANCEL_GROUP, &len, err);
		for (size_t i = 0; code == MUN_OK && i < len; i++) {
			struct mun_item item;

			from = items[i] + 1;
			code = mun_journal_item(e->o.journal, &e->batch.batch, items[i], &item,
			                        err);
			if (code == MUN_OK && item.state == MUN_I_PENDING)
				cancel_range(k, items[i], items[i]);
		}
		if (code == MUN_OK)
			code = mun_loop_commit(e, err);
	} while (code == MUN_OK && len == CANCEL_GROUP);
	return code;
}

/* A cancel has drained: what is pending will not be sent. */
static enum mun_code cancel_pending(struct mun_engine *e, struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	MUN_BUF_CLEANUP struct mun_buf line;
	struct cancelling k = { .e = e };
	enum mun_code code;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	code = mun_journal_entry(e->o.journal, e->batch.cancelling_seq, &line, err);
	if (code == MUN_OK)
		code = mun_entry_decode(&k.mark, &owner, line.data, line.len, err);
	if (code == MUN_OK)
		code = cancel_touched(&k, err);
	e->entries_len = e->ranges_len = 0;
	if (code == MUN_OK && e->batch.next < e->batch.items) {
		cancel_range(&k, e->batch.next, e->batch.items - 1);
		code = mun_loop_commit(e, err);
	}
	return code;
}

/* A guard, stop or signal leaves nothing open that has nothing pending or in doubt. */
static enum mun_batch_state final_state(struct mun_engine *e, const struct mun_counts *c)
{
	if (c->pending == 0 &&
	    (c->in_doubt == 0 || e->why == MUN_WHY_NONE || e->batch.cancelling)) {
		e->why = MUN_WHY_NONE;
		return mun_outcome_end(c, e->batch.items,
		                       e->batch.cancelling || e->batch.cancelled);
	}
	if (e->why == MUN_WHY_NONE && !e->o.resolving && !e->batch.cancelling && c->pending > 0)
		e->why = MUN_WHY_SERVER; /* asked before sending, and the asking was cut off */
	if (e->why == MUN_WHY_NONE || mun_why_is_signal(e->why))
		return MUN_B_INTERRUPTED;
	return mun_why_is_stop(e->why) ? MUN_B_STOPPED : MUN_B_HALTED;
}

static enum mun_code write_end(struct mun_engine *e, enum mun_batch_state state,
                               const struct mun_counts *counts, struct mun_err *err)
{
	struct mun_entry *entry;
	enum mun_code code;

	e->entries_len = 0;
	entry = mun_loop_entry(e,
	                       mun_batch_is_open(state) ? MUN_K_BATCH_PAUSED : MUN_K_BATCH_ENDED);
	entry->u.pause.state = mun_batch_state_name(state);
	entry->u.pause.counts = *counts;
	entry->u.pause.why = e->why != MUN_WHY_NONE ? mun_why_name(e->why) : NULL;
	code = mun_loop_commit(e, err);
	return code == MUN_OK ? mun_loop_refresh(e, err) : code;
}

enum mun_code mun_closing_batch(struct mun_engine *e, struct mun_err *err)
{
	struct mun_counts counts;
	enum mun_batch_state state;
	enum mun_code code;

	e->entries_len = e->intents_len = e->settles_len = e->ranges_len = 0;
	code = e->batch.cancelling ? cancel_pending(e, err) : MUN_OK;
	if (code == MUN_OK)
		code = mun_loop_refresh(e, err);
	counts = mun_batch_at_rest(&e->batch);
	if (code == MUN_OK && !mun_counts_conserve(&counts))
		code = mun_fail(err, MUN_E_JOURNAL,
		                "the batch's counts do not add up to its total");
	if (code != MUN_OK)
		return code;
	state = final_state(e, &counts);
	if (e->o.resolving && (mun_batch_is_open(state) || state == e->batch.state))
		return MUN_OK; /* asking changed nothing of how the batch stands */
	return write_end(e, state, &counts, err);
}
