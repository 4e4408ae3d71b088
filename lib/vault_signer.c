/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/vault_signer.h"

#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/failpoint.h"
#include "lib/vault_impl.h"

/*
 * A signing key is a record with this mark, under the key PREFIX and its verifier key as text,
 * which is also its associated data. No token can have such a name.
 */
static const char SIGNER_MARK[MUN_VAULT_MARK] = "MVS1";
static const char PREFIX[] = ".signer/";
#define PREFIX_LEN (sizeof(PREFIX) - 1)
/* More than anybody has; a count beyond it is no count. */
#define SIGNERS_MAX 10000

struct place {
	char text[PREFIX_LEN + MUN_VKEY_TEXT];
};

static struct mun_val place_of(struct place *ret, const struct mun_vkey *key)
{
	memcpy(ret->text, PREFIX, PREFIX_LEN);
	mun_vkey_format(ret->text + PREFIX_LEN, key);
	return mun_val(ret->text, strlen(ret->text));
}

/* The verifier key of an entry of the table, as text. */
static struct mun_val name_of(struct mun_val place)
{
	return mun_val((const char *)place.data + PREFIX_LEN, place.len - PREFIX_LEN);
}

static enum mun_code damaged(struct mun_err *err)
{
	return mun_fail(err, MUN_E_CREDENTIAL, "a sealed signing key is damaged");
}

static enum mun_code decode(struct mun_sealed *ret, struct mun_val place, struct mun_val value,
                            struct mun_err *err)
{
	struct mun_val name = name_of(place);

	/* The name is compared too: a record under another name would be another key. */
	if (!mun_vault_record_decode(ret, SIGNER_MARK, value) || ret->bound_len != name.len ||
	    memcmp(ret->bound, name.data, name.len) != 0)
		return damaged(err);
	return MUN_OK;
}

bool mun_vault_signer_is(struct mun_val key)
{
	return key.len > PREFIX_LEN && key.len < sizeof(struct place) &&
	       memcmp(key.data, PREFIX, PREFIX_LEN) == 0;
}

enum mun_code mun_vault_signer_check(struct mun_val key, struct mun_val value, struct mun_err *err)
{
	struct mun_sealed r;

	return decode(&r, key, value, err);
}

static enum mun_code store(struct mun_vault *v, struct mun_val place, struct mun_val record,
                           struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_val taken;
	enum mun_code code = mun_store_reserve(v->store, record.len, err);

	if (code == MUN_OK)
		code = mun_store_write(&t, v->store, err);
	if (code == MUN_OK)
		code = mun_vault_check_lock(v, t, err);
	if (code == MUN_OK)
		code = mun_txn_get(t, MUN_VAULT_TABLE, place, &taken, err);
	if (code != MUN_E_NOTFOUND)
		return code;
	(void)mun_failpoint("vault");
	code = mun_txn_put(t, MUN_VAULT_TABLE, place, record, err);
	return code == MUN_OK ? mun_txn_commit(MUN_STEAL(t), err) : code;
}

enum mun_code mun_vault_signer_put(struct mun_vault *v, const struct mun_vkey *key,
                                   const struct mun_secret *secret, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf record;
	struct place place;
	struct mun_val at = place_of(&place, key);
	struct mun_val name = name_of(at);
	enum mun_code code = mun_vault_need_key(v, err);

	mun_buf_init(&record, MUN_VAULT_RECORD_MAX);
	if (code == MUN_OK && secret->len != MUN_SIGN_KEY_LEN)
		return mun_fail(err, MUN_E_USAGE, "a signing key has %d bytes", MUN_SIGN_KEY_LEN);
	if (code == MUN_OK)
		code = mun_vault_record_encode(&record, SIGNER_MARK, &v->key, name.data, name.len,
		                               secret, err);
	if (code == MUN_OK)
		code = store(v, at, mun_val(record.data, record.len), err);
	return mun_vault_code(code, err);
}

/* The seed and public key of key, and of no other. */
static enum mun_code unseal(struct mun_secret *ret, const struct mun_vault *v,
                            const struct mun_sealed *r, struct mun_err *err)
{
	enum mun_code code = mun_unseal(ret, r, v->key.data, err);

	if (code == MUN_E_CREDENTIAL) /* the key opened the lock: it is the right one */
		return mun_fail(err, code, "a sealed signing key was changed: its seal is broken");
	return code;
}

