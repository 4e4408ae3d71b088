/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/checkpoint_view.h"

#include <string.h>

#include "cmd/out.h"
#include "cmd/rows.h"
#include "lib/canon.h"
#include "lib/cursor.h"
#include "lib/date.h"
#include "lib/digest.h"
#include "lib/hex.h"
#include "lib/timestamp.h"
#include "lib/tlog/checkpoint.h"

#define OUT_MAX ((size_t)1 << 20)

struct anchor {
	const char *kind, *by;
	size_t by_len;
	int64_t time_us; /* MUN_TIME_NONE: unreadable */
};

typedef void (*anchor_fn)(void *arg, const struct anchor *a);

static bool is_ours(const struct mun_signed *s, const struct mun_note_line *line)
{
	return (size_t)(line->line - s->note.data) < s->signed_len;
}

#define LAST_SECOND 253402300799u /* of the year 9999 */

static int64_t time_of(uint64_t seconds)
{
	return seconds <= LAST_SECOND ? (int64_t)seconds * 1000000 : MUN_TIME_NONE;
}

/* Cosignatures in the order of the note, then the time stamps as they came. */
static void each_anchor(const struct mun_signed *s, const struct mun_note *note, anchor_fn fn,
                        void *arg)
{
	uint8_t digest[MUN_SHA256_LEN];

	for (size_t i = 0; i < note->sig_len; i++) {
		const struct mun_note_line *line = &note->sig[i];
		struct anchor a = { "witness", line->name, line->name_len, MUN_TIME_NONE };

		if (is_ours(s, line))
			continue;
		if (line->sig_len == 8 + MUN_SIGNATURE_LEN)
			a.time_us = time_of(mun_get_u64(line->sig));
		fn(arg, &a);
	}
	mun_sha256(digest, s->note.data, s->signed_len);
	for (size_t i = 0; i < s->stamps_len; i++) {
		struct mun_timestamp t = { .by = "" };
		struct mun_err ignored;
		bool read = mun_timestamp_read(&t, s->stamp.data + s->stamps[i].at,
		                               s->stamps[i].len, digest, &ignored) == MUN_OK;
		struct anchor a = { "timestamp", t.by, strlen(t.by),
			            read ? t.time_us : MUN_TIME_NONE };

		fn(arg, &a);
	}
}

static void add_anchor(void *arg, const struct anchor *a)
{
	struct mun_canon *c = arg;
	char time[MUN_DATE_MAX];

	mun_canon_object(c, NULL);
	mun_canon_str(c, "kind", a->kind);
	if (a->by_len > 0)
		mun_canon_strn(c, "by", a->by, a->by_len);
	else
		mun_canon_null(c, "by");
	if (a->time_us != MUN_TIME_NONE)
		mun_date_format(time, a->time_us);
	mun_canon_str(c, "time", a->time_us != MUN_TIME_NONE ? time : NULL);
	mun_canon_end(c);
}

/* s NULL: an object without values. */
static enum mun_code make_object(struct mun_buf *ret, struct mun_journal *j,
                                 const struct mun_signed *s, struct mun_err *err)
{
	char root[2 * MUN_SHA256_LEN + 1] = "", vkey[MUN_VKEY_TEXT] = "";
	struct mun_checkpoint c = { .size = 0 };
	struct mun_note note = { .sig_len = 0 };
	struct mun_canon out;
	struct mun_vkey key;
	uint64_t seq;
	enum mun_code code = MUN_OK;

	if (s)
		code = mun_checkpoint_read(&c, &note, s->note.data, s->note.len, err);
	if (code == MUN_OK && s)
		code = mun_journal_key(j, c.size, &key, &seq, err);
	if (code != MUN_OK)
		return mun_wrap(err, code == MUN_E_INPUT ? MUN_E_CORRUPT : code, "checkpoint");
	if (s)
		mun_vkey_format(vkey, &key);
	mun_hex_encode(root, c.root, sizeof(c.root));
	mun_canon_init(&out, ret);
	mun_canon_loose(&out);
	mun_canon_object(&out, NULL);
	mun_canon_int(&out, "size", (int64_t)c.size);
	mun_canon_str(&out, "root", root);
	mun_canon_str(&out, "origin", c.origin);
	mun_canon_str(&out, "key", vkey);
	mun_canon_strn(&out, "note", s ? s->note.data : "", s ? s->note.len : 0);
	mun_canon_array(&out, "anchors");
	if (s)
		each_anchor(s, &note, add_anchor, &out);
	mun_canon_end(&out);
	mun_canon_end(&out);
	return mun_buf_check(ret, "a checkpoint", err);
}

