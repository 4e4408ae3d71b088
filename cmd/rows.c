/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rows.h"

const struct mun_column mun_history_columns[] = {
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
const size_t mun_history_columns_len = MUN_ARRAY_LEN(mun_history_columns);

const struct mun_column mun_items_columns[] = {
	{ "batch", MUN_CELL_TEXT, false },   { "item", MUN_CELL_INT, true },
	{ "line", MUN_CELL_INT, false },     { "run", MUN_CELL_TEXT, true },
	{ "name", MUN_CELL_TEXT, true },     { "state", MUN_CELL_TEXT, true },
	{ "verdict", MUN_CELL_TEXT, true },  { "evidence", MUN_CELL_TEXT, true },
	{ "attempts", MUN_CELL_INT, true },  { "archived_at", MUN_CELL_TEXT, true },
	{ "reason", MUN_CELL_TEXT, false },  { "ticket", MUN_CELL_TEXT, false },
	{ "last_seq", MUN_CELL_INT, false },
};
const size_t mun_items_columns_len = MUN_ARRAY_LEN(mun_items_columns);

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

struct mun_cell mun_cell_text(const char *text)
{
	return (struct mun_cell){ .text = text, .null = !text };
}

struct mun_cell mun_cell_int(int64_t number)
{
	return (struct mun_cell){ .number = number };
}

struct mun_cell mun_cell_seq(uint64_t seq)
{
	if (seq == MUN_NO_SEQ)
		return (struct mun_cell){ .null = true };
	return mun_cell_int((int64_t)seq);
}

struct mun_cell mun_cell_time(int64_t time_us)
{
	return (struct mun_cell){ .number = time_us, .null = time_us == MUN_TIME_NONE };
}

enum mun_code mun_history_row_out(struct mun_out *out, const struct mun_history_row *row,
                                  struct mun_err *err)
{
	char org[MUN_ID_TEXT], run[MUN_ID_TEXT], batch[MUN_REF_TEXT];

	mun_id_format(org, &row->org);
	mun_id_format(run, &row->run);
	mun_ref_format(batch, 'b', &row->batch);
	const struct mun_cell cells[] = {
		mun_cell_time(row->time_us),
		mun_cell_text(org),
		mun_cell_text(run),
		mun_cell_text(row->name),
		mun_cell_text(row->op),
		mun_cell_text(batch),
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
	_Static_assert(MUN_ARRAY_LEN(cells) == MUN_ARRAY_LEN(mun_history_columns), "one a column");
	return mun_out_row(out, cells, err);
}

enum mun_code mun_items_row_out(struct mun_out *out, const struct mun_item_row *row,
                                struct mun_err *err)
{
	char run[MUN_ID_TEXT], batch[MUN_REF_TEXT];

	mun_id_format(run, &row->run);
	mun_ref_format(batch, 'b', &row->batch);
	const struct mun_cell cells[] = {
		mun_cell_text(batch),        mun_cell_int(row->item),
		mun_cell_int(row->line),     mun_cell_text(run),
		mun_cell_text(row->name),    mun_cell_text(row->state),
		mun_cell_text(row->verdict), mun_cell_text(row->evidence),
		mun_cell_int(row->attempts), mun_cell_text(row->archived_at),
		mun_cell_text(row->reason),  mun_cell_text(row->ticket),
		mun_cell_seq(row->last_seq),
	};
	_Static_assert(MUN_ARRAY_LEN(cells) == MUN_ARRAY_LEN(mun_items_columns), "one a column");
	return mun_out_row(out, cells, err);
}
