/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/window.h"

#include <stdio.h>
#include <string.h>

#include "lib/cursor.h"

#define ROW_LEN   (8 + 8 + 6)
#define BLOCK_LEN (8 + ROW_LEN)
#define KEY_LEN   (MUN_TARGET_HASH + 1 + 8)

void mun_window_cache_done(struct mun_window_cache *c)
{
	mun_admissions_done(&c->ring);
	memset(c, 0, sizeof(*c));
}

void mun_window_target(char ret[static MUN_TARGET_MAX], const struct mun_entry *request)
{
	char org[MUN_ID_TEXT] = "";

	if (request->has_org)
		mun_id_format(org, &request->org);
	(void)snprintf(ret, MUN_TARGET_MAX, "%s %s",
	               request->u.request.host != NULL ? request->u.request.host : "", org);
}

/* 'b': until when it is blocked; 'r' and a seq: an admitted request. */
static struct mun_key window_key(const char *target, char what, uint64_t seq)
{
	struct mun_key k = { .len = MUN_TARGET_HASH + 1 };
	uint8_t hash[MUN_SHA256_LEN];

	mun_sha256(hash, target, strlen(target));
	memcpy(k.bytes, hash, MUN_TARGET_HASH);
	k.bytes[MUN_TARGET_HASH] = (uint8_t)what;
	if (what == 'r') {
		mun_put_u64(k.bytes + k.len, seq);
		k.len += 8;
	}
	return k;
}

static bool is_row_of(struct mun_val key, struct mun_val value, const struct mun_key *first)
{
	return key.len == KEY_LEN && value.len == ROW_LEN &&
	       memcmp(key.data, first->bytes, MUN_TARGET_HASH + 1) == 0;
}

/* Microseconds since a row was written: within a boot by uptime, across boots by real time, never
 * negative. */
static uint64_t age_us(const uint8_t *row, const struct mun_now *now, const uint8_t *boot)
{
	int64_t age;

	if (memcmp(row + 16, boot, 6) == 0)
		age = (now->uptime_ms - (int64_t)mun_get_u64(row + 8)) * 1000;
	else
		age = now->real_us - (int64_t)mun_get_u64(row);
	return age > 0 ? (uint64_t)age : 0;
}

static void pack_when(uint8_t ret[static ROW_LEN], const struct mun_entry *e)
{
	mun_put_u64(ret, (uint64_t)e->time_us);
	mun_put_u64(ret + 8, e->uptime_ms);
	memcpy(ret + 16, e->boot, 6);
}

/* The newest requests that the ring has room for: earlier ones cannot matter. */
static enum mun_code find_first(struct mun_window_cache *c, struct mun_iter *it,
                                struct mun_err *err)
{
	struct mun_key last = window_key(c->target, 'r', UINT64_MAX);
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_iter_seek_last(it, mun_key_val(&last), &key, &value, err);

