/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "lib/canon.h"
#include "lib/csv.h"
#include "lib/manifest_impl.h"

#define NONE SIZE_MAX

struct table {
	struct mun_csv csv;    /* the rows */
	struct mun_csv header; /* keeps the names */
	size_t id, reason, ticket, name;
	bool others; /* there are columns to be kept */
};

static void table_done(struct table *t)
{
	mun_csv_done(&t->csv);
	mun_csv_done(&t->header);
}

static const char *cell(const struct mun_csv *c, size_t i)
{
	return c->text.data + c->field[i];
}

/* NULL where the table has no such column or the cell is empty. */
static const char *filled(const struct table *t, size_t column)
{
	return column == NONE || t->csv.field_len[column] == 0 ? NULL : cell(&t->csv, column);
}

static bool is_empty(const struct mun_csv *c)
{
	return c->fields == 1 && c->field_len[0] == 0;
}

static enum mun_code no_id(const struct mun_reader *r, const struct table *t, struct mun_err *err)
{
	const char *want = r->options->id_column;

	if (want != NULL)
		(void)mun_fail(err, MUN_E_INPUT, "%s: no column %s in the header",
		               r->options->source, want);
	else
		(void)mun_fail(err, MUN_E_INPUT,
		               "%s: no column id, run_id or process_id in the header",
		               r->options->source);
	for (size_t i = 0; i < t->header.fields; i++) {
		if (strpbrk(cell(&t->header, i), ";\t") != NULL)
			mun_hint(err,
			         "fields must be separated by commas: export it again with commas");
	}
	if (want == NULL)
		mun_hint(err, "name the column with --id-column");
	return MUN_E_INPUT;
}

static enum mun_code unique(const struct mun_reader *r, const struct table *t, struct mun_err *err)
{
	for (size_t i = 0; i < t->header.fields; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcasecmp(cell(&t->header, i), cell(&t->header, k)) == 0)
				return mun_fail(err, MUN_E_INPUT,
				                "%s: columns %zu and %zu have the same name",
				                r->options->source, k + 1, i + 1);
		}
	}
	return MUN_OK;
}

static enum mun_code two_ids(const struct mun_reader *r, size_t first, size_t second,
                             struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_INPUT, "%s: two columns of ids: %zu and %zu", r->options->source,
	               first + 1, second + 1);
	mun_hint(err, "name the one to use with --id-column");
	return MUN_E_INPUT;
}

static enum mun_code read_header(const struct mun_reader *r, struct table *t, struct mun_err *err)
{
	t->id = t->reason = t->ticket = t->name = NONE;
	for (size_t i = 0; i < t->header.fields; i++) {
		const char *name = cell(&t->header, i);

		if (mun_is_id_name(name, r->options->id_column)) {
			if (t->id != NONE)
				return two_ids(r, t->id, i, err);
			t->id = i;
		} else if (strcasecmp(name, "reason") == 0) {
			t->reason = i;
		} else if (strcasecmp(name, "ticket") == 0) {
			t->ticket = i;
		} else {
			if (strcasecmp(name, "name") == 0)
				t->name = i;
			t->others = true;
		}
	}
	if (t->id == NONE)
		return no_id(r, t, err);
	return unique(r, t, err);
}

static void put_columns(struct mun_buf *out, const struct table *t)
{
	struct mun_canon canon;

	mun_buf_clear(out);
	mun_canon_init(&canon, out);
	mun_canon_loose(&canon);
	mun_canon_object(&canon, NULL);
	for (size_t i = 0; i < t->csv.fields; i++) {
		if (i != t->id && i != t->reason && i != t->ticket)
			mun_canon_strn(&canon, cell(&t->header, i), cell(&t->csv, i),
			               t->csv.field_len[i]);
	}
	mun_canon_end(&canon);
}

static enum mun_code take_row(struct mun_reader *r, struct table *t, struct mun_err *err)
{
	struct mun_row row = { .line = (uint32_t)t->csv.line };

	if (t->csv.fields != t->header.fields)
		return mun_fail(err, MUN_E_INPUT, "%zu field%s, the header has %zu", t->csv.fields,
		                t->csv.fields == 1 ? "" : "s", t->header.fields);
	row.reason = filled(t, t->reason);
	row.ticket = filled(t, t->ticket);
	row.name = filled(t, t->name);
	if (t->others) {
		enum mun_code code;

		put_columns(&r->columns, t);
		code = mun_reader_columns(r, &row, err);
		if (code != MUN_OK)
			return code;
	}
	return mun_reader_row(r, &row, cell(&t->csv, t->id), t->csv.field_len[t->id], err);
}

static enum mun_code first_record(const struct mun_reader *r, struct table *t, bool *ret_more,
                                  struct mun_err *err)
{
	for (;;) {
		enum mun_code code = mun_csv_next(&t->header, ret_more, err);

		if (code != MUN_OK)
			return mun_wrap(err, code, "%s: line %llu", r->options->source,
			                (unsigned long long)t->header.line);
		if (!*ret_more)
			return MUN_OK;
		if (!is_empty(&t->header))
			return read_header(r, t, err);
	}
}

enum mun_code mun_manifest_csv(struct mun_reader *r, struct mun_err *err)
{
	MUN_CLEANUP(table_done) struct table t = { 0 };
	bool more;
	enum mun_code code;

	mun_csv_init(&t.header, r->data, r->len);
	mun_csv_init(&t.csv, r->data, r->len);
	code = first_record(r, &t, &more, err);
	if (code != MUN_OK || !more)
		return code;
	t.csv.pos = t.header.pos;
	t.csv.next_line = t.header.next_line;
	for (;;) {
		code = mun_csv_next(&t.csv, &more, err);
		if (code == MUN_OK && !more)
			return MUN_OK;
		if (code == MUN_OK && !is_empty(&t.csv))
			code = take_row(r, &t, err);
		code = mun_reader_settle(r, t.csv.line, code, err);
		if (code != MUN_OK)
			return code;
	}
}
