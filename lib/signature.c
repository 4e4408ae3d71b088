/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/signature.h"

#include <assert.h>
#include <sodium.h>

static_assert(MUN_PUBLIC_LEN == crypto_sign_ed25519_PUBLICKEYBYTES, "public key");
static_assert(MUN_SIGNATURE_LEN == crypto_sign_ed25519_BYTES, "signature");
static_assert(MUN_SIGN_KEY_LEN == crypto_sign_ed25519_SECRETKEYBYTES, "secret key");
static_assert(crypto_sign_ed25519_SEEDBYTES == 32, "seed");

enum mun_code mun_sign_key_new(struct mun_secret *ret, uint8_t ret_public[static MUN_PUBLIC_LEN],
                               struct mun_err *err)
{
	struct mun_secret key = { 0 };
	enum mun_code code = mun_secret_new(&key, MUN_SIGN_KEY_LEN, err);

	if (code != MUN_OK)
		return code;
	(void)crypto_sign_ed25519_keypair(ret_public, key.data);
	*ret = key;
	return MUN_OK;
}

enum mun_code mun_sign_key_of_seed(struct mun_secret *ret,
                                   uint8_t ret_public[static MUN_PUBLIC_LEN],
                                   const uint8_t seed[static 32], struct mun_err *err)
{
	struct mun_secret key = { 0 };
	enum mun_code code = mun_secret_new(&key, MUN_SIGN_KEY_LEN, err);

	if (code != MUN_OK)
		return code;
	(void)crypto_sign_ed25519_seed_keypair(ret_public, key.data, seed);
	*ret = key;
	return MUN_OK;
}

void mun_sign(uint8_t ret[static MUN_SIGNATURE_LEN], const struct mun_secret *key, const void *data,
              size_t len)
{
	assert(key->len == MUN_SIGN_KEY_LEN);
	(void)crypto_sign_ed25519_detached(ret, NULL, data, len, key->data);
}

bool mun_sign_verify(const uint8_t sig[static MUN_SIGNATURE_LEN],
                     const uint8_t public_key[static MUN_PUBLIC_LEN], const void *data, size_t len)
{
	return crypto_sign_ed25519_verify_detached(sig, data, len, public_key) == 0;
}
