/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/bundle_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/bundle_dir_impl.h"
#include "lib/failpoint.h"
#include "lib/file.h"

#define MARK  ".muniment-export-" /* of temporary directories, and the process behind it */
#define TRIES 100
#define DEPTH 4 /* of what lies in a temporary directory */

enum mun_code mun_bundle_dir_failed(int errnum, const char *what, const char *path,
                                    struct mun_err *err)
{
	return mun_fail_errno(err, errnum == ENOMEM ? MUN_E_NOMEM : MUN_E_IO, errnum, "%s %s", what,
	                      path);
}

char *mun_bundle_dir_join(const char *folder, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)at;
	(void)(flag == FTW_DP ? rmdir(path) : unlink(path));
	return 0;
}

static void remove_all(const char *path)
{
	(void)nftw(path, remove_one, DEPTH, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Held by nobody, and ours: its process is dead. */
static void remove_leftover(int parent, const char *folder, const char *name)
{
	MUN_CLEANUP(mun_closep)
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	MUN_CLEANUP(mun_freep) char *path = mun_bundle_dir_join(folder, name);
	struct stat st;

	if (fd >= 0 && path && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0)
		remove_all(path);
}

static void remove_leftovers(const char *parent)
{
	DIR *dir = opendir(parent);

	if (!dir)
		return;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (strncmp(e->d_name, MARK, strlen(MARK)) == 0)
			remove_leftover(dirfd(dir), parent, e->d_name);
	(void)closedir(dir);
}

/* The directory, locked. Between the two somebody else may have taken it for a leftover. */
static int make_locked(const char *path, int *ret_fd)
{
	struct stat opened, named;

	if (mkdir(path, 0700) != 0)
		return errno;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? EEXIST : errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &opened) == 0 &&
	    stat(path, &named) == 0 && opened.st_ino == named.st_ino) {
		*ret_fd = fd;
		return 0;
	}
	(void)close(fd);
	return EEXIST;
}

static enum mun_code make_temporary(struct mun_bundle_dir *d, struct mun_err *err)
{
	int rc = EEXIST;

	for (unsigned i = 0; rc == EEXIST && i < TRIES; i++) {
		free(d->temporary);
		if (asprintf(&d->temporary, "%s/" MARK "%ld-%u", d->parent, (long)getpid(), i) < 0)
			d->temporary = NULL;
		rc = d->temporary ? make_locked(d->temporary, &d->lock) : ENOMEM;
	}
	if (rc == 0)
		d->files = mun_bundle_dir_join(d->temporary, "bundle");
	if (rc == 0 && (!d->files || mkdir(d->files, 0700) != 0))
		rc = d->files ? errno : ENOMEM;
	return rc == 0 ? MUN_OK : mun_bundle_dir_failed(rc, "write beside", d->out, err);
}

static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static enum mun_code check_place(const struct mun_bundle_dir *d, struct mun_err *err)
{
	struct stat st;

	if (!*d->out)
		return mun_fail(err, MUN_E_USAGE, "--out is empty");
	if (lstat(d->out, &st) == 0)
		return mun_fail(err, MUN_E_USAGE, "%s exists: a bundle is never written over",
		                d->out);
	if (errno != ENOENT && errno != ENOTDIR)
		return mun_bundle_dir_failed(errno, "look at", d->out, err);
	if (stat(d->parent, &st) != 0 || !S_ISDIR(st.st_mode))
		return mun_fail(err, MUN_E_USAGE, "the folder %s does not exist", d->parent);
	return MUN_OK;
}

enum mun_code mun_bundle_dir_new(struct mun_bundle_dir **ret, const char *out, bool tar,
                                 struct mun_err *err)
{
	MUN_CLEANUP(mun_bundle_dir_freep) struct mun_bundle_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a bundle");
	d->lock = -1;
	d->fd = -1;
	d->tar = tar;
	d->out = strdup(out);
	for (size_t len = d->out ? strlen(d->out) : 0; len > 1 && d->out[len - 1] == '/'; len--)
		d->out[len - 1] = '\0';
	d->parent = d->out ? parent_of(d->out) : NULL;
	if (!d->parent)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a bundle");
	enum mun_code code = check_place(d, err);
	if (code != MUN_OK)
		return code;
	remove_leftovers(d->parent);
	code = make_temporary(d, err);
	if (code == MUN_OK)
		*ret = MUN_STEAL(d);
	return code;
}

