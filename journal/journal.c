/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/handle.h"
#include "lib/cursor.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/pack.h"

struct mun_val mun_text_val(const char *s)
{
	return mun_val(s, strlen(s));
}

enum mun_code mun_journal_failed(const struct mun_journal *j, enum mun_code code,
                                 struct mun_err *err)
{
	if (code == MUN_OK || code == MUN_E_FULL || code == MUN_E_NOMEM || code == MUN_E_INTERNAL)
		return code;
	if (code == MUN_E_CORRUPT)
		return mun_wrap(err, code, "journal %s", j->dir);
	return mun_wrap(err, MUN_E_JOURNAL, "journal %s", j->dir);
}

void mun_journal_closep(struct mun_journal **j)
{
	if (*j == NULL)
		return;
	mun_mark_close(*j);
	mun_store_closep(&(*j)->store);
	mun_window_cache_done(&(*j)->window);
	mun_buf_done(&(*j)->line);
	mun_packer_freep(&(*j)->packer);
	free((*j)->state_dir);
	mun_wipe((*j)->fingerprint_key, sizeof((*j)->fingerprint_key));
	free((*j)->dir);
	free(*j);
	*j = NULL;
}

bool mun_journal_created(const struct mun_journal *j)
{
	return j->created;
}

const char *mun_journal_dir(const struct mun_journal *j)
{
	return j->dir;
}

const char *mun_journal_fs_warning(const struct mun_journal *j)
{
	return j->fs_warning[0] != '\0' ? j->fs_warning : NULL;
}

struct mun_store *mun_journal_store(struct mun_journal *j)
{
	return j->store;
}

static void salted(uint8_t ret[static 6], const struct mun_journal *j, const void *data, size_t len)
{
	const struct mun_slice pieces[] = { { j->salt, sizeof(j->salt) }, { data, len } };
	uint8_t hash[MUN_SHA256_LEN];

	mun_sha256_of(hash, pieces, MUN_ARRAY_LEN(pieces));
	memcpy(ret, hash, 6);
}

void mun_journal_now(struct mun_journal *j, struct mun_now *ret)
{
	j->clock->now(j->clock, ret);
	if (j->has_boot && memcmp(j->boot_id, ret->boot_id, MUN_BOOT_LEN) == 0)
		return;
	memcpy(j->boot_id, ret->boot_id, MUN_BOOT_LEN);
	salted(j->boot, j, ret->boot_id, MUN_BOOT_LEN);
	j->has_boot = true;
}

enum mun_code mun_journal_identity(struct mun_journal *j, struct mun_journal_id *ret,
                                   struct mun_err *err)
{
	(void)err;
	*ret = j->id;
	return MUN_OK;
}

enum mun_code mun_journal_fingerprint(struct mun_journal *j, char ret[static 33], const void *token,
                                      size_t len, struct mun_err *err)
{
	uint8_t bytes[MUN_FINGERPRINT_LEN];

	(void)err;
	mun_fingerprint(bytes, j->fingerprint_key, token, len);
	mun_hex_encode(ret, bytes, sizeof(bytes));
	return MUN_OK;
}

enum mun_code mun_journal_machine(struct mun_journal *j, char ret[static 13], struct mun_err *err)
{
	char id[65];
	uint8_t hash[6];

	(void)err;
	mun_machine_id(id);
	salted(hash, j, id, strlen(id));
	mun_hex_encode(ret, hash, sizeof(hash));
	return MUN_OK;
}

void mun_journal_lock_path(struct mun_journal *j, const struct mun_ref *batch, char *ret,
                           size_t ret_size)
{
	char text[MUN_REF_TEXT];

	mun_ref_format(text, 'b', batch);
	(void)snprintf(ret, ret_size, "%s/batch-%s.lock", j->dir, text);
}

static enum mun_code read_format(struct mun_journal *j, struct mun_txn *t, struct mun_err *err)
{
	struct mun_val v;
	enum mun_code code = mun_txn_get(t, MUN_T_META, mun_text_val(MUN_META_FORMAT), &v, err);

