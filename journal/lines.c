/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"

#define WINDOW    ((size_t)256 * 1024) /* beside the longest line */
#define MARKS_MAX ((size_t)256 * 1024)
#define STRIDE    16 /* lines from mark to mark, at first */

struct mark {
	uint64_t number, at;
};

struct mun_lines {
	int fd;
	const char *name; /* borrowed: static */
	size_t max, cap;
	char *window; /* owned */
	uint64_t window_at;
	size_t window_len;
	struct mark *marks; /* owned */
	size_t marks_len, marks_cap;
	uint64_t stride, passed; /* lines behind the last mark, up to next_at */
	uint64_t next_at;        /* from there on no marks were made */
	struct mark hint;        /* behind the line that was found last */
};

void mun_lines_closep(struct mun_lines **l)
{
	if (!*l)
		return;
	mun_closep(&(*l)->fd);
	free((*l)->window);
	free((*l)->marks);
	free(*l);
	*l = NULL;
}

enum mun_code mun_lines_open(struct mun_lines **ret, int fd, const char *name, size_t max,
                             struct mun_err *err)
{
	struct mun_lines *l MUN_CLEANUP(mun_lines_closep) = calloc(1, sizeof(*l));

	if (!l) {
		(void)close(fd);
		return mun_fail(err, MUN_E_NOMEM, "no memory for %s", name);
	}
	*l = (struct mun_lines){
		.fd = fd, .name = name, .max = max, .cap = max + 1 + WINDOW, .stride = STRIDE
	};
	l->window = malloc(l->cap);
	if (!l->window)
		return mun_fail(err, MUN_E_NOMEM, "no memory for %s", name);
	*ret = MUN_STEAL(l);
	return MUN_OK;
}

/* As much as there is from at on. */
static enum mun_code fill(struct mun_lines *l, uint64_t at, struct mun_err *err)
{
	l->window_at = at;
	l->window_len = 0;
	while (l->window_len < l->cap) {
		ssize_t got = pread(l->fd, l->window + l->window_len, l->cap - l->window_len,
		                    (off_t)(at + l->window_len));
		if (got == 0)
			break;
		if (got > 0)
			l->window_len += (size_t)got;
		else if (errno != EINTR)
			return mun_fail_errno(err, MUN_E_IO, errno, "%s", l->name);
	}
	return MUN_OK;
}

static const char *end_of(const struct mun_lines *l, uint64_t at)
{
	if (at < l->window_at || at - l->window_at >= l->window_len)
		return NULL;
	return memchr(l->window + (at - l->window_at), '\n',
	              l->window_len - (size_t)(at - l->window_at));
}

/* Behind the newline of a line that is too long. */
static enum mun_code pass_over(struct mun_lines *l, uint64_t *at, struct mun_err *err)
{
	for (;;) {
		const char *end = end_of(l, *at);
		if (end) {
			*at = l->window_at + (uint64_t)(end - l->window) + 1;
			return MUN_OK;
		}
		*at = l->window_at + l->window_len;
		enum mun_code code = fill(l, *at, err);
		if (code != MUN_OK || l->window_len == 0)
			return code;
	}
}

enum mun_code mun_lines_read(struct mun_lines *l, uint64_t *at, const char **ret, size_t *ret_len,
                             struct mun_err *err)
{
	const char *end = end_of(l, *at);

	if (!end) {
		enum mun_code code = fill(l, *at, err);
		if (code != MUN_OK)
			return code;
		if (l->window_len == 0)
			return MUN_E_NOTFOUND;
		end = end_of(l, *at);
	}
	*ret = l->window + (*at - l->window_at);
	if (end && (size_t)(end - *ret) <= l->max) {
		*ret_len = (size_t)(end - *ret);
		*at += *ret_len + 1;
		return MUN_OK;
	}
	if (!end && l->window_len <= l->max) {
		*at += l->window_len;
		return mun_fail(err, MUN_E_CORRUPT, "the last line of %s has no newline", l->name);
	}
	enum mun_code code = pass_over(l, at, err);
	return code != MUN_OK ? code
	                      : mun_fail(err, MUN_E_CORRUPT, "a line of %s has more than %zu bytes",
	                                 l->name, l->max);
}

/* What stands behind the key; false: no number. */
static bool read_number(const char *p, const char *end, uint64_t *ret)
{
	unsigned digits = 0;

	for (*ret = 0; p < end && *p >= '0' && *p <= '9' && digits < 17; p++, digits++)
		*ret = *ret * 10 + (uint64_t)(*p - '0');
	return digits > 0 && p < end && (*p == ',' || *p == '}');
}

/* A quotation mark within a string is escaped; a label of this name has a string for its value. */
bool mun_lines_number(const char *line, size_t len, uint64_t *ret)
{
	static const char key[] = "\"seq\":";
	const size_t key_len = sizeof(key) - 1;
	const char *end = line + len;
	uint64_t n;

	for (;;) {
		const char *p = memmem(line, (size_t)(end - line), key, key_len);
		if (!p)
			return false;
		line = p + key_len;
		if (!read_number(line, end, &n))
			continue;
		*ret = n;
		return true;
	}
}

/* Twice as far apart when there are too many. */
static bool add_mark(struct mun_lines *l, uint64_t number, uint64_t at)
{
	if (l->marks_len == MARKS_MAX) {
		for (size_t i = 0; i < MARKS_MAX / 2; i++)
			l->marks[i] = l->marks[2 * i];
		l->marks_len = MARKS_MAX / 2;
		l->stride *= 2;
	}
	if (l->marks_len == l->marks_cap) {
		size_t cap = l->marks_cap ? l->marks_cap * 2 : 64;
		struct mark *bigger = reallocarray(l->marks, cap, sizeof(*bigger));
		if (!bigger)
			return false;
		l->marks = bigger;
		l->marks_cap = cap;
	}
	l->marks[l->marks_len++] = (struct mark){ number, at };
	return true;
}

/* Where to begin: the last known place whose number is not above. */
static uint64_t begin(const struct mun_lines *l, uint64_t number)
{
	size_t low = 0, high = l->marks_len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (l->marks[middle].number <= number)
			low = middle + 1;
		else
			high = middle;
	}
	uint64_t at = low > 0 ? l->marks[low - 1].at : 0;
	return l->hint.at > at && l->hint.number < number ? l->hint.at : at;
}

enum mun_code mun_lines_find(struct mun_lines *l, uint64_t number, const char **ret,
                             size_t *ret_len, struct mun_err *err)
{
	uint64_t at = begin(l, number);

	for (;;) {
		uint64_t start = at, found;
		enum mun_code code = mun_lines_read(l, &at, ret, ret_len, err);
		if (code == MUN_E_CORRUPT)
			continue;
		if (code != MUN_OK)
			return code;
		if (!mun_lines_number(*ret, *ret_len, &found))
			continue;
		if (start >= l->next_at) {
			l->next_at = at;
			if (l->passed++ % l->stride == 0 && !add_mark(l, found, start))
				return mun_fail(err, MUN_E_NOMEM, "no memory for places in %s",
				                l->name);
		}
		if (found > number)
			return MUN_E_NOTFOUND;
		if (found < number)
			continue;
		l->hint = (struct mark){ found, at };
		return MUN_OK;
	}
}
