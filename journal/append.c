/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/bodies.h"
#include "journal/crash.h"
#include "journal/elsewhere.h"
#include "journal/handle.h"
#include "journal/project.h"
#include "lib/cursor.h"

#define ROOM_PER_ENTRY   4096 /* line, leaf, nodes, rows */
#define ROOM_PER_OUTCOME 8192
#define ROOM_ALWAYS      65536 /* one entry of the largest size */
#define DAY_MS           (86400 * UINT64_C(1000))

/* The group at hand, within one transaction. */
struct appending {
	struct mun_journal *j;
	struct mun_txn *t;
	struct mun_group *g;
	struct mun_tree *tree;
	const struct mun_bodies *bodies; /* or NULL */
	struct mun_project project;
	struct mun_now now;
	struct mun_iter *by_run; /* opened when it is needed */
	bool window_fresh;
	unsigned admitted;
};

static bool has_windows(const struct mun_group *g)
{
	return g->target != NULL && g->rate != NULL && g->rate->len > 0;
}

static enum mun_code check_window(struct appending *a, struct mun_entry *e, struct mun_err *err)
{
	uint64_t blocked_ms;
	enum mun_code code;

	if (a->g->target == NULL)
		return MUN_OK;
	code = mun_window_blocked(a->t, a->g->target, &a->now, a->j->boot, &blocked_ms, err);
	if (code != MUN_OK)
		return code;
	if (blocked_ms > 0) {
		e->refused = MUN_REFUSED_WINDOW;
		return MUN_OK;
	}
	if (!has_windows(a->g))
		return MUN_OK;
	if (!a->window_fresh) {
		code = mun_window_refresh(&a->j->window, a->t, a->g->target, a->g->rate, &a->now,
		                          a->j->boot, err);
		if (code != MUN_OK)
			return code;
		a->window_fresh = true;
	}
	if (mun_rate_wait_ms(a->g->rate, &a->j->window.ring, a->now.uptime_ms) > 0)
		e->refused = MUN_REFUSED_WINDOW;
	return MUN_OK;
}

/* The last net: an item that is final, in flight or in doubt is never sent again. */
static enum mun_code own_item(struct appending *a, struct mun_entry *e, struct mun_err *err)
{
	struct mun_item item;
	enum mun_code code = mun_get_item_of(a->t, &a->project.batch, (uint32_t)e->item, &item, err);

	if (code == MUN_E_NOTFOUND)
		return MUN_OK;
	if (code == MUN_OK && item.state != MUN_I_PENDING)
		e->refused = MUN_REFUSED_NOT_PENDING;
	return code;
}

static enum mun_code admit(struct appending *a, struct mun_entry *e, struct mun_err *err)
{
	struct mun_elsewhere where = { a->t, &a->by_run, &a->project.batch };
	bool allowed = true;
	enum mun_code code = MUN_OK;

	if (a->j->commit_failed)
		return mun_fail(err, MUN_E_JOURNAL,
		                "a commit to the journal failed; nothing more is sent");
	if (e->has_batch) {
		code = mun_project_batch(&a->project, &e->batch, err);
		if (code == MUN_E_NOTFOUND)
			return mun_fail(err, MUN_E_INTERNAL, "a request of an unknown batch");
		if (code != MUN_OK)
			return code;
		if (a->project.batch.epoch != e->u.request.epoch)
			e->refused = MUN_REFUSED_EPOCH;
		else if (a->project.batch.cancelling)
			e->refused = MUN_REFUSED_CANCELLED;
	}
	if (e->refused == MUN_ADMITTED && mun_purpose_mutates(e->u.request.purpose))
		code = own_item(a, e, err);
	if (code == MUN_OK && e->refused == MUN_ADMITTED &&
	    mun_purpose_mutates(e->u.request.purpose)) {
		code = mun_elsewhere_allows(&where, e, &allowed, err);
		if (!allowed)
			e->refused = MUN_REFUSED_ELSEWHERE;
	}
	if (code == MUN_OK && e->refused == MUN_ADMITTED)
		code = check_window(a, e, err);
	return code;
}

static enum mun_code note_admitted(struct appending *a, const struct mun_entry *e,
                                   struct mun_err *err)
{
	a->admitted++;
	if (!has_windows(a->g))
		return MUN_OK;
	mun_admissions_add(&a->j->window.ring, a->now.uptime_ms);
	a->j->window.next_seq = e->seq + 1;
	return mun_window_add(a->t, a->g->target, e, err);
}

