/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/elsewhere.h"

#include <string.h>

#include "lib/cursor.h"

struct seen {
	const struct mun_item *item;
	uint64_t since;     /* where it is in doubt: the entry since which it is */
	bool goal_archived; /* of its batch */
};

/* In doubt without an attempt in this journal: another one may have made it. */
static enum mun_code read_batch_item(const struct mun_elsewhere *w, const struct mun_ref *ref,
                                     uint32_t number, struct mun_item *ret, uint64_t *ret_since,
                                     struct mun_err *err)
{
	struct mun_batch batch;
	enum mun_code code = mun_get_batch(w->t, ref, &batch, err);

	if (code == MUN_OK)
		code = mun_get_item_of(w->t, &batch, number, ret, err);
	*ret_since = ret->request_seq;
	if (code == MUN_OK && ret->state == MUN_I_IN_DOUBT && batch.doubted_seq != MUN_NO_SEQ &&
	    (ret->request_seq == MUN_NO_SEQ || ret->request_seq < batch.doubted_seq))
		*ret_since = batch.doubted_seq;
	return code;
}

/* The item at place, the end of a key of by_run; NOTFOUND where nothing was ever done. Until the
 * items of a former journal are probed here, they count as attempts, executed or not. */
static enum mun_code read_place(const struct mun_elsewhere *w, const uint8_t *place,
                                struct mun_item *ret, struct seen *ret_seen, struct mun_err *err)
{
	struct mun_plan plan;
	struct mun_ref ref;
	enum mun_code code;

	memcpy(ref.bytes, place, MUN_REF_LEN);
	if (mun_ref_equal(&ref, &w->own->plan))
		return MUN_E_NOTFOUND;
	code = mun_get_plan(w->t, &ref, &plan, err);
	if (code != MUN_OK)
		return code;
	ret_seen->goal_archived = mun_ops[plan.op].goal_archived;
	if (plan.state == MUN_PLAN_CONSUMED)
		return read_batch_item(w, &plan.batch, mun_get_u32(place + MUN_REF_LEN), ret,
		                       &ret_seen->since, err);
	if (!plan.adopted)
		return MUN_E_NOTFOUND;
	mun_item_init(ret);
	ret->state = MUN_I_IN_DOUBT;
	ret_seen->since = plan.seq;
	return MUN_OK;
}

static enum mun_code each(const struct mun_elsewhere *w, const struct mun_id *org,
                          const struct mun_id *run, void (*fn)(void *, const struct seen *),
                          void *arg, struct mun_err *err)
{
	static const struct mun_ref zero;
	struct mun_key from = mun_key_run(org, run, &zero, 0);
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = MUN_OK;

	if (*w->by_run == NULL)
		code = mun_iter_open(w->by_run, w->t, MUN_T_BY_RUN, err);
	if (code == MUN_OK)
		code = mun_iter_seek(*w->by_run, mun_key_val(&from), &key, &value, err);
	while (code == MUN_OK && memcmp(key.data, from.bytes, MUN_KEY_RUN_PREFIX) == 0) {
		struct mun_item item;
		struct seen s = { .item = &item };

		code = read_place(w, (const uint8_t *)key.data + MUN_KEY_RUN_PREFIX, &item, &s,
		                  err);
		if (code == MUN_OK)
			fn(arg, &s);
		else if (code != MUN_E_NOTFOUND)
			return code;
		code = mun_iter_next(*w->by_run, &key, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

struct admission {
	const struct mun_entry *e;
	bool open, any;
	uint64_t newest; /* entry of the newest outcome */
	bool newest_archived;
};

static void note_admission(void *arg, const struct seen *s)
{
	struct admission *a = arg;
	const struct mun_item *i = s->item;

	if (i->state == MUN_I_IN_FLIGHT || i->state == MUN_I_IN_DOUBT)
		a->open |= s->since != MUN_NO_SEQ && s->since >= a->e->elsewhere_seen;
	if ((i->state == MUN_I_DONE || i->state == MUN_I_ALREADY) &&
	    (!a->any || i->last_seq > a->newest)) {
		a->any = true;
		a->newest = i->last_seq;
		a->newest_archived = s->goal_archived;
	}
}

enum mun_code mun_elsewhere_allows(const struct mun_elsewhere *w, const struct mun_entry *e,
                                   bool *ret, struct mun_err *err)
{
	struct admission a = { .e = e };
	enum mun_code code = each(w, &e->org, &e->run, note_admission, &a, err);
	bool reached = a.any && e->u.request.attempt == 1 && a.newest >= e->elsewhere_seen &&
	               a.newest_archived == mun_ops[w->own->op].goal_archived;

	*ret = !a.open && !reached;
	return code;
}

struct claim {
	const char *archived_at;
	bool found;
};

static void note_claim(void *arg, const struct seen *s)
{
	struct claim *c = arg;

	c->found |= s->item->attempts > 0 && strcmp(s->item->archived_at, c->archived_at) == 0;
}

enum mun_code mun_elsewhere_claimed(const struct mun_elsewhere *w, const struct mun_id *org,
                                    const struct mun_id *run, const char *archived_at, bool *ret,
                                    struct mun_err *err)
{
	struct claim c = { .archived_at = archived_at };
	enum mun_code code = each(w, org, run, note_claim, &c, err);

	*ret = c.found;
	return code;
}
