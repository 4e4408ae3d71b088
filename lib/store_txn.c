/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/failpoint.h"
#include "lib/store.h"
#include "lib/store_impl.h"

static int begin_once(struct mun_store *s, bool write, MDB_txn **ret)
{
	int rc = mdb_txn_begin(s->env, NULL, write ? 0 : MDB_RDONLY, ret);
	int dead;

	if (rc == MDB_MAP_RESIZED && s->open_txns == 0) {
		rc = mdb_env_set_mapsize(s->env, 0); /* adopt what another process has set */
		if (rc == 0)
			rc = mdb_txn_begin(s->env, NULL, write ? 0 : MDB_RDONLY, ret);
	}
	if (rc == MDB_READERS_FULL && mdb_reader_check(s->env, &dead) == 0 && dead > 0)
		rc = mdb_txn_begin(s->env, NULL, write ? 0 : MDB_RDONLY, ret);
	return rc;
}

static enum mun_code begin(struct mun_txn **ret, struct mun_store *s, bool write,
                           struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) struct mun_txn *t = NULL;
	int rc;

	if (s->pid != getpid())
		return mun_fail(err, MUN_E_INTERNAL, "%s was opened before fork()", s->data_path);
	if (write && (s->writing || s->read_only))
		return mun_fail(err, MUN_E_INTERNAL, "%s: %s", s->data_path,
		                s->writing ? "a second write transaction" : "opened read-only");
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a transaction");
	if (write)
		mun_store_check_readers(s);
	rc = begin_once(s, write, &t->txn);
	if (rc != 0)
		return mun_store_fail(s, rc, "begin a transaction", err);
	t->store = s;
	t->write = write;
	s->open_txns++;
	s->writing = s->writing || write;
	*ret = MUN_STEAL(t);
	return MUN_OK;
}

enum mun_code mun_store_write(struct mun_txn **ret, struct mun_store *s, struct mun_err *err)
{
	return begin(ret, s, true, err);
}

enum mun_code mun_store_read(struct mun_txn **ret, struct mun_store *s, struct mun_err *err)
{
	return begin(ret, s, false, err);
}

static void forget(struct mun_txn *t)
{
	t->store->open_txns--;
	if (t->write)
		t->store->writing = false;
	free(t);
}

enum mun_code mun_txn_commit(struct mun_txn *t, struct mun_err *err)
{
	struct mun_store *s = t->store;
	int rc = t->write ? mun_failpoint("commit") : 0;

	if (rc != 0)
		mdb_txn_abort(t->txn);
	else
		rc = mdb_txn_commit(t->txn); /* frees it, also when it fails */
	if (rc == 0 && t->write)
		rc = mun_failpoint("committed");
	forget(t);
	return rc == 0 ? MUN_OK : mun_store_fail(s, rc, "commit", err);
}

void mun_txn_abortp(struct mun_txn **t)
{
	if (*t == NULL)
		return;
	mdb_txn_abort((*t)->txn);
	forget(*t);
	*t = NULL;
}

/* Without a cast: LMDB's values have no const, and it does not write through these. */
static MDB_val to_mdb(struct mun_val v)
{
	MDB_val ret = { .mv_size = v.len };

	memcpy(&ret.mv_data, &v.data, sizeof(ret.mv_data));
	return ret;
}

enum mun_code mun_txn_get(struct mun_txn *t, unsigned table, struct mun_val key,
                          struct mun_val *ret, struct mun_err *err)
{
	MDB_val k = to_mdb(key);
	MDB_val v;
	int rc;

	assert(table < t->store->tables_len);
	if (!t->store->present[table])
		return MUN_E_NOTFOUND;
	rc = mdb_get(t->txn, t->store->dbi[table], &k, &v);
	if (rc == MDB_NOTFOUND)
		return MUN_E_NOTFOUND;
	if (rc != 0)
		return mun_store_fail(t->store, rc, "read", err);
	*ret = mun_val(v.mv_data, v.mv_size);
	return MUN_OK;
}

static enum mun_code put(struct mun_txn *t, unsigned table, struct mun_val key,
                         struct mun_val value, unsigned flags, struct mun_err *err)
{
	MDB_val k = to_mdb(key);
	MDB_val v = to_mdb(value);
	int rc;

	assert(table < t->store->tables_len && t->write);
	rc = mdb_put(t->txn, t->store->dbi[table], &k, &v, flags);
	if (rc == MDB_KEYEXIST)
		return mun_fail(err, MUN_E_CORRUPT, "table %s of %s already has a later key",
		                t->store->tables[table], t->store->data_path);
	return rc == 0 ? MUN_OK : mun_store_fail(t->store, rc, "write", err);
}

enum mun_code mun_txn_put(struct mun_txn *t, unsigned table, struct mun_val key,
                          struct mun_val value, struct mun_err *err)
{
	return put(t, table, key, value, 0, err);
}

