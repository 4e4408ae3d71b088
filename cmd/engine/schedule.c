/* SPDX-License-Identifier: Apache-2.0 */
/* Which items are in memory, and which of them may go now, never waiting for more. */
#include <stdlib.h>
#include <string.h>

#include "cmd/engine/loop.h"

void mun_slot_free(struct mun_slot *s)
{
	if (s == NULL)
		return;
	mun_buf_done(&s->text);
	free(s);
}

void mun_slot_drop(struct mun_engine *e, struct mun_slot *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->slots_len; i++) /* in order: items go as the manifest has them */
		if (e->slots[i] != s)
			e->slots[kept++] = e->slots[i];
	e->slots_len = kept;
	mun_slot_free(s);
}

void mun_slot_unresolved(struct mun_engine *e, struct mun_slot *s)
{
	e->guard.unresolved += s->here;
	mun_slot_drop(e, s);
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
		code = mun_load_slot(e, s, err);
	if (code != MUN_OK) {
		mun_slot_free(s);
		return code;
	}
	if ((fresh && s->st.last_seq != MUN_NO_SEQ) || (s->poison && s->stage != MUN_STAGE_SEND) ||
	    (e->o.resolving && s->stage == MUN_STAGE_SEND)) { /* nothing to do about it */
		mun_slot_free(s);
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

static bool is_wanted(const struct mun_engine *e, uint32_t item)
{
	bool found = e->o.only == NULL;

	for (size_t i = 0; !found && i < e->o.only_len; i++)
		found = e->o.only[i] == item;
	return found && !has_slot(e, item);
}

/* What an earlier epoch left open, oldest item first. */
static enum mun_code load_open(struct mun_engine *e, struct mun_err *err)
{
	uint32_t items[64];

	while (!e->open_done && e->slots_len + MUN_ARRAY_LEN(items) < MUN_SLOTS) {
		size_t len;
		enum mun_code code =
			mun_journal_open_items(e->o.journal, &e->batch.batch, e->open_from, items,
		                               MUN_ARRAY_LEN(items), &len, err);

		for (size_t i = 0; code == MUN_OK && i < len; i++)
			code = is_wanted(e, items[i]) ? add_slot(e, items[i], false, err) : MUN_OK;
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
		n += e->slots[i]->stage == MUN_STAGE_SEND && e->slots[i]->due_ms <= mun_loop_ms(e);
	return n;
}

/* Fresh items, in the manifest's order, as many as there are places on the wire. */
static enum mun_code load_fresh(struct mun_engine *e, uint32_t *next, struct mun_err *err)
{
	size_t have = sendable(e);
	enum mun_code code = MUN_OK;

	/* who resolves asks about untouched items only where they are in doubt, too */
	if (!e->open_done || (e->o.resolving && e->batch.doubted_seq == MUN_NO_SEQ))
		return MUN_OK;
	while (code == MUN_OK && have < e->o.concurrency && *next < e->batch.items &&
	       e->slots_len < MUN_SLOTS) {
		size_t before = e->slots_len;

		code = is_wanted(e, *next) ? add_slot(e, *next, true, err) : MUN_OK;
		(*next)++;
		have += e->slots_len - before;
	}
	return code;
}

/*
 * Alone until the batch's first success, and not before each item that an earlier epoch left in
 * doubt was asked about once.
 */
static bool may_mutate(const struct mun_engine *e)
{
	if (!e->guard.any_success && e->mutating > 0)
		return false;
	for (size_t i = 0; i < e->slots_len; i++)
		if (e->slots[i]->unasked)
			return false;
	return true;
}

/* What was sent in this epoch and may have been done counts as done: never one too many. */
static bool limit_reached(const struct mun_engine *e)
{
	uint64_t n = e->guard.done + e->guard.unresolved + e->mutating;

	if (e->o.stop_after == 0)
		return false;
	for (size_t i = 0; i < e->slots_len; i++)
		n += e->slots[i]->here && e->slots[i]->st.state == MUN_I_IN_DOUBT;
	return n >= e->o.stop_after;
}

static void send_item(struct mun_engine *e, struct mun_slot *s)
{
	struct mun_flight f = { .kind = MUN_FLIGHT_MUTATE, .slot = s };
	struct mun_request r;

	mun_request_mutate(&r, &e->o.base, e->op, &e->batch.org, &s->row.run);
	s->stage = MUN_STAGE_FLYING;
	e->mutating++;
	mun_loop_intend(e, &f, &r, mun_purpose_of(e->batch.op));
}

static void send_items(struct mun_engine *e, size_t room)
{
	for (size_t i = 0; i < e->slots_len && e->intents_len < room; i++) {
		struct mun_slot *s = e->slots[i];

		if (s->stage != MUN_STAGE_SEND || s->due_ms > mun_loop_ms(e))
			continue;
		if (!mun_breaker_admits(e) || limit_reached(e))
			return;
		send_item(e, s);
		if (!e->guard.any_success)
			return; /* alone until the first success */
	}
}

enum mun_code mun_schedule_intents(struct mun_engine *e, uint32_t *next, struct mun_err *err)
{
	size_t room = e->o.concurrency - e->flights_len;
	enum mun_code code;

	if (e->draining || e->why != MUN_WHY_NONE || room == 0 ||
	    e->o.concurrency <= e->flights_len)
		return MUN_OK;
	if (mun_loop_ms(e) < e->window_until_ms || mun_loop_ms(e) < e->network_until_ms)
		return MUN_OK;
	code = load_open(e, err);
	if (code == MUN_OK)
		code = load_fresh(e, next, err);
	if (code != MUN_OK)
		return code;
	for (size_t i = 0; i < e->slots_len; i++) /* another runner was still settling it */
		if (e->slots[i]->recheck && e->slots[i]->due_ms <= mun_loop_ms(e)) {
			code = mun_load_slot(e, e->slots[i], err);
			if (code != MUN_OK)
				return code;
		}
	code = mun_walk_begin(e, err);
	if (code != MUN_OK)
		return code;
	mun_probe_intents(e, room);
	if (!e->o.resolving && may_mutate(e))
		send_items(e, room);
	return MUN_OK;
}
