/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 429 or a network that is not there says nothing about one item: the whole batch waits, and
 * what was sent before the wait began and fails the same way counts once.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/engine/loop.h"

#define NOBODY_ANSWERS_MS 60000

bool mun_pause_is(const struct mun_answer *a)
{
	return a->send == MUN_SEND_NOT_SENT || (a->send == MUN_SEND_OK && a->http == 429);
}

static uint64_t offline(struct mun_engine *e, const struct mun_flight *f,
                        const struct mun_answer *a)
{
	uint64_t wait_ms;

	if (e->network_failures == 0 || f->sent_ms >= e->offline_from_ms) {
		e->network_failures++;
		e->offline_from_ms = mun_loop_ms(e);
	}
	wait_ms = mun_wait_ms(-1, e->network_failures, mun_random_below(UINT32_MAX));
	if (!e->answered && mun_loop_ms(e) + wait_ms > e->started_ms + NOBODY_ANSWERS_MS)
		wait_ms = e->started_ms + NOBODY_ANSWERS_MS > mun_loop_ms(e)
		                  ? e->started_ms + NOBODY_ANSWERS_MS + 1 - mun_loop_ms(e)
		                  : 1; /* one more try then, and no later */
	e->network_until_ms = mun_loop_ms(e) + wait_ms;
	if (!e->answered &&
	    (e->o.on_terminal || mun_loop_ms(e) - e->started_ms > NOBODY_ANSWERS_MS))
		mun_loop_halt(e, MUN_WHY_NETWORK, a->error);
	(void)snprintf(e->detail, sizeof(e->detail), "%s", a->error);
	return wait_ms;
}

static uint64_t limited(struct mun_engine *e, const struct mun_flight *f,
                        const struct mun_answer *a)
{
	uint64_t wait_ms;

	if (e->limit_failures == 0 || f->sent_ms >= e->limited_from_ms) {
		e->limit_failures++;
		e->limited_from_ms = mun_loop_ms(e);
	}
	wait_ms = mun_wait_ms(a->retry_after_s, e->limit_failures, mun_random_below(UINT32_MAX));
	if (e->window_until_ms < mun_loop_ms(e) + wait_ms)
		e->window_until_ms = mun_loop_ms(e) + wait_ms;
	if (wait_ms > e->o.max_wait_ms)
		mun_loop_halt(e, MUN_WHY_RATE_LIMITED, "");
	return wait_ms;
}

uint64_t mun_pause_all(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a,
                       struct mun_entry *r)
{
	bool limit = a->send == MUN_SEND_OK;
	uint64_t wait_ms = limit ? limited(e, f, a) : offline(e, f, a);

	r->u.response.retry_at_us = e->now.real_us + (int64_t)wait_ms * 1000;
	if (limit && (e->next_at_us == MUN_TIME_NONE || e->next_at_us < r->u.response.retry_at_us))
		e->next_at_us = r->u.response.retry_at_us;
	return wait_ms;
}

uint64_t mun_pause_one(struct mun_engine *e, const struct mun_answer *a, unsigned failures,
                       struct mun_entry *r)
{
	int64_t retry_after_s = a != NULL ? a->retry_after_s : -1;
	uint64_t wait_ms = mun_wait_ms(retry_after_s, failures, mun_random_below(UINT32_MAX));
	int64_t at_us = e->now.real_us + (int64_t)wait_ms * 1000;

	if (r != NULL)
		r->u.response.retry_at_us = at_us;
	if (wait_ms > e->o.max_wait_ms && retry_after_s > 0) { /* the server wants it so */
		if (e->next_at_us == MUN_TIME_NONE || e->next_at_us < at_us)
			e->next_at_us = at_us;
		mun_loop_halt(e, MUN_WHY_RATE_LIMITED, "");
	}
	return wait_ms;
}

/* Far from the server's time: what the entries say of "when" is then worth less. */
static void check_offset(struct mun_engine *e, int64_t server_us)
{
	int64_t offset_us = server_us - e->now.real_us;
	struct mun_entry *entry;

	if (e->said_offset || (offset_us < MUN_SKEW_US && offset_us > -MUN_SKEW_US))
		return;
	e->said_offset = true;
	entry = mun_loop_entry(e, MUN_K_CLOCK_JUMPED);
	entry->u.clock.server_us = server_us;
	entry->u.clock.before_us = MUN_TIME_NONE;
	if (e->o.clock_off != NULL)
		e->o.clock_off(e->o.arg, offset_us);
}

void mun_pause_learn(struct mun_engine *e, const struct mun_answer *a)
{
	int64_t date_us;
	const char *date = a->header[MUN_H_DATE];

	if (a->send == MUN_SEND_NOT_SENT || a->send == MUN_SEND_BAD_CERT)
		return;
	if (date[0] != '\0' && mun_date_parse_http(&date_us, date, strlen(date))) {
		e->has_server_time = true;
		e->server_zero_us = date_us - e->now.uptime_ms * 1000;
		check_offset(e, date_us);
	}
	e->answered = true;
	e->network_failures = 0;
	e->answers_ever += a->http != 0;
	e->answers_5xx += a->http >= 500;
	if (a->http != 429)
		e->limit_failures = 0;
	if (a->http != 0 && a->http != 429 && a->http < 500)
		e->last_good_ms = mun_loop_ms(e);
}

/* All that is left waits for a time that the server named earlier: come back then. */
static void leave_late_ones(struct mun_engine *e)
{
	uint64_t most_ms = e->o.max_wait_ms;
	uint64_t due_ms = MUN_NEVER;

	if (most_ms < e->o.settle_ms)
		most_ms = e->o.settle_ms;
	if (most_ms < MUN_BACKOFF_MAX_MS)
		most_ms = MUN_BACKOFF_MAX_MS;
	for (size_t i = 0; i < e->slots_len; i++)
		if (e->slots[i]->due_ms < due_ms)
			due_ms = e->slots[i]->due_ms;
	if (due_ms == MUN_NEVER || due_ms <= mun_loop_ms(e) + most_ms)
		return;
	e->next_at_us = e->now.real_us + (int64_t)(due_ms - mun_loop_ms(e)) * 1000;
	mun_loop_halt(e, MUN_WHY_RATE_LIMITED, "");
}

void mun_pause_give_up(struct mun_engine *e)
{
	enum mun_why why = e->limit_failures > 0     ? MUN_WHY_RATE_LIMITED
	                   : e->network_failures > 0 ? MUN_WHY_NETWORK
	                   : e->breaker.open         ? MUN_WHY_SERVER
	                                             : MUN_WHY_NONE;

	if (why == MUN_WHY_NONE) { /* waits of our own choice are no outage */
		e->last_good_ms = mun_loop_ms(e);
		leave_late_ones(e);
		return;
	}
	if (mun_loop_ms(e) - e->last_good_ms > e->o.max_wait_ms)
		mun_loop_halt(e, why, "");
}
