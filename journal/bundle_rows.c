/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a bundle's tables. */
#include <string.h>

#include "journal/bundle_impl.h"
#include "journal/rows.h"
#include "lib/json.h"

#define CHUNK 65536

static const char *name_in(struct mun_bundle *b, const struct mun_buf *text, bool in_data)
{
	struct mun_json *doc MUN_CLEANUP(mun_json_freep) = NULL;
	struct mun_err ignored;

	if (text->len == 0 || mun_json_parse(&doc, text->data, text->len, &ignored) != MUN_OK)
		return NULL;
	const struct mun_json_val *v = mun_json_root(doc);
	const char *name =
		mun_json_str(mun_json_get(in_data ? mun_json_get(v, "data") : v, "name"));
	if (!name)
		return NULL;
	mun_buf_clear(&b->name);
	mun_buf_puts(&b->name, name);
	return b->name.failed ? NULL : mun_buf_str(&b->name);
}

/* The newest answer of the run that is still there. */
static enum mun_code newest_body(struct mun_bundle *b, const struct mun_id *org,
                                 const struct mun_id *run, struct mun_err *err)
{
	enum mun_code code = MUN_E_NOTFOUND;
	uint8_t salt[32];

	for (uint64_t seq = mun_refold_body(b->fold, org, run, MUN_NO_SEQ);
	     seq != MUN_NO_SEQ && code == MUN_E_NOTFOUND;
	     seq = mun_refold_body(b->fold, org, run, seq)) {
		mun_buf_clear(&b->body);
		code = mun_source_body(b->source, seq, salt, &b->body, err);
		if (code == MUN_E_CORRUPT) /* said by verify; a name is no evidence */
			code = MUN_E_NOTFOUND;
	}
	if (code == MUN_E_NOTFOUND)
		mun_buf_clear(&b->body);
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

static enum mun_code load_columns(struct mun_bundle *b, const struct mun_ref *plan, uint32_t item,
                                  struct mun_err *err)
{
	enum mun_code code = MUN_E_NOTFOUND;

	mun_buf_clear(&b->columns);
	if (plan)
		code = mun_source_columns(b->source, plan, item, &b->columns, err);
	return code == MUN_E_NOTFOUND || code == MUN_E_CORRUPT ? MUN_OK : code;
}

/* What no entry shows of a row, as the source or the file to be compared has it. */
static enum mun_code claims(struct mun_bundle *b, const struct mun_id *org,
                            const struct mun_id *run, const struct mun_ref *plan, uint32_t item,
                            struct mun_claim *ret, struct mun_err *err)
{
	ret->name = NULL;
	ret->columns = NULL;
	if (b->o.claim) {
		enum mun_code asked = b->o.claim(b->o.claim_arg, ret, err);
		ret->name = b->o.bodies ? ret->name : NULL;
		return asked;
	}
	if (!b->o.bodies)
		return MUN_OK;
	enum mun_code code = newest_body(b, org, run, err);
	if (code == MUN_OK)
		code = load_columns(b, plan, item, err);
	if (code != MUN_OK)
		return code;
	ret->name = name_in(b, &b->body, true);
	if (!ret->name)
		ret->name = name_in(b, &b->columns, false);
	ret->columns = b->columns.len > 0 ? mun_buf_str(&b->columns) : NULL;
	return MUN_OK;
}

struct rows { /* being written */
	struct mun_bundle *b;
	mun_write_fn write;
	void *arg;
	struct mun_buf out;
};

static enum mun_code flush(struct rows *r, size_t at_least, struct mun_err *err)
{
	enum mun_code code = mun_buf_check(&r->out, "rows", err);

	if (code != MUN_OK || r->out.len < at_least)
		return code;
	code = r->write(r->arg, mun_buf_str(&r->out), r->out.len, err);
	mun_buf_clear(&r->out);
	return code;
}

static void rows_init(struct rows *r, struct mun_bundle *b, mun_write_fn write, void *arg)
{
	*r = (struct rows){ .b = b, .write = write, .arg = arg };
	mun_buf_init(&r->out, (size_t)4 << 20);
}

static void rows_done(struct rows *r)
{
	mun_buf_done(&r->out);
}

static const size_t in_order[] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
	                           12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23 };
_Static_assert(MUN_ARRAY_LEN(in_order) >= MUN_HISTORY_COLUMNS, "a place for each column");

