/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VAULT_IMPL_H
#define MUN_VAULT_IMPL_H

/* What vault.c (place, key) and vault_token.c (sealed tokens) share. */

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

#endif
