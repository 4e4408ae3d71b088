/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pack.h"

#include <zstd.h>

enum mun_code mun_pack(struct mun_buf *ret, const void *data, size_t len, struct mun_err *err)
{
	size_t room = ZSTD_compressBound(len);
	void *to;
	size_t got;

	if (ZSTD_isError(room))
		return mun_fail(err, MUN_E_FULL, "%zu bytes are too many to compress", len);
	to = mun_buf_reserve(ret, room);
	if (to == NULL)
		return mun_buf_check(ret, "compressed bytes", err);
	got = ZSTD_compress(to, room, data, len, 3);
	if (ZSTD_isError(got))
		return mun_fail(err, MUN_E_NOMEM, "compress: %s", ZSTD_getErrorName(got));
	ret->len += got;
	ret->data[ret->len] = '\0';
	return MUN_OK;
}

enum mun_code mun_unpack(struct mun_buf *ret, const void *data, size_t len, size_t raw_len,
                         struct mun_err *err)
{
	void *to = mun_buf_reserve(ret, raw_len);
	size_t got;

	if (to == NULL)
		return mun_buf_check(ret, "uncompressed bytes", err);
	/* Bounded by raw_len whatever the frame claims. */
	got = ZSTD_decompress(to, raw_len, data, len);
	if (ZSTD_isError(got))
		return mun_fail(err, MUN_E_CORRUPT, "compressed bytes are damaged: %s",
		                ZSTD_getErrorName(got));
	if (got != raw_len)
		return mun_fail(err, MUN_E_CORRUPT, "%zu bytes came out of compression, not %zu",
		                got, raw_len);
	ret->len += got;
	ret->data[ret->len] = '\0';
	return MUN_OK;
}
