/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle's sums, its tar, and the name that it gets at last. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/bundle_dir_impl.h"
#include "lib/failpoint.h"
#include "lib/file.h"
#include "lib/hex.h"

#define SUMS_MAX ((size_t)1 << 30)
#define CHUNK    65536

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct mun_bundle_file *)a)->name,
	              ((const struct mun_bundle_file *)b)->name);
}

/* In the form that sha256sum -c reads. */
static enum mun_code put_sums(struct mun_bundle_dir *d, uint8_t ret[static MUN_SHA256_LEN],
                              struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	char hex[2 * MUN_SHA256_LEN + 1];

	mun_buf_init(&text, SUMS_MAX);
	qsort(d->members, d->len, sizeof(d->members[0]), compare_names);
	for (size_t i = 0; i < d->len; i++) {
		mun_hex_encode(hex, d->members[i].sha256, MUN_SHA256_LEN);
		mun_buf_printf(&text, "%s  %s\n", hex, d->members[i].name);
	}
	enum mun_code code = mun_buf_check(&text, "SHA256SUMS", err);
	if (code == MUN_OK)
		code = mun_bundle_dir_put(d, "SHA256SUMS", text.data, text.len, err);
	if (code != MUN_OK)
		return code;
	memcpy(ret, d->members[d->len - 1].sha256, MUN_SHA256_LEN);
	qsort(d->members, d->len, sizeof(d->members[0]), compare_names);
	return MUN_OK;
}

static int sync_folder(const char *path)
{
	MUN_CLEANUP(mun_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && fsync(fd) == 0 ? 0 : errno;
}

static int sync_folder_in(const struct mun_bundle_dir *d, const char *name)
{
	MUN_CLEANUP(mun_freep) char *path = mun_bundle_dir_join(d->files, name);

	if (!path)
		return ENOMEM;
	int rc = sync_folder(path);
	return rc == ENOENT ? 0 : rc; /* there need be none */
}

static enum mun_code sync_all(const struct mun_bundle_dir *d, struct mun_err *err)
{
	int rc = sync_folder_in(d, "checkpoints");

	if (rc == 0)
		rc = sync_folder_in(d, "plan");
	if (rc == 0)
		rc = sync_folder(d->files);
	return rc == 0 ? MUN_OK : mun_bundle_dir_failed(rc, "write", d->files, err);
}

/* 0 or an errno. */
static int copy_file(int to, int from, uint64_t size)
{
	static const char zeros[MUN_TAR_BLOCK];
	char chunk[CHUNK];
	uint64_t left = size;

	while (left > 0) {
		ssize_t got = read(from, chunk, left < CHUNK ? (size_t)left : CHUNK);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? errno : EIO;
		int rc = mun_bundle_dir_write_all(to, chunk, (size_t)got);
		if (rc != 0)
			return rc;
		left -= (uint64_t)got;
	}
	return mun_bundle_dir_write_all(to, zeros, mun_tar_padding(size));
}

static enum mun_code pack_one(const struct mun_bundle_dir *d, int tar,
                              const struct mun_bundle_file *m, uint64_t time_s, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) char *path = mun_bundle_dir_join(d->files, m->name);
	uint8_t header[MUN_TAR_BLOCK];

	if (!path || !mun_tar_header(header, m->name, m->size, time_s))
		return mun_fail(err, MUN_E_NOMEM, "no room for the name %s", m->name);
	MUN_CLEANUP(mun_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = fd >= 0 ? 0 : errno;
	if (rc == 0)
		rc = mun_bundle_dir_write_all(tar, (const char *)header, sizeof(header));
	if (rc == 0)
		rc = copy_file(tar, fd, m->size);
	return rc == 0 ? MUN_OK : mun_bundle_dir_failed(rc, "pack", m->name, err);
}

static enum mun_code pack(const struct mun_bundle_dir *d, const char *path, int64_t time_us,
                          struct mun_err *err)
{
	static const char end[2 * MUN_TAR_BLOCK];
	MUN_CLEANUP(mun_closep)
	int tar = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	uint64_t time_s = time_us > 0 ? (uint64_t)(time_us / 1000000) : 0;
	enum mun_code code = MUN_OK;

	if (tar < 0)
		return mun_bundle_dir_failed(errno, "write", path, err);
	for (size_t i = 0; code == MUN_OK && i < d->len; i++)
		code = pack_one(d, tar, &d->members[i], time_s, err);
	if (code != MUN_OK)
		return code;
	int rc = mun_bundle_dir_write_all(tar, end, sizeof(end));
	int synced = mun_bundle_dir_sync(&tar);
	rc = rc ? rc : synced;
	return rc == 0 ? MUN_OK : mun_bundle_dir_failed(rc, "write", path, err);
}

/* Nothing that came there meanwhile is written over. */
static int take_name(const char *from, const char *to)
{
	struct stat st;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (lstat(to, &st) == 0) /* a file system that cannot do both at once */
		return EEXIST;
	return rename(from, to) == 0 ? 0 : errno;
}

enum mun_code mun_bundle_dir_finish(struct mun_bundle_dir *d, int64_t time_us,
                                    uint8_t ret_sums[static MUN_SHA256_LEN], struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) char *tar = mun_bundle_dir_join(d->temporary, "tar");
	enum mun_code code = put_sums(d, ret_sums, err);

	if (code == MUN_OK && !tar)
		code = mun_fail(err, MUN_E_NOMEM, "no memory for a bundle");
	if (code == MUN_OK)
		code = d->tar ? pack(d, tar, time_us, err) : sync_all(d, err);
	if (code != MUN_OK)
		return code;
	int rc = mun_failpoint("export");
	if (rc == 0)
		rc = take_name(d->tar ? tar : d->files, d->out);
	if (rc == 0)
		rc = sync_folder(d->parent);
	return rc == 0 ? MUN_OK : mun_bundle_dir_failed(rc, "write", d->out, err);
}
