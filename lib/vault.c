/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/vault.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cursor.h"
#include "lib/digest.h"
#include "lib/file.h"
#include "lib/store.h"
#include "lib/vault_impl.h"

/*
 * What the vault's key opens (key ".lock", which is no name of a token; format version 1).
 *
 *   offset  size  field
 *        0     4  magic "MVL1"
 *        4     1  1 passphrase, 2 key file
 *        5    16  salt, then ops (8) and memory in bytes (8) of Argon2id
 *       37    24  nonce
 *       61    48  seal of the fingerprint key; the first 37 bytes are its associated data
 *      109    32  SHA-256 of all before: tells a damaged lock from a wrong key. It proves nothing
 *                 against somebody who writes both; the seals do.
 *
 * Integers are big-endian.
 */
static const char LOCK_MAGIC[4] = "MVL1";
#define LOCK_HEAD   37
#define LOCK_SEALED (MUN_KEY_LEN + MUN_SEAL_TAG)
#define LOCK_BODY   (LOCK_HEAD + MUN_NONCE_LEN + LOCK_SEALED)
/* The first token that is put makes the data file larger than this. */
#define FRESH_BYTES (1u << 20)
static_assert(MUN_LOCK_LEN == LOCK_BODY + MUN_SHA256_LEN, "the format table above");

enum lock_kind {
	LOCK_PASSPHRASE = 1,
	LOCK_KEY_FILE = 2
};
static const char *const tables[] = { [MUN_VAULT_TABLE] = "vault" };

enum mun_code mun_vault_code(enum mun_code code, struct mun_err *err)
{
	if (code == MUN_E_CORRUPT)
		return mun_wrap(err, MUN_E_CREDENTIAL, "vault");
	return code;
}

bool mun_vault_sum_fits(const uint8_t *data, size_t len)
{
	uint8_t sum[MUN_SHA256_LEN];

	if (len < sizeof(sum))
		return false;
	mun_sha256(sum, data, len - sizeof(sum));
	return memcmp(sum, data + len - sizeof(sum), sizeof(sum)) == 0;
}

static enum mun_code check_owner(const char *path, bool *ret_there, bool *ret_empty,
                                 struct mun_err *err)
{
	struct stat st;

	*ret_there = stat(path, &st) == 0;
	if (!*ret_there)
		return MUN_OK;
	*ret_empty = st.st_size == 0;
	if (st.st_uid != geteuid())
		return mun_fail(err, MUN_E_CREDENTIAL, "%s belongs to another user (uid %u)", path,
		                st.st_uid);
	if ((st.st_mode & 077) != 0) {
		(void)mun_fail(err, MUN_E_CREDENTIAL, "%s is open to other users (mode %03o)", path,
		               st.st_mode & 0777);
		mun_hint(err, "chmod go= %s", path);
		return MUN_E_CREDENTIAL;
	}
	return MUN_OK;
}

static enum mun_code check_file_system(const char *dir, struct mun_err *err)
{
	const char *name = "";
	enum mun_fs_kind kind;
	enum mun_code code = mun_fs_kind(&kind, &name, dir, err);

	if (code != MUN_OK || kind != MUN_FS_REFUSED)
		return code;
	(void)mun_fail(err, MUN_E_CREDENTIAL, "%s is on %s, where LMDB's locks do not hold", dir,
	               name);
	mun_hint(err, "--vault DIR on a local file system");
	return MUN_E_CREDENTIAL;
}

/* *ret_empty: the data file has no byte; whoever was to make the vault died first. */
static enum mun_code check_place(const char *dir, bool create, bool *ret_empty, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) char *data = NULL;
	enum mun_code code = create ? mun_dir_make(dir, 0700, err) : MUN_OK;
	bool there = false;

	if (asprintf(&data, "%s/data.mdb", dir) < 0) {
		data = NULL;
		return mun_fail(err, MUN_E_NOMEM, "no memory to open the vault");
	}
	if (code == MUN_E_IO) /* the folder above is another user's, or takes nothing */
		return mun_wrap(err, MUN_E_CREDENTIAL, "vault");
	if (code == MUN_OK)
		code = check_owner(dir, &there, ret_empty, err);
	if (code == MUN_OK && there)
		code = check_file_system(dir, err);
	if (code == MUN_OK)
		code = check_owner(data, &there, ret_empty, err);
	if (code == MUN_OK && !there && !create)
		return mun_fail(err, MUN_E_NOTFOUND, "there is no vault in %s", dir);
	return code;
}

static enum mun_code load_lock(struct mun_vault *v, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_store_read(&t, v->store, err);
	struct mun_val value;

	if (code == MUN_OK)
		code = mun_txn_get(t, MUN_VAULT_TABLE, mun_vault_lock_key(), &value, err);
	if (code == MUN_E_NOTFOUND)
		return MUN_OK;
	if (code != MUN_OK)
		return code;
	if (value.len != MUN_LOCK_LEN || memcmp(value.data, LOCK_MAGIC, sizeof(LOCK_MAGIC)) != 0 ||
	    !mun_vault_sum_fits(value.data, value.len))
		return mun_fail(err, MUN_E_CREDENTIAL, "the lock of the vault is damaged");
	memcpy(v->lock, value.data, MUN_LOCK_LEN);
	return MUN_OK;
}

