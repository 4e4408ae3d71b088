/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/out.h"

#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/fields.h"
#include "lib/date.h"
#include "lib/text.h"

#define COLUMNS_MAX 64
/* Rows that are held back to find column widths: a stream of any length needs no more. */
#define CHUNK_ROWS  256
#define CHUNK_BYTES (4u * 1024 * 1024)
#define ROW_BYTES   (1024u * 1024)

struct mun_out {
	struct mun_app *app;
	const struct mun_column *columns;
	size_t shown[COLUMNS_MAX]; /* indexes into columns */
	size_t shown_len;
	struct mun_buf row;
	struct mun_buf chunk; /* table: cells as text, each followed by NUL */
	size_t chunk_rows;
	size_t width[COLUMNS_MAX];
	bool ascii, started, color;
};

void mun_out_abortp(struct mun_out **o)
{
	if (!*o)
		return;
	mun_buf_done(&(*o)->row);
	mun_buf_done(&(*o)->chunk);
	free(*o);
	*o = NULL;
}

static enum mun_code put(const char *data, size_t len, struct mun_err *err)
{
	errno = 0;
	if (len > 0 && fwrite(data, 1, len, stdout) != len)
		return mun_fail_errno(err, MUN_E_IO, errno ? errno : EIO,
		                      "the output cannot be written");
	return MUN_OK;
}

enum mun_code mun_out_flush(struct mun_err *err)
{
	if (fflush(stdout) != 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "the output cannot be written");
	return MUN_OK;
}

/* no-color.org: a variable that is set and not empty turns colour off, an option turns it on. */
static bool wants_color(const struct mun_app *app)
{
	const char *when = app->args.color ? app->args.color : "auto";
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	if (app->output != MUN_OUT_TABLE || strcmp(when, "never") == 0)
		return false;
	if (strcmp(when, "always") == 0)
		return true;
	return app->stdout_tty && !(none && *none) && term && strcmp(term, "dumb") != 0;
}

static bool is_one_of(const char *s, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == len && memcmp(s, *words, len) == 0)
			return true;
	return false;
}

/* The sequence that a cell begins with, "" for most. */
static const char *color_of(const struct mun_column *col, const char *s, size_t len)
{
	static const char *const red[] = { "failed",       "halted",    "bad",        "rejected",
		                           "denied",       "not_found", "plan_limit", "auth_lost",
		                           "config_error", NULL };
	static const char *const yellow[] = { "in_doubt",    "interrupted", "stopped",
		                              "unknown",     "unverified",  "done_in_doubt",
		                              "skipped",     "cancelled",   "done_with_failures",
		                              "expired",     "waiting",     "draining",
		                              "not_checked", "warning",     NULL };

	if (strcmp(col->name, "state") != 0 && strcmp(col->name, "verdict") != 0 &&
	    strcmp(col->name, "result") != 0)
		return "";
	if (is_one_of(s, len, red))
		return "\033[31m";
	return is_one_of(s, len, yellow) ? "\033[33m" : "";
}

static enum mun_code choose_named(struct mun_out *o, const char *fields, size_t columns_len,
                                  struct mun_err *err)
{
	for (const char *at = fields; at;) {
		size_t len = strcspn(at, ","), i = 0;

		while (i < columns_len && (strlen(o->columns[i].name) != len ||
		                           memcmp(o->columns[i].name, at, len) != 0))
			i++;
		if (i == columns_len)
			return mun_fail(err, MUN_E_USAGE, "--fields: there is no field %.*s",
			                (int)(len < 64 ? len : 64), at);
		if (o->shown_len == COLUMNS_MAX)
			return mun_fail(err, MUN_E_USAGE, "--fields: more than %d fields",
			                COLUMNS_MAX);
		o->shown[o->shown_len++] = i;
		at = at[len] ? at + len + 1 : NULL;
	}
	return MUN_OK;
}

static enum mun_code choose(struct mun_out *o, size_t columns_len, struct mun_err *err)
{
	bool table = o->app->output == MUN_OUT_TABLE, ids = o->app->output == MUN_OUT_IDS;

	if (o->app->args.fields && !ids)
		return choose_named(o, o->app->args.fields, columns_len, err);
	for (size_t i = 0; i < columns_len && i < COLUMNS_MAX; i++)
		if (ids ? strcmp(o->columns[i].name, "run") == 0 : !table || o->columns[i].in_table)
			o->shown[o->shown_len++] = i;
	return MUN_OK;
}

