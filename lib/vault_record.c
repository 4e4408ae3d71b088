/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/buf.h"
#include "lib/cursor.h"
#include "lib/vault_impl.h"

/*
 * A sealed record, as it lies in the vault (format version 1).
 *
 *   offset  size  field
 *        0     4  mark: "MVT1" a token, "MVS1" a signing key
 *        4     4  n, bytes of the associated data, 1..4096
 *        8     n  associated data
 *      8+n    24  nonce
 *     32+n     4  m, bytes of the sealed secret, 17..16400
 *     36+n     m  XChaCha20-Poly1305 of the secret, tag included
 *   36+n+m    32  SHA-256 of all before: damage is seen without a key, when the vault is listed
 *
 * Integers are big-endian.
 */

bool mun_vault_record_decode(struct mun_sealed *ret, const char mark[static MUN_VAULT_MARK],
                             struct mun_val value)
{
	struct mun_cursor in;
	const uint8_t *found;

	if (!mun_vault_sum_fits(value.data, value.len))
		return false;
	mun_cursor_init(&in, value.data, value.len - MUN_SHA256_LEN);
	found = mun_cursor_bytes(&in, MUN_VAULT_MARK);
	ret->bound_len = mun_cursor_u32(&in);
	ret->bound = mun_cursor_bytes(&in, ret->bound_len);
	ret->nonce = mun_cursor_bytes(&in, MUN_NONCE_LEN);
	ret->sealed_len = mun_cursor_u32(&in);
	ret->sealed = mun_cursor_bytes(&in, ret->sealed_len);
	return mun_cursor_at_end(&in) && memcmp(found, mark, MUN_VAULT_MARK) == 0 &&
	       ret->bound_len <= MUN_VAULT_BOUND_MAX && ret->sealed_len > MUN_SEAL_TAG;
}

static void add_u32(struct mun_buf *ret, size_t n)
{
	uint8_t bytes[4];

	mun_put_u32(bytes, (uint32_t)n);
	mun_buf_add(ret, bytes, sizeof(bytes));
}

enum mun_code mun_vault_record_encode(struct mun_buf *ret, const char mark[static MUN_VAULT_MARK],
                                      const struct mun_secret *key, const void *bound,
                                      size_t bound_len, const struct mun_secret *plain,
                                      struct mun_err *err)
{
	uint8_t nonce[MUN_NONCE_LEN], sum[MUN_SHA256_LEN];
	size_t sealed_len = plain->len + MUN_SEAL_TAG;
	uint8_t *sealed;

	mun_random(nonce, sizeof(nonce));
	mun_buf_add(ret, mark, MUN_VAULT_MARK);
	add_u32(ret, bound_len);
	mun_buf_add(ret, bound, bound_len);
	mun_buf_add(ret, nonce, sizeof(nonce));
	add_u32(ret, sealed_len);
	sealed = mun_buf_reserve(ret, sealed_len);
	if (sealed != NULL) {
		mun_seal(sealed, nonce, key->data, plain, bound, bound_len);
		ret->len += sealed_len;
	}
	mun_sha256(sum, ret->data, ret->len);
	mun_buf_add(ret, sum, sizeof(sum));
	return mun_buf_check(ret, "a sealed record", err);
}

enum mun_code mun_vault_need_key(const struct mun_vault *v, struct mun_err *err)
{
	if (v->key.data == NULL)
		return mun_fail(err, MUN_E_CREDENTIAL, "the vault is locked");
	return MUN_OK;
}

enum mun_code mun_vault_check_lock(const struct mun_vault *v, struct mun_txn *t,
                                   struct mun_err *err)
{
	struct mun_val lock;
	enum mun_code code = mun_txn_get(t, MUN_VAULT_TABLE, mun_vault_lock_key(), &lock, err);

	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	if (code != MUN_OK || lock.len != MUN_LOCK_LEN ||
	    memcmp(lock.data, v->lock, MUN_LOCK_LEN) != 0)
		return mun_fail(err, MUN_E_BUSY, "another process has changed the vault's key");
	return MUN_OK;
}
