/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_LINES_H
#define MUN_LINES_H
/*
 * A file of lines that nobody vouches for: read one after the other, or found by the number that
 * each carries (`"seq":17`), where numbers rise. Memory: a window of the file, and of every n-th
 * line its place.
 */
#include "lib/buf.h"
struct mun_lines;
/* Takes the descriptor, also when it fails. max: bytes of a line, without newline. */
enum mun_code mun_lines_open(struct mun_lines **ret, int fd, const char *name, size_t max,
                             struct mun_err *err) MUN_MUST_CHECK;
void mun_lines_closep(struct mun_lines **l);
/* The line at *at, borrowed until the next call; *at goes behind it. NOTFOUND: the end. CORRUPT:
 * longer than max, or without a newline; *at goes behind it all the same. IO. */
enum mun_code mun_lines_read(struct mun_lines *l, uint64_t *at, const char **ret, size_t *ret_len,
                             struct mun_err *err) MUN_MUST_CHECK;
/* The line of that number. NOTFOUND. Lines that carry none are passed over. */
enum mun_code mun_lines_find(struct mun_lines *l, uint64_t number, const char **ret,
                             size_t *ret_len, struct mun_err *err) MUN_MUST_CHECK;
/* false: it carries none. */
bool mun_lines_number(const char *line, size_t len, uint64_t *ret);
#endif
