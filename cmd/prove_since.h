/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PROVE_SINCE_H
#define MUN_PROVE_SINCE_H
/* `prove --since-checkpoint`: growth since an older checkpoint, as a witness wants it. */
#include "cmd/cmd.h"
/*
 * The body of a tlog-witness add-checkpoint request from old to the newest checkpoint, to --out or
 * stdout. old: a file with a checkpoint, an earlier body of that kind or a proof; or "0", the empty
 * log. VERIFY: old is not in this journal's past. CREDENTIAL: no checkpoint is as new as it.
 */
enum mun_code mun_prove_since(struct mun_app *app, struct mun_journal *j, const char *old,
                              struct mun_err *err) MUN_MUST_CHECK;
#endif
