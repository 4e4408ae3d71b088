/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_STORE_IMPL_H
#define MUN_STORE_IMPL_H

/* What store.c (environment, room, guards) and store_txn.c (transactions, cursors) share. */

#include <sys/stat.h>
#include <sys/types.h>

#include "lib/store.h"

struct MDB_env;
struct MDB_txn;

struct mun_store {
	struct MDB_env *env;
	char *data_path;
	char *lock_path;
	const char *const *tables; /* borrowed */
	size_t tables_len;
	unsigned *dbi;
	bool *present; /* read-only: a table that is not there is empty */
	bool read_only;
	bool no_lock;
	bool writing;
	unsigned open_txns;
	pid_t pid;
	size_t page_bytes;
	uint64_t allocated; /* end of the file space that is known to be preallocated */
	struct stat lock_id;
	int64_t readers_checked_s; /* when slots of dead readers were cleared last */
};

struct mun_txn {
	struct MDB_txn *txn;
	struct mun_store *store; /* borrowed */
	bool write;
};

/* Clear the slots of dead readers, at most once an hour: they would keep pages from being reused.
 */
void mun_store_check_readers(struct mun_store *s);
/* The one place that knows what LMDB's numbers mean; rc is not 0. */
enum mun_code mun_store_fail(const struct mun_store *s, int rc, const char *what,
                             struct mun_err *err);

#endif