enum mun_code mun_out_open(struct mun_out **ret, struct mun_app *app,
                           const struct mun_column *columns, size_t columns_len,
                           struct mun_err *err)
{
	MUN_CLEANUP(mun_out_abortp) struct mun_out *o = calloc(1, sizeof *o);
	enum mun_code code;

	if (!o)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the output");
	o->app = app;
	o->columns = columns;
	o->ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	o->color = wants_color(app);
	mun_buf_init(&o->row, ROW_BYTES);
	mun_buf_init(&o->chunk, CHUNK_BYTES);
	code = choose(o, columns_len, err);
	if (code != MUN_OK)
		return code;
	*ret = MUN_STEAL(o);
	return MUN_OK;
}

/* Times for people follow --tz; those for programs are UTC. */
void mun_out_time(struct mun_buf *ret, const struct mun_app *app, int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	char text[64];
	struct tm tm;

	if (!app->args.tz || !localtime_r(&seconds, &tm)) {
		mun_date_format(text, us);
		/* Seconds are enough to read by; the exact time is in every other output. */
		text[10] = ' ';
		(void)snprintf(text + 19, sizeof text - 19, "Z");
	} else if (strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S%z", &tm) == 0) {
		text[0] = '\0';
	}
	mun_buf_puts(ret, text);
}

static void table_cell(struct mun_out *o, const struct mun_column *col, const struct mun_cell *c)
{
	if (mun_cell_is_null(col, c))
		mun_buf_puts(&o->chunk, "-");
	else if (col->kind == MUN_CELL_TEXT)
		mun_text_visible(&o->chunk, c->text, mun_cell_len(c), o->ascii);
	else if (col->kind == MUN_CELL_TIME)
		mun_out_time(&o->chunk, o->app, c->number);
	else
		mun_cell_plain(&o->chunk, col, c);
	mun_buf_putc(&o->chunk, '\0');
}

static void csv_row(struct mun_out *o, const struct mun_cell *cells)
{
	mun_row_csv(&o->row, o->columns, o->shown, o->shown_len, cells, o->app->args.csv_raw);
}

static void ids_row(struct mun_out *o, const struct mun_cell *cells)
{
	for (size_t i = 0; i < o->shown_len; i++)
		mun_cell_plain(&o->row, &o->columns[o->shown[i]], &cells[o->shown[i]]);
	mun_buf_putc(&o->row, '\n');
}

static void pad(struct mun_buf *line, size_t columns)
{
	for (size_t i = 0; i < columns; i++)
		mun_buf_putc(line, ' ');
}

/* One line of cells that follow each other in memory; the last is not padded. */
static const char *table_line(struct mun_out *o, const char *at, bool header)
{
	mun_buf_clear(&o->row);
	for (size_t i = 0; i < o->shown_len; i++) {
		size_t len = strlen(at), columns = mun_text_columns(at, len);
		const char *color = !o->color ? ""
		                    : header  ? "\033[1m"
		                              : color_of(&o->columns[o->shown[i]], at, len);

		mun_buf_puts(&o->row, color);
		mun_buf_add(&o->row, at, len);
		if (color[0])
			mun_buf_puts(&o->row, "\033[0m");
		if (i + 1 < o->shown_len)
			pad(&o->row, o->width[i] - columns + 2);
		at += len + 1;
	}
	mun_buf_putc(&o->row, '\n');
	return at;
}

static void measure(struct mun_out *o)
{
	const char *at = o->chunk.data;

	for (size_t r = 0; r < o->chunk_rows; r++)
		for (size_t i = 0; i < o->shown_len; i++) {
			size_t len = strlen(at), columns = mun_text_columns(at, len);
			if (columns > o->width[i])
				o->width[i] = columns;
			at += len + 1;
		}
}

static enum mun_code table_header(struct mun_out *o, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf names;
	enum mun_code code;

	mun_buf_init(&names, 64u * 1024);
	for (size_t i = 0; i < o->shown_len; i++) {
		const char *name = o->columns[o->shown[i]].name;
		if (strlen(name) > o->width[i])
			o->width[i] = strlen(name);
		mun_buf_add(&names, name, strlen(name) + 1);
	}
	code = mun_buf_check(&names, "the header", err);
	if (code != MUN_OK || o->shown_len == 0)
		return code;
	(void)table_line(o, names.data, true);
	return put(mun_buf_str(&o->row), o->row.len, err);
}

static enum mun_code table_flush(struct mun_out *o, struct mun_err *err)
{
	enum mun_code code = mun_buf_check(&o->chunk, "the table", err);
	const char *at = o->chunk.data;

