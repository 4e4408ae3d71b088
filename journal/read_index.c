/* SPDX-License-Identifier: Apache-2.0 */
/* Getters that go through by_run and by_time. */
#include <string.h>

#include "journal/handle.h"
#include "lib/cursor.h"

#define EACH_SLICE 64 /* places that are read within one snapshot */

struct found { /* of by_run: a place, and when its plan was stored */
	struct mun_place place;
	uint64_t seq;
};

/* Places whose plan never was stored are none. */
static enum mun_code read_place(struct mun_txn *t, const uint8_t *rest, struct found *ret,
                                struct mun_err *err)
{
	struct mun_plan plan;
	enum mun_code code;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->place.plan.bytes, rest, MUN_REF_LEN);
	ret->place.item = mun_get_u32(rest + MUN_REF_LEN);
	code = mun_get_plan(t, &ret->place.plan, &plan, err);
	if (code != MUN_OK)
		return code;
	ret->seq = plan.seq;
	ret->place.has_batch = plan.state == MUN_PLAN_CONSUMED;
	ret->place.adopted = plan.adopted;
	ret->place.batch = plan.batch;
	return MUN_OK;
}

/* Sorted by seq, the newest that fit. */
static void insert(struct found *list, size_t max, size_t *len, const struct found *f)
{
	size_t at = *len;

	while (at > 0 && list[at - 1].seq > f->seq)
		at--;
	if (*len == max && at == 0)
		return;
	if (*len == max) {
		memmove(list, list + 1, --at * sizeof(*list)); /* the oldest goes */
	} else {
		memmove(list + at + 1, list + at, (*len - at) * sizeof(*list));
		(*len)++;
	}
	list[at] = *f;
}

