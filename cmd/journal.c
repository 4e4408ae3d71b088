/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/adopt.h"
#include "cmd/commands.h"
#include "cmd/out.h"
#include "cmd/verify_print.h"
#include "lib/canon.h"
#include "lib/hex.h"
#include "lib/store.h"

#define INFO_MAX 16384

struct info {
	struct mun_journal_id id;
	struct mun_head head;
	struct mun_store_info store;
	char root[2 * MUN_SHA256_LEN + 1];
};

static void info_object(struct mun_buf *out, const struct info *i, const char *dir)
{
	struct mun_canon c;

	mun_canon_init(&c, out);
	mun_canon_loose(&c);
	mun_canon_object(&c, NULL);
	mun_canon_str(&c, "dir", dir);
	mun_canon_str(&c, "id", i->id.id);
	mun_canon_str(&c, "origin", i->id.origin);
	mun_canon_int(&c, "min_reader", i->id.min_reader);
	mun_canon_int(&c, "min_writer", i->id.min_writer);
	mun_canon_int(&c, "size", (int64_t)i->head.size);
	mun_canon_str(&c, "root", i->root);
	mun_canon_int(&c, "file_bytes", (int64_t)i->store.file_bytes);
	mun_canon_int(&c, "used_bytes", (int64_t)i->store.used_bytes);
	mun_canon_int(&c, "map_bytes", (int64_t)i->store.map_bytes);
	mun_canon_int(&c, "readers", i->store.readers);
	mun_canon_end(&c);
	mun_buf_putc(out, '\n');
}

static void info_lines(struct mun_buf *out, const struct info *i, const char *dir)
{
	mun_buf_printf(out, "directory  %s\nid         %s\norigin     %s\n", dir, i->id.id,
	               i->id.origin);
	mun_buf_printf(out, "format     readers %u, writers %u\n", i->id.min_reader,
	               i->id.min_writer);
	mun_buf_printf(out, "entries    %llu\nroot       %s\n", (unsigned long long)i->head.size,
	               i->root);
	mun_buf_printf(out, "bytes      %llu used of %llu in the file, map %llu\n",
	               (unsigned long long)i->store.used_bytes,
	               (unsigned long long)i->store.file_bytes,
	               (unsigned long long)i->store.map_bytes);
}

static enum mun_code print_journal(struct mun_app *app, struct mun_journal *j, struct mun_err *err)
{
	struct mun_buf out MUN_BUF_CLEANUP;
	struct info info;

	mun_buf_init(&out, INFO_MAX);
	enum mun_code code = mun_journal_identity(j, &info.id, err);
	if (code == MUN_OK)
		code = mun_journal_head(j, &info.head, err);
	if (code == MUN_OK)
		code = mun_store_info(mun_journal_store(j), &info.store, err);
	if (code != MUN_OK)
		return code;
	mun_hex_encode(info.root, info.head.root, MUN_SHA256_LEN);
	if (app->output == MUN_OUT_TABLE)
		info_lines(&out, &info, mun_journal_dir(j));
	else
		info_object(&out, &info, mun_journal_dir(j));
	code = mun_buf_check(&out, "description of the journal", err);
	return code != MUN_OK ? code : mun_out_object(app, &out, err);
}

static enum mun_code print_info(struct mun_app *app, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;

	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_READ, &j, err);
	return code != MUN_OK ? code : print_journal(app, j, err);
}

static enum mun_code check(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;

	enum mun_code code = mun_verify_open(app, &j, err);
	if (code == MUN_OK)
		code = mun_verify_and_print(app, j, true, false, ret_exit, err);
	return code;
}

static enum mun_code rebuild(struct mun_app *app, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;

	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_REBUILD, &j, err);
	if (code == MUN_OK)
		code = mun_journal_rebuild(j, err);
	if (code == MUN_OK && !app->args.quiet)
		mun_say(app, "tables made anew from the entries\n");
	return code == MUN_OK && app->output == MUN_OUT_JSON ? print_journal(app, j, err) : code;
}

/* A process opens one journal at a time, so the copy is checked after the source is closed. */
static enum mun_code copy_journal(struct mun_app *app, const char *dir, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;

	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_READ, &j, err);
	return code != MUN_OK ? code : mun_journal_backup(j, dir, err);
}

static enum mun_code backup(struct mun_app *app, const char *dir, int *ret_exit,
                            struct mun_err *err)
{
	struct mun_journal *copy MUN_CLEANUP(mun_journal_closep) = NULL;
	struct stat st;

	if (lstat(dir, &st) == 0)
		return mun_fail(err, MUN_E_USAGE, "%s exists; a backup makes its directory itself",
		                dir);
	enum mun_code code = copy_journal(app, dir, err);
	if (code != MUN_OK)
		return code;
	int len = snprintf(app->journal_dir, sizeof(app->journal_dir), "%s", dir);
	if (len < 0 || (size_t)len >= sizeof(app->journal_dir))
		return mun_fail(err, MUN_E_USAGE, "the path of the backup is too long");
	code = mun_verify_open(app, &copy, err);
	if (code == MUN_OK)
		code = mun_verify_and_print(app, copy, false, false, ret_exit, err);
	return code;
}

static enum mun_code adopt(struct mun_app *app, struct mun_err *err)
{
	enum mun_code code = mun_adopt(app, err);

	return code == MUN_OK && app->output == MUN_OUT_JSON ? print_info(app, err) : code;
}

static enum mun_code run_journal(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	const struct mun_args *a = &app->args;

	*ret_exit = 0;
	if (a->reason != NULL && (a->args_len == 0 || strcmp(a->args[0], "adopt") != 0))
		return mun_fail(err, MUN_E_USAGE, "--reason goes with journal adopt");
	if (a->args_len == 1 && strcmp(a->args[0], "info") == 0)
		return print_info(app, err);
	if (a->args_len == 1 && strcmp(a->args[0], "check") == 0)
		return check(app, ret_exit, err);
	if (a->args_len == 1 && strcmp(a->args[0], "rebuild") == 0)
		return rebuild(app, err);
	if (a->args_len == 2 && strcmp(a->args[0], "backup") == 0)
		return backup(app, a->args[1], ret_exit, err);
	if (a->args_len == 1 && strcmp(a->args[0], "adopt") == 0)
		return adopt(app, err);
	return mun_fail(err, MUN_E_USAGE,
	                "journal takes one of: info, check, backup DIR, rebuild, adopt");
}

const struct mun_cmd mun_cmd_journal = {
	.name = "journal",
	.args = "info | check | backup DIR | rebuild | adopt",
	.summary = "sizes, tables against a rebuild, an online copy, tables anew, a new journal",
	.effect = MUN_CHANGES_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_ADOPT,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON,
	.section = "keep",
	.example = { "muniment journal backup /mnt/backup/journal", "muniment journal check" },
	.example_text = { "an online copy, verified (cp of a journal in use may be torn)",
	                  "do the tables fit the entries?" },
	.run = run_journal,
};