enum mun_code mun_vault_signer_get(struct mun_vault *v, const struct mun_vkey *key,
                                   struct mun_secret *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_secret_done) struct mun_secret secret = { 0 };
	struct place place;
	struct mun_val at = place_of(&place, key), value;
	struct mun_sealed r;
	enum mun_code code = mun_vault_need_key(v, err);

	if (code == MUN_OK)
		code = mun_store_read(&t, v->store, err);
	if (code == MUN_OK)
		code = mun_txn_get(t, MUN_VAULT_TABLE, at, &value, err);
	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, code, "the vault does not hold the key %s",
		                place.text + PREFIX_LEN);
	if (code == MUN_OK)
		code = decode(&r, at, value, err);
	if (code == MUN_OK)
		code = unseal(&secret, v, &r, err);
	if (code == MUN_OK && (secret.len != MUN_SIGN_KEY_LEN ||
	                       memcmp(secret.data + MUN_SIGN_KEY_LEN - MUN_PUBLIC_LEN, key->key,
	                              MUN_PUBLIC_LEN) != 0))
		return damaged(err);
	if (code != MUN_OK)
		return mun_vault_code(code, err);
	*ret = MUN_STEAL(secret);
	return MUN_OK;
}

bool mun_vault_signer_has(struct mun_vault *v, const struct mun_vkey *key)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct place place;
	struct mun_val value;
	struct mun_err ignored;

	return mun_store_read(&t, v->store, &ignored) == MUN_OK &&
	       mun_txn_get(t, MUN_VAULT_TABLE, place_of(&place, key), &value, &ignored) == MUN_OK;
}

/* Calls fn for each signing key of the table; fn must not write. */
static enum mun_code each(struct mun_txn *t,
                          enum mun_code (*fn)(void *arg, struct mun_val place, struct mun_err *err),
                          void *arg, struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_val place, value;
	enum mun_code code = mun_iter_open(&it, t, MUN_VAULT_TABLE, err);

	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_val(PREFIX, PREFIX_LEN), &place, &value, err);
	for (unsigned n = 0; code == MUN_OK && mun_vault_signer_is(place); n++) {
		if (n == SIGNERS_MAX)
			return damaged(err);
		code = fn(arg, place, err);
		if (code == MUN_OK)
			code = mun_iter_next(it, &place, &value, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

struct wanted {
	enum mun_key_type type;
	struct mun_vkey key;
	bool found;
};

static enum mun_code take_wanted(void *arg, struct mun_val place, struct mun_err *err)
{
	struct wanted *w = arg;
	struct mun_val name = name_of(place);
	char text[MUN_VKEY_TEXT + 1];
	struct mun_vkey key;

	if (w->found)
		return MUN_OK;
	(void)snprintf(text, sizeof(text), "%.*s", (int)name.len, (const char *)name.data);
	if (mun_vkey_parse(&key, text, err) != MUN_OK)
		return damaged(err);
	w->found = key.type == w->type;
	if (w->found)
		w->key = key;
	return MUN_OK;
}

enum mun_code mun_vault_signer_find(struct mun_vault *v, enum mun_key_type type,
                                    struct mun_vkey *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct wanted w = { .type = type };
	enum mun_code code = mun_store_read(&t, v->store, err);

	if (code == MUN_OK)
		code = each(t, take_wanted, &w, err);
	if (code != MUN_OK)
		return mun_vault_code(code, err);
	if (!w.found)
		return mun_fail(err, MUN_E_NOTFOUND, "the vault holds no key of that kind");
	*ret = w.key;
	return MUN_OK;
}

static enum mun_code keep_place(void *arg, struct mun_val place, struct mun_err *err)
{
	struct mun_buf *all = arg;

	mun_buf_add(all, place.data, place.len);
	mun_buf_putc(all, '\0');
	return mun_buf_check(all, "the list of signing keys", err);
}

static enum mun_code reseal(struct mun_vault *v, struct mun_txn *t, struct mun_val place,
                            const struct mun_secret *new_key, struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret secret = { 0 };
	MUN_BUF_CLEANUP struct mun_buf record;
	struct mun_val old, name = name_of(place);
	struct mun_sealed r;
	enum mun_code code = mun_txn_get(t, MUN_VAULT_TABLE, place, &old, err);

	mun_buf_init(&record, MUN_VAULT_RECORD_MAX);
	if (code == MUN_OK)
		code = decode(&r, place, old, err);
	if (code == MUN_OK)
		code = unseal(&secret, v, &r, err);
	if (code == MUN_OK)
		code = mun_vault_record_encode(&record, SIGNER_MARK, new_key, name.data, name.len,
		                               &secret, err);
	if (code == MUN_OK)
		code = mun_txn_put(t, MUN_VAULT_TABLE, place, mun_val(record.data, record.len),
		                   err);
	return code;
}

enum mun_code mun_vault_signer_rekey(struct mun_vault *v, struct mun_txn *t,
                                     const struct mun_secret *new_key, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf all;
	enum mun_code code;

	mun_buf_init(&all, SIGNERS_MAX * sizeof(struct place));
	code = each(t, keep_place, &all, err);
	for (size_t at = 0; code == MUN_OK && at < all.len; at += strlen(all.data + at) + 1)
		code = reseal(v, t, mun_val(all.data + at, strlen(all.data + at)), new_key, err);
	return code;
}
