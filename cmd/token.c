/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/app.h"
#include "cmd/commands.h"
#include "cmd/out.h"
#include "cmd/prompt.h"
#include "cmd/unlock.h"
#include "lib/date.h"

static void list_done(struct mun_token_info **list)
{
	free(*list);
	*list = NULL;
}

static enum mun_code no_vault(struct mun_err *err)
{
	enum mun_code code = mun_fail(err, MUN_E_NOTFOUND, "no token is stored");

	mun_hint(err, "muniment token add NAME");
	return code;
}

static enum mun_code print_list(struct mun_app *app, const struct mun_token_info *list, size_t len,
                                struct mun_err *err)
{
	static const struct mun_column columns[] = {
		{ "name", MUN_CELL_TEXT, true },        { "org", MUN_CELL_TEXT, true },
		{ "base_url", MUN_CELL_TEXT, true },    { "kind", MUN_CELL_TEXT, true },
		{ "expires", MUN_CELL_TIME, true },     { "added", MUN_CELL_TIME, false },
		{ "fingerprint", MUN_CELL_TEXT, true },
	};
	MUN_CLEANUP(mun_out_abortp) struct mun_out *out = NULL;
	enum mun_code code = mun_out_open(&out, app, columns, MUN_ARRAY_LEN(columns), err);

	for (size_t i = 0; code == MUN_OK && i < len; i++) {
		char org[MUN_ID_TEXT];
		const struct mun_cell cells[] = {
			{ .text = list[i].name },         { .text = org },
			{ .text = list[i].base_url },     { .text = list[i].kind },
			{ .number = list[i].expires_us }, { .number = list[i].added_us },
			{ .text = list[i].fingerprint },
		};

		mun_id_format(org, &list[i].org);
		code = mun_out_row(out, cells, err);
	}
	return code == MUN_OK ? mun_out_close(&out, err) : code;
}

static enum mun_code token_list(struct mun_app *app, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(list_done) struct mun_token_info *list = NULL;
	size_t len = 0;
	enum mun_code code = mun_unlock_open(&v, app, false, err);

	/* Nothing stored is an empty list, not a failure. */
	if (code != MUN_E_NOTFOUND) {
		if (code == MUN_OK)
			code = mun_vault_list(v, &list, &len, err);
		if (code != MUN_OK)
			return code;
	}
	return print_list(app, list, len, err);
}

static const struct mun_token_info *find_info(const struct mun_token_info *list, size_t len,
                                              const char *name)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static enum mun_code token_remove(struct mun_app *app, const char *name, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(list_done) struct mun_token_info *list = NULL;
	const struct mun_token_info *info = NULL;
	size_t len = 0;
	enum mun_code code = mun_unlock_open(&v, app, false, err);

	if (code == MUN_E_NOTFOUND)
		return no_vault(err);
	if (code == MUN_OK)
		code = mun_vault_list(v, &list, &len, err);
	if (code == MUN_OK) {
		info = find_info(list, len, name);
		if (!info)
			return mun_fail(err, MUN_E_NOTFOUND, "there is no stored token %s", name);
		code = mun_vault_remove(v, name, err);
	}
	if (code != MUN_OK)
		return code;
	mun_token_record(app, MUN_K_TOKEN_REMOVED, info, NULL);
	if (!app->args.quiet)
		mun_say(app, "muniment: removed %s; revoke it at the vendor if it leaked", name);
	return MUN_OK;
}

/* --new-key-file, --new-passphrase-file, else a question. passphrase keeps what key borrows. */
static enum mun_code new_key(struct mun_vault_key *key, struct mun_secret *passphrase,
                             struct mun_app *app, struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	enum mun_code code;

	if (a->new_key_file && a->new_passphrase_file)
		return mun_fail(err, MUN_E_USAGE,
		                "--new-key-file and --new-passphrase-file exclude each other");
	if (a->new_key_file) {
		key->key_file = a->new_key_file;
		return MUN_OK;
	}
	key->passphrase = passphrase;
	if (a->new_passphrase_file)
		return mun_unlock_passphrase_file(passphrase, app, a->new_passphrase_file, err);
	if (mun_prompt_possible(app))
		return mun_unlock_ask_twice(passphrase, app, err);
	code = mun_fail(err, MUN_E_CREDENTIAL, "no new key, and nobody can be asked for one");
	mun_hint(err, "--new-key-file FILE or --new-passphrase-file FILE");
	return code;
}

