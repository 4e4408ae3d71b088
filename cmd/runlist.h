/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_RUNLIST_H
#define MUN_RUNLIST_H
/*
 * The list of runs that a command was given, as arguments or as a file: read once and kept as the
 * bytes that came; parsed once to check every row and once to store them. Memory: the bytes, 22 to
 * 28 for each run, and one chunk of rows.
 */
#include "cmd/cmd.h"
#include "cmd/runset.h"
#include "journal/journal.h"
#include "lib/digest.h"
#include "lib/manifest.h"

struct mun_runlist {
	struct mun_buf source;
	struct mun_manifest_options options;
	struct mun_manifest_report report;
	struct mun_runset *runs;
	bool has_org; /* known before, or from the first URL of a run */
	struct mun_id org;
	uint64_t duplicates;
	uint8_t list_sha256[MUN_SHA256_LEN];
	uint8_t overrides_sha256[MUN_SHA256_LEN];
	bool any_override;
};
enum mun_code mun_runlist_init(struct mun_runlist *l, struct mun_err *err) MUN_MUST_CHECK;
void mun_runlist_done(struct mun_runlist *l);
/*
 * The list of app's arguments. Says how it was read, what was accepted, duplicates and bad rows.
 * USAGE: no list or two, interrupted. INPUT: cannot be read, or bad rows, one of them may be of
 * another organization than has_org and org say.
 */
enum mun_code mun_runlist_read(struct mun_runlist *l, struct mun_app *app, struct mun_err *err)
	MUN_MUST_CHECK;
/* The same of rows that are in l->source already, as JSONL; source names them in messages. */
enum mun_code mun_runlist_read_text(struct mun_runlist *l, struct mun_app *app, const char *source,
                                    struct mun_err *err) MUN_MUST_CHECK;
/* What a plan.stored says of the list: counts, hashes, source (borrowed from l). */
void mun_runlist_describe(struct mun_runlist *l, struct mun_entry *e);
/*
 * All rows of a plan, to become valid with its plan.stored. Afterwards the runs are gone, only
 * source is left. USAGE: interrupted.
 */
enum mun_code mun_runlist_store(struct mun_runlist *l, struct mun_journal *j,
                                const struct mun_ref *plan, struct mun_err *err) MUN_MUST_CHECK;
#endif
