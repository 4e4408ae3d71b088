/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_FILTER_H
#define MUN_CMD_FILTER_H
/* Filter options to struct mun_filter; storage holds the split copies. */
#include "cmd/cmd.h"
enum mun_code mun_filter_make(struct mun_filter *ret, struct mun_app *app, struct mun_buf *storage,
                              struct mun_err *err) MUN_MUST_CHECK;
/* RFC 3339, a date (whole day in --tz, default UTC), "90d" or "-90d" ago. end: the day's end. */
enum mun_code mun_time_option(int64_t *ret_us, struct mun_app *app, const char *text, bool end,
                              struct mun_err *err) MUN_MUST_CHECK;
#endif
