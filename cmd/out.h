/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_OUT_H
#define MUN_OUT_H
/*
 * Rows to stdout as table, json (an array), jsonl or csv from one list of columns. stdout carries
 * data only. Foreign text is made visible in tables; JSON is exact. A field without value is null.
 * Tables have colour on a terminal: a bold header, states that need a look in yellow or red.
 */
#include "cmd/cmd.h"
#include "lib/canon.h"
#include "lib/row.h"
struct mun_out; /* allocated */
enum mun_code mun_out_open(struct mun_out **ret, struct mun_app *app,
                           const struct mun_column *columns, size_t columns_len,
                           struct mun_err *err) MUN_MUST_CHECK; /* USAGE: unknown --fields */
enum mun_code mun_out_row(struct mun_out *o, const struct mun_cell *cells, struct mun_err *err)
	MUN_MUST_CHECK; /* IO when stdout cannot be written */
/* Ends the array or table and flushes. IO. */
enum mun_code mun_out_close(struct mun_out **o, struct mun_err *err) MUN_MUST_CHECK;
void mun_out_abortp(struct mun_out **o);
/* What was written so far leaves the process. IO. */
enum mun_code mun_out_flush(struct mun_err *err) MUN_MUST_CHECK;
/* A time for people, in the zone of --tz, with seconds. */
void mun_out_time(struct mun_buf *ret, const struct mun_app *app, int64_t time_us);
/* One JSON object made by the caller, of which --fields may take members (USAGE: unknown ones);
 * for a table the lines of `label value`. */
enum mun_code mun_out_object(struct mun_app *app, const struct mun_buf *object, struct mun_err *err)
	MUN_MUST_CHECK;
/*
 * What mun_out_object() prints of it. Asked before anything is done, with an object of no values:
 * USAGE when --fields names others, or the lines of a table are to be printed.
 */
enum mun_code mun_out_fields(struct mun_buf *ret, const struct mun_app *app,
                             const struct mun_buf *object, struct mun_err *err) MUN_MUST_CHECK;
/* The objects until mun_out_list_end() are one array, where JSON is printed. */
void mun_out_list(struct mun_app *app);
enum mun_code mun_out_list_end(struct mun_app *app, struct mun_err *err) MUN_MUST_CHECK;
/* Text as it is, ended by a newline. */
enum mun_code mun_out_text(struct mun_app *app, const char *data, size_t len, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
