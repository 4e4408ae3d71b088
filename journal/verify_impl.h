/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VERIFY_IMPL_H
#define MUN_VERIFY_IMPL_H
/* Private to journal/verify*.c. */
#include "journal/members.h"
#include "journal/verify.h"
#include "journal/verify_state.h"
#include "lib/base.h"
#include "lib/tlog/tree.h"

#define MUN_ERASED              (UINT64_C(1) << 63)      /* a mark on a seq */
#define MUN_VERIFY_TEXT_MAX     ((size_t)64 << 20)       /* bytes of a body that is read */
#define MUN_ANCHOR_TOLERANCE_US (120 * INT64_C(1000000)) /* between two clocks */

/* Something that must hold where the pass has reached a size. */
enum mun_point_kind {
	MUN_POINT_CHECKPOINT, /* one of its own, signed by the key in force there */
	MUN_POINT_KEPT,
	MUN_POINT_MARK
};
struct mun_verify_point {
	uint64_t size;
	uint8_t root[MUN_SHA256_LEN];
	enum mun_point_kind kind;
	const char *name;             /* of a kept one */
	uint8_t made[MUN_SHA256_LEN]; /* of the tree there; a bundle's is asked when it is reached
	                               */
};
struct mun_verify_key { /* from a key.added entry */
	uint64_t seq;
	struct mun_vkey key;
	bool used, trusted;
};
struct mun_verify_ended {
	uint64_t seq;
	int64_t time_us;
	struct mun_ref batch;
};
struct mun_verify {
	struct mun_source *source;
	struct mun_journal *j; /* NULL: a bundle */
	const struct mun_verify_options *o;
	struct mun_verdict_report *report;
	uint64_t last_bad; /* MUN_NO_SEQ: none yet */
	bool no_memory;
	bool gap; /* an entry is not known, so what follows looks odd */
	struct mun_verify_state state;
	int64_t last_time_us;
	struct mun_buf text, line; /* scratch */

	struct mun_tree tree;
	uint64_t next; /* entries that were passed, shown or withheld */
	bool broken;   /* some are not known: roots say nothing any more */
	bool unheld;   /* a root did not hold: the first is told */
	uint64_t held; /* the largest size of a point whose root held */

	char origin[MUN_KEY_NAME_MAX + 1]; /* of the first checkpoint, or of journal.created */
	struct mun_verify_point *points;   /* owned; ascending size */
	size_t points_len, points_cap, points_at, points_made;
	struct mun_verify_key *keys; /* owned */
	size_t keys_len, keys_cap;
	uint64_t trusted_size;    /* largest that a key of the options signed, or one it led to */
	uint64_t tail, tail_from; /* entries above the newest signature that are to be signed */

	int64_t *bounds; /* owned: of each anchor, the earliest time of it and those behind it */
	size_t bounds_at;
	uint64_t stamps_unchecked, cosignatures_unchecked;
	struct mun_verify_ended *ended; /* owned */
	size_t ended_len, ended_cap;

	uint64_t *bodiless; /* owned, ascending: entries whose body is not there */
	size_t bodiless_len, bodiless_cap;
	uint64_t bodies_withheld, bodies_found, bodies_large, overrides_unchecked;
	bool has_previous;
	struct mun_previous previous;
	char previous_origin[160];
	bool closure_partial; /* batches whose lists are withheld */
};
enum mun_code mun_verify_begin(struct mun_verify *v, const struct mun_verify_options *options,
                               struct mun_verdict_report *ret, struct mun_err *err) MUN_MUST_CHECK;
/* What came of it becomes the verdict; nothing is left behind when code is no MUN_OK. */
enum mun_code mun_verify_end(struct mun_verify *v, enum mun_code code, struct mun_err *err)
	MUN_MUST_CHECK;
/* Something that makes the journal fail; counted once an entry. */
void mun_verify_bad(struct mun_verify *v, uint64_t seq, const char *fmt, ...) MUN_PRINTF(3, 4);
/* Something that does not fit what came before: bad, unless a gap before it explains it. */
void mun_verify_odd(struct mun_verify *v, uint64_t seq, const char *fmt, ...) MUN_PRINTF(3, 4);
/* Something to know. */
void mun_verify_note(struct mun_verify *v, uint64_t seq, const char *fmt, ...) MUN_PRINTF(3, 4);
void mun_verify_checked(struct mun_verify *v, const char *fmt, ...) MUN_PRINTF(2, 3);
void mun_verify_not_checked(struct mun_verify *v, const char *fmt, ...) MUN_PRINTF(2, 3);
/* The array with room behind its len rows; NULL (and it stays): no memory. */
void *mun_verify_grow(void *array, size_t *cap, size_t len, size_t size, struct mun_err *err);

