/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/date.h"
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
	(void)snprintf(folder, sizeof(folder), "/tmp/test-vault-XXXXXX");
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
	assert_ok(mun_vault_put(v, name, &org, url, &token, false, 42, &err), &err);
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
	size_t len;

	(void)state;
	assert_fails(mun_vault_open(&v, dir, false, &err), MUN_E_NOTFOUND, &err);
	v = open_vault(true);
	add(v, "prod", "secret-one");
	add(v, "stage", "secret-two");
	set_secret(&token, "other");
	assert_fails(mun_vault_put(v, "prod", &org, url, &token, false, 1, &err), MUN_E_USAGE,
	             &err);
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
	assert_ok(mun_vault_put(v, "prod", &org, url, &token, true, 43, &err), &err);
	check(v, "prod", "other");
	assert_ok(mun_vault_remove(v, "prod", &err), &err);
	assert_fails(mun_vault_remove(v, "prod", &err), MUN_E_NOTFOUND, &err);
	assert_fails(mun_vault_get(v, "prod", &token, NULL, &err), MUN_E_NOTFOUND, &err);
	mun_secret_done(&token);
	mun_vault_closep(&v);
}

/* Write a record behind the vault's back. */
static void tamper(unsigned table, const char *name, const uint8_t *data, size_t len)
{
	static const char *const tables[] = { "vault", "token" };
	static const struct mun_store_options o = { .tables = tables, .tables_len = 2 };
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;

	assert_ok(mun_store_open(&s, dir, &o, &err), &err);
	assert_ok(mun_store_write(&t, s, &err), &err);
	assert_ok(mun_txn_put(t, table, mun_val(name, strlen(name)), mun_val(data, len), &err),
	          &err);
	assert_ok(mun_txn_commit(t, &err), &err);
	mun_store_closep(&s);
}

static size_t take(unsigned table, const char *name, uint8_t *ret, size_t max)
{
	static const char *const tables[] = { "vault", "token" };
	static const struct mun_store_options o = { .tables = tables, .tables_len = 2 };
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;
	struct mun_val v;

	assert_ok(mun_store_open(&s, dir, &o, &err), &err);
	assert_ok(mun_store_read(&t, s, &err), &err);
	assert_ok(mun_txn_get(t, table, mun_val(name, strlen(name)), &v, &err), &err);
	assert_true(v.len <= max);
	memcpy(ret, v.data, v.len);
	max = v.len;
	mun_txn_abortp(&t);
	mun_store_closep(&s);
	return max;
}

static void test_every_flipped_byte_of_a_token_is_noticed(void **state)
{
	struct mun_secret got;
	uint8_t record[1024];
	struct mun_vault *v = open_vault(true);
	size_t len;

	(void)state;
	add(v, "prod", "secret-one");
	mun_vault_closep(&v);
	len = take(1, "prod", record, sizeof(record));
	for (size_t i = 0; i <= len; i++) {
		if (i < len)
			record[i] ^= 1;
		tamper(1, "prod", record, i < len ? len : len - 1);
		v = open_vault(false);
		assert_fails(mun_vault_get(v, "prod", &got, NULL, &err), MUN_E_CREDENTIAL, &err);
		mun_vault_closep(&v);
		if (i < len)
			record[i] ^= 1;
	}
	tamper(1, "prod", record, len);
	v = open_vault(false);
	check(v, "prod", "secret-one");
	mun_vault_closep(&v);
	tamper(1, "stage", record, len); /* the same record under another name */
	v = open_vault(false);
	assert_fails(mun_vault_get(v, "stage", &got, NULL, &err), MUN_E_CREDENTIAL, &err);
	mun_vault_closep(&v);
}

static void test_every_flipped_byte_of_the_lock_is_noticed(void **state)
{
	struct mun_vault *v = open_vault(true);
	uint8_t lock[256];
	size_t len;

	(void)state;
	mun_vault_closep(&v);
	len = take(0, "lock", lock, sizeof(lock));
	for (size_t i = 0; i < len; i++) {
		enum mun_code code;

		lock[i] ^= 1;
		tamper(0, "lock", lock, len);
		code = mun_vault_open(&v, dir, false, &err);
		if (code == MUN_OK)
			code = mun_vault_unlock(v, &key, &err);
		assert_int_equal(code, MUN_E_CREDENTIAL);
		mun_vault_closep(&v);
		lock[i] ^= 1;
	}
}

static void replace_all(uint8_t *data, size_t len, const char *from, const char *to)
{
	uint8_t *at = memmem(data, len, from, strlen(from));

	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
}

