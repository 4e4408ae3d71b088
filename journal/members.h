/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_MEMBERS_H
#define MUN_MEMBERS_H
/*
 * The files of an evidence bundle as they lie in a directory that nobody vouches for: regular files
 * with plain names (letters, digits, dot, dash, underscore), at its top and in the folders
 * `checkpoints` and `plan`. Nothing is followed, neither links nor other folders.
 */
#include "lib/buf.h"
#include "lib/digest.h"
#define MUN_MEMBER_NAME 96
struct mun_members;
/* INPUT: no directory, or far too many files. IO. */
enum mun_code mun_members_open(struct mun_members **ret, const char *dir, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_members_closep(struct mun_members **m);
size_t mun_members_count(const struct mun_members *m);
/* Sorted by bytes: "checkpoints/17.signed". */
const char *mun_members_name(const struct mun_members *m, size_t i);
bool mun_members_find(const struct mun_members *m, const char *name, size_t *ret);
/* What else lies there, made visible; NULL: nothing. *ret_count: how many. */
const char *mun_members_foreign(const struct mun_members *m, size_t *ret_count);
/* For reading; *ret_fd is the caller's. NOTFOUND: no such member. CORRUPT: no regular file. */
enum mun_code mun_members_fd(const struct mun_members *m, const char *name, int *ret_fd,
                             uint64_t *ret_size, struct mun_err *err) MUN_MUST_CHECK;
/* The whole of it appended to ret. CORRUPT: more than ret->max. */
enum mun_code mun_members_read(const struct mun_members *m, const char *name, struct mun_buf *ret,
                               struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_members_sha256(const struct mun_members *m, const char *name,
                                 uint8_t ret[static MUN_SHA256_LEN], struct mun_err *err)
	MUN_MUST_CHECK;
#endif
