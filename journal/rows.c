/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/rows.h"

#include <string.h>

const struct mun_column mun_history_columns[MUN_HISTORY_COLUMNS] = {
	{ "time", MUN_CELL_TIME, true },         { "org", MUN_CELL_TEXT, false },
	{ "run", MUN_CELL_TEXT, true },          { "name", MUN_CELL_TEXT, true },
	{ "op", MUN_CELL_TEXT, true },           { "batch", MUN_CELL_TEXT, false },
	{ "item", MUN_CELL_INT, false },         { "attempt", MUN_CELL_INT, false },
	{ "verdict", MUN_CELL_TEXT, true },      { "evidence", MUN_CELL_TEXT, true },
	{ "http", MUN_CELL_INT, true },          { "archived_at", MUN_CELL_TEXT, false },
	{ "duration_ms", MUN_CELL_INT, false },  { "operator", MUN_CELL_TEXT, true },
	{ "claimed", MUN_CELL_TEXT, false },     { "identity", MUN_CELL_TEXT, false },
	{ "reason", MUN_CELL_TEXT, true },       { "ticket", MUN_CELL_TEXT, false },
	{ "token", MUN_CELL_TEXT, false },       { "request_seq", MUN_CELL_INT, false },
	{ "response_seq", MUN_CELL_INT, false }, { "settled_seq", MUN_CELL_INT, false },
};
const struct mun_column mun_items_columns[MUN_ITEMS_COLUMNS] = {
	{ "batch", MUN_CELL_TEXT, false },   { "item", MUN_CELL_INT, true },
	{ "line", MUN_CELL_INT, false },     { "run", MUN_CELL_TEXT, true },
	{ "name", MUN_CELL_TEXT, true },     { "state", MUN_CELL_TEXT, true },
	{ "verdict", MUN_CELL_TEXT, true },  { "evidence", MUN_CELL_TEXT, true },
	{ "attempts", MUN_CELL_INT, true },  { "archived_at", MUN_CELL_TEXT, true },
	{ "reason", MUN_CELL_TEXT, false },  { "ticket", MUN_CELL_TEXT, false },
	{ "last_seq", MUN_CELL_INT, false },
};

struct mun_cell mun_cell_seq(uint64_t seq)
{
	if (seq == MUN_NO_SEQ)
		return (struct mun_cell){ .null = true };
	return mun_cell_int((int64_t)seq);
}

void mun_history_cells(struct mun_cell ret[static MUN_HISTORY_COLUMNS], struct mun_row_text *text,
                       const struct mun_history_row *row)
{
	mun_id_format(text->org, &row->org);
	mun_id_format(text->run, &row->run);
	mun_ref_format(text->batch, 'b', &row->batch);
	const struct mun_cell cells[] = {
		mun_cell_time(row->time_us),
		mun_cell_text(text->org),
		mun_cell_text(text->run),
		mun_cell_text(row->name),
		mun_cell_text(row->op),
		mun_cell_text(text->batch),
		mun_cell_int(row->item),
		mun_cell_int(row->attempt),
		mun_cell_text(row->verdict),
		mun_cell_text(row->evidence),
		{ .number = (int64_t)row->http, .null = row->http == 0 },
		mun_cell_text(row->archived_at),
		{ .number = row->duration_ms, .null = row->duration_ms < 0 },
		mun_cell_text(row->operator_),
		mun_cell_text(row->claimed),
		mun_cell_text(row->identity),
		mun_cell_text(row->reason),
		mun_cell_text(row->ticket),
		mun_cell_text(row->token),
		mun_cell_seq(row->request_seq),
		mun_cell_seq(row->response_seq),
		mun_cell_seq(row->settled_seq),
	};
	_Static_assert(MUN_ARRAY_LEN(cells) == MUN_HISTORY_COLUMNS, "one a column");
	memcpy(ret, cells, sizeof(cells));
}

void mun_items_cells(struct mun_cell ret[static MUN_ITEMS_COLUMNS], struct mun_row_text *text,
                     const struct mun_item_row *row)
{
	mun_id_format(text->run, &row->run);
	mun_ref_format(text->batch, 'b', &row->batch);
	const struct mun_cell cells[] = {
		mun_cell_text(text->batch),
		mun_cell_int(row->item),
		{ .number = row->line, .null = row->line == 0 },
		mun_cell_text(text->run),
		mun_cell_text(row->name),
		mun_cell_text(row->state),
		mun_cell_text(row->verdict),
		mun_cell_text(row->evidence),
		mun_cell_int(row->attempts),
		mun_cell_text(row->archived_at),
		mun_cell_text(row->reason),
		mun_cell_text(row->ticket),
		mun_cell_seq(row->last_seq),
	};
	_Static_assert(MUN_ARRAY_LEN(cells) == MUN_ITEMS_COLUMNS, "one a column");
	memcpy(ret, cells, sizeof(cells));
}