	if (code != MUN_OK || o->chunk_rows == 0)
		return code;
	measure(o);
	if (!o->started)
		code = table_header(o, err);
	o->started = true;
	for (size_t r = 0; code == MUN_OK && r < o->chunk_rows; r++) {
		at = table_line(o, at, false);
		code = mun_buf_check(&o->row, "a row", err);
		if (code == MUN_OK)
			code = put(mun_buf_str(&o->row), o->row.len, err);
	}
	mun_buf_clear(&o->chunk);
	o->chunk_rows = 0;
	return code;
}

static enum mun_code table_row(struct mun_out *o, const struct mun_cell *cells, struct mun_err *err)
{
	for (size_t i = 0; i < o->shown_len; i++)
		table_cell(o, &o->columns[o->shown[i]], &cells[o->shown[i]]);
	o->chunk_rows++;
	if (o->chunk_rows < CHUNK_ROWS && o->chunk.len < CHUNK_BYTES / 2)
		return mun_buf_check(&o->chunk, "the table", err);
	return table_flush(o, err);
}

enum mun_code mun_out_row(struct mun_out *o, const struct mun_cell *cells, struct mun_err *err)
{
	enum mun_code code;

	if (o->app->output == MUN_OUT_TABLE)
		return table_row(o, cells, err);
	mun_buf_clear(&o->row);
	if (o->app->output == MUN_OUT_CSV) {
		if (!o->started)
			csv_row(o, NULL);
		csv_row(o, cells);
	} else if (o->app->output == MUN_OUT_IDS) {
		ids_row(o, cells);
	} else {
		if (o->app->output == MUN_OUT_JSON)
			mun_buf_puts(&o->row, o->started ? ",\n" : "[");
		mun_row_json(&o->row, o->columns, o->shown, o->shown_len, cells);
		if (o->app->output == MUN_OUT_JSONL)
			mun_buf_putc(&o->row, '\n');
	}
	o->started = true;
	code = mun_buf_check(&o->row, "a row", err);
	return code == MUN_OK ? put(mun_buf_str(&o->row), o->row.len, err) : code;
}

static enum mun_code finish(struct mun_out *o, struct mun_err *err)
{
	if (o->app->output == MUN_OUT_TABLE)
		return table_flush(o, err);
	if (o->app->output == MUN_OUT_JSON)
		return o->started ? put("]\n", 2, err) : put("[]\n", 3, err);
	if (o->app->output != MUN_OUT_CSV || o->started)
		return MUN_OK;
	mun_buf_clear(&o->row);
	csv_row(o, NULL);
	return put(mun_buf_str(&o->row), o->row.len, err);
}

enum mun_code mun_out_close(struct mun_out **o, struct mun_err *err)
{
	enum mun_code code = finish(*o, err);

	if (code == MUN_OK)
		code = mun_out_flush(err);
	mun_out_abortp(o);
	return code;
}

enum mun_code mun_out_text(struct mun_app *app, const char *data, size_t len, struct mun_err *err)
{
	enum mun_code code = put(data, len, err);

	(void)app;
	if (code == MUN_OK && (len == 0 || data[len - 1] != '\n'))
		code = put("\n", 1, err);
	return code == MUN_OK ? mun_out_flush(err) : code;
}

void mun_out_list(struct mun_app *app)
{
	app->listing = app->output == MUN_OUT_JSON;
	app->listed = false;
}

enum mun_code mun_out_list_end(struct mun_app *app, struct mun_err *err)
{
	const char *end = app->listed ? "]" : "[]";

	if (!app->listing)
		return MUN_OK;
	app->listing = false;
	return mun_out_text(app, end, strlen(end), err);
}

enum mun_code mun_out_fields(struct mun_buf *ret, const struct mun_app *app,
                             const struct mun_buf *object, struct mun_err *err)
{
	if (app->args.fields && app->output == MUN_OUT_TABLE)
		return mun_fail(err, MUN_E_USAGE, "--fields here goes with -o json");
	if (app->args.fields)
		return mun_fields_select(ret, object->data, object->len, app->args.fields, err);
	mun_buf_add(ret, object->data, object->len);
	return mun_buf_check(ret, "what is shown", err);
}

enum mun_code mun_out_object(struct mun_app *app, const struct mun_buf *object, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf chosen;
	enum mun_code code;

	mun_buf_init(&chosen, object->max + 16);
	if (app->listing)
		mun_buf_putc(&chosen, app->listed ? ',' : '[');
	code = mun_out_fields(&chosen, app, object, err);
	if (code != MUN_OK)
		return code;
	app->listed = app->listing;
	return mun_out_text(app, chosen.data, chosen.len, err);
}