enum mun_code mun_txn_append(struct mun_txn *t, unsigned table, struct mun_val key,
                             struct mun_val value, struct mun_err *err)
{
	return put(t, table, key, value, MDB_APPEND, err);
}

enum mun_code mun_txn_delete(struct mun_txn *t, unsigned table, struct mun_val key,
                             struct mun_err *err)
{
	MDB_val k = to_mdb(key);
	int rc;

	assert(table < t->store->tables_len && t->write);
	rc = mdb_del(t->txn, t->store->dbi[table], &k, NULL);
	if (rc == MDB_NOTFOUND)
		return MUN_E_NOTFOUND;
	return rc == 0 ? MUN_OK : mun_store_fail(t->store, rc, "delete", err);
}

enum mun_code mun_txn_clear(struct mun_txn *t, unsigned table, struct mun_err *err)
{
	int rc;

	assert(table < t->store->tables_len && t->write);
	rc = mdb_drop(t->txn, t->store->dbi[table], 0);
	return rc == 0 ? MUN_OK : mun_store_fail(t->store, rc, "clear a table", err);
}

uint64_t mun_txn_count(struct mun_txn *t, unsigned table)
{
	MDB_stat stat;

	assert(table < t->store->tables_len);
	if (!t->store->present[table] || mdb_stat(t->txn, t->store->dbi[table], &stat) != 0)
		return 0;
	return stat.ms_entries;
}

struct mun_iter {
	const struct mun_store *store; /* borrowed */
	MDB_cursor *cursor;            /* NULL: the table is not there */
};

enum mun_code mun_iter_open(struct mun_iter **ret, struct mun_txn *t, unsigned table,
                            struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) struct mun_iter *it = calloc(1, sizeof(*it));
	int rc = 0;

	assert(table < t->store->tables_len);
	if (it == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a cursor");
	it->store = t->store;
	if (t->store->present[table])
		rc = mdb_cursor_open(t->txn, t->store->dbi[table], &it->cursor);
	if (rc != 0)
		return mun_store_fail(t->store, rc, "open a cursor", err);
	*ret = MUN_STEAL(it);
	return MUN_OK;
}

void mun_iter_closep(struct mun_iter **it)
{
	if (*it == NULL)
		return;
	if ((*it)->cursor != NULL)
		mdb_cursor_close((*it)->cursor);
	free(*it);
	*it = NULL;
}

static enum mun_code move(struct mun_iter *it, MDB_val *key, MDB_cursor_op op,
                          struct mun_val *ret_key, struct mun_val *ret_value, struct mun_err *err)
{
	MDB_val value;
	int rc = it->cursor ? mdb_cursor_get(it->cursor, key, &value, op) : MDB_NOTFOUND;

	if (rc == MDB_NOTFOUND)
		return MUN_E_NOTFOUND;
	if (rc != 0)
		return mun_store_fail(it->store, rc, "read", err);
	*ret_key = mun_val(key->mv_data, key->mv_size);
	*ret_value = mun_val(value.mv_data, value.mv_size);
	return MUN_OK;
}

enum mun_code mun_iter_seek(struct mun_iter *it, struct mun_val key, struct mun_val *ret_key,
                            struct mun_val *ret_value, struct mun_err *err)
{
	MDB_val k = to_mdb(key);

	return move(it, &k, key.len == 0 ? MDB_FIRST : MDB_SET_RANGE, ret_key, ret_value, err);
}

enum mun_code mun_iter_seek_last(struct mun_iter *it, struct mun_val key, struct mun_val *ret_key,
                                 struct mun_val *ret_value, struct mun_err *err)
{
	struct mun_val found = { 0 };
	struct mun_val value = { 0 };
	MDB_val k = to_mdb(key);
	enum mun_code code = MUN_E_NOTFOUND;

	if (key.len > 0)
		code = move(it, &k, MDB_SET_RANGE, &found, &value, err);
	if (code == MUN_E_NOTFOUND)
		return move(it, &k, MDB_LAST, ret_key, ret_value, err);
	if (code != MUN_OK)
		return code;
	if (found.len != key.len || memcmp(found.data, key.data, key.len) != 0)
		return move(it, &k, MDB_PREV, ret_key, ret_value, err);
	*ret_key = found;
	*ret_value = value;
	return MUN_OK;
}

enum mun_code mun_iter_next(struct mun_iter *it, struct mun_val *ret_key, struct mun_val *ret_value,
                            struct mun_err *err)
{
	return move(it, &(MDB_val){ 0 }, MDB_NEXT, ret_key, ret_value, err);
}

enum mun_code mun_iter_prev(struct mun_iter *it, struct mun_val *ret_key, struct mun_val *ret_value,
                            struct mun_err *err)
{
	return move(it, &(MDB_val){ 0 }, MDB_PREV, ret_key, ret_value, err);
}
