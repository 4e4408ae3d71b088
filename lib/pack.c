/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pack.h"

#include <stdlib.h>
#include <zstd.h>

#define PIECE ((size_t)64 * 1024)
#define LEVEL 1 /* bodies are small and many: higher levels cost time and gain little */

struct mun_packer {
	ZSTD_CCtx *context;
};

enum mun_code mun_packer_new(struct mun_packer **ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_packer_freep) struct mun_packer *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->context = ZSTD_createCCtx();
	if (p == NULL || p->context == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a compressor");
	*ret = MUN_STEAL(p);
	return MUN_OK;
}

void mun_packer_freep(struct mun_packer **p)
{
	if (*p == NULL)
		return;
	(void)ZSTD_freeCCtx((*p)->context);
	free(*p);
	*p = NULL;
}

static enum mun_code pack_at_once(struct mun_packer *p, struct mun_buf *ret, const void *data,
                                  size_t len, struct mun_err *err)
{
	size_t room = ZSTD_compressBound(len);
	void *to = mun_buf_reserve(ret, room);
	size_t got;

	if (to == NULL)
		return mun_buf_check(ret, "compressed bytes", err);
	got = ZSTD_compressCCtx(p->context, to, room, data, len, LEVEL);
	if (ZSTD_isError(got))
		return mun_fail(err, MUN_E_NOMEM, "compress: %s", ZSTD_getErrorName(got));
	ret->len += got;
	ret->data[ret->len] = '\0';
	return MUN_OK;
}

static enum mun_code pack_piece(struct mun_packer *p, struct mun_buf *ret, ZSTD_inBuffer *in,
                                size_t *ret_left, struct mun_err *err)
{
	ZSTD_outBuffer out = { .size = PIECE };

	out.dst = mun_buf_reserve(ret, PIECE);
	if (out.dst == NULL)
		return mun_buf_check(ret, "compressed bytes", err);
	*ret_left = ZSTD_compressStream2(p->context, &out, in, ZSTD_e_end);
	if (ZSTD_isError(*ret_left))
		return mun_fail(err, MUN_E_NOMEM, "compress: %s", ZSTD_getErrorName(*ret_left));
	ret->len += out.pos;
	ret->data[ret->len] = '\0';
	return MUN_OK;
}

/* Large ones in pieces, so that memory grows with what comes out, not with the worst that could. */
enum mun_code mun_pack(struct mun_packer *p, struct mun_buf *ret, const void *data, size_t len,
                       struct mun_err *err)
{
	ZSTD_inBuffer in = { .src = data, .size = len };
	size_t left = 1;
	enum mun_code code = MUN_OK;

	if (len <= PIECE)
		return pack_at_once(p, ret, data, len, err);
	(void)ZSTD_CCtx_reset(p->context, ZSTD_reset_session_and_parameters);
	(void)ZSTD_CCtx_setParameter(p->context, ZSTD_c_compressionLevel, LEVEL);
	(void)ZSTD_CCtx_setPledgedSrcSize(p->context, len);
	while (code == MUN_OK && left > 0)
		code = pack_piece(p, ret, &in, &left, err);
	return code;
}

struct mun_unpacker {
	ZSTD_DCtx *context;
};

enum mun_code mun_unpacker_new(struct mun_unpacker **ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_unpacker_freep) struct mun_unpacker *u = calloc(1, sizeof(*u));

	if (u != NULL)
		u->context = ZSTD_createDCtx();
	if (u == NULL || u->context == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a decompressor");
	*ret = MUN_STEAL(u);
	return MUN_OK;
}

void mun_unpacker_freep(struct mun_unpacker **u)
{
	if (*u == NULL)
		return;
	(void)ZSTD_freeDCtx((*u)->context);
	free(*u);
	*u = NULL;
}

enum mun_code mun_unpack(struct mun_unpacker *u, struct mun_buf *ret, const void *data, size_t len,
                         size_t raw_len, struct mun_err *err)
{
	void *to = mun_buf_reserve(ret, raw_len);
	size_t got;

	if (to == NULL)
		return mun_buf_check(ret, "uncompressed bytes", err);
	/* Bounded by raw_len whatever the frame claims. */
	got = u != NULL ? ZSTD_decompressDCtx(u->context, to, raw_len, data, len)
	                : ZSTD_decompress(to, raw_len, data, len);
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
