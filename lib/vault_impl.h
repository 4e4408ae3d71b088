/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VAULT_IMPL_H
#define MUN_VAULT_IMPL_H

/* What vault.c (place, key), vault_record.c (sealed records), vault_token.c and vault_signer.c
 * (what is sealed in them) share. */

#include "lib/digest.h"
#include "lib/store.h"
#include "lib/vault.h"

#define MUN_LOCK_LEN 141

enum {
	MUN_VAULT_TABLE /* the only one: when it cannot be found, the lock is missing too */
};

struct mun_vault {
	struct mun_store *store;
	uint8_t lock[MUN_LOCK_LEN]; /* all zero while no key was set */
	struct mun_secret key;
	struct mun_secret fingerprint_key;
};

static inline struct mun_val mun_vault_lock_key(void)
{
	return mun_val(".lock", 5);
}

/* Damage of the vault is a matter of credentials, not of the journal: CORRUPT is translated. */
enum mun_code mun_vault_code(enum mun_code code, struct mun_err *err) MUN_MUST_CHECK;

/* Do the last 32 bytes hash what stands before them? */
bool mun_vault_sum_fits(const uint8_t *data, size_t len);

/* A fresh lock for `from`: seals the fingerprint key under a new key; *ret_key is made. */
enum mun_code mun_vault_make_lock(uint8_t ret[static MUN_LOCK_LEN], struct mun_secret *ret_key,
                                  const struct mun_vault_key *from,
                                  const struct mun_secret *fingerprint_key, struct mun_err *err)
	MUN_MUST_CHECK;

/*
 * Sealed records (vault_record.c). The mark says what is sealed: a token or a signing key.
 * decode: *ret borrows from the value; false: damaged, or of another mark.
 */
#define MUN_VAULT_MARK      4
#define MUN_VAULT_BOUND_MAX 4096
#define MUN_VAULT_RECORD_MAX                                                          \
	(8 + MUN_VAULT_BOUND_MAX + MUN_NONCE_LEN + 4 + MUN_TOKEN_MAX + MUN_SEAL_TAG + \
	 MUN_SHA256_LEN)
bool mun_vault_record_decode(struct mun_sealed *ret, const char mark[static MUN_VAULT_MARK],
                             struct mun_val value);
/* Sealed under key, which need not be the vault's own yet. Nonce and sum are made. */
enum mun_code mun_vault_record_encode(struct mun_buf *ret, const char mark[static MUN_VAULT_MARK],
                                      const struct mun_secret *key, const void *bound,
                                      size_t bound_len, const struct mun_secret *plain,
                                      struct mun_err *err) MUN_MUST_CHECK;

/* CREDENTIAL: the vault is locked. */
enum mun_code mun_vault_need_key(const struct mun_vault *v, struct mun_err *err) MUN_MUST_CHECK;

/* What is sealed under a key that another process has replaced could never be opened: BUSY. */
enum mun_code mun_vault_check_lock(const struct mun_vault *v, struct mun_txn *t,
                                   struct mun_err *err) MUN_MUST_CHECK;

/* Signing keys among the entries of the table: is it one, is it whole (CREDENTIAL), all of them
 * sealed anew within t. */
bool mun_vault_signer_is(struct mun_val key);
enum mun_code mun_vault_signer_check(struct mun_val key, struct mun_val value, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_vault_signer_rekey(struct mun_vault *v, struct mun_txn *t,
                                     const struct mun_secret *new_key, struct mun_err *err)
	MUN_MUST_CHECK;

#endif
