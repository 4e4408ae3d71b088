/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PACK_H
#define MUN_PACK_H
/* zstd (RFC 8878) with a limit on what comes out. */
#include "lib/buf.h"
struct mun_packer; /* a compressor that is kept: making one costs more than a small body */
enum mun_code mun_packer_new(struct mun_packer **ret, struct mun_err *err) MUN_MUST_CHECK;
void mun_packer_freep(struct mun_packer **p);
enum mun_code mun_pack(struct mun_packer *p, struct mun_buf *ret, const void *data, size_t len,
                       struct mun_err *err) MUN_MUST_CHECK;
struct mun_unpacker; /* the same for reading many */
enum mun_code mun_unpacker_new(struct mun_unpacker **ret, struct mun_err *err) MUN_MUST_CHECK;
void mun_unpacker_freep(struct mun_unpacker **u);
/* raw_len is the length that must come out. CORRUPT when it does not. u: NULL for a single one. */
enum mun_code mun_unpack(struct mun_unpacker *u, struct mun_buf *ret, const void *data, size_t len,
                         size_t raw_len, struct mun_err *err) MUN_MUST_CHECK;
#endif
