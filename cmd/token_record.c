/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/token.h"
#include "journal/journal.h"

static enum mun_code append(struct mun_journal *j, struct mun_entry *e,
                            const struct mun_secret *token, struct mun_err *err)
{
	struct mun_group group = { .entries = e, .len = 1 };
	char fingerprint[33];
	enum mun_code code = MUN_OK;

	if (token) {
		code = mun_journal_fingerprint(j, fingerprint, token->data, token->len, err);
		e->u.token.token = fingerprint;
	}
	return code == MUN_OK ? mun_journal_append(j, &group, err) : code;
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
	struct mun_err err = { 0 };
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_CREATE, &j, &err);

	if (code == MUN_OK)
		code = append(j, &e, token, &err);
	if (code != MUN_OK)
		mun_say(app, "muniment: warning: %s is not in the journal: %s", mun_kind_name(kind),
		        err.text);
}
