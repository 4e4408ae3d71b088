/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/members.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/text.h"

#define MEMBERS_MAX ((size_t)4 << 20)
#define CHUNK       65536

static const char *const folders[] = { "", "checkpoints", "plan" };

struct mun_members {
	int dir;
	char **name; /* owned, sorted */
	size_t len, cap;
	struct mun_buf foreign;
	size_t foreign_len;
};

static void closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

void mun_members_closep(struct mun_members **m)
{
	if (!*m)
		return;
	for (size_t i = 0; i < (*m)->len; i++)
		free((*m)->name[i]);
	free((*m)->name);
	mun_closep(&(*m)->dir);
	mun_buf_done(&(*m)->foreign);
	free(*m);
	*m = NULL;
}

static bool is_plain(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                          "0123456789.-_");

	return len > 0 && name[len] == '\0' && name[0] != '.' && len < MUN_MEMBER_NAME - 16;
}

static bool is_folder(const char *name)
{
	for (size_t i = 1; i < MUN_ARRAY_LEN(folders); i++)
		if (strcmp(name, folders[i]) == 0)
			return true;
	return false;
}

static void add_foreign(struct mun_members *m, const char *folder, const char *name)
{
	if (m->foreign_len++ > 0)
		return;
	mun_text_visible(&m->foreign, folder, strlen(folder), true);
	if (folder[0])
		mun_buf_putc(&m->foreign, '/');
	mun_text_visible(&m->foreign, name, strlen(name), true);
}

static enum mun_code add_name(struct mun_members *m, const char *folder, const char *name,
                              struct mun_err *err)
{
	char *path = NULL;

	if (m->len == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 64;
		char **bigger =
			cap <= MEMBERS_MAX ? reallocarray(m->name, cap, sizeof(*bigger)) : NULL;
		if (!bigger)
			return mun_fail(err, MUN_E_NOMEM, "no memory for %zu names of files", cap);
		m->name = bigger;
		m->cap = cap;
	}
	if (asprintf(&path, "%s%s%s", folder, folder[0] ? "/" : "", name) < 0)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the name of a file");
	m->name[m->len++] = path;
	return MUN_OK;
}

static enum mun_code add_found(struct mun_members *m, int dir, const char *folder, const char *name,
                               struct mun_err *err)
{
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return MUN_OK;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "a file of the bundle");
	if (S_ISDIR(st.st_mode) && folder[0] == '\0' && is_folder(name))
		return MUN_OK;
	if (!S_ISREG(st.st_mode) || !is_plain(name)) {
		add_foreign(m, folder, name);
		return MUN_OK;
	}
	return add_name(m, folder, name, err);
}

static enum mun_code list_folder(struct mun_members *m, const char *folder, struct mun_err *err)
{
	DIR *d MUN_CLEANUP(closedirp) = NULL;
	int fd = openat(m->dir, folder[0] ? folder : ".",
	                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && folder[0]) /* not there, or a link that the listing of the top has named */
		return MUN_OK;
	if (fd < 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "the bundle's directory");
	d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return mun_fail(err, MUN_E_NOMEM, "no memory for a directory");
	}
	enum mun_code code = MUN_OK;
	const struct dirent *entry;
	errno = 0;
	while (code == MUN_OK && (entry = readdir(d)) != NULL)
		code = add_found(m, fd, folder, entry->d_name, err);
	if (code == MUN_OK && errno != 0)
		code = mun_fail_errno(err, MUN_E_IO, errno, "the bundle's directory");
	return code;
}

static int compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

enum mun_code mun_members_open(struct mun_members **ret, const char *dir, struct mun_err *err)
{
	struct mun_members *m MUN_CLEANUP(mun_members_closep) = calloc(1, sizeof(*m));
	enum mun_code code = MUN_OK;

	if (!m)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a bundle");
	mun_buf_init(&m->foreign, 4096);
	m->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->dir < 0)
		return mun_fail_errno(err, MUN_E_INPUT, errno, "%.500s", dir);
	for (size_t i = 0; code == MUN_OK && i < MUN_ARRAY_LEN(folders); i++)
		code = list_folder(m, folders[i], err);
	if (code != MUN_OK)
		return code;
	if (m->len > 0)
		qsort(m->name, m->len, sizeof(m->name[0]), compare);
	*ret = MUN_STEAL(m);
	return MUN_OK;
}

size_t mun_members_count(const struct mun_members *m)
{
	return m->len;
}

const char *mun_members_name(const struct mun_members *m, size_t i)
{
	return m->name[i];
}

bool mun_members_find(const struct mun_members *m, const char *name, size_t *ret)
{
	char *const *found =
		m->len > 0 ? bsearch(&name, m->name, m->len, sizeof(m->name[0]), compare) : NULL;

	if (found && ret)
		*ret = (size_t)(found - m->name);
	return found != NULL;
}

const char *mun_members_foreign(const struct mun_members *m, size_t *ret_count)
{
	*ret_count = m->foreign_len;
	return m->foreign_len > 0 ? mun_buf_str(&m->foreign) : NULL;
}

/* The folder of a member, opened; -1. *ret_base: its name in there. */
static int open_folder(const struct mun_members *m, const char *name, const char **ret_base)
{
	const char *slash = strchr(name, '/');
	char folder[MUN_MEMBER_NAME];

	*ret_base = slash ? slash + 1 : name;
	(void)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - name) : 1,
	               slash ? name : ".");
	return openat(m->dir, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

enum mun_code mun_members_fd(const struct mun_members *m, const char *name, int *ret_fd,
                             uint64_t *ret_size, struct mun_err *err)
{
	int folder MUN_CLEANUP(mun_closep) = -1, fd MUN_CLEANUP(mun_closep) = -1;
	const char *base;
	struct stat st;

	if (!mun_members_find(m, name, NULL))
		return MUN_E_NOTFOUND;
	folder = open_folder(m, name, &base);
	if (folder >= 0)
		fd = openat(folder, base,
		            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "%s", name);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return mun_fail(err, MUN_E_CORRUPT, "%s is no regular file", name);
	if (ret_size)
		*ret_size = (uint64_t)st.st_size;
	*ret_fd = mun_fd_steal(&fd);
	return MUN_OK;
}

enum mun_code mun_members_read(const struct mun_members *m, const char *name, struct mun_buf *ret,
                               struct mun_err *err)
{
	int fd MUN_CLEANUP(mun_closep) = -1;

	enum mun_code code = mun_members_fd(m, name, &fd, NULL, err);
	if (code == MUN_OK)
		code = mun_fd_read(ret, fd, name, err);
	return code == MUN_E_INPUT ? MUN_E_CORRUPT : code;
}

enum mun_code mun_members_sha256(const struct mun_members *m, const char *name,
                                 uint8_t ret[static MUN_SHA256_LEN], struct mun_err *err)
{
	struct mun_sha256 *h MUN_CLEANUP(mun_sha256_freep) = NULL;
	int fd MUN_CLEANUP(mun_closep) = -1;
	char chunk[CHUNK];
	ssize_t got;

	enum mun_code code = mun_members_fd(m, name, &fd, NULL, err);
	if (code == MUN_OK)
		code = mun_sha256_new(&h, err);
	if (code != MUN_OK)
		return code;
	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got > 0)
			mun_sha256_add(h, chunk, (size_t)got);
		else if (errno != EINTR)
			return mun_fail_errno(err, MUN_E_IO, errno, "%s", name);
	}
	mun_sha256_end(h, ret);
	return MUN_OK;
}
