/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CONSENT_H
#define MUN_CONSENT_H
/*
 * Consent before anything changes: --confirm with the plan's full id, --yes up to 25 items, or an
 * answer on the terminal (y up to 25 items, above that the number of items is typed).
 */
#include "cmd/engine/preflight.h"
#include "cmd/pace.h"
#include "cmd/planning.h"

struct mun_asking {
	struct mun_app *app;
	struct mun_journal *j;
	const struct mun_plan *plan;
	const struct mun_planned *planned; /* NULL: consent was given by naming the plan */
	const struct mun_base_url *base;
	const struct mun_preflight *who;
	const struct mun_batch *batch; /* as it stands; total 0 before it was started */
	const struct mun_pace *pace;
	const struct mun_secret *token;
};
/* Is it clear before the server is asked anything? USAGE when it can never be; else *ret_ask. */
enum mun_code mun_consent_offline(const struct mun_asking *k, bool *ret_ask, struct mun_err *err)
	MUN_MUST_CHECK;
/* The whole question. USAGE: not confirmed, the plan stays stored. */
enum mun_code mun_consent_ask(const struct mun_asking *k, struct mun_err *err) MUN_MUST_CHECK;
#endif
