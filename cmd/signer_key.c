/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cmd/out.h"
#include "cmd/signer.h"
#include "cmd/unlock.h"
#include "cmd/why.h"
#include "lib/digest.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/vault_signer.h"

#define FIRST_REASON "first signing key of this journal"

#define OPENED_BY \
	"MUNIMENT_PASSPHRASE_FILE, $CREDENTIALS_DIRECTORY/muniment-passphrase or --key-file"

/* That a token needs no vault helps nobody who wants to sign. */
static enum mun_code with_hint(enum mun_code code, const char *hint, struct mun_err *err)
{
	char *given = code == MUN_OK ? NULL : strchr(err->text, '\n');

	if (given && strstr(given, "--token-file")) {
		*given = '\0';
		mun_hint(err, "%s", hint);
	}
	return code;
}

enum mun_code mun_signer_unlock(struct mun_vault *v, struct mun_app *app, struct mun_err *err)
{
	return with_hint(mun_unlock(v, app, err), OPENED_BY " opens it", err);
}

enum mun_code mun_signer_vault(struct mun_vault **ret, struct mun_app *app, bool create,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	/* Before a directory is made that nothing could open. */
	enum mun_code code = create ? mun_unlock_possible(app, NULL, err) : MUN_OK;

	if (code != MUN_OK)
		return with_hint(code, OPENED_BY " opens it", err);
	code = mun_unlock_open(&v, app, create, err);
	code = with_hint(code, "--vault DIR names another one", err);
	if (code == MUN_OK)
		code = mun_signer_unlock(v, app, err);
	if (code == MUN_OK)
		*ret = MUN_STEAL(v);
	return code;
}

enum mun_code mun_signer_new_key(struct mun_vault *v, const char *name, enum mun_key_type type,
                                 struct mun_vkey *ret, struct mun_secret *ret_secret,
                                 struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret secret = { 0 };
	uint8_t public_key[MUN_PUBLIC_LEN];
	struct mun_vkey key;
	enum mun_code code = mun_sign_key_new(&secret, public_key, err);

	if (code == MUN_OK)
		code = mun_vkey_make(&key, name, type, public_key, err);
	if (code == MUN_OK)
		code = mun_vault_signer_put(v, &key, &secret, err);
	if (code != MUN_OK)
		return code;
	*ret = key;
	*ret_secret = MUN_STEAL(secret);
	return MUN_OK;
}

/* The entry by which s->key comes into force. */
static enum mun_code append_key(struct mun_signer *s, struct mun_app *app, struct mun_journal *j,
                                const struct mun_vkey *previous, const char *reason,
                                struct mun_err *err)
{
	struct mun_entry e = { .kind = MUN_K_KEY_ADDED, .item = MUN_NO_ITEM };
	struct mun_group group = { .entries = &e, .len = 1 };
	char vkey[MUN_VKEY_TEXT], old[MUN_VKEY_TEXT];
	enum mun_code code;

	mun_vkey_format(vkey, &s->key);
	e.u.key.vkey = vkey;
	if (previous) {
		mun_vkey_format(old, previous);
		e.u.key.previous = old;
	}
	e.u.key.reason = reason;
	mun_operator_of(&e.u.key.operator_, app);
	code = mun_journal_append(j, &group, err);
	s->in_force = code == MUN_OK;
	s->seq = e.seq;
	return code;
}

static enum mun_code make(struct mun_signer *s, struct mun_app *app, struct mun_journal *j,
                          struct mun_vault *v, bool replace, const char *reason,
                          struct mun_err *err)
{
	struct mun_journal_id id;
	struct mun_vkey old;
	uint64_t seq;
	enum mun_code code = mun_journal_key(j, MUN_NO_SEQ, &old, &seq, err);
	bool had = code == MUN_OK;

	if (had && !replace)
		return mun_fail(err, MUN_E_BUSY, "another process has just made the signing key");
	if (code == MUN_OK || code == MUN_E_NOTFOUND)
		code = mun_journal_identity(j, &id, err);
	if (code == MUN_OK)
		code = mun_signer_new_key(v, id.origin, MUN_KEY_ED25519, &s->key, &s->secret, err);
	/* The new key is durable in the vault before the journal speaks of it. */
	if (code == MUN_OK)
		code = append_key(s, app, j, had ? &old : NULL, reason ? reason : FIRST_REASON,
		                  err);
	if (code != MUN_OK || !had || !mun_vault_signer_has(v, &old))
		return code;
	s->old_key = old;
	return mun_vault_signer_get(v, &old, &s->old_secret, err);
}

enum mun_code mun_signer_make(struct mun_signer *ret, struct mun_app *app, struct mun_journal *j,
                              bool replace, const char *reason, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(mun_signer_done) struct mun_signer s = { .seq = MUN_NO_SEQ };
	MUN_CLEANUP(mun_freep) char *path = NULL;
	int lock = -1;
	enum mun_code code = mun_signer_allowed(j, err);

	if (code == MUN_OK)
		code = mun_signer_vault(&v, app, true, err);
	if (code == MUN_OK && asprintf(&path, "%s/key.lock", mun_journal_dir(j)) < 0) {
		path = NULL;
		code = mun_fail(err, MUN_E_NOMEM, "no memory for a path");
	}
	if (code == MUN_OK) {
		code = mun_lock_take(&lock, path, err);
		if (code == MUN_E_BUSY)
			return mun_fail(err, code, "another process makes a signing key");
	}
	if (code != MUN_OK)
		return code;
	code = make(&s, app, j, v, replace, reason, err);
	mun_lock_remove(&lock, path);
	if (code == MUN_OK)
		*ret = MUN_STEAL(s);
	return code;
}

enum mun_code mun_signer_print_key(struct mun_app *app, const struct mun_vkey *key,
                                   struct mun_err *err)
{
	char vkey[MUN_VKEY_TEXT], hex[2 * MUN_SHA256_LEN + 1], text[MUN_VKEY_TEXT + 128];
	uint8_t digest[MUN_SHA256_LEN];
	int len;

	mun_vkey_format(vkey, key);
	mun_sha256(digest, vkey, strlen(vkey));
	mun_hex_encode(hex, digest, sizeof(digest));
	len = snprintf(text, sizeof(text), "%s\nsha256 %s\n", vkey, hex);
	return mun_out_text(app, text, (size_t)len, err);
}
