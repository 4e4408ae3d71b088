/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/holder.h"

#include "lib/file.h"

bool mun_journal_runner_lives(struct mun_journal *j, const struct mun_ref *batch)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_err ignored;
	char path[4200];
	bool held = false;

	mun_buf_init(&text, 4096);
	mun_journal_lock_path(j, batch, path, sizeof(path));
	return mun_lock_read(&text, &held, path, &ignored) == MUN_OK && held;
}

const char *mun_item_state_now(struct mun_journal *j, const struct mun_ref *batch,
                               enum mun_item_state s, const struct mun_op *op)
{
	if (s == MUN_I_IN_FLIGHT && !mun_journal_runner_lives(j, batch))
		s = MUN_I_IN_DOUBT;
	return mun_item_state_name(s, op);
}