	if (code != MUN_OK)
		return code;
	if (v.len != 12)
		return mun_fail(err, MUN_E_CORRUPT, "its format numbers are damaged");
	j->format = mun_get_u32(v.data);
	j->id.min_reader = mun_get_u32((const uint8_t *)v.data + 4);
	j->id.min_writer = mun_get_u32((const uint8_t *)v.data + 8);
	return MUN_OK;
}

static enum mun_code newer(uint32_t needed, const char *what, struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_JOURNAL, "format %lu is needed to %s it, this program knows %d",
	               (unsigned long)needed, what, MUN_FORMAT_VERSION);
	mun_hint(err, "use a newer muniment");
	return MUN_E_JOURNAL;
}

/* Nothing is converted in passing: whoever keeps the journal decides when. */
static enum mun_code older(uint32_t format, struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_JOURNAL, "it has format %lu, this program writes %d",
	               (unsigned long)format, MUN_FORMAT_VERSION);
	mun_hint(err, "muniment journal rebuild makes its tables anew, its entries stay");
	return MUN_E_JOURNAL;
}

/* The nodes of the edge that this process saw still stand in a tree that has grown. */
static enum mun_code same_past(const struct mun_tree *seen, struct mun_txn *t, struct mun_err *err)
{
	uint64_t start = 0;
	unsigned n = 0;

	for (unsigned level = MUN_TREE_LEVELS; level-- > 0;) {
		struct mun_key k;
		struct mun_val v;
		enum mun_code code;

		if ((seen->size >> level & 1) == 0)
			continue;
		k = mun_key_u64(mun_tree_index(level, start >> level));
		code = mun_txn_get(t, MUN_T_TREE, mun_key_val(&k), &v, err);
		if (code != MUN_OK && code != MUN_E_NOTFOUND)
			return code;
		if (code == MUN_E_NOTFOUND || v.len != MUN_SHA256_LEN ||
		    memcmp(v.data, seen->edge[n], MUN_SHA256_LEN) != 0)
			return mun_fail(err, MUN_E_JOURNAL,
			                "entries that this process saw were replaced");
		start += UINT64_C(1) << level;
		n++;
	}
	return MUN_OK;
}

static enum mun_code not_smaller(const struct mun_journal *j, const struct mun_tree *tree,
                                 struct mun_err *err)
{
	if (tree->size >= j->seen.size)
		return MUN_OK;
	return mun_fail(err, MUN_E_JOURNAL,
	                "it has %llu entries, this process saw %llu: an older copy stands in its "
	                "place",
	                (unsigned long long)tree->size, (unsigned long long)j->seen.size);
}

enum mun_code mun_journal_guard(struct mun_journal *j, struct mun_txn *t, struct mun_tree *ret,
                                struct mun_err *err)
{
	struct mun_val v;
	enum mun_code code = read_format(j, t, err);

	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_JOURNAL, "its format numbers are gone");
	if (code == MUN_OK && j->id.min_writer > MUN_FORMAT_VERSION)
		return newer(j->id.min_writer, "write", err);
	if (code == MUN_OK && j->format < MUN_FORMAT_VERSION && j->mode != MUN_JOURNAL_REBUILD)
		return older(j->format, err);
	if (code == MUN_OK)
		code = mun_txn_get(t, MUN_T_META, mun_text_val(MUN_META_BACKUP), &v, err);
	if (code == MUN_OK) {
		(void)mun_fail(err, MUN_E_JOURNAL, "this is a backup copy: it can only be read");
		mun_hint(err, "to go on from it in the journal's place: muniment journal adopt");
		return MUN_E_JOURNAL;
	}
	if (code == MUN_E_NOTFOUND)
		code = mun_get_tree(t, ret, err);
	if (code != MUN_OK || !j->has_seen)
		return code;
	code = not_smaller(j, ret, err);
	return code == MUN_OK ? same_past(&j->seen, t, err) : code;
}

