/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/digest.h"
#include "lib/file.h"
#include "lib/store.h"
#include "lib/vault.h"
#include "tests/test.h"

static char folder[64];
static char dir[96];
static char key_path[96];
static struct mun_err err;
static const struct mun_id org = { { 1, 2, 3 } };
static const struct mun_vault_key key = { .key_file = key_path };
static const char url[] = "https://go.tallyfy.com";

static int make_folder(void **state)
{
	(void)state;
	/* Some thousand commits: where there is one, a file system in memory takes them. */
	(void)snprintf(folder, sizeof(folder), "%s/test-vault-XXXXXX",
	               access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(dir, sizeof(dir), "%s/vault", folder);
	(void)snprintf(key_path, sizeof(key_path), "%s/key", folder);
	return (int)mun_file_replace(key_path, "0123456789abcdef0123456789abcdef", 32, 0600, &err);
}

static int drop_folder(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void set_secret(struct mun_secret *ret, const char *text)
{
	assert_ok(mun_secret_new(ret, strlen(text), &err), &err);
	memcpy(ret->data, text, ret->len);
}

static struct mun_vault *open_vault(bool create)
{
	struct mun_vault *v = NULL;

	assert_ok(mun_vault_open(&v, dir, create, &err), &err);
	assert_ok(mun_vault_unlock(v, &key, &err), &err);
	return v;
}

static void add(struct mun_vault *v, const char *name, const char *text)
{
	struct mun_secret token;

	set_secret(&token, text);
	assert_ok(mun_vault_put(v, &(struct mun_vault_new){ name, &org, url, &token, 42, NULL },
	                        false, &err),
	          &err);
	mun_secret_done(&token);
}

static void check(struct mun_vault *v, const char *name, const char *text)
{
	struct mun_token_info info;
	struct mun_secret got;

	assert_ok(mun_vault_get(v, name, &got, &info, &err), &err);
	assert_int_equal(got.len, strlen(text));
	assert_memory_equal(got.data, text, got.len);
	assert_string_equal(info.name, name);
	assert_string_equal(info.base_url, url);
	assert_true(mun_id_equal(&info.org, &org));
	mun_secret_done(&got);
}

static void test_tokens_are_kept_listed_and_removed(void **state)
{
	struct mun_vault *v = NULL;
	struct mun_token_info *list;
	struct mun_secret token;
	struct mun_vault_new again = { "prod", &org, url, &token, 43, NULL };
	size_t len;

	(void)state;
	assert_fails(mun_vault_open(&v, dir, false, &err), MUN_E_NOTFOUND, &err);
	v = open_vault(true);
	add(v, "prod", "secret-one");
	add(v, "stage", "secret-two");
	set_secret(&token, "other");
	assert_fails(mun_vault_put(v, &again, false, &err), MUN_E_USAGE, &err);
	mun_vault_closep(&v);
	assert_ok(mun_vault_open(&v, dir, false, &err), &err);
	assert_string_equal(mun_vault_key_kind(v), "key file");
	assert_ok(mun_vault_list(v, &list, &len, &err), &err); /* without a key */
	assert_int_equal(len, 2);
	assert_string_equal(list[0].name, "prod");
	assert_int_equal(list[0].added_us, 42);
	assert_true(list[0].expires_us == MUN_TIME_NONE);
	assert_string_equal(list[0].kind, "opaque");
	assert_string_not_equal(list[0].fingerprint, list[1].fingerprint);
	free(list);
	assert_fails(mun_vault_get(v, "prod", &token, NULL, &err), MUN_E_CREDENTIAL, &err);
	assert_ok(mun_vault_unlock(v, &key, &err), &err);
	check(v, "prod", "secret-one");
	assert_ok(mun_vault_put(v, &again, true, &err), &err);
	check(v, "prod", "other");
	assert_ok(mun_vault_remove(v, "prod", &err), &err);
	assert_fails(mun_vault_remove(v, "prod", &err), MUN_E_NOTFOUND, &err);
	assert_fails(mun_vault_get(v, "prod", &token, NULL, &err), MUN_E_NOTFOUND, &err);
	mun_secret_done(&token);
	mun_vault_closep(&v);
}

static const char *const tables[] = { "vault" };
static const struct mun_store_options store_options = { .tables = tables, .tables_len = 1 };

/* Write a record behind the vault's back. */
static void tamper(const char *name, const uint8_t *data, size_t len)
{
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;

	assert_ok(mun_store_open(&s, dir, &store_options, &err), &err);
	assert_ok(mun_store_write(&t, s, &err), &err);
	assert_ok(mun_txn_put(t, 0, mun_val(name, strlen(name)), mun_val(data, len), &err), &err);
	assert_ok(mun_txn_commit(t, &err), &err);
	mun_store_closep(&s);
}

static size_t take(const char *name, uint8_t *ret, size_t max)
{
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;
	struct mun_val v;

	assert_ok(mun_store_open(&s, dir, &store_options, &err), &err);
	assert_ok(mun_store_read(&t, s, &err), &err);
	assert_ok(mun_txn_get(t, 0, mun_val(name, strlen(name)), &v, &err), &err);
	assert_true(v.len <= max);
	memcpy(ret, v.data, v.len);
	max = v.len;
	mun_txn_abortp(&t);
	mun_store_closep(&s);
	return max;
}

/* As somebody would who changes a record and the sum at its end. */
static void sum_again(uint8_t *data, size_t len)
{
	mun_sha256(data + len - MUN_SHA256_LEN, data, len - MUN_SHA256_LEN);
}

/* The token named, with its sum made to fit or not, is refused with a text that has word in it. */
static void refuse(const char *name, const char *word)
{
	struct mun_secret got;
	struct mun_vault *v = open_vault(false);

	assert_fails(mun_vault_get(v, name, &got, NULL, &err), MUN_E_CREDENTIAL, &err);
	if (strstr(err.text, word) == NULL)
		fail_msg("%s: no \"%s\"", err.text, word);
	mun_vault_closep(&v);
}

static void test_every_flipped_byte_of_a_token_is_noticed(void **state)
{
	uint8_t record[1024], changed[1024];
	struct mun_vault *v = open_vault(true);
	size_t len;

	(void)state;
	add(v, "prod", "secret-one");
	mun_vault_closep(&v);
	len = take("prod", record, sizeof(record));
	for (size_t i = 0; i < len; i++) {
		for (int fitting = 0; fitting < 2; fitting++) {
			memcpy(changed, record, len);
			changed[i] ^= 1;
			if (fitting && i < len - MUN_SHA256_LEN)
				sum_again(changed, len);
			tamper("prod", changed, len);
			refuse("prod", "the sealed token \"prod\"");
		}
	}
	tamper("prod", record, len);
	v = open_vault(false);
	check(v, "prod", "secret-one");
	mun_vault_closep(&v);
	tamper("stage", record, len); /* the same record under another name */
	refuse("stage", "the sealed token \"stage\" is damaged");
}

static void test_every_truncation_of_a_token_is_noticed(void **state)
{
	uint8_t record[1024], cut[1024];
	struct mun_vault *v = open_vault(true);
	size_t len;

	(void)state;
	add(v, "prod", "secret-one");
	mun_vault_closep(&v);
	len = take("prod", record, sizeof(record));
	for (size_t i = 0; i < len; i++) {
		memcpy(cut, record, i);
		tamper("prod", cut, i);
		refuse("prod", "is damaged");
		if (i < MUN_SHA256_LEN)
			continue;
		sum_again(cut, i);
		tamper("prod", cut, i);
		refuse("prod", "is damaged");
	}
	record[len] = 0; /* one byte more than there was */
	sum_again(record, len + 1);
	tamper("prod", record, len + 1);
	refuse("prod", "is damaged");
}

/* Damage and a wrong key are two messages. */
static void test_every_flipped_byte_of_the_lock_is_noticed(void **state)
{
	struct mun_vault *v = open_vault(true);
	uint8_t lock[256], changed[256];
	size_t len;

	(void)state;
	mun_vault_closep(&v);
	len = take(".lock", lock, sizeof(lock));
	for (size_t i = 0; i < len; i++) {
		memcpy(changed, lock, len);
		changed[i] ^= 1;
		tamper(".lock", changed, len);
		assert_fails(mun_vault_open(&v, dir, false, &err), MUN_E_CREDENTIAL, &err);
		assert_non_null(strstr(err.text, "the lock of the vault is damaged"));
		if (i >= len - MUN_SHA256_LEN)
			continue;
		sum_again(changed, len);
		tamper(".lock", changed, len);
		if (mun_vault_open(&v, dir, false, &err) == MUN_OK)
			assert_fails(mun_vault_unlock(v, &key, &err), MUN_E_CREDENTIAL, &err);
		mun_vault_closep(&v);
	}
	tamper(".lock", lock, len);
	assert_int_equal(
		mun_file_replace(key_path, "another key of 32 bytes, or more", 32, 0600, &err), 0);
	assert_ok(mun_vault_open(&v, dir, false, &err), &err);
	assert_fails(mun_vault_unlock(v, &key, &err), MUN_E_CREDENTIAL, &err);
	assert_string_equal(err.text, "wrong key file: it does not open the vault");
	mun_vault_closep(&v);
}

static void test_a_vault_is_checked_without_its_key(void **state)
{
	uint8_t record[1024];
	struct mun_vault *v = NULL;
	size_t len;

	(void)state;
	assert_fails(mun_vault_check(dir, &err), MUN_E_NOTFOUND, &err);
	assert_ok(mun_vault_open(&v, dir, true, &err), &err);
	mun_vault_closep(&v);
	assert_fails(mun_vault_check(dir, &err), MUN_E_NOTFOUND, &err); /* never given a key */
	v = open_vault(true);
	mun_vault_closep(&v);
	assert_ok(mun_vault_check(dir, &err), &err);
	v = open_vault(true);
	add(v, "prod", "secret-one");
	mun_vault_closep(&v);
	assert_ok(mun_vault_check(dir, &err), &err);
	len = take("prod", record, sizeof(record));
	record[12] ^= 1;
	tamper("prod", record, len);
	assert_fails(mun_vault_check(dir, &err), MUN_E_CREDENTIAL, &err);
	record[12] ^= 1;
	tamper("prod", record, len);
	assert_ok(mun_vault_check(dir, &err), &err);
	tamper("other", record, len);
	assert_fails(mun_vault_check(dir, &err), MUN_E_CREDENTIAL, &err);
}

static void replace_all(uint8_t *data, size_t len, const char *from, const char *to)
{
	uint8_t *at = memmem(data, len, from, strlen(from));

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	for (size_t i = 0; to[i] != '\0'; i++)
		at[i] = (uint8_t)to[i];
}

static void test_another_host_or_organization_is_refused(void **state)
{
	uint8_t record[1024];
	uint8_t changed[1024];
	struct mun_vault *v = open_vault(true);
	size_t len;

	(void)state;
	add(v, "prod", "secret-one");
	mun_vault_closep(&v);
	len = take("prod", record, sizeof(record));
	for (int i = 0; i < 2; i++) {
		memcpy(changed, record, len);
		if (i == 0)
			replace_all(changed, len, "go.tallyfy", "no.tallyfy");
		else
			replace_all(changed, len, "010203", "010204");
		sum_again(changed, len);
		tamper("prod", changed, len);
		refuse("prod", "its seal is broken");
	}
}

static void test_a_new_key_opens_what_the_old_one_did(void **state)
{
	struct mun_secret passphrase;
	struct mun_secret wrong;
	struct mun_vault_key by_passphrase = { .passphrase = &passphrase };
	struct mun_vault *v = open_vault(true);

	(void)state;
	set_secret(&passphrase, "correct horse");
	set_secret(&wrong, "battery staple");
	add(v, "prod", "secret-one");
	add(v, "stage", "secret-two");
	assert_ok(mun_vault_rekey(v, &by_passphrase, &err), &err);
	check(v, "stage", "secret-two");
	mun_vault_closep(&v);
	assert_ok(mun_vault_open(&v, dir, false, &err), &err);
	assert_string_equal(mun_vault_key_kind(v), "passphrase");
	assert_fails(mun_vault_unlock(v, &key, &err), MUN_E_CREDENTIAL, &err);
	by_passphrase.passphrase = &wrong;
	assert_fails(mun_vault_unlock(v, &by_passphrase, &err), MUN_E_CREDENTIAL, &err);
	by_passphrase.passphrase = &passphrase;
	assert_ok(mun_vault_unlock(v, &by_passphrase, &err), &err);
	check(v, "prod", "secret-one");
	check(v, "stage", "secret-two");
	mun_vault_closep(&v);
	mun_secret_done(&passphrase);
	mun_secret_done(&wrong);
}

static void test_a_vault_open_to_others_is_refused(void **state)
{
	struct mun_vault *v = open_vault(true);
	char data[128];

	(void)state;
	mun_vault_closep(&v);
	(void)snprintf(data, sizeof(data), "%s/data.mdb", dir);
	assert_int_equal(chmod(dir, 0750), 0);
	assert_fails(mun_vault_open(&v, dir, true, &err), MUN_E_CREDENTIAL, &err);
	assert_fails(mun_vault_check(dir, &err), MUN_E_CREDENTIAL, &err);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(chmod(data, 0604), 0);
	assert_fails(mun_vault_open(&v, dir, false, &err), MUN_E_CREDENTIAL, &err);
	assert_int_equal(chmod(data, 0600), 0);
	if (geteuid() != 0) /* only root can give a file away */
		return;
	assert_int_equal(chown(data, 65534, 65534), 0);
	assert_fails(mun_vault_open(&v, dir, false, &err), MUN_E_CREDENTIAL, &err);
	assert_non_null(strstr(err.text, "belongs to another user"));
}

static int start(void **state)
{
	(void)state;
	return (int)mun_crypto_init(&err);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_tokens_are_kept_listed_and_removed),
		IN_FOLDER(test_every_flipped_byte_of_a_token_is_noticed),
		IN_FOLDER(test_every_truncation_of_a_token_is_noticed),
		IN_FOLDER(test_every_flipped_byte_of_the_lock_is_noticed),
		IN_FOLDER(test_a_vault_is_checked_without_its_key),
		IN_FOLDER(test_another_host_or_organization_is_refused),
		IN_FOLDER(test_a_new_key_opens_what_the_old_one_did),
		IN_FOLDER(test_a_vault_open_to_others_is_refused),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
