/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ROWS_H
#define MUN_ROWS_H
/* Rows of queries as cells: columns in the order of the public contract. */
#include "cmd/out.h"
#include "journal/query.h"
/* Ends the rows of a query that returned code: also where damage was left out (CORRUPT), which is
 * what it then returns. */
enum mun_code mun_rows_end(struct mun_out **out, enum mun_code code, struct mun_err *err)
	MUN_MUST_CHECK;
extern const struct mun_column mun_history_columns[];
extern const size_t mun_history_columns_len;
enum mun_code mun_history_row_out(struct mun_out *out, const struct mun_history_row *row,
                                  struct mun_err *err) MUN_MUST_CHECK;
extern const struct mun_column mun_items_columns[];
extern const size_t mun_items_columns_len;
enum mun_code mun_items_row_out(struct mun_out *out, const struct mun_item_row *row,
                                struct mun_err *err) MUN_MUST_CHECK;
struct mun_cell mun_cell_text(const char *text); /* NULL is null */
struct mun_cell mun_cell_int(int64_t number);
struct mun_cell mun_cell_seq(uint64_t seq);     /* MUN_NO_SEQ is null */
struct mun_cell mun_cell_time(int64_t time_us); /* MUN_TIME_NONE is null */
#endif