/* All entries below the head: bytes, leaves, tree, and each through mun_verify_fold(). */
struct mun_anew;
/* anew gets all entries too (NULL: none do); *ret_folded, *ret_why: what came of that. */
enum mun_code mun_verify_chain(struct mun_verify *v, struct mun_anew *anew,
                               enum mun_code *ret_folded, struct mun_err *ret_why,
                               struct mun_err *err) MUN_MUST_CHECK;
/* The same of a bundle, whose lines may be anything. */
enum mun_code mun_verify_lines(struct mun_verify *v, struct mun_err *err) MUN_MUST_CHECK;
/* What the entry at that place holds. */
enum mun_code mun_verify_content(struct mun_verify *v, const char *line, size_t len, uint64_t seq,
                                 struct mun_err *err) MUN_MUST_CHECK;
/* A stretch of entries that are not there, told as one. */
void mun_verify_missing(struct mun_verify *v, uint64_t from, uint64_t count);
/* What the entry says, given all before it. */
enum mun_code mun_verify_fold(struct mun_verify *v, const struct mun_entry *e, struct mun_err *err)
	MUN_MUST_CHECK;
/* After the last entry: what is in doubt. */
void mun_verify_fold_end(struct mun_verify *v);
/* The list of a plan against its hashes; *ret_there: it is there, whole. */
enum mun_code mun_verify_list(struct mun_verify *v, const struct mun_entry *e, bool *ret_there,
                              struct mun_err *err) MUN_MUST_CHECK;
/* A body beside the log against the entry's commitment; one that is not there is kept in mind. */
enum mun_code mun_verify_body(struct mun_verify *v, uint64_t seq, const struct mun_body_ref *body,
                              struct mun_err *err) MUN_MUST_CHECK;
void mun_verify_erased(struct mun_verify *v, const struct mun_entry *e);
void mun_verify_bodies_end(struct mun_verify *v);

/* Before the pass: the checkpoints, their anchors, and what was kept. */
enum mun_code mun_verify_points(struct mun_verify *v, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_verify_add_point(struct mun_verify *v, const struct mun_verify_point *p,
                                   struct mun_err *err) MUN_MUST_CHECK;
/* Whenever v->next has grown. */
enum mun_code mun_verify_reach(struct mun_verify *v, struct mun_err *err) MUN_MUST_CHECK;
void mun_verify_points_end(struct mun_verify *v);

enum mun_code mun_verify_fold_key(struct mun_verify *v, const struct mun_entry *e,
                                  struct mun_err *err) MUN_MUST_CHECK;
/* The checkpoint of v->next entries, by the key that is in force there. */
enum mun_code mun_verify_signature(struct mun_verify *v, uint64_t size, struct mun_err *err)
	MUN_MUST_CHECK;
/* A checkpoint that an entry names: there, with that root and receipt (NULL: not compared). */
enum mun_code mun_verify_named(struct mun_verify *v, uint64_t seq, uint64_t size,
                               const uint8_t *root, const uint8_t *receipt, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_verify_keys_end(struct mun_verify *v);

enum mun_code mun_verify_anchors(struct mun_verify *v, const struct mun_signed *s,
                                 const struct mun_note *note, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_verify_bounds(struct mun_verify *v, struct mun_err *err) MUN_MUST_CHECK;
void mun_verify_fold_time(struct mun_verify *v, const struct mun_entry *e);
enum mun_code mun_verify_fold_ended(struct mun_verify *v, const struct mun_entry *e,
                                    struct mun_err *err) MUN_MUST_CHECK;
void mun_verify_anchors_end(struct mun_verify *v);

enum mun_code mun_verify_previous(struct mun_verify *v, struct mun_err *err) MUN_MUST_CHECK;
/* SHA256SUMS against every file; before anything else is read. */
enum mun_code mun_verify_sums(struct mun_verify *v, const struct mun_members *m,
                              struct mun_err *err) MUN_MUST_CHECK;
/* The files that follow from entries and checkpoint. */
enum mun_code mun_verify_derived(struct mun_verify *v, const struct mun_members *m,
                                 struct mun_err *err) MUN_MUST_CHECK;
/* History, items and summary. */
enum mun_code mun_verify_files(struct mun_verify *v, const struct mun_members *m,
                               struct mun_err *err) MUN_MUST_CHECK;
/* Projections against a rebuild, in scratch tables. Begin sums those of one snapshot, whose head is
 * the report's from then on; *ret_anew is to be folded up to it: end compares. */
struct mun_verify_tables;
enum mun_code mun_verify_tables_begin(struct mun_verify *v, struct mun_verify_tables **ret,
                                      struct mun_anew **ret_anew, struct mun_err *err)
	MUN_MUST_CHECK;
/* folded, why: what came of folding. */
enum mun_code mun_verify_tables_end(struct mun_verify *v, struct mun_verify_tables *t,
                                    enum mun_code folded, const struct mun_err *why,
                                    struct mun_err *err) MUN_MUST_CHECK;
void mun_verify_tables_closep(struct mun_verify_tables **t);
#endif
