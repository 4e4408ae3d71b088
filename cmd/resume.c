/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cmd/commands.h"
#include "cmd/execute.h"
#include "cmd/signal.h"

#define OPEN_MAX_SHOWN 64

struct open_batches {
	struct mun_ref batch[OPEN_MAX_SHOWN];
	size_t len;
};

static enum mun_code collect(void *arg, const struct mun_batch *b, struct mun_err *err)
{
	struct open_batches *o = arg;

	(void)err;
	if (mun_batch_is_open(b->state) && o->len < OPEN_MAX_SHOWN)
		o->batch[o->len++] = b->batch;
	return MUN_OK;
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

/* Oldest first; the first status that is not 0 stays. */
static enum mun_code resume_all(struct mun_app *app, struct mun_journal *j,
                                const struct open_batches *open, int *ret_exit, struct mun_err *err)
{
	*ret_exit = 0;
	for (size_t i = 0; i < open->len && mun_signal_count() == 0; i++) {
		int status = 0;
		enum mun_code code = resume_one(app, j, &open->batch[i], &status, err);

		if (code != MUN_OK)
			return code;
		if (*ret_exit == 0)
			*ret_exit = status;
	}
	return MUN_OK;
}

static enum mun_code several(struct mun_app *app, const struct open_batches *open,
                             struct mun_err *err)
{
	char id[MUN_REF_TEXT];

	for (size_t i = 0; i < open->len; i++) {
		mun_ref_format(id, 'b', &open->batch[i]);
		mun_say(app, "  muniment resume %s\n", id);
	}
	return mun_fail(err, MUN_E_USAGE, "%zu batches are open; name one, or --all", open->len);
}

static enum mun_code run(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	struct open_batches open = { .len = 0 };
	struct mun_ref ref;
	enum mun_code code;

	*ret_exit = 0;
	if (app->args.args_len > 1 || (app->args.all && app->args.args_len > 0))
		return mun_fail(err, MUN_E_USAGE, "resume takes one batch, or --all");
	if (app->args.accept_identity_change && app->args.reason == NULL)
		return mun_fail(err, MUN_E_USAGE, "--accept-identity-change needs --reason TEXT");
	code = mun_app_journal(app, MUN_JOURNAL_WRITE, &j, err);
	if (code == MUN_OK && app->args.args_len == 1) {
		code = mun_query_batch(j, app->args.args[0], &ref, err);
		return code == MUN_OK ? resume_one(app, j, &ref, ret_exit, err) : code;
	}
	if (code == MUN_OK)
		code = mun_journal_batches(j, false, collect, &open, err);
	if (code != MUN_OK)
		return code;
	if (open.len == 0) {
		mun_say(app, "no batch is open\n");
		return MUN_OK;
	}
	if (app->args.all || open.len == 1)
		return resume_all(app, j, &open, ret_exit, err);
	return several(app, &open, err);
}

const struct mun_cmd mun_cmd_resume = {
	.name = "resume",
	.args = "[BATCH]",
	.summary = "continue an open batch; items in doubt are settled first",
	.effect = MUN_CHANGES_SERVER,
	.groups = MUN_G_COMMON | MUN_G_CREDENTIAL | MUN_G_PACE | MUN_G_STOP | MUN_G_RESUME,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON,
	.section = "do",
	.example = { "muniment resume", "muniment resume --all --stop-at 8h" },
	.example_text = { "the one open batch", "every open batch, oldest first" },
	.run = run,
};
