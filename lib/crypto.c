/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/crypto.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(MUN_KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
static_assert(MUN_NONCE_LEN == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
static_assert(MUN_SEAL_TAG == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
static_assert(MUN_SALT_LEN == crypto_pwhash_argon2id_SALTBYTES, "salt");
static_assert(crypto_shorthash_siphash24_KEYBYTES == 16, "siphash key");

enum mun_code mun_crypto_init(struct mun_err *err)
{
	if (sodium_init() < 0)
		return mun_fail(err, MUN_E_INTERNAL, "libsodium cannot be started");
	return MUN_OK;
}

void mun_random(void *ret, size_t len)
{
	randombytes_buf(ret, len);
}

uint32_t mun_random_below(uint32_t bound)
{
	return randombytes_uniform(bound);
}

enum mun_code mun_secret_new(struct mun_secret *ret, size_t len, struct mun_err *err)
{
	uint8_t *data = sodium_malloc(len);

	if (data == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a secret of %zu bytes", len);
	memset(data, 0, len);
	ret->data = data;
	ret->len = len;
	return MUN_OK;
}

void mun_secret_done(struct mun_secret *s)
{
	if (s == NULL)
		return;
	sodium_free(s->data); /* wipes; NULL is fine */
	s->data = NULL;
	s->len = 0;
}

size_t mun_secret_blot(char *text, size_t len, const struct mun_secret *s)
{
	static const char mark[] = "[token]";
	const size_t mark_len = sizeof(mark) - 1;
	char *at = text;

	if (s->data == NULL || s->len < mark_len)
		return len;
	while ((at = memmem(at, len - (size_t)(at - text), s->data, s->len)) != NULL) {
		size_t rest = len - (size_t)(at - text) - s->len;

		memcpy(at, mark, mark_len);
		memmove(at + mark_len, at + s->len, rest);
		memset(at + mark_len + rest, 0, s->len - mark_len);
		len -= s->len - mark_len;
		at += mark_len;
	}
	return len;
}

void mun_wipe(void *data, size_t len)
{
	sodium_memzero(data, len);
}

bool mun_equal_secret(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void mun_kdf_init(struct mun_kdf *ret)
{
	randombytes_buf(ret->salt, sizeof(ret->salt));
	ret->ops = crypto_pwhash_argon2id_OPSLIMIT_MODERATE;
	ret->mem_bytes = crypto_pwhash_argon2id_MEMLIMIT_MODERATE;
}

enum mun_code mun_kdf_derive(struct mun_secret *key, const struct mun_kdf *kdf,
                             const void *passphrase, size_t passphrase_len, struct mun_err *err)
{
	assert(key->len == MUN_KEY_LEN);
	/* The limits come from a file: what no writer of ours stores is damage, not work to do. */
	if (kdf->ops < crypto_pwhash_argon2id_OPSLIMIT_MIN || kdf->ops > 64 ||
	    kdf->mem_bytes < crypto_pwhash_argon2id_MEMLIMIT_MIN ||
	    kdf->mem_bytes > (UINT64_C(4) << 30))
		return mun_fail(err, MUN_E_CORRUPT,
		                "stored passphrase parameters are out of range");
	if (crypto_pwhash_argon2id(key->data, key->len, passphrase, passphrase_len, kdf->salt,
	                           kdf->ops, (size_t)kdf->mem_bytes,
	                           crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
		return mun_fail(err, MUN_E_NOMEM, "no memory to derive a key, %llu MiB are needed",
		                (unsigned long long)(kdf->mem_bytes >> 20));
	return MUN_OK;
}

void mun_seal(uint8_t *ret, const uint8_t nonce[static MUN_NONCE_LEN],
              const uint8_t key[static MUN_KEY_LEN], const struct mun_secret *plain,
              const void *bound, size_t bound_len)
{
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(ret, NULL, plain->data, plain->len, bound,
	                                                 bound_len, NULL, nonce, key);
}

enum mun_code mun_unseal(struct mun_secret *ret, const struct mun_sealed *s,
                         const uint8_t key[static MUN_KEY_LEN], struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret plain = { 0 };
	enum mun_code code;

	if (s->sealed_len < MUN_SEAL_TAG)
		return mun_fail(err, MUN_E_CREDENTIAL, "sealed bytes are cut short");
	code = mun_secret_new(&plain, s->sealed_len - MUN_SEAL_TAG, err);
	if (code != MUN_OK)
		return code;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data, NULL, NULL, s->sealed,
	                                               s->sealed_len, s->bound, s->bound_len,
	                                               s->nonce, key) != 0)
		return mun_fail(
			err, MUN_E_CREDENTIAL,
			"the seal does not open: wrong key, or what was sealed was changed");
	*ret = MUN_STEAL(plain);
	return MUN_OK;
}

void mun_fingerprint(uint8_t ret[static MUN_FINGERPRINT_LEN], const uint8_t key[static MUN_KEY_LEN],
                     const void *data, size_t len)
{
	(void)crypto_generichash_blake2b(ret, MUN_FINGERPRINT_LEN, data, len, key, MUN_KEY_LEN);
}

uint64_t mun_hash64(const uint8_t key[static 16], const void *data, size_t len)
{
	uint8_t hash[crypto_shorthash_siphash24_BYTES];
	uint64_t ret = 0;

	(void)crypto_shorthash_siphash24(hash, data, len, key);
	for (size_t i = 0; i < sizeof(hash); i++)
		ret = ret << 8 | hash[i];
	return ret;
}
