/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/cursor.h"
#include "lib/date.h"
#include "lib/digest.h"
#include "lib/failpoint.h"
#include "lib/hex.h"
#include "lib/store.h"
#include "lib/text.h"
#include "lib/vault.h"
#include "lib/vault_impl.h"

/*
 * A sealed token: a record of lib/vault_record.c with this mark. Its associated data are name, org,
 * base URL, fingerprint, kind, expiry and time added (microseconds, decimal), each followed by a
 * newline.
 */
static const char TOKEN_MAGIC[4] = "MVT1";
/* More than anybody has; a count beyond it is no count. */
#define TOKENS_MAX 100000

/* The name may be what is damaged: it is told only where it is one. */
static enum mun_code fail_damaged(const char *name, struct mun_err *err)
{
	if (mun_token_name_check(name, NULL) != MUN_OK)
		return mun_fail(err, MUN_E_CREDENTIAL, "a sealed token is damaged");
	return mun_fail(err, MUN_E_CREDENTIAL, "the sealed token \"%s\" is damaged", name);
}

/* *ret borrows from the value. */
static enum mun_code decode_record(struct mun_sealed *ret, const char *name, struct mun_val value,
                                   struct mun_err *err)
{
	if (!mun_vault_record_decode(ret, TOKEN_MAGIC, value))
		return fail_damaged(name, err);
	return MUN_OK;
}

/* The next line of the associated data into ret; false when it does not fit or is not there. */
static bool take_line(char *ret, size_t ret_size, const char **p, const char *end)
{
	const char *newline = memchr(*p, '\n', (size_t)(end - *p));
	size_t len = newline == NULL ? ret_size : (size_t)(newline - *p);

	if (len >= ret_size)
		return false;
	memcpy(ret, *p, len);
	ret[len] = '\0';
	*p = newline + 1;
	return true;
}

static bool take_time(int64_t *ret, const char **p, const char *end)
{
	char text[24];
	char *stop;

	if (!take_line(text, sizeof(text), p, end))
		return false;
	*ret = strtoll(text, &stop, 10);
	return stop != text && *stop == '\0';
}

static enum mun_code decode_info(struct mun_token_info *ret, const struct mun_sealed *r,
                                 const char *name, struct mun_err *err)
{
	const char *p = r->bound;
	const char *end = p + r->bound_len;
	struct mun_token_info info = { 0 };
	char org[MUN_ID_TEXT];

	/* The name is compared too: a record under another name would be another token. */
	if (!take_line(info.name, sizeof(info.name), &p, end) || strcmp(info.name, name) != 0 ||
	    !take_line(org, sizeof(org), &p, end) ||
	    mun_id_parse(&info.org, org, strlen(org)) != MUN_ID_OK ||
	    !take_line(info.base_url, sizeof(info.base_url), &p, end) ||
	    !take_line(info.fingerprint, sizeof(info.fingerprint), &p, end) ||
	    !take_line(info.kind, sizeof(info.kind), &p, end) ||
	    !take_time(&info.expires_us, &p, end) || !take_time(&info.added_us, &p, end) ||
	    p != end)
		return fail_damaged(name, err);
	*ret = info;
	return MUN_OK;
}

static void encode_bound(struct mun_buf *ret, const struct mun_token_info *info)
{
	char org[MUN_ID_TEXT];

	mun_id_format(org, &info->org);
	mun_buf_printf(ret, "%s\n%s\n%s\n%s\n%s\n%" PRId64 "\n%" PRId64 "\n", info->name, org,
	               info->base_url, info->fingerprint, info->kind, info->expires_us,
	               info->added_us);
}

static enum mun_code fill_info(struct mun_token_info *ret, const struct mun_vault *v,
                               const struct mun_vault_new *n, struct mun_err *err)
{
	uint8_t fingerprint[MUN_FINGERPRINT_LEN];
	size_t url_len = strlen(n->base_url);

	if (url_len >= sizeof(ret->base_url) || strpbrk(n->base_url, "\r\n") != NULL)
		return mun_fail(err, MUN_E_USAGE,
		                "the base URL is longer than %zu bytes or has a newline",
		                sizeof(ret->base_url) - 1);
	memcpy(ret->name, n->name, strlen(n->name) + 1); /* its length was checked with the name */
	memcpy(ret->base_url, n->base_url, url_len + 1);
	ret->org = *n->org;
	ret->added_us = n->now_us;
	mun_fingerprint(fingerprint, v->fingerprint_key.data, n->token->data, n->token->len);
	mun_hex_encode(ret->fingerprint, fingerprint, sizeof(fingerprint));
	if (n->fingerprint != NULL)
		mun_text_copy(ret->fingerprint, sizeof(ret->fingerprint), n->fingerprint,
		              strlen(n->fingerprint));
	ret->expires_us = MUN_TIME_NONE;
	(void)snprintf(ret->kind, sizeof(ret->kind), "%s",
	               mun_token_jwt(n->token, &ret->expires_us) ? "jwt" : "opaque");
	return MUN_OK;
}

