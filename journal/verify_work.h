/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VERIFY_WORK_H
#define MUN_VERIFY_WORK_H
/*
 * The second half of the work on a slice of entries, on a thread of its own where there are many:
 * decoding, and folding into tables made anew. It touches nothing but its slices and its own
 * scratch tables: the journal is read by the first thread alone.
 */
#include "journal/anew.h"
#define MUN_SLICE_ENTRIES 1024
#define MUN_SLICE_BYTES   ((size_t)1 << 20) /* a slice ends behind that */
#define MUN_SLICES        6
/* What the first thread found of an entry. */
#define MUN_FLAW_LEAF  1
#define MUN_FLAW_NODE  2 /* and behind it, from this bit on, the level of the node */
#define MUN_FLAW_LEVEL 2
struct mun_slice_of {
	uint64_t first;
	unsigned len;
	struct mun_buf bytes;
	struct {
		size_t at, len;
		bool present;
	} line[MUN_SLICE_ENTRIES];
	unsigned flaw[MUN_SLICE_ENTRIES]; /* the first thread's own */
	struct mun_entry entry[MUN_SLICE_ENTRIES];
	struct mun_decoded *owner[MUN_SLICE_ENTRIES]; /* NULL: did not decode */
};
struct mun_work;
/* anew NULL: nothing is made anew. threaded: decoding and folding go on beside the caller. */
enum mun_code mun_work_open(struct mun_work **ret, struct mun_anew *anew, bool threaded,
                            struct mun_err *err) MUN_MUST_CHECK;
/* Ends the thread first. */
void mun_work_closep(struct mun_work **w);
/* A slice to be filled, once it is free. */
struct mun_slice_of *mun_work_take(struct mun_work *w);
/* It is filled: its lines stay as they are. */
void mun_work_give(struct mun_work *w, struct mun_slice_of *s);
/* Waits until it is decoded. NOMEM. */
enum mun_code mun_work_decoded(struct mun_work *w, struct mun_slice_of *s, struct mun_err *err)
	MUN_MUST_CHECK;
/* The caller needs it no more. */
void mun_work_release(struct mun_work *w, struct mun_slice_of *s);
/* Waits until everything given is folded; then the scratch tables are the caller's. CORRUPT as of
 * mun_anew_fold. */
enum mun_code mun_work_finish(struct mun_work *w, struct mun_err *err) MUN_MUST_CHECK;
#endif