enum mun_code mun_checkpoint_fields(struct mun_app *app, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf object;
	MUN_BUF_CLEANUP struct mun_buf chosen;
	enum mun_code code;

	mun_buf_init(&object, OUT_MAX);
	mun_buf_init(&chosen, OUT_MAX);
	code = make_object(&object, NULL, NULL, err);
	return code == MUN_OK ? mun_out_fields(&chosen, app, &object, err) : code;
}

enum mun_code mun_checkpoint_print(struct mun_app *app, struct mun_journal *j,
                                   const struct mun_signed *s, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf object;
	enum mun_code code;

	if (app->output == MUN_OUT_TABLE)
		return mun_out_text(app, s->note.data, s->note.len, err);
	mun_buf_init(&object, OUT_MAX);
	code = make_object(&object, j, s, err);
	return code == MUN_OK ? mun_out_object(app, &object, err) : code;
}

static void add_name(void *arg, const struct anchor *a)
{
	struct mun_buf *out = arg;

	if (out->len > 0)
		mun_buf_puts(out, "; ");
	mun_buf_printf(out, "%s ", a->kind);
	mun_buf_add(out, a->by, a->by_len);
}

static enum mun_code print_row(struct mun_out *out, const struct mun_signed *s, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf keys, anchors;
	char root[2 * MUN_SHA256_LEN + 1];
	struct mun_checkpoint c;
	struct mun_note note;
	enum mun_code code = mun_checkpoint_read(&c, &note, s->note.data, s->note.len, err);

	mun_buf_init(&keys, OUT_MAX);
	mun_buf_init(&anchors, OUT_MAX);
	if (code != MUN_OK)
		return mun_wrap(err, MUN_E_CORRUPT, "checkpoint of size %llu",
		                (unsigned long long)s->size);
	for (size_t i = 0; i < note.sig_len; i++)
		if (is_ours(s, &note.sig[i]))
			mun_buf_printf(&keys, "%s%08x", keys.len > 0 ? " " : "", note.sig[i].hash);
	each_anchor(s, &note, add_name, &anchors);
	mun_hex_encode(root, c.root, sizeof(c.root));
	code = mun_buf_check(&anchors, "a row", err);
	if (code != MUN_OK)
		return code;
	const struct mun_cell cells[] = {
		mun_cell_seq(c.size),
		mun_cell_text(root),
		mun_cell_text(mun_buf_str(&keys)),
		mun_cell_text(anchors.len > 0 ? mun_buf_str(&anchors) : NULL),
	};
	return mun_out_row(out, cells, err);
}

enum mun_code mun_checkpoint_list(struct mun_app *app, struct mun_journal *j, struct mun_err *err)
{
	static const struct mun_column columns[] = {
		{ "size", MUN_CELL_INT, true },
		{ "root", MUN_CELL_TEXT, true },
		{ "key", MUN_CELL_TEXT, true },
		{ "anchors", MUN_CELL_TEXT, true },
	};
	MUN_CLEANUP(mun_out_abortp) struct mun_out *out = NULL;
	uint64_t size = 0;
	enum mun_code code = mun_out_open(&out, app, columns, MUN_ARRAY_LEN(columns), err);

	while (code == MUN_OK) {
		MUN_CLEANUP(mun_signed_done) struct mun_signed s;

		mun_signed_init(&s);
		code = mun_checkpoint_next(j, size, &s, err);
		if (code == MUN_OK) {
			size = s.size;
			code = print_row(out, &s, err);
		}
	}
	return code == MUN_E_NOTFOUND ? mun_out_close(&out, err) : code;
}