static enum mun_code put_record(struct mun_vault *v, const char *name, struct mun_val record,
                                bool replace, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_val key = mun_val(name, strlen(name));
	struct mun_val taken;
	enum mun_code code = mun_store_reserve(v->store, record.len, err);

	if (code == MUN_OK)
		code = mun_store_write(&t, v->store, err);
	if (code == MUN_OK)
		code = mun_vault_check_lock(v, t, err);
	if (code == MUN_OK && !replace) {
		code = mun_txn_get(t, MUN_VAULT_TABLE, key, &taken, err);
		if (code == MUN_OK)
			return mun_fail(err, MUN_E_USAGE, "there is a token \"%s\" already", name);
		code = code == MUN_E_NOTFOUND ? MUN_OK : code;
	}
	(void)mun_failpoint("vault");
	if (code == MUN_OK)
		code = mun_txn_put(t, MUN_VAULT_TABLE, key, record, err);
	if (code == MUN_OK)
		code = mun_txn_commit(MUN_STEAL(t), err);
	return mun_vault_code(code, err);
}

enum mun_code mun_vault_put(struct mun_vault *v, const struct mun_vault_new *n, bool replace,
                            struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf bound;
	MUN_BUF_CLEANUP struct mun_buf record;
	struct mun_token_info info = { 0 };
	enum mun_code code;

	mun_buf_init(&bound, MUN_VAULT_BOUND_MAX);
	mun_buf_init(&record, MUN_VAULT_RECORD_MAX);
	code = mun_token_name_check(n->name, err);
	if (code == MUN_OK)
		code = mun_vault_need_key(v, err);
	if (code == MUN_OK && (n->token->len == 0 || n->token->len > MUN_TOKEN_MAX))
		return mun_fail(err, MUN_E_CREDENTIAL, "a token has 1 to %d bytes", MUN_TOKEN_MAX);
	if (code == MUN_OK)
		code = fill_info(&info, v, n, err);
	if (code != MUN_OK)
		return code;
	encode_bound(&bound, &info);
	code = mun_buf_check(&bound, "a sealed token", err);
	if (code == MUN_OK)
		code = mun_vault_record_encode(&record, TOKEN_MAGIC, &v->key, bound.data, bound.len,
		                               n->token, err);
	if (code != MUN_OK)
		return code;
	return put_record(v, n->name, mun_val(record.data, record.len), replace, err);
}

/* *ret_info may be NULL. */
static enum mun_code unseal_record(struct mun_secret *ret, struct mun_token_info *ret_info,
                                   const struct mun_vault *v, const char *name,
                                   struct mun_val value, struct mun_err *err)
{
	struct mun_token_info info;
	struct mun_sealed r = { 0 };
	enum mun_code code = decode_record(&r, name, value, err);

	if (code == MUN_OK)
		code = decode_info(&info, &r, name, err);
	if (code != MUN_OK)
		return code;
	code = mun_unseal(ret, &r, v->key.data, err);
	if (code == MUN_OK && ret_info != NULL)
		*ret_info = info;
	if (code == MUN_E_CREDENTIAL) /* the key opened the lock: it is the right one */
		return mun_fail(err, code,
		                "the sealed token \"%s\" was changed: its seal is broken", name);
	return code;
}

enum mun_code mun_vault_get(struct mun_vault *v, const char *name, struct mun_secret *ret,
                            struct mun_token_info *ret_info, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_val value;
	enum mun_code code = mun_token_name_check(name, err);

	if (code == MUN_OK)
		code = mun_vault_need_key(v, err);
	if (code == MUN_OK)
		code = mun_store_read(&t, v->store, err);
	if (code != MUN_OK)
		return mun_vault_code(code, err);
	code = mun_txn_get(t, MUN_VAULT_TABLE, mun_val(name, strlen(name)), &value, err);
	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, code, "there is no token \"%s\" in the vault", name);
	if (code == MUN_OK)
		code = unseal_record(ret, ret_info, v, name, value, err);
	return mun_vault_code(code, err);
}

enum mun_code mun_vault_remove(struct mun_vault *v, const char *name, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_token_name_check(name, err);

	if (code == MUN_OK)
		code = mun_store_write(&t, v->store, err);
	if (code != MUN_OK)
		return mun_vault_code(code, err);
	code = mun_txn_delete(t, MUN_VAULT_TABLE, mun_val(name, strlen(name)), err);
	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, code, "there is no token \"%s\" in the vault", name);
	if (code == MUN_OK)
		code = mun_txn_commit(MUN_STEAL(t), err);
	return mun_vault_code(code, err);
}

/* The entry that it stands at as a token; the lock and signing keys are none, *ret_len is then left
 * alone. */
static enum mun_code list_one(struct mun_token_info *ret, size_t *ret_len, struct mun_val key,
                              struct mun_val value, struct mun_err *err)
{
	char name[MUN_TOKEN_NAME_MAX + 1] = "";
	struct mun_val lock = mun_vault_lock_key();
	struct mun_sealed r = { 0 };
	enum mun_code code;

