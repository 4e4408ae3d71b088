/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_WITHHELD_H
#define MUN_WITHHELD_H
/*
 * What a filtered bundle leaves out: a line `START HEIGHT HASH` (decimal, decimal, base64) for
 * each aligned subtree of 2^HEIGHT leaves from START on, ascending. Entries and these, pushed in
 * order, give every root. Pure.
 */
#include "lib/buf.h"
#include "lib/tlog/tree.h"
#define MUN_WITHHELD_LINE 72 /* bytes of the longest, with its newline */
struct mun_withheld {
	uint64_t start;
	unsigned height;
	uint8_t hash[MUN_SHA256_LEN];
};
void mun_withheld_format(struct mun_buf *ret, const struct mun_withheld *w);
/* A line without its newline. INPUT: not of this form, or START is no multiple of 2^HEIGHT. */
enum mun_code mun_withheld_parse(struct mun_withheld *ret, const char *line, size_t len,
                                 struct mun_err *err) MUN_MUST_CHECK;
/* Height of the largest aligned subtree from `start` on that ends at `end` at most; start < end. */
unsigned mun_withheld_height(uint64_t start, uint64_t end);
/* Adds the subtree's leaves at once. false: the tree does not end where it starts. */
bool mun_withheld_push(struct mun_tree *t, const struct mun_withheld *w);
#endif
