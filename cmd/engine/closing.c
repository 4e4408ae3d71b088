/* SPDX-License-Identifier: Apache-2.0 */
/* The last entry of an epoch: how the batch stands when nothing is in flight any more. */
#include "cmd/engine/loop.h"

#define CANCEL_GROUP 128 /* ranges in one entry */

/* A cancel has drained: what is pending will not be sent, says who cancelled. */
static enum mun_code cancel_pending(struct mun_engine *e, struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	MUN_BUF_CLEANUP struct mun_buf line;
	struct mun_entry mark;
	uint32_t from = 0;
	size_t len;
	enum mun_code code;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	code = mun_journal_entry(e->o.journal, e->batch.cancelling_seq, &line, err);
	if (code == MUN_OK)
		code = mun_entry_decode(&mark, &owner, line.data, line.len, err);
	do {
		struct mun_entry *entry;

		e->entries_len = 0;
		if (code == MUN_OK)
			code = mun_journal_pending(e->o.journal, &e->batch.batch, from, e->ranges,
			                           CANCEL_GROUP, &len, err);
		if (code != MUN_OK || len == 0)
			return code;
		entry = mun_loop_entry(e, MUN_K_ITEM_CANCELLED);
		entry->u.ranges.ranges = e->ranges;
		entry->u.ranges.ranges_len = len;
		entry->u.ranges.why = "cancelled";
		entry->u.ranges.reason = mark.u.cancelling.reason;
		entry->u.ranges.operator_ = mark.u.cancelling.operator_;
		entry->u.ranges.has_operator = true;
		from = e->ranges[len - 1].last + 1;
		code = mun_loop_commit(e, err);
	} while (code == MUN_OK && len == CANCEL_GROUP);
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
