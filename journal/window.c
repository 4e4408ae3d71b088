/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/window.h"

#include <stdio.h>
#include <string.h>

#include "lib/cursor.h"

#define ROW_LEN (8 + 8 + 6)
#define KEY_LEN (MUN_TARGET_HASH + 1 + 8)

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

/* Within a boot the uptime counts, across boots real time; never later than now. */
static int64_t row_time(const uint8_t *row, const struct mun_now *now, const uint8_t *boot)
{
	int64_t ago;

	if (memcmp(row + 16, boot, 6) == 0)
		ago = now->uptime_ms - (int64_t)mun_get_u64(row + 8);
	else
		ago = (now->real_us - (int64_t)mun_get_u64(row)) / 1000;
	return now->uptime_ms - (ago > 0 ? ago : 0);
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
	enum mun_code code = MUN_OK;

	if (!c->valid || strcmp(c->target, target) != 0 || !same_rate(&c->rate, rate))
		code = restart(c, target, rate, err);
	if (code == MUN_OK)
		code = mun_iter_open(&it, t, MUN_T_WINDOW, err);
	if (code != MUN_OK)
		return code;
	first = window_key(target, 'r', c->next_seq);
	code = mun_iter_seek(it, mun_key_val(&first), &key, &value, err);
	while (code == MUN_OK && is_row_of(key, value, &first)) {
		mun_admissions_add(&c->ring, row_time(value.data, now, boot));
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

	mun_put_u64(row, (uint64_t)e->time_us);
	mun_put_u64(row + 8, e->uptime_ms);
	memcpy(row + 16, e->boot, 6);
	return mun_txn_put(t, MUN_T_WINDOW, mun_key_val(&k), mun_val(row, sizeof(row)), err);
}

/* *ret: the oldest row's key, when it is old enough. */
static enum mun_code oldest(struct mun_txn *t, const struct mun_key *first, int64_t before_us,
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
	if (!is_row_of(key, value, first) || (int64_t)mun_get_u64(value.data) >= before_us)
		return MUN_E_NOTFOUND;
	memcpy(ret->bytes, key.data, key.len);
	ret->len = key.len;
	return MUN_OK;
}

enum mun_code mun_window_prune(struct mun_txn *t, const char *target, int64_t before_us,
                               unsigned max, struct mun_err *err)
{
	struct mun_key first = window_key(target, 'r', 0);
	enum mun_code code = MUN_OK;

	for (unsigned i = 0; code == MUN_OK && i < max; i++) {
		struct mun_key k;

		code = oldest(t, &first, before_us, &k, err);
		if (code == MUN_OK)
			code = mun_txn_delete(t, MUN_T_WINDOW, mun_key_val(&k), err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_window_blocked(struct mun_txn *t, const char *target, int64_t *ret_until_us,
                                 struct mun_err *err)
{
	struct mun_key k = window_key(target, 'b', 0);
	struct mun_val v;
	enum mun_code code = mun_txn_get(t, MUN_T_WINDOW, mun_key_val(&k), &v, err);

	*ret_until_us = MUN_TIME_NONE;
	if (code == MUN_E_NOTFOUND)
		return MUN_OK;
	if (code == MUN_OK && v.len == 8)
		*ret_until_us = (int64_t)mun_get_u64(v.data);
	return code;
}

enum mun_code mun_window_block(struct mun_txn *t, const char *target, int64_t until_us,
                               struct mun_err *err)
{
	struct mun_key k = window_key(target, 'b', 0);
	uint8_t row[8];
	int64_t already;
	enum mun_code code = mun_window_blocked(t, target, &already, err);

	if (code != MUN_OK || already >= until_us)
		return code;
	mun_put_u64(row, (uint64_t)until_us);
	return mun_txn_put(t, MUN_T_WINDOW, mun_key_val(&k), mun_val(row, sizeof(row)), err);
}
