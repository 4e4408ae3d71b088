/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BUNDLE_PIPE_H
#define MUN_BUNDLE_PIPE_H
/*
 * Bytes on their way into a file: hashed and written by a thread of its own, so that whoever makes
 * them goes on meanwhile. Two buffers; without a thread the caller does both.
 */
#include "lib/buf.h"
#include "lib/digest.h"
struct mun_pipe;
enum mun_code mun_pipe_new(struct mun_pipe **ret, struct mun_err *err) MUN_MUST_CHECK;
void mun_pipe_freep(struct mun_pipe **p); /* ends the thread */
/* One file after the other; the descriptor stays the caller's. */
enum mun_code mun_pipe_begin(struct mun_pipe *p, int fd, struct mun_err *err) MUN_MUST_CHECK;
/* 0 or an errno: of a write, perhaps of earlier bytes. ENOMEM. */
int mun_pipe_write(struct mun_pipe *p, const void *data, size_t len);
/* All of it is written; *ret is its hash. 0 or an errno. */
int mun_pipe_end(struct mun_pipe *p, uint8_t ret[static MUN_SHA256_LEN]);
#endif
