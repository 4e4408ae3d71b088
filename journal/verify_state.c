/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/verify_state.h"

#include <stdlib.h>
#include <string.h>

#include "lib/crypto.h"

#define MAP_ROOM  64 /* slots at first; at most half of them are used */
#define OPEN_GONE 64 /* removed ones that are not worth a compaction */

static enum mun_code no_memory(struct mun_err *err)
{
	return mun_fail(err, MUN_E_NOMEM, "no memory for what verify remembers");
}

static void map_init(struct mun_verify_map *m)
{
	*m = (struct mun_verify_map){ .cap = 0 };
	mun_random(m->key, sizeof(m->key));
}

/* Where the ref stands or would stand. */
static size_t place(const struct mun_verify_map *m, const void *rows, size_t row,
                    const struct mun_ref *ref)
{
	size_t at = (size_t)mun_hash64(m->key, ref->bytes, MUN_REF_LEN) & (m->cap - 1);

	/* both kinds of rows begin with their ref */
	while (m->slot[at] &&
	       memcmp((const char *)rows + (m->slot[at] - 1) * row, ref->bytes, MUN_REF_LEN) != 0)
		at = (at + 1) & (m->cap - 1);
	return at;
}

static void *find(const struct mun_verify_map *m, void *rows, size_t row, const struct mun_ref *ref)
{
	if (m->cap == 0)
		return NULL;
	size_t at = place(m, rows, row, ref);
	return m->slot[at] ? (char *)rows + (m->slot[at] - 1) * row : NULL;
}

static bool widen(struct mun_verify_map *m, const void *rows, size_t row)
{
	struct mun_verify_map wide = *m;

	wide.cap = m->cap ? m->cap * 2 : MAP_ROOM;
	wide.slot = calloc(wide.cap, sizeof(*wide.slot));
	if (!wide.slot)
		return false;
	for (size_t i = 0; i < m->len; i++) {
		struct mun_ref ref;
		memcpy(ref.bytes, (const char *)rows + i * row, MUN_REF_LEN);
		size_t at = place(&wide, rows, row, &ref);
		if (!wide.slot[at])
			wide.slot[at] = (uint32_t)i + 1;
	}
	free(m->slot);
	*m = wide;
	return true;
}

/* The row at m->len is a new one. */
static enum mun_code add(struct mun_verify_map *m, const void *rows, size_t row,
                         const struct mun_ref *ref, struct mun_err *err)
{
	if ((m->len + 1) * 2 > m->cap && !widen(m, rows, row))
		return no_memory(err);
	size_t at = place(m, rows, row, ref);
	m->len++;
	m->slot[at] = (uint32_t)m->len;
	return MUN_OK;
}

static bool grow(void **array, size_t *cap, size_t len, size_t size)
{
	if (len < *cap)
		return true;
	size_t want = *cap ? *cap * 2 : 64;
	void *bigger = want < UINT32_MAX ? reallocarray(*array, want, size) : NULL;
	if (!bigger)
		return false;
	*array = bigger;
	*cap = want;
	return true;
}

void mun_verify_state_init(struct mun_verify_state *s)
{
	*s = (struct mun_verify_state){ .open_len = 0 };
	map_init(&s->plan_map);
	map_init(&s->batch_map);
}

void mun_verify_state_done(struct mun_verify_state *s)
{
	for (size_t i = 0; i < s->batches_len; i++)
		free(s->batches[i].bucket);
	free(s->batches);
	free(s->batch_map.slot);
	free(s->plans);
	free(s->plan_map.slot);
	free(s->open);
}

struct mun_verify_plan *mun_verify_find_plan(struct mun_verify_state *s, const struct mun_ref *plan)
{
	return find(&s->plan_map, s->plans, sizeof(*s->plans), plan);
}

struct mun_verify_batch *mun_verify_find_batch(struct mun_verify_state *s,
                                               const struct mun_ref *batch)
{
	return find(&s->batch_map, s->batches, sizeof(*s->batches), batch);
}

enum mun_code mun_verify_add_plan(struct mun_verify_state *s, const struct mun_verify_plan *plan,
                                  struct mun_err *err)
{
	void *plans = s->plans;

	if (!grow(&plans, &s->plans_cap, s->plans_len, sizeof(*s->plans)))
		return no_memory(err);
	s->plans = plans;
	enum mun_code code = add(&s->plan_map, s->plans, sizeof(*s->plans), &plan->plan, err);
	if (code == MUN_OK)
		s->plans[s->plans_len++] = *plan;
	return code;
}

enum mun_code mun_verify_add_batch(struct mun_verify_state *s, const struct mun_verify_batch *batch,
                                   struct mun_err *err)
{
	void *batches = s->batches;

	if (!grow(&batches, &s->batches_cap, s->batches_len, sizeof(*s->batches)))
		return no_memory(err);
	s->batches = batches;
	uint32_t items = batch->plan.items;
	uint8_t *bucket = batch->plan.listed ? calloc(items > 0 ? items : 1, 1) : NULL;
	if (batch->plan.listed && !bucket)
		return no_memory(err);
	enum mun_code code =
		add(&s->batch_map, s->batches, sizeof(*s->batches), &batch->batch, err);
	if (code != MUN_OK) {
		free(bucket);
		return code;
	}
	s->batches[s->batches_len] = *batch;
	s->batches[s->batches_len++].bucket = bucket;
	return MUN_OK;
}

static void compact(struct mun_verify_state *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->open_len; i++)
		if (!s->open[i].gone)
			s->open[kept++] = s->open[i];
	s->open_len = kept;
	s->open_gone = 0;
}

enum mun_code mun_verify_add_open(struct mun_verify_state *s, const struct mun_verify_open *open,
                                  struct mun_err *err)
{
	void *array = s->open;

	if (s->open_gone > OPEN_GONE && s->open_gone > s->open_len / 2)
		compact(s);
	if (!grow(&array, &s->open_cap, s->open_len, sizeof(*s->open)))
		return no_memory(err);
	s->open = array;
	s->open[s->open_len++] = *open;
	return MUN_OK;
}

struct mun_verify_open *mun_verify_find_open(struct mun_verify_state *s, uint64_t seq)
{
	size_t low = 0, high = s->open_len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->open[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->open_len && s->open[low].seq == seq && !s->open[low].gone ? &s->open[low]
	                                                                          : NULL;
}

void mun_verify_remove_open(struct mun_verify_state *s, struct mun_verify_open *open)
{
	open->gone = true;
	s->open_gone++;
}
