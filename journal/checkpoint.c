/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/checkpoint.h"

#include <string.h>

#include "journal/checkpoint_impl.h"
#include "journal/prove_impl.h"
#include "lib/cursor.h"
#include "lib/text.h"

#define STAMP_MAX       ((size_t)64 * 1024)
#define BY_MAX          4096
#define ROW_BYTES_MAX   (8 + MUN_NOTE_MAX + MUN_STAMPS_MAX * (4 + STAMP_MAX))
#define ROOM_OF_ENTRIES ((size_t)128 * 1024) /* the anchor's and one of a clock that jumped */

void mun_signed_init(struct mun_signed *s)
{
	*s = (struct mun_signed){ .size = 0 };
	mun_buf_init(&s->note, MUN_NOTE_MAX);
	mun_buf_init(&s->stamp, MUN_STAMPS_MAX * STAMP_MAX);
}

void mun_signed_done(struct mun_signed *s)
{
	mun_buf_done(&s->note);
	mun_buf_done(&s->stamp);
	s->size = 0;
	s->signed_len = 0;
	s->stamps_len = 0;
}

static void add_u32(struct mun_buf *out, size_t n)
{
	uint8_t bytes[4];

	mun_put_u32(bytes, (uint32_t)n);
	mun_buf_add(out, bytes, sizeof(bytes));
}

static void pack(struct mun_buf *out, const struct mun_signed *s)
{
	add_u32(out, s->note.len);
	add_u32(out, s->signed_len);
	mun_buf_add(out, s->note.data, s->note.len);
	for (size_t i = 0; i < s->stamps_len; i++) {
		add_u32(out, s->stamps[i].len);
		mun_buf_add(out, s->stamp.data + s->stamps[i].at, s->stamps[i].len);
	}
}

static void add_stamp(struct mun_signed *s, const void *data, size_t len)
{
	s->stamps[s->stamps_len].at = s->stamp.len;
	s->stamps[s->stamps_len++].len = len;
	mun_buf_add(&s->stamp, data, len);
}

/* false: not a row that pack() makes. */
static bool read_row(struct mun_signed *ret, struct mun_cursor *c)
{
	size_t note_len = mun_cursor_u32(c);
	size_t signed_len = mun_cursor_u32(c);
	const uint8_t *note = mun_cursor_bytes(c, note_len);

	if (note == NULL || note_len > MUN_NOTE_MAX || signed_len == 0 || signed_len > note_len)
		return false;
	mun_buf_add(&ret->note, note, note_len);
	ret->signed_len = signed_len;
	while (c->left > 0) {
		size_t len = mun_cursor_u32(c);
		const uint8_t *stamp = mun_cursor_bytes(c, len);

		if (stamp == NULL || len == 0 || len > STAMP_MAX ||
		    ret->stamps_len == MUN_STAMPS_MAX)
			return false;
		add_stamp(ret, stamp, len);
	}
	return !c->failed;
}

static enum mun_code unpack(struct mun_signed *ret, struct mun_val key, struct mun_val row,
                            struct mun_err *err)
{
	struct mun_cursor c;
	bool good;

	mun_buf_clear(&ret->note);
	mun_buf_clear(&ret->stamp);
	ret->stamps_len = 0;
	mun_cursor_init(&c, row.data, row.len);
	good = key.len == 8 && read_row(ret, &c);
	if (ret->note.failed || ret->stamp.failed)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a checkpoint");
	if (!good)
		return mun_fail(err, MUN_E_CORRUPT, "a row of table checkpoint is damaged");
	ret->size = mun_get_u64(key.data);
	return MUN_OK;
}

enum mun_code mun_checkpoint_row(struct mun_txn *t, uint64_t size, struct mun_signed *ret,
                                 struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_key k = mun_key_u64(size);
	struct mun_val key, row;
	enum mun_code code = mun_iter_open(&it, t, MUN_T_CHECKPOINT, err);

	if (code == MUN_OK)
		code = mun_iter_seek_last(it, mun_key_val(&k), &key, &row, err);
	return code == MUN_OK ? unpack(ret, key, row, err) : code;
}

