/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_WINDOW_OF_ROWS_H
#define MUN_WINDOW_OF_ROWS_H
/*
 * Copies of neighbouring rows of a table that is asked in the order of its keys, more or less: one
 * transaction for many rows. Rows that are there never change. Reads ahead the more the longer the
 * order holds.
 */
#include "journal/tables.h"
#define MUN_ROWS_AHEAD 256
struct mun_rows_window {
	enum mun_table table;
	struct mun_buf bytes;
	struct {
		struct mun_key key;
		size_t at, len;
	} row[MUN_ROWS_AHEAD];
	size_t len, last, ahead; /* last: the one that was asked for last */
	struct mun_key from;     /* what was looked for when it was filled */
};
void mun_rows_window_init(struct mun_rows_window *w, enum mun_table table);
void mun_rows_window_done(struct mun_rows_window *w);
/* Borrowed until the next call. NOTFOUND. */
enum mun_code mun_rows_window_get(struct mun_rows_window *w, struct mun_store *store,
                                  const struct mun_key *key, struct mun_val *ret,
                                  struct mun_err *err) MUN_MUST_CHECK;
#endif
