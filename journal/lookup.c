/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"

#define BODY_MAX   ((size_t)8 << 20)
#define PLACES_MAX 64
#define CHAIN_MAX  32 /* exchanges of an item that are searched for a body */

void mun_lookup_init(struct mun_lookup *l, struct mun_journal *j)
{
	memset(l, 0, sizeof(*l));
	l->j = j;
	mun_buf_init(&l->line, MUN_ENTRY_MAX);
	mun_buf_init(&l->body, BODY_MAX);
	mun_buf_init(&l->name, 65536);
}

void mun_lookup_done(struct mun_lookup *l)
{
	for (unsigned i = 0; i < MUN_LOOKUP_SLOTS; i++)
		mun_decoded_freep(&l->kept[i].owner);
	mun_buf_done(&l->line);
	mun_buf_done(&l->body);
	mun_buf_done(&l->name);
}

enum mun_code mun_lookup_entry(struct mun_lookup *l, uint64_t seq, struct mun_entry *ret,
                               struct mun_decoded **ret_owner, struct mun_err *err)
{
	mun_buf_clear(&l->line);
	enum mun_code code = mun_journal_entry(l->j, seq, &l->line, err);
	if (code != MUN_OK)
		return code;
	code = mun_entry_decode(ret, ret_owner, mun_buf_str(&l->line), l->line.len, err);
	if (code != MUN_OK)
		return mun_wrap(err, code, "entry #%llu", (unsigned long long)seq);
	return MUN_OK;
}

static const struct mun_entry *find_kept(const struct mun_lookup *l, const struct mun_ref *ref,
                                         uint32_t epoch)
{
	for (unsigned i = 0; i < MUN_LOOKUP_SLOTS; i++) {
		const struct mun_kept *k = &l->kept[i];
		if (k->owner && k->epoch == epoch && mun_ref_equal(&k->ref, ref))
			return &k->entry;
	}
	return NULL;
}

static const struct mun_entry *keep(struct mun_lookup *l, const struct mun_ref *ref, uint32_t epoch,
                                    const struct mun_entry *e, struct mun_decoded *owner)
{
	struct mun_kept *k = &l->kept[l->next];

	l->next = (l->next + 1) % MUN_LOOKUP_SLOTS;
	mun_decoded_freep(&k->owner);
	*k = (struct mun_kept){ .ref = *ref, .epoch = epoch, .entry = *e, .owner = owner };
	return &k->entry;
}

enum mun_code mun_lookup_plan(struct mun_lookup *l, const struct mun_ref *plan,
                              const struct mun_entry **ret, struct mun_err *err)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_plan row;
	struct mun_entry e;

	*ret = find_kept(l, plan, 0);
	if (*ret)
		return MUN_OK;
	enum mun_code code = mun_journal_plan(l->j, plan, &row, err);
	if (code != MUN_OK)
		return code;
	code = mun_lookup_entry(l, row.seq, &e, &owner, err);
	if (code != MUN_OK)
		return code;
	if (e.kind != MUN_K_PLAN_STORED)
		return mun_fail(err, MUN_E_CORRUPT, "entry #%llu is not the plan that its row says",
		                (unsigned long long)row.seq);
	*ret = keep(l, plan, 0, &e, MUN_STEAL(owner));
	return MUN_OK;
}

/* Is this the start of that epoch? Cheap for lines of other kinds. */
static enum mun_code try_start(struct mun_lookup *l, const struct mun_ref *batch, uint32_t epoch,
                               uint64_t seq, const struct mun_entry **ret, struct mun_err *err)
{
	static const char mark[] = "\"kind\":\"batch.";
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_entry e;

	mun_buf_clear(&l->line);
	enum mun_code code = mun_journal_entry(l->j, seq, &l->line, err);
	if (code != MUN_OK)
		return code;
	if (!memmem(mun_buf_str(&l->line), l->line.len, mark, sizeof(mark) - 1))
		return MUN_OK;
	code = mun_entry_decode(&e, &owner, mun_buf_str(&l->line), l->line.len, err);
	if (code != MUN_OK)
		return mun_wrap(err, code, "entry #%llu", (unsigned long long)seq);
	if ((e.kind == MUN_K_BATCH_STARTED || e.kind == MUN_K_BATCH_RESUMED) &&
	    e.u.start.epoch == epoch && mun_ref_equal(&e.batch, batch))
		*ret = keep(l, batch, epoch, &e, MUN_STEAL(owner));
	return MUN_OK;
}

