/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/app.h"
#include "cmd/batch_view.h"
#include "cmd/commands.h"
#include "cmd/out.h"
#include "cmd/unlock.h"
#include "journal/journal.h"
#include "lib/date.h"
#include "lib/file.h"

#define VERIFY         "muniment verify tells more"
#define EXPIRY_SOON_US (INT64_C(7) * 24 * 3600 * 1000000)

static void list_done(struct mun_token_info **list)
{
	free(*list);
	*list = NULL;
}

static const struct mun_column columns[] = {
	{ "check", MUN_CELL_TEXT, true },
	{ "result", MUN_CELL_TEXT, true },
	{ "found", MUN_CELL_TEXT, true },
	{ "fix", MUN_CELL_TEXT, true },
};

/* Of several bad findings the exit status tells the one that is worse: journal, server, token. */
static unsigned rank(enum mun_code code)
{
	switch (code) {
	case MUN_OK:
		return 0;
	case MUN_E_JOURNAL:
	case MUN_E_FULL:
	case MUN_E_CORRUPT:
		return 4;
	case MUN_E_REMOTE:
		return 3;
	case MUN_E_CREDENTIAL:
		return 2;
	default:
		return 1;
	}
}

enum mun_code mun_doctor_add(struct mun_doctor *d, const char *check, enum mun_health health,
                             enum mun_code code, const char *found, const char *fix,
                             struct mun_err *err)
{
	static const char *const results[] = { "ok", "warn", "fail" };
	const struct mun_cell cells[] = {
		{ .text = check },
		{ .text = results[health] },
		{ .text = found },
		{ .text = fix },
	};

	if (health == MUN_HEALTH_BAD && rank(code) > rank(d->worst))
		d->worst = code;
	return mun_out_row(d->out, cells, err);
}

enum mun_code mun_doctor_add_error(struct mun_doctor *d, const char *check, enum mun_health health,
                                   const struct mun_err *found, const char *fix,
                                   struct mun_err *err)
{
	const char *hint = strstr(found->text, "\nhint: ");
	char text[MUN_ERR_TEXT_MAX];

	(void)snprintf(text, sizeof text, "%.*s",
	               hint ? (int)(hint - found->text) : (int)strlen(found->text), found->text);
	return mun_doctor_add(d, check, health, found->code, text, hint ? hint + 7 : fix, err);
}

struct doubt {
	struct mun_journal *j;
	uint64_t items;
	int64_t since_us;
};

static enum mun_code count_doubt(void *arg, const struct mun_batch *b, struct mun_err *err)
{
	struct doubt *doubt = arg;
	struct mun_batch_view view;
	enum mun_code code;

	if (b->counts.in_doubt + b->in_flight == 0)
		return MUN_OK;
	code = mun_batch_view_load(&view, doubt->j, &b->batch, err);
	if (code != MUN_OK || view.oldest_doubt_us == MUN_TIME_NONE)
		return code;
	doubt->items += view.batch.counts.in_doubt;
	if (doubt->since_us == MUN_TIME_NONE || view.oldest_doubt_us < doubt->since_us)
		doubt->since_us = view.oldest_doubt_us;
	return MUN_OK;
}

static enum mun_code check_doubt(struct mun_doctor *d, struct mun_journal *j, struct mun_err *err)
{
	struct doubt doubt = { j, 0, MUN_TIME_NONE };
	char text[160], age[32];
	struct mun_err found = { 0 };
	struct mun_now now;

	if (mun_journal_batches(j, false, count_doubt, &doubt, &found) != MUN_OK)
		return mun_doctor_add_error(d, "in doubt", MUN_HEALTH_BAD, &found, VERIFY, err);
	if (doubt.items == 0)
		return MUN_OK;
	d->app->clock->now(d->app->clock, &now);
	mun_duration_format(age, sizeof age, (now.real_us - doubt.since_us) / 1000);
	(void)snprintf(text, sizeof text, "%llu in doubt, the oldest was sent %s ago",
	               (unsigned long long)doubt.items, age);
	return mun_doctor_add(d, "in doubt", MUN_HEALTH_WARNING, MUN_OK, text,
	                      "muniment resolve BATCH (muniment status lists them)", err);
}

static enum mun_code check_journal(struct mun_doctor *d, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	struct mun_err found = { 0 };
	struct mun_head head;
	char text[4200];
	enum mun_code code;

	if (d->app->journal_dir[0] && access(d->app->journal_dir, F_OK) != 0) {
		(void)snprintf(text, sizeof text, "none yet at %s", d->app->journal_dir);
		return mun_doctor_add(d, "journal", MUN_HEALTH_OK, MUN_OK, text, NULL, err);
	}
	if (mun_app_journal(d->app, MUN_JOURNAL_READ, &j, &found) != MUN_OK ||
	    mun_journal_head(j, &head, &found) != MUN_OK)
		return mun_doctor_add_error(d, "journal", MUN_HEALTH_BAD, &found, VERIFY, err);
	(void)snprintf(text, sizeof text, "%llu entries in %s", (unsigned long long)head.size,
	               d->app->journal_dir);
	code = mun_doctor_add(d, "journal", MUN_HEALTH_OK, MUN_OK, text, NULL, err);
	return code == MUN_OK ? check_doubt(d, j, err) : code;
}

