/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_OUTCOME_H
#define MUN_OUTCOME_H
/*
 * How a batch stands, for people and scripts: why it halted, the exit status (README.md, in its
 * order of precedence), what to do next. Pure; nothing else writes such a number.
 */
#include "journal/state.h"

enum mun_why { /* words that `batch.paused` records */
	MUN_WHY_NONE,
	MUN_WHY_REDIRECT,
	MUN_WHY_CONFIG,
	MUN_WHY_CERTIFICATE,
	MUN_WHY_OTHER_ID,
	MUN_WHY_UNVERIFIED,
	MUN_WHY_BLOCKED,
	MUN_WHY_WRONG_ORG,
	MUN_WHY_FAILURES,
	MUN_WHY_NETWORK,
	MUN_WHY_SERVER,
	MUN_WHY_AUTH_LOST,
	MUN_WHY_DENIED,
	MUN_WHY_PLAN_LIMIT,
	MUN_WHY_REJECTED,
	MUN_WHY_RATE_LIMITED,
	MUN_WHY_STOP_AT,
	MUN_WHY_STOP_AFTER,
	MUN_WHY_STOP_ON_FAILURES,
	MUN_WHY_SIGNAL, /* SIGINT */
	MUN_WHY_TERMINATED,
	MUN_WHY_HANGUP,
	MUN_WHY_JOURNAL,
	MUN_WHYS
};
const char *mun_why_name(enum mun_why w);     /* "wrong_organization"; "" for none */
const char *mun_why_sentence(enum mun_why w); /* for people: what happened */
enum mun_why mun_why_find(const char *name);  /* NONE when unknown */
unsigned mun_why_exit(enum mun_why w);
bool mun_why_is_signal(enum mun_why w);
enum mun_why mun_why_of_signal(int number); /* SIGINT, SIGTERM, SIGHUP */
bool mun_why_is_stop(enum mun_why w);       /* an own limit: the batch is `stopped`, not `halted` */

/* only: verdict of the single item of a batch of one, else MUN_V_NONE. */
unsigned mun_outcome_exit(const struct mun_batch *b, enum mun_verdict only);
/* "none", "resume", "resolve", "fix", "wait" */
const char *mun_outcome_action(const struct mun_batch *b);
/* State an ended batch has, given its counts (nothing pending). */
enum mun_batch_state mun_outcome_end(const struct mun_counts *c, uint32_t items, bool cancelling);
bool mun_counts_conserve(const struct mun_counts *c);
#endif
