/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_WHEN_H
#define MUN_WHEN_H
/* How long ago an entry was written, whatever was done to the clock since. */
#include "journal/journal.h"
/* When entry seq was written; milliseconds since then by uptime within one boot, by realtime
 * across boots, never negative. */
enum mun_code mun_journal_time_of(struct mun_journal *j, uint64_t seq, int64_t *ret_us,
                                  struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_journal_since(struct mun_journal *j, uint64_t seq, uint64_t *ret_ms,
                                struct mun_err *err) MUN_MUST_CHECK;
#endif
