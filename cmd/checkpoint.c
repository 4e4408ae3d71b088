/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/anchor.h"
#include "cmd/app.h"
#include "cmd/checkpoint_add.h"
#include "cmd/checkpoint_view.h"
#include "cmd/commands.h"
#include "cmd/signer.h"
#include "cmd/why.h"

static enum mun_code no_key(struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_CREDENTIAL, "the journal has no signing key yet");
	mun_hint(err, "muniment checkpoint makes one");
	return MUN_E_CREDENTIAL;
}

static enum mun_code public_key(struct mun_app *app, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	struct mun_vkey key;
	uint64_t seq;
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_READ, &j, err);

	if (code == MUN_OK) {
		code = mun_journal_key(j, MUN_NO_SEQ, &key, &seq, err);
		if (code == MUN_E_NOTFOUND)
			return no_key(err);
	}
	return code == MUN_OK ? mun_signer_print_key(app, &key, err) : code;
}

static enum mun_code list(struct mun_app *app, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_READ, &j, err);

	if (code == MUN_OK)
		code = mun_signer_raise_reading(app, j, err);
	return code == MUN_OK ? mun_checkpoint_list(app, j, err) : code;
}

static enum mun_code add(struct mun_app *app, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_WRITE, &j, err);

	mun_signed_init(&s);
	if (code == MUN_OK)
		code = mun_checkpoint_add(app, j, &s, err);
	if (code == MUN_OK)
		code = mun_signer_raise(app, j, err);
	return code == MUN_OK ? mun_checkpoint_print(app, j, &s, err) : code;
}

/* The key in force; a first one where the journal never had any; a fresh one with --new-key. */
static enum mun_code get_signer(struct mun_signer *ret, struct mun_app *app, struct mun_journal *j,
                                struct mun_err *err)
{
	const char *reason = NULL;
	enum mun_code code = MUN_OK;

	if (app->args.new_key || app->args.reason)
		code = mun_reason_get(app, &reason, err);
	if (code == MUN_OK && app->args.new_key)
		return mun_signer_make(ret, app, j, true, reason, err);
	if (code == MUN_OK)
		code = mun_signer_open(ret, app, j, MUN_SIGNER_ASK, NULL, err);
	if (code == MUN_E_NOTFOUND)
		return mun_signer_make(ret, app, j, false, reason, err);
	if (code == MUN_OK && reason) {
		mun_signer_done(ret);
		return mun_fail(err, MUN_E_USAGE, "--reason is for a new key: --new-key");
	}
	return code;
}

/* The checkpoint is shown in any case: it is signed and kept, and the next one is anchored anew. */
static int anchored_exit(const struct mun_anchoring *anchoring)
{
	struct mun_anchoring_sum sum = mun_anchoring_sum(anchoring);

	if (sum.alarmed)
		return mun_app_exit(MUN_E_JOURNAL);
	return mun_app_exit(sum.arrived < sum.wanted ? MUN_E_REMOTE : MUN_OK);
}

/* Ask those of --timestamp and --witness; *s is then read again, with what they gave. */
static enum mun_code anchor(struct mun_app *app, struct mun_journal *j, struct mun_signed *s,
                            int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_anchoring_closep) struct mun_anchoring *anchoring = NULL;
	uint64_t size = s->size;
	enum mun_code code = mun_anchoring_open(&anchoring, app, j, err);

	if (code != MUN_OK || !anchoring)
		return code;
	code = mun_anchoring_begin(anchoring, size, err);
	if (code == MUN_OK)
		code = mun_anchoring_wait(anchoring, err);
	if (code == MUN_OK)
		code = mun_signer_raise(app, j, err);
	if (code != MUN_OK)
		return code;
	*ret_exit = anchored_exit(anchoring);
	return mun_checkpoint_newest(j, size, s, err);
}

static enum mun_code sign(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	MUN_CLEANUP(mun_signer_done) struct mun_signer signer = { 0 };
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_CREATE, &j, err);

	mun_signed_init(&s);
	if (code == MUN_OK)
		code = get_signer(&signer, app, j, err);
	if (code == MUN_OK)
		code = mun_signer_sign(&signer, app, j, &s, err);
	if (code == MUN_OK)
		code = anchor(app, j, &s, ret_exit, err);
	return code == MUN_OK ? mun_checkpoint_print(app, j, &s, err) : code;
}

static enum mun_code check(struct mun_app *app, struct mun_err *err)
{
	const struct mun_args *a = &app->args;

	if ((int)a->public_key + a->list + (a->add != NULL) + a->new_key > 1)
		return mun_fail(err, MUN_E_USAGE,
		                "--public-key, --list, --add and --new-key exclude each other");
	if ((a->public_key || a->list || a->add) &&
	    (a->timestamp.len || a->witness.len || a->reason))
		return mun_fail(err, MUN_E_USAGE,
		                "--timestamp, --witness and --reason are for a checkpoint that is "
		                "signed now: not with --public-key, --list or --add");
	if (!a->list && app->output != MUN_OUT_TABLE && app->output != MUN_OUT_JSON)
		return mun_fail(err, MUN_E_USAGE, "only --list has that output");
	if (a->public_key && (app->output != MUN_OUT_TABLE || a->fields))
		return mun_fail(err, MUN_E_USAGE, "--public-key prints two lines of text");
	if (a->list || a->public_key)
		return MUN_OK;
	enum mun_code code = mun_checkpoint_fields(app, err);
	return code == MUN_OK && !a->add ? mun_anchoring_check(a, err) : code;
}

static enum mun_code run(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	enum mun_code code = check(app, err);

	*ret_exit = 0;
	if (code != MUN_OK)
		return code;
	if (app->args.public_key)
		return public_key(app, err);
	if (app->args.list)
		return list(app, err);
	return app->args.add ? add(app, err) : sign(app, ret_exit, err);
}

const struct mun_cmd mun_cmd_checkpoint = {
	.name = "checkpoint",
	.args = "",
	.summary = "sign the journal's head and print it",
	.effect = MUN_CHANGES_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_CHECKPOINT | MUN_G_ANCHOR | MUN_G_KEY,
	.outputs =
		1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL | 1u << MUN_OUT_CSV,
	.section = "prove",
	.example = { "muniment checkpoint --public-key",
	             "muniment checkpoint --timestamp http://tsa.example.com/" },
	.example_text = { "for the engagement letter: whose signature is to be expected",
	                  "sign, and have an authority confirm when" },
	.run = run,
};