	if (key.len == lock.len && memcmp(key.data, lock.data, lock.len) == 0)
		return MUN_OK;
	if (mun_vault_signer_is(key))
		return mun_vault_signer_check(key, value, err);
	if (key.len <= MUN_TOKEN_NAME_MAX)
		memcpy(name, key.data, key.len);
	code = decode_record(&r, name, value, err);
	if (code == MUN_OK)
		code = decode_info(&ret[(*ret_len)++], &r, name, err);
	return code;
}

static enum mun_code list_in(struct mun_txn *t, struct mun_token_info **ret, size_t *ret_len,
                             struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) struct mun_token_info *all = NULL;
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	uint64_t count = mun_txn_count(t, MUN_VAULT_TABLE);
	enum mun_code code = mun_iter_open(&it, t, MUN_VAULT_TABLE, err);
	struct mun_val key;
	struct mun_val value;
	uint64_t seen = 0;
	size_t len = 0;

	if (code == MUN_OK && count > TOKENS_MAX)
		return mun_fail(err, MUN_E_CREDENTIAL, "the table of tokens is damaged");
	all = calloc((size_t)count + 1, sizeof(*all));
	if (all == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory to list tokens");
	while (code == MUN_OK && seen <= count) {
		code = mun_iter_next(it, &key, &value, err);
		if (code == MUN_OK)
			code = seen++ < count ? list_one(all, &len, key, value, err) : MUN_OK;
	}
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	if (seen != count)
		return mun_fail(err, MUN_E_CREDENTIAL, "the table of tokens is damaged");
	*ret = MUN_STEAL(all);
	*ret_len = len;
	return MUN_OK;
}

enum mun_code mun_vault_list(struct mun_vault *v, struct mun_token_info **ret, size_t *ret_len,
                             struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_store_read(&t, v->store, err);

	if (code == MUN_OK)
		code = list_in(t, ret, ret_len, err);
	return mun_vault_code(code, err);
}

static enum mun_code reseal(struct mun_vault *v, struct mun_txn *t, const char *name,
                            const struct mun_secret *new_key, struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret token = { 0 };
	MUN_BUF_CLEANUP struct mun_buf record;
	struct mun_val key = mun_val(name, strlen(name));
	struct mun_val old;
	struct mun_sealed r = { 0 };
	enum mun_code code = mun_txn_get(t, MUN_VAULT_TABLE, key, &old, err);

	mun_buf_init(&record, MUN_VAULT_RECORD_MAX);
	if (code == MUN_OK)
		code = unseal_record(&token, NULL, v, name, old, err);
	if (code == MUN_OK)
		code = decode_record(&r, name, old, err);
	if (code == MUN_OK)
		code = mun_vault_record_encode(&record, TOKEN_MAGIC, new_key, r.bound, r.bound_len,
		                               &token, err);
	if (code == MUN_OK)
		code = mun_txn_put(t, MUN_VAULT_TABLE, key, mun_val(record.data, record.len), err);
	return code;
}

static enum mun_code rekey_in(struct mun_vault *v, struct mun_txn **t,
                              const struct mun_secret *new_key,
                              const uint8_t lock[static MUN_LOCK_LEN], struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) struct mun_token_info *all = NULL;
	size_t len = 0;
	enum mun_code code = mun_vault_check_lock(v, *t, err);

	if (code == MUN_OK)
		code = list_in(*t, &all, &len, err);
	for (size_t i = 0; code == MUN_OK && i < len; i++) {
		(void)mun_failpoint("vault");
		code = reseal(v, *t, all[i].name, new_key, err);
	}
	if (code == MUN_OK)
		code = mun_vault_signer_rekey(v, *t, new_key, err);
	if (code == MUN_OK)
		code = mun_txn_put(*t, MUN_VAULT_TABLE, mun_vault_lock_key(),
		                   mun_val(lock, MUN_LOCK_LEN), err);
	return code == MUN_OK ? mun_txn_commit(MUN_STEAL(*t), err) : code;
}

enum mun_code mun_vault_rekey(struct mun_vault *v, const struct mun_vault_key *key,
                              struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_secret_done) struct mun_secret new_key = { 0 };
	uint8_t lock[MUN_LOCK_LEN];
	enum mun_code code = mun_vault_need_key(v, err);

	if (code == MUN_OK && (key->key_file != NULL) == (key->passphrase != NULL))
		return mun_fail(err, MUN_E_USAGE, "one source of the vault's key is needed");
	if (code == MUN_OK)
		code = mun_vault_make_lock(lock, &new_key, key, &v->fingerprint_key, err);
	if (code == MUN_OK)
		code = mun_store_write(&t, v->store, err);
	if (code == MUN_OK)
		code = rekey_in(v, &t, &new_key, lock, err);
	if (code != MUN_OK)
		return mun_vault_code(code, err);
	memcpy(v->lock, lock, MUN_LOCK_LEN);
	mun_secret_done(&v->key);
	v->key = MUN_STEAL(new_key);
	return MUN_OK;
}
