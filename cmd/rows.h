/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ROWS_H
#define MUN_ROWS_H
/* Rows of queries to stdout. */
#include "cmd/out.h"
#include "journal/rows.h"
/* Ends the rows of a query that returned code: also where damage was left out (CORRUPT), which is
 * what it then returns. */
enum mun_code mun_rows_end(struct mun_out **out, enum mun_code code, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_history_row_out(struct mun_out *out, const struct mun_history_row *row,
                                  struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_items_row_out(struct mun_out *out, const struct mun_item_row *row,
                                struct mun_err *err) MUN_MUST_CHECK;
#endif