/* Of the journal's directory, or of the nearest one above that exists. */
static enum mun_code check_file_system(struct mun_doctor *d, struct mun_err *err)
{
	char path[sizeof d->app->journal_dir];
	struct mun_err found = { 0 };
	const char *name = "";
	enum mun_fs_kind kind;

	(void)snprintf(path, sizeof path, "%s", d->app->journal_dir);
	while (path[0] && access(path, F_OK) != 0) {
		char *slash = strrchr(path, '/');

		if (!slash)
			(void)snprintf(path, sizeof path, ".");
		else
			slash[slash == path] = '\0';
	}
	if (!path[0])
		return MUN_OK;
	if (mun_fs_kind(&kind, &name, path, &found) != MUN_OK)
		return mun_doctor_add_error(d, "file system", MUN_HEALTH_BAD, &found,
		                            "check the path of --journal", err);
	if (kind == MUN_FS_LOCAL)
		return mun_doctor_add(d, "file system", MUN_HEALTH_OK, MUN_OK, name, NULL, err);
	if (kind == MUN_FS_VOLATILE)
		return mun_doctor_add(d, "file system", MUN_HEALTH_WARNING, MUN_OK, name,
		                      "it may vanish with the container or at a reboot: --journal "
		                      "on a volume that stays",
		                      err);
	return mun_doctor_add(d, "file system", MUN_HEALTH_BAD, MUN_E_JOURNAL, name,
	                      "--journal DIR on a local file system", err);
}

static enum mun_code check_expiry(struct mun_doctor *d, const struct mun_token_info *info,
                                  struct mun_err *err)
{
	char name[64], found[96], fix[96], when[MUN_DATE_MAX];
	struct mun_now now;

	d->app->clock->now(d->app->clock, &now);
	if (info->expires_us == MUN_TIME_NONE || info->expires_us > now.real_us + EXPIRY_SOON_US)
		return MUN_OK;
	mun_date_format(when, info->expires_us);
	(void)snprintf(name, sizeof name, "token %s", info->name);
	(void)snprintf(found, sizeof found, "%s %s",
	               info->expires_us > now.real_us ? "expires" : "expired", when);
	(void)snprintf(fix, sizeof fix, "muniment token add %s --replace", info->name);
	return mun_doctor_add(d, name, MUN_HEALTH_WARNING, MUN_OK, found, fix, err);
}

static enum mun_code check_vault(struct mun_doctor *d, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(list_done) struct mun_token_info *list = NULL;
	struct mun_err found = { 0 };
	char text[96];
	enum mun_code code;

	if (!d->app->vault_dir[0] || access(d->app->vault_dir, F_OK) != 0)
		return mun_doctor_add(d, "vault", MUN_HEALTH_OK, MUN_OK, "none yet", NULL, err);
	code = mun_unlock_open(&v, d->app, false, &found);
	if (code == MUN_E_NOTFOUND)
		return mun_doctor_add(d, "vault", MUN_HEALTH_OK, MUN_OK, "none yet", NULL, err);
	if (code == MUN_OK)
		code = mun_vault_list(v, &list, &d->tokens, &found);
	if (code != MUN_OK) {
		d->vault_bad = true;
		return mun_doctor_add_error(d, "vault", MUN_HEALTH_BAD, &found,
		                            "put a backup of the vault back, or remove it and add "
		                            "the tokens again",
		                            err);
	}
	(void)snprintf(text, sizeof text, "%zu %s, opened by a %s", d->tokens,
	               d->tokens == 1 ? "token" : "tokens", mun_vault_key_kind(v));
	code = mun_doctor_add(d, "vault", MUN_HEALTH_OK, MUN_OK, text, NULL, err);
	for (size_t i = 0; code == MUN_OK && i < d->tokens; i++)
		code = check_expiry(d, &list[i], err);
	return code;
}

static enum mun_code run_doctor(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_out_abortp) struct mun_out *out = NULL;
	struct mun_doctor d = { .app = app };
	enum mun_code code;

	*ret_exit = 0;
	if (app->args.args_len > 0)
		return mun_fail(err, MUN_E_USAGE, "doctor takes no argument");
	code = mun_out_open(&out, app, columns, MUN_ARRAY_LEN(columns), err);
	d.out = out;
	if (code == MUN_OK)
		code = check_file_system(&d, err);
	if (code == MUN_OK)
		code = check_journal(&d, err);
	if (code == MUN_OK)
		code = check_vault(&d, err);
	if (code == MUN_OK)
		code = mun_doctor_server(&d, err);
	if (code == MUN_OK)
		code = mun_out_close(&out, err);
	if (code == MUN_OK && d.worst != MUN_OK)
		return mun_fail(err, d.worst, "not everything is well");
	return code;
}

const struct mun_cmd mun_cmd_doctor = {
	.name = "doctor",
	.args = "",
	.summary = "check journal, vault, clock, file system, TLS and identity",
	.effect = MUN_ASKS_SERVER,
	.groups = MUN_G_COMMON | MUN_G_CREDENTIAL | MUN_G_TARGET,
	.outputs =
		1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL | 1u << MUN_OUT_CSV,
	.section = "keep",
	.example = { "muniment doctor", "muniment doctor --as acme --json" },
	.example_text = { "prints each finding with its fix", "uses a stored token" },
	.run = run_doctor,
};
