/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rows.h"

enum mun_code mun_rows_end(struct mun_out **out, enum mun_code code, struct mun_err *err)
{
	struct mun_err end = { 0 };

	if (code == MUN_OK)
		return mun_out_close(out, err);
	if (code != MUN_E_CORRUPT)
		return code;
	enum mun_code closed = mun_out_close(out, &end);
	if (closed != MUN_OK)
		*err = end;
	return closed != MUN_OK ? closed : code;
}

enum mun_code mun_history_row_out(struct mun_out *out, const struct mun_history_row *row,
                                  struct mun_err *err)
{
	struct mun_cell cells[MUN_HISTORY_COLUMNS];
	struct mun_row_text text;

	mun_history_cells(cells, &text, row);
	return mun_out_row(out, cells, err);
}

enum mun_code mun_items_row_out(struct mun_out *out, const struct mun_item_row *row,
                                struct mun_err *err)
{
	struct mun_cell cells[MUN_ITEMS_COLUMNS];
	struct mun_row_text text;

	mun_items_cells(cells, &text, row);
	return mun_out_row(out, cells, err);
}
