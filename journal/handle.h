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
struct mun_journal {
	struct mun_store *store;
	char *dir;
	enum mun_journal_mode mode;
	const struct mun_clock *clock;
	char fs_warning[200];
	bool created;
	struct mun_journal_id id;
	uint8_t fingerprint_key[MUN_KEY_LEN];
	uint8_t salt[MUN_SALT_LEN]; /* of boot and machine */
	bool has_seen;
	struct mun_tree seen; /* the head that this process saw last */
	struct mun_window_cache window;
	struct mun_buf line;
	struct mun_packer *packer; /* of bodies; made by the first */
	bool has_boot;
	uint8_t boot_id[MUN_BOOT_LEN], boot[6];
};
#define MUN_META_FORMAT      "format" /* u32 version, u32 min_reader, u32 min_writer */
#define MUN_META_ID          "id"
#define MUN_META_ORIGIN      "origin"
#define MUN_META_FINGERPRINT "fingerprint_key"
#define MUN_META_SALT        "salt"
#define MUN_META_BACKUP      "backup"
#define MUN_META_ROWS        "rows/" /* and a plan: its rows are being stored since then */
/* What goes wrong below becomes MUN_E_JOURNAL; FULL, NOMEM and bugs stay what they are. */
enum mun_code mun_journal_failed(const struct mun_journal *j, enum mun_code code,
                                 struct mun_err *err);
struct mun_val mun_text_val(const char *s);
/* Formats, backup mark and head: each write transaction begins with these. */
enum mun_code mun_journal_guard(struct mun_journal *j, struct mun_txn *t, struct mun_tree *ret,
                                struct mun_err *err) MUN_MUST_CHECK;
/* One reading of the clock; boot is the salted hash. */
void mun_journal_now(struct mun_journal *j, struct mun_now *ret);
/* The entries of g within t, behind *tree; returns the new tree. Nothing is committed. */
enum mun_code mun_append_within(struct mun_journal *j, struct mun_txn *t, struct mun_tree *tree,
                                struct mun_group *g, unsigned *ret_admitted, struct mun_err *err)
	MUN_MUST_CHECK;
/* Delete rows of plans whose storing was given up. */
enum mun_code mun_list_sweep(struct mun_journal *j, struct mun_txn *t, struct mun_err *err)
	MUN_MUST_CHECK;
/* The rows of a plan are complete: called with its plan.stored. */
enum mun_code mun_list_finish(struct mun_txn *t, const struct mun_entry *e, struct mun_err *err)
	MUN_MUST_CHECK;
/* by_run of the stored rows of one plan. */
enum mun_code mun_list_index(struct mun_txn *source, struct mun_txn *txn,
                             const struct mun_plan *plan, struct mun_err *err) MUN_MUST_CHECK;
/* All projections of source's primary tables into txn (which may be the same). */
enum mun_code mun_rebuild_into(struct mun_txn *source, struct mun_txn *txn, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
