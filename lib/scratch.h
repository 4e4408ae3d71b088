/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SCRATCH_H
#define MUN_SCRATCH_H
/*
 * A long array of rows of one size that may not fit into memory: a file without a name, mapped.
 * Rows begin as zeros. Disk is taken in blocks as rows are touched, before they are: a full disk
 * is an error here, never a signal. Nothing is synced; it ends with the process.
 */
#include "lib/err.h"
struct mun_scratch {
	int fd; /* -1: nothing so far */
	uint8_t *map;
	size_t map_len, row, len; /* bytes, bytes, rows */
	uint8_t *taken;           /* owned: one bit a block */
	const char *dir;          /* borrowed */
};
/* dir: where the file is made, once a row is touched. */
void mun_scratch_init(struct mun_scratch *s, const char *dir, size_t row);
void mun_scratch_done(struct mun_scratch *s);
/* Room for rows up to len; they take no disk before they are touched. FULL: more than can be
 * mapped. */
enum mun_code mun_scratch_extend(struct mun_scratch *s, size_t len, struct mun_err *err)
	MUN_MUST_CHECK;
/* A row to be written, at < len; valid until the next extend. IO: no room on disk. */
enum mun_code mun_scratch_touch(struct mun_scratch *s, size_t at, void **ret, struct mun_err *err)
	MUN_MUST_CHECK;
/* A row to be read, until the next extend; NULL: no row of its block was touched. */
const void *mun_scratch_get(const struct mun_scratch *s, size_t at);
/* The first row from `at` on whose block has been touched; len: none. */
size_t mun_scratch_next(const struct mun_scratch *s, size_t at);
/* Extends by one and touches it. */
enum mun_code mun_scratch_add(struct mun_scratch *s, void **ret, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
