/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/text.h"

/* cJSON reads a number through a buffer of 64 bytes and would cut a longer one. */
#define NUMBER_MAX 60
#define EXACT_MAX  9007199254740991.0 /* 2^53 - 1 */

struct mun_json {
	cJSON *root;
};

struct mun_json_val {
	cJSON node;
};

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
	return s->pos < s->len ? s->p[s->pos] : '\0';
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
		char c = pos + i < s->len ? s->p[pos + i] : '\0';

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

static bool scan_key(struct scan *s)
{
	if (!scan_string(s))
		return false;
	skip_space(s);
	if (peek(s) != ':')
		return refuse(s, s->pos, "expected ':' after a key");
	s->pos++;
	return true;
}

static bool scan_container(struct scan *s, unsigned depth)
{
	bool object = peek(s) == '{';
	char close = object ? '}' : ']';

	if (depth == MUN_JSON_DEPTH)
		return refuse(s, s->pos, "nested too deeply, the limit is 64 levels");
	s->pos++;
	skip_space(s);
	if (peek(s) == close) {
		s->pos++;
		return true;
	}
	for (;;) {
		skip_space(s);
		if (object && !scan_key(s))
			return false;
		if (!scan_value(s, depth + 1))
			return false;
		skip_space(s);
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

static bool scan_document(struct scan *s)
{
	size_t bad = mun_utf8_bad(s->p, s->len);

	if (bad < s->len)
		return refuse(s, bad, "not UTF-8");
	if (!scan_value(s, 0))
		return false;
	skip_space(s);
	return s->pos == s->len || refuse(s, s->pos, "something stands after the value");
}

static int compare_keys(const void *a, const void *b)
{
	const char *const *left = a;
	const char *const *right = b;

	return strcmp(*left, *right);
}

static enum mun_code fail_duplicate(const char *key, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf shown = { .max = 512 };

	mun_text_visible(&shown, key, strnlen(key, 60), false);
	return mun_fail(err, MUN_E_INPUT, "invalid JSON: key \"%s\" appears twice in one object",
	                mun_buf_str(&shown));
}

/* Sorted, so that a hostile object of many keys costs no square. */
static enum mun_code check_keys(const cJSON *object, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) const char **keys = NULL;
	size_t count = 0;
	size_t i = 0;

	for (const cJSON *m = object->child; m != NULL; m = m->next)
		count++;
	if (count < 2)
		return MUN_OK;
	keys = calloc(count, sizeof(*keys));
	if (keys == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for JSON");
	for (const cJSON *m = object->child; m != NULL; m = m->next)
		keys[i++] = m->string;
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (i = 1; i < count; i++) {
		if (strcmp(keys[i - 1], keys[i]) == 0)
			return fail_duplicate(keys[i], err);
	}
	return MUN_OK;
}

static enum mun_code check_tree(const cJSON *node, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	if (cJSON_IsObject(node))
		code = check_keys(node, err);
	for (const cJSON *m = node->child; code == MUN_OK && m != NULL; m = m->next) {
		if (m->child != NULL)
			code = check_tree(m, err);
	}
	return code;
}

enum mun_code mun_json_parse(struct mun_json **ret, const char *data, size_t len,
                             struct mun_err *err)
{
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	struct scan s = { .p = data, .len = len, .err = err };
	enum mun_code code;

	if (!scan_document(&s))
		return MUN_E_INPUT;
	doc = calloc(1, sizeof(*doc));
	if (doc != NULL)
		doc->root = cJSON_ParseWithLength(data, len);
	if (doc == NULL || doc->root == NULL) /* the scan found nothing wrong with the text */
		return mun_fail(err, MUN_E_NOMEM, "no memory for JSON of %zu bytes", len);
	code = check_tree(doc->root, err);
	if (code == MUN_OK)
		*ret = MUN_STEAL(doc);
	return code;
}

void mun_json_freep(struct mun_json **doc)
{
	if (*doc == NULL)
		return;
	cJSON_Delete((*doc)->root);
	free(*doc);
	*doc = NULL;
}

static const struct mun_json_val *as_value(const cJSON *node)
{
	return (const struct mun_json_val *)(const void *)node;
}

const struct mun_json_val *mun_json_root(const struct mun_json *doc)
{
	return as_value(doc->root);
}

enum mun_json_kind mun_json_kind(const struct mun_json_val *v)
{
	if (v == NULL)
		return MUN_JSON_ABSENT;
	if (cJSON_IsBool(&v->node))
		return MUN_JSON_BOOL;
	if (cJSON_IsNumber(&v->node))
		return MUN_JSON_NUMBER;
	if (cJSON_IsString(&v->node))
		return MUN_JSON_STRING;
	if (cJSON_IsArray(&v->node))
		return MUN_JSON_ARRAY;
	return cJSON_IsObject(&v->node) ? MUN_JSON_OBJECT : MUN_JSON_NULL;
}

const struct mun_json_val *mun_json_get(const struct mun_json_val *object, const char *key)
{
	if (mun_json_kind(object) != MUN_JSON_OBJECT)
		return NULL;
	for (const cJSON *m = object->node.child; m != NULL; m = m->next) {
		if (strcmp(m->string, key) == 0)
			return as_value(m);
	}
	return NULL;
}

const struct mun_json_val *mun_json_first(const struct mun_json_val *array_or_object)
{
	return array_or_object == NULL ? NULL : as_value(array_or_object->node.child);
}

const struct mun_json_val *mun_json_next(const struct mun_json_val *v)
{
	return v == NULL ? NULL : as_value(v->node.next);
}

const char *mun_json_key(const struct mun_json_val *v)
{
	return v == NULL ? NULL : v->node.string;
}

size_t mun_json_count(const struct mun_json_val *array_or_object)
{
	size_t count = 0;

	for (const struct mun_json_val *v = mun_json_first(array_or_object); v != NULL;
	     v = mun_json_next(v))
		count++;
	return count;
}

const char *mun_json_str(const struct mun_json_val *v)
{
	return mun_json_kind(v) == MUN_JSON_STRING ? v->node.valuestring : NULL;
}

bool mun_json_int(const struct mun_json_val *v, int64_t *ret)
{
	double d;

	if (mun_json_kind(v) != MUN_JSON_NUMBER)
		return false;
	d = v->node.valuedouble;
	if (!(d >= -EXACT_MAX && d <= EXACT_MAX) || (double)(int64_t)d < d ||
	    (double)(int64_t)d > d)
		return false;
	*ret = (int64_t)d;
	return true;
}

bool mun_json_bool(const struct mun_json_val *v, bool *ret)
{
	if (mun_json_kind(v) != MUN_JSON_BOOL)
		return false;
	*ret = cJSON_IsTrue(&v->node);
	return true;
}
