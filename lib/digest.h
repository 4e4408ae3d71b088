/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_DIGEST_H
#define MUN_DIGEST_H
/* SHA-256 (FIPS 180-4) through libcrypto, which libcurl brings along. */
#include "lib/err.h"
#define MUN_SHA256_LEN 32
struct mun_sha256; /* opaque, allocated */
struct mun_slice {
	const void *data;
	size_t len;
};
/* Hash of up to 8 pieces in order. Aborts the process only when libcrypto itself is broken. */
void mun_sha256_of(uint8_t ret[static MUN_SHA256_LEN], const struct mun_slice *pieces,
                   size_t pieces_len);
void mun_sha256(uint8_t ret[static MUN_SHA256_LEN], const void *data, size_t len);
enum mun_code mun_sha256_new(struct mun_sha256 **ret, struct mun_err *err) MUN_MUST_CHECK;
void mun_sha256_add(struct mun_sha256 *h, const void *data, size_t len);
/* Then only free, or again: the next hash with the same state, which is cheaper than a new one. */
void mun_sha256_end(struct mun_sha256 *h, uint8_t ret[static MUN_SHA256_LEN]);
void mun_sha256_again(struct mun_sha256 *h);
void mun_sha256_freep(struct mun_sha256 **h);
#endif
