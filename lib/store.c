/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/store_impl.h"

#define READERS        512
#define READER_BYTES   64 /* in the lock file; its table takes more as a whole */
#define MAP_FIRST      ((size_t)64 << 20)
#define PREALLOC_BLOCK ((uint64_t)16 << 20)
/* Pages that copy-on-write touches beside the data: a path from root to leaf in each table. */
#define PAGE_SLACK ((uint64_t)1 << 20)
/* A short write of LMDB comes back as EIO: with less than this free, the disk was full. */
#define FREE_MIN        ((uint64_t)1 << 20)
#define READERS_EVERY_S 3600

static uint64_t free_bytes(const char *path)
{
	struct statvfs fs;
	char folder[4096];
	char *slash;

	(void)snprintf(folder, sizeof(folder), "%s", path); /* the file may not be there yet */
	slash = strrchr(folder, '/');
	if (slash != NULL)
		*slash = '\0';
	if (statvfs(path, &fs) != 0 && statvfs(folder, &fs) != 0)
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

static enum mun_code fail_full(const char *path, const char *what, struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_FULL, "%s: no room on disk for %s, %llu bytes are free", what,
	               path, (unsigned long long)free_bytes(path));
	mun_hint(err, "make room on that file system, then start again");
	return MUN_E_FULL;
}

/* One line of LMDB's reader list: "   PID thread txnid"; keeps the PIDs. */
static int add_reader(const char *line, void *data)
{
	char *text = data;
	size_t len = strlen(text);
	char *end;
	long pid = strtol(line, &end, 10);

	if (end != line && pid > 0 && len < 100)
		(void)snprintf(text + len, 128 - len, "%s%ld", len > 0 ? ", " : "", pid);
	return 0;
}

static enum mun_code fail_readers(MDB_env *env, const char *what, struct mun_err *err)
{
	char pids[128] = "";

	(void)mdb_reader_list(env, add_reader, pids);
	return mun_fail(err, MUN_E_BUSY, "%s: too many readers, held by processes %s", what, pids);
}

enum mun_code mun_store_fail(const struct mun_store *s, int rc, const char *what,
                             struct mun_err *err)
{
	const char *path = s->data_path;

	switch (rc) {
	case MDB_MAP_FULL:
		return mun_fail(err, MUN_E_FULL, "%s: the map of %s is full", what, path);
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return fail_full(path, what, err);
	case EIO:
		if (free_bytes(path) < FREE_MIN)
			return fail_full(path, what, err);
		return mun_fail_errno(err, MUN_E_IO, rc, "%s: %s", what, path);
	case ENOMEM:
		return mun_fail(err, MUN_E_NOMEM, "%s: no memory", what);
	case ENOENT:
		return mun_fail(err, MUN_E_NOTFOUND, "%s: %s does not exist", what, path);
	case EAGAIN:
	case EBUSY:
		return mun_fail_errno(err, MUN_E_BUSY, rc, "%s: %s", what, path);
	case MDB_MAP_RESIZED:
		return mun_fail(err, MUN_E_BUSY,
		                "%s: %s was enlarged by another process in mid-transaction", what,
		                path);
	case MDB_READERS_FULL:
		return fail_readers(s->env, what, err);
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
		return mun_fail(err, MUN_E_CORRUPT,
		                "%s: %s is no data file of this kind of machine and LMDB version",
		                what, path);
	case MDB_BAD_VALSIZE:
	case MDB_BAD_RSLOT:
	case MDB_BAD_DBI:
	case MDB_DBS_FULL:
	case MDB_TXN_FULL:
	case EINVAL:
		return mun_fail(err, MUN_E_INTERNAL, "%s: %s: %s", what, path, mdb_strerror(rc));
	default:
		break;
	}
	if (rc > 0)
		return mun_fail_errno(err, MUN_E_IO, rc, "%s: %s", what, path);
	/* MDB_BAD_TXN too: a damaged page was met before in this transaction. */
	return mun_fail(err, MUN_E_CORRUPT, "%s: %s is damaged (%s)", what, path, mdb_strerror(rc));
}

