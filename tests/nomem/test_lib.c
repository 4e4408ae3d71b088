/* SPDX-License-Identifier: Apache-2.0 */
/* lib/ without memory: the right code, nothing leaked, and the object still good for a next try. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/canon.h"
#include "lib/csv.h"
#include "lib/digest.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/manifest.h"
#include "lib/pack.h"
#include "lib/rate.h"
#include "lib/store.h"
#include "lib/tlog/proof.h"
#include "lib/vault_signer.h"
#include "tests/nomem/nomem.h"

#define A   "0123456789abcdef0123456789abcdef"
#define B   "fedcba9876543210fedcba9876543210"
#define JWT "eyJhbGciOiJub25lIn0.eyJleHAiOjE3OTU0NzQwODF9.c2ln"

static char dir[64];

static enum mun_code buffer(void *arg, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf b;

	(void)arg;
	mun_buf_init(&b, 100000);
	for (int i = 0; i < 2000; i++)
		mun_buf_printf(&b, "%d ", i);
	assert_true(b.failed ? !b.full : b.len > 8000);
	assert_true(b.failed || b.data[b.len] == '\0');
	return mun_buf_check(&b, "numbers", err);
}

static enum mun_code json(void *arg, struct mun_err *err)
{
	static const char text[] = "{\"a\":{\"b\":[1,2.5],\"c\":null},\"d\":\"e\"}";
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	enum mun_code code = mun_json_parse(&doc, text, strlen(text), err);

	(void)arg;
	assert_true((code == MUN_OK) == (doc != NULL));
	return code;
}

static enum mun_code csv(void *arg, struct mun_err *err)
{
	static const char text[] = "id,\"na\"\"me\"\n" A ",x\n";
	struct mun_csv c;
	bool more = true;
	enum mun_code code = MUN_OK;

	(void)arg;
	mun_csv_init(&c, text, strlen(text));
	while (code == MUN_OK && more)
		code = mun_csv_next(&c, &more, err);
	mun_csv_done(&c);
	return code;
}

static enum mun_code count_row(void *arg, const struct mun_row *row, struct mun_err *err)
{
	unsigned *rows = arg;

	(void)row;
	(void)err;
	++*rows;
	return MUN_OK;
}

static enum mun_code parse_list(const char *text, struct mun_err *err)
{
	const struct mun_manifest_options o = { .source = "list" };
	struct mun_manifest_report report = { 0 };
	unsigned rows = 0;
	enum mun_code code;

	mun_buf_init(&report.faults, 100000);
	code = mun_manifest_parse(text, strlen(text), &o, count_row, &rows, &report, err);
	if (code == MUN_OK)
		assert_int_equal(rows, 2);
	mun_buf_done(&report.faults);
	return code;
}

static enum mun_code manifest_csv(void *arg, struct mun_err *err)
{
	(void)arg;
	return parse_list("id,reason,cost\n" A ",contract ended,1\n" B ",,2\n", err);
}

static enum mun_code manifest_json(void *arg, struct mun_err *err)
{
	(void)arg;
	return parse_list("[{\"id\":\"" A "\",\"reason\":\"contract ended\",\"x\":[1, {}]},"
	                  "{\"id\":\"" B "\",\"name\":\"b\"}]",
	                  err);
}

static enum mun_code manifest_jsonl(void *arg, struct mun_err *err)
{
	(void)arg;
	return parse_list("{\"id\":\"" A "\",\"x\":1}\n{\"id\":\"" B "\",\"y\":\"z\"}\n", err);
}

/* A list with faults stays one, or memory is what is missing; it is never taken for a good one. */
static enum mun_code manifest_faults(void *arg, struct mun_err *err)
{
	enum mun_code code = parse_list("id,x\nnot-an-id,1\n" A ",2\n", err);

	(void)arg;
	assert_int_not_equal(code, MUN_OK);
	return code == MUN_E_INPUT ? MUN_OK : code;
}

static enum mun_code proof(void *arg, struct mun_err *err)
{
	static const char text[] = "c2sp.org/tlog-proof@v1\nextra Zm9vYmE=\nindex 0\n\nnote\n";
	MUN_CLEANUP(mun_tlog_proof_done) struct mun_tlog_proof p = { .index = 7 };
	enum mun_code code = mun_tlog_proof_parse(&p, text, strlen(text), err);

