/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_LINE_H
#define MUN_LINE_H
/* What the text formats of transparency logs share: lines, each with its newline, and numbers. */
#include "lib/digest.h"
struct mun_lines {
	const char *p; /* borrowed: what is left */
	size_t left;
	size_t number; /* of the line last given, from 1 */
};
void mun_lines_init(struct mun_lines *l, const char *text, size_t len);
/* The next line, its newline left out; false: there is none that ends in one. */
bool mun_lines_next(struct mun_lines *l, struct mun_slice *ret);
bool mun_line_is(const struct mun_slice *line, const char *text);
/* What stands behind the prefix; false: the line does not begin with it. */
bool mun_line_after(const struct mun_slice *line, const char *prefix, struct mun_slice *ret);
/* Decimal, without sign, blanks or leading zeros, at most 2^64 - 1. */
bool mun_line_number(const struct mun_slice *digits, uint64_t *ret);
#endif
