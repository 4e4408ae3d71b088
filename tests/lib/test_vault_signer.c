/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/digest.h"
#include "lib/file.h"
#include "lib/store.h"
#include "lib/vault_signer.h"
#include "tests/test.h"

#define ORIGIN "muniment/host-0a1b2c3d"

static char folder[64], dir[96], key_path[96], other_path[96];
static struct mun_err err;
static const struct mun_vault_key key = { .key_file = key_path };
static const struct mun_vault_key other_key = { .key_file = other_path };
static struct mun_vkey vkey;
static struct mun_secret secret;

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/test-signer-XXXXXX",
	               access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(folder) == NULL || mun_crypto_init(&err) != MUN_OK)
		return 1;
	(void)snprintf(dir, sizeof(dir), "%s/vault", folder);
	(void)snprintf(key_path, sizeof(key_path), "%s/key", folder);
	(void)snprintf(other_path, sizeof(other_path), "%s/other", folder);
	if (mun_file_replace(other_path, "another key of 32 bytes, or more", 32, 0600, &err) != 0)
		return 1;
	return (int)mun_file_replace(key_path, "0123456789abcdef0123456789abcdef", 32, 0600, &err);
}

static int drop_folder(void **state)
{
	char command[128];

	(void)state;
	mun_secret_done(&secret);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct mun_vault *open_vault(const struct mun_vault_key *with)
{
	struct mun_vault *v = NULL;

	assert_ok(mun_vault_open(&v, dir, true, &err), &err);
	assert_ok(mun_vault_unlock(v, with, &err), &err);
	return v;
}

static void make_key(struct mun_vkey *ret, struct mun_secret *ret_secret, const char *name,
                     enum mun_key_type type)
{
	uint8_t public_key[MUN_PUBLIC_LEN];

	assert_ok(mun_sign_key_new(ret_secret, public_key, &err), &err);
	assert_ok(mun_vkey_make(ret, name, type, public_key, &err), &err);
}

/* A vault that holds the key of ORIGIN and is open. */
static struct mun_vault *vault_with_key(void)
{
	struct mun_vault *v = open_vault(&key);

	make_key(&vkey, &secret, ORIGIN, MUN_KEY_ED25519);
	assert_ok(mun_vault_signer_put(v, &vkey, &secret, &err), &err);
	return v;
}

static void check(struct mun_vault *v)
{
	struct mun_secret got = { 0 };

	assert_ok(mun_vault_signer_get(v, &vkey, &got, &err), &err);
	assert_int_equal(got.len, MUN_SIGN_KEY_LEN);
	assert_memory_equal(got.data, secret.data, got.len);
	mun_secret_done(&got);
}

static void test_a_key_is_kept_and_found(void **state)
{
	struct mun_vault *v = vault_with_key();
	struct mun_secret cosigner, got;
	struct mun_vkey own, found;

	(void)state;
	check(v);
	assert_true(mun_vault_signer_has(v, &vkey));
	assert_fails(mun_vault_signer_find(v, MUN_KEY_COSIGNER, &found, &err), MUN_E_NOTFOUND,
	             &err);
	make_key(&own, &cosigner, "auditor", MUN_KEY_COSIGNER);
	assert_false(mun_vault_signer_has(v, &own));
	assert_fails(mun_vault_signer_get(v, &own, &got, &err), MUN_E_NOTFOUND, &err);
	assert_ok(mun_vault_signer_put(v, &own, &cosigner, &err), &err);
	mun_vault_closep(&v);
	assert_ok(mun_vault_open(&v, dir, false, &err), &err); /* locked */
	assert_true(mun_vault_signer_has(v, &vkey));
	assert_ok(mun_vault_signer_find(v, MUN_KEY_COSIGNER, &found, &err), &err);
	assert_true(mun_vkey_equal(&found, &own));
	assert_ok(mun_vault_signer_find(v, MUN_KEY_ED25519, &found, &err), &err);
	assert_true(mun_vkey_equal(&found, &vkey));
	assert_fails(mun_vault_signer_get(v, &vkey, &got, &err), MUN_E_CREDENTIAL, &err);
	assert_string_equal(err.text, "the vault is locked");
	assert_fails(mun_vault_signer_put(v, &own, &cosigner, &err), MUN_E_CREDENTIAL, &err);
	mun_secret_done(&cosigner);
	mun_vault_closep(&v);
}

/* The same verifier key with other bytes behind it: what was there first stays. */
static void test_a_key_that_is_there_is_left_as_it_is(void **state)
{
	struct mun_vault *v = vault_with_key();
	struct mun_secret other, small;
	struct mun_vkey ignored;

	(void)state;
	make_key(&ignored, &other, ORIGIN, MUN_KEY_ED25519);
	assert_ok(mun_vault_signer_put(v, &vkey, &other, &err), &err);
	check(v);
	assert_ok(mun_secret_new(&small, 32, &err), &err);
	memset(small.data, 7, small.len);
	assert_fails(mun_vault_signer_put(v, &ignored, &small, &err), MUN_E_USAGE, &err);
	assert_false(mun_vault_signer_has(v, &ignored));
	mun_secret_done(&small);
	mun_secret_done(&other);
	mun_vault_closep(&v);
}

static void test_a_key_never_signs_for_another(void **state)
{
	struct mun_vault *v = vault_with_key();
	struct mun_secret other, got = { 0 };
	struct mun_vkey second;

	(void)state;
	make_key(&second, &other, ORIGIN, MUN_KEY_ED25519);
	assert_ok(mun_vault_signer_put(v, &second, &secret, &err), &err);
	assert_fails(mun_vault_signer_get(v, &second, &got, &err), MUN_E_CREDENTIAL, &err);
	assert_string_equal(err.text, "a sealed signing key is damaged");
	assert_null(got.data);
	check(v);
	mun_secret_done(&other);
	mun_vault_closep(&v);
}

static void test_tokens_and_keys_do_not_see_each_other(void **state)
{
	static const struct mun_id org = { { 1, 2, 3 } };
	struct mun_vault *v = vault_with_key();
	struct mun_token_info *list = NULL, info;
	struct mun_secret token, got;
	char place[MUN_VKEY_TEXT + 8] = ".signer/";
	size_t len = 9;

	(void)state;
	assert_ok(mun_vault_list(v, &list, &len, &err), &err);
	assert_int_equal(len, 0);
	free(list);
	assert_ok(mun_secret_new(&token, 10, &err), &err);
	memset(token.data, 't', token.len);
	assert_ok(mun_vault_put(v,
	                        &(struct mun_vault_new){ "prod", &org, "https://go.tallyfy.com",
	                                                 &token, 42, NULL },
	                        false, &err),
	          &err);
	mun_secret_done(&token);
	assert_ok(mun_vault_list(v, &list, &len, &err), &err);
	assert_int_equal(len, 1);
	assert_string_equal(list[0].name, "prod");
	free(list);
	mun_vkey_format(place + 8, &vkey);
	assert_fails(mun_vault_get(v, place, &got, &info, &err), MUN_E_USAGE, &err);
	assert_fails(mun_vault_remove(v, place, &err), MUN_E_USAGE, &err);
	check(v);
	mun_vault_closep(&v);
	assert_ok(mun_vault_check(dir, &err), &err);
}

static void test_a_new_vault_key_seals_them_anew(void **state)
{
	struct mun_vault *v = vault_with_key();
	struct mun_secret cosigner, got;
	struct mun_vkey own;

	(void)state;
	make_key(&own, &cosigner, "auditor", MUN_KEY_COSIGNER);
	assert_ok(mun_vault_signer_put(v, &own, &cosigner, &err), &err);
	assert_ok(mun_vault_rekey(v, &other_key, &err), &err);
	check(v);
	mun_vault_closep(&v);
	assert_ok(mun_vault_open(&v, dir, false, &err), &err);
	assert_fails(mun_vault_unlock(v, &key, &err), MUN_E_CREDENTIAL, &err);
	assert_fails(mun_vault_signer_get(v, &vkey, &got, &err), MUN_E_CREDENTIAL, &err);
	assert_ok(mun_vault_unlock(v, &other_key, &err), &err);
	check(v);
	assert_ok(mun_vault_signer_get(v, &own, &got, &err), &err);
	assert_memory_equal(got.data, cosigner.data, got.len);
	mun_secret_done(&got);
	mun_secret_done(&cosigner);
	mun_vault_closep(&v);
	assert_ok(mun_vault_check(dir, &err), &err);
}

static const char *const tables[] = { "vault" };
static const struct mun_store_options store_options = { .tables = tables, .tables_len = 1 };

static void place_of(char *ret, size_t size, const struct mun_vkey *k)
{
	char text[MUN_VKEY_TEXT];

	mun_vkey_format(text, k);
	(void)snprintf(ret, size, ".signer/%s", text);
}

static void tamper(const struct mun_vkey *k, const void *data, size_t len)
{
	char place[MUN_VKEY_TEXT + 8];
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;

	place_of(place, sizeof(place), k);
	assert_ok(mun_store_open(&s, dir, &store_options, &err), &err);
	assert_ok(mun_store_write(&t, s, &err), &err);
	assert_ok(mun_txn_put(t, 0, mun_val(place, strlen(place)), mun_val(data, len), &err), &err);
	assert_ok(mun_txn_commit(t, &err), &err);
	mun_store_closep(&s);
}

static size_t take(uint8_t *ret, size_t max)
{
	char place[MUN_VKEY_TEXT + 8];
	struct mun_store *s = NULL;
	struct mun_txn *t = NULL;
	struct mun_val v;
	size_t len;

	place_of(place, sizeof(place), &vkey);
	assert_ok(mun_store_open(&s, dir, &store_options, &err), &err);
	assert_ok(mun_store_read(&t, s, &err), &err);
	assert_ok(mun_txn_get(t, 0, mun_val(place, strlen(place)), &v, &err), &err);
	len = v.len;
	assert_true(len < max);
	memcpy(ret, v.data, len);
	mun_txn_abortp(&t);
	mun_store_closep(&s);
	return len;
}

/* As somebody would who changes a record and the sum at its end. */
static void sum_again(uint8_t *data, size_t len)
{
	mun_sha256(data + len - MUN_SHA256_LEN, data, len - MUN_SHA256_LEN);
}

/* With its sum made to fit, only the seal can tell. */
static void refuse(const struct mun_vkey *k, bool fitting)
{
	struct mun_secret got = { 0 };
	struct mun_vault *v = NULL;

	if (!fitting)
		assert_fails(mun_vault_check(dir, &err), MUN_E_CREDENTIAL, &err);
	v = open_vault(&key);
	assert_fails(mun_vault_signer_get(v, k, &got, &err), MUN_E_CREDENTIAL, &err);
	assert_non_null(strstr(err.text, "a sealed signing key"));
	assert_null(got.data);
	if (!fitting) { /* nothing is sealed anew of which a part would be lost */
		assert_fails(mun_vault_rekey(v, &other_key, &err), MUN_E_CREDENTIAL, &err);
	}
	mun_vault_closep(&v);
}

static void test_every_flipped_bit_of_a_record_is_refused(void **state)
{
	uint8_t record[1024], changed[1024];
	struct mun_vault *v = vault_with_key();
	size_t len;

	(void)state;
	mun_vault_closep(&v);
	len = take(record, sizeof(record));
	for (size_t bit = 0; bit < 8 * len; bit++) {
		memcpy(changed, record, len);
		changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		tamper(&vkey, changed, len);
		refuse(&vkey, false);
		if (bit / 8 >= len - MUN_SHA256_LEN)
			continue;
		sum_again(changed, len);
		tamper(&vkey, changed, len);
		refuse(&vkey, true);
	}
	tamper(&vkey, record, len);
	v = open_vault(&key);
	check(v);
	mun_vault_closep(&v);
}

static void test_every_truncation_of_a_record_is_refused(void **state)
{
	uint8_t record[1024], cut[1024];
	struct mun_vault *v = vault_with_key();
	size_t len;

	(void)state;
	mun_vault_closep(&v);
	len = take(record, sizeof(record));
	for (size_t i = 0; i < len; i++) {
		memcpy(cut, record, i);
		if (i >= MUN_SHA256_LEN)
			sum_again(cut, i);
		tamper(&vkey, cut, i);
		refuse(&vkey, false);
	}
	record[len] = 0; /* one byte more than there was */
	sum_again(record, len + 1);
	tamper(&vkey, record, len + 1);
	refuse(&vkey, false);
}

static void test_a_record_under_another_key_is_refused(void **state)
{
	uint8_t record[1024];
	struct mun_vault *v = vault_with_key();
	struct mun_secret unused;
	struct mun_vkey stranger, renamed;
	size_t len;

	(void)state;
	mun_vault_closep(&v);
	make_key(&stranger, &unused, ORIGIN, MUN_KEY_ED25519);
	mun_secret_done(&unused);
	assert_ok(
		mun_vkey_make(&renamed, "muniment/other-0a1b2c3d", MUN_KEY_ED25519, vkey.key, &err),
		&err);
	len = take(record, sizeof(record));
	tamper(&renamed, record, len);
	refuse(&renamed, false);
	tamper(&stranger, record, len);
	refuse(&stranger, false);
}

/* A record that was copied into another vault. */
static void test_a_record_of_another_vault_is_refused(void **state)
{
	uint8_t record[1024];
	struct mun_vault *v = vault_with_key();
	size_t len;

	(void)state;
	mun_vault_closep(&v);
	len = take(record, sizeof(record));
	(void)snprintf(dir, sizeof(dir), "%s/second", folder);
	assert_ok(mun_file_replace(other_path, "a key file of the second vault!!", 32, 0600, &err),
	          &err);
	v = open_vault(&other_key);
	mun_vault_closep(&v);
	tamper(&vkey, record, len);
	assert_ok(mun_vault_check(dir, &err), &err);
	assert_ok(mun_vault_open(&v, dir, false, &err), &err);
	assert_fails(mun_vault_unlock(v, &key, &err), MUN_E_CREDENTIAL, &err);
	assert_ok(mun_vault_unlock(v, &other_key, &err), &err);
	struct mun_secret got = { 0 };
	assert_fails(mun_vault_signer_get(v, &vkey, &got, &err), MUN_E_CREDENTIAL, &err);
	assert_string_equal(err.text, "a sealed signing key was changed: its seal is broken");
	mun_vault_closep(&v);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(test_a_key_is_kept_and_found),
		IN_FOLDER(test_a_key_that_is_there_is_left_as_it_is),
		IN_FOLDER(test_a_key_never_signs_for_another),
		IN_FOLDER(test_tokens_and_keys_do_not_see_each_other),
		IN_FOLDER(test_a_new_vault_key_seals_them_anew),
		IN_FOLDER(test_every_flipped_bit_of_a_record_is_refused),
		IN_FOLDER(test_every_truncation_of_a_record_is_refused),
		IN_FOLDER(test_a_record_under_another_key_is_refused),
		IN_FOLDER(test_a_record_of_another_vault_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
