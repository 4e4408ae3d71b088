/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/encoding.h"
#include "lib/file.h"
#include "lib/manifest_impl.h"

#define PIECE ((size_t)1024 * 1024)

enum mun_code mun_manifest_too_large(const char *source, struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_INPUT, "%s is larger than the limit of %u bytes", source,
	               MUN_MANIFEST_MAX);
	mun_hint(err, "split the list and store a plan for each part");
	return MUN_E_INPUT;
}

static enum mun_code look(int fd, bool *ret_terminal, const char *path, struct mun_err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return mun_fail_errno(err, MUN_E_INPUT, errno, "cannot read %s", path);
	if (S_ISDIR(st.st_mode)) {
		(void)mun_fail(err, MUN_E_INPUT, "%s is a directory", path);
		mun_hint(err, "give the file that holds the list");
		return MUN_E_INPUT;
	}
	if (S_ISREG(st.st_mode) && st.st_size > (off_t)MUN_MANIFEST_MAX)
		return mun_manifest_too_large(path, err);
	*ret_terminal = S_ISCHR(st.st_mode) && isatty(fd) == 1;
	return MUN_OK;
}

enum mun_code mun_manifest_open(int *ret_fd, bool *ret_terminal, const char *path,
                                struct mun_err *err)
{
	bool standard = strcmp(path, "-") == 0;
	MUN_CLEANUP(mun_closep)
	int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
	                  : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum mun_code code;

	if (fd < 0)
		return mun_fail_errno(err, MUN_E_INPUT, errno, "cannot open %s", path);
	code = look(fd, ret_terminal, standard ? "standard input" : path, err);
	if (code != MUN_OK)
		return code;
	*ret_fd = mun_fd_steal(&fd);
	return MUN_OK;
}

/* NUL in what has come: the rest is not waited for, it may never end. */
static enum mun_code check_piece(const struct mun_buf *b, size_t got, const char *name,
                                 struct mun_err *err)
{
	struct mun_encoding ignored;

	if (memchr(b->data + b->len - got, 0, got) == NULL)
		return MUN_OK;
	return mun_encoding_check(&ignored, b->data, b->len, name, err);
}

/* *ret_got 0: the end. */
static enum mun_code read_piece(struct mun_buf *b, int fd, const char *name, bool (*stopped)(void),
                                size_t *ret_got, struct mun_err *err)
{
	size_t left = b->max - b->len;
	char one = 0;
	/* At the limit one byte more tells "full" from "too large". */
	size_t room = left == 0 ? 1 : left < PIECE ? left : PIECE;
	char *to = left == 0 ? &one : mun_buf_reserve(b, room);
	ssize_t got;

	if (to == NULL)
		return mun_buf_check(b, name, err);
	do {
		if (stopped())
			return mun_fail(err, MUN_E_USAGE, "interrupted while %s was read", name);
		got = read(fd, to, room);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return mun_fail_errno(err, MUN_E_INPUT, errno, "cannot read %s", name);
	*ret_got = (size_t)got;
	if (left == 0)
		return got == 0 ? MUN_OK : mun_manifest_too_large(name, err);
	b->len += (size_t)got;
	return check_piece(b, (size_t)got, name, err);
}

enum mun_code mun_manifest_read(struct mun_buf *ret, int fd, const char *name,
                                bool (*stopped)(void), struct mun_err *err)
{
	size_t got = 1;
	enum mun_code code = MUN_OK;

	while (code == MUN_OK && got > 0)
		code = read_piece(ret, fd, name, stopped, &got, err);
	return code;
}
