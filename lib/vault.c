/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/vault.h"

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
 * What the vault's key opens (key "lock" of table "vault", format version 1).
 *
 *   offset  size  field
 *        0     4  magic "MVL1"
 *        4     1  1 passphrase, 2 key file
 *        5    16  salt, then ops (8) and memory in bytes (8) of Argon2id
 *       37    24  nonce
 *       61    48  seal of the fingerprint key; the first 37 bytes are its associated data
 *
 * Integers are big-endian.
 */
static const char LOCK_MAGIC[4] = "MVL1";
#define LOCK_HEAD   37
#define LOCK_SEALED (MUN_KEY_LEN + MUN_SEAL_TAG)

enum lock_kind {
	LOCK_PASSPHRASE = 1,
	LOCK_KEY_FILE = 2
};
static const char *const tables[] = { [MUN_VAULT_LOCK] = "vault", [MUN_VAULT_TOKEN] = "token" };

enum mun_code mun_vault_code(enum mun_code code, struct mun_err *err)
{
	if (code == MUN_E_CORRUPT)
		return mun_wrap(err, MUN_E_CREDENTIAL, "vault");
	return code;
}

static enum mun_code check_owner(const char *path, bool *ret_there, struct mun_err *err)
{
	struct stat st;

	*ret_there = stat(path, &st) == 0;
	if (!*ret_there)
		return MUN_OK;
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

static enum mun_code check_place(const char *dir, bool create, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) char *data = NULL;
	enum mun_code code = create ? mun_dir_make(dir, 0700, err) : MUN_OK;
	bool there = false;

	if (asprintf(&data, "%s/data.mdb", dir) < 0) {
		data = NULL;
		return mun_fail(err, MUN_E_NOMEM, "no memory to open the vault");
	}
	if (code == MUN_OK)
		code = check_owner(dir, &there, err);
	if (code == MUN_OK)
		code = check_owner(data, &there, err);
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
		code = mun_txn_get(t, MUN_VAULT_LOCK, mun_val("lock", 4), &value, err);
	if (code == MUN_E_NOTFOUND)
		return MUN_OK;
	if (code != MUN_OK)
		return code;
	if (value.len != MUN_LOCK_LEN || memcmp(value.data, LOCK_MAGIC, sizeof(LOCK_MAGIC)) != 0)
		return mun_fail(err, MUN_E_CREDENTIAL, "the lock of the vault is damaged");
	memcpy(v->lock, value.data, MUN_LOCK_LEN);
	return MUN_OK;
}

enum mun_code mun_vault_open(struct mun_vault **ret, const char *dir, bool create,
                             struct mun_err *err)
{
	static const struct mun_store_options options = {
		.tables = tables,
		.tables_len = MUN_ARRAY_LEN(tables),
		.map_bytes = (size_t)64 << 20,
	};
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	enum mun_code code = check_place(dir, create, err);

	if (code != MUN_OK)
		return code;
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory to open the vault");
	code = mun_store_open(&v->store, dir, &options, err);
	if (code == MUN_OK)
		code = load_lock(v, err);
	if (code != MUN_OK)
		return mun_vault_code(code, err);
	*ret = MUN_STEAL(v);
	return MUN_OK;
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
	*ret = key;
	key = (struct mun_secret){ 0 };
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
	    mun_txn_get(t, MUN_VAULT_LOCK, mun_val("lock", 4), &taken, err) == MUN_OK)
		return mun_fail(err, MUN_E_BUSY, "another process has just given the vault a key");
	if (code == MUN_OK)
		code = mun_txn_put(t, MUN_VAULT_LOCK, mun_val("lock", 4),
		                   mun_val(lock, MUN_LOCK_LEN), err);
	if (code == MUN_OK)
		code = mun_txn_commit(MUN_STEAL(t), err);
	if (code != MUN_OK)
		return mun_vault_code(code, err);
	memcpy(v->lock, lock, MUN_LOCK_LEN);
	v->key = key;
	v->fingerprint_key = fingerprint;
	key = (struct mun_secret){ 0 };
	fingerprint = (struct mun_secret){ 0 };
	return MUN_OK;
}

enum mun_code mun_vault_unlock(struct mun_vault *v, const struct mun_vault_key *from,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret key = { 0 };
	MUN_CLEANUP(mun_secret_done) struct mun_secret fingerprint = { 0 };
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
	code = mun_unseal(&fingerprint, v->lock + LOCK_HEAD, key.data,
	                  v->lock + LOCK_HEAD + MUN_NONCE_LEN, LOCK_SEALED, v->lock, LOCK_HEAD,
	                  err);
	if (code != MUN_OK)
		return mun_fail(err, code,
		                "the %s does not open the vault, or its lock was changed",
		                mun_vault_key_kind(v));
	mun_secret_done(&v->key);
	mun_secret_done(&v->fingerprint_key);
	v->key = key;
	v->fingerprint_key = fingerprint;
	key = (struct mun_secret){ 0 };
	fingerprint = (struct mun_secret){ 0 };
	return MUN_OK;
}
