/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64

void mun_buf_init(struct mun_buf *b, size_t max)
{
	assert(max < SIZE_MAX / 2);
	*b = (struct mun_buf){ .max = max };
}

void mun_buf_done(struct mun_buf *b)
{
	if (b == NULL)
		return;
	free(b->data);
	*b = (struct mun_buf){ .max = b->max };
}

void mun_buf_clear(struct mun_buf *b)
{
	b->len = 0;
	b->failed = false;
	b->full = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

static bool grow(struct mun_buf *b, size_t need)
{
	size_t cap = b->cap == 0 ? FIRST_CAP : b->cap;
	char *data;

	if (need <= b->cap)
		return true;
	while (cap < need)
		cap += cap / 2;
	if (cap - 1 > b->max)
		cap = b->max + 1;
	data = realloc(b->data, cap);
	if (data == NULL)
		return false;
	b->data = data;
	b->cap = cap;
	return true;
}

static void *room_for(struct mun_buf *b, size_t len)
{
	if (b->failed)
		return NULL;
	if (len > b->max - b->len) {
		b->failed = true;
		b->full = true;
		return NULL;
	}
	if (!grow(b, b->len + len + 1)) {
		b->failed = true;
		return NULL;
	}
	return b->data + b->len;
}

void *mun_buf_reserve(struct mun_buf *b, size_t len)
{
	char *to = room_for(b, len);

	/* The caller may use less of the room and never writes a NUL. */
	if (to != NULL)
		memset(to, 0, len + 1);
	return to;
}

void mun_buf_add(struct mun_buf *b, const void *data, size_t len)
{
	bool fits = !b->failed && b->cap - b->len > len; /* never more than the maximum */
	char *room = fits ? b->data + b->len : room_for(b, len);

	if (room == NULL)
		return;
	if (len > 0)
		memcpy(room, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void mun_buf_puts(struct mun_buf *b, const char *s)
{
	mun_buf_add(b, s, strlen(s));
}

void mun_buf_putc(struct mun_buf *b, char c)
{
	if (b->failed || b->cap - b->len <= 1) {
		mun_buf_add(b, &c, 1);
		return;
	}
	b->data[b->len++] = c;
	b->data[b->len] = '\0';
}

void mun_buf_int(struct mun_buf *b, int64_t n)
{
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (n < 0)
		digits[--at] = '-';
	mun_buf_add(b, digits + at, sizeof(digits) - at);
}

void mun_buf_printf(struct mun_buf *b, const char *fmt, ...)
{
	va_list ap;
	char *room;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0) {
		b->failed = true;
		return;
	}
	room = room_for(b, (size_t)len);
	if (room == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(room, (size_t)len + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)len;
}

enum mun_code mun_buf_check(const struct mun_buf *b, const char *what, struct mun_err *err)
{
	if (!b->failed)
		return MUN_OK;
	if (b->full)
		return mun_fail(err, MUN_E_FULL, "%s is too large, the limit is %zu bytes", what,
		                b->max);
	return mun_fail(err, MUN_E_NOMEM, "no memory for %s", what);
}

const char *mun_buf_str(const struct mun_buf *b)
{
	return b->data == NULL ? "" : b->data;
}
