/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/token.h"
#include "journal/journal.h"

const char *mun_token_fingerprint(char ret[static 33], struct mun_app *app,
                                  const struct mun_secret *token)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	struct mun_err ignored;
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_CREATE, &j, &ignored);

	if (code == MUN_OK)
		code = mun_journal_fingerprint(j, ret, token->data, token->len, &ignored);
	return code == MUN_OK ? ret : NULL;
}

void mun_token_record(struct mun_app *app, enum mun_kind kind, const struct mun_token_info *info,
                      const struct mun_secret *token)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	struct mun_entry e = {
		.kind = kind,
		.item = MUN_NO_ITEM,
		.has_org = true,
		.org = info->org,
		.u.token = { .name = info->name, .base_url = info->base_url },
	};
	struct mun_group group = { .entries = &e, .len = 1 };
	struct mun_err err = { 0 };
	char fingerprint[33];
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_CREATE, &j, &err);

	if (code == MUN_OK && token) {
		code = mun_journal_fingerprint(j, fingerprint, token->data, token->len, &err);
		e.u.token.token = fingerprint;
	}
	if (code == MUN_OK)
		code = mun_journal_append(j, &group, &err);
	if (code != MUN_OK)
		mun_say(app, "muniment: warning: %s is not in the journal: %s", mun_kind_name(kind),
		        err.text);
}
