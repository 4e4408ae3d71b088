/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SOURCE_H
#define MUN_SOURCE_H
/*
 * Entries and what belongs to them, from an open journal or from an evidence bundle: what verify
 * checks and what an export is folded from. Read in slices, so no transaction stays open while a
 * line is looked at. A line is borrowed until the next call of the same function.
 */
#include "journal/checkpoint.h"
struct mun_source;
/* Bytes of a line of bodies.jsonl that is read: a body in base64 and a little. Only the raw list of
 * a plan can be longer; it then counts as withheld. */
#define MUN_BODY_LINE ((size_t)8 << 20)
/* Of the first `size` entries; j stays open longer than the source. */
enum mun_code mun_source_journal(struct mun_source **ret, struct mun_journal *j, uint64_t size,
                                 struct mun_err *err) MUN_MUST_CHECK;
/* Of a bundle that lies in dir. CORRUPT: what it lacks to be one. Nothing of it is trusted. */
enum mun_code mun_source_bundle(struct mun_source **ret, const char *dir, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_source_closep(struct mun_source **s);
bool mun_source_is_bundle(const struct mun_source *s);
bool mun_source_is_partial(const struct mun_source *s); /* some entries are withheld */
bool mun_source_has_bodies(const struct mun_source *s); /* a journal, or a bundle with them */
uint64_t mun_source_size(const struct mun_source *s);   /* of the tree, withheld entries too */
/* The next entry in order; NOTFOUND at the end. A filtered bundle skips what it withholds. An entry
 * that is missing or cannot be read is CORRUPT, and the next call goes on behind it. */
enum mun_code mun_source_next(struct mun_source *s, uint64_t *ret_seq, const char **ret_line,
                              size_t *ret_len, struct mun_err *err) MUN_MUST_CHECK;
/* The number of the entry that comes next, as it says itself. NOTFOUND; CORRUPT: it says none. What
 * was borrowed is gone. */
enum mun_code mun_source_peek(struct mun_source *s, uint64_t *ret_seq, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_source_rewind(struct mun_source *s, struct mun_err *err) MUN_MUST_CHECK;
/* One entry by its number, appended to ret. NOTFOUND: withheld or beyond the size. */
enum mun_code mun_source_entry(struct mun_source *s, uint64_t seq, struct mun_buf *ret,
                               struct mun_err *err) MUN_MUST_CHECK;
/* Row of a plan's list. NOTFOUND: the list, or this item, is not there. */
enum mun_code mun_source_list_row(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
                                  struct mun_list_row *ret, struct mun_buf *text,
                                  struct mun_err *err) MUN_MUST_CHECK;
/* Other columns of the manifest (JSON object); NOTFOUND: none kept, or a bundle. */
enum mun_code mun_source_columns(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
                                 struct mun_buf *ret, struct mun_err *err) MUN_MUST_CHECK;
/* Body of an entry with its salt; NOTFOUND: erased, withheld or never kept. */
enum mun_code mun_source_body(struct mun_source *s, uint64_t seq, uint8_t ret_salt[static 32],
                              struct mun_buf *ret, struct mun_err *err) MUN_MUST_CHECK;
/* The subtree of 2^height leaves from seq on that a filtered bundle withholds. NOTFOUND: seq begins
 * none. */
enum mun_code mun_source_withheld(struct mun_source *s, uint64_t seq, unsigned *ret_height,
                                  uint8_t ret_hash[static MUN_SHA256_LEN], struct mun_err *err)
	MUN_MUST_CHECK;
/* The oldest checkpoint whose size is above that and not beyond the source's. NOTFOUND. */
enum mun_code mun_source_checkpoint(struct mun_source *s, uint64_t above, struct mun_signed *ret,
                                    struct mun_err *err) MUN_MUST_CHECK;
#endif