static enum mun_code put_leaf(struct appending *a, uint64_t seq, struct mun_err *err)
{
	uint8_t nodes[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	uint8_t leaf[MUN_SHA256_LEN];
	uint64_t index = mun_tree_index(0, seq);
	enum mun_code code = MUN_OK;
	unsigned made;

	mun_tree_leaf(leaf, a->j->line.data, a->j->line.len);
	made = mun_tree_push(a->tree, leaf, nodes);
	for (unsigned i = 0; code == MUN_OK && i < made; i++) {
		struct mun_key k = mun_key_u64(index + i);

		code = mun_txn_append(a->t, MUN_T_TREE, mun_key_val(&k),
		                      mun_val(nodes[i], MUN_SHA256_LEN), err);
	}
	return code;
}

static enum mun_code put_line(struct appending *a, struct mun_entry *e, size_t i,
                              struct mun_err *err)
{
	struct mun_key key = mun_key_u64(e->seq);
	enum mun_code code;

	mun_buf_clear(&a->j->line);
	code = mun_entry_encode(&a->j->line, e, err);
	if (code == MUN_OK)
		code = mun_txn_append(a->t, MUN_T_LOG, mun_key_val(&key),
		                      mun_val(a->j->line.data, a->j->line.len), err);
	if (code == MUN_OK)
		code = put_leaf(a, e->seq, err);
	if (code == MUN_OK && a->bodies != NULL && i < a->g->len && a->bodies->at[i].len > 0)
		code = mun_txn_append(
			a->t, MUN_T_BODY, mun_key_val(&key),
			mun_val(a->bodies->buf.data + a->bodies->at[i].at, a->bodies->at[i].len),
			err);
	return code;
}

/* One effect is claimed once: who comes second with the same archived_at found it there. */
static enum mun_code yield_claim(struct appending *a, const struct mun_entry *e,
                                 const struct mun_id *run, const char *archived_at,
                                 enum mun_verdict *verdict, struct mun_err *err)
{
	struct mun_elsewhere where = { a->t, &a->by_run, &a->project.batch };
	const struct mun_op *op = &mun_ops[a->project.batch.op];
	bool claimed;
	enum mun_code code;

	if (*verdict != op->done || archived_at == NULL || archived_at[0] == '\0')
		return MUN_OK;
	code = mun_elsewhere_claimed(&where, &e->org, run, archived_at, &claimed, err);
	if (code == MUN_OK && claimed)
		*verdict = op->already;
	return code;
}

static enum mun_code listed_run(struct appending *a, uint32_t item, struct mun_id *ret,
                                struct mun_err *err)
{
	struct mun_key key = mun_key_item(&a->project.batch.plan, item);
	struct mun_val row;
	enum mun_code code = mun_txn_get(a->t, MUN_T_LIST, mun_key_val(&key), &row, err);

	if (code == MUN_OK && row.len < sizeof(ret->bytes))
		code = mun_fail(err, MUN_E_CORRUPT, "item %u has a damaged row", item);
	if (code == MUN_OK)
		memcpy(ret->bytes, row.data, sizeof(ret->bytes));
	return code;
}

static enum mun_code yield_claims(struct appending *a, struct mun_entry *e, struct mun_err *err)
{
	struct mun_id run;
	enum mun_code code;

	if (!e->has_batch)
		return MUN_OK;
	code = mun_project_batch(&a->project, &e->batch, err);
	if (code == MUN_OK && e->has_run)
		code = yield_claim(a, e, &e->run, e->u.response.archived_at, &e->u.response.verdict,
		                   err);
	for (size_t i = 0; code == MUN_OK && i < e->u.response.settles_len; i++) {
		struct mun_settle *s = &e->u.response.settles[i];

		if (s->archived_at[0] == '\0')
			continue;
		code = listed_run(a, s->item, &run, err);
		if (code == MUN_OK)
			code = yield_claim(a, e, &run, s->archived_at, &s->verdict, err);
	}
	return code;
}

/* i: of the group, where its body is; or past it. */
static enum mun_code write_entry(struct appending *a, struct mun_entry *e, size_t i,
                                 struct mun_err *err)
{
	enum mun_code code;

	e->seq = a->tree->size;
	e->time_us = a->now.real_us;
	e->uptime_ms = (uint64_t)a->now.uptime_ms;
	memcpy(e->boot, a->j->boot, sizeof(e->boot));
	code = put_line(a, e, i, err);
	if (code == MUN_OK && e->kind == MUN_K_PLAN_STORED)
		code = mun_list_finish(a->t, e, err);
	return code == MUN_OK ? mun_project_entry(&a->project, e, err) : code;
}

static enum mun_code append_one(struct appending *a, size_t i, struct mun_err *err)
{
	struct mun_entry *e = &a->g->entries[i];
	enum mun_code code = MUN_OK;

