/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/app.h"
#include "cmd/commands.h"
#include "cmd/execute.h"
#include "cmd/holder.h"
#include "cmd/next.h"
#include "cmd/out.h"
#include "cmd/signal.h"
#include "lib/manifest.h"

#define SHOWN_MAX 20

/* Ids of the open batches, oldest first: an array of struct mun_ref in a buffer. */
static enum mun_code collect(void *arg, const struct mun_batch *b, struct mun_err *err)
{
	struct mun_buf *open = arg;

	if (mun_batch_is_open(b->state))
		mun_buf_add(open, &b->batch, sizeof(b->batch));
	return mun_buf_check(open, "the list of open batches", err);
}

static struct mun_ref open_at(const struct mun_buf *open, size_t i)
{
	struct mun_ref ref;

	memcpy(&ref, open->data + i * sizeof(ref), sizeof(ref));
	return ref;
}

static enum mun_code resume_one(struct mun_app *app, struct mun_journal *j,
                                const struct mun_ref *ref, int *ret_exit, struct mun_err *err)
{
	struct mun_execute x = { .planned = NULL };
	struct mun_batch batch;
	enum mun_code code = mun_journal_batch(j, ref, &batch, err);

	if (code == MUN_OK)
		code = mun_journal_plan(j, &batch.plan, &x.plan, err);
	return code == MUN_OK ? mun_execute(app, j, &x, ret_exit, err) : code;
}

/* Of two exit statuses the one that says more; the order is that of README.md. */
static int worse(int a, int b)
{
	static const int order[] = { 12, 14, 3, 4, 7, 6, 13, 10, 9 };

	if (a > 128 || b > 128)
		return a > b ? a : b;
	for (size_t i = 0; i < MUN_ARRAY_LEN(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a != 0 ? a : b;
}

/* Oldest first. What keeps one from going on (held, another token) does not keep the others. */
static enum mun_code resume_all(struct mun_app *app, struct mun_journal *j,
                                const struct mun_buf *open, int *ret_exit, struct mun_err *err)
{
	int worst = 0;
	enum mun_code code = MUN_OK;

	for (size_t i = 0; i < open->len / sizeof(struct mun_ref); i++) {
		struct mun_ref ref = open_at(open, i);
		int status = 0;

		if (mun_signal_count() > 0)
			break;
		code = resume_one(app, j, &ref, &status, err);
		if (code != MUN_OK && status == 0)
			status = mun_app_exit(code);
		worst = worse(worst, status);
		if (status == 12)
			break;
		if (code != MUN_OK && (i + 1) * sizeof(ref) < open->len) {
			mun_say(app, "muniment: %s", err->text);
			code = MUN_OK;
		}
	}
	*ret_exit = worst;
	return code;
}

/* As JSON, an array of the batches. */
static enum mun_code list_all(struct mun_app *app, struct mun_journal *j,
                              const struct mun_buf *open, int *ret_exit, struct mun_err *err)
{
	struct mun_err end;
	enum mun_code code;

	mun_out_list(app);
	code = resume_all(app, j, open, ret_exit, err);
	if (mun_out_list_end(app, &end) != MUN_OK)
		mun_app_output_lost(app, &end);
	return code;
}

static enum mun_code several(struct mun_app *app, const struct mun_buf *open, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	size_t len = open->len / sizeof(struct mun_ref);
	char id[MUN_REF_TEXT];

	mun_buf_init(&line, 65536);
	for (size_t i = 0; i < len && i < SHOWN_MAX; i++) {
		struct mun_ref ref = open_at(open, i);

		mun_ref_format(id, 'b', &ref);
		mun_buf_clear(&line);
		mun_next_verb(&line, app, "resume", id);
		mun_say(app, "  %s\n", mun_buf_str(&line));
	}
	return mun_fail(err, MUN_E_USAGE, "%zu batches are open; name one, or --all", len);
}

static enum mun_code check_arguments(const struct mun_args *a, struct mun_err *err)
{
	if (a->args_len > 1 || (a->all && a->args_len > 0))
		return mun_fail(err, MUN_E_USAGE, "resume takes one batch, or --all");
	if (a->accept_identity_change && a->reason == NULL)
		return mun_fail(err, MUN_E_USAGE, "--accept-identity-change needs --reason TEXT");
	if (!a->accept_identity_change && a->reason != NULL)
		return mun_fail(
			err, MUN_E_USAGE,
			"--reason goes with --accept-identity-change; the batch keeps its own");
	if (a->reason != NULL && mun_reason_check(a->reason, err) != MUN_OK)
		return mun_wrap(err, MUN_E_USAGE, "--reason");
	return MUN_OK;
}

static enum mun_code resume_open(struct mun_app *app, struct mun_journal *j, int *ret_exit,
                                 struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf open;
	enum mun_code code;

	mun_buf_init(&open, 64u * 1024 * 1024);
	code = mun_journal_batches(j, false, collect, &open, err);
	if (code != MUN_OK)
		return code;
	if (open.len == 0)
		mun_say(app, "no batch is open\n");
	if (app->args.all)
		return list_all(app, j, &open, ret_exit, err);
	if (open.len == 0)
		return MUN_OK;
	if (open.len == sizeof(struct mun_ref))
		return resume_all(app, j, &open, ret_exit, err);
	return several(app, &open, err);
}

static enum mun_code run(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	const char *named = app->args.args_len > 0 ? app->args.args[0] : NULL;
	struct mun_ref ref;
	enum mun_code code = check_arguments(&app->args, err);

	*ret_exit = 0;
	if (code == MUN_OK && !app->args.all)
		code = mun_holder_check(app, named, mun_app_exit(MUN_E_BUSY), err);
	if (code == MUN_OK)
		code = mun_app_journal(app, MUN_JOURNAL_WRITE, &j, err);
	if (code == MUN_OK && named)
		code = mun_query_batch(j, named, &ref, err);
	if (code != MUN_OK)
		return code;
	return named ? resume_one(app, j, &ref, ret_exit, err) : resume_open(app, j, ret_exit, err);
}

const struct mun_cmd mun_cmd_resume = {
	.name = "resume",
	.args = "[BATCH]",
	.summary = "continue an open batch; items in doubt are settled first",
	.effect = MUN_CHANGES_SERVER,
	.groups = MUN_G_COMMON | MUN_G_CREDENTIAL | MUN_G_PACE | MUN_G_STOP | MUN_G_ANCHOR |
	          MUN_G_RESUME,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL,
	.section = "do",
	.example = { "muniment resume", "muniment resume --all --stop-at 8h" },
	.example_text = { "the one open batch", "every open batch, oldest first" },
	.run = run,
};
