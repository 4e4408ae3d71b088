/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_JOURNAL_ROWS_H
#define MUN_JOURNAL_ROWS_H
/* Rows of history and items as cells, in the order of the public contract. */
#include "journal/query.h"
#include "lib/row.h"
#define MUN_HISTORY_COLUMNS 22
#define MUN_ITEMS_COLUMNS   13
extern const struct mun_column mun_history_columns[MUN_HISTORY_COLUMNS];
extern const struct mun_column mun_items_columns[MUN_ITEMS_COLUMNS];
struct mun_cell mun_cell_seq(uint64_t seq); /* MUN_NO_SEQ is null */
struct mun_row_text {                       /* what cells of a row point into */
	char org[MUN_ID_TEXT], run[MUN_ID_TEXT], batch[MUN_REF_TEXT];
};
/* The cells are valid as long as row and text are. */
void mun_history_cells(struct mun_cell ret[static MUN_HISTORY_COLUMNS], struct mun_row_text *text,
                       const struct mun_history_row *row);
void mun_items_cells(struct mun_cell ret[static MUN_ITEMS_COLUMNS], struct mun_row_text *text,
                     const struct mun_item_row *row);
#endif
