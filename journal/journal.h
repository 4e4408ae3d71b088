/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_JOURNAL_H
#define MUN_JOURNAL_H
/*
 * The journal: an append-only list of entries, leaves of an RFC 6962 tree, in LMDB, in the same
 * transactions as everything derived from them. Appending is durable when the call returns. One
 * open journal per process. A head cached in memory passes every test with one process and
 * collides with two, so it is read inside each write transaction and compared with what this
 * process saw last: a smaller head or another right edge is MUN_E_JOURNAL and nothing is written.
 */
#include "journal/state.h"
#include "lib/clock.h"
#include "lib/rate.h"
struct mun_journal;
#define MUN_FORMAT_VERSION 1
enum mun_journal_mode {
	MUN_JOURNAL_READ,    /* never creates; a copy or read-only medium works */
	MUN_JOURNAL_WRITE,   /* must exist */
	MUN_JOURNAL_CREATE,  /* made when missing; *ret_created of mun_journal_created() */
	MUN_JOURNAL_REBUILD, /* must exist; an older format is accepted, to be rebuilt */
};
struct mun_journal_options {
	const char *dir;
	enum mun_journal_mode mode;
	const struct mun_clock *clock;
	const char *version;    /* of the program, for journal.created */
	const char *exe_sha256; /* of the executable, hex, or NULL */
	const char *state_dir;  /* of high-water marks (journal/mark.h); NULL: none are kept */
	const struct mun_previous *previous; /* for journal.created; or NULL */
};
/*
 * JOURNAL: missing, unwritable, refused file system, newer format (older for writing: rebuild), not
 * ours, a backup copy opened for writing. CORRUPT: it is damaged. The message names path and fix.
 * Of all functions here: CORRUPT is damage found in what is stored, JOURNAL anything else below.
 */
enum mun_code mun_journal_open(struct mun_journal **ret, const struct mun_journal_options *o,
                               struct mun_err *err) MUN_MUST_CHECK;
void mun_journal_closep(struct mun_journal **j);
bool mun_journal_created(const struct mun_journal *j);
const char *mun_journal_dir(const struct mun_journal *j);
const char *mun_journal_fs_warning(const struct mun_journal *j); /* tmpfs, overlayfs; or NULL */
struct mun_journal_id {
	char id[33];
	char origin[160];
	uint32_t min_reader, min_writer;
};
enum mun_code mun_journal_identity(struct mun_journal *j, struct mun_journal_id *ret,
                                   struct mun_err *err) MUN_MUST_CHECK;
struct mun_head {
	uint64_t size;
	uint8_t root[MUN_SHA256_LEN];
};
enum mun_code mun_journal_head(struct mun_journal *j, struct mun_head *ret, struct mun_err *err)
	MUN_MUST_CHECK;
