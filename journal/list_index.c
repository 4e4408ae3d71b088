/* SPDX-License-Identifier: Apache-2.0 */
/*
 * by_run of a long list, written once and in the order of its keys: each page is filled and
 * committed once. In the order of the list every chunk would touch every page.
 */
#include <stdlib.h>
#include <string.h>

#include "journal/handle.h"
#include "lib/failpoint.h"

#define BUCKETS    65536 /* by the first two bytes of a run */
#define CHUNK_MANY 32768 /* keys of one transaction where they lie side by side */
#define CHUNK_FEW  4096  /* the same where each may be in a page of its own: 16 MiB of memory */
#define ROOM_KEY   160   /* key and node, in pages that may be half full */
#define ROOM_PAGE  4096

struct index {
	struct mun_journal *j;
	const struct mun_ref *plan;
	const struct mun_id *org;
	const struct mun_id *runs; /* by item */
	size_t len;
	uint32_t *items; /* in the order of their runs */
};

static size_t bucket_of(const struct mun_id *run)
{
	return (size_t)run->bytes[0] << 8 | run->bytes[1];
}

static int by_run(const void *a, const void *b, void *arg)
{
	const struct index *x = arg;

	return memcmp(x->runs[*(const uint32_t *)a].bytes, x->runs[*(const uint32_t *)b].bytes,
	              MUN_ID_LEN);
}

/* Into buckets first: ids are spread evenly as a rule. */
static enum mun_code sort_items(struct index *x, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) uint32_t *end = calloc(BUCKETS, sizeof(*end));
	uint32_t sum = 0;
	size_t from = 0;

	x->items = calloc(x->len + 1, sizeof(*x->items));
	if (x->items == NULL || end == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a list");
	for (size_t i = 0; i < x->len; i++)
		end[bucket_of(&x->runs[i])]++;
	for (size_t b = 0; b < BUCKETS; b++) {
		uint32_t count = end[b];

		end[b] = sum; /* where the bucket starts; filling it moves this to its end */
		sum += count;
	}
	for (size_t i = 0; i < x->len; i++)
		x->items[end[bucket_of(&x->runs[i])]++] = (uint32_t)i;
	for (size_t b = 0; b < BUCKETS; from = end[b++])
		qsort_r(x->items + from, end[b] - from, sizeof(*x->items), by_run, x);
	return MUN_OK;
}

static enum mun_code put_chunk(const struct index *x, size_t from, size_t len, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_tree tree;
	size_t pages = len < CHUNK_FEW ? len : CHUNK_FEW;
	enum mun_code code =
		mun_store_reserve(x->j->store, len * ROOM_KEY + pages * ROOM_PAGE, err);

	if (code == MUN_OK)
		code = mun_store_write(&t, x->j->store, err);
	if (code == MUN_OK)
		code = mun_journal_guard(x->j, t, &tree, err);
	for (size_t i = from; code == MUN_OK && i < from + len; i++) {
		uint32_t item = x->items[i];
		struct mun_key k = mun_key_run(x->org, &x->runs[item], x->plan, item);

		(void)mun_failpoint("plan_index");
		code = mun_txn_put(t, MUN_T_BY_RUN, mun_key_val(&k), mun_val("", 0), err);
	}
	return code == MUN_OK ? mun_txn_commit(MUN_STEAL(t), err) : code;
}

/* How many keys may go into one transaction, given how many there are between them. */
static enum mun_code chunk_of(struct mun_journal *j, size_t len, size_t *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_store_read(&t, j->store, err);

	if (code == MUN_OK)
		*ret = mun_txn_count(t, MUN_T_BY_RUN) / 8 > len ? CHUNK_FEW : CHUNK_MANY;
	return code;
}

enum mun_code mun_journal_plan_index(struct mun_journal *j, const struct mun_ref *plan,
                                     const struct mun_id *org, const struct mun_id *runs,
                                     size_t len, struct mun_err *err)
{
	struct index x = { .j = j, .plan = plan, .org = org, .runs = runs, .len = len };
	size_t chunk = CHUNK_FEW;
	enum mun_code code = sort_items(&x, err);

	if (code == MUN_OK)
		code = chunk_of(j, len, &chunk, err);
	for (size_t from = 0; code == MUN_OK && from < len; from += chunk)
		code = put_chunk(&x, from, len - from < chunk ? len - from : chunk, err);
	free(x.items);
	return mun_journal_failed(j, code, err);
}
