/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/window_of_rows.h"

#include <string.h>

#define BYTES_MAX ((size_t)1 << 20)  /* read ahead */
#define ROW_BYTES ((size_t)16 << 20) /* of one row */

void mun_rows_window_init(struct mun_rows_window *w, enum mun_table table)
{
	*w = (struct mun_rows_window){ .table = table };
	mun_buf_init(&w->bytes, BYTES_MAX + ROW_BYTES);
}

void mun_rows_window_done(struct mun_rows_window *w)
{
	mun_buf_done(&w->bytes);
}

static int compare(const struct mun_key *a, const struct mun_key *b)
{
	size_t len = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->bytes, b->bytes, len);

	return order != 0 || a->len == b->len ? order : a->len < b->len ? -1 : 1;
}

static bool copy_row(struct mun_rows_window *w, struct mun_val key, struct mun_val v)
{
	if (key.len > sizeof(w->row[0].key.bytes))
		return false;
	memcpy(w->row[w->len].key.bytes, key.data, key.len);
	w->row[w->len].key.len = key.len;
	w->row[w->len].at = w->bytes.len;
	w->row[w->len].len = v.len;
	mun_buf_add(&w->bytes, v.data, v.len);
	if (w->bytes.failed)
		return false;
	w->len++;
	return true;
}

/* A damaged page ends it: what stands there is asked for by itself. */
static enum mun_code fill(struct mun_rows_window *w, struct mun_txn *t, const struct mun_key *from,
                          struct mun_err *err)
{
	struct mun_iter *it MUN_CLEANUP(mun_iter_closep) = NULL;
	struct mun_val key, v;

	w->len = w->last = 0;
	w->from = *from;
	mun_buf_clear(&w->bytes);
	enum mun_code code = mun_iter_open(&it, t, w->table, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_key_val(from), &key, &v, err);
	while (code == MUN_OK && w->len < w->ahead && w->bytes.len < BYTES_MAX &&
	       copy_row(w, key, v))
		if (w->len < w->ahead)
			code = mun_iter_next(it, &key, &v, err);
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

/* The row, where the window shows that it is there, or is not. */
static bool find(struct mun_rows_window *w, const struct mun_key *key, enum mun_code *ret_code,
                 struct mun_val *ret)
{
	if (w->len == 0 || compare(key, &w->from) < 0 || compare(key, &w->row[w->len - 1].key) > 0)
		return false;
	if (compare(key, &w->row[w->last].key) < 0)
		w->last = 0;
	while (compare(&w->row[w->last].key, key) < 0)
		w->last++;
	*ret_code = compare(&w->row[w->last].key, key) == 0 ? MUN_OK : MUN_E_NOTFOUND;
	*ret = mun_val(mun_buf_str(&w->bytes) + w->row[w->last].at, w->row[w->last].len);
	return true;
}

enum mun_code mun_rows_window_get(struct mun_rows_window *w, struct mun_store *store,
                                  const struct mun_key *key, struct mun_val *ret,
                                  struct mun_err *err)
{
	struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;
	enum mun_code code;

	if (find(w, key, &code, ret))
		return code;
	bool goes_on = w->len > 0 && w->last + 2 >= w->len;
	w->ahead = !goes_on ? 4 : w->ahead * 4 < MUN_ROWS_AHEAD ? w->ahead * 4 : MUN_ROWS_AHEAD;
	code = mun_store_read(&t, store, err);
	if (code == MUN_OK)
		code = fill(w, t, key, err);
	if (code != MUN_OK && code != MUN_E_CORRUPT)
		return code;
	if (find(w, key, &code, ret))
		return code;
	w->len = 0;
	code = mun_txn_get(t, w->table, mun_key_val(key), ret, err);
	if (code != MUN_OK)
		return code;
	mun_buf_clear(&w->bytes);
	mun_buf_add(&w->bytes, ret->data, ret->len);
	*ret = mun_val(mun_buf_str(&w->bytes), w->bytes.len);
	return mun_buf_check(&w->bytes, "a row", err);
}
