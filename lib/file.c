/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LOCK_TEXT_MAX 4096
#define LOCK_TRIES    100

void mun_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

int mun_fd_steal(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

enum mun_code mun_fd_read(struct mun_buf *ret, int fd, const char *name, struct mun_err *err)
{
	for (;;) {
		size_t room = ret->max - ret->len < 65536 ? ret->max - ret->len + 1 : 65536;
		char chunk[65536]; /* one byte past the limit is read to tell "full" from "too big"
		                    */
		ssize_t got = read(fd, chunk, room);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mun_fail_errno(err, MUN_E_IO, errno, "read %s", name);
		if (got == 0)
			return MUN_OK;
		if ((size_t)got > ret->max - ret->len)
			return mun_fail(err, MUN_E_INPUT, "%s is larger than %zu bytes", name,
			                ret->max);
		mun_buf_add(ret, chunk, (size_t)got);
		if (ret->failed)
			return mun_buf_check(ret, name, err);
	}
}

enum mun_code mun_file_read(struct mun_buf *ret, const char *path, struct mun_err *err)
{
	MUN_CLEANUP(mun_closep) int fd = -1;

	if (strcmp(path, "-") == 0)
		return mun_fd_read(ret, STDIN_FILENO, "standard input", err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "open %s", path);
	return mun_fd_read(ret, fd, path, err);
}

/* 0 or an errno. */
static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t put = write(fd, p, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno;
		p += put;
		len -= (size_t)put;
	}
	return 0;
}

static enum mun_code fail_write(int errnum, const char *path, struct mun_err *err)
{
	bool full = errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;
	enum mun_code code = full ? MUN_E_FULL : MUN_E_IO;

	return mun_fail_errno(err, errnum == ENOMEM ? MUN_E_NOMEM : code, errnum, "write %s", path);
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static int sync_parent(const char *path)
{
	MUN_CLEANUP(mun_freep) char *parent = parent_of(path);
	MUN_CLEANUP(mun_closep) int fd = -1;

	if (parent == NULL)
		return ENOMEM;
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) != 0 ? errno : 0;
}

/* Everything that must have worked before the new content may take the name; 0 or an errno. */
static int fill(int fd, const void *data, size_t len, unsigned mode)
{
	int rc = fchmod(fd, (mode_t)mode) == 0 ? 0 : errno;

	if (rc == 0)
		rc = write_all(fd, data, len);
	if (rc == 0 && fsync(fd) != 0)
		rc = errno;
	if (close(fd) != 0 && rc == 0)
		rc = errno;
	return rc;
}

enum mun_code mun_file_replace(const char *path, const void *data, size_t len, unsigned mode,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) char *temporary = NULL;
	int fd;
	int rc;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return mun_fail(err, MUN_E_NOMEM, "no memory to write %s", path);
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail_write(errno, path, err);
	rc = fill(fd, data, len, mode);
	if (rc == 0 && rename(temporary, path) != 0)
		rc = errno;
	if (rc != 0) {
		(void)unlink(temporary);
		return fail_write(rc, path, err);
	}
	rc = sync_parent(path);
	return rc == 0 ? MUN_OK : fail_write(rc, path, err);
}

/* What is made in the folder of somebody else, as after sudo, would lock its owner out. */
static enum mun_code check_parent(const char *path, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) char *parent = parent_of(path);
	struct stat st;

	if (parent == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory to create %s", path);
	if (stat(parent, &st) != 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "create the directory %s", path);
	if (st.st_uid == geteuid())
		return MUN_OK;
	(void)mun_fail(err, MUN_E_IO, "%s is not created: %s belongs to user %lu, not to user %lu",
	               path, parent, (unsigned long)st.st_uid, (unsigned long)geteuid());
	mun_hint(err, "create the directory yourself, or start as its owner");
	return MUN_E_IO;
}

static enum mun_code make_one(const char *path, unsigned mode, struct mun_err *err)
{
	struct stat st;
	enum mun_code code;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return MUN_OK;
	code = check_parent(path, err);
	if (code != MUN_OK || mkdir(path, (mode_t)mode) == 0)
		return code;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return MUN_OK; /* another process was first */
	return mun_fail_errno(err, MUN_E_IO, errno, "create the directory %s", path);
}

enum mun_code mun_dir_make(const char *path, unsigned mode, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) char *part = strdup(path);
	enum mun_code code = MUN_OK;

	if (part == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory to create %s", path);
	for (char *slash = strchr(part + (part[0] == '/'), '/'); code == MUN_OK && slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (slash[-1] != '\0' && part[0] != '\0')
			code = make_one(part, mode, err);
		*slash = '/';
	}
	return code == MUN_OK ? make_one(part, mode, err) : code;
}

/* Open file description locks go with the descriptor, not the process: no close elsewhere, and
 * no second open of the file in this process, gives them up. */
static int lock_whole(int fd, int cmd, struct flock *ret)
{
	*ret = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(fd, cmd, ret);
}