static enum mun_code nothing_signed(uint64_t size, const char *where, struct mun_err *err)
{
	if (size == MUN_NO_SEQ)
		(void)mun_fail(err, MUN_E_NOTFOUND, "nothing is signed in this journal");
	else
		(void)mun_fail(err, MUN_E_NOTFOUND, "nothing is signed %s %llu entries", where,
		               (unsigned long long)size);
	mun_hint(err, "muniment checkpoint");
	return MUN_E_NOTFOUND;
}

enum mun_code mun_checkpoint_newest(struct mun_journal *j, uint64_t size, struct mun_signed *ret,
                                    struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code != MUN_OK)
		return code;
	code = mun_checkpoint_row(t, size, ret, err);
	return code == MUN_E_NOTFOUND ? nothing_signed(size, "up to", err)
	                              : mun_journal_failed(j, code, err);
}

enum mun_code mun_checkpoint_next(struct mun_journal *j, uint64_t size, struct mun_signed *ret,
                                  struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_key k = mun_key_u64(size + 1);
	struct mun_val key, row;
	enum mun_code code;

	if (size == UINT64_MAX)
		return nothing_signed(size, "above", err);
	code = mun_journal_begin_read(&t, j, err);
	if (code != MUN_OK)
		return code;
	code = mun_iter_open(&it, t, MUN_T_CHECKPOINT, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(&k), &key, &row, err);
	if (code == MUN_OK)
		code = unpack(ret, key, row, err);
	return code == MUN_E_NOTFOUND ? nothing_signed(size, "above", err)
	                              : mun_journal_failed(j, code, err);
}

/* INPUT. */
static enum mun_code read_note(const struct mun_journal *j, uint64_t size, const char *note,
                               size_t len, struct mun_checkpoint *ret, struct mun_note *ret_note,
                               struct mun_err *err)
{
	enum mun_code code = mun_checkpoint_read(ret, ret_note, note, len, err);

	if (code == MUN_OK && strcmp(ret->origin, j->id.origin) != 0)
		return mun_fail(err, MUN_E_INPUT, "it is a checkpoint of another journal");
	if (code == MUN_OK && ret->size != size)
		return mun_fail(err, MUN_E_INPUT, "it is a checkpoint of %llu entries, not %llu",
		                (unsigned long long)ret->size, (unsigned long long)size);
	return code;
}

enum mun_code mun_checkpoint_of(const struct mun_journal *j, const struct mun_signed *s,
                                struct mun_checkpoint *ret, struct mun_err *err)
{
	struct mun_note note;
	enum mun_code code =
		read_note(j, s->size, mun_buf_str(&s->note), s->note.len, ret, &note, err);

	if (code != MUN_E_INPUT)
		return code;
	return mun_wrap(err, MUN_E_CORRUPT, "the checkpoint at %llu entries",
	                (unsigned long long)s->size);
}

/* Room first, then what each write transaction begins with. */
static enum mun_code begin(struct mun_txn **ret, struct mun_journal *j, size_t bytes,
                           struct mun_tree *ret_tree, struct mun_err *err)
{
	enum mun_code code;

	if (j->mode == MUN_JOURNAL_READ)
		return mun_fail(err, MUN_E_JOURNAL, "it is open for reading alone");
	code = mun_store_reserve(j->store, bytes + ROOM_OF_ENTRIES, err);
	if (code == MUN_OK)
		code = mun_store_write(ret, j->store, err);
	return code == MUN_OK ? mun_journal_guard(j, *ret, ret_tree, err) : code;
}

static enum mun_code commit(struct mun_journal *j, struct mun_txn *t, const struct mun_tree *tree,
                            struct mun_err *err)
{
	enum mun_code code = mun_txn_commit(t, err);

	if (code != MUN_OK) {
		j->commit_failed = true;
		return code;
	}
	j->seen = *tree;
	j->has_seen = true;
	return mun_store_still_there(j->store, err);
}

/* As for entries: what a writer finds damaged it does not trust; verify says what it is. */
static enum mun_code failed(const struct mun_journal *j, enum mun_code code, struct mun_err *err)
{
	if (code == MUN_E_NOTFOUND || code == MUN_E_INPUT)
		return code;
	return mun_journal_failed(j, code == MUN_E_CORRUPT ? MUN_E_JOURNAL : code, err);
}

