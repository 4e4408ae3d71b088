/* SPDX-License-Identifier: Apache-2.0 */
/* Which items are in memory, and which of them may go now, never waiting for more. */
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/loop.h"

static uint64_t now_ms(const struct mun_engine *e)
{
	return (uint64_t)e->now.uptime_ms;
}

void mun_loop_free(struct mun_slot *s)
{
	if (s == NULL)
		return;
	mun_buf_done(&s->text);
	free(s);
}

void mun_loop_drop(struct mun_engine *e, struct mun_slot *s)
{
	for (size_t i = 0; i < e->slots_len; i++)
		if (e->slots[i] == s) { /* the order stays: items go as the manifest has them */
			e->slots_len--;
			memmove(&e->slots[i], &e->slots[i + 1],
			        (e->slots_len - i) * sizeof(e->slots[0]));
			break;
		}
	mun_loop_free(s);
}

/* fresh: an item that has a row is none: it is final, or load_open() brings it. */
static enum mun_code add_slot(struct mun_engine *e, uint32_t item, bool fresh, struct mun_err *err)
{
	struct mun_slot *s = calloc(1, sizeof(*s));
	enum mun_code code;

	if (s == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for an item");
	mun_buf_init(&s->text, 4096);
	s->item = item;
	code = mun_journal_list_row(e->o.journal, &e->batch.plan, item, &s->row, &s->text, err);
	if (code == MUN_OK)
		code = mun_probe_load(e, s, err);
	if (code != MUN_OK) {
		mun_loop_free(s);
		return code;
	}
	if ((fresh && s->st.last_seq != MUN_NO_SEQ) ||
	    (e->o.resolving && s->stage == MUN_STAGE_SEND)) { /* nothing to do about it */
		mun_loop_free(s);
		return MUN_OK;
	}
	e->slots[e->slots_len++] = s;
	return MUN_OK;
}

static bool has_slot(const struct mun_engine *e, uint32_t item)
{
	for (size_t i = 0; i < e->slots_len; i++)
		if (e->slots[i]->item == item)
			return true;
	return false;
}

/* What an earlier epoch left open, oldest item first. */
static enum mun_code load_open(struct mun_engine *e, struct mun_err *err)
{
	uint32_t items[64];
	size_t len;
	enum mun_code code;

	while (!e->open_done && e->slots_len + MUN_ARRAY_LEN(items) < MUN_SLOTS) {
		code = mun_journal_open_items(e->o.journal, &e->batch.batch, e->open_from, items,
		                              MUN_ARRAY_LEN(items), &len, err);
		for (size_t i = 0; code == MUN_OK && i < len; i++)
			code = has_slot(e, items[i]) ? MUN_OK : add_slot(e, items[i], false, err);
		if (code != MUN_OK)
			return code;
		e->open_done = len < MUN_ARRAY_LEN(items);
		if (len > 0)
			e->open_from = items[len - 1] + 1;
	}
	return MUN_OK;
}

static size_t sendable(const struct mun_engine *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->slots_len; i++)
		n += e->slots[i]->stage == MUN_STAGE_SEND && e->slots[i]->due_ms <= now_ms(e);
	return n;
}

/* Fresh items, in the manifest's order, as many as there are places on the wire. */
static enum mun_code load_fresh(struct mun_engine *e, uint32_t *next, struct mun_err *err)
{
	size_t have = sendable(e);
	enum mun_code code = MUN_OK;

	if (e->o.resolving || !e->open_done)
		return MUN_OK;
	while (code == MUN_OK && have < e->o.concurrency && *next < e->batch.items &&
	       e->slots_len < MUN_SLOTS) {
		size_t before = e->slots_len;

		code = add_slot(e, (*next)++, true, err);
		have += e->slots_len - before;
	}
	return code;
}

static bool may_mutate(const struct mun_engine *e)
{
	bool first = e->batch.counts.done == 0 && !e->guard.any_success;

	return !(first && e->mutating > 0);
}

static bool limit_reached(const struct mun_engine *e)
{
	return e->o.stop_after > 0 && e->guard.settled + e->mutating >= e->o.stop_after;
}

static void send_item(struct mun_engine *e, struct mun_slot *s)
{
	struct mun_flight f = { .kind = MUN_FLIGHT_MUTATE, .slot = s };
	struct mun_request r;

	mun_request_mutate(&r, &e->o.base, e->op, &e->batch.org, &s->row.run);
	s->stage = MUN_STAGE_FLYING;
	e->mutating++;
	mun_loop_intend(e, &f, &r, e->batch.op == MUN_OP_ARCHIVE ? MUN_P_ARCHIVE : MUN_P_RESTORE);
}

enum mun_code mun_schedule_intents(struct mun_engine *e, uint32_t *next, struct mun_err *err)
{
	size_t room = e->o.concurrency - e->flights_len;
	enum mun_code code;

	if (e->draining || e->why != MUN_WHY_NONE || room == 0 ||
	    e->o.concurrency <= e->flights_len)
		return MUN_OK;
	if (now_ms(e) < e->window_until_ms || now_ms(e) < e->network_until_ms)
		return MUN_OK;
	code = load_open(e, err);
	if (code == MUN_OK)
		code = load_fresh(e, next, err);
	if (code != MUN_OK)
		return code;
	for (size_t i = 0; i < e->slots_len; i++) /* another runner was still settling it */
		if (e->slots[i]->recheck && e->slots[i]->due_ms <= now_ms(e)) {
			code = mun_probe_load(e, e->slots[i], err);
			if (code != MUN_OK)
				return code;
		}
	mun_probe_intents(e, room);
	for (size_t i = 0; i < e->slots_len && e->intents_len < room; i++) {
		struct mun_slot *s = e->slots[i];

		if (s->stage != MUN_STAGE_SEND || s->due_ms > now_ms(e) || e->o.resolving)
			continue;
		if (!may_mutate(e) || !mun_breaker_admits(e) || limit_reached(e))
			break;
		send_item(e, s);
	}
	return MUN_OK;
}
