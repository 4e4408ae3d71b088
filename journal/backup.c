/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/handle.h"

/* The mark makes the copy refuse writers, so that two journals never grow from one. */
static enum mun_code mark_copy(const char *dir, struct mun_err *err)
{
	MUN_CLEANUP(mun_store_closep) struct mun_store *store = NULL;
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_store_options options = { .tables = mun_table_names, .tables_len = MUN_TABLES };
	enum mun_code code = mun_store_open(&store, dir, &options, err);

	if (code == MUN_OK)
		code = mun_store_write(&t, store, err);
	if (code == MUN_OK)
		code = mun_txn_put(t, MUN_T_META, mun_text_val(MUN_META_BACKUP), mun_val("1", 1),
		                   err);
	return code == MUN_OK ? mun_txn_commit(MUN_STEAL(t), err) : code;
}

static void remove_file(const char *dir, const char *name)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)unlink(path);
}

enum mun_code mun_journal_backup(struct mun_journal *j, const char *dir, struct mun_err *err)
{
	enum mun_code code;

	if (mkdir(dir, 0700) != 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "cannot make %s", dir);
	code = mun_store_copy(j->store, dir, err);
	if (code == MUN_OK)
		code = mark_copy(dir, err);
	remove_file(dir, "lock.mdb"); /* nobody writes there any more, and readers need none */
	if (code == MUN_OK)
		return MUN_OK;
	remove_file(dir, "data.mdb");
	(void)rmdir(dir);
	return mun_wrap(err, MUN_E_IO, "backup to %s", dir);
}
