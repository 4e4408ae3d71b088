/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tlog/line.h"

#include <string.h>

void mun_lines_init(struct mun_lines *l, const char *text, size_t len)
{
	*l = (struct mun_lines){ .p = text, .left = len };
}

bool mun_lines_next(struct mun_lines *l, struct mun_slice *ret)
{
	const char *end = l->left > 0 ? memchr(l->p, '\n', l->left) : NULL;
	size_t len;

	l->number++;
	if (end == NULL)
		return false;
	len = (size_t)(end - l->p);
	*ret = (struct mun_slice){ l->p, len };
	l->p = end + 1;
	l->left -= len + 1;
	return true;
}

bool mun_line_is(const struct mun_slice *line, const char *text)
{
	return line->len == strlen(text) && memcmp(line->data, text, line->len) == 0;
}

bool mun_line_after(const struct mun_slice *line, const char *prefix, struct mun_slice *ret)
{
	size_t len = strlen(prefix);

	if (line->len < len || memcmp(line->data, prefix, len) != 0)
		return false;
	*ret = (struct mun_slice){ (const char *)line->data + len, line->len - len };
	return true;
}

bool mun_line_number(const struct mun_slice *digits, uint64_t *ret)
{
	const char *p = digits->data;
	uint64_t value = 0;

	if (digits->len == 0 || (digits->len > 1 && p[0] == '0'))
		return false;
	for (size_t i = 0; i < digits->len; i++) {
		if (p[i] < '0' || p[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (unsigned)(p[i] - '0'), &value))
			return false;
	}
	*ret = value;
	return true;
}