/* Each token can be found by its name, and none is lost. */
static enum mun_code check_tokens(struct mun_vault *v, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) struct mun_token_info *list = NULL;
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	size_t len = 0;
	enum mun_code code = mun_vault_list(v, &list, &len, err);

	if (code == MUN_OK)
		code = mun_store_read(&t, v->store, err);
	for (size_t i = 0; code == MUN_OK && i < len; i++) {
		struct mun_val key = mun_val(list[i].name, strlen(list[i].name));
		struct mun_val value;

		code = mun_txn_get(t, MUN_VAULT_TABLE, key, &value, err);
		if (code == MUN_E_NOTFOUND)
			return mun_fail(err, MUN_E_CREDENTIAL, "the table of tokens is damaged");
	}
	return code;
}

static enum mun_code check_content(struct mun_vault *v, const char *dir, struct mun_err *err)
{
	struct mun_store_info info;
	enum mun_code code;

	if (mun_vault_has_key(v))
		return check_tokens(v, err);
	code = mun_store_info(v->store, &info, err);
	if (code != MUN_OK)
		return code;
	if (info.file_bytes > FRESH_BYTES)
		return mun_fail(err, MUN_E_CREDENTIAL, "the lock of the vault in %s is missing",
		                dir);
	return mun_fail(err, MUN_E_NOTFOUND, "there is no vault in %s", dir);
}

static enum mun_code open_store(struct mun_vault **ret, const char *dir, bool read_only,
                                struct mun_err *err)
{
	const struct mun_store_options options = {
		.tables = tables,
		.tables_len = MUN_ARRAY_LEN(tables),
		.read_only = read_only,
		.map_bytes = (size_t)64 << 20,
	};
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = calloc(1, sizeof(*v));
	enum mun_code code;

	if (v == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory to open the vault");
	code = mun_store_open(&v->store, dir, &options, err);
	if (code == MUN_OK)
		code = load_lock(v, err);
	if (code != MUN_OK)
		return code;
	*ret = MUN_STEAL(v);
	return MUN_OK;
}

/* A write that is given up: free pages and free room are used for it, nothing reaches the file. */
static enum mun_code try_write(const char *dir, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_val key = mun_val("~", 1), value;
	enum mun_code code = open_store(&v, dir, false, err);

	if (code == MUN_OK)
		code = mun_store_write(&t, v->store, err);
	if (code == MUN_OK)
		code = mun_txn_put(t, MUN_VAULT_TABLE, key, mun_val(v->lock, MUN_LOCK_LEN), err);
	if (code == MUN_OK)
		code = mun_txn_get(t, MUN_VAULT_TABLE, key, &value, err);
	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_CREDENTIAL, "the table of tokens is damaged");
	return code;
}

enum mun_code mun_vault_check(const char *dir, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	bool empty = false;
	enum mun_code code = check_place(dir, false, &empty, err);

	if (code == MUN_OK && empty)
		return mun_fail(err, MUN_E_NOTFOUND, "there is no vault in %s", dir);
	if (code != MUN_OK)
		return code;
	code = open_store(&v, dir, true, err);
	if (code == MUN_OK)
		code = check_content(v, dir, err);
	mun_vault_closep(&v);
	if (code == MUN_OK)
		code = try_write(dir, err);
	return code == MUN_E_INTERNAL ? mun_wrap(err, MUN_E_CREDENTIAL, "vault")
	                              : mun_vault_code(code, err);
}

enum mun_code mun_vault_open(struct mun_vault **ret, const char *dir, bool create,
                             struct mun_err *err)
{
	bool empty;
	enum mun_code code = check_place(dir, create, &empty, err);

	if (code == MUN_OK)
		code = open_store(ret, dir, false, err);
	return mun_vault_code(code, err);
}

void mun_vault_closep(struct mun_vault **v)
{
	if (*v == NULL)
		return;
	mun_secret_done(&(*v)->key);
	mun_secret_done(&(*v)->fingerprint_key);
	mun_store_closep(&(*v)->store);
	free(*v);
	*v = NULL;
}

bool mun_vault_has_key(const struct mun_vault *v)
{
	return v->lock[0] != 0;
}

const char *mun_vault_key_kind(const struct mun_vault *v)
{
	if (!mun_vault_has_key(v))
		return NULL;
	return v->lock[4] == LOCK_KEY_FILE ? "key file" : "passphrase";
}

