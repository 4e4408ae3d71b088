/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/commands.h"
#include "cmd/drill.h"
#include "cmd/verify_options.h"
#include "cmd/verify_print.h"
#include "cmd/verify_proof.h"

static enum mun_code print(struct mun_app *app, enum mun_code code,
                           const struct mun_verdict_report *report, int *ret_exit,
                           struct mun_err *err)
{
	if (code != MUN_OK)
		return code == MUN_E_CORRUPT ? mun_wrap(err, MUN_E_VERIFY, "verification failed")
		                             : code;
	return mun_verify_print(app, report, app->args.strict, ret_exit, err);
}

static enum mun_code verify_bundle(struct mun_app *app, struct mun_verify_inputs *in,
                                   const char *dir, int *ret_exit, struct mun_err *err)
{
	struct mun_verdict_report report MUN_CLEANUP(mun_verdict_report_done) = { .bad = 0 };
	char origin[MUN_KEY_NAME_MAX + 1];
	enum mun_code code = MUN_OK;

	if (mun_verify_bundle_origin(dir, origin))
		code = mun_verify_home_keys(in, app, origin, err);
	if (code == MUN_OK)
		code = mun_verify_bundle(dir, &in->options, &report, err);
	return print(app, code, &report, ret_exit, err);
}

/* Two handles of one file in one process would take each other's locks away. */
static bool is_same_journal(const char *a, const char *b)
{
	char path[4200];
	struct stat x, y;

	(void)snprintf(path, sizeof(path), "%s/data.mdb", a);
	if (stat(path, &x) != 0)
		return false;
	(void)snprintf(path, sizeof(path), "%s/data.mdb", b);
	return stat(path, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static enum mun_code verify_journal(struct mun_app *app, struct mun_verify_inputs *in,
                                    const char *dir, int *ret_exit, struct mun_err *err)
{
	struct mun_verdict_report report MUN_CLEANUP(mun_verdict_report_done) = { .bad = 0 };
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;
	char home[sizeof(app->journal_dir)];
	struct mun_journal_id id;

	memcpy(home, app->journal_dir, sizeof(home));
	if (dir)
		(void)snprintf(app->journal_dir, sizeof(app->journal_dir), "%s", dir);
	enum mun_code code = mun_verify_open(app, &j, err);
	char *hint = dir ? strchr(err->text, '\n') : NULL;
	if (code == MUN_E_JOURNAL && hint) /* it is about the journal that commands write */
		*hint = '\0';
	if (code == MUN_OK)
		code = mun_journal_identity(j, &id, err);
	memcpy(app->journal_dir, home, sizeof(home));
	if (code == MUN_OK && dir && !is_same_journal(dir, home))
		code = mun_verify_home_keys(in, app, id.origin, err);
	if (code == MUN_OK)
		code = mun_verify_journal(j, &in->options, &report, err);
	return print(app, code, &report, ret_exit, err);
}

/* A bundle in one file is unpacked by whoever checks it: what is read here lies in a directory. */
static enum mun_code check_place(const char *dir, struct mun_err *err)
{
	struct stat st;

	if (strlen(dir) >= 4096)
		return mun_fail(err, MUN_E_USAGE, "the path of the directory is too long");
	if (stat(dir, &st) != 0 || !S_ISREG(st.st_mode))
		return MUN_OK;
	(void)mun_fail(err, MUN_E_USAGE, "%.500s is a file: verify takes a directory", dir);
	mun_hint(err, "mkdir bundle && tar -xf %.300s -C bundle && muniment verify bundle", dir);
	return MUN_E_USAGE;
}

static enum mun_code verify_place(struct mun_app *app, const char *dir, int *ret_exit,
                                  struct mun_err *err)
{
	struct mun_verify_inputs in MUN_CLEANUP(mun_verify_inputs_done);

	enum mun_code code = mun_verify_inputs_read(&in, app, err);
	if (code == MUN_OK && dir)
		code = check_place(dir, err);
	if (code == MUN_OK)
		code = mun_verify_fields(app, err);
	if (code != MUN_OK)
		return code;
	if (app->args.proof)
		return mun_cmd_verify_proof(app, &in, ret_exit, err);
	return dir && mun_verify_is_bundle(dir) ? verify_bundle(app, &in, dir, ret_exit, err)
	                                        : verify_journal(app, &in, dir, ret_exit, err);
}

static enum mun_code run_verify(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	const struct mun_args *args = &app->args;

	if (args->args_len > 1)
		return mun_fail(err, MUN_E_USAGE, "verify takes one directory at most");
	if ((args->proof || args->drill) && args->args_len > 0)
		return mun_fail(err, MUN_E_USAGE, "%s takes no directory",
		                args->proof ? "--proof" : "--drill");
	if (args->drill)
		return mun_drill(app, ret_exit, err);
	return verify_place(app, args->args_len == 1 ? args->args[0] : NULL, ret_exit, err);
}

const struct mun_cmd mun_cmd_verify = {
	.name = "verify",
	.args = "[DIR]",
	.summary = "check the journal, a copy of it, or an evidence bundle",
	.effect = MUN_READS_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_VERIFY,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL,
	.section = "prove",
	.example = { "muniment verify",
	             "muniment verify bundle --log-key key.txt --tsa-ca ca.pem" },
	.example_text = { "check this journal, also while a batch runs",
	                  "check a bundle with the key that came by another channel" },
	.run = run_verify,
};
