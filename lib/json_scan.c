/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json_scan.h"

#include <string.h>

/* cJSON reads a number through a buffer of 64 bytes and would cut a longer one. */
#define NUMBER_MAX 60

struct scan {
	const char *p;
	size_t len, pos;
	struct mun_err *err;
};

static bool refuse(struct scan *s, size_t pos, const char *what)
{
	(void)mun_fail(s->err, MUN_E_INPUT, "invalid JSON at byte %zu: %s", pos, what);
	return false;
}

static char peek(const struct scan *s)
{
	if (s->pos >= s->len)
		return '\0';
	return s->p[s->pos];
}

static void skip_space(struct scan *s)
{
	while (s->pos < s->len && strchr(" \t\r\n", s->p[s->pos]) != NULL && s->p[s->pos] != '\0')
		s->pos++;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Four hex digits at pos, else -1. */
static long hex4(const struct scan *s, size_t pos)
{
	long v = 0;

	for (size_t i = 0; i < 4; i++) {
		char c = '\0';

		if (pos + i < s->len)
			c = s->p[pos + i];
		if (is_digit(c))
			v = v * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return v;
}

static bool scan_unicode(struct scan *s)
{
	size_t start = s->pos - 1; /* of the backslash; pos is at the u */
	long v = hex4(s, s->pos + 1);

	if (v < 0)
		return refuse(s, start, "\\u needs four hex digits");
	if (v == 0)
		return refuse(s, start, "a NUL character in a string");
	s->pos += 5;
	if (v < 0xd800 || v > 0xdfff)
		return true;
	if (v <= 0xdbff && s->pos + 1 < s->len && s->p[s->pos] == '\\' && s->p[s->pos + 1] == 'u') {
		long low = hex4(s, s->pos + 2);

		if (low >= 0xdc00 && low <= 0xdfff) {
			s->pos += 6;
			return true;
		}
	}
	return refuse(s, start, "half of a surrogate pair");
}

static bool scan_string(struct scan *s)
{
	size_t start = s->pos;

	if (peek(s) != '"')
		return refuse(s, start, "expected a string");
	s->pos++;
	while (s->pos < s->len) {
		unsigned char c = (unsigned char)s->p[s->pos];

		if (c < 0x20)
			return refuse(s, s->pos, "a control character in a string");
		s->pos++;
		if (c == '"')
			return true;
		if (c != '\\')
			continue;
		if (peek(s) == 'u') {
			if (!scan_unicode(s))
				return false;
			continue;
		}
		if (peek(s) == '\0' || strchr("\"\\/bfnrt", peek(s)) == NULL)
			return refuse(s, s->pos - 1, "an unknown escape in a string");
		s->pos++;
	}
	return refuse(s, start, "the string is not closed");
}

static void skip_digits(struct scan *s)
{
	while (is_digit(peek(s)))
		s->pos++;
}

static bool scan_number(struct scan *s)
{
	size_t start = s->pos;

	if (peek(s) == '-')
		s->pos++;
	if (!is_digit(peek(s)))
		return refuse(s, start, "expected a value");
	if (peek(s) == '0')
		s->pos++;
	else
		skip_digits(s);
	if (is_digit(peek(s)))
		return refuse(s, start, "a number with a leading zero");
	if (peek(s) == '.') {
		s->pos++;
		if (!is_digit(peek(s)))
			return refuse(s, s->pos, "expected a digit after the point");
		skip_digits(s);
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->pos++;
		if (peek(s) == '+' || peek(s) == '-')
			s->pos++;
		if (!is_digit(peek(s)))
			return refuse(s, s->pos, "expected a digit in the exponent");
		skip_digits(s);
	}
	if (s->pos - start > NUMBER_MAX)
		return refuse(s, start, "the number is too long");
	return true;
}

static bool scan_literal(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < MUN_ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);

		if (s->len - s->pos >= len && memcmp(s->p + s->pos, words[i], len) == 0) {
			s->pos += len;
			return true;
		}
	}
	return refuse(s, s->pos, s->pos == s->len ? "the text ends here" : "expected a value");
}

static bool scan_value(struct scan *s, unsigned depth);

static bool scan_colon(struct scan *s)
{
	skip_space(s);
	if (peek(s) != ':')
		return refuse(s, s->pos, "expected ':' after a key");
	s->pos++;
	return true;
}