	for (size_t n = 0; code == MUN_OK && n < c->ring.cap && is_row_of(key, value, &last); n++) {
		c->next_seq = mun_get_u64((const uint8_t *)key.data + MUN_TARGET_HASH + 1);
		code = mun_iter_prev(it, &key, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static enum mun_code restart(struct mun_window_cache *c, const char *target,
                             const struct mun_rate *rate, struct mun_err *err)
{
	enum mun_code code;

	mun_window_cache_done(c);
	code = mun_admissions_init(&c->ring, rate, err);
	if (code != MUN_OK)
		return code;
	(void)snprintf(c->target, sizeof(c->target), "%s", target);
	c->rate = *rate;
	c->valid = true;
	return MUN_OK;
}

static bool same_rate(const struct mun_rate *a, const struct mun_rate *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		if (a->window[i].limit != b->window[i].limit ||
		    a->window[i].period_ms != b->window[i].period_ms)
			return false;
	}
	return true;
}

enum mun_code mun_window_refresh(struct mun_window_cache *c, struct mun_txn *t, const char *target,
                                 const struct mun_rate *rate, const struct mun_now *now,
                                 const uint8_t boot[static 6], struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_key first;
	struct mun_val key;
	struct mun_val value;
	bool again = !c->valid || strcmp(c->target, target) != 0 || !same_rate(&c->rate, rate);
	enum mun_code code = again ? restart(c, target, rate, err) : MUN_OK;

	if (code == MUN_OK)
		code = mun_iter_open(&it, t, MUN_T_WINDOW, err);
	if (code == MUN_OK && again)
		code = find_first(c, it, err);
	if (code != MUN_OK)
		return code;
	first = window_key(target, 'r', c->next_seq);
	code = mun_iter_seek(it, mun_key_val(&first), &key, &value, err);
	while (code == MUN_OK && is_row_of(key, value, &first)) {
		mun_admissions_add(
			&c->ring, now->uptime_ms - (int64_t)(age_us(value.data, now, boot) / 1000));
		c->next_seq = mun_get_u64((const uint8_t *)key.data + MUN_TARGET_HASH + 1) + 1;
		code = mun_iter_next(it, &key, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_window_add(struct mun_txn *t, const char *target, const struct mun_entry *e,
                             struct mun_err *err)
{
	struct mun_key k = window_key(target, 'r', e->seq);
	uint8_t row[ROW_LEN];

	pack_when(row, e);
	return mun_txn_put(t, MUN_T_WINDOW, mun_key_val(&k), mun_val(row, sizeof(row)), err);
}

/* *ret: the oldest row's key, when it is old enough. */
static enum mun_code oldest(struct mun_txn *t, const struct mun_key *first,
                            const struct mun_now *now, const uint8_t *boot, uint64_t keep_ms,
                            struct mun_key *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_iter_open(&it, t, MUN_T_WINDOW, err);

	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(first), &key, &value, err);
	if (code != MUN_OK)
		return code;
	if (!is_row_of(key, value, first) || age_us(value.data, now, boot) / 1000 < keep_ms)
		return MUN_E_NOTFOUND;
	memcpy(ret->bytes, key.data, key.len);
	ret->len = key.len;
	return MUN_OK;
}

enum mun_code mun_window_prune(struct mun_txn *t, const char *target, const struct mun_now *now,
                               const uint8_t boot[static 6], uint64_t keep_ms, unsigned max,
                               struct mun_err *err)
{
	struct mun_key first = window_key(target, 'r', 0);
	enum mun_code code = MUN_OK;

	for (unsigned i = 0; code == MUN_OK && i < max; i++) {
		struct mun_key k;

		code = oldest(t, &first, now, boot, keep_ms, &k, err);
		if (code == MUN_OK)
			code = mun_txn_delete(t, MUN_T_WINDOW, mun_key_val(&k), err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_window_blocked(struct mun_txn *t, const char *target, const struct mun_now *now,
                                 const uint8_t boot[static 6], uint64_t *ret_ms,
                                 struct mun_err *err)
{
	struct mun_key k = window_key(target, 'b', 0);
	struct mun_val v;
	int64_t whole_us;
	uint64_t age;
	enum mun_code code = mun_txn_get(t, MUN_T_WINDOW, mun_key_val(&k), &v, err);

	*ret_ms = 0;
	if (code == MUN_E_NOTFOUND || (code == MUN_OK && v.len != BLOCK_LEN))
		return MUN_OK;
	if (code != MUN_OK)
		return code;
	whole_us = (int64_t)mun_get_u64(v.data) - (int64_t)mun_get_u64((const uint8_t *)v.data + 8);
	age = age_us((const uint8_t *)v.data + 8, now, boot);
	if (whole_us > 0 && (uint64_t)whole_us > age)
		*ret_ms = ((uint64_t)whole_us - age + 999) / 1000;
	return MUN_OK;
}

enum mun_code mun_window_block(struct mun_txn *t, const char *target,
                               const struct mun_entry *response, struct mun_err *err)
{
	const struct mun_now then = { .real_us = response->time_us,
		                      .uptime_ms = (int64_t)response->uptime_ms };
	int64_t whole_us = response->u.response.retry_at_us - response->time_us;
	struct mun_key k = window_key(target, 'b', 0);
	uint8_t row[BLOCK_LEN];
	uint64_t already;
	enum mun_code code = mun_window_blocked(t, target, &then, response->boot, &already, err);

	if (code != MUN_OK || whole_us <= 0 || (uint64_t)whole_us <= already * 1000)
		return code;
	mun_put_u64(row, (uint64_t)response->u.response.retry_at_us);
	pack_when(row + 8, response);
	return mun_txn_put(t, MUN_T_WINDOW, mun_key_val(&k), mun_val(row, sizeof(row)), err);
}