static enum mun_code places(struct mun_txn *t, const struct mun_key *from, struct found *list,
                            size_t max, size_t *len, struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_iter_open(&it, t, MUN_T_BY_RUN, err);

	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(from), &key, &value, err);
	while (code == MUN_OK && key.len == from->len &&
	       memcmp(key.data, from->bytes, MUN_KEY_RUN_PREFIX) == 0) {
		struct found f;

		code = read_place(t, (const uint8_t *)key.data + MUN_KEY_RUN_PREFIX, &f, err);
		if (code == MUN_OK)
			insert(list, max, len, &f);
		if (code == MUN_OK || code == MUN_E_NOTFOUND)
			code = mun_iter_next(it, &key, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_journal_by_run(struct mun_journal *j, const struct mun_id *org,
                                 const struct mun_id *run, struct mun_place *ret, size_t max,
                                 size_t *ret_len, struct mun_err *err)
{
	static const struct mun_ref zero;
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_BUF_CLEANUP struct mun_buf memory;
	struct mun_key from = mun_key_run(org, run, &zero, 0);
	struct found *list;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	*ret_len = 0;
	mun_buf_init(&memory, SIZE_MAX / 4);
	if (code != MUN_OK)
		return code;
	list = mun_buf_reserve(&memory, (max + 1) * sizeof(*list));
	if (list == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the places of a run");
	code = places(t, &from, list, max, ret_len, err);
	for (size_t i = 0; code == MUN_OK && i < *ret_len; i++)
		ret[i] = list[i].place;
	return mun_journal_failed(j, code, err);
}

/* Up to EACH_SLICE places from *from on, which moves behind them. */
static enum mun_code slice_of_places(struct mun_journal *j, struct mun_key *from,
                                     struct mun_place *ret, size_t *ret_len, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_key at = *from;
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	*ret_len = 0;
	if (code == MUN_OK)
		code = mun_iter_open(&it, t, MUN_T_BY_RUN, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(&at), &key, &value, err);
	while (code == MUN_OK && *ret_len < EACH_SLICE && key.len == at.len &&
	       memcmp(key.data, at.bytes, MUN_KEY_RUN_PREFIX) == 0) {
		struct found f;

		memcpy(from->bytes, key.data, key.len);
		code = read_place(t, (const uint8_t *)key.data + MUN_KEY_RUN_PREFIX, &f, err);
		if (code == MUN_OK)
			ret[(*ret_len)++] = f.place;
		if (code == MUN_OK || code == MUN_E_NOTFOUND)
			code = mun_iter_next(it, &key, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : mun_journal_failed(j, code, err);
}

enum mun_code mun_journal_each_place(struct mun_journal *j, const struct mun_id *org,
                                     const struct mun_id *run, mun_place_fn fn, void *arg,
                                     struct mun_err *err)
{
	static const struct mun_ref zero;
	struct mun_key from = mun_key_run(org, run, &zero, 0);
	struct mun_place slice[EACH_SLICE];
	size_t len = EACH_SLICE;
	enum mun_code code = MUN_OK;

	while (code == MUN_OK && len == EACH_SLICE) {
		code = slice_of_places(j, &from, slice, &len, err);
		for (size_t i = 0; code == MUN_OK && i < len; i++)
			code = fn(arg, &slice[i], err);
		/* the next key there may be */
		for (size_t i = from.len; i > 0 && ++from.bytes[i - 1] == 0;)
			i--;
	}
	return code;
}

/* The first key of by_run that is not before from: its organization and run. */
static enum mun_code seek_run(struct mun_iter *it, const struct mun_key *from, struct mun_id *org,
                              struct mun_id *run, struct mun_err *err)
{
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_iter_seek(it, mun_key_val(from), &key, &value, err);

	if (code != MUN_OK)
		return code;
	memcpy(org->bytes, key.data, MUN_ID_LEN);
	memcpy(run->bytes, (const uint8_t *)key.data + MUN_ID_LEN, MUN_ID_LEN);
	return MUN_OK;
}

static bool next_id(struct mun_id *id)
{
	for (size_t i = MUN_ID_LEN; i-- > 0;) {
		if (++id->bytes[i] != 0)
			return true;
	}
	return false;
}

enum mun_code mun_journal_by_run_any_org(struct mun_journal *j, const struct mun_id *run,
                                         struct mun_id *ret_org, size_t *ret_orgs, size_t max,
                                         struct mun_err *err)
{
	static const struct mun_ref zero;
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_id org = { { 0 } };
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	*ret_orgs = 0;
	if (code == MUN_OK)
		code = mun_iter_open(&it, t, MUN_T_BY_RUN, err);
	/* Organizations are few: two look-ups for each, wherever its runs stand. */
	while (code == MUN_OK && *ret_orgs < max) {
		struct mun_key from = mun_key_run(&org, run, &zero, 0);
		struct mun_id found_org;
		struct mun_id found_run;

		code = seek_run(it, &from, &found_org, &found_run, err);
		if (code != MUN_OK)
			break;
		if (!mun_id_equal(&found_org, &org)) {
			/* This organization has no later run; look at the next one's. */
			org = found_org;
			from = mun_key_run(&org, run, &zero, 0);
			code = seek_run(it, &from, &found_org, &found_run, err);
		}
		if (code == MUN_OK && mun_id_equal(&found_org, &org) &&
		    mun_id_equal(&found_run, run))
			ret_org[(*ret_orgs)++] = org;
		if (code == MUN_OK && !next_id(&org))
			break;
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : mun_journal_failed(j, code, err);
}

enum mun_code mun_journal_time_range(struct mun_journal *j, int64_t since_us, int64_t until_us,
                                     uint64_t *ret_first, uint64_t *ret_end, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_val key;
	struct mun_val value;
	struct mun_tree tree = { 0 };
	bool any = false;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	*ret_first = 0;
	*ret_end = 0;
	if (code == MUN_OK)
		code = mun_get_tree(t, &tree, err);
	if (code == MUN_OK)
		code = mun_iter_open(&it, t, MUN_T_BY_TIME, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_val("", 0), &key, &value, err);
	while (code == MUN_OK) {
		uint64_t first = mun_get_u64(key.data) * MUN_BLOCK_ENTRIES;
		int64_t min = (int64_t)mun_get_u64(value.data);
		int64_t max = (int64_t)mun_get_u64((const uint8_t *)value.data + 8);

		/* Clocks jump, so every block is asked: it is one row for 256 entries. */
		if ((since_us == MUN_TIME_NONE || max >= since_us) &&
		    (until_us == MUN_TIME_NONE || min <= until_us)) {
			*ret_first = any ? *ret_first : first;
			*ret_end = first + MUN_BLOCK_ENTRIES;
			any = true;
		}
		code = mun_iter_next(it, &key, &value, err);
	}
	if (code == MUN_E_NOTFOUND) {
		*ret_end = *ret_end > tree.size ? tree.size : *ret_end;
		return MUN_OK;
	}
	return mun_journal_failed(j, code, err);
}