/* Keyed by the journal's own key: 32 hex digits. Machine: 12 hex of a salted hash. */
enum mun_code mun_journal_fingerprint(struct mun_journal *j, char ret[static 33], const void *token,
                                      size_t len, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_journal_machine(struct mun_journal *j, char ret[static 13], struct mun_err *err)
	MUN_MUST_CHECK;

/* One group, one transaction. */
struct mun_group {
	struct mun_entry *entries; /* borrowed; append sets seq, times and refused */
	size_t len;
	const struct mun_rate *rate; /* windows that admit the request entries; NULL: none */
	const char *target;          /* "host org-hex" the windows belong to */
	uint32_t in_flight;          /* requests without outcome yet: room for theirs is reserved */
};
/*
 * Appends all entries in order with leaves, nodes, head, bodies and projections. A `request`
 * entry is admitted only when its epoch is the batch's, the batch has no cancelling mark, its
 * windows (and blocked_until) have room and, for a mutating one, its item is pending and no
 * attempt for its (org, run) is open in another item; otherwise `refused` says why and the entry is
 * left out, the others are written. Room for the outcomes of everything in flight is reserved first
 * when the group admits requests: FULL then means nothing was written. After a commit that admitted
 * requests the data file's identity is compared (JOURNAL: nothing may be sent). Bodies are dropped
 * before an outcome is.
 */
enum mun_code mun_journal_append(struct mun_journal *j, struct mun_group *g, struct mun_err *err)
	MUN_MUST_CHECK;
/* Milliseconds until a request to target may be admitted; 0: now. Also counts used per window. */
struct mun_window_state {
	uint64_t wait_ms;
	int64_t blocked_until_us; /* MUN_TIME_NONE */
	uint32_t used[MUN_RATE_WINDOWS];
};
enum mun_code mun_journal_window(struct mun_journal *j, const char *target,
                                 const struct mun_rate *rate, struct mun_window_state *ret,
                                 struct mun_err *err) MUN_MUST_CHECK;

/* Milliseconds until the last of that many further requests may be admitted. */
enum mun_code mun_journal_eta(struct mun_journal *j, const char *target,
                              const struct mun_rate *rate, uint64_t requests, uint64_t *ret_ms,
                              struct mun_err *err) MUN_MUST_CHECK;

/* Storing a plan: rows in chunks, valid once plan.stored is appended, swept otherwise. */
struct mun_plan_row {
	struct mun_id run;
	uint32_t line;
	const char *reason, *ticket; /* or NULL */
	const char *columns;         /* JSON object or NULL */
	size_t columns_len;
};
/* org NULL: mun_journal_plan_index() gets all their runs, before plan.stored. */
enum mun_code mun_journal_plan_rows(struct mun_journal *j, const struct mun_ref *plan,
                                    uint32_t first_item, const struct mun_id *org,
                                    const struct mun_plan_row *rows, size_t len,
                                    struct mun_err *err) MUN_MUST_CHECK;
/* runs: of item 0 and on. Takes 4 bytes a run for the time of the call. */
enum mun_code mun_journal_plan_index(struct mun_journal *j, const struct mun_ref *plan,
                                     const struct mun_id *org, const struct mun_id *runs,
                                     size_t len, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_journal_plan(struct mun_journal *j, const struct mun_ref *plan,
                               struct mun_plan *ret, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_journal_batch(struct mun_journal *j, const struct mun_ref *batch,
                                struct mun_batch *ret, struct mun_err *err) MUN_MUST_CHECK;
/* An untouched item gives a row with state PENDING (CANCELLED in a cancelled batch). */
enum mun_code mun_journal_item(struct mun_journal *j, const struct mun_ref *batch, uint32_t item,
                               struct mun_item *ret, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_journal_exchange(struct mun_journal *j, uint64_t request_seq,
                                   struct mun_exchange *ret, struct mun_err *err) MUN_MUST_CHECK;
struct mun_list_row { /* strings in text: owned by the caller's buffer */
	struct mun_id run;
	uint32_t line;
	const char *reason, *ticket;
};
enum mun_code mun_journal_list_row(struct mun_journal *j, const struct mun_ref *plan, uint32_t item,
                                   struct mun_list_row *ret, struct mun_buf *text,
                                   struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_journal_columns(struct mun_journal *j, const struct mun_ref *plan, uint32_t item,
                                  struct mun_buf *ret, struct mun_err *err) MUN_MUST_CHECK;
/* Items of a batch that are touched and not final (in flight, in doubt, retry), from `from` on:
 * at most max into ret; proportional to them, never to the journal. */
enum mun_code mun_journal_open_items(struct mun_journal *j, const struct mun_ref *batch,
                                     uint32_t from, uint32_t *ret, size_t max, size_t *ret_len,
                                     struct mun_err *err) MUN_MUST_CHECK;
/* Ranges of items of a batch that are pending, in order, from `from` on: at most max, fewer at the
 * end. In time proportional to the touched ones, never to the batch. */
enum mun_code mun_journal_pending(struct mun_journal *j, const struct mun_ref *batch, uint32_t from,
                                  struct mun_range *ret, size_t max, size_t *ret_len,
                                  struct mun_err *err) MUN_MUST_CHECK;
/* Plans and batches in the order in which they were stored and started; fn returns MUN_OK to go
 * on. Newest first when reverse. Rows are copies: no transaction is held while fn runs. */
enum mun_code mun_journal_plans(struct mun_journal *j, bool reverse,
                                enum mun_code (*fn)(void *, const struct mun_plan *,
                                                    struct mun_err *),
                                void *arg, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_journal_batches(struct mun_journal *j, bool reverse,
                                  enum mun_code (*fn)(void *, const struct mun_batch *,
                                                      struct mun_err *),
                                  void *arg, struct mun_err *err) MUN_MUST_CHECK;
/* Every (plan, item) in which the run of org stands: the newest max, oldest plan first. Who must
 * see all of them takes mun_journal_each_place. */
struct mun_place {
	struct mun_ref plan, batch;
	bool has_batch, adopted;
	uint32_t item;
};
enum mun_code mun_journal_by_run(struct mun_journal *j, const struct mun_id *org,
                                 const struct mun_id *run, struct mun_place *ret, size_t max,
                                 size_t *ret_len, struct mun_err *err) MUN_MUST_CHECK;
/* All of them, in no order that means anything. No transaction is held while fn runs. */
typedef enum mun_code (*mun_place_fn)(void *arg, const struct mun_place *p, struct mun_err *err);
enum mun_code mun_journal_each_place(struct mun_journal *j, const struct mun_id *org,
                                     const struct mun_id *run, mun_place_fn fn, void *arg,
                                     struct mun_err *err) MUN_MUST_CHECK;
/* The organizations in whose plans the run stands, at most max. */
enum mun_code mun_journal_by_run_any_org(struct mun_journal *j, const struct mun_id *run,
                                         struct mun_id *ret_org, size_t *ret_orgs, size_t max,
                                         struct mun_err *err) MUN_MUST_CHECK;
/* One entry's bytes appended to ret. NOTFOUND. Its body (decompressed); NOTFOUND when none. */
enum mun_code mun_journal_entry(struct mun_journal *j, uint64_t seq, struct mun_buf *ret,
                                struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_journal_body(struct mun_journal *j, uint64_t seq, struct mun_buf *ret,
                               struct mun_err *err) MUN_MUST_CHECK;
/* Lowest and highest seq worth reading for entries within [since_us, until_us] (block index). */
enum mun_code mun_journal_time_range(struct mun_journal *j, int64_t since_us, int64_t until_us,
                                     uint64_t *ret_first, uint64_t *ret_end, struct mun_err *err)
	MUN_MUST_CHECK;
/* For verify and rebuild only. */
struct mun_store;
struct mun_store *mun_journal_store(struct mun_journal *j);
/*
 * Projections anew from the primary tables: made beside, what differs is brought over in one
 * transaction or none. For writing or REBUILD, which raises an older format. CORRUPT: an entry is
 * damaged, nothing is changed.
 */
enum mun_code mun_journal_rebuild(struct mun_journal *j, struct mun_err *err) MUN_MUST_CHECK;
/* Online copy into dir (must not exist), marked as a backup: from then on only read. The caller
 * verifies it. IO: what was made is removed. */
enum mun_code mun_journal_backup(struct mun_journal *j, const char *dir, struct mun_err *err)
	MUN_MUST_CHECK;
/* Lock of a batch: "<dir>/batch-<id>.lock"; of one writer that must be alone: none needed. */
void mun_journal_lock_path(struct mun_journal *j, const struct mun_ref *batch, char *ret,
                           size_t ret_size);
#endif
