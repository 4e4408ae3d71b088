/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"

#define BODY_MAX  ((size_t)8 << 20)
#define CHAIN_MAX 32 /* exchanges of an item that are searched for a body */

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
	l->asked = seq;
	mun_buf_clear(&l->line);
	enum mun_code code = mun_journal_entry(l->j, seq, &l->line, err);
	if (code != MUN_OK)
		return code;
	code = mun_entry_decode(ret, ret_owner, mun_buf_str(&l->line), l->line.len, err);
	if (code != MUN_OK)
		return mun_wrap(err, code, "entry #%llu", (unsigned long long)seq);
	return MUN_OK;
}

static const struct mun_entry *find_kept(struct mun_lookup *l, const struct mun_ref *ref,
                                         uint32_t epoch)
{
	for (unsigned i = 0; i < MUN_LOOKUP_SLOTS; i++) {
		const struct mun_kept *k = &l->kept[i];
		if (!k->owner || k->epoch != epoch || !mun_ref_equal(&k->ref, ref))
			continue;
		if (i == l->next) /* what was given must outlive the next question */
			l->next = (i + 1) % MUN_LOOKUP_SLOTS;
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

	l->asked = MUN_NO_SEQ;
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

/* Is this the start of that epoch? Cheap for lines of other kinds. What is damaged is not. */
static enum mun_code try_start(struct mun_lookup *l, const struct mun_ref *batch, uint32_t epoch,
                               uint64_t seq, const struct mun_entry **ret, struct mun_err *err)
{
	static const char mark[] = "\"kind\":\"batch.";
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_entry e;

	mun_buf_clear(&l->line);
	enum mun_code code = mun_journal_entry(l->j, seq, &l->line, err);
	if (code == MUN_OK && !memmem(mun_buf_str(&l->line), l->line.len, mark, sizeof(mark) - 1))
		return MUN_OK;
	if (code == MUN_OK)
		code = mun_entry_decode(&e, &owner, mun_buf_str(&l->line), l->line.len, err);
	if (code == MUN_E_CORRUPT || code == MUN_E_NOTFOUND)
		return MUN_OK;
	if (code == MUN_OK && (e.kind == MUN_K_BATCH_STARTED || e.kind == MUN_K_BATCH_RESUMED) &&
	    e.u.start.epoch == epoch && mun_ref_equal(&e.batch, batch))
		*ret = keep(l, batch, epoch, &e, MUN_STEAL(owner));
	return code;
}

static enum mun_code search_start(struct mun_lookup *l, const struct mun_batch *row, uint32_t epoch,
                                  uint64_t before_seq, const struct mun_entry **ret,
                                  struct mun_err *err)
{
	const uint64_t guess[] = { row->newest_start_seq, row->started_seq };
	enum mun_code code = MUN_OK;

	for (size_t i = 0; code == MUN_OK && !*ret && i < MUN_ARRAY_LEN(guess); i++)
		code = try_start(l, &row->batch, epoch, guess[i], ret, err);
	/* the first and the newest epoch have no other place */
	if (epoch == 1 || epoch == row->epoch)
		return code;
	for (uint64_t seq = before_seq; code == MUN_OK && !*ret && seq-- > row->started_seq;)
		code = try_start(l, &row->batch, epoch, seq, ret, err);
	return code;
}

enum mun_code mun_lookup_start(struct mun_lookup *l, const struct mun_ref *batch, uint32_t epoch,
                               uint64_t before_seq, const struct mun_entry **ret,
                               struct mun_err *err)
{
	struct mun_batch row;

	l->asked = MUN_NO_SEQ;
	*ret = find_kept(l, batch, epoch);
	if (*ret)
		return MUN_OK;
	if (!l->lost || l->lost_epoch != epoch || !mun_ref_equal(&l->lost_batch, batch)) {
		enum mun_code code = mun_journal_batch(l->j, batch, &row, err);

		if (code == MUN_OK)
			code = search_start(l, &row, epoch, before_seq, ret, err);
		if (code != MUN_OK || *ret)
			return code;
		l->lost_seq = epoch == 1           ? row.started_seq
		              : epoch == row.epoch ? row.newest_start_seq
		                                   : MUN_NO_SEQ;
		l->lost = true;
		l->lost_batch = *batch;
		l->lost_epoch = epoch;
	}
	l->asked = l->lost_seq;
	return mun_fail(err, MUN_E_NOTFOUND, "the start of epoch %u cannot be read", epoch);
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

struct name_search {
	struct mun_lookup *l;
	uint64_t best; /* response whose body is in l->body; MUN_NO_SEQ */
};

static enum mun_code look_at_place(void *arg, const struct mun_place *place, struct mun_err *err)
{
	struct name_search *s = arg;
	enum mun_code code = MUN_OK;

	if (place->has_batch)
		code = newest_body(s->l, place, &s->best, err);
	return code == MUN_E_CORRUPT || code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_lookup_name(struct mun_lookup *l, const struct mun_id *org,
                              const struct mun_id *run, const struct mun_ref *plan, uint32_t item,
                              const char **ret, struct mun_err *err)
{
	struct name_search s = { .l = l, .best = MUN_NO_SEQ };
	struct mun_err ignored = { 0 };

	*ret = NULL;
	mun_buf_clear(&l->body);
	enum mun_code code = mun_journal_each_place(l->j, org, run, look_at_place, &s, err);
	if (code != MUN_OK && code != MUN_E_CORRUPT)
		return code;
	if (name_of_object(l, &l->body, true)) {
		*ret = mun_buf_str(&l->name);
		return MUN_OK;
	}
	mun_buf_clear(&l->body);
	code = mun_journal_columns(l->j, plan, item, &l->body, &ignored);
	if (code == MUN_OK && name_of_object(l, &l->body, false))
		*ret = mun_buf_str(&l->name);
	return MUN_OK;
}