void mun_bundle_dir_freep(struct mun_bundle_dir **dir)
{
	struct mun_bundle_dir *d = *dir;

	*dir = NULL;
	if (!d)
		return;
	mun_pipe_freep(&d->pipe); /* nothing writes any more */
	mun_closep(&d->fd);
	if (d->lock >= 0)
		remove_all(d->temporary);
	mun_closep(&d->lock);
	free(d->members);
	free(d->out);
	free(d->parent);
	free(d->temporary);
	free(d->files);
	free(d);
}

const char *mun_bundle_dir_path(const struct mun_bundle_dir *d)
{
	return d->files;
}

int mun_bundle_dir_write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, data, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno;
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

/* 0 or an errno; the descriptor is closed in any case. */
int mun_bundle_dir_sync(int *fd)
{
	int rc = mun_failpoint("export");

	if (rc == 0 && fsync(*fd) != 0)
		rc = errno;

	if (close(mun_fd_steal(fd)) != 0 && rc == 0)
		rc = errno;
	return rc;
}

static enum mun_code new_member(struct mun_bundle_dir *d, const char *name, struct mun_err *err)
{
	if (d->len == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 64;
		struct mun_bundle_file *members = reallocarray(d->members, cap, sizeof(*members));
		if (!members)
			return mun_fail(err, MUN_E_NOMEM, "no memory for %zu files", cap);
		d->members = members;
		d->cap = cap;
	}
	struct mun_bundle_file *m = &d->members[d->len];
	memset(m, 0, sizeof(*m));
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	return d->pipe ? MUN_OK : mun_pipe_new(&d->pipe, err);
}

enum mun_code mun_bundle_dir_begin(struct mun_bundle_dir *d, const char *name, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) char *path = mun_bundle_dir_join(d->files, name);
	MUN_CLEANUP(mun_freep) char *folder = path ? parent_of(path) : NULL;
	int rc = mun_failpoint("export");

	enum mun_code code = new_member(d, name, err);
	if (code != MUN_OK)
		return code;
	if (!folder)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a file");
	if (rc == 0 && mkdir(folder, 0700) != 0 && errno != EEXIST)
		rc = errno;
	if (rc == 0)
		d->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (rc == 0 && d->fd < 0)
		rc = errno;
	return rc == 0 ? mun_pipe_begin(d->pipe, d->fd, err)
	               : mun_bundle_dir_failed(rc, "write", path, err);
}

enum mun_code mun_bundle_dir_write(void *arg, const void *data, size_t len, struct mun_err *err)
{
	struct mun_bundle_dir *d = arg;
	struct mun_bundle_file *m = &d->members[d->len];

	m->size += len;
	int rc = mun_pipe_write(d->pipe, data, len);
	return rc == 0 ? MUN_OK : mun_bundle_dir_failed(rc, "write", m->name, err);
}

enum mun_code mun_bundle_dir_end(struct mun_bundle_dir *d, struct mun_err *err)
{
	struct mun_bundle_file *m = &d->members[d->len];
	int rc = mun_pipe_end(d->pipe, m->sha256);
	int synced = mun_bundle_dir_sync(&d->fd);

	rc = rc ? rc : synced;
	if (rc != 0)
		return mun_bundle_dir_failed(rc, "write", m->name, err);
	d->len++;
	return MUN_OK;
}

enum mun_code mun_bundle_dir_put(struct mun_bundle_dir *d, const char *name, const void *data,
                                 size_t len, struct mun_err *err)
{
	enum mun_code code = mun_bundle_dir_begin(d, name, err);

	if (code == MUN_OK && len > 0)
		code = mun_bundle_dir_write(d, data, len, err);
	return code == MUN_OK ? mun_bundle_dir_end(d, err) : code;
}
