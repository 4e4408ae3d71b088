/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_STORE_H
#define MUN_STORE_H
/*
 * LMDB, the only place that knows it. Caveats first (lmdb.h):
 * - one open per process and file: a second close would drop the locks of the first;
 * - not to be used after fork();
 * - values are borrowed until the transaction ends or, in a write transaction, the next write;
 * - no long readers: the file grows while a snapshot is held. Queries read in slices;
 * - no network file systems; the map grows only while this process has no transaction open;
 * - slots of dead readers are cleared at open, and hourly where transactions are written.
 * Default sync: what was committed survives power loss. The flags that trade this away are
 * never set. Tables are small integers of the caller's enum; names are given at open.
 */
#include "lib/err.h"
struct mun_store;
struct mun_txn;
struct mun_val {
	const void *data;
	size_t len;
};
struct mun_store_options {
	const char *const *tables; /* names, index = table number; borrowed for good */
	size_t tables_len;
	bool read_only;   /* never creates, writes or locks more than LMDB's reader table needs */
	bool no_lock;     /* a copy on a read-only medium: no lock file at all */
	size_t map_bytes; /* initial map; 0: 64 MiB. An existing larger file wins */
	unsigned max_readers; /* 0: 512 */
};
/* JOURNAL-neutral codes: NOTFOUND (missing), IO, CORRUPT, BUSY (readers full), FULL, NOMEM. */
enum mun_code mun_store_open(struct mun_store **ret, const char *dir,
                             const struct mun_store_options *options, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_store_closep(struct mun_store **s);
const char *mun_store_path(const struct mun_store *s); /* of data.mdb */

/* Writers: one at a time across processes. Adopts a map that another process has grown. */
enum mun_code mun_store_write(struct mun_txn **ret, struct mun_store *s, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_store_read(struct mun_txn **ret, struct mun_store *s, struct mun_err *err)
	MUN_MUST_CHECK;
/* Ends the transaction in any case. FULL: no room in map or on disk; nothing of it is written. */
enum mun_code mun_txn_commit(struct mun_txn *t, struct mun_err *err) MUN_MUST_CHECK;
void mun_txn_abortp(struct mun_txn **t); /* cleanup handler, NULL ok */

/* NOTFOUND leaves err alone (it is an answer, not a failure). */
enum mun_code mun_txn_get(struct mun_txn *t, unsigned table, struct mun_val key,
                          struct mun_val *ret, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_txn_put(struct mun_txn *t, unsigned table, struct mun_val key,
                          struct mun_val value, struct mun_err *err) MUN_MUST_CHECK;
/* key must be larger than every key of the table (MDB_APPEND); CORRUPT when it is not. */
enum mun_code mun_txn_append(struct mun_txn *t, unsigned table, struct mun_val key,
                             struct mun_val value, struct mun_err *err) MUN_MUST_CHECK;
/* NOTFOUND as for get. */
enum mun_code mun_txn_delete(struct mun_txn *t, unsigned table, struct mun_val key,
                             struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_txn_clear(struct mun_txn *t, unsigned table, struct mun_err *err) MUN_MUST_CHECK;
uint64_t mun_txn_count(struct mun_txn *t, unsigned table); /* entries of the table */

/* A cursor ends with its transaction at the latest; free it before. */
struct mun_iter;
enum mun_code mun_iter_open(struct mun_iter **ret, struct mun_txn *t, unsigned table,
                            struct mun_err *err) MUN_MUST_CHECK;
void mun_iter_closep(struct mun_iter **it);
/* First key >= key; NOTFOUND. mun_iter_seek_last: largest key <= key (or of all with len 0). */
enum mun_code mun_iter_seek(struct mun_iter *it, struct mun_val key, struct mun_val *ret_key,
                            struct mun_val *ret_value, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_iter_seek_last(struct mun_iter *it, struct mun_val key, struct mun_val *ret_key,
                                 struct mun_val *ret_value, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_iter_next(struct mun_iter *it, struct mun_val *ret_key, struct mun_val *ret_value,
                            struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_iter_prev(struct mun_iter *it, struct mun_val *ret_key, struct mun_val *ret_value,
                            struct mun_err *err) MUN_MUST_CHECK;

/*
 * Make sure that `bytes` more can be committed: map headroom (grown by doubling, only with no
 * transaction open) and preallocated file space in blocks of 16 MiB (posix_fallocate). FULL: says
 * bytes needed and free. Cheap when there is room already.
 */
enum mun_code mun_store_reserve(struct mun_store *s, size_t bytes, struct mun_err *err)
	MUN_MUST_CHECK;
/*
 * Device, inode and link count of the open data and lock file against their paths: LMDB goes on
 * committing into a file that was unlinked or replaced. CORRUPT names the file.
 */
enum mun_code mun_store_still_there(struct mun_store *s, struct mun_err *err) MUN_MUST_CHECK;
/* Compact-free online copy (mdb_env_copy2) into an existing empty directory. */
enum mun_code mun_store_copy(struct mun_store *s, const char *dir, struct mun_err *err)
	MUN_MUST_CHECK;
struct mun_store_info {
	uint64_t map_bytes, used_bytes, file_bytes;
	unsigned readers, max_readers;
};
enum mun_code mun_store_info(struct mun_store *s, struct mun_store_info *ret, struct mun_err *err)
	MUN_MUST_CHECK;
static inline struct mun_val mun_val(const void *data, size_t len)
{
	return (struct mun_val){ data, len };
}
#endif
