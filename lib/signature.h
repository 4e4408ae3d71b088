/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SIGNATURE_H
#define MUN_SIGNATURE_H
/* Ed25519 (RFC 8032) through libsodium, which refuses small orders and non-canonical values. */
#include "lib/crypto.h"
#define MUN_PUBLIC_LEN    32
#define MUN_SIGNATURE_LEN 64
#define MUN_SIGN_KEY_LEN  64 /* of the secret: seed and public key */
/* A key pair from fresh randomness; *ret is made, in locked memory. */
enum mun_code mun_sign_key_new(struct mun_secret *ret, uint8_t ret_public[static MUN_PUBLIC_LEN],
                               struct mun_err *err) MUN_MUST_CHECK;
/* The pair of a 32-byte seed, for keys that come from outside. */
enum mun_code mun_sign_key_of_seed(struct mun_secret *ret,
                                   uint8_t ret_public[static MUN_PUBLIC_LEN],
                                   const uint8_t seed[static 32], struct mun_err *err)
	MUN_MUST_CHECK;
void mun_sign(uint8_t ret[static MUN_SIGNATURE_LEN], const struct mun_secret *key, const void *data,
              size_t len);
bool mun_sign_verify(const uint8_t sig[static MUN_SIGNATURE_LEN],
                     const uint8_t public_key[static MUN_PUBLIC_LEN], const void *data, size_t len);
#endif