/* NULL without memory: what asprintf() leaves behind then is not to be freed. */
static char *path_in(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static void free_store(struct mun_store *s)
{
	free(s->data_path);
	free(s->lock_path);
	free(s->dbi);
	free(s->present);
	free(s);
}

void mun_store_closep(struct mun_store **s)
{
	if (*s == NULL)
		return;
	assert((*s)->open_txns == 0);
	/* In a child after fork() LMDB would clear the parent's reader slots. */
	if ((*s)->env != NULL && (*s)->pid == getpid())
		mdb_env_close((*s)->env);
	free_store(*s);
	*s = NULL;
}

const char *mun_store_path(const struct mun_store *s)
{
	return s->data_path;
}

/* *ret_missing counts the tables that are not there (and were not made). */
static enum mun_code open_tables(struct mun_store *s, bool make, size_t *ret_missing,
                                 struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = make ? mun_store_write(&t, s, err) : mun_store_read(&t, s, err);

	if (code != MUN_OK)
		return code;
	*ret_missing = 0;
	for (size_t i = 0; i < s->tables_len; i++) {
		int rc = mdb_dbi_open(t->txn, s->tables[i], make ? MDB_CREATE : 0, &s->dbi[i]);

		s->present[i] = rc == 0;
		if (rc == MDB_NOTFOUND)
			(*ret_missing)++;
		else if (rc != 0)
			return mun_store_fail(s, rc, "open a table", err);
	}
	return mun_txn_commit(MUN_STEAL(t), err); /* a handle lives on only when committed */
}

/* Blocks for a new file; its size is not changed where LMDB goes by it. */
static enum mun_code make_room(struct mun_store *s, const char *path, int mode, size_t bytes,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat file;
	int rc = 0;

	if (fd < 0 || fstat(fd, &file) != 0)
		return mun_store_fail(s, errno, "open", err);
	if (file.st_size == 0)
		rc = fallocate(fd, mode, 0, (off_t)bytes) == 0 ? 0 : errno;
	return rc == 0 || rc == EOPNOTSUPP ? MUN_OK : mun_store_fail(s, rc, "make", err);
}

/*
 * LMDB writes through a map of a sparse lock file, which kills the process (SIGBUS) where the
 * disk is full, and leaves half of a new data file's first pages there, which nobody can open
 * again. New files get their blocks first: the lock file within the size that LMDB gives it, the
 * data file without a size, by which LMDB knows it as new.
 */
static enum mun_code make_files(struct mun_store *s, unsigned readers, struct mun_err *err)
{
	enum mun_code code = make_room(s, s->lock_path, 0, (size_t)readers * READER_BYTES, err);

	return code != MUN_OK ? code
	                      : make_room(s, s->data_path, FALLOC_FL_KEEP_SIZE,
	                                  2 * (size_t)sysconf(_SC_PAGESIZE), err);
}

void mun_store_check_readers(struct mun_store *s)
{
	struct timespec now;
	int dead;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	if (s->no_lock ||
	    (s->readers_checked_s != 0 && now.tv_sec - s->readers_checked_s < READERS_EVERY_S))
		return;
	s->readers_checked_s = now.tv_sec;
	(void)mdb_reader_check(s->env, &dead); /* a slot that stays costs room, nothing else */
}

static enum mun_code open_env(struct mun_store *s, const char *dir,
                              const struct mun_store_options *o, struct mun_err *err)
{
	unsigned flags = MDB_NOTLS;
	MDB_envinfo info;
	MDB_stat stat;
	int rc;

	if (o->read_only)
		flags |= MDB_RDONLY;
	if (o->no_lock)
		flags |= MDB_NOLOCK;
	rc = mdb_env_create(&s->env);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, (MDB_dbi)s->tables_len);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(s->env, o->max_readers ? o->max_readers : READERS);
	if (rc == 0)
		rc = mdb_env_open(s->env, dir, flags, 0600);
	if (rc == 0) {
		mun_store_check_readers(s);
		rc = mdb_env_info(s->env, &info);
	}
	if (rc == 0)
		rc = mdb_env_stat(s->env, &stat);
	if (rc == 0 && !o->read_only && info.me_mapsize < (o->map_bytes ? o->map_bytes : MAP_FIRST))
		rc = mdb_env_set_mapsize(s->env, o->map_bytes ? o->map_bytes : MAP_FIRST);
	if (rc != 0)
		return mun_store_fail(s, rc, "open", err);
	s->page_bytes = stat.ms_psize;
	return MUN_OK;
}

