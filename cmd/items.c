/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/batch_view.h"
#include "cmd/commands.h"
#include "cmd/filter.h"
#include "cmd/out.h"
#include "cmd/rows.h"
#include "journal/holder.h"

#define IDS_FLUSH 65536

struct ids {
	struct mun_app *app;
	struct mun_buf text;
};

static enum mun_code print_row(void *out, const struct mun_item_row *row, struct mun_err *err)
{
	return mun_items_row_out(out, row, err);
}

static enum mun_code flush_ids(struct ids *ids, struct mun_err *err)
{
	enum mun_code code = mun_buf_check(&ids->text, "list of ids", err);

	if (code == MUN_OK && ids->text.len)
		code = mun_out_text(ids->app, ids->text.data, ids->text.len, err);
	mun_buf_clear(&ids->text);
	return code;
}

static enum mun_code print_id(void *arg, const struct mun_item_row *row, struct mun_err *err)
{
	struct ids *ids = arg;
	char run[MUN_ID_TEXT];

	mun_id_format(run, &row->run);
	mun_buf_printf(&ids->text, "%s\n", run);
	return ids->text.len >= IDS_FLUSH ? flush_ids(ids, err) : MUN_OK;
}

static enum mun_code print_ids(struct mun_app *app, struct mun_journal *j,
                               const struct mun_ref *batch, const struct mun_filter *filter,
                               struct mun_err *err)
{
	struct ids ids = { .app = app };

	mun_buf_init(&ids.text, 2 * IDS_FLUSH);
	enum mun_code code = mun_query_items(j, batch, filter, mun_journal_runner_lives(j, batch),
	                                     print_id, &ids, err);
	if (code == MUN_OK) {
		code = flush_ids(&ids, err);
	} else if (code == MUN_E_CORRUPT) { /* the rest of the ids is whole */
		struct mun_err ignored;
		(void)flush_ids(&ids, &ignored);
	}
	mun_buf_done(&ids.text);
	return code;
}

static enum mun_code print_rows(struct mun_app *app, struct mun_journal *j,
                                const struct mun_ref *batch, const struct mun_filter *filter,
                                struct mun_err *err)
{
	struct mun_out *out MUN_CLEANUP(mun_out_abortp) = NULL;

	enum mun_code code = mun_out_open(&out, app, mun_items_columns, MUN_ITEMS_COLUMNS, err);
	if (code != MUN_OK)
		return code;
	code = mun_query_items(j, batch, filter, mun_journal_runner_lives(j, batch), print_row, out,
	                       err);
	return mun_rows_end(&out, code, err);
}

static enum mun_code run_items(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;
	struct mun_buf storage MUN_BUF_CLEANUP;
	struct mun_filter filter;
	struct mun_ref batch;

	*ret_exit = 0;
	mun_buf_init(&storage, 1 << 20);
	if (app->args.args_len != 1)
		return mun_fail(err, MUN_E_USAGE, "items takes one batch");
	enum mun_code code = mun_filter_make(&filter, app, &storage, err);
	if (code == MUN_OK)
		code = mun_app_journal(app, MUN_JOURNAL_READ, &j, err);
	if (code == MUN_OK)
		code = mun_query_batch(j, app->args.args[0], &batch, err);
	if (code != MUN_OK)
		return code;
	if (app->output == MUN_OUT_IDS)
		return print_ids(app, j, &batch, &filter, err);
	return print_rows(app, j, &batch, &filter, err);
}

const struct mun_cmd mun_cmd_items = {
	.name = "items",
	.args = "BATCH [filters]",
	.summary = "one row per item of a batch, with its final state",
	.effect = MUN_READS_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_FILTER,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL |
	           1u << MUN_OUT_CSV | 1u << MUN_OUT_IDS,
	.section = "ask",
	.example = { "muniment items b-4f1c20 --state failed",
	             "muniment items b-4f1c20 --state failed -o ids" },
	.example_text = { "what failed, and how", "the ids alone, for --from" },
	.run = run_items,
};
