/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VAULT_SIGNER_H
#define MUN_VAULT_SIGNER_H
/*
 * Signing keys in the vault, sealed as tokens are; the verifier key is associated data, so a
 * sealed key cannot stand in for another. They never show in mun_vault_list(); mun_vault_rekey()
 * seals them anew with the rest. A journal may have several: its key in force and earlier ones.
 */
#include "lib/tlog/note.h"
#include "lib/vault.h"
/* The vault is unlocked. A key that is there already is left as it is. */
enum mun_code mun_vault_signer_put(struct mun_vault *v, const struct mun_vkey *key,
                                   const struct mun_secret *secret, struct mun_err *err)
	MUN_MUST_CHECK;
/* *ret is made. NOTFOUND: this vault does not hold it. CREDENTIAL: damaged. */
enum mun_code mun_vault_signer_get(struct mun_vault *v, const struct mun_vkey *key,
                                   struct mun_secret *ret, struct mun_err *err) MUN_MUST_CHECK;
/* Does the vault hold it? Needs no key. */
bool mun_vault_signer_has(struct mun_vault *v, const struct mun_vkey *key);
/* The key of that type (the cosigner's own). NOTFOUND: none. Needs no key. */
enum mun_code mun_vault_signer_find(struct mun_vault *v, enum mun_key_type type,
                                    struct mun_vkey *ret, struct mun_err *err) MUN_MUST_CHECK;
#endif
