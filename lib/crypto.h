/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CRYPTO_H
#define MUN_CRYPTO_H
/*
 * libsodium: locked memory, random bytes, passphrase keys (Argon2id, RFC 9106), sealing
 * (XChaCha20-Poly1305-IETF), keyed hashes (BLAKE2b). mun_crypto_init() first, once.
 */
#include "lib/err.h"
#define MUN_KEY_LEN   32
#define MUN_NONCE_LEN 24
#define MUN_SEAL_TAG  16
#define MUN_SALT_LEN  16
struct mun_secret { /* in sodium_malloc memory: guarded, locked, wiped when freed */
	uint8_t *data;
	size_t len;
};
struct mun_kdf { /* Argon2id parameters, stored beside what the key opens */
	uint8_t salt[MUN_SALT_LEN];
	uint64_t ops;
	uint64_t mem_bytes;
};
enum mun_code mun_crypto_init(struct mun_err *err) MUN_MUST_CHECK;
void mun_random(void *ret, size_t len);
uint32_t mun_random_below(uint32_t bound);
enum mun_code mun_secret_new(struct mun_secret *ret, size_t len, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_secret_done(struct mun_secret *s); /* wipes, frees; zeroed or NULL ok */
/*
 * Each place of text where the secret stands becomes "[token]", in place. Gives the new length,
 * never a larger one; the bytes behind it are zero. A secret shorter than that mark is none.
 */
size_t mun_secret_blot(char *text, size_t len, const struct mun_secret *s);
void mun_wipe(void *data, size_t len);
bool mun_equal_secret(const void *a, const void *b, size_t len); /* constant time */
void mun_kdf_init(struct mun_kdf *ret);                          /* moderate limits, fresh salt */
/* key must have MUN_KEY_LEN bytes. */
enum mun_code mun_kdf_derive(struct mun_secret *key, const struct mun_kdf *kdf,
                             const void *passphrase, size_t passphrase_len, struct mun_err *err)
	MUN_MUST_CHECK;
/* ret gets len + MUN_SEAL_TAG bytes. */
void mun_seal(uint8_t *ret, const uint8_t nonce[static MUN_NONCE_LEN],
              const uint8_t key[static MUN_KEY_LEN], const struct mun_secret *plain,
              const void *bound, size_t bound_len);
/* What mun_seal() made and took, borrowed. */
struct mun_sealed {
	const uint8_t *nonce; /* MUN_NONCE_LEN bytes */
	const uint8_t *sealed;
	size_t sealed_len; /* the tag counts */
	const void *bound; /* associated data */
	size_t bound_len;
};
/* MUN_E_CREDENTIAL: wrong key, or sealed bytes or associated data were changed. *ret is made. */
enum mun_code mun_unseal(struct mun_secret *ret, const struct mun_sealed *s,
                         const uint8_t key[static MUN_KEY_LEN], struct mun_err *err) MUN_MUST_CHECK;
/* Keyed fingerprint: BLAKE2b-128 of data under key. */
#define MUN_FINGERPRINT_LEN 16
void mun_fingerprint(uint8_t ret[static MUN_FINGERPRINT_LEN], const uint8_t key[static MUN_KEY_LEN],
                     const void *data, size_t len);
/* Keyed 64-bit hash (SipHash-2-4), for set comparison; key has 16 bytes. */
uint64_t mun_hash64(const uint8_t key[static 16], const void *data, size_t len);
#endif