/* Does the path still name the open file? */
static bool is_at(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && stat(path, &named) == 0 &&
	       opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

enum mun_code mun_lock_take(int *ret_fd, const char *path, struct mun_err *err)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		MUN_CLEANUP(mun_closep)
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
		struct flock lock;

		if (fd < 0)
			return fail_write(errno, path, err);
		if (lock_whole(fd, F_OFD_SETLK, &lock) != 0) {
			if (errno == EAGAIN || errno == EACCES)
				return mun_fail(err, MUN_E_BUSY, "another process holds %s", path);
			return mun_fail_errno(err, MUN_E_IO, errno, "lock %s", path);
		}
		/* Only a holder removes the file. Who opened it before and locked it after that
		 * holds nothing that others see; the path has a new file then, or none. */
		if (is_at(fd, path)) {
			*ret_fd = mun_fd_steal(&fd);
			return MUN_OK;
		}
	}
	return mun_fail(err, MUN_E_BUSY, "other processes take and remove %s", path);
}

void mun_lock_remove(int *fd, const char *path)
{
	if (*fd >= 0 && is_at(*fd, path))
		(void)unlink(path);
	mun_closep(fd);
}

/* The old text goes last, so that nobody reads an empty file. */
enum mun_code mun_lock_write(int fd, const void *data, size_t len, struct mun_err *err)
{
	int rc = len > LOCK_TEXT_MAX ? EFBIG : 0;

	if (rc == 0 && lseek(fd, 0, SEEK_SET) != 0)
		rc = errno;
	if (rc == 0)
		rc = write_all(fd, data, len);
	if (rc == 0 && ftruncate(fd, (off_t)len) != 0)
		rc = errno;
	return rc == 0 ? MUN_OK : fail_write(rc, "the lock file", err);
}

enum mun_code mun_lock_read(struct mun_buf *ret, bool *ret_held, const char *path,
                            struct mun_err *err)
{
	MUN_CLEANUP(mun_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	struct flock lock;
	char text[LOCK_TEXT_MAX];
	ssize_t got;

	if (fd < 0 && errno == ENOENT)
		return mun_fail(err, MUN_E_NOTFOUND, "there is no lock file %s", path);
	if (fd < 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "open the lock file %s", path);
	if (lock_whole(fd, F_OFD_GETLK, &lock) != 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "ask for the lock on %s", path);
	got = pread(fd, text, sizeof(text), 0);
	if (got < 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "read %s", path);
	mun_buf_add(ret, text, (size_t)got);
	*ret_held = lock.l_type != F_UNLCK;
	return mun_buf_check(ret, path, err);
}

struct fs_row {
	uint32_t magic;
	enum mun_fs_kind kind;
	const char *name;
};

/* statfs(2), linux/magic.h. Shared memory and locks do not work over the refused ones. */
static const struct fs_row fs_rows[] = {
	{ 0x00006969, MUN_FS_REFUSED, "nfs" },        { 0xff534d42, MUN_FS_REFUSED, "cifs" },
	{ 0xfe534d42, MUN_FS_REFUSED, "smb2" },       { 0x0000517b, MUN_FS_REFUSED, "smb" },
	{ 0x01021997, MUN_FS_REFUSED, "9p" },         { 0x65735546, MUN_FS_REFUSED, "fuse" },
	{ 0x00c36400, MUN_FS_REFUSED, "ceph" },       { 0x5346414f, MUN_FS_REFUSED, "afs" },
	{ 0x73757245, MUN_FS_REFUSED, "coda" },       { 0x786f4256, MUN_FS_REFUSED, "vboxsf" },
	{ 0xbacbacbc, MUN_FS_REFUSED, "vmhgfs" },     { 0x0bd00bd0, MUN_FS_REFUSED, "lustre" },
	{ 0x01161970, MUN_FS_REFUSED, "gfs2" },       { 0x7461636f, MUN_FS_REFUSED, "ocfs2" },
	{ 0x01021994, MUN_FS_VOLATILE, "tmpfs" },     { 0x858458f6, MUN_FS_VOLATILE, "ramfs" },
	{ 0x794c7630, MUN_FS_VOLATILE, "overlayfs" }, { 0x61756673, MUN_FS_VOLATILE, "aufs" },
	{ 0x0000ef53, MUN_FS_LOCAL, "ext4" },         { 0x58465342, MUN_FS_LOCAL, "xfs" },
	{ 0x9123683e, MUN_FS_LOCAL, "btrfs" },        { 0x2fc12fc1, MUN_FS_LOCAL, "zfs" },
	{ 0xf2f52010, MUN_FS_LOCAL, "f2fs" },
};

enum mun_fs_kind mun_fs_kind_of(uint32_t magic, const char **ret_name)
{
	*ret_name = "a local file system";
	for (size_t i = 0; i < MUN_ARRAY_LEN(fs_rows); i++) {
		if (fs_rows[i].magic != magic)
			continue;
		*ret_name = fs_rows[i].name;
		return fs_rows[i].kind;
	}
	return MUN_FS_LOCAL;
}

enum mun_code mun_fs_kind(enum mun_fs_kind *ret, const char **ret_name, const char *path,
                          struct mun_err *err)
{
	struct statfs fs;

	if (statfs(path, &fs) != 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "ask for the file system of %s", path);
	*ret = mun_fs_kind_of((uint32_t)fs.f_type, ret_name);
	return MUN_OK;
}