static enum mun_code put_row(struct mun_txn *t, const struct mun_signed *s, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf row;
	struct mun_key key = mun_key_u64(s->size);
	enum mun_code code;

	mun_buf_init(&row, ROW_BYTES_MAX);
	pack(&row, s);
	code = mun_buf_check(&row, "a checkpoint", err);
	if (code != MUN_OK)
		return code;
	return mun_txn_put(t, MUN_T_CHECKPOINT, mun_key_val(&key), mun_val(row.data, row.len), err);
}

/* What was signed is what stands here: between reading and writing the file may have changed. */
static enum mun_code check_root(struct mun_txn *t, const struct mun_tree *tree,
                                const struct mun_checkpoint *c, struct mun_err *err)
{
	uint8_t root[MUN_SHA256_LEN];
	enum mun_code code = MUN_OK;

	if (c->size > tree->size)
		return mun_fail(err, MUN_E_JOURNAL, "it has %llu entries, not %llu",
		                (unsigned long long)tree->size, (unsigned long long)c->size);
	code = mun_tree_root_at(root, c->size, mun_prove_node, t, err);
	if (code == MUN_OK && memcmp(root, c->root, sizeof(root)) != 0)
		return mun_fail(err, MUN_E_JOURNAL,
		                "its first %llu entries do not have the root that was signed",
		                (unsigned long long)c->size);
	return code;
}

static enum mun_code put(struct mun_journal *j, uint64_t size, const char *note, size_t len,
                         struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct mun_checkpoint c;
	struct mun_note parsed;
	struct mun_key key = mun_key_u64(size);
	struct mun_tree tree;
	struct mun_val row;
	enum mun_code code = read_note(j, size, note, len, &c, &parsed, err);

	mun_signed_init(&s);
	if (code == MUN_OK)
		code = begin(&t, j, len, &tree, err);
	if (code == MUN_OK)
		code = check_root(t, &tree, &c, err);
	if (code != MUN_OK)
		return code;
	code = mun_txn_get(t, MUN_T_CHECKPOINT, mun_key_val(&key), &row, err);
	if (code != MUN_E_NOTFOUND)
		return code;
	s.size = size;
	s.signed_len = len;
	mun_buf_add(&s.note, note, len);
	code = mun_buf_check(&s.note, "a checkpoint", err);
	if (code == MUN_OK)
		code = put_row(t, &s, err);
	return code == MUN_OK ? commit(j, MUN_STEAL(t), &tree, err) : code;
}

enum mun_code mun_checkpoint_put(struct mun_journal *j, uint64_t size, const char *note, size_t len,
                                 struct mun_err *err)
{
	return failed(j, put(j, size, note, len, err), err);
}

static bool same_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && memcmp(a, b, a_len) == 0;
}

static bool has_line(const struct mun_note *n, const struct mun_anchor *a)
{
	for (size_t i = 0; i < n->sig_len; i++)
		if (same_bytes(n->sig[i].line, n->sig[i].len, a->line, a->line_len))
			return true;
	return false;
}

static bool has_stamp(const struct mun_signed *s, const struct mun_anchor *a)
{
	for (size_t i = 0; i < s->stamps_len; i++)
		if (same_bytes(s->stamp.data + s->stamps[i].at, s->stamps[i].len, a->stamp,
		               a->stamp_len))
			return true;
	return false;
}

/* The note with the line must be a note with one line more. */
static enum mun_code add_line(struct mun_signed *s, size_t lines, const struct mun_anchor *a,
                              struct mun_err *err)
{
	struct mun_note n;
	enum mun_code code;

	if (a->line_len > MUN_NOTE_MAX - s->note.len)
		return mun_fail(err, MUN_E_INPUT, "a checkpoint keeps at most %zu bytes of note",
		                MUN_NOTE_MAX);
	mun_buf_add(&s->note, a->line, a->line_len);
	code = mun_buf_check(&s->note, "a checkpoint", err);
	if (code == MUN_OK)
		code = mun_note_parse(&n, s->note.data, s->note.len, err);
	if (code == MUN_OK && n.sig_len != lines + 1)
		return mun_fail(err, MUN_E_INPUT, "it is not one signature line");
	return code;
}

