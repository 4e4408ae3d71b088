/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of the vault, as somebody wrote it who has the file but no key. The first byte says
 * whether it is the lock or a token; the checksum at its end is made to fit, else nothing behind
 * it would ever be read. An altered record opens nothing and is never listed as another's.
 */
#include <stdio.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/digest.h"
#include "lib/file.h"
#include "lib/vault.h"
#include "lib/vault_impl.h"
#include "tests/fuzz/fuzz.h"

#define NAME "main"

static struct mun_vault *vault;
static char dir[64], key_file[96];

static void remove_all(void)
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char path[128];

	mun_vault_closep(&vault);
	for (size_t i = 0; i < MUN_ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)unlink(key_file);
	(void)rmdir(dir);
}

static void open_vault(void)
{
	const struct mun_vault_key key = { .key_file = key_file };
	static const uint8_t bytes[32] = "a key of thirty-two known bytes";
	const char *shm = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	struct mun_err err;

	assert(mun_crypto_init(&err) == MUN_OK);
	(void)snprintf(dir, sizeof(dir), "%s/muniment-fuzz-XXXXXX", shm);
	assert(mkdtemp(dir));
	assert(atexit(remove_all) == 0);
	(void)snprintf(key_file, sizeof(key_file), "%s/key", dir);
	assert(mun_file_replace(key_file, bytes, sizeof(bytes), 0600, &err) == MUN_OK);
	assert(mun_vault_open(&vault, dir, true, &err) == MUN_OK);
	assert(mun_vault_unlock(vault, &key, &err) == MUN_OK);
}

static void store(struct mun_val key, const uint8_t *data, size_t len)
{
	struct mun_txn *t = NULL;
	struct mun_err err;

	assert(mun_store_write(&t, vault->store, &err) == MUN_OK);
	assert(mun_txn_put(t, MUN_VAULT_TABLE, key, mun_val(data, len), &err) == MUN_OK);
	assert(mun_txn_commit(t, &err) == MUN_OK);
}

static void try_token(const uint8_t *data, size_t len)
{
	struct mun_token_info *list = NULL;
	struct mun_secret token = { NULL, 0 };
	struct mun_err err;
	size_t listed = 0;
	enum mun_code code;

	store(mun_val(NAME, strlen(NAME)), data, len);
	code = mun_vault_list(vault, &list, &listed, &err);
	if (code != MUN_OK)
		fuzz_check_failure(code, &err);
	else
		assert(listed == 1 && strcmp(list[0].name, NAME) == 0);
	free(list);
	/* Nobody has sealed anything with this key. */
	code = mun_vault_get(vault, NAME, &token, NULL, &err);
	assert(code == MUN_E_CREDENTIAL && !token.data);
	fuzz_check_failure(code, &err);
}

static void try_lock(const uint8_t *data, size_t len)
{
	const struct mun_vault_key key = { .key_file = key_file };
	uint8_t right[MUN_LOCK_LEN];
	struct mun_vault *v = NULL;
	struct mun_err err;
	enum mun_code code;

	memcpy(right, vault->lock, sizeof(right));
	store(mun_vault_lock_key(), data, len);
	mun_vault_closep(&vault); /* one open at a time */
	code = mun_vault_open(&v, dir, false, &err);
	if (code == MUN_OK)
		code = mun_vault_unlock(v, &key, &err);
	assert(code == MUN_E_CREDENTIAL || (len == sizeof(right) && memcmp(data, right, len) == 0));
	mun_vault_closep(&v);
	remove_all();
	open_vault();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t record[8192];
	size_t len = size > 0 ? size - 1 : 0;

	if (size == 0 || len + MUN_SHA256_LEN > sizeof(record))
		return 0;
	if (!vault)
		open_vault();
	memcpy(record, data + 1, len);
	mun_sha256(record + len, record, len);
	len += MUN_SHA256_LEN;
	if (data[0] == 'L' && record[4] == 2) /* by key file: a passphrase takes long */
		try_lock(record, len);
	else
		try_token(record, len);
	return 0;
}