/* To the next element or member. False: the container ends here, or *ret_ok is false. */
static bool next_part(struct scan *s, bool object, bool any, bool *ret_ok)
{
	*ret_ok = true;
	skip_space(s);
	if (peek(s) == (object ? '}' : ']')) {
		s->pos++;
		return false;
	}
	if (!any)
		return true;
	if (peek(s) != ',') {
		*ret_ok = refuse(s, s->pos, object ? "expected ',' or '}'" : "expected ',' or ']'");
		return false;
	}
	s->pos++;
	skip_space(s);
	return true;
}

static bool scan_container(struct scan *s, unsigned depth)
{
	bool object = peek(s) == '{';
	bool ok = true;

	if (depth == MUN_JSON_DEPTH)
		return refuse(s, s->pos, "nested too deeply, the limit is 64 levels");
	s->pos++;
	for (bool any = false; next_part(s, object, any, &ok); any = true) {
		if (object && !(scan_string(s) && scan_colon(s)))
			return false;
		if (!scan_value(s, depth + 1))
			return false;
	}
	return ok;
}

static bool scan_value(struct scan *s, unsigned depth)
{
	skip_space(s);
	switch (peek(s)) {
	case '{':
	case '[':
		return scan_container(s, depth);
	case '"':
		return scan_string(s);
	case '-':
		return scan_number(s);
	default:
		return is_digit(peek(s)) ? scan_number(s) : scan_literal(s);
	}
}

static struct scan scan_of(const char *data, size_t len, size_t pos, struct mun_err *err)
{
	return (struct scan){ .p = data, .len = len, .pos = pos, .err = err };
}

enum mun_code mun_json_scan_end(const char *data, size_t len, size_t pos, struct mun_err *err)
{
	struct scan s = scan_of(data, len, pos, err);

	skip_space(&s);
	if (s.pos == len)
		return MUN_OK;
	(void)refuse(&s, s.pos, "something stands after the value");
	return MUN_E_INPUT;
}

enum mun_code mun_json_scan(const char *data, size_t len, struct mun_err *err)
{
	struct scan s = scan_of(data, len, 0, err);

	if (!scan_value(&s, 0))
		return MUN_E_INPUT;
	return mun_json_scan_end(data, len, s.pos, err);
}

bool mun_json_walk_begin(struct mun_json_walk *ret, const char *data, size_t len, size_t pos)
{
	struct scan s = scan_of(data, len, pos, NULL);
	char open;

	skip_space(&s);
	open = peek(&s);
	if (open != '[' && open != '{')
		return false;
	*ret = (struct mun_json_walk){ .data = data, .len = len, .pos = s.pos + 1 };
	ret->object = open == '{';
	return true;
}

enum mun_code mun_json_walk_next(struct mun_json_walk *w, struct mun_json_part *ret, bool *ret_more,
                                 struct mun_err *err)
{
	struct scan s = scan_of(w->data, w->len, w->pos, err);
	bool ok = true;

	*ret = (struct mun_json_part){ 0 };
	*ret_more = next_part(&s, w->object, w->any, &ok);
	w->any = true;
	if (ok && *ret_more && w->object) {
		ret->key = s.pos;
		ok = scan_string(&s);
		ret->key_len = s.pos - ret->key;
		ok = ok && scan_colon(&s);
	}
	if (ok && *ret_more) {
		skip_space(&s);
		ret->value = s.pos;
		ok = scan_value(&s, 1);
		ret->value_len = s.pos - ret->value;
	}
	w->pos = s.pos;
	return ok ? MUN_OK : MUN_E_INPUT;
}

bool mun_json_next_number(const char *data, size_t len, size_t *pos, bool *ret_integer)
{
	struct scan s = scan_of(data, len, *pos, NULL);

	while (s.pos < len && !is_digit(s.p[s.pos]) && s.p[s.pos] != '-') {
		if (s.p[s.pos] == '"')
			(void)scan_string(&s);
		else
			s.pos++;
	}
	*ret_integer = true;
	if (s.pos == len)
		return false;
	for (; s.pos < len && strchr("-+.eE0123456789", s.p[s.pos]) != NULL; s.pos++)
		*ret_integer = *ret_integer && strchr("+.eE", s.p[s.pos]) == NULL;
	*pos = s.pos;
	return true;
}
