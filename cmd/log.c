/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/filter.h"
#include "cmd/out.h"
#include "cmd/rows.h"

static const struct mun_column columns[] = {
	{ "seq", MUN_CELL_INT, true },   { "time", MUN_CELL_TIME, true },
	{ "kind", MUN_CELL_TEXT, true }, { "batch", MUN_CELL_TEXT, true },
	{ "item", MUN_CELL_INT, true },  { "run", MUN_CELL_TEXT, true },
};

static enum mun_code print_row(void *out, uint64_t seq, const char *line, size_t len,
                               const struct mun_entry *e, struct mun_err *err)
{
	char run[MUN_ID_TEXT], batch[MUN_REF_TEXT];

	(void)line;
	(void)len;
	mun_id_format(run, &e->run);
	mun_ref_format(batch, 'b', &e->batch);
	const struct mun_cell cells[] = {
		mun_cell_seq(seq),
		mun_cell_time(e->time_us),
		mun_cell_text(mun_kind_name(e->kind)),
		mun_cell_text(e->has_batch ? batch : NULL),
		{ .number = e->item, .null = e->item == MUN_NO_ITEM },
		mun_cell_text(e->has_run ? run : NULL),
	};
	return mun_out_row(out, cells, err);
}

/* The bytes that were hashed; the output ends them with a newline. */
static enum mun_code print_line(void *arg, uint64_t seq, const char *line, size_t len,
                                const struct mun_entry *e, struct mun_err *err)
{
	(void)seq;
	(void)e;
	return mun_out_text(arg, line, len, err);
}

static enum mun_code print_table(struct mun_app *app, struct mun_journal *j,
                                 const struct mun_filter *filter, struct mun_err *err)
{
	struct mun_out *out MUN_CLEANUP(mun_out_abortp) = NULL;

	enum mun_code code = mun_out_open(&out, app, columns, MUN_ARRAY_LEN(columns), err);
	if (code != MUN_OK)
		return code;
	return mun_rows_end(&out, mun_query_log(j, filter, print_row, out, err), err);
}

static enum mun_code run_log(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;
	struct mun_buf storage MUN_BUF_CLEANUP;
	struct mun_filter filter;

	*ret_exit = 0;
	mun_buf_init(&storage, 1 << 20);
	if (app->output != MUN_OUT_TABLE && app->args.fields != NULL)
		return mun_fail(
			err, MUN_E_USAGE,
			"log -o jsonl prints the entries' own bytes: --fields is for tables");
	enum mun_code code = mun_filter_make(&filter, app, &storage, err);
	if (code == MUN_OK)
		code = mun_app_journal(app, MUN_JOURNAL_READ, &j, err);
	if (code != MUN_OK)
		return code;
	if (app->output == MUN_OUT_TABLE)
		return print_table(app, j, &filter, err);
	return mun_query_log(j, &filter, print_line, app, err);
}

const struct mun_cmd mun_cmd_log = {
	.name = "log",
	.args = "[filters]",
	.summary = "the journal's entries, byte for byte as hashed",
	.effect = MUN_READS_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_FILTER,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSONL,
	.section = "ask",
	.example = { "muniment log --since 1d", "muniment log -o jsonl --kind response" },
	.example_text = { "what was recorded since yesterday", "all answers, as they were hashed" },
	.run = run_log,
};
