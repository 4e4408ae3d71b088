/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK ((size_t)256 * 1024)
#define FIRST ((size_t)4 * 1024 * 1024)

void mun_scratch_init(struct mun_scratch *s, const char *dir, size_t row)
{
	*s = (struct mun_scratch){ .fd = -1, .row = row, .dir = dir };
}

void mun_scratch_done(struct mun_scratch *s)
{
	if (s->map)
		(void)munmap(s->map, s->map_len);
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->taken);
	mun_scratch_init(s, s->dir, s->row);
}

static enum mun_code failed(const struct mun_scratch *s, int errnum, struct mun_err *err)
{
	return mun_fail_errno(err, errnum == ENOMEM ? MUN_E_NOMEM : MUN_E_IO, errnum,
	                      "a temporary file in %s", s->dir);
}

static enum mun_code open_file(struct mun_scratch *s, struct mun_err *err)
{
	char path[4096];

	s->fd = open(s->dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (s->fd >= 0)
		return MUN_OK;
	int len = snprintf(path, sizeof(path), "%s/muniment-XXXXXX", s->dir);
	if (len < 0 || (size_t)len >= sizeof(path))
		return failed(s, ENAMETOOLONG, err);
	s->fd = mkostemp(path, O_CLOEXEC);
	if (s->fd < 0)
		return failed(s, errno, err);
	(void)unlink(path);
	return MUN_OK;
}

static enum mun_code grow_taken(struct mun_scratch *s, size_t map_len, struct mun_err *err)
{
	size_t old = s->map_len / BLOCK / 8, len = map_len / BLOCK / 8;
	uint8_t *taken = realloc(s->taken, len);

	if (!taken)
		return mun_fail(err, MUN_E_NOMEM, "no memory for rows");
	memset(taken + old, 0, len - old);
	s->taken = taken;
	return MUN_OK;
}

enum mun_code mun_scratch_extend(struct mun_scratch *s, size_t len, struct mun_err *err)
{
	size_t need, want = s->map_len ? s->map_len : FIRST;

	if (__builtin_mul_overflow(len, s->row, &need) || need > SIZE_MAX / 4)
		return mun_fail(err, MUN_E_FULL, "%zu rows are too many", len);
	while (want < need)
		want += want / 2 > 8 * BLOCK ? want / 2 / (8 * BLOCK) * (8 * BLOCK) : 8 * BLOCK;
	enum mun_code code = s->fd < 0 ? open_file(s, err) : MUN_OK;
	if (code != MUN_OK || want == s->map_len) {
		s->len = code == MUN_OK && len > s->len ? len : s->len;
		return code;
	}
	code = grow_taken(s, want, err);
	if (code != MUN_OK)
		return code;
	if (ftruncate(s->fd, (off_t)want) != 0)
		return failed(s, errno, err);
	void *map = s->map ? mremap(s->map, s->map_len, want, MREMAP_MAYMOVE)
	                   : mmap(NULL, want, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (map == MAP_FAILED)
		return failed(s, errno, err);
	s->map = map;
	s->map_len = want;
	s->len = len > s->len ? len : s->len;
	return MUN_OK;
}

static bool is_taken(const struct mun_scratch *s, size_t block)
{
	return s->taken[block / 8] >> (block % 8) & 1;
}

static enum mun_code take(struct mun_scratch *s, size_t block, struct mun_err *err)
{
	if (is_taken(s, block))
		return MUN_OK;
	int rc = posix_fallocate(s->fd, (off_t)(block * BLOCK), (off_t)BLOCK);
	if (rc != 0)
		return failed(s, rc, err);
	s->taken[block / 8] |= (uint8_t)(1u << block % 8);
	return MUN_OK;
}

enum mun_code mun_scratch_touch(struct mun_scratch *s, size_t at, void **ret, struct mun_err *err)
{
	size_t from = at * s->row;
	enum mun_code code = MUN_OK;

	for (size_t b = from / BLOCK; code == MUN_OK && b <= (from + s->row - 1) / BLOCK; b++)
		code = take(s, b, err);
	if (code == MUN_OK)
		*ret = s->map + from;
	return code;
}

const void *mun_scratch_get(const struct mun_scratch *s, size_t at)
{
	size_t from = at * s->row;

	if (at >= s->len || !is_taken(s, from / BLOCK) || !is_taken(s, (from + s->row - 1) / BLOCK))
		return NULL;
	return s->map + from;
}

size_t mun_scratch_next(const struct mun_scratch *s, size_t at)
{
	while (at < s->len && !mun_scratch_get(s, at)) {
		size_t end = at * s->row + s->row - 1; /* a row may lie in two blocks */
		size_t block = is_taken(s, at * s->row / BLOCK) ? end / BLOCK : at * s->row / BLOCK;
		size_t next = (block + 1) * BLOCK / s->row;
		at = next > at ? next : at + 1;
	}
	return at < s->len ? at : s->len;
}

enum mun_code mun_scratch_add(struct mun_scratch *s, void **ret, struct mun_err *err)
{
	enum mun_code code = mun_scratch_extend(s, s->len + 1, err);

	return code == MUN_OK ? mun_scratch_touch(s, s->len - 1, ret, err) : code;
}
