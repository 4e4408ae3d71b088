/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PLANNING_H
#define MUN_PLANNING_H
/*
 * From arguments and a manifest to a stored plan. Offline: no token, no network. The plan's id
 * hashes everything that matters, so the same command gives the same plan until it was executed.
 */
#include "cmd/cmd.h"
#include "cmd/credential.h"
#include "cmd/why.h"
#include "lib/remote/request.h"

struct mun_target {
	struct mun_id org;
	struct mun_base_url base;
};
struct mun_planned {
	struct mun_plan plan;
	struct mun_target target;
	bool existed;  /* the same plan was stored before */
	bool attached; /* its batch is open */
	uint64_t rows, folded;
	struct mun_id first[3], last[3];
	size_t shown; /* how many of each */
	bool empty;   /* --allow-empty and nothing in it */
	/* Opened before the reason was asked for, as a passphrase may be the first question;
	 * without a token: not yet. Released by mun_credential_done(). */
	struct mun_credential credential;
};
enum mun_code mun_planning_store(struct mun_app *app, struct mun_journal *j, enum mun_op_kind op,
                                 struct mun_planned *ret, struct mun_err *err) MUN_MUST_CHECK;
/* Store and show, for plan and --dry-run. */
enum mun_code mun_plan_and_show(struct mun_app *app, struct mun_journal *j, enum mun_op_kind op,
                                struct mun_err *err) MUN_MUST_CHECK;
/* The base URL that a stored plan belongs to (from its plan.stored entry). */
enum mun_code mun_plan_base(struct mun_journal *j, const struct mun_plan *plan,
                            struct mun_base_url *ret, struct mun_err *err) MUN_MUST_CHECK;
#endif
