/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TIMESTAMP_H
#define MUN_TIMESTAMP_H
/*
 * RFC 3161 time stamps through libcrypto's TS functions: requests over a SHA-256 digest, replies
 * kept as they came (DER, at most 64 KiB, nothing behind the end of the DER). A reply is hostile
 * until its signature was checked: what it says of itself is bounded and printable.
 */
#include "lib/buf.h"
#include "lib/digest.h"
#define MUN_TIMESTAMP_MAX ((size_t)64 * 1024)
struct mun_timestamp {
	int64_t time_us;
	char by[256]; /* subject (RFC 4514) of the certificate that signed, ASCII; "unknown" when
	                 the reply carries none */
};
/* A TimeStampReq with a fresh 64-bit nonce and certReq, appended to ret. */
enum mun_code mun_timestamp_request(struct mun_buf *ret,
                                    const uint8_t digest[static MUN_SHA256_LEN],
                                    struct mun_err *err) MUN_MUST_CHECK;
/* Does the reply answer the request: granted, same imprint, same nonce, ends where its DER ends,
 * signed by the certificate that it carries, which is one for time stamps? Whose certificate that
 * is, is not asked. REMOTE says what is wrong. */
enum mun_code mun_timestamp_accept(struct mun_timestamp *ret, const void *reply, size_t len,
                                   const void *request, size_t request_len, struct mun_err *err)
	MUN_MUST_CHECK;
/* Time and authority of a kept reply over digest, without trusting anybody: its signature is not
 * checked. VERIFY: not over this digest, not granted, trailing bytes, no reply at all. */
enum mun_code mun_timestamp_read(struct mun_timestamp *ret, const void *reply, size_t len,
                                 const uint8_t digest[static MUN_SHA256_LEN], struct mun_err *err)
	MUN_MUST_CHECK;
/* The same, and its signature leads to a self-signed certificate of ca_file (PEM), as
 * `openssl ts -verify -CAfile` wants it, judged at the time it was made: an authority whose
 * certificate has expired since is fine. VERIFY; INPUT: the file. Revocation is not asked. */
enum mun_code mun_timestamp_verify(struct mun_timestamp *ret, const void *reply, size_t len,
                                   const uint8_t digest[static MUN_SHA256_LEN], const char *ca_file,
                                   struct mun_err *err) MUN_MUST_CHECK;
#endif
