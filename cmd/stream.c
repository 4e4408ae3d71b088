/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/stream.h"

#include "cmd/app.h"

enum mun_code mun_stream_open(struct mun_stream *ret, struct mun_app *app, struct mun_journal *j,
                              struct mun_err *err)
{
	*ret = (struct mun_stream){ .app = app, .j = j };
	if (app->output != MUN_OUT_JSONL)
		return MUN_OK;
	return mun_out_open(&ret->out, app, mun_history_columns, MUN_HISTORY_COLUMNS, err);
}

static enum mun_code print_row(void *out, const struct mun_history_row *row, struct mun_err *err)
{
	enum mun_code code = mun_history_row_out(out, row, err);

	return code == MUN_OK ? mun_out_flush(err) : code;
}

void mun_stream_attempt(struct mun_stream *s, uint64_t request_seq)
{
	struct mun_filter one = { .since_us = MUN_TIME_NONE,
		                  .until_us = MUN_TIME_NONE,
		                  .after_seq = request_seq - 1,
		                  .limit = 1 };
	struct mun_err err;

	/* Entry 0 creates the journal, so an attempt has an entry before it. */
	if (!s->out || request_seq == MUN_NO_SEQ || request_seq == 0)
		return;
	if (mun_query_history(s->j, &one, print_row, s->out, &err) == MUN_OK)
		return;
	mun_app_output_lost(s->app, &err);
	mun_out_abortp(&s->out);
}

void mun_stream_close(struct mun_stream *s)
{
	mun_out_abortp(&s->out);
}
