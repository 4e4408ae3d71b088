/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_MARK_H
#define MUN_MARK_H
/*
 * The high-water mark: what this machine has seen of a journal, kept outside of it, so that an
 * older copy in its place is noticed. A text file named by the journal's id, replaced and synced
 * under a lock, never lowered.
 */
#include "journal/journal.h"
struct mun_mark {
	char origin[160];
	uint64_t size;
	uint8_t root[MUN_SHA256_LEN];
	uint64_t signed_size; /* newest signed; 0 none */
	uint64_t since;       /* entries that another copy may follow otherwise: see below */
	char path[4096];      /* of the journal that wrote it, resolved */
	char alarm[256];      /* why nothing may be written any more: a fork, an adoption; "" */
};
enum mun_mark_fit {
	MUN_MARK_NONE, /* this machine has no mark of the journal */
	MUN_MARK_FITS,
	MUN_MARK_BEHIND,  /* the journal has fewer entries than the mark */
	MUN_MARK_FORKED,  /* other entries than the mark's */
	MUN_MARK_ALARMED, /* a witness has seen another line of it, or another journal follows it */
	MUN_MARK_UNKNOWN  /* no state directory (no HOME), or the mark cannot be read */
};
/* *ret_own: the journal stands at the mark's own path. */
struct mun_mark_state {
	enum mun_mark_fit fit;
	bool own;
	struct mun_mark mark;
};
enum mun_code mun_mark_compare(struct mun_journal *j, struct mun_mark_state *ret,
                               struct mun_err *err) MUN_MUST_CHECK;
/* Bring the mark up to the journal's head (and newest checkpoint); *ret_made: there was none.
 * JOURNAL: the journal is behind or forked. What cannot be written is IO: say so and go on. */
enum mun_code mun_mark_raise(struct mun_journal *j, bool *ret_made, struct mun_err *err)
	MUN_MUST_CHECK;
/* Was the entry written before this machine had a mark of the journal, or before the journal turned
 * up elsewhere with entries that were never marked? Then nobody can tell whether another copy has
 * gone on. */
bool mun_mark_is_older(const struct mun_journal *j, uint64_t seq);
/* "" or what to say about the mark to people who write; *ret_made: one was made just now. */
const char *mun_mark_problem(const struct mun_journal *j, bool *ret_made);
/* A witness answered that it knows another line: kept until adopt. */
enum mun_code mun_mark_alarm(struct mun_journal *j, const char *what, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
