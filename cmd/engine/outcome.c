/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/engine/outcome.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned exit;
	const char *sentence;
} whys[MUN_WHYS] = {
	[MUN_WHY_NONE] = { "", 0, "" },
	[MUN_WHY_REDIRECT] = { "redirect", 14,
	                       "the server answered with a redirect, which is never followed" },
	[MUN_WHY_CONFIG] = { "config_error", 14,
	                     "the server does not know this path: wrong base URL?" },
	[MUN_WHY_CERTIFICATE] = { "certificate", 14, "the server's certificate was refused" },
	[MUN_WHY_OTHER_ID] = { "other_id", 14,
	                       "the server answered with another run than the one asked for" },
	[MUN_WHY_UNVERIFIED] = { "unverified", 14,
	                         "three answers in a row carried no evidence and no probe "
	                         "confirmed them: API changed?" },
	[MUN_WHY_BLOCKED] = { "blocked", 14, "something in front of the API blocks the requests" },
	[MUN_WHY_WRONG_ORG] = { "wrong_organization", 14,
	                        "the first five runs were not found: wrong organization?" },
	[MUN_WHY_FAILURES] = { "failures", 14, "more than 30 % of the last items failed for good" },
	[MUN_WHY_NETWORK] = { "network", 14, "the server could not be reached" },
	[MUN_WHY_SERVER] = { "server", 14, "the server did not answer, or only with errors" },
	[MUN_WHY_AUTH_LOST] = { "auth_lost", 3, "the token is no longer accepted" },
	[MUN_WHY_DENIED] = { "denied", 3, "the server refused: this user may not do it" },
	[MUN_WHY_PLAN_LIMIT] = { "plan_limit", 4, "the vendor's plan refused the request (402)" },
	[MUN_WHY_REJECTED] = { "rejected", 7, "the server rejected the first request" },
	[MUN_WHY_RATE_LIMITED] = { "rate_limited", 6, "rate limited for longer than --max-wait" },
	[MUN_WHY_STOP_AT] = { "stop_at", 10, "stopped at the time given by --stop-at" },
	[MUN_WHY_STOP_AFTER] = { "stop_after", 10,
	                         "stopped after the number of items given by --stop-after" },
	[MUN_WHY_STOP_ON_FAILURES] = { "stop_on_failures", 10,
	                               "stopped at the number of failures given by "
	                               "--stop-on-failures" },
	[MUN_WHY_SIGNAL] = { "signal", 128 + SIGINT, "interrupted by a signal" },
	[MUN_WHY_TERMINATED] = { "terminated", 128 + SIGTERM, "interrupted by a signal" },
	[MUN_WHY_HANGUP] = { "hangup", 128 + SIGHUP, "interrupted by a signal" },
	[MUN_WHY_JOURNAL] = { "journal", 12, "the journal could not be written" },
};

const char *mun_why_name(enum mun_why w)
{
	return whys[w].name;
}

const char *mun_why_sentence(enum mun_why w)
{
	return whys[w].sentence;
}

enum mun_why mun_why_find(const char *name)
{
	for (unsigned w = 1; w < MUN_WHYS; w++)
		if (strcmp(whys[w].name, name) == 0)
			return (enum mun_why)w;
	return MUN_WHY_NONE;
}

unsigned mun_why_exit(enum mun_why w)
{
	return whys[w].exit;
}

bool mun_why_is_signal(enum mun_why w)
{
	return whys[w].exit > 128;
}

enum mun_why mun_why_of_signal(int number)
{
	if (number == SIGTERM)
		return MUN_WHY_TERMINATED;
	return number == SIGHUP ? MUN_WHY_HANGUP : MUN_WHY_SIGNAL;
}

bool mun_why_is_stop(enum mun_why w)
{
	return whys[w].exit == 10;
}

/* A batch of one item exits as the vendor's CLI would. */
static unsigned single_exit(enum mun_verdict only)
{
	if (only == MUN_V_NOT_FOUND)
		return 5;
	if (only == MUN_V_DENIED)
		return 3;
	return only == MUN_V_REJECTED ? 7 : 9;
}

/* Of a batch that ended nothing is in flight any more. */
static uint64_t in_doubt(const struct mun_batch *b)
{
	return mun_batch_is_open(b->state) ? b->counts.in_doubt : mun_batch_at_rest(b).in_doubt;
}

unsigned mun_outcome_exit(const struct mun_batch *b, enum mun_verdict only)
{
	uint64_t duplicates = b->counts.total - b->items;
	bool not_done =
		b->counts.failed > 0 || b->counts.cancelled > 0 || b->counts.skipped > duplicates;

	if (b->state == MUN_B_HALTED)
		return mun_why_exit(mun_why_find(b->why));
	if (in_doubt(b) > 0)
		return 13;
	if (mun_batch_is_open(b->state))
		return b->state == MUN_B_STOPPED ? 10 : 0;
	if (not_done)
		return b->items == 1 ? single_exit(only) : 9;
	return 0;
}

const char *mun_outcome_action(const struct mun_batch *b)
{
	if (b->state == MUN_B_HALTED)
		return mun_why_find(b->why) == MUN_WHY_RATE_LIMITED ? "wait" : "fix";
	if (mun_batch_is_open(b->state))
		return "resume";
	if (in_doubt(b) > 0)
		return "resolve";
	return b->counts.failed > 0 || b->counts.skipped > b->counts.total - b->items ? "fix"
	                                                                              : "none";
}

enum mun_batch_state mun_outcome_end(const struct mun_counts *c, uint32_t items, bool cancelling)
{
	if (cancelling)
		return MUN_B_CANCELLED;
	if (c->in_doubt > 0)
		return MUN_B_DONE_IN_DOUBT;
	if (c->failed > 0 || c->cancelled > 0 || c->skipped > c->total - items)
		return MUN_B_DONE_WITH_FAILURES;
	return MUN_B_DONE;
}

bool mun_counts_conserve(const struct mun_counts *c)
{
	return c->total == c->done + c->already + c->failed + c->in_doubt + c->skipped +
	                           c->cancelled + c->pending;
}