/* The key that a source gives under the parameters of a lock; *ret is made. */
static enum mun_code derive(struct mun_secret *ret, const uint8_t lock[static MUN_LOCK_LEN],
                            const struct mun_vault_key *from, struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret key = { 0 };
	MUN_CLEANUP(mun_secret_done) struct mun_secret file = { 0 };
	struct mun_kdf kdf;
	enum mun_code code = mun_secret_new(&key, MUN_KEY_LEN, err);

	memcpy(kdf.salt, lock + 5, sizeof(kdf.salt));
	kdf.ops = mun_get_u64(lock + 21);
	kdf.mem_bytes = mun_get_u64(lock + 29);
	if (code == MUN_OK && from->key_file != NULL) {
		code = mun_key_file_read(&file, from->key_file, err);
		if (code == MUN_OK) /* 32 random bytes or more: nothing to make slow */
			mun_sha256(key.data, file.data, file.len);
	} else if (code == MUN_OK) {
		code = mun_kdf_derive(&key, &kdf, from->passphrase->data, from->passphrase->len,
		                      err);
	}
	if (code != MUN_OK)
		return mun_vault_code(code, err);
	*ret = MUN_STEAL(key);
	return MUN_OK;
}

enum mun_code mun_vault_make_lock(uint8_t ret[static MUN_LOCK_LEN], struct mun_secret *ret_key,
                                  const struct mun_vault_key *from,
                                  const struct mun_secret *fingerprint_key, struct mun_err *err)
{
	struct mun_kdf kdf;
	enum mun_code code;

	mun_kdf_init(&kdf);
	memcpy(ret, LOCK_MAGIC, sizeof(LOCK_MAGIC));
	ret[4] = from->key_file != NULL ? LOCK_KEY_FILE : LOCK_PASSPHRASE;
	memcpy(ret + 5, kdf.salt, sizeof(kdf.salt));
	mun_put_u64(ret + 21, kdf.ops);
	mun_put_u64(ret + 29, kdf.mem_bytes);
	mun_random(ret + LOCK_HEAD, MUN_NONCE_LEN);
	code = derive(ret_key, ret, from, err);
	if (code == MUN_OK)
		mun_seal(ret + LOCK_HEAD + MUN_NONCE_LEN, ret + LOCK_HEAD, ret_key->data,
		         fingerprint_key, ret, LOCK_HEAD);
	mun_sha256(ret + LOCK_BODY, ret, LOCK_BODY);
	return code;
}

static enum mun_code set_first_key(struct mun_vault *v, const struct mun_vault_key *from,
                                   struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_secret_done) struct mun_secret key = { 0 };
	MUN_CLEANUP(mun_secret_done) struct mun_secret fingerprint = { 0 };
	uint8_t lock[MUN_LOCK_LEN];
	struct mun_val taken;
	enum mun_code code = mun_secret_new(&fingerprint, MUN_KEY_LEN, err);

	if (code != MUN_OK)
		return code;
	mun_random(fingerprint.data, fingerprint.len);
	code = mun_vault_make_lock(lock, &key, from, &fingerprint, err);
	if (code == MUN_OK)
		code = mun_store_write(&t, v->store, err);
	if (code == MUN_OK &&
	    mun_txn_get(t, MUN_VAULT_TABLE, mun_vault_lock_key(), &taken, err) == MUN_OK)
		return mun_fail(err, MUN_E_BUSY, "another process has just given the vault a key");
	if (code == MUN_OK)
		code = mun_txn_put(t, MUN_VAULT_TABLE, mun_vault_lock_key(),
		                   mun_val(lock, MUN_LOCK_LEN), err);
	if (code == MUN_OK)
		code = mun_txn_commit(MUN_STEAL(t), err);
	if (code != MUN_OK)
		return mun_vault_code(code, err);
	memcpy(v->lock, lock, MUN_LOCK_LEN);
	v->key = MUN_STEAL(key);
	v->fingerprint_key = MUN_STEAL(fingerprint);
	return MUN_OK;
}

enum mun_code mun_vault_unlock(struct mun_vault *v, const struct mun_vault_key *from,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret key = { 0 };
	MUN_CLEANUP(mun_secret_done) struct mun_secret fingerprint = { 0 };
	struct mun_sealed sealed;
	enum mun_code code;

	if ((from->key_file != NULL) == (from->passphrase != NULL))
		return mun_fail(err, MUN_E_USAGE, "one source of the vault's key is needed");
	if (!mun_vault_has_key(v))
		return set_first_key(v, from, err);
	if ((from->key_file != NULL) != (v->lock[4] == LOCK_KEY_FILE))
		return mun_fail(err, MUN_E_CREDENTIAL, "the vault is opened by a %s",
		                mun_vault_key_kind(v));
	code = derive(&key, v->lock, from, err);
	if (code != MUN_OK)
		return code;
	sealed = (struct mun_sealed){ v->lock + LOCK_HEAD, v->lock + LOCK_HEAD + MUN_NONCE_LEN,
		                      LOCK_SEALED, v->lock, LOCK_HEAD };
	code = mun_unseal(&fingerprint, &sealed, key.data, err);
	if (code != MUN_OK)
		return mun_fail(err, code, "wrong %s: it does not open the vault",
		                mun_vault_key_kind(v));
	mun_secret_done(&v->key);
	mun_secret_done(&v->fingerprint_key);
	v->key = MUN_STEAL(key);
	v->fingerprint_key = MUN_STEAL(fingerprint);
	return MUN_OK;
}
