/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cmd/engine/loop.h"

#define BREAKER_ROW      5
#define BREAKER_FIRST_MS 30000
#define BREAKER_MAX_MS   300000
#define SHARE_MIN        20 /* items before the 30 % guard speaks */

static void record(struct mun_guard *g, bool failed)
{
	g->window[g->window_at] = failed;
	g->window_at = (g->window_at + 1) % MUN_ARRAY_LEN(g->window);
	if (g->window_len < MUN_ARRAY_LEN(g->window))
		g->window_len++;
	g->settled++;
}

void mun_guard_success(struct mun_engine *e)
{
	struct mun_guard *g = &e->guard;

	record(g, false);
	g->any_success = true;
	g->denied_row = g->blocked_row = g->unverified_row = g->infra_row = 0;
	e->breaker = (struct mun_breaker){ .pause_ms = 0 };
}

/* What most of the failures of this epoch have in common. */
static void halt_for_share(struct mun_engine *e)
{
	const struct mun_guard *g = &e->guard;
	char text[96];
	unsigned most = 0;

	for (unsigned v = 1; v < MUN_VERDICTS; v++)
		if (g->failed_as[v] > g->failed_as[most])
			most = v;
	(void)snprintf(text, sizeof(text), "%u of %llu are %s", g->failed_as[most],
	               (unsigned long long)g->failures, mun_verdict_name((enum mun_verdict)most));
	if (g->failed_http[most] != 0)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), " (HTTP %u)",
		               g->failed_http[most]);
	mun_loop_halt(e, MUN_WHY_FAILURES, text);
}

static bool share_too_high(const struct mun_guard *g)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < g->window_len; i++)
		failed += g->window[i];
	return g->settled >= SHARE_MIN && failed * 10 > g->window_len * 3;
}

void mun_guard_failed(struct mun_engine *e, enum mun_verdict v, unsigned http, bool first_item)
{
	struct mun_guard *g = &e->guard;

	record(g, true);
	g->failures++;
	g->failed_as[v]++;
	g->failed_http[v] = http;
	g->denied_row = v == MUN_V_DENIED ? g->denied_row + 1 : 0;
	if (v == MUN_V_NOT_FOUND && http != 410 && g->settled == g->not_found_first + 1)
		g->not_found_first++;
	if (e->o.keep_going)
		return;
	if (v == MUN_V_DENIED && (!g->any_success || g->denied_row >= 3))
		mun_loop_halt(e, MUN_WHY_DENIED, "");
	else if (!g->any_success && first_item)
		mun_loop_halt(e, MUN_WHY_REJECTED, "");
	else if (g->not_found_first >= 5 && g->settled == g->not_found_first)
		mun_loop_halt(e, MUN_WHY_WRONG_ORG, "");
	else if (share_too_high(g))
		halt_for_share(e);
}

void mun_guard_infra(struct mun_engine *e, bool infra)
{
	struct mun_breaker *b = &e->breaker;

	if (!infra) {
		e->guard.infra_row = 0;
		return;
	}
	e->guard.infra_row++;
	if (e->guard.infra_row < BREAKER_ROW && !b->half)
		return;
	b->pause_ms = b->pause_ms == 0 ? BREAKER_FIRST_MS : b->pause_ms * 2;
	if (b->pause_ms > BREAKER_MAX_MS)
		b->pause_ms = BREAKER_MAX_MS;
	b->open = true;
	b->half = false;
	b->due_ms = mun_loop_ms(e) + b->pause_ms;
}

/* Mutating requests: none while open, one at a time while half open. */
bool mun_breaker_admits(struct mun_engine *e)
{
	if (e->breaker.open)
		return false;
	return !e->breaker.half || e->mutating == 0;
}

void mun_breaker_read(struct mun_engine *e, bool answered)
{
	struct mun_breaker *b = &e->breaker;

	if (!b->open)
		return;
	if (answered) {
		b->open = false;
		b->half = true;
		return;
	}
	b->pause_ms = b->pause_ms * 2 > BREAKER_MAX_MS ? BREAKER_MAX_MS : b->pause_ms * 2;
	b->due_ms = mun_loop_ms(e) + b->pause_ms;
}
