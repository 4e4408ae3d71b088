/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/handle.h"
#include "journal/verify_impl.h"
#include "lib/crypto.h"

/*
 * A consistent copy is taken, so that a running batch cannot come in between; its tables are
 * summed as sets, made anew there, and summed again.
 */
struct sums {
	uint64_t count[MUN_TABLES], sum[MUN_TABLES];
};

struct folder {
	char path[4096];
};

static void folder_remove(struct folder *f)
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char path[4200];

	if (f->path[0] == '\0')
		return;
	for (size_t i = 0; i < MUN_ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", f->path, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(f->path);
	f->path[0] = '\0';
}

static enum mun_code folder_make(struct folder *f, struct mun_err *err)
{
	const char *tmp = getenv("TMPDIR");

	int len = snprintf(f->path, sizeof(f->path), "%s/muniment-verify-XXXXXX",
	                   tmp && tmp[0] == '/' ? tmp : "/tmp");
	if (len < 0 || (size_t)len >= sizeof(f->path)) {
		f->path[0] = '\0';
		return mun_fail(err, MUN_E_IO, "TMPDIR is too long");
	}
	if (!mkdtemp(f->path)) {
		(void)mun_fail(err, MUN_E_IO, "%s cannot be made", f->path);
		f->path[0] = '\0';
		return MUN_E_IO;
	}
	return MUN_OK;
}

/* Length of the key first, so that no two pairs read alike. */
static uint64_t hash_pair(const uint8_t key[static 16], struct mun_buf *pair, struct mun_val k,
                          struct mun_val value)
{
	uint64_t len = k.len;

	mun_buf_clear(pair);
	mun_buf_add(pair, &len, sizeof(len));
	mun_buf_add(pair, k.data, k.len);
	mun_buf_add(pair, value.data, value.len);
	return mun_hash64(key, mun_buf_str(pair), pair->len);
}

static enum mun_code sum_table(struct mun_verify *v, struct mun_txn *t, unsigned table,
                               const uint8_t key[static 16], struct sums *ret, struct mun_err *err)
{
	struct mun_iter *it MUN_CLEANUP(mun_iter_closep) = NULL;
	struct mun_val k, value;

	enum mun_code code = mun_iter_open(&it, t, table, err);
	if (code != MUN_OK)
		return code;
	code = mun_iter_seek(it, mun_val(NULL, 0), &k, &value, err);
	while (code == MUN_OK) {
		ret->sum[table] += hash_pair(key, &v->text, k, value);
		ret->count[table]++;
		code = mun_iter_next(it, &k, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static enum mun_code sum_tables(struct mun_verify *v, struct mun_store *store,
                                const uint8_t key[static 16], struct sums *ret, struct mun_err *err)
{
	struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;

	memset(ret, 0, sizeof(*ret));
	enum mun_code code = mun_store_read(&t, store, err);
	for (unsigned i = MUN_T_FIRST_PROJECTION; code == MUN_OK && i < MUN_TABLES; i++)
		if (i != MUN_T_WINDOW)
			code = sum_table(v, t, i, key, ret, err);
	return code;
}

/* Clears the tables of the copy and makes them from its entries. */
static enum mun_code make_anew(struct mun_store *store, struct mun_err *err)
{
	struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;
	struct mun_store_info info;

	enum mun_code code = mun_store_info(store, &info, err);
	if (code == MUN_OK)
		code = mun_store_reserve(store, info.used_bytes, err);
	if (code == MUN_OK)
		code = mun_store_write(&t, store, err);
	if (code == MUN_OK)
		code = mun_rebuild_into(t, t, err);
	return code == MUN_OK ? mun_txn_commit(MUN_STEAL(t), err) : code;
}

static void compare(struct mun_verify *v, const struct sums *before, const struct sums *after)
{
	for (unsigned i = MUN_T_FIRST_PROJECTION; i < MUN_TABLES; i++) {
		if (before->count[i] == after->count[i] && before->sum[i] == after->sum[i])
			continue;
		mun_verify_bad(v, MUN_NO_SEQ,
		               "table %s does not fit the entries (%llu rows, not %llu): "
		               "muniment journal rebuild makes it anew",
		               mun_table_names[i], (unsigned long long)before->count[i],
		               (unsigned long long)after->count[i]);
	}
}

static enum mun_code rebuild_and_compare(struct mun_verify *v, const char *dir, struct mun_err *err)
{
	const struct mun_store_options options = { .tables = mun_table_names,
		                                   .tables_len = MUN_TABLES };
	struct mun_store *store MUN_CLEANUP(mun_store_closep) = NULL;
	struct sums before, after;
	uint8_t key[16];

	mun_random(key, sizeof(key));
	enum mun_code code = mun_store_open(&store, dir, &options, err);
	if (code == MUN_OK)
		code = sum_tables(v, store, key, &before, err);
	if (code == MUN_OK)
		code = make_anew(store, err);
	if (code == MUN_OK)
		code = sum_tables(v, store, key, &after, err);
	if (code == MUN_OK)
		compare(v, &before, &after);
	return code;
}

/* Every item of an ended batch stands in exactly one bucket: the rows against the counts. */
static enum mun_code count_items(void *arg, const struct mun_batch *b, struct mun_err *err)
{
	uint64_t count[MUN_ITEM_STATES] = { 0 };
	struct mun_verify *v = arg;
	struct mun_item row;

	for (uint32_t item = 0; item < b->items; item++) {
		enum mun_code code = mun_journal_item(v->j, &b->batch, item, &row, err);
		if (code != MUN_OK)
			return code;
		count[row.state]++;
	}
	const struct mun_counts *c = &b->counts;
	if (count[MUN_I_DONE] != c->done || count[MUN_I_ALREADY] != c->already ||
	    count[MUN_I_FAILED] != c->failed || count[MUN_I_IN_DOUBT] != c->in_doubt ||
	    count[MUN_I_SKIPPED] + (c->total - b->items) != c->skipped ||
	    count[MUN_I_CANCELLED] != c->cancelled ||
	    count[MUN_I_PENDING] + count[MUN_I_IN_FLIGHT] != c->pending)
		mun_verify_bad(v, b->last_seq, "conservation: items do not give the counts");
	return MUN_OK;
}

static enum mun_code check_counts(struct mun_verify *v, const char *dir, struct mun_err *err)
{
	const struct mun_journal_options options = {
		.dir = dir,
		.mode = MUN_JOURNAL_READ,
		.clock = mun_clock_system(),
		.version = "",
	};
	struct mun_journal *copy MUN_CLEANUP(mun_journal_closep) = NULL;
	struct mun_journal *original = v->j;

	enum mun_code code = mun_journal_open(&copy, &options, err);
	if (code != MUN_OK)
		return code;
	v->j = copy;
	code = mun_journal_batches(copy, false, count_items, v, err);
	v->j = original;
	return code;
}

enum mun_code mun_verify_tables(struct mun_verify *v, struct mun_err *err)
{
	struct folder folder MUN_CLEANUP(folder_remove) = { "" };

	enum mun_code code = folder_make(&folder, err);
	if (code == MUN_OK)
		code = mun_store_copy(mun_journal_store(v->j), folder.path, err);
	if (code == MUN_OK)
		code = rebuild_and_compare(v, folder.path, err);
	if (code == MUN_OK)
		code = check_counts(v, folder.path, err);
	if (mun_verify_is_damage(code)) {
		mun_verify_bad(v, MUN_NO_SEQ, "the tables cannot be made anew: %.150s", err->text);
		code = MUN_OK;
	}
	return code;
}
