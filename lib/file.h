/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_FILE_H
#define MUN_FILE_H
/* Files: bounded reads, atomic replacement, locks that die with their process, file systems. */
#include "lib/buf.h"
void mun_closep(int *fd);  /* cleanup handler: closes when >= 0 */
int mun_fd_steal(int *fd); /* yields *fd and leaves -1: it is not closed */
/* Append the whole of path (or "-": stdin) to ret, bounded by ret->max. IO, INPUT when larger. */
enum mun_code mun_file_read(struct mun_buf *ret, const char *path, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_fd_read(struct mun_buf *ret, int fd, const char *name, struct mun_err *err)
	MUN_MUST_CHECK;
/* Temporary file in the same directory, fsync, rename, fsync of the directory. */
enum mun_code mun_file_replace(const char *path, const void *data, size_t len, unsigned mode,
                               struct mun_err *err) MUN_MUST_CHECK;
/*
 * mkdir -p with mode for what is made; an existing directory is left as it is. IO, also where the
 * folder in which it would be made does not belong to the effective user.
 */
enum mun_code mun_dir_make(const char *path, unsigned mode, struct mun_err *err) MUN_MUST_CHECK;
/*
 * Exclusive OFD lock on path (created 0600). MUN_E_BUSY: another process holds it; the file's
 * text, at most 4 KiB, says who. *ret_fd is owned by the caller; closing it releases the lock.
 */
enum mun_code mun_lock_take(int *ret_fd, const char *path, struct mun_err *err) MUN_MUST_CHECK;
/* Let go of a lock and remove its file; who takes the lock at the same time gets a file of his. */
void mun_lock_remove(int *fd, const char *path);
/* Replace the text of a lock file that is held (in place: the inode must stay). FULL, IO. */
enum mun_code mun_lock_write(int fd, const void *data, size_t len, struct mun_err *err)
	MUN_MUST_CHECK;
/* Read the text of a lock file; *ret_held tells whether some process holds it. NOTFOUND. */
enum mun_code mun_lock_read(struct mun_buf *ret, bool *ret_held, const char *path,
                            struct mun_err *err) MUN_MUST_CHECK;
enum mun_fs_kind {
	MUN_FS_LOCAL,
	MUN_FS_VOLATILE,
	MUN_FS_REFUSED
};
/* Kind and name ("nfs", "overlayfs", "tmpfs") of a file system by its number (statfs f_type). */
enum mun_fs_kind mun_fs_kind_of(uint32_t magic, const char **ret_name);
/* The same of the file system of path. IO. */
enum mun_code mun_fs_kind(enum mun_fs_kind *ret, const char **ret_name, const char *path,
                          struct mun_err *err) MUN_MUST_CHECK;
#endif