enum mun_code mun_journal_begin_read(struct mun_txn **ret, struct mun_journal *j,
                                     struct mun_err *err)
{
	struct mun_tree tree;
	enum mun_code code = mun_store_read(ret, j->store, err);

	if (code == MUN_OK && j->has_seen) {
		code = mun_get_tree(*ret, &tree, err);
		if (code == MUN_OK)
			code = not_smaller(j, &tree, err);
	}
	return mun_journal_failed(j, code, err);
}

static enum mun_code load_text(struct mun_txn *t, const char *key, void *ret, size_t len,
                               struct mun_err *err)
{
	struct mun_val v;
	enum mun_code code = mun_txn_get(t, MUN_T_META, mun_text_val(key), &v, err);

	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	if (code == MUN_E_NOTFOUND || v.len != len)
		return mun_fail(err, MUN_E_CORRUPT, "its %s is missing or damaged", key);
	memcpy(ret, v.data, len);
	return MUN_OK;
}

/* NOTFOUND: no journal was made here yet. */
static enum mun_code load_meta(struct mun_journal *j, struct mun_txn *t, struct mun_err *err)
{
	uint8_t id[MUN_META_ID_LEN];
	struct mun_val v;
	enum mun_code code = read_format(j, t, err);

	if (code == MUN_E_NOTFOUND && mun_txn_count(t, MUN_T_LOG) > 0)
		return mun_fail(err, MUN_E_CORRUPT, "its format numbers are gone");
	if (code != MUN_OK)
		return code;
	if (j->id.min_reader > MUN_FORMAT_VERSION)
		return newer(j->id.min_reader, "read", err);
	code = load_text(t, MUN_META_ID, id, sizeof(id), err);
	if (code == MUN_OK)
		code = load_text(t, MUN_META_FINGERPRINT, j->fingerprint_key,
		                 sizeof(j->fingerprint_key), err);
	if (code == MUN_OK)
		code = load_text(t, MUN_META_SALT, j->salt, sizeof(j->salt), err);
	if (code == MUN_OK)
		code = mun_txn_get(t, MUN_T_META, mun_text_val(MUN_META_ORIGIN), &v, err);
	if (code == MUN_E_NOTFOUND || (code == MUN_OK && v.len >= sizeof(j->id.origin)))
		return mun_fail(err, MUN_E_CORRUPT, "its origin is missing or damaged");
	if (code != MUN_OK)
		return code;
	mun_hex_encode(j->id.id, id, sizeof(id));
	memcpy(j->id.origin, v.data, v.len);
	j->id.origin[v.len] = '\0';
	return MUN_OK;
}

/* Writers: two may start at once, so it is made within the transaction that looks for it. */
static enum mun_code open_writing(struct mun_journal *j, const struct mun_journal_options *o,
                                  struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_tree tree;
	enum mun_code code = mun_store_write(&t, j->store, err);

	if (code == MUN_OK)
		code = load_meta(j, t, err);
	if (code == MUN_E_NOTFOUND && o->mode == MUN_JOURNAL_CREATE)
		code = mun_journal_create(j, o, t, err);
	else if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_JOURNAL, "this is not a journal");
	if (code == MUN_OK)
		code = mun_journal_guard(j, t, &tree, err);
	if (code == MUN_OK)
		code = mun_list_sweep(j, t, err);
	if (code != MUN_OK)
		return code;
	code = mun_txn_commit(MUN_STEAL(t), err);
	if (code == MUN_OK) {
		j->seen = tree;
		j->has_seen = true;
	}
	return code;
}

static enum mun_code open_reading(struct mun_journal *j, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_store_read(&t, j->store, err);

	if (code == MUN_OK)
		code = load_meta(j, t, err);
	return code == MUN_E_NOTFOUND ? mun_fail(err, MUN_E_JOURNAL, "this is not a journal")
	                              : code;
}

