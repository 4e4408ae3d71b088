/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ANCHOR_H
#define MUN_ANCHOR_H
/*
 * Anchors: what somebody else says of a signed checkpoint. A time stamp (RFC 3161) is over the note
 * as signed; a witness (c2sp.org/tlog-witness) gets it with a proof from the size that it has
 * cosigned last. Both are stored with the checkpoint when they are valid. Nothing here blocks but
 * for as long as step() is told, so that a run can look after its anchors beside its work; each
 * authority and witness has 10 s in all, whatever it does. Answers are hostile: bounded, checked
 * against the keys of --witness-key, and words of theirs are shown in visible form.
 */
#include "cmd/cmd.h"
#include "journal/journal.h"
#define MUN_ANCHOR_TIMEOUT_MS 10000
struct mun_anchoring;
/* What can be said of the options before anything else is done. USAGE: an URL that is none, a key
 * that is no cosigner's, something given twice, witnesses without keys or keys without witness. */
enum mun_code mun_anchoring_check(const struct mun_args *args, struct mun_err *err) MUN_MUST_CHECK;
/* Of --timestamp, --witness, --witness-key, --cacert; *ret is NULL when none is given, which all
 * functions below take for "nothing to do". Borrows app and j until it is closed. USAGE. */
enum mun_code mun_anchoring_open(struct mun_anchoring **ret, struct mun_app *app,
                                 struct mun_journal *j, struct mun_err *err) MUN_MUST_CHECK;
void mun_anchoring_closep(struct mun_anchoring **a); /* what is in flight is given up */
/* Starts all exchanges for the checkpoint of that size; whoever has not answered for an older one
 * yet is asked as soon as he has. The 10 s begin here. An exchange that cannot be started is said
 * and counted as failed. NOTFOUND: nothing is signed of that size. JOURNAL: a witness has given the
 * alarm; or the journal. */
enum mun_code mun_anchoring_begin(struct mun_anchoring *a, uint64_t size, struct mun_err *err)
	MUN_MUST_CHECK;
/* Moves them on, waiting at most timeout_ms (0: not at all) for one of them to end. While
 * something is in flight it wants to be called a few times a second. What arrives is stored in the
 * journal and said on stderr; what is refused or fails is said. Only the journal's own failures
 * are returned. */
enum mun_code mun_anchoring_step(struct mun_anchoring *a, uint32_t timeout_ms, struct mun_err *err)
	MUN_MUST_CHECK;
bool mun_anchoring_busy(const struct mun_anchoring *a);
/* step() until nothing is in flight any more (at most 10 s), or a further signal comes. */
enum mun_code mun_anchoring_wait(struct mun_anchoring *a, struct mun_err *err) MUN_MUST_CHECK;
/* Of the checkpoint that was begun last. */
struct mun_anchoring_sum {
	size_t wanted;  /* authorities and witnesses that were asked */
	size_t arrived; /* of these, whose anchor is stored */
	size_t failed;  /* of these, which gave none; the rest is in flight */
	bool alarmed; /* a witness has seen another line of this journal: kept in the mark; nothing
	                 more may be signed, begin() refuses from now on */
};
struct mun_anchoring_sum mun_anchoring_sum(const struct mun_anchoring *a);
#endif
