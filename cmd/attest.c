/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/attest.h"

#include <stdlib.h>

#include "cmd/app.h"
#include "journal/mark.h"

#define EVERY_MS 60000 /* between checkpoints, where entries were added */
#define BUSY_MS  50    /* how soon an anchor that is on its way is looked at again */
#define IDLE_MS  1000

static uint64_t now_ms(const struct mun_attest *a)
{
	struct mun_now now;

	a->app->clock->now(a->app->clock, &now);
	return (uint64_t)now.uptime_ms;
}

/* The head as signed; its anchors are asked for where the batch begins or ends. */
static enum mun_code checkpoint(struct mun_attest *a, bool anchored, bool say, struct mun_err *err)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;

	mun_signed_init(&s);
	if (!mun_signer_checkpoint_quietly(a->app, a->j, &a->signer, say, &s) || !anchored)
		return MUN_OK;
	return mun_anchoring_begin(a->anchors, s.size, err);
}

/* A witness knows another line of this journal: nothing more is written to this one. */
static enum mun_code alarmed(const struct mun_attest *a, struct mun_err *err)
{
	if (!mun_anchoring_sum(a->anchors).alarmed)
		return MUN_OK;
	(void)mun_fail(err, MUN_E_JOURNAL,
	               "a witness has seen another line of this journal: it was rolled back or "
	               "forked");
	mun_hint(err, "muniment journal adopt --reason TEXT");
	return MUN_E_JOURNAL;
}

enum mun_code mun_attest_open(struct mun_attest *a, struct mun_app *app, struct mun_journal *j,
                              struct mun_vault *vault, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	*a = (struct mun_attest){ .app = app, .j = j };
	code = mun_anchoring_open(&a->anchors, app, j, err);
	return code == MUN_OK ? mun_signer_open(&a->signer, app, j, MUN_SIGNER_QUIET, vault, err)
	                      : code;
}

/* What cannot be written is no reason to stop; a journal that does not fit its mark is. */
static enum mun_code raise_mark(const struct mun_attest *a, struct mun_err *err)
{
	bool made;
	enum mun_code code = mun_mark_raise(a->j, &made, err);

	return code == MUN_E_IO || code == MUN_E_INPUT ? MUN_OK : code;
}

/* The start is marked before anything is sent: a copy made before it is behind from here on, also
 * where this process is killed. */
enum mun_code mun_attest_start(struct mun_attest *a, struct mun_err *err)
{
	enum mun_code code = raise_mark(a, err);

	a->due_ms = now_ms(a) + EVERY_MS;
	return code == MUN_OK ? checkpoint(a, true, a->anchors != NULL, err) : code;
}

enum mun_code mun_attest_step(struct mun_attest *a, uint32_t *ret_again_ms, struct mun_err *err)
{
	uint64_t now = now_ms(a);
	enum mun_code code = MUN_OK;

	*ret_again_ms = IDLE_MS;
	if (mun_anchoring_busy(a->anchors)) {
		code = mun_anchoring_step(a->anchors, 0, err);
		*ret_again_ms = BUSY_MS;
	}
	if (code == MUN_OK)
		code = alarmed(a, err);
	if (code != MUN_OK || now < a->due_ms)
		return code;
	a->due_ms = now + EVERY_MS;
	code = checkpoint(a, false, false, err);
	return code == MUN_OK ? raise_mark(a, err) : code;
}

enum mun_code mun_attest_end(struct mun_attest *a, struct mun_err *err)
{
	enum mun_code code = checkpoint(a, true, true, err);

	if (code == MUN_OK)
		code = mun_anchoring_wait(a->anchors, err);
	return code == MUN_OK ? alarmed(a, err) : code;
}

void mun_attest_done(struct mun_attest *a)
{
	mun_signer_done(&a->signer);
	mun_anchoring_closep(&a->anchors);
	a->app = NULL;
}
