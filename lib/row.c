/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/row.h"

#include <string.h>

#include "lib/canon.h"
#include "lib/csv.h"
#include "lib/date.h"

size_t mun_cell_len(const struct mun_cell *c)
{
	return c->text_len ? c->text_len : strlen(c->text);
}

bool mun_cell_is_null(const struct mun_column *col, const struct mun_cell *c)
{
	return c->null || (col->kind == MUN_CELL_TEXT && !c->text) ||
	       (col->kind == MUN_CELL_TIME && c->number == MUN_TIME_NONE);
}

struct mun_cell mun_cell_text(const char *text)
{
	return (struct mun_cell){ .text = text, .null = !text };
}

struct mun_cell mun_cell_int(int64_t number)
{
	return (struct mun_cell){ .number = number };
}

struct mun_cell mun_cell_time(int64_t time_us)
{
	return (struct mun_cell){ .number = time_us, .null = time_us == MUN_TIME_NONE };
}

void mun_cell_plain(struct mun_buf *ret, const struct mun_column *col, const struct mun_cell *c)
{
	char text[MUN_DATE_MAX];

	if (mun_cell_is_null(col, c))
		return;
	switch (col->kind) {
	case MUN_CELL_TEXT:
		mun_buf_add(ret, c->text, mun_cell_len(c));
		break;
	case MUN_CELL_INT:
		mun_buf_int(ret, c->number);
		break;
	case MUN_CELL_BOOL:
		mun_buf_puts(ret, c->number ? "true" : "false");
		break;
	case MUN_CELL_TIME:
		mun_date_format(text, c->number);
		mun_buf_puts(ret, text);
		break;
	}
}

void mun_row_json(struct mun_buf *ret, const struct mun_column *columns, const size_t *order,
                  size_t len, const struct mun_cell *cells)
{
	struct mun_canon canon;
	char time[MUN_DATE_MAX];

	mun_canon_init(&canon, ret);
	mun_canon_loose(&canon);
	mun_canon_object(&canon, NULL);
	for (size_t i = 0; i < len; i++) {
		const struct mun_column *col = &columns[order[i]];
		const struct mun_cell *c = &cells[order[i]];

		if (mun_cell_is_null(col, c)) {
			mun_canon_null(&canon, col->name);
		} else if (col->kind == MUN_CELL_TEXT) {
			mun_canon_strn(&canon, col->name, c->text, mun_cell_len(c));
		} else if (col->kind == MUN_CELL_INT) {
			mun_canon_int(&canon, col->name, c->number);
		} else if (col->kind == MUN_CELL_BOOL) {
			mun_canon_bool(&canon, col->name, c->number != 0);
		} else {
			mun_date_format(time, c->number);
			mun_canon_str(&canon, col->name, time);
		}
	}
	mun_canon_end(&canon);
}

void mun_row_csv(struct mun_buf *ret, const struct mun_column *columns, const size_t *order,
                 size_t len, const struct mun_cell *cells, bool raw)
{
	for (size_t i = 0; i < len; i++) {
		const struct mun_column *col = &columns[order[i]];
		const struct mun_cell *c = cells ? &cells[order[i]] : NULL;

		if (i > 0)
			mun_buf_putc(ret, ',');
		if (!c)
			mun_csv_cell(ret, col->name, strlen(col->name), raw);
		else if (col->kind != MUN_CELL_TEXT) /* of ours: no formula, nothing to quote */
			mun_cell_plain(ret, col, c);
		else if (!mun_cell_is_null(col, c))
			mun_csv_cell(ret, c->text, mun_cell_len(c), raw);
	}
	mun_buf_puts(ret, "\r\n");
}
