/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/canon.h"

#include <assert.h>
#include <string.h>

#include "lib/text.h"

#define EXACT_MAX INT64_C(9007199254740991) /* 2^53 - 1: what every reader of JSON can hold */

/* The letter of a short escape, else 0. */
static char short_escape(unsigned char c)
{
	switch (c) {
	case '\b':
		return 'b';
	case '\t':
		return 't';
	case '\n':
		return 'n';
	case '\f':
		return 'f';
	case '\r':
		return 'r';
	case '"':
	case '\\':
		return (char)c;
	default:
		return '\0';
	}
}

static void put_string(struct mun_buf *out, const char *s, size_t len)
{
	size_t done = 0;

	mun_buf_putc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		char letter;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		letter = short_escape(c);
		mun_buf_add(out, s + done, i - done);
		done = i + 1;
		if (letter == '\0')
			mun_buf_printf(out, "\\u%04x", (unsigned)c);
		else
			mun_buf_printf(out, "\\%c", letter);
	}
	mun_buf_add(out, s + done, len - done);
	mun_buf_putc(out, '"');
}

void mun_canon_init(struct mun_canon *c, struct mun_buf *out)
{
	*c = (struct mun_canon){ .out = out };
	c->array[0] = true; /* the top takes values without a key */
}

void mun_canon_loose(struct mun_canon *c)
{
	c->loose = true;
}

/* The comma and the key in front of a value. */
static void begin_value(struct mun_canon *c, const char *key)
{
	unsigned d = c->depth;

	assert((key == NULL) == c->array[d]);
	if (d > 0 && c->comma[d]) /* values at the top are lines of their own */
		mun_buf_putc(c->out, ',');
	c->comma[d] = true;
	if (key == NULL)
		return;
	if (!c->loose) {
		assert(c->last_key[d] == NULL || strcmp(c->last_key[d], key) < 0);
		c->last_key[d] = key;
	}
	put_string(c->out, key, strlen(key));
	mun_buf_putc(c->out, ':');
}

static void open_level(struct mun_canon *c, const char *key, bool array)
{
	begin_value(c, key);
	assert(c->depth + 1 < MUN_CANON_DEPTH);
	c->depth++;
	c->comma[c->depth] = false;
	c->array[c->depth] = array;
	c->last_key[c->depth] = NULL;
	mun_buf_putc(c->out, array ? '[' : '{');
}

void mun_canon_object(struct mun_canon *c, const char *key)
{
	open_level(c, key, false);
}

void mun_canon_array(struct mun_canon *c, const char *key)
{
	open_level(c, key, true);
}

void mun_canon_end(struct mun_canon *c)
{
	assert(c->depth > 0);
	mun_buf_putc(c->out, c->array[c->depth] ? ']' : '}');
	c->depth--;
}

void mun_canon_strn(struct mun_canon *c, const char *key, const char *value, size_t len)
{
	if (value == NULL) {
		mun_canon_null(c, key);
		return;
	}
	assert(mun_utf8_bad(value, len) == len);
	begin_value(c, key);
	put_string(c->out, value, len);
}

void mun_canon_str(struct mun_canon *c, const char *key, const char *value)
{
	mun_canon_strn(c, key, value, value == NULL ? 0 : strlen(value));
}

void mun_canon_int(struct mun_canon *c, const char *key, int64_t value)
{
	assert(c->loose || (value >= -EXACT_MAX && value <= EXACT_MAX));
	begin_value(c, key);
	mun_buf_int(c->out, value);
}

void mun_canon_bool(struct mun_canon *c, const char *key, bool value)
{
	begin_value(c, key);
	mun_buf_puts(c->out, value ? "true" : "false");
}

void mun_canon_null(struct mun_canon *c, const char *key)
{
	begin_value(c, key);
	mun_buf_puts(c->out, "null");
}

struct scan {
	const char *p;
	size_t len, pos;
	struct mun_err *err;
};

static bool refuse(struct scan *s, size_t pos, const char *what)
{
	(void)mun_fail(s->err, MUN_E_INPUT, "not canonical JSON at byte %zu: %s", pos, what);
	return false;
}

static char peek(const struct scan *s)
{
	return (char)(s->pos < s->len ? s->p[s->pos] : '\0');
}

