/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/anew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/project.h"
#include "journal/window.h"
#include "lib/cursor.h"
#include "lib/failpoint.h"

/* Rows that one commit may touch, each perhaps with a page of its own in three tables. */
#define SLICE_ROWS  2048
#define ROW_ROOM    ((size_t)3 * 4096)
#define ROOM_MAX    ((size_t)4 << 30)  /* of one entry that concerns very many items */
#define WINDOW_ROWS (4 * MUN_RATE_MAX) /* the largest window of several targets */

struct folder {
	char path[4096];
};

/* The files live on in the process that has them open. */
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
}

static enum mun_code folder_make(struct folder *f, struct mun_err *err)
{
	const char *tmp = getenv("TMPDIR");
	int len = snprintf(f->path, sizeof(f->path), "%s/muniment-tables-XXXXXX",
	                   tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");

	if (len > 0 && (size_t)len < sizeof(f->path) && mkdtemp(f->path) != NULL)
		return MUN_OK;
	(void)mun_fail(err, MUN_E_IO, "no folder for scratch tables can be made: %s", f->path);
	f->path[0] = '\0';
	mun_hint(err, "set TMPDIR to a folder with room");
	return MUN_E_IO;
}

enum mun_code mun_anew_open(struct mun_anew *ret, struct mun_err *err)
{
	const struct mun_store_options options = { .tables = mun_table_names,
		                                   .tables_len = MUN_TABLES };
	MUN_CLEANUP(folder_remove) struct folder folder = { "" };
	enum mun_code code = folder_make(&folder, err);

	*ret = (struct mun_anew){ .size = 0 };
	if (code == MUN_OK)
		code = mun_store_open(&ret->store, folder.path, &options, err);
	if (code == MUN_OK)
		return MUN_OK;
	return mun_wrap(err, code == MUN_E_NOMEM ? code : MUN_E_IO, "scratch tables");
}

void mun_anew_done(struct mun_anew *a)
{
	mun_store_closep(&a->store);
}

static enum mun_code no_room(size_t bytes, struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_IO, "no room in TMPDIR for %zu bytes more of scratch tables",
	               bytes);
	mun_hint(err, "set TMPDIR to a folder with room");
	return MUN_E_IO;
}

struct progress { /* of one slice */
	uint64_t rows, wrong, first_wrong;
};

/* How many rows an entry may touch. */
static uint64_t weight(const struct mun_entry *e)
{
	uint64_t rows = 1;

	if (e->kind == MUN_K_RESPONSE)
		rows += e->u.response.settles_len;
	else if (e->kind == MUN_K_ITEM_SKIPPED || e->kind == MUN_K_ITEM_CANCELLED)
		for (size_t i = 0; i < e->u.ranges.ranges_len; i++)
			rows += e->u.ranges.ranges[i].last - e->u.ranges.ranges[i].first + 1;
	return rows;
}

/* Where a run paused or ended it wrote down how the items stood. */
static bool counts_fit(const struct mun_project *p, const struct mun_entry *e)
{
	const struct mun_counts *said = &e->u.pause.counts;
	struct mun_counts is;

	if (e->kind != MUN_K_BATCH_PAUSED && e->kind != MUN_K_BATCH_ENDED)
		return true;
	is = mun_batch_at_rest(&p->batch);
	return memcmp(said, &is, sizeof(is)) == 0;
}

static enum mun_code fold_entry(struct mun_project *p, const struct mun_entry *e,
                                struct progress *ret, struct mun_err *err)
{
	ret->rows += weight(e);
	enum mun_code code = mun_project_entry(p, e, err);
	if (code == MUN_OK && !counts_fit(p, e) && ret->wrong++ == 0)
		ret->first_wrong = e->seq;
	return code;
}

static enum mun_code replay(struct mun_project *p, uint64_t seq, struct progress *ret,
                            struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_key k = mun_key_u64(seq);
	struct mun_entry e;
	struct mun_val v;
	enum mun_code code = mun_txn_get(p->source, MUN_T_LOG, mun_key_val(&k), &v, err);

	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_CORRUPT, "it is missing");
	if (code == MUN_OK)
		code = mun_entry_decode(&e, &owner, v.data, v.len, err);
	if (code == MUN_OK && e.seq != seq)
		return mun_fail(err, MUN_E_CORRUPT, "it says that it is #%llu",
		                (unsigned long long)e.seq);
	return code == MUN_OK ? fold_entry(p, &e, ret, err) : code;
}

/* Where entries come from: the log, or memory. */
struct feed {
	struct mun_txn *source; /* NULL: from memory */
	const struct mun_entry *entries;
	uint64_t first; /* of them */
};