static void test_another_host_or_organization_is_refused(void **state)
{
	struct mun_secret got;
	uint8_t record[1024];
	uint8_t changed[1024];
	struct mun_vault *v = open_vault(true);
	size_t len;

	(void)state;
	add(v, "prod", "secret-one");
	mun_vault_closep(&v);
	len = take(1, "prod", record, sizeof(record));
	for (int i = 0; i < 2; i++) {
		memcpy(changed, record, len);
		if (i == 0)
			replace_all(changed, len, "go.tallyfy", "no.tallyfy");
		else
			replace_all(changed, len, "010203", "010204");
		tamper(1, "prod", changed, len);
		v = open_vault(false);
		assert_fails(mun_vault_get(v, "prod", &got, NULL, &err), MUN_E_CREDENTIAL, &err);
		mun_vault_closep(&v);
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

static void test_wide_permissions_are_refused(void **state)
{
	struct mun_vault *v = open_vault(true);
	struct mun_secret got;
	char link_path[128];

	(void)state;
	mun_vault_closep(&v);
	assert_int_equal(chmod(dir, 0750), 0);
	assert_fails(mun_vault_open(&v, dir, true, &err), MUN_E_CREDENTIAL, &err);
	assert_int_equal(chmod(dir, 0700), 0);
	(void)snprintf(link_path, sizeof(link_path), "%s/link", folder);
	assert_int_equal(symlink(key_path, link_path), 0);
	assert_fails(mun_key_file_read(&got, link_path, &err), MUN_E_CREDENTIAL, &err);
	assert_int_equal(unlink(link_path), 0);
	assert_int_equal(mkfifo(link_path, 0600), 0);
	assert_fails(mun_key_file_read(&got, link_path, &err), MUN_E_CREDENTIAL, &err);
	assert_int_equal(chmod(key_path, 0640), 0);
	assert_fails(mun_key_file_read(&got, key_path, &err), MUN_E_CREDENTIAL, &err);
	assert_int_equal(chmod(key_path, 0600), 0);
	assert_int_equal(truncate(key_path, 31), 0);
	assert_fails(mun_key_file_read(&got, key_path, &err), MUN_E_CREDENTIAL, &err);
}

static void test_names_and_tokens_are_checked_and_never_printed(void **state)
{
	static const char *const good[] = { "a", "prod", "0.x_y-z",
		                            "abcdefghijklmnopqrstuvwxyz012345" };
	static const char *const bad[] = { "",
		                           "Prod",
		                           "-x",
		                           ".x",
		                           "a b",
		                           "eyJhbGciOiJIUzI1NiJ9.e30.x",
		                           "abcdefghijklmnopqrstuvwxyz0123456" };
	static const char *const dirty[] = { "", "\n", "a b", "a\n\n", "a\r\n", "a\tb", "a\x7f" };
	struct mun_secret token;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(good); i++)
		assert_ok(mun_token_name_check(good[i], &err), &err);
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		assert_fails(mun_token_name_check(bad[i], &err), MUN_E_USAGE, &err);
		assert_true(strlen(bad[i]) < 3 || strstr(err.text, bad[i]) == NULL);
	}
	for (size_t i = 0; i < MUN_ARRAY_LEN(dirty); i++) {
		set_secret(&token, dirty[i]);
		assert_fails(mun_token_clean(&token, &err), MUN_E_CREDENTIAL, &err);
		mun_secret_done(&token);
	}
	set_secret(&token, "good-token\n");
	assert_ok(mun_token_clean(&token, &err), &err);
	assert_int_equal(token.len, 10);
	mun_secret_done(&token);
}

static void test_the_expiry_of_a_jwt_is_read(void **state)
{
	int64_t expires = 0;
	struct mun_secret token;

	(void)state;
	set_secret(&token,
	           "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDB9.c2ln"); /* exp 1700000000 */
	assert_true(mun_token_jwt(&token, &expires));
	assert_true(expires == INT64_C(1700000000) * 1000000);
	mun_secret_done(&token);
	set_secret(&token, "eyJhbGciOiJIUzI1NiJ9.e30.c2ln");
	assert_true(mun_token_jwt(&token, &expires));
	assert_true(expires == MUN_TIME_NONE);
	mun_secret_done(&token);
	set_secret(&token, "a.b.c");
	assert_false(mun_token_jwt(&token, &expires));
	mun_secret_done(&token);
	set_secret(&token, "opaque");
	assert_false(mun_token_jwt(&token, &expires));
	mun_secret_done(&token);
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
		IN_FOLDER(test_every_flipped_byte_of_the_lock_is_noticed),
		IN_FOLDER(test_another_host_or_organization_is_refused),
		IN_FOLDER(test_a_new_key_opens_what_the_old_one_did),
		IN_FOLDER(test_wide_permissions_are_refused),
		cmocka_unit_test(test_names_and_tokens_are_checked_and_never_printed),
		cmocka_unit_test(test_the_expiry_of_a_jwt_is_read),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