/* pos is behind the backslash. Only what put_string() writes. */
static bool scan_escape(struct scan *s)
{
	const char *p = s->p + s->pos;
	size_t left = s->len - s->pos;
	unsigned value;

	if (left > 0 && p[0] != '\0' && strchr("btnfr\"\\", p[0]) != NULL) {
		s->pos++;
		return true;
	}
	if (left < 5 || memcmp(p, "u00", 3) != 0 || (p[3] != '0' && p[3] != '1') ||
	    !((p[4] >= '0' && p[4] <= '9') || (p[4] >= 'a' && p[4] <= 'f')))
		return refuse(s, s->pos - 1, "an escape that is not needed or unknown");
	value = (unsigned)(p[3] - '0') * 16 +
	        (unsigned)(p[4] <= '9' ? p[4] - '0' : p[4] - 'a' + 10);
	if (short_escape((unsigned char)value) != '\0')
		return refuse(s, s->pos - 1, "an escape that has a shorter form");
	s->pos += 5;
	return true;
}

static bool scan_string(struct scan *s)
{
	size_t start = s->pos;

	if (peek(s) != '"')
		return refuse(s, s->pos, "expected a string");
	s->pos++;
	while (s->pos < s->len) {
		unsigned char c = (unsigned char)s->p[s->pos];

		if (c < 0x20)
			return refuse(s, s->pos, "a control character in a string");
		s->pos++;
		if (c == '"')
			return true;
		if (c == '\\' && !scan_escape(s))
			return false;
	}
	return refuse(s, start, "the string is not closed");
}

static bool scan_int(struct scan *s)
{
	size_t start = s->pos;
	int64_t v = 0;
	bool minus = peek(s) == '-';

	if (minus)
		s->pos++;
	for (size_t first = s->pos; peek(s) >= '0' && peek(s) <= '9'; s->pos++) {
		if (v > EXACT_MAX / 10 || (s->pos > first && v == 0))
			return refuse(s, start, "a number with a leading zero or out of range");
		v = v * 10 + (peek(s) - '0');
	}
	if (s->pos == start + (minus ? 1 : 0))
		return refuse(s, start, "expected a value");
	if (v > EXACT_MAX || (minus && v == 0))
		return refuse(s, start, "a number with a leading zero or out of range");
	return true;
}

static bool scan_value(struct scan *s, unsigned depth);

/* Keys ascend, which also excludes doubles; *last is the key before, raw. */
static bool scan_key(struct scan *s, const char **last, size_t *last_len)
{
	size_t start = s->pos;
	const char *key = s->p + start + 1;
	size_t len;

	if (!scan_string(s))
		return false;
	len = s->pos - start - 2;
	for (size_t i = 0; i < len; i++) {
		if (key[i] == '\\' || (unsigned char)key[i] > 0x7e)
			return refuse(s, start, "a key that is not plain ASCII");
	}
	if (*last != NULL) {
		int order = memcmp(*last, key, *last_len < len ? *last_len : len);

		if (order > 0 || (order == 0 && *last_len >= len))
			return refuse(s, start, "keys are not in order");
	}
	*last = key;
	*last_len = len;
	if (peek(s) != ':')
		return refuse(s, s->pos, "expected ':' after a key");
	s->pos++;
	return true;
}

static bool scan_container(struct scan *s, unsigned depth)
{
	bool object = peek(s) == '{';
	char close = object ? '}' : ']';
	const char *last = NULL;
	size_t last_len = 0;

	if (depth + 1 >= MUN_CANON_DEPTH)
		return refuse(s, s->pos, "nested too deeply");
	s->pos++;
	if (peek(s) == close) {
		s->pos++;
		return true;
	}
	for (;;) {
		if (object && !scan_key(s, &last, &last_len))
			return false;
		if (!scan_value(s, depth + 1))
			return false;
		if (peek(s) == close) {
			s->pos++;
			return true;
		}
		if (peek(s) != ',')
			return refuse(s, s->pos,
			              object ? "expected ',' or '}'" : "expected ',' or ']'");
		s->pos++;
	}
}

static bool scan_value(struct scan *s, unsigned depth)
{
	static const char *const words[] = { "true", "false", "null" };

	if (peek(s) == '{' || peek(s) == '[')
		return scan_container(s, depth);
	if (peek(s) == '"')
		return scan_string(s);
	for (size_t i = 0; i < MUN_ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);

		if (s->len - s->pos >= len && memcmp(s->p + s->pos, words[i], len) == 0) {
			s->pos += len;
			return true;
		}
	}
	return scan_int(s);
}

enum mun_code mun_canon_check(const char *data, size_t len, struct mun_err *err)
{
	struct scan s = { .p = data, .len = len, .err = err };
	size_t bad = mun_utf8_bad(data, len);

	if (bad < len)
		(void)refuse(&s, bad, "not UTF-8");
	else if (scan_value(&s, 0) &&
	         (s.pos == len || refuse(&s, s.pos, "something stands behind")))
		return MUN_OK;
	return MUN_E_INPUT;
}