static enum mun_code check_stamp(const struct mun_signed *s, const struct mun_anchor *a,
                                 struct mun_err *err)
{
	if (a->stamp_len == 0 || a->stamp_len > STAMP_MAX)
		return mun_fail(err, MUN_E_INPUT, "a time stamp has %zu bytes, the limit is %zu",
		                a->stamp_len, STAMP_MAX);
	if (s->stamps_len == MUN_STAMPS_MAX)
		return mun_fail(err, MUN_E_INPUT, "a checkpoint keeps at most %d time stamps",
		                MUN_STAMPS_MAX);
	return MUN_OK;
}

/* *ret_new: it was not there yet. */
static enum mun_code add_anchor(const struct mun_journal *j, struct mun_signed *s,
                                const struct mun_anchor *a, struct mun_entry *e, bool *ret_new,
                                struct mun_err *err)
{
	struct mun_checkpoint c;
	struct mun_note note;
	enum mun_code code = mun_checkpoint_of(j, s, &c, err);

	if (code == MUN_OK)
		code = mun_note_parse(&note, s->note.data, s->note.len, err);
	if (code != MUN_OK)
		return code;
	*ret_new = a->line != NULL ? !has_line(&note, a) : !has_stamp(s, a);
	if (!*ret_new)
		return MUN_OK;
	if (a->line != NULL)
		code = add_line(s, note.sig_len, a, err);
	else
		code = check_stamp(s, a, err);
	if (code != MUN_OK)
		return code;
	if (a->line == NULL)
		add_stamp(s, a->stamp, a->stamp_len);
	e->u.anchored.size = c.size;
	memcpy(e->u.anchored.root, c.root, sizeof(c.root));
	if (a->line != NULL)
		mun_sha256(e->u.anchored.receipt, a->line, a->line_len - 1);
	else
		mun_sha256(e->u.anchored.receipt, a->stamp, a->stamp_len);
	return mun_buf_check(&s->stamp, "time stamps", err);
}

/* Of exactly this size. */
static enum mun_code row_of(struct mun_txn *t, uint64_t size, struct mun_signed *ret,
                            struct mun_err *err)
{
	enum mun_code code = mun_checkpoint_row(t, size, ret, err);

	if (code == MUN_E_NOTFOUND || (code == MUN_OK && ret->size != size))
		return nothing_signed(size, "of", err);
	return code;
}

/* How large the row will be. */
static enum mun_code row_bytes(struct mun_journal *j, const struct mun_anchor *a, size_t *ret,
                               struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	mun_signed_init(&s);
	if (code == MUN_OK)
		code = row_of(t, a->size, &s, err);
	*ret = s.note.len + s.stamp.len + a->line_len + a->stamp_len;
	return code;
}

static enum mun_code anchor(struct mun_journal *j, const struct mun_anchor *a, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct mun_entry e = { .kind = MUN_K_ANCHORED, .item = MUN_NO_ITEM };
	struct mun_group g = { .entries = &e, .len = 1 };
	struct mun_tree tree;
	unsigned admitted;
	bool new = false;
	size_t bytes;
	enum mun_code code = row_bytes(j, a, &bytes, err);

	mun_signed_init(&s);
	if (code == MUN_OK)
		code = begin(&t, j, bytes, &tree, err);
	if (code == MUN_OK)
		code = row_of(t, a->size, &s, err);
	if (code == MUN_OK)
		code = add_anchor(j, &s, a, &e, &new, err);
	if (code != MUN_OK || !new)
		return code;
	e.u.anchored.kind = a->line != NULL ? "witness" : "timestamp";
	e.u.anchored.by = a->by;
	code = put_row(t, &s, err);
	if (code == MUN_OK)
		code = mun_append_within(j, t, &tree, &g, &admitted, err);
	return code == MUN_OK ? commit(j, MUN_STEAL(t), &tree, err) : code;
}

enum mun_code mun_checkpoint_anchor(struct mun_journal *j, const struct mun_anchor *a,
                                    struct mun_err *err)
{
	size_t len = a->by != NULL ? strlen(a->by) : 0;

	if (len > BY_MAX || (len > 0 && mun_utf8_bad(a->by, len) != len))
		return mun_fail(err, MUN_E_INPUT, "the name of who anchored it is no text");
	return failed(j, anchor(j, a, err), err);
}
