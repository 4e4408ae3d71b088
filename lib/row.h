/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ROW_H
#define MUN_ROW_H
/*
 * A row of named cells as JSON object or as RFC 4180 record. Pure. JSON is exact; a cell without
 * value is null there and empty in CSV; times are UTC with microseconds in both.
 */
#include "lib/buf.h"
enum mun_cell_kind {
	MUN_CELL_TEXT,
	MUN_CELL_INT,
	MUN_CELL_BOOL,
	MUN_CELL_TIME
};
struct mun_column {
	const char *name;
	enum mun_cell_kind kind;
	bool in_table; /* shown in a table when no fields are chosen */
};
struct mun_cell {
	const char *text; /* TEXT: NULL is null */
	size_t text_len;  /* 0: strlen */
	int64_t number;   /* INT, BOOL, TIME (µs) */
	bool null;
};
size_t mun_cell_len(const struct mun_cell *c); /* of its text */
bool mun_cell_is_null(const struct mun_column *col, const struct mun_cell *c);
struct mun_cell mun_cell_text(const char *text); /* NULL is null */
struct mun_cell mun_cell_int(int64_t number);
struct mun_cell mun_cell_time(int64_t time_us); /* MUN_TIME_NONE is null */
/* The value alone, as it stands in CSV before quoting; nothing for null. */
void mun_cell_plain(struct mun_buf *ret, const struct mun_column *col, const struct mun_cell *c);
/* The cells of the columns order[0] to order[len-1], without a newline. */
void mun_row_json(struct mun_buf *ret, const struct mun_column *columns, const size_t *order,
                  size_t len, const struct mun_cell *cells);
/* The same with CR LF; cells NULL: the header. raw: text that starts like a formula stays so. */
void mun_row_csv(struct mun_buf *ret, const struct mun_column *columns, const size_t *order,
                 size_t len, const struct mun_cell *cells, bool raw);
#endif