	(void)arg;
	assert_int_equal(p.index, code == MUN_OK ? 0 : 7);
	return code;
}

static enum mun_code packing(void *arg, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf packed;
	MUN_BUF_CLEANUP struct mun_buf raw;
	MUN_CLEANUP(mun_packer_freep) struct mun_packer *p = NULL;
	static char data[200000];
	enum mun_code code = mun_packer_new(&p, err);

	(void)arg;
	mun_buf_init(&packed, 1 << 20);
	mun_buf_init(&raw, 1 << 20);
	if (code == MUN_OK)
		code = mun_pack(p, &packed, data, sizeof(data), err);
	if (code == MUN_OK)
		code = mun_unpack(NULL, &raw, packed.data, packed.len, sizeof(data), err);
	return code;
}

static enum mun_code admissions(void *arg, struct mun_err *err)
{
	struct mun_admissions a = { 0 };
	struct mun_rate rate;
	enum mun_code code = mun_rate_parse(&rate, "10/5s,90/m", err);

	(void)arg;
	if (code == MUN_OK)
		code = mun_admissions_init(&a, &rate, err);
	mun_admissions_done(&a);
	return code;
}

static enum mun_code files(void *arg, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	MUN_CLEANUP(mun_closep) int lock = -1;
	char path[128];
	bool held;
	enum mun_code code;

	(void)arg;
	mun_buf_init(&text, 10000);
	(void)snprintf(path, sizeof(path), "%s/a/b", dir);
	code = mun_dir_make(path, 0700, err);
	(void)snprintf(path, sizeof(path), "%s/a/b/file", dir);
	if (code == MUN_OK)
		code = mun_file_replace(path, "whole", 5, 0600, err);
	if (code == MUN_OK)
		code = mun_file_read(&text, path, err);
	(void)snprintf(path, sizeof(path), "%s/lock", dir);
	if (code == MUN_OK)
		code = mun_lock_take(&lock, path, err);
	if (code == MUN_OK)
		code = mun_lock_write(lock, "me", 2, err);
	if (code == MUN_OK)
		code = mun_lock_read(&text, &held, path, err);
	return code;
}

/* No half-written file stays behind: the folders would not be empty. */
static void only_whole_files(void *arg)
{
	static const char *const made[] = { "lock", "a/b/file", "a/b", "a" };
	char path[128];

	(void)arg;
	for (size_t i = 0; i < MUN_ARRAY_LEN(made); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, made[i]);
		if (remove(path) != 0)
			assert_int_equal(errno, ENOENT);
	}
}

static enum mun_code digest(void *arg, struct mun_err *err)
{
	MUN_CLEANUP(mun_sha256_freep) struct mun_sha256 *h = NULL;

	(void)arg;
	return mun_sha256_new(&h, err);
}

static enum mun_code store(void *arg, struct mun_err *err)
{
	static const char *const tables[] = { "one", "two" };
	const struct mun_store_options o = { .tables = tables, .tables_len = 2 };
	MUN_CLEANUP(mun_store_closep) struct mun_store *s = NULL;
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_val key, value;
	enum mun_code code = mun_store_open(&s, dir, &o, err);

	(void)arg;
	if (code == MUN_OK)
		code = mun_store_write(&t, s, err);
	if (code == MUN_OK)
		code = mun_txn_put(t, 0, mun_val("k", 1), mun_val("v", 1), err);
	if (code == MUN_OK)
		code = mun_txn_commit(MUN_STEAL(t), err);
	if (code == MUN_OK)
		code = mun_store_read(&t, s, err);
	if (code == MUN_OK)
		code = mun_iter_open(&it, t, 0, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_val("", 0), &key, &value, err);
	if (code == MUN_OK)
		assert_memory_equal(value.data, "v", 1);
	return code;
}

static enum mun_code use_vault(struct mun_vault *v, struct mun_secret *token, struct mun_err *err)
{
	const struct mun_id org = { { 1 } };
	const struct mun_vault_new stored = {
		.name = "main",
		.org = &org,
		.base_url = "https://api.tallyfy.com",
		.token = token,
		.now_us = 1,
	};
	struct mun_secret got = { NULL, 0 };
	struct mun_token_info *list = NULL;
	size_t len = 0;
	enum mun_code code = mun_vault_put(v, &stored, true, err);

