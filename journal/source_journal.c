/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "journal/handle.h"
#include "journal/source_impl.h"
#include "journal/window_of_rows.h"
#include "lib/cursor.h"
#include "lib/pack.h"

#define SLICE_ENTRIES 256
#define SLICE_BYTES   ((size_t)SLICE_ENTRIES * (MUN_ENTRY_MAX + 1))
#define SALT_LEN      32
#define BODY_HEAD     (SALT_LEN + 8) /* salt, length of the uncompressed bytes */

/* A stretch of the log is copied, so that no reader stays open while it is looked at. */
struct from_journal {
	struct mun_source base;
	struct mun_journal *j;
	uint64_t seq, first; /* of the next entry, and of the slice */
	unsigned len;        /* entries in the slice */
	struct {
		size_t at, len;
		bool present;
	} line[SLICE_ENTRIES];
	struct mun_buf bytes;
	struct mun_rows_window lists, bodies;
	struct mun_unpacker *unpacker; /* of bodies */
};

static struct from_journal *of(struct mun_source *s)
{
	return (struct from_journal *)(void *)s;
}

static void close_journal(struct mun_source *s)
{
	mun_buf_done(&of(s)->bytes);
	mun_rows_window_done(&of(s)->lists);
	mun_rows_window_done(&of(s)->bodies);
	mun_unpacker_freep(&of(s)->unpacker);
	free(s);
}

static void add_line(struct from_journal *s, unsigned i, struct mun_val v)
{
	/* one byte too many tells that it is too long */
	size_t len = v.len < MUN_ENTRY_MAX + 1 ? v.len : MUN_ENTRY_MAX + 1;

	s->line[i].present = true;
	s->line[i].at = s->bytes.len;
	s->line[i].len = len;
	mun_buf_add(&s->bytes, v.data, len);
}

/* A page that is damaged is missing entries, not the end. */
static enum mun_code load_each(struct from_journal *s, struct mun_txn *t, unsigned i,
                               struct mun_err *err)
{
	for (; i < s->len; i++) {
		struct mun_key key = mun_key_u64(s->first + i);
		struct mun_val v;
		enum mun_code code = mun_txn_get(t, MUN_T_LOG, mun_key_val(&key), &v, err);
		if (code == MUN_OK)
			add_line(s, i, v);
		else if (code != MUN_E_NOTFOUND && code != MUN_E_CORRUPT)
			return code;
	}
	return MUN_OK;
}

/* One walk along the keys; where it meets something else, each entry is asked for. */
static enum mun_code load_lines(struct from_journal *s, struct mun_txn *t, struct mun_err *err)
{
	struct mun_iter *it MUN_CLEANUP(mun_iter_closep) = NULL;
	struct mun_key from = mun_key_u64(s->first);
	struct mun_val key, v;
	unsigned i = 0;

	for (unsigned k = 0; k < s->len; k++)
		s->line[k].present = false;
	mun_buf_clear(&s->bytes);
	enum mun_code code = mun_iter_open(&it, t, MUN_T_LOG, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(&from), &key, &v, err);
	while (code == MUN_OK && i < s->len && key.len == 8 &&
	       mun_get_u64(key.data) == s->first + i) {
		add_line(s, i++, v);
		if (i < s->len)
			code = mun_iter_next(it, &key, &v, err);
	}
	if (code != MUN_OK && code != MUN_E_NOTFOUND && code != MUN_E_CORRUPT)
		return code;
	code = load_each(s, t, i, err);
	return code == MUN_OK ? mun_buf_check(&s->bytes, "slice of the log", err) : code;
}

static enum mun_code load_slice(struct from_journal *s, struct mun_err *err)
{
	struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;
	uint64_t left = s->base.size - s->seq;

	s->first = s->seq;
	s->len = left < SLICE_ENTRIES ? (unsigned)left : SLICE_ENTRIES;
	enum mun_code code = mun_store_read(&t, mun_journal_store(s->j), err);
	return code == MUN_OK ? load_lines(s, t, err) : code;
}