static void record_all(struct mun_app *app, struct mun_vault *v)
{
	MUN_CLEANUP(list_done) struct mun_token_info *list = NULL;
	struct mun_err ignored;
	size_t len = 0;

	if (mun_vault_list(v, &list, &len, &ignored) != MUN_OK)
		return;
	for (size_t i = 0; i < len; i++) {
		MUN_CLEANUP(mun_secret_done) struct mun_secret token = { 0 };
		struct mun_token_info info;

		if (mun_vault_get(v, list[i].name, &token, &info, &ignored) == MUN_OK)
			mun_token_record(app, MUN_K_TOKEN_REKEYED, &info, &token);
	}
}

static enum mun_code token_rekey(struct mun_app *app, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(mun_secret_done) struct mun_secret passphrase = { 0 };
	struct mun_vault_key key = { 0 };
	enum mun_code code = mun_unlock_open(&v, app, false, err);

	if (code == MUN_E_NOTFOUND)
		return no_vault(err);
	if (code == MUN_OK && !mun_vault_has_key(v))
		return no_vault(err);
	if (code == MUN_OK)
		code = mun_unlock(v, app, err);
	if (code == MUN_OK)
		code = new_key(&key, &passphrase, app, err);
	if (code == MUN_OK)
		code = mun_vault_rekey(v, &key, err);
	if (code != MUN_OK)
		return code;
	record_all(app, v);
	if (!app->args.quiet)
		mun_say(app,
		        "muniment: the vault has a new key; the old one opens nothing any more");
	return MUN_OK;
}

static enum mun_code run_token(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	const char *what = app->args.args_len ? app->args.args[0] : "";
	bool named = strcmp(what, "add") == 0 || strcmp(what, "remove") == 0;
	bool test = strcmp(what, "test") == 0;
	size_t len = app->args.args_len;
	enum mun_code code = MUN_OK;

	*ret_exit = 0;
	if (!named && !test && strcmp(what, "list") != 0 && strcmp(what, "rekey") != 0)
		return mun_fail(err, MUN_E_USAGE, "token needs one of add list test remove rekey");
	if (named ? len != 2 : len > (test ? 2u : 1u))
		return mun_fail(err, MUN_E_USAGE, "usage: muniment token %s%s", what,
		                named  ? " NAME"
		                : test ? " [NAME]"
		                       : "");
	if (len == 2)
		code = mun_token_name_check(app->args.args[1], err);
	if (code == MUN_OK && app->output == MUN_OUT_CSV && what[0] != 'l')
		code = mun_fail(err, MUN_E_USAGE, "token %s has no output csv", what);
	if (code != MUN_OK)
		return code;
	if (test)
		return mun_token_test(app, len == 2 ? app->args.args[1] : NULL, err);
	if (named)
		return what[0] == 'a' ? mun_token_add(app, app->args.args[1], err)
		                      : token_remove(app, app->args.args[1], err);
	return what[0] == 'l' ? token_list(app, err) : token_rekey(app, err);
}

const struct mun_cmd mun_cmd_token = {
	.name = "token",
	.args = "add NAME | list | test [NAME] | remove NAME | rekey",
	.summary = "keep API tokens sealed, each bound to one organization and base URL",
	.effect = MUN_ASKS_SERVER,
	.groups = MUN_G_COMMON | MUN_G_CREDENTIAL | MUN_G_TARGET | MUN_G_TOKEN,
	.outputs =
		1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON | 1u << MUN_OUT_JSONL | 1u << MUN_OUT_CSV,
	.section = "keep",
	.example = { "muniment token add acme --token-file /run/secrets/tallyfy",
	             "muniment token test acme" },
	.example_text = { "stores the token as acme", "says what its user may do" },
	.run = run_token,
};
