/* SPDX-License-Identifier: Apache-2.0 */
/* The last entry of an epoch: how the batch stands when nothing is in flight any more. */
#include "cmd/engine/loop.h"

static void cancel_pending(struct mun_engine *e, uint32_t next)
{
	struct mun_entry *entry;

	if (next >= e->batch.items)
		return;
	e->ranges[0] = (struct mun_range){ next, e->batch.items - 1 };
	e->ranges_len = 1;
	entry = mun_loop_entry(e, MUN_K_ITEM_CANCELLED);
	entry->u.ranges.ranges = e->ranges;
	entry->u.ranges.ranges_len = 1;
	entry->u.ranges.why = "cancelled";
}

/* Touched items that are pending again, when a cancel has drained. */
static void cancel_touched(struct mun_engine *e)
{
	for (size_t i = 0; i < e->slots_len && e->ranges_len + 1 < MUN_FLIGHTS; i++) {
		const struct mun_slot *s = e->slots[i];
		struct mun_entry *entry;

		if (s->st.state != MUN_I_PENDING || s->item >= e->batch.next)
			continue;
		e->ranges[e->ranges_len] = (struct mun_range){ s->item, s->item };
		entry = mun_loop_entry(e, MUN_K_ITEM_CANCELLED);
		entry->u.ranges.ranges = &e->ranges[e->ranges_len++];
		entry->u.ranges.ranges_len = 1;
		entry->u.ranges.why = "cancelled";
	}
}

/* A guard, stop or signal leaves nothing open that has nothing pending or in doubt. */
static enum mun_batch_state final_state(struct mun_engine *e)
{
	const struct mun_counts *c = &e->batch.counts;

	if (c->pending == 0 &&
	    (c->in_doubt == 0 || e->why == MUN_WHY_NONE || e->batch.cancelling)) {
		e->why = MUN_WHY_NONE;
		return mun_outcome_end(c, e->batch.items,
		                       e->batch.cancelling || e->batch.cancelled);
	}
	if (e->why == MUN_WHY_NONE && !e->o.resolving && !e->batch.cancelling && c->pending > 0)
		e->why = MUN_WHY_SERVER; /* asked before sending, and never answered */
	if (e->why == MUN_WHY_NONE || e->why == MUN_WHY_SIGNAL)
		return MUN_B_INTERRUPTED;
	return mun_why_is_stop(e->why) ? MUN_B_STOPPED : MUN_B_HALTED;
}

enum mun_code mun_closing_batch(struct mun_engine *e, struct mun_err *err)
{
	struct mun_entry *entry;
	enum mun_batch_state state;
	enum mun_code code;

	e->entries_len = e->intents_len = e->settles_len = e->ranges_len = 0;
	if (e->batch.cancelling) {
		cancel_pending(e, e->batch.next);
		cancel_touched(e);
	}
	code = mun_loop_commit(e, err);
	if (code == MUN_OK)
		code = mun_loop_refresh(e, err);
	if (code == MUN_OK && !mun_counts_conserve(&e->batch.counts))
		code = mun_fail(err, MUN_E_JOURNAL,
		                "the batch's counts do not add up to its total");
	if (code != MUN_OK)
		return code;
	state = final_state(e);
	if (e->o.resolving && (mun_batch_is_open(state) || state == e->batch.state))
		return MUN_OK; /* asking changed nothing of how the batch stands */
	e->entries_len = 0;
	entry = mun_loop_entry(e,
	                       mun_batch_is_open(state) ? MUN_K_BATCH_PAUSED : MUN_K_BATCH_ENDED);
	entry->u.pause.state = mun_batch_state_name(state);
	entry->u.pause.counts = e->batch.counts;
	entry->u.pause.why = e->why != MUN_WHY_NONE ? mun_why_name(e->why) : NULL;
	code = mun_loop_commit(e, err);
	return code == MUN_OK ? mun_loop_refresh(e, err) : code;
}
