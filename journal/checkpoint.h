/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CHECKPOINT_H
#define MUN_CHECKPOINT_H
/*
 * Signed checkpoints kept in the journal (table `checkpoint`, primary): the note as signed, the
 * cosignature lines that witnesses added, and raw RFC 3161 replies, for each size that was signed.
 * Anchors are kept and their `checkpoint.anchored` entries appended in one transaction.
 */
#include "journal/journal.h"
#include "lib/tlog/note.h"
#define MUN_STAMPS_MAX 32
struct mun_signed { /* one row; owned */
	uint64_t size;
	struct mun_buf note;  /* text, our lines, then cosignature lines */
	size_t signed_len;    /* of note: as signed, which is what time stamps cover */
	struct mun_buf stamp; /* the raw replies, one behind the other */
	struct {
		size_t at, len;
	} stamps[MUN_STAMPS_MAX];
	size_t stamps_len;
};
void mun_signed_init(struct mun_signed *s);
void mun_signed_done(struct mun_signed *s);
/* In all of these *ret was initialised by the caller; after a failure it holds nothing of use. */
/* The newest whose size is at most `size` (MUN_NO_SEQ: of all). NOTFOUND. */
enum mun_code mun_checkpoint_newest(struct mun_journal *j, uint64_t size, struct mun_signed *ret,
                                    struct mun_err *err) MUN_MUST_CHECK;
/* The oldest whose size is above `size`. NOTFOUND. Walks all rows, one after the other. */
enum mun_code mun_checkpoint_next(struct mun_journal *j, uint64_t size, struct mun_signed *ret,
                                  struct mun_err *err) MUN_MUST_CHECK;
/* A fresh note for its size. One that is there stays as it is, anchors and all. INPUT: it is no
 * checkpoint of this journal and size. JOURNAL: the journal's first entries have another root, or
 * it is a copy that is only read; so for the writers below. */
enum mun_code mun_checkpoint_put(struct mun_journal *j, uint64_t size, const char *note, size_t len,
                                 struct mun_err *err) MUN_MUST_CHECK;
struct mun_anchor { /* one that arrived and was checked; line or stamp, not both */
	uint64_t size;
	const char *line; /* of a cosigner, with its newline */
	size_t line_len;
	const void *stamp;
	size_t stamp_len;
	const char *by; /* name of the witness, subject of the authority */
};
/* NOTFOUND: nothing signed of that size. An anchor that is there already is no second entry.
 * INPUT: no signature line, too large, or more than one checkpoint keeps. */
enum mun_code mun_checkpoint_anchor(struct mun_journal *j, const struct mun_anchor *a,
                                    struct mun_err *err) MUN_MUST_CHECK;
/* The key in force at `size`: of the last key.added below it. NOTFOUND: none so far. */
enum mun_code mun_journal_key(struct mun_journal *j, uint64_t size, struct mun_vkey *ret,
                              uint64_t *ret_seq, struct mun_err *err) MUN_MUST_CHECK;
struct mun_signing {
	struct mun_vkey key, old_key;
	const struct mun_secret *secret,
		*old_secret; /* old_secret: NULL but right after a change */
};
/*
 * Signs the head with `secret` (behind it with `old_secret`, unless NULL) and keeps the note; *ret
 * is the row as kept. First it proves from the stored nodes that the newest checkpoint is in the
 * head's past: JOURNAL where it is not, and where a witness has seen another line of this journal.
 * A head that was signed already, or above whose newest checkpoint only bookkeeping stands
 * (checkpoint.anchored, export.made), is not signed again: *ret is that one. CREDENTIAL: the key is
 * not the one in force.
 */
enum mun_code mun_checkpoint_sign(struct mun_journal *j, const struct mun_signing *k,
                                  struct mun_signed *ret, struct mun_err *err) MUN_MUST_CHECK;
/* Entries above the newest checkpoint that are not bookkeeping: exact up to 1,000,000. */
enum mun_code mun_checkpoint_unsigned(struct mun_journal *j, uint64_t *ret, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