enum mun_code mun_lookup_start(struct mun_lookup *l, const struct mun_ref *batch, uint32_t epoch,
                               uint64_t before_seq, const struct mun_entry **ret,
                               struct mun_err *err)
{
	struct mun_batch row;

	*ret = find_kept(l, batch, epoch);
	if (*ret)
		return MUN_OK;
	enum mun_code code = mun_journal_batch(l->j, batch, &row, err);
	if (code != MUN_OK)
		return code;
	const uint64_t guess[] = { row.newest_start_seq, row.started_seq };
	for (size_t i = 0; !*ret && i < MUN_ARRAY_LEN(guess); i++) {
		code = try_start(l, batch, epoch, guess[i], ret, err);
		if (code != MUN_OK)
			return code;
	}
	for (uint64_t seq = before_seq; !*ret && seq-- > row.started_seq;) {
		code = try_start(l, batch, epoch, seq, ret, err);
		if (code != MUN_OK)
			return code;
	}
	if (!*ret)
		return mun_fail(err, MUN_E_NOTFOUND, "no start of epoch %u before entry #%llu",
		                epoch, (unsigned long long)before_seq);
	return MUN_OK;
}

/* Newest exchange of the item that has a body, when it is newer than *best. */
static enum mun_code newest_body(struct mun_lookup *l, const struct mun_place *place,
                                 uint64_t *best, struct mun_err *err)
{
	struct mun_buf body MUN_BUF_CLEANUP;
	struct mun_exchange ex;
	struct mun_item item;

	mun_buf_init(&body, BODY_MAX);
	enum mun_code code = mun_journal_item(l->j, &place->batch, place->item, &item, err);
	if (code != MUN_OK)
		return code;
	uint64_t seq = item.exchange_seq;
	for (unsigned n = 0; seq != MUN_NO_SEQ && n < CHAIN_MAX; n++, seq = ex.prev_seq) {
		code = mun_journal_exchange(l->j, seq, &ex, err);
		if (code != MUN_OK)
			return code;
		if (ex.response_seq == MUN_NO_SEQ || ex.http < 200 || ex.http > 299)
			continue;
		if (*best != MUN_NO_SEQ && ex.response_seq <= *best)
			return MUN_OK;
		mun_buf_clear(&body);
		if (mun_journal_body(l->j, ex.response_seq, &body, err) != MUN_OK)
			continue;
		*best = ex.response_seq;
		mun_buf_clear(&l->body);
		mun_buf_add(&l->body, body.data, body.len);
		return MUN_OK;
	}
	return MUN_OK;
}

static bool name_of_object(struct mun_lookup *l, const struct mun_buf *text, bool in_data)
{
	struct mun_json *doc MUN_CLEANUP(mun_json_freep) = NULL;
	struct mun_err ignored;

	if (text->len == 0 || mun_json_parse(&doc, text->data, text->len, &ignored) != MUN_OK)
		return false;
	const struct mun_json_val *v = mun_json_root(doc);
	if (in_data)
		v = mun_json_get(v, "data");
	const char *name = mun_json_str(mun_json_get(v, "name"));
	if (!name)
		return false;
	mun_buf_clear(&l->name);
	mun_buf_puts(&l->name, name);
	return !l->name.failed;
}

enum mun_code mun_lookup_name(struct mun_lookup *l, const struct mun_id *org,
                              const struct mun_id *run, const struct mun_ref *plan, uint32_t item,
                              const char **ret, struct mun_err *err)
{
	struct mun_place places[PLACES_MAX];
	size_t len = 0;
	uint64_t best = MUN_NO_SEQ;

	*ret = NULL;
	mun_buf_clear(&l->body);
	enum mun_code code = mun_journal_by_run(l->j, org, run, places, PLACES_MAX, &len, err);
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	for (size_t i = len; i-- > 0;) {
		if (!places[i].has_batch)
			continue;
		code = newest_body(l, &places[i], &best, err);
		if (code != MUN_OK)
			return code;
	}
	if (name_of_object(l, &l->body, true)) {
		*ret = mun_buf_str(&l->name);
		return MUN_OK;
	}
	mun_buf_clear(&l->body);
	code = mun_journal_columns(l->j, plan, item, &l->body, err);
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	if (code == MUN_OK && name_of_object(l, &l->body, false))
		*ret = mun_buf_str(&l->name);
	return MUN_OK;
}
