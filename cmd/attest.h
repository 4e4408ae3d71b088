/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ATTEST_H
#define MUN_ATTEST_H
/*
 * What a run does beside its requests, so that its record can be trusted later: signed checkpoints,
 * their anchors, the high-water mark. Nothing of it asks, waits or fails the run; what cannot be
 * done is said.
 */
#include "cmd/anchor.h"
#include "cmd/signer.h"
struct mun_attest {
	struct mun_app *app; /* borrowed, as is j; NULL: not opened */
	struct mun_journal *j;
	struct mun_signer signer;
	struct mun_anchoring *anchors; /* NULL: none are asked for */
	uint64_t due_ms;               /* uptime of the next checkpoint and mark */
};
/* vault: one that is unlocked, or NULL. USAGE: an anchor that cannot be one. JOURNAL, CORRUPT: of
 * the journal. */
enum mun_code mun_attest_open(struct mun_attest *a, struct mun_app *app, struct mun_journal *j,
                              struct mun_vault *vault, struct mun_err *err) MUN_MUST_CHECK;
/* The batch has begun: a checkpoint, and its anchors. JOURNAL: of the journal, or a witness has
 * seen another line of it; so for the next two. */
enum mun_code mun_attest_start(struct mun_attest *a, struct mun_err *err) MUN_MUST_CHECK;
/* Once a round. *ret_again_ms: how long it may be left alone. */
enum mun_code mun_attest_step(struct mun_attest *a, uint32_t *ret_again_ms, struct mun_err *err)
	MUN_MUST_CHECK;
/* The last checkpoint, and at most 10 s for its anchors. */
enum mun_code mun_attest_end(struct mun_attest *a, struct mun_err *err) MUN_MUST_CHECK;
void mun_attest_done(struct mun_attest *a);
#endif
