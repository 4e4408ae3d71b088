/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_HANDLE_H
#define MUN_HANDLE_H
/* The inside of an open journal, for the modules of this folder alone. */
#include "journal/journal.h"
#include "journal/tables.h"
#include "journal/window.h"
#include "lib/buf.h"
#include "lib/crypto.h"
struct mun_packer;
struct mun_mark_kept {     /* what was found when the journal was opened */
	bool made;         /* there was no mark of a journal that had entries */
	uint64_t since;    /* entries below it are older than the mark of this machine */
	char problem[256]; /* why no mark is kept; "" */
};
struct mun_journal {
	struct mun_store *store;
	char *dir;
	char *state_dir; /* of its high-water mark; NULL: none is kept */
	struct mun_mark_kept mark;
	enum mun_journal_mode mode;
	const struct mun_clock *clock;
	char fs_warning[200];
	bool created;
	struct mun_journal_id id;
	uint8_t fingerprint_key[MUN_KEY_LEN];
	uint8_t salt[MUN_SALT_LEN]; /* of boot and machine */
	uint32_t format;            /* version that last wrote it */
	bool has_seen;
	struct mun_tree seen; /* the head that this process saw last */
	uint64_t newest_size; /* of the log, when its newest entry was written at newest_us */
	int64_t newest_us;
	bool commit_failed; /* from then on no request is admitted */
	struct mun_window_cache window;
	struct mun_buf line;
	struct mun_packer *packer; /* of bodies; made by the first */
	bool has_boot;
	uint8_t boot_id[MUN_BOOT_LEN], boot[6];
};
#define MUN_META_ID_LEN      16
#define MUN_META_FORMAT      "format" /* u32 version, u32 min_reader, u32 min_writer */
#define MUN_META_ID          "id"
#define MUN_META_ORIGIN      "origin"
#define MUN_META_FINGERPRINT "fingerprint_key"
#define MUN_META_SALT        "salt"
#define MUN_META_BACKUP      "backup"
#define MUN_META_ROWS        "rows/" /* and a plan: its rows are being stored since then */
/* What goes wrong below becomes MUN_E_JOURNAL; damage, FULL, NOMEM and bugs stay what they are. */
enum mun_code mun_journal_failed(const struct mun_journal *j, enum mun_code code,
                                 struct mun_err *err);
struct mun_val mun_text_val(const char *s);
/* What a new journal begins with, within the transaction that found none. */
enum mun_code mun_journal_create(struct mun_journal *j, const struct mun_journal_options *o,
                                 struct mun_txn *t, struct mun_err *err) MUN_MUST_CHECK;
/* Of writers: JOURNAL where the journal does not fit its mark; else the mark is brought up. */
enum mun_code mun_mark_open(struct mun_journal *j, struct mun_err *err) MUN_MUST_CHECK;
/* The last thing that a writer does; what fails is said by the next one. */
void mun_mark_close(struct mun_journal *j);
/* Formats, backup mark and head: each write transaction begins with these. */
enum mun_code mun_journal_guard(struct mun_journal *j, struct mun_txn *t, struct mun_tree *ret,
                                struct mun_err *err) MUN_MUST_CHECK;
/* For getters. What this process wrote must be there: JOURNAL when an older copy stands in place.
 */
enum mun_code mun_journal_begin_read(struct mun_txn **ret, struct mun_journal *j,
                                     struct mun_err *err) MUN_MUST_CHECK;
/* This program's format numbers. */
enum mun_code mun_journal_put_format(struct mun_txn *t, struct mun_err *err) MUN_MUST_CHECK;
/* One reading of the clock; boot is the salted hash. */
void mun_journal_now(struct mun_journal *j, struct mun_now *ret);
/* The entries of g within t, behind *tree; returns the new tree. Nothing is committed. */
enum mun_code mun_append_within(struct mun_journal *j, struct mun_txn *t, struct mun_tree *tree,
                                struct mun_group *g, unsigned *ret_admitted, struct mun_err *err)
	MUN_MUST_CHECK;
/* CORRUPT: no row of table list. */
enum mun_code mun_list_row_unpack(struct mun_list_row *ret, struct mun_val v, struct mun_buf *text,
                                  struct mun_err *err) MUN_MUST_CHECK;
/* Delete rows of plans whose storing was given up. */
enum mun_code mun_list_sweep(struct mun_journal *j, struct mun_txn *t, struct mun_err *err)
	MUN_MUST_CHECK;
/* The rows of a plan are complete: called with its plan.stored. */
enum mun_code mun_list_finish(struct mun_txn *t, const struct mun_entry *e, struct mun_err *err)
	MUN_MUST_CHECK;
/* Keys of by_run that the rows of a plan give, from *item on, at most max; *item goes on with them
 * and is plan->items at the end. */
enum mun_code mun_list_each(struct mun_txn *t, const struct mun_plan *plan, uint32_t *item,
                            unsigned max,
                            enum mun_code (*fn)(void *arg, const struct mun_key *key,
                                                struct mun_err *err),
                            void *arg, struct mun_err *err) MUN_MUST_CHECK;
/* Plans whose rows are being stored, one behind the other: their keys of by_run come first. */
enum mun_code mun_list_marks(struct mun_txn *t, struct mun_buf *ret, struct mun_err *err)
	MUN_MUST_CHECK;
bool mun_list_is_marked(const struct mun_buf *marks, const struct mun_key *by_run);
#endif