static enum mun_code missing(const char *dir, struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_JOURNAL, "there is no journal at %s", dir);
	mun_hint(err, "muniment plan creates it");
	return MUN_E_JOURNAL;
}

static enum mun_code check_place(struct mun_journal *j, struct mun_err *err)
{
	char path[4096];
	struct stat st;
	enum mun_fs_kind kind;
	const char *name = "";
	enum mun_code code = MUN_OK;

	if (j->mode == MUN_JOURNAL_CREATE)
		code = mun_dir_make(j->dir, 0700, err);
	if (code != MUN_OK)
		return code;
	(void)snprintf(path, sizeof(path), "%s/data.mdb", j->dir);
	if (j->mode != MUN_JOURNAL_CREATE && stat(path, &st) != 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return missing(j->dir, err);
	} else if (j->mode != MUN_JOURNAL_CREATE && st.st_size == 0) {
		return mun_fail(err, MUN_E_CORRUPT, "%s is empty", path);
	}
	code = mun_fs_kind(&kind, &name, j->dir, err);
	if (code != MUN_OK)
		return code;
	if (kind == MUN_FS_REFUSED) {
		(void)rmdir(j->dir); /* goes only when it is empty */
		(void)mun_fail(err, MUN_E_JOURNAL,
		               "%s does not keep the promises of a local file system", name);
		mun_hint(err, "put the journal on a local disk: --journal DIR");
		return MUN_E_JOURNAL;
	}
	if (kind == MUN_FS_VOLATILE)
		(void)snprintf(j->fs_warning, sizeof(j->fs_warning),
		               "the journal is on %s: the audit trail may vanish with the "
		               "container or the machine",
		               name);
	return MUN_OK;
}

/* On a read-only medium LMDB can make no lock file. */
static bool can_lock(const char *dir)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/lock.mdb", dir);
	return access(path, W_OK) == 0;
}

static enum mun_code open_all(struct mun_journal *j, const struct mun_journal_options *o,
                              struct mun_err *err)
{
	struct mun_store_options options = {
		.tables = mun_table_names,
		.tables_len = MUN_TABLES,
		.read_only = o->mode == MUN_JOURNAL_READ,
	};
	enum mun_code code = mun_crypto_init(err);

	if (code == MUN_OK)
		code = check_place(j, err);
	if (code != MUN_OK)
		return code;
	options.no_lock = options.read_only && !can_lock(j->dir);
	code = mun_store_open(&j->store, j->dir, &options, err);
	if (code == MUN_E_NOTFOUND)
		return missing(j->dir, err);
	if (code == MUN_OK && !options.read_only)
		code = mun_store_reserve(j->store, 1 << 16, err);
	if (code != MUN_OK)
		return code;
	return options.read_only ? open_reading(j, err) : open_writing(j, o, err);
}

enum mun_code mun_journal_open(struct mun_journal **ret, const struct mun_journal_options *o,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = calloc(1, sizeof(*j));
	enum mun_code code;

	if (j == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a journal");
	mun_buf_init(&j->line, MUN_ENTRY_MAX + 4096);
	j->mode = o->mode;
	j->clock = o->clock != NULL ? o->clock : mun_clock_system();
	j->dir = strdup(o->dir);
	if (j->dir == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a path");
	if (o->state_dir != NULL) {
		j->state_dir = strdup(o->state_dir);
		if (j->state_dir == NULL)
			return mun_fail(err, MUN_E_NOMEM, "no memory for a path");
	}
	code = open_all(j, o, err);
	if (code == MUN_OK && j->mode != MUN_JOURNAL_READ)
		code = mun_mark_open(j, err);
	if (code == MUN_E_FULL)
		return mun_wrap(err, MUN_E_JOURNAL, "journal %s", j->dir);
	if (code != MUN_OK)
		return mun_journal_failed(j, code, err);
	*ret = MUN_STEAL(j);
	return MUN_OK;
}
