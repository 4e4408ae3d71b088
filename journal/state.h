/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_STATE_H
#define MUN_STATE_H
/*
 * Rows that projections keep: what a plan, a batch, an item, an exchange is now. Pure: the rows
 * and their fixed-size encodings, and the fold of one entry into them.
 */
#include "journal/entry.h"
enum mun_item_state {
	MUN_I_PENDING, /* untouched (no row), or to be sent again not before retry_at */
	MUN_I_IN_FLIGHT,
	MUN_I_DONE,
	MUN_I_ALREADY,
	MUN_I_FAILED,
	MUN_I_IN_DOUBT,
	MUN_I_SKIPPED,
	MUN_I_CANCELLED,
	MUN_ITEM_STATES
};
/* in_flight reads in_doubt when no runner lives; done/already read as the operation names them */
const char *mun_item_state_name(enum mun_item_state s, const struct mun_op *op);
enum mun_how {
	MUN_HOW_NONE,
	MUN_HOW_RESPONSE,
	MUN_HOW_PROBE,
	MUN_HOW_DECISION
};
const char *mun_how_name(enum mun_how h); /* "response"; NULL for none */
struct mun_item {
	enum mun_item_state state;
	enum mun_verdict verdict; /* of the last attempt or the settlement; NONE */
	enum mun_how how;
	bool probe_first;     /* a decision said not-archived: probe once before sending */
	uint32_t attempts;    /* highest attempt number */
	uint32_t answered;    /* attempts with a response entry that cost one */
	uint32_t unanswered;  /* attempts without a response entry, so far */
	uint32_t extra;       /* fresh attempts granted by decisions */
	uint64_t request_seq; /* of the last attempt; MUN_NO_SEQ */
	uint64_t response_seq, settled_seq, exchange_seq /* newest request entry, reads too */,
		last_seq;
	int64_t retry_at_us;  /* MUN_TIME_NONE */
	char archived_at[40]; /* "" unknown */
};
struct mun_exchange { /* one request entry and what came of it */
	bool has_batch;
	struct mun_ref batch;
	int64_t item;
	enum mun_purpose purpose;
	uint32_t attempt, epoch;
	enum mun_verdict verdict; /* what finally holds; NONE while nothing does */
	enum mun_verdict answer;  /* of its own response entry; NONE while there is none */
	enum mun_how how;
	unsigned http;
	bool sent;
	uint64_t prev_seq; /* earlier request entry of the same item; MUN_NO_SEQ */
	uint64_t response_seq, settled_seq;
	int64_t sent_us, ended_us;
	char archived_at[40];
};
enum mun_plan_state {
	MUN_PLAN_STORED,
	MUN_PLAN_CONSUMED,
	MUN_PLAN_DISCARDED
};
struct mun_plan {
	struct mun_ref plan, batch; /* batch: zero unless consumed */
	enum mun_plan_state state;
	enum mun_op_kind op;
	struct mun_id org;
	uint32_t items;
	uint64_t duplicates, seq; /* of plan.stored */
	int64_t stored_us;
	bool adopted; /* its items come from a former journal: does not expire */
};
#define MUN_PLAN_LIFE_US (7 * 86400 * INT64_C(1000000))
bool mun_plan_expired(const struct mun_plan *p, int64_t now_us); /* stored too long ago */
enum mun_batch_state {
	MUN_B_RUNNING /* started, neither paused nor ended */,
	MUN_B_HALTED,
	MUN_B_STOPPED,
	MUN_B_INTERRUPTED /* drained by a signal */,
	MUN_B_DONE,
	MUN_B_DONE_WITH_FAILURES,
	MUN_B_DONE_IN_DOUBT,
	MUN_B_CANCELLED,
	MUN_BATCH_STATES
};
const char *mun_batch_state_name(enum mun_batch_state s); /* running reads "interrupted" here */
bool mun_batch_is_open(enum mun_batch_state s);
struct mun_batch {
	struct mun_ref batch, plan;
	enum mun_batch_state state;
	char why[48]; /* of halted, stopped: a word of cmd/engine */
	enum mun_op_kind op;
	struct mun_id org;
	uint32_t epoch, items, next; /* next: lowest item without a row */
	uint32_t attempts_limit;
	bool cancelling, cancelled; /* cancelled: the untouched items from next on are, too */
	struct mun_counts counts; /* total includes duplicates; in_flight counts as pending here */
	uint64_t in_flight;
	uint64_t started_seq, newest_start_seq, last_seq;
	uint64_t cancelling_seq; /* of the mark, while cancelling */
	/* of the newest start with all_in_doubt, or MUN_NO_SEQ: what was pending then is in doubt,
	 * as another copy of the journal may have worked on it */
	uint64_t doubted_seq;
	int64_t started_us, ended_us; /* ended: MUN_TIME_NONE while open */
};
void mun_item_init(struct mun_item *ret); /* pending, nothing known */
/* A pending item of before the batch was doubted reads in doubt; number: an untouched one has no
 * row, and is made here. */
void mun_item_untouched(struct mun_item *ret, const struct mun_batch *b, uint32_t number);
void mun_item_in_batch(struct mun_item *item, const struct mun_batch *b);
/* Counts as they read when no runner lives: what is in flight is in doubt, not pending. */
struct mun_counts mun_batch_at_rest(const struct mun_batch *b);
#endif
