/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PACE_H
#define MUN_PACE_H
/* The pace and stop options as values. */
#include "cmd/cmd.h"
struct mun_pace {
	struct mun_rate rate;
	uint32_t concurrency, attempts;
	uint64_t settle_ms, timeout_ms, max_wait_ms, stop_after, stop_on_failures;
	int64_t stop_at_us;
};
/* USAGE names the option. */
enum mun_code mun_pace_get(struct mun_pace *ret, struct mun_app *app, struct mun_err *err)
	MUN_MUST_CHECK;
/* Canonical JSON object of what differs from the defaults. */
void mun_pace_options(struct mun_buf *ret, const struct mun_pace *p, const struct mun_args *a);
#endif