	if (code == MUN_OK)
		code = mun_vault_get(v, "main", &got, NULL, err);
	if (code == MUN_OK) {
		assert_memory_equal(got.data, token->data, token->len);
		code = mun_vault_list(v, &list, &len, err);
	}
	if (code == MUN_OK)
		assert_int_equal(len, 1);
	free(list);
	mun_secret_done(&got);
	return code;
}

static enum mun_code use_signer(struct mun_vault *v, struct mun_err *err)
{
	static const uint8_t seed[32] = { 7 };
	struct mun_secret secret = { NULL, 0 }, got = { NULL, 0 };
	uint8_t public_key[MUN_PUBLIC_LEN];
	struct mun_vkey key, found;
	enum mun_code code = mun_sign_key_of_seed(&secret, public_key, seed, err);

	if (code == MUN_OK)
		code = mun_vkey_make(&key, "log", MUN_KEY_ED25519, public_key, err);
	if (code == MUN_OK)
		code = mun_vault_signer_put(v, &key, &secret, err);
	if (code == MUN_OK)
		code = mun_vault_signer_find(v, MUN_KEY_ED25519, &found, err);
	if (code == MUN_OK)
		code = mun_vault_signer_get(v, &found, &got, err);
	if (code == MUN_OK)
		assert_memory_equal(got.data, secret.data, got.len);
	mun_secret_done(&got);
	mun_secret_done(&secret);
	return code;
}

static enum mun_code vault(void *arg, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	char key_file[96], place[96];
	const struct mun_vault_key key = { .key_file = key_file };
	struct mun_secret token = { NULL, 0 };
	enum mun_code code;

	(void)arg;
	(void)snprintf(place, sizeof(place), "%s/vault", dir);
	(void)snprintf(key_file, sizeof(key_file), "%s/key", dir);
	code = mun_secret_new(&token, strlen(JWT), err);
	if (code == MUN_OK) {
		memcpy(token.data, JWT, strlen(JWT));
		code = mun_vault_open(&v, place, true, err);
	}
	if (code == MUN_OK)
		code = mun_vault_unlock(v, &key, err);
	if (code == MUN_OK)
		code = use_vault(v, &token, err);
	if (code == MUN_OK)
		code = use_signer(v, err);
	if (code == MUN_OK)
		code = mun_vault_rekey(v, &key, err);
	if (code == MUN_OK)
		code = use_vault(v, &token, err);
	if (code == MUN_OK)
		code = use_signer(v, err);
	mun_secret_done(&token);
	return code;
}

/* Whatever failed, the vault opens and holds whole tokens. */
static void vault_is_whole(void *arg)
{
	struct mun_err err;
	char place[96];
	enum mun_code code;

	(void)arg;
	(void)snprintf(place, sizeof(place), "%s/vault", dir);
	code = mun_vault_check(place, &err);
	if (code != MUN_E_NOTFOUND)
		assert_ok(code, &err);
}

static int setup(void **state)
{
	char key_file[96];
	struct mun_err err;

	(void)state;
	assert_ok(mun_crypto_init(&err), &err);
	(void)snprintf(dir, sizeof(dir), "%s/muniment-nomem-XXXXXX",
	               access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(key_file, sizeof(key_file), "%s/key", dir);
	return mun_file_replace(key_file, B A, 64, 0600, &err) == MUN_OK ? 0 : -1;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void test_each_module(void **state)
{
	static const struct nomem_case cases[] = {
		{ "a buffer", buffer, NULL, false },
		{ "JSON", json, NULL, false },
		{ "CSV", csv, NULL, false },
		{ "a list in CSV", manifest_csv, NULL, true },
		{ "a list in JSON", manifest_json, NULL, true },
		{ "a list in JSONL", manifest_jsonl, NULL, true },
		{ "a list with faults", manifest_faults, NULL, true },
		{ "a proof", proof, NULL, false },
		{ "a compressor", packing, NULL, false },
		{ "admissions", admissions, NULL, false },
		{ "a digest", digest, NULL, false },
		{ "a store", store, NULL, false },
		{ "a vault", vault, vault_is_whole, true },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++)
		nomem_try(&cases[i], NULL);
}

static void test_files(void **state)
{
	static const struct nomem_case c = { "files", files, only_whole_files, false };

	(void)state;
	nomem_try(&c, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_module, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
