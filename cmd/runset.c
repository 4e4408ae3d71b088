/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/runset.h"

#include <stdlib.h>
#include <string.h>

#include "lib/crypto.h"

struct mun_runset {
	struct mun_id *runs;
	size_t len, cap;
	uint32_t *index; /* position + 1; 0 empty; open addressing, two thirds full at most */
	size_t index_len;
	size_t taken;
	uint8_t key[16]; /* a hostile list cannot make the index degenerate */
};

enum mun_code mun_runset_new(struct mun_runset **ret, struct mun_err *err)
{
	struct mun_runset *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the list");
	mun_random(s->key, sizeof(s->key));
	*ret = s;
	return MUN_OK;
}

void mun_runset_freep(struct mun_runset **s)
{
	if (*s == NULL)
		return;
	free((*s)->runs);
	free((*s)->index);
	free(*s);
	*s = NULL;
}

static uint32_t *place(const struct mun_runset *s, uint32_t *index, size_t index_len,
                       const struct mun_id *run)
{
	uint32_t hash = (uint32_t)mun_hash64(s->key, run->bytes, sizeof(run->bytes));
	size_t at = (size_t)((uint64_t)hash * index_len >> 32);

	while (index[at] != 0 && !mun_id_equal(&s->runs[index[at] - 1], run))
		at = at + 1 < index_len ? at + 1 : 0;
	return &index[at];
}

static enum mun_code grow(struct mun_runset *s, struct mun_err *err)
{
	size_t cap = s->cap == 0 ? 1024 : s->cap * 2;
	size_t index_len = cap + cap / 2;
	struct mun_id *runs = realloc(s->runs, cap * sizeof(*runs));
	uint32_t *index;

	if (runs == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for %zu runs", cap);
	s->runs = runs;
	index = calloc(index_len, sizeof(*index));
	if (index == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for %zu runs", cap);
	for (size_t i = 0; i < s->len; i++)
		*place(s, index, index_len, &s->runs[i]) = (uint32_t)i + 1;
	free(s->index);
	s->index = index;
	s->index_len = index_len;
	s->cap = cap;
	return MUN_OK;
}

enum mun_code mun_runset_add(struct mun_runset *s, const struct mun_id *run, bool *ret_added,
                             struct mun_err *err)
{
	uint32_t *at;

	if (s->len == s->cap) {
		enum mun_code code = grow(s, err);

		if (code != MUN_OK)
			return code;
	}
	at = place(s, s->index, s->index_len, run);
	*ret_added = *at == 0;
	if (*at == 0) {
		s->runs[s->len++] = *run;
		*at = (uint32_t)s->len;
	}
	return MUN_OK;
}

void mun_runset_seal(struct mun_runset *s)
{
	free(s->index);
	s->index = NULL;
}

size_t mun_runset_len(const struct mun_runset *s)
{
	return s->len;
}

const struct mun_id *mun_runset_at(const struct mun_runset *s, size_t i)
{
	return &s->runs[i];
}

bool mun_runset_take(struct mun_runset *s, const struct mun_id *run)
{
	if (s->taken >= s->len || !mun_id_equal(&s->runs[s->taken], run))
		return false;
	s->taken++;
	return true;
}