static enum mun_code next_entry(struct mun_source *base, uint64_t *ret_seq, const char **ret_line,
                                size_t *ret_len, struct mun_err *err)
{
	struct from_journal *s = of(base);

	if (s->seq == base->size)
		return MUN_E_NOTFOUND;
	enum mun_code code = s->seq == s->first + s->len ? load_slice(s, err) : MUN_OK;
	if (code != MUN_OK)
		return code;
	unsigned i = (unsigned)(s->seq - s->first);
	*ret_seq = s->seq++;
	if (!s->line[i].present)
		return mun_fail(err, MUN_E_CORRUPT, "entry #%llu is missing",
		                (unsigned long long)*ret_seq);
	*ret_line = mun_buf_str(&s->bytes) + s->line[i].at;
	*ret_len = s->line[i].len;
	return MUN_OK;
}

static enum mun_code peek(struct mun_source *base, uint64_t *ret_seq, struct mun_err *err)
{
	(void)err;
	*ret_seq = of(base)->seq;
	return of(base)->seq == base->size ? MUN_E_NOTFOUND : MUN_OK;
}

static enum mun_code rewind_journal(struct mun_source *base, struct mun_err *err)
{
	struct from_journal *s = of(base);

	(void)err;
	s->seq = s->first = 0;
	s->len = 0;
	return MUN_OK;
}

static enum mun_code get_entry(struct mun_source *s, uint64_t seq, struct mun_buf *ret,
                               struct mun_err *err)
{
	return mun_journal_entry(of(s)->j, seq, ret, err);
}

static enum mun_code get_list_row(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
                                  struct mun_list_row *ret, struct mun_buf *text,
                                  struct mun_err *err)
{
	struct mun_key key = mun_key_item(plan, item);
	struct mun_val row;

	enum mun_code code =
		mun_rows_window_get(&of(s)->lists, mun_journal_store(of(s)->j), &key, &row, err);
	return code == MUN_OK ? mun_list_row_unpack(ret, row, text, err) : code;
}

static enum mun_code get_columns(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
                                 struct mun_buf *ret, struct mun_err *err)
{
	return mun_journal_columns(of(s)->j, plan, item, ret, err);
}

static enum mun_code get_body(struct mun_source *s, uint64_t seq, uint8_t ret_salt[static 32],
                              struct mun_buf *ret, struct mun_err *err)
{
	struct mun_key key = mun_key_u64(seq);
	struct mun_val row;

	enum mun_code code =
		mun_rows_window_get(&of(s)->bodies, mun_journal_store(of(s)->j), &key, &row, err);
	if (code != MUN_OK)
		return code;
	if (row.len < BODY_HEAD)
		return mun_fail(err, MUN_E_CORRUPT, "a row of table body is damaged");
	const uint8_t *at = row.data;
	memcpy(ret_salt, at, SALT_LEN);
	return mun_unpack(of(s)->unpacker, ret, at + BODY_HEAD, row.len - BODY_HEAD,
	                  mun_get_u64(at + SALT_LEN), err);
}

static enum mun_code no_withheld(struct mun_source *s, uint64_t seq, unsigned *ret_height,
                                 uint8_t ret_hash[static MUN_SHA256_LEN], struct mun_err *err)
{
	(void)s;
	(void)seq;
	(void)ret_height;
	(void)ret_hash;
	(void)err;
	return MUN_E_NOTFOUND;
}

static enum mun_code next_checkpoint(struct mun_source *s, uint64_t above, struct mun_signed *ret,
                                     struct mun_err *err)
{
	enum mun_code code = mun_checkpoint_next(of(s)->j, above, ret, err);

	return code == MUN_OK && ret->size > s->size ? MUN_E_NOTFOUND : code;
}

enum mun_code mun_source_journal(struct mun_source **ret, struct mun_journal *j, uint64_t size,
                                 struct mun_err *err)
{
	static const struct mun_source_ops ops = {
		.close = close_journal,
		.next = next_entry,
		.peek = peek,
		.rewind = rewind_journal,
		.entry = get_entry,
		.list_row = get_list_row,
		.columns = get_columns,
		.body = get_body,
		.withheld = no_withheld,
		.checkpoint = next_checkpoint,
	};
	struct from_journal *s = calloc(1, sizeof(*s));

	if (!s)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a slice of the log");
	s->base = (struct mun_source){ .ops = &ops, .size = size, .bodies = true };
	s->j = j;
	mun_buf_init(&s->bytes, SLICE_BYTES);
	mun_rows_window_init(&s->lists, MUN_T_LIST);
	mun_rows_window_init(&s->bodies, MUN_T_BODY);
	enum mun_code code = mun_unpacker_new(&s->unpacker, err);
	if (code == MUN_OK)
		*ret = &s->base;
	else
		close_journal(&s->base);
	return code;
}
