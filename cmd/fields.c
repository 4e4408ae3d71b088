/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/fields.h"

#include <string.h>

/* Behind the string that begins at p. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

/* Behind the value that begins at p: where its comma or the end of the object stands. */
static const char *skip_value(const char *p, const char *end)
{
	int depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = skip_string(p, end);
			continue;
		}
		if (depth == 0 && (*p == ',' || *p == '}'))
			break;
		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
		p++;
	}
	return p;
}

/* The member `"name":value`; NULL when there is none. Our names need no escapes. */
static const char *find_member(const char *object, const char *end, const char *name,
                               size_t name_len, size_t *ret_len)
{
	const char *p = object + 1;

	while (p < end && *p == '"') {
		const char *colon = skip_string(p, end), *after;

		if (colon >= end)
			return NULL;
		after = skip_value(colon + 1, end);
		if ((size_t)(colon - p) == name_len + 2 && memcmp(p + 1, name, name_len) == 0) {
			*ret_len = (size_t)(after - p);
			return p;
		}
		p = after < end ? after + 1 : end;
	}
	return NULL;
}

enum mun_code mun_fields_select(struct mun_buf *ret, const char *object, size_t len,
                                const char *fields, struct mun_err *err)
{
	mun_buf_putc(ret, '{');
	for (const char *at = fields; at;) {
		size_t name_len = strcspn(at, ","), member_len;
		const char *member = find_member(object, object + len, at, name_len, &member_len);

		if (!member)
			return mun_fail(err, MUN_E_USAGE, "--fields: there is no field %.*s",
			                (int)(name_len < 64 ? name_len : 64), at);
		if (at != fields)
			mun_buf_putc(ret, ',');
		mun_buf_add(ret, member, member_len);
		at = at[name_len] ? at + name_len + 1 : NULL;
	}
	mun_buf_puts(ret, "}\n");
	return mun_buf_check(ret, "the chosen fields", err);
}
