/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VAULT_H
#define MUN_VAULT_H
/*
 * Sealed tokens in an LMDB environment of their own. Each token is sealed with
 * XChaCha20-Poly1305 under the vault key; name, org and base URL are associated data, so a token
 * cannot be used against another host or organization. The vault key comes from a passphrase
 * (Argon2id) or a key file, never from beside the ciphertext. Directory 0700 owned by the user:
 * anything else is refused (CREDENTIAL), never silently changed.
 * The header owns the sealed token's format table (version 1) in vault.c's comment.
 */
#include "lib/crypto.h"
#include "lib/id.h"
struct mun_vault;
#define MUN_TOKEN_NAME_MAX 32
#define MUN_TOKEN_MAX      16384
struct mun_token_info { /* what list shows without a key */
	char name[MUN_TOKEN_NAME_MAX + 1];
	struct mun_id org;
	char base_url[256];
	char fingerprint[33]; /* hex; as the journal shows it that was there when it was stored */
	char kind[16];        /* "jwt" or "opaque" */
	int64_t expires_us;   /* MUN_TIME_NONE when unknown */
	int64_t added_us;
};
/* Where the key comes from: exactly one is set. Passphrase bytes are borrowed. */
struct mun_vault_key {
	const char *key_file;
	const struct mun_secret *passphrase;
};
enum mun_code mun_vault_open(struct mun_vault **ret, const char *dir, bool create,
                             struct mun_err *err) MUN_MUST_CHECK; /* NOTFOUND: no vault there */
/*
 * Read the whole vault without a key and without writing. NOTFOUND: none, or one that was never
 * given a key; CREDENTIAL: damaged, or open to others. LMDB trusts its file, so a changed byte can
 * kill the process: ask in a child before opening for good.
 */
enum mun_code mun_vault_check(const char *dir, struct mun_err *err) MUN_MUST_CHECK;
void mun_vault_closep(struct mun_vault **v);
bool mun_vault_has_key(const struct mun_vault *v); /* a key was set: there is something to open */
/* "passphrase" or "key file": what opens it; NULL while has_key is false. */
const char *mun_vault_key_kind(const struct mun_vault *v);
/* Derive and check the key (or set it, in a new vault). CREDENTIAL: wrong key. */
enum mun_code mun_vault_unlock(struct mun_vault *v, const struct mun_vault_key *from,
                               struct mun_err *err) MUN_MUST_CHECK;
/* [a-z0-9][a-z0-9._-]{0,31}; USAGE. A text that looks like a token is refused unprinted. */
enum mun_code mun_token_name_check(const char *name, struct mun_err *err) MUN_MUST_CHECK;
/* Strip one final newline; refuse what is no header value: CREDENTIAL with the position. */
enum mun_code mun_token_clean(struct mun_secret *token, struct mun_err *err) MUN_MUST_CHECK;
/* Payload of a JWT without checking its signature; false when it is none. */
bool mun_token_jwt(const struct mun_secret *token, int64_t *ret_expires_us);
struct mun_vault_new { /* a token to be stored; everything is borrowed */
	const char *name;
	const struct mun_id *org;
	const char *base_url;
	const struct mun_secret *token;
	int64_t now_us;
	const char *fingerprint; /* 32 hex digits; NULL: made with the vault's own key */
};
enum mun_code mun_vault_put(struct mun_vault *v, const struct mun_vault_new *n, bool replace,
                            struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_vault_get(struct mun_vault *v, const char *name, struct mun_secret *ret,
                            struct mun_token_info *ret_info, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_vault_remove(struct mun_vault *v, const char *name, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_vault_list(struct mun_vault *v, struct mun_token_info **ret, size_t *ret_len,
                             struct mun_err *err) MUN_MUST_CHECK; /* owned by the caller: free */
/* Re-seal everything under a new key in one transaction. The vault must be unlocked. */
enum mun_code mun_vault_rekey(struct mun_vault *v, const struct mun_vault_key *key,
                              struct mun_err *err) MUN_MUST_CHECK;
/* 0600, owner, regular, no symlink (O_NOFOLLOW): CREDENTIAL otherwise. 32+ bytes. */
enum mun_code mun_key_file_read(struct mun_secret *ret, const char *path, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
