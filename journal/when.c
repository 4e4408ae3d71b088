/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/when.h"

#include <string.h>

#include "journal/handle.h"

static enum mun_code read_when(struct mun_journal *j, uint64_t seq, struct mun_entry *ret,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	MUN_BUF_CLEANUP struct mun_buf line;
	enum mun_code code;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	code = mun_journal_entry(j, seq, &line, err);
	return code == MUN_OK ? mun_entry_decode(ret, &owner, line.data, line.len, err) : code;
}

enum mun_code mun_journal_time_of(struct mun_journal *j, uint64_t seq, int64_t *ret_us,
                                  struct mun_err *err)
{
	struct mun_entry e;
	enum mun_code code = read_when(j, seq, &e, err);

	if (code == MUN_OK)
		*ret_us = e.time_us;
	return code;
}

/* Within one boot realtime may have been set; across boots there is nothing else. */
enum mun_code mun_journal_since(struct mun_journal *j, uint64_t seq, uint64_t *ret_ms,
                                struct mun_err *err)
{
	struct mun_now now;
	struct mun_entry e;
	int64_t passed_ms;
	enum mun_code code = read_when(j, seq, &e, err);

	if (code != MUN_OK)
		return code;
	mun_journal_now(j, &now);
	passed_ms = memcmp(e.boot, j->boot, sizeof(j->boot)) == 0
	                    ? now.uptime_ms - (int64_t)e.uptime_ms
	                    : (now.real_us - e.time_us) / 1000;
	*ret_ms = passed_ms > 0 ? (uint64_t)passed_ms : 0;
	return MUN_OK;
}