/* FULL leaves a->size where it was: the map of the scratch tables is too small. */
static enum mun_code try_slice(struct mun_anew *a, const struct feed *f, uint64_t end,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_project p;
	uint64_t seq = a->size;
	struct progress done = { .rows = 0 };
	enum mun_code code = mun_store_write(&t, a->store, err);

	if (code != MUN_OK)
		return code;
	mun_project_init(&p, t, f->source);
	for (; code == MUN_OK && seq < end && done.rows < SLICE_ROWS; seq++) {
		(void)mun_failpoint("rebuild");
		code = f->source ? replay(&p, seq, &done, err)
		                 : fold_entry(&p, &f->entries[seq - f->first], &done, err);
		if (code != MUN_OK && code != MUN_E_FULL) {
			a->size = seq;
			return mun_wrap(err, code, "entry #%llu", (unsigned long long)seq);
		}
	}
	if (code == MUN_OK)
		code = mun_project_flush(&p, err);
	if (code == MUN_OK)
		code = mun_txn_commit(MUN_STEAL(t), err);
	if (code != MUN_OK)
		return code;
	a->size = seq;
	if (a->wrong == 0)
		a->first_wrong = done.first_wrong;
	a->wrong += done.wrong;
	return MUN_OK;
}

static enum mun_code slice(struct mun_anew *a, const struct feed *f, uint64_t end,
                           struct mun_err *err)
{
	size_t rows = end - a->size < SLICE_ROWS ? (size_t)(end - a->size) : SLICE_ROWS;
	size_t room = (rows + 256) * ROW_ROOM;
	enum mun_code code = MUN_E_FULL;

	while (code == MUN_E_FULL && room < ROOM_MAX) {
		code = mun_store_reserve(a->store, room, err);
		if (code != MUN_OK)
			return code == MUN_E_FULL ? no_room(room, err) : code;
		code = try_slice(a, f, end, err);
		room *= 2;
	}
	return code == MUN_E_FULL ? no_room(room, err) : code;
}

enum mun_code mun_anew_fold(struct mun_anew *a, struct mun_store *source, uint64_t end,
                            struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	while (code == MUN_OK && a->size < end) {
		MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;

		code = mun_store_read(&t, source, err);
		if (code == MUN_OK)
			code = slice(a, &(struct feed){ .source = t }, end, err);
	}
	return code;
}

enum mun_code mun_anew_fold_within(struct mun_anew *a, struct mun_txn *source, uint64_t end,
                                   struct mun_err *err)
{
	const struct feed f = { .source = source };
	enum mun_code code = MUN_OK;

	while (code == MUN_OK && a->size < end)
		code = slice(a, &f, end, err);
	return code;
}

enum mun_code mun_anew_entries(struct mun_anew *a, const struct mun_entry *entries, size_t len,
                               struct mun_err *err)
{
	const struct feed f = { .entries = entries, .first = a->size };
	const uint64_t end = a->size + len;
	enum mun_code code = MUN_OK;

	while (code == MUN_OK && a->size < end)
		code = slice(a, &f, end, err);
	return code;
}

static enum mun_code add_window(struct mun_txn *t, struct mun_txn *source, uint64_t seq,
                                struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_key k = mun_key_u64(seq);
	char target[MUN_TARGET_MAX];
	struct mun_entry e;
	struct mun_val v;
	enum mun_code code = mun_txn_get(source, MUN_T_LOG, mun_key_val(&k), &v, err);

	if (code == MUN_OK)
		code = mun_entry_decode(&e, &owner, v.data, v.len, err);
	if (code != MUN_OK)
		return code;
	mun_window_target(target, &e);
	return mun_window_add(t, target, &e, err);
}

static enum mun_code add_windows(struct mun_txn *t, struct mun_txn *source, struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_val key;
	struct mun_val value;
	enum mun_code code = mun_iter_open(&it, t, MUN_T_EXCHANGE, err);

	if (code == MUN_OK)
		code = mun_iter_seek_last(it, mun_val("", 0), &key, &value, err);
	for (unsigned n = 0; code == MUN_OK && n < WINDOW_ROWS; n++) {
		code = add_window(t, source, mun_get_u64(key.data), err);
		if (code == MUN_OK)
			code = mun_iter_prev(it, &key, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_anew_windows(struct mun_anew *a, struct mun_txn *source, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	size_t room = (size_t)(a->size < WINDOW_ROWS ? a->size : WINDOW_ROWS) * 128 + ROW_ROOM;
	enum mun_code code = mun_store_reserve(a->store, room, err);

	if (code != MUN_OK)
		return code == MUN_E_FULL ? no_room(room, err) : code;
	code = mun_store_write(&t, a->store, err);
	if (code == MUN_OK)
		code = add_windows(t, source, err);
	return code == MUN_OK ? mun_txn_commit(MUN_STEAL(t), err) : code;
}
