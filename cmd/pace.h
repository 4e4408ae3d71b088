/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PACE_H
#define MUN_PACE_H
/* The pace and stop options as values, and how a batch remembers them. */
#include "cmd/cmd.h"
#include "journal/entry.h"
struct mun_pace {
	struct mun_rate rate;
	uint32_t concurrency, attempts;
	uint64_t settle_ms, timeout_ms, max_wait_ms, stop_after, stop_on_failures;
	int64_t stop_at_us; /* MUN_TIME_NONE */
	char cacert[4096];  /* "": the system's */
	bool no_bodies;
};
/*
 * From the options; what they do not give comes from before, the newest start of the batch (NULL:
 * none), else from the defaults. Stops are of one process and are never taken over. USAGE names
 * the option.
 */
enum mun_code mun_pace_get(struct mun_pace *ret, struct mun_app *app,
                           const struct mun_entry *before, struct mun_err *err) MUN_MUST_CHECK;
/* "4 of 10/5s, 8 of 90/m": used[i] of each window. */
void mun_pace_used(struct mun_buf *ret, const struct mun_rate *rate, const uint32_t *used);
/* Canonical JSON object of what differs from the defaults. */
void mun_pace_options(struct mun_buf *ret, const struct mun_pace *p, const struct mun_args *a);
#endif