static enum mun_code history_row(struct rows *r, uint64_t at, bool csv, struct mun_err *err)
{
	const struct mun_refold_exchange *x = mun_refold_exchange(r->b->fold, at);
	struct mun_cell cells[MUN_HISTORY_COLUMNS];
	struct mun_history_row row;
	struct mun_row_text text;
	struct mun_claim claim = { .line = 0 };
	const struct mun_ref *plan = NULL;
	bool is_one;

	enum mun_code code = mun_refold_history(r->b->fold, at, &is_one, &row, NULL, err);
	if (code != MUN_OK || !is_one)
		return code;
	if (x->batch != MUN_NO_INDEX)
		plan = &mun_refold_batch(r->b->fold, x->batch)->row.plan;
	code = claims(r->b, &row.org, &row.run, plan, row.item, &claim, err);
	if (code != MUN_OK)
		return code;
	row.name = claim.name;
	mun_history_cells(cells, &text, &row);
	if (csv) {
		mun_row_csv(&r->out, mun_history_columns, in_order, MUN_HISTORY_COLUMNS, cells,
		            false);
	} else {
		mun_row_json(&r->out, mun_history_columns, in_order, MUN_HISTORY_COLUMNS, cells);
		mun_buf_putc(&r->out, '\n');
	}
	return flush(r, CHUNK, err);
}

static enum mun_code history(struct mun_bundle *b, bool csv, mun_write_fn write, void *arg,
                             struct mun_err *err)
{
	struct rows r MUN_CLEANUP(rows_done);
	uint64_t len = mun_refold_exchanges(b->fold);
	enum mun_code code = MUN_OK;

	rows_init(&r, b, write, arg);
	if (csv)
		mun_row_csv(&r.out, mun_history_columns, in_order, MUN_HISTORY_COLUMNS, NULL,
		            false);
	for (uint64_t i = 0; code == MUN_OK && i < len; i++)
		code = history_row(&r, i, csv, err);
	return code == MUN_OK ? flush(&r, 1, err) : code;
}

enum mun_code mun_bundle_history_csv(struct mun_bundle *b, mun_write_fn write, void *arg,
                                     struct mun_err *err)
{
	return history(b, true, write, arg, err);
}

enum mun_code mun_bundle_history_jsonl(struct mun_bundle *b, mun_write_fn write, void *arg,
                                       struct mun_err *err)
{
	return history(b, false, write, arg, err);
}

#define WIDE_COLUMNS (MUN_ITEMS_COLUMNS + 1)

static enum mun_code items_row(struct rows *r, uint32_t batch, uint32_t item,
                               const struct mun_column *columns, size_t columns_len,
                               struct mun_err *err)
{
	struct mun_cell cells[WIDE_COLUMNS];
	struct mun_item_row row;
	struct mun_row_text text;
	struct mun_claim claim;
	bool is_one;

	enum mun_code code = mun_refold_items_row(r->b->fold, batch, item, &is_one, &row, err);
	if (code != MUN_OK || !is_one)
		return code;
	claim.line = row.line;
	code = claims(r->b, &row.org, &row.run, &mun_refold_batch(r->b->fold, batch)->row.plan,
	              item, &claim, err);
	if (code != MUN_OK)
		return code;
	row.name = claim.name;
	row.line = claim.line;
	mun_items_cells(cells, &text, &row);
	cells[MUN_ITEMS_COLUMNS] = mun_cell_text(claim.columns);
	mun_row_csv(&r->out, columns, in_order, columns_len, cells, false);
	return flush(r, CHUNK, err);
}

enum mun_code mun_bundle_items_csv(struct mun_bundle *b, mun_write_fn write, void *arg,
                                   struct mun_err *err)
{
	struct mun_column columns[WIDE_COLUMNS];
	size_t columns_len = b->o.bodies ? WIDE_COLUMNS : MUN_ITEMS_COLUMNS;
	struct rows r MUN_CLEANUP(rows_done);
	enum mun_code code = MUN_OK;

	memcpy(columns, mun_items_columns, sizeof(mun_items_columns));
	columns[MUN_ITEMS_COLUMNS] = (struct mun_column){ "columns", MUN_CELL_TEXT, false };
	rows_init(&r, b, write, arg);
	mun_row_csv(&r.out, columns, in_order, columns_len, NULL, false);
	for (size_t i = 0; i < mun_refold_batches(b->fold); i++) {
		uint32_t item = 0;

		while (code == MUN_OK && mun_refold_next_item(b->fold, i, &item)) {
			code = items_row(&r, (uint32_t)i, item, columns, columns_len, err);
			item++;
		}
	}
	return code == MUN_OK ? flush(&r, 1, err) : code;
}
