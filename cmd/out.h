/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_OUT_H
#define MUN_OUT_H
/*
 * Rows to stdout as table, json (an array), jsonl or csv from one list of columns. stdout carries
 * data only. Foreign text is made visible in tables; JSON is exact. A field without value is null.
 */
#include "cmd/cmd.h"
#include "lib/canon.h"
enum mun_cell_kind {
	MUN_CELL_TEXT,
	MUN_CELL_INT,
	MUN_CELL_BOOL,
	MUN_CELL_TIME
};
struct mun_column {
	const char *name;
	enum mun_cell_kind kind;
	bool in_table; /* shown in the table when --fields is not given */
};
struct mun_cell {
	const char *text; /* TEXT: NULL is null */
	size_t text_len;  /* 0: strlen */
	int64_t number;   /* INT, BOOL, TIME (µs); */
	bool null;
};
struct mun_out; /* allocated */
enum mun_code mun_out_open(struct mun_out **ret, struct mun_app *app,
                           const struct mun_column *columns, size_t columns_len,
                           struct mun_err *err) MUN_MUST_CHECK; /* USAGE: unknown --fields */
enum mun_code mun_out_row(struct mun_out *o, const struct mun_cell *cells, struct mun_err *err)
	MUN_MUST_CHECK; /* IO when stdout cannot be written */
/* Ends the array or table and flushes. IO. */
enum mun_code mun_out_close(struct mun_out **o, struct mun_err *err) MUN_MUST_CHECK;
void mun_out_abortp(struct mun_out **o);
/* One JSON object made by the caller (loose canon), or the lines of `label: value` for a table. */
enum mun_code mun_out_text(struct mun_app *app, const char *data, size_t len, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
