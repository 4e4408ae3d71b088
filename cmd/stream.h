/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_STREAM_H
#define MUN_STREAM_H
/*
 * -o jsonl of a run: one history row for each attempt, as soon as its outcome is committed. The
 * journal is the truth: rows that cannot be written are said once and the run goes on.
 */
#include "cmd/rows.h"
struct mun_stream {
	struct mun_app *app;
	struct mun_journal *j;
	struct mun_out *out; /* NULL: another output, or it is lost */
};
/* Does nothing unless the output is jsonl. USAGE: unknown --fields. */
enum mun_code mun_stream_open(struct mun_stream *ret, struct mun_app *app, struct mun_journal *j,
                              struct mun_err *err) MUN_MUST_CHECK;
/* The row of a request entry; MUN_NO_SEQ is no attempt. Flushed at once. */
void mun_stream_attempt(struct mun_stream *s, uint64_t request_seq);
void mun_stream_close(struct mun_stream *s);
#endif
