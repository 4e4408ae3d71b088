/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/withheld.h"

#include <string.h>

#include "lib/base64.h"

#define HEIGHT_MAX 62
#define DIGITS_MAX 19

void mun_withheld_format(struct mun_buf *ret, const struct mun_withheld *w)
{
	mun_buf_printf(ret, "%llu %u ", (unsigned long long)w->start, w->height);
	mun_base64_add(ret, w->hash, sizeof(w->hash));
	mun_buf_putc(ret, '\n');
}

/* A decimal number and the space behind it. */
static bool take_number(uint64_t *ret, const char **at, size_t *len)
{
	uint64_t n = 0;
	size_t digits = 0;

	while (digits < *len && digits < DIGITS_MAX && (*at)[digits] >= '0' && (*at)[digits] <= '9')
		n = n * 10 + (uint64_t)((*at)[digits++] - '0');
	if (digits == 0 || digits == *len || (*at)[digits] != ' ' ||
	    ((*at)[0] == '0' && digits > 1))
		return false;
	*at += digits + 1;
	*len -= digits + 1;
	*ret = n;
	return true;
}

enum mun_code mun_withheld_parse(struct mun_withheld *ret, const char *line, size_t len,
                                 struct mun_err *err)
{
	struct mun_withheld w;
	uint64_t height;

	if (!take_number(&w.start, &line, &len) || !take_number(&height, &line, &len) ||
	    !mun_base64_exact(w.hash, sizeof(w.hash), line, len))
		return mun_fail(err, MUN_E_INPUT, "not START HEIGHT HASH");
	if (height > HEIGHT_MAX || (w.start & ((UINT64_C(1) << height) - 1)) != 0 ||
	    w.start + (UINT64_C(1) << height) > INT64_MAX)
		return mun_fail(err, MUN_E_INPUT, "entry %llu begins no subtree of height %llu",
		                (unsigned long long)w.start, (unsigned long long)height);
	w.height = (unsigned)height;
	*ret = w;
	return MUN_OK;
}

unsigned mun_withheld_height(uint64_t start, uint64_t end)
{
	unsigned height = 0;

	while (height < HEIGHT_MAX && (start & (UINT64_C(1) << height)) == 0 &&
	       (UINT64_C(2) << height) <= end - start)
		height++;
	return height;
}

bool mun_withheld_push(struct mun_tree *t, const struct mun_withheld *w)
{
	uint8_t hash[MUN_SHA256_LEN];
	unsigned level = w->height;

	if (t->size != w->start)
		return false;
	memcpy(hash, w->hash, sizeof(hash));
	for (; (t->size >> level & 1) != 0; level++)
		mun_tree_join(hash, t->edge[--t->edge_len], hash);
	memcpy(t->edge[t->edge_len++], hash, sizeof(hash));
	t->size += UINT64_C(1) << w->height;
	return true;
}
