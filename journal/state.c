/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/state.h"

#include <string.h>

const char *mun_item_state_name(enum mun_item_state s, const struct mun_op *op)
{
	static const char *const names[MUN_ITEM_STATES] = {
		[MUN_I_PENDING] = "pending", [MUN_I_IN_FLIGHT] = "in_flight",
		[MUN_I_DONE] = "archived",   [MUN_I_ALREADY] = "already_archived",
		[MUN_I_FAILED] = "failed",   [MUN_I_IN_DOUBT] = "in_doubt",
		[MUN_I_SKIPPED] = "skipped", [MUN_I_CANCELLED] = "cancelled",
	};

	if (s == MUN_I_DONE && op != NULL)
		return mun_verdict_name(op->done);
	if (s == MUN_I_ALREADY && op != NULL)
		return mun_verdict_name(op->already);
	return names[s];
}

const char *mun_how_name(enum mun_how h)
{
	switch (h) {
	case MUN_HOW_RESPONSE:
		return "response";
	case MUN_HOW_PROBE:
		return "probe";
	case MUN_HOW_DECISION:
		return "decision";
	default:
		return NULL;
	}
}

bool mun_plan_expired(const struct mun_plan *p, int64_t now_us)
{
	return p->state == MUN_PLAN_STORED && !p->adopted &&
	       now_us >= p->stored_us + MUN_PLAN_LIFE_US;
}

void mun_item_init(struct mun_item *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->request_seq = MUN_NO_SEQ;
	ret->response_seq = MUN_NO_SEQ;
	ret->settled_seq = MUN_NO_SEQ;
	ret->exchange_seq = MUN_NO_SEQ;
	ret->last_seq = MUN_NO_SEQ;
	ret->retry_at_us = MUN_TIME_NONE;
}

void mun_item_in_batch(struct mun_item *item, const struct mun_batch *b)
{
	if (item->state == MUN_I_PENDING && b->doubted_seq != MUN_NO_SEQ &&
	    (item->last_seq == MUN_NO_SEQ || item->last_seq < b->doubted_seq))
		item->state = MUN_I_IN_DOUBT;
}

void mun_item_untouched(struct mun_item *ret, const struct mun_batch *b, uint32_t number)
{
	mun_item_init(ret);
	mun_item_in_batch(ret, b);
	if (ret->state == MUN_I_PENDING && b->cancelled && number >= b->next)
		ret->state = MUN_I_CANCELLED;
}

const char *mun_batch_state_name(enum mun_batch_state s)
{
	static const char *const names[MUN_BATCH_STATES] = {
		[MUN_B_RUNNING] = "interrupted",
		[MUN_B_HALTED] = "halted",
		[MUN_B_STOPPED] = "stopped",
		[MUN_B_INTERRUPTED] = "interrupted",
		[MUN_B_DONE] = "done",
		[MUN_B_DONE_WITH_FAILURES] = "done_with_failures",
		[MUN_B_DONE_IN_DOUBT] = "done_in_doubt",
		[MUN_B_CANCELLED] = "cancelled",
	};

	return names[s];
}

bool mun_batch_is_open(enum mun_batch_state s)
{
	return s <= MUN_B_INTERRUPTED;
}

struct mun_counts mun_batch_at_rest(const struct mun_batch *b)
{
	struct mun_counts n = b->counts;

	n.in_doubt += b->in_flight;
	n.pending -= b->in_flight;
	return n;
}
