/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/text.h"

#include <string.h>

/* Base64url, and the dots between its parts; shorter is a word. */
#define TOKEN_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
#define TOKEN_MIN   20

struct range {
	uint32_t first, last;
};

/* Marks that combine with the character before them, and characters without width. */
static const struct range zero_width[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a },
	{ 0x064b, 0x065f }, { 0x0900, 0x0902 }, { 0x093a, 0x093a }, { 0x093c, 0x093c },
	{ 0x0941, 0x0948 }, { 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200d }, { 0x20d0, 0x20ff },
	{ 0x3099, 0x309a }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
};

static const struct range double_width[] = {
	{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0x33ff },   { 0x3400, 0x4dbf },
	{ 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },   { 0xa960, 0xa97f },   { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

/* What changes the order, the line or the state of a terminal without being seen. */
static const struct range unseen[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x00ad, 0x00ad },   { 0x061c, 0x061c },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x2064 },   { 0x2066, 0x2069 },
	{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
};

static bool in_ranges(uint32_t c, const struct range *r, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (c >= r[i].first && c <= r[i].last)
			return true;
	}
	return false;
}

/* Bytes of the character at s and its number; 0 when it is not valid UTF-8. */
static size_t decode(uint32_t *ret, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;
	uint32_t c;

	if (len == 0)
		return 0;
	if (p[0] < 0x80) {
		*ret = p[0];
		return 1;
	}
	n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
		return 0;
	c = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

size_t mun_utf8_bad(const char *s, size_t len)
{
	size_t i = 0;
	uint32_t c;

	for (;;) {
		while (i < len && (unsigned char)s[i] < 0x80)
			i++;
		if (i == len)
			return len;
		size_t n = decode(&c, s + i, len - i);

		if (n == 0)
			return i;
		i += n;
	}
}

void mun_text_visible(struct mun_buf *ret, const char *s, size_t len, bool ascii)
{
	size_t i = 0;
	uint32_t c = 0;

	while (i < len) {
		size_t n = decode(&c, s + i, len - i);

		if (n == 0)
			mun_buf_printf(ret, "\\x%02x", (unsigned)(unsigned char)s[i]);
		else if (c == '\t')
			mun_buf_puts(ret, "\\t");
		else if (c == '\n')
			mun_buf_puts(ret, "\\n");
		else if (in_ranges(c, unseen, MUN_ARRAY_LEN(unseen)) || (ascii && c > 0x7e))
			mun_buf_printf(ret, "\\u{%x}", (unsigned)c);
		else
			mun_buf_add(ret, s + i, n);
		i += n == 0 ? 1 : n;
	}
}

/* Bytes of the next character or invalid byte, and its columns. */
static size_t measure(size_t *ret_columns, const char *s, size_t len)
{
	uint32_t c = 0;
	size_t n = decode(&c, s, len);

	*ret_columns = 1;
	if (n == 0)
		return 1;
	if (in_ranges(c, zero_width, MUN_ARRAY_LEN(zero_width)))
		*ret_columns = 0;
	else if (in_ranges(c, double_width, MUN_ARRAY_LEN(double_width)))
		*ret_columns = 2;
	return n;
}

size_t mun_text_columns(const char *s, size_t len)
{
	size_t total = 0;
	size_t columns;

	for (size_t i = 0; i < len; total += columns)
		i += measure(&columns, s + i, len - i);
	return total;
}

size_t mun_text_fit(const char *s, size_t len, size_t max_columns)
{
	size_t total = 0;
	size_t columns;
	size_t i = 0;

	while (i < len) {
		size_t n = measure(&columns, s + i, len - i);

		if (total + columns > max_columns)
			break;
		total += columns;
		i += n;
	}
	return i;
}

static size_t token_len(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] != '\0' && strchr(TOKEN_CHARS, s[n]) != NULL)
		n++;
	return n;
}

const char *mun_text_token(const char *s, size_t len, size_t *ret_len)
{
	const char *end = s + len;
	const char *at = s;

	while (at != NULL && (at = memmem(at, (size_t)(end - at), "eyJ", 3)) != NULL) {
		*ret_len = token_len(at, (size_t)(end - at));
		if (*ret_len >= TOKEN_MIN)
			return at;
		at += *ret_len;
	}
	return NULL;
}

void mun_text_copy(char *ret, size_t ret_size, const char *s, size_t len)
{
	size_t room = len;

	if (ret_size == 0)
		return;
	if (len >= ret_size) {
		room = ret_size - 1;
		while (room > 0 && ((unsigned char)s[room] & 0xc0) == 0x80)
			room--;
	}
	if (room > 0)
		memcpy(ret, s, room);
	ret[room] = '\0';
}