	e->refused = MUN_ADMITTED;
	e->seq = MUN_NO_SEQ;
	if (e->kind == MUN_K_REQUEST)
		code = admit(a, e, err);
	else if (e->kind == MUN_K_RESPONSE)
		code = yield_claims(a, e, err);
	if (code != MUN_OK || e->refused != MUN_ADMITTED)
		return code;
	code = write_entry(a, e, i, err);
	if (code == MUN_OK && e->kind == MUN_K_REQUEST)
		code = note_admitted(a, e, err);
	return code;
}

static enum mun_code newest_time(struct appending *a, int64_t *ret_us, struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_key key = mun_key_u64(a->tree->size - 1);
	struct mun_entry newest;
	struct mun_val line;
	enum mun_code code;

	*ret_us = a->j->newest_us;
	if (a->j->newest_size == a->tree->size)
		return MUN_OK;
	code = mun_txn_get(a->t, MUN_T_LOG, mun_key_val(&key), &line, err);
	if (code == MUN_OK)
		code = mun_entry_decode(&newest, &owner, line.data, line.len, err);
	if (code == MUN_OK)
		*ret_us = newest.time_us;
	return code;
}

/* Realtime went backwards since the newest entry: that is said before anything else is. */
static enum mun_code note_jump(struct appending *a, struct mun_err *err)
{
	struct mun_entry e = { .kind = MUN_K_CLOCK_JUMPED, .item = MUN_NO_ITEM };
	int64_t newest_us;
	enum mun_code code;

	if (a->tree->size == 0)
		return MUN_OK;
	code = newest_time(a, &newest_us, err);
	if (code != MUN_OK || a->now.real_us >= newest_us)
		return code;
	e.u.clock.before_us = newest_us;
	e.u.clock.server_us = MUN_TIME_NONE;
	return write_entry(a, &e, a->g->len, err);
}

/* Rows that no window can need any more; a few per admitted request keep the table small. */
static enum mun_code prune_windows(struct appending *a, struct mun_err *err)
{
	uint64_t keep_ms = DAY_MS;

	if (a->admitted == 0 || !has_windows(a->g))
		return MUN_OK;
	for (size_t i = 0; i < a->g->rate->len; i++)
		if (a->g->rate->window[i].period_ms > keep_ms)
			keep_ms = a->g->rate->window[i].period_ms;
	return mun_window_prune(a->t, a->g->target, &a->now, a->j->boot, keep_ms, 2 * a->admitted,
	                        err);
}

static enum mun_code append_all(struct appending *a, struct mun_err *err)
{
	uint8_t head[8 + MUN_TREE_LEVELS * MUN_SHA256_LEN];
	size_t head_len;
	enum mun_code code = MUN_OK;

	mun_project_init(&a->project, a->t, a->t);
	mun_journal_now(a->j, &a->now);
	code = note_jump(a, err);
	for (size_t i = 0; code == MUN_OK && i < a->g->len; i++)
		code = append_one(a, i, err);
	mun_iter_closep(&a->by_run);
	if (code == MUN_OK)
		code = prune_windows(a, err);
	if (code == MUN_OK)
		code = mun_project_flush(&a->project, err);
	if (code != MUN_OK)
		return code;
	mun_tree_pack(head, &head_len, a->tree);
	return mun_txn_put(a->t, MUN_T_HEAD, mun_val("head", 4), mun_val(head, head_len), err);
}

enum mun_code mun_append_within(struct mun_journal *j, struct mun_txn *t, struct mun_tree *tree,
                                struct mun_group *g, unsigned *ret_admitted, struct mun_err *err)
{
	struct appending a = { .j = j, .t = t, .g = g, .tree = tree };
	enum mun_code code = append_all(&a, err);

