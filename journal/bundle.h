/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BUNDLE_H
#define MUN_BUNDLE_H
/*
 * The files of an evidence bundle that are folded from its entries: history.csv, history.jsonl,
 * items.csv, summary.json. Each is written to a callback, so that an export writes a file and
 * verify compares with one. What they hold depends on the source alone: no clock, no path, no
 * host, nothing of a journal's derived tables.
 */
#include "journal/refold.h"
#include "journal/verify.h"
typedef enum mun_code (*mun_write_fn)(void *arg, const void *data, size_t len, struct mun_err *err);
/* Cells of a row that no entry shows, all of them strings or NULL: what the run is called, the
 * line of the manifest, the manifest's other columns. */
struct mun_claim {
	const char *name;
	uint32_t line; /* 0: null */
	const char *columns;
};
/* Asked before each row is written; strings are valid until the next call. */
typedef enum mun_code (*mun_claim_fn)(void *arg, struct mun_claim *ret, struct mun_err *err);
struct mun_bundle_options {
	const char *scratch_dir; /* for rows that do not fit into memory */
	bool bodies;             /* bodies.jsonl comes along: names and columns are filled */
	const char *filter;      /* as given on the command line; NULL: the whole range */
	uint64_t left_out;       /* entries above the source's end; MUN_NO_SEQ: not told */
	/* Each line of entries.jsonl, with its newline, while entries are read. NULL: not wanted.
	 */
	mun_write_fn entries;
	void *entries_arg;
	/* Where claimed cells come from; NULL: from the source. Of verify, as a bundle keeps
	 * neither lines nor columns beside its files. */
	mun_claim_fn claim;
	void *claim_arg;
};
struct mun_bundle;
/* Reads and folds all entries of the source, which is borrowed. CORRUPT: one cannot be read. */
enum mun_code mun_bundle_read(struct mun_bundle **ret, struct mun_source *source,
                              const struct mun_bundle_options *o, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_bundle_freep(struct mun_bundle **b);
struct mun_refold *mun_bundle_fold(struct mun_bundle *b);
/* Entries read, and time of the last of them (MUN_TIME_NONE: none). */
uint64_t mun_bundle_entries(const struct mun_bundle *b);
int64_t mun_bundle_last_us(const struct mun_bundle *b);
/* The verifier key in force at the end of the source; NULL: none. */
const char *mun_bundle_vkey(const struct mun_bundle *b);
/* Ascending: behind these entries (batch.ended, key.added) the next checkpoint is shipped. */
const uint64_t *mun_bundle_marks(const struct mun_bundle *b, size_t *ret_len);
/* Does a checkpoint.anchored name that size? */
bool mun_bundle_is_anchored(const struct mun_bundle *b, uint64_t size);
enum mun_code mun_bundle_history_csv(struct mun_bundle *b, mun_write_fn write, void *arg,
                                     struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_bundle_history_jsonl(struct mun_bundle *b, mun_write_fn write, void *arg,
                                       struct mun_err *err) MUN_MUST_CHECK;
/* With bodies a last column holds the manifest's other columns as a JSON object. */
enum mun_code mun_bundle_items_csv(struct mun_bundle *b, mun_write_fn write, void *arg,
                                   struct mun_err *err) MUN_MUST_CHECK;
/* bodies.jsonl, of an option's bodies: those that are still there, one line each. */
enum mun_code mun_bundle_bodies(struct mun_bundle *b, mun_write_fn write, void *arg,
                                struct mun_err *err) MUN_MUST_CHECK;
/* verdict: of verify over the same entries. */
enum mun_code mun_bundle_summary(struct mun_bundle *b, const struct mun_verdict_report *verdict,
                                 mun_write_fn write, void *arg, struct mun_err *err) MUN_MUST_CHECK;
#endif