/* Reading past the end of a copy that was cut off would kill the process (SIGBUS). */
static enum mun_code check_whole(struct mun_store *s, struct mun_err *err)
{
	struct stat file;
	MDB_envinfo info;
	int rc = mdb_env_info(s->env, &info);

	if (rc != 0)
		return mun_store_fail(s, rc, "open", err);
	uint64_t used = ((uint64_t)info.me_last_pgno + 1) * s->page_bytes;
	if (stat(s->data_path, &file) != 0 || (uint64_t)file.st_size >= used)
		return MUN_OK;
	return mun_fail(err, MUN_E_CORRUPT, "%s is cut off: %llu of %llu bytes are there",
	                s->data_path, (unsigned long long)file.st_size, (unsigned long long)used);
}

enum mun_code mun_store_open(struct mun_store **ret, const char *dir,
                             const struct mun_store_options *options, struct mun_err *err)
{
	MUN_CLEANUP(mun_store_closep) struct mun_store *s = calloc(1, sizeof(*s));
	size_t missing;
	enum mun_code code = MUN_OK;

	if (s == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory to open %s", dir);
	s->pid = getpid();
	s->tables = options->tables;
	s->tables_len = options->tables_len;
	s->read_only = options->read_only;
	s->no_lock = options->no_lock;
	s->dbi = calloc(s->tables_len + 1, sizeof(*s->dbi));
	s->present = calloc(s->tables_len + 1, sizeof(*s->present));
	s->data_path = path_in(dir, "data.mdb");
	s->lock_path = path_in(dir, "lock.mdb");
	if (s->dbi == NULL || s->present == NULL || s->data_path == NULL || s->lock_path == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory to open %s", dir);
	if (!options->read_only)
		code = make_files(s, options->max_readers ? options->max_readers : READERS, err);
	if (code != MUN_OK)
		return code;
	code = open_env(s, dir, options, err);
	if (code == MUN_OK && s->read_only)
		code = check_whole(s, err);
	if (code == MUN_OK)
		code = open_tables(s, false, &missing, err);
	if (code == MUN_OK && missing > 0 && !s->read_only)
		code = open_tables(s, true, &missing, err);
	if (code != MUN_OK)
		return code;
	/* Read-only media have no lock file; then there is nothing to compare later. */
	if (!s->no_lock && stat(s->lock_path, &s->lock_id) != 0)
		s->no_lock = true;
	*ret = MUN_STEAL(s);
	return MUN_OK;
}

static enum mun_code fail_room(const struct mun_store *s, int fd, uint64_t end, struct mun_err *err)
{
	struct stat file = { 0 };
	uint64_t has = fstat(fd, &file) == 0 ? (uint64_t)file.st_blocks * 512 : 0;
	uint64_t needed = end > has ? end - has : 0;
	uint64_t left = free_bytes(s->data_path);

	(void)mun_fail(
		err, MUN_E_FULL, "no room on disk: %s needs %llu more bytes, %llu are free%s",
		s->data_path, (unsigned long long)needed, (unsigned long long)left,
		left >= needed ? ", but a quota or a limit of file sizes does not let it" : "");
	mun_hint(err, "make room on that file system, then start again");
	return MUN_E_FULL;
}

/* Make the file cover `end`, in whole blocks where the disk has that much. */
static enum mun_code preallocate(struct mun_store *s, uint64_t end, struct mun_err *err)
{
	uint64_t ends[2] = { (end + PREALLOC_BLOCK - 1) / PREALLOC_BLOCK * PREALLOC_BLOCK, end };
	int fd = -1;
	int rc = mdb_env_get_fd(s->env, &fd);

	/* Not posix_fallocate(): where the file system cannot, it writes into a shared file. */
	for (size_t i = 0; rc == 0 && i < 2; i++) {
		do
			rc = fallocate(fd, 0, 0, (off_t)ends[i]) == 0 ? 0 : errno;
		while (rc == EINTR);
		if (rc == EOPNOTSUPP && free_bytes(s->data_path) > ends[i])
			rc = 0;
		else if (rc == EOPNOTSUPP)
			rc = ENOSPC;
		if (rc == 0) {
			s->allocated = ends[i];
			return MUN_OK;
		}
		if (i == 0 && (rc == ENOSPC || rc == EDQUOT || rc == EFBIG))
			rc = 0;
	}
	if (rc == ENOSPC || rc == EDQUOT || rc == EFBIG)
		return fail_room(s, fd, end, err);
	return mun_store_fail(s, rc, "reserve room", err);
}

enum mun_code mun_store_reserve(struct mun_store *s, size_t bytes, struct mun_err *err)
{
	enum mun_code code = MUN_OK;
	MDB_envinfo info;
	uint64_t end;
	size_t map;
	int rc = mdb_env_info(s->env, &info);

	if (rc != 0)
		return mun_store_fail(s, rc, "reserve room", err);
	end = ((uint64_t)info.me_last_pgno + 1) * s->page_bytes + bytes + PAGE_SLACK;
	for (map = info.me_mapsize; map < end;)
		map *= 2;
	if (map > info.me_mapsize && s->open_txns > 0)
		return mun_fail(err, MUN_E_INTERNAL,
		                "the map of %s cannot grow inside a transaction", s->data_path);
	/* The disk first: a map that could not be had is lost, one that is too large is not. */
	if (end > s->allocated)
		code = preallocate(s, end, err);
	if (code != MUN_OK || map == info.me_mapsize)
		return code;
	rc = mdb_env_set_mapsize(s->env, map);
	return rc == 0 ? MUN_OK : mun_store_fail(s, rc, "enlarge the map", err);
}

static enum mun_code same_file(const struct stat *open_file, const char *path, struct mun_err *err)
{
	struct stat now;

	if (stat(path, &now) != 0)
		return mun_fail_errno(err, MUN_E_CORRUPT, errno, "%s is in use and cannot be found",
		                      path);
	if (now.st_dev != open_file->st_dev || now.st_ino != open_file->st_ino)
		return mun_fail(err, MUN_E_CORRUPT, "%s was replaced by another file while in use",
		                path);
	if (now.st_nlink != open_file->st_nlink || now.st_nlink != 1)
		return mun_fail(err, MUN_E_CORRUPT, "%s has %llu links while in use, 1 is expected",
		                path, (unsigned long long)now.st_nlink);
	return MUN_OK;
}

enum mun_code mun_store_still_there(struct mun_store *s, struct mun_err *err)
{
	struct stat open_file;
	enum mun_code code;
	int fd = -1;
	int rc = mdb_env_get_fd(s->env, &fd);

	if (rc != 0)
		return mun_store_fail(s, rc, "check the data file", err);
	if (fstat(fd, &open_file) != 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "check %s", s->data_path);
	code = same_file(&open_file, s->data_path, err);
	if (code != MUN_OK || s->no_lock)
		return code;
	return same_file(&s->lock_id, s->lock_path, err);
}

enum mun_code mun_store_copy(struct mun_store *s, const char *dir, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) char *path = path_in(dir, "data.mdb");
	MUN_CLEANUP(mun_closep) int fd = -1;
	int rc;

	if (path == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory to copy %s", s->data_path);
	/* Our own descriptor: LMDB would make the copy readable for others. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "create %s", path);
	rc = mdb_env_copyfd2(s->env, fd, 0);
	if (rc == 0 && fsync(fd) != 0)
		rc = errno;
	if (rc == 0)
		return MUN_OK;
	(void)unlink(path);
	return mun_fail(err, rc == ENOSPC || rc == EDQUOT ? MUN_E_FULL : MUN_E_IO, "copy to %s: %s",
	                path, mdb_strerror(rc));
}

enum mun_code mun_store_info(struct mun_store *s, struct mun_store_info *ret, struct mun_err *err)
{
	struct stat file;
	MDB_envinfo info;
	int fd = -1;
	int rc = mdb_env_info(s->env, &info);

	if (rc == 0)
		rc = mdb_env_get_fd(s->env, &fd);
	if (rc == 0 && fstat(fd, &file) != 0)
		rc = errno;
	if (rc != 0)
		return mun_store_fail(s, rc, "read the state", err);
	*ret = (struct mun_store_info){
		.map_bytes = info.me_mapsize,
		.used_bytes = ((uint64_t)info.me_last_pgno + 1) * s->page_bytes,
		.file_bytes = (uint64_t)file.st_size,
		.readers = info.me_numreaders,
		.max_readers = info.me_maxreaders,
	};
	return MUN_OK;
}
