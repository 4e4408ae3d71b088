/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "cmd/filter.h"
#include "cmd/out.h"
#include "cmd/rows.h"

static enum mun_code print_row(void *out, const struct mun_history_row *row, struct mun_err *err)
{
	return mun_history_row_out(out, row, err);
}

static enum mun_code run_history(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;
	struct mun_out *out MUN_CLEANUP(mun_out_abortp) = NULL;
	struct mun_buf storage MUN_BUF_CLEANUP;
	struct mun_filter filter;

	mun_buf_init(&storage, 1 << 20);
	enum mun_code code = mun_filter_make(&filter, app, &storage, err);
	if (code == MUN_OK)
		code = mun_app_journal(app, MUN_JOURNAL_READ, &j, err);
	if (code == MUN_OK)
		code = mun_out_open(&out, app, mun_history_columns, MUN_HISTORY_COLUMNS, err);
	*ret_exit = 0;
	if (code != MUN_OK)
		return code;
	return mun_rows_end(&out, mun_query_history(j, &filter, print_row, out, err), err);
}

const struct mun_cmd mun_cmd_history = {
	.name = "history",
	.args = "[filters]",
	.summary = "one row per attempt: who archived what, when, why, and how we know",
	.effect = MUN_READS_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_FILTER,
	.outputs =
		1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL | 1u << MUN_OUT_CSV,
	.section = "ask",
	.example = { "muniment history --since 2026-11-01 --op archive",
	             "muniment history --run 0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f -o json" },
	.example_text = { "what was archived this month", "all attempts for one run" },
	.run = run_history,
};
