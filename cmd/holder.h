/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_HOLDER_H
#define MUN_HOLDER_H
/*
 * Who works on a batch: the process that holds its lock, as it describes itself in the lock file,
 * "pid 7, user u@host, since T, muniment run[, waiting for quota]".
 */
#include "cmd/cmd.h"
#include "journal/journal.h"
struct mun_holder {
	bool lives;
	bool stopped;          /* by SIGSTOP or Ctrl-Z, as far as can be seen from here */
	char text[512];        /* its own words; "" when it has none yet */
	const char *phase;     /* "running", "waiting", "draining" */
	const char *waits_for; /* "quota", "server", "network"; "" */
};
void mun_holder_read(struct mun_holder *ret, struct mun_journal *j, const struct mun_ref *batch);
/*
 * Take the lock of a batch and sign it with who we are. *ret_fd is owned by the caller, released
 * by mun_holder_release(). words, when not NULL, gets what stands in the lock file. BUSY names the
 * holder in one line.
 */
enum mun_code mun_holder_take(struct mun_app *app, struct mun_journal *j,
                              const struct mun_ref *batch, int *ret_fd, char *words,
                              size_t words_size, struct mun_err *err) MUN_MUST_CHECK;
/* One plan, one batch: its id follows from the plan's, so two starters meet at one lock. */
void mun_holder_batch(struct mun_ref *ret, const struct mun_ref *plan);
/*
 * Is the batch held? Asked through a reader that is closed again: whoever opens for writing waits
 * for the process that writes, and one that was stopped in the middle of that never ends. text: a
 * batch as a person names it, NULL for the only open one. BUSY names the holder, and programs get
 * the batch with exit_status; what is not there is left to the caller.
 */
enum mun_code mun_holder_check(struct mun_app *app, const char *text, int exit_status,
                               struct mun_err *err) MUN_MUST_CHECK;
/* Says which stopped processes hold a batch of the journal in dir: a writer may wait for them. */
void mun_holder_warn(struct mun_app *app, const char *dir);
/* Wipes the text, so that nobody takes it for the next holder's, and lets go. */
void mun_holder_release(int *fd);
/* The same for a batch that was never started: its lock file goes too. */
void mun_holder_discard(struct mun_journal *j, const struct mun_ref *batch, int *fd);
#endif