	*ret_admitted = a.admitted;
	return code;
}

static enum mun_code reserve(struct mun_journal *j, const struct mun_group *g,
                             const struct mun_bodies *b, struct mun_err *err)
{
	size_t room = ROOM_ALWAYS + b->buf.len + (size_t)g->in_flight * ROOM_PER_OUTCOME;

	for (size_t i = 0; i < g->len; i++) {
		const struct mun_entry *e = &g->entries[i];

		room += ROOM_PER_ENTRY;
		if (e->kind == MUN_K_REQUEST)
			room += ROOM_PER_OUTCOME;
		if (e->kind == MUN_K_RESPONSE)
			room += e->u.response.settles_len * ROOM_PER_ENTRY;
	}
	return mun_store_reserve(j->store, room, err);
}

/* Their room was reserved before their requests left: whether it is enough, the commit tells. */
static bool only_outcomes(const struct mun_group *g)
{
	bool any = false;

	for (size_t i = 0; i < g->len; i++) {
		any |= g->entries[i].kind == MUN_K_RESPONSE;
		if (g->entries[i].kind == MUN_K_REQUEST)
			return false;
	}
	return any;
}

/*
 * The commit took its time: what this process admitted leaves now, and counts from now on. Other
 * processes see the time of the entry.
 */
static void restamp(struct appending *a)
{
	struct mun_now now;

	if (a->admitted == 0 || !has_windows(a->g))
		return;
	mun_journal_now(a->j, &now);
	mun_admissions_restamp(&a->j->window.ring, a->admitted, now.uptime_ms);
}

static enum mun_code write_group(struct mun_journal *j, struct mun_group *g,
                                 const struct mun_bodies *b, unsigned *ret_admitted,
                                 struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_tree tree;
	struct appending a = { .j = j, .g = g, .tree = &tree, .bodies = b };
	bool committing;
	enum mun_code code = reserve(j, g, b, err);

	if (code == MUN_E_FULL && only_outcomes(g))
		code = MUN_OK;
	if (code == MUN_OK)
		code = mun_store_write(&t, j->store, err);
	if (code == MUN_OK)
		code = mun_journal_guard(j, t, &tree, err);
	if (code != MUN_OK)
		return code;
	a.t = t;
	code = append_all(&a, err);
	mun_crash_at(g, false);
	committing = code == MUN_OK;
	if (committing)
		code = mun_txn_commit(MUN_STEAL(t), err);
	if (code != MUN_OK) {
		j->commit_failed |= committing;
		j->window.valid = false; /* it holds admissions that are not there */
		return code;
	}
	mun_crash_at(g, true);
	j->seen = tree;
	j->has_seen = true;
	restamp(&a);
	j->newest_size = tree.size;
	j->newest_us = a.now.real_us;
	*ret_admitted = a.admitted;
	return MUN_OK;
}

enum mun_code mun_journal_append(struct mun_journal *j, struct mun_group *g, struct mun_err *err)
{
	MUN_CLEANUP(mun_bodies_done) struct mun_bodies b = { .at = NULL };
	unsigned admitted = 0;
	enum mun_code code = mun_bodies_make(&b, &j->packer, g, err);

	if (code == MUN_OK)
		code = write_group(j, g, &b, &admitted, err);
	if (code == MUN_E_FULL && mun_bodies_drop(&b, g))
		code = write_group(j, g, &b, &admitted, err);
	if (code == MUN_OK && admitted > 0)
		code = mun_store_still_there(j->store, err);
	if (code == MUN_E_CORRUPT)
		code = MUN_E_JOURNAL; /* not ours to trust any more, which is not for verify to say
		                       */
	return mun_journal_failed(j, code, err);
}

static enum mun_code window_state(struct mun_journal *j, const char *target,
                                  const struct mun_rate *rate, struct mun_window_state *ret,
                                  struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_now now;
	enum mun_code code = mun_store_read(&t, j->store, err);

	memset(ret, 0, sizeof(*ret));
	mun_journal_now(j, &now);
	ret->blocked_until_us = MUN_TIME_NONE;
	if (code == MUN_OK)
		code = mun_window_blocked(t, target, &now, j->boot, &ret->wait_ms, err);
	if (code != MUN_OK)
		return code;
	if (ret->wait_ms > 0)
		ret->blocked_until_us = now.real_us + (int64_t)ret->wait_ms * 1000;
	if (rate == NULL || rate->len == 0)
		return MUN_OK;
	code = mun_window_refresh(&j->window, t, target, rate, &now, j->boot, err);
	if (code == MUN_OK) {
		uint64_t wait = mun_rate_wait_ms(rate, &j->window.ring, now.uptime_ms);

		ret->wait_ms = wait > ret->wait_ms ? wait : ret->wait_ms;
		for (size_t i = 0; i < rate->len; i++)
			ret->used[i] =
				mun_rate_used(&rate->window[i], &j->window.ring, now.uptime_ms);
	}
	return code;
}

enum mun_code mun_journal_window(struct mun_journal *j, const char *target,
                                 const struct mun_rate *rate, struct mun_window_state *ret,
                                 struct mun_err *err)
{
	return mun_journal_failed(j, window_state(j, target, rate, ret, err), err);
}

enum mun_code mun_journal_eta(struct mun_journal *j, const char *target,
                              const struct mun_rate *rate, uint64_t requests, uint64_t *ret_ms,
                              struct mun_err *err)
{
	struct mun_window_state w;
	struct mun_now now;
	enum mun_code code = mun_journal_window(j, target, rate, &w, err);

	*ret_ms = 0;
	mun_journal_now(j, &now);
	if (code == MUN_OK && rate->len > 0)
		*ret_ms = mun_rate_eta_ms(rate, &j->window.ring, now.uptime_ms, requests);
	if (code == MUN_OK && *ret_ms < w.wait_ms)
		*ret_ms = w.wait_ms;
	return code;
}
