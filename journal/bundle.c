/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "journal/bundle_impl.h"
#include "lib/base64.h"
#include "lib/hex.h"

#define BODY_MAX   ((size_t)8 << 20)
#define TEXT_MAX   ((size_t)256 * 1024)
#define CHUNK_MAX  ((size_t)1 << 20)
#define BODY_PIECE ((size_t)48 * 1024)
#define BODIES_MAX ((size_t)1 << 30)

static enum mun_code new_bundle(struct mun_bundle **ret, struct mun_source *source,
                                const struct mun_bundle_options *o, struct mun_err *err)
{
	struct mun_bundle *b MUN_CLEANUP(mun_bundle_freep) = calloc(1, sizeof(*b));

	if (!b)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a bundle");
	b->source = source;
	b->o = *o;
	b->last_us = MUN_TIME_NONE;
	mun_scratch_init(&b->bodies, o->scratch_dir, sizeof(struct mun_body_seen));
	mun_buf_init(&b->line, MUN_ENTRY_MAX + 1);
	mun_buf_init(&b->text, CHUNK_MAX);
	mun_buf_init(&b->body, BODY_MAX);
	mun_buf_init(&b->name, TEXT_MAX);
	mun_buf_init(&b->columns, TEXT_MAX);
	enum mun_code code = mun_refold_new(&b->fold, source, o->scratch_dir, err);
	if (code == MUN_OK)
		*ret = MUN_STEAL(b);
	return code;
}

void mun_bundle_freep(struct mun_bundle **b)
{
	struct mun_bundle *x = *b;

	*b = NULL;
	if (!x)
		return;
	mun_refold_freep(&x->fold);
	mun_scratch_done(&x->bodies);
	free(x->marks.at);
	free(x->anchors);
	mun_buf_done(&x->line);
	mun_buf_done(&x->text);
	mun_buf_done(&x->body);
	mun_buf_done(&x->name);
	mun_buf_done(&x->columns);
	free(x);
}

static enum mun_code write_line(struct mun_bundle *b, const char *line, size_t len,
                                struct mun_err *err)
{
	if (!b->o.entries)
		return MUN_OK;
	mun_buf_clear(&b->line);
	mun_buf_add(&b->line, line, len);
	mun_buf_putc(&b->line, '\n');
	enum mun_code code = mun_buf_check(&b->line, "an entry", err);
	return code == MUN_OK ? b->o.entries(b->o.entries_arg, b->line.data, b->line.len, err)
	                      : code;
}

static enum mun_code read_one(struct mun_bundle *b, struct mun_err *err)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_entry e;
	const char *line;
	uint64_t seq;
	size_t len;

	enum mun_code code = mun_source_next(b->source, &seq, &line, &len, err);
	if (code != MUN_OK)
		return code;
	code = mun_entry_decode(&e, &owner, line, len, err);
	if (code != MUN_OK)
		return mun_wrap(err, code, "entry #%llu", (unsigned long long)seq);
	b->entries++;
	b->last_us = e.time_us;
	code = mun_refold_entry(b->fold, &e, err);
	if (code == MUN_OK)
		code = mun_bundle_tally(b, &e, err);
	return code == MUN_OK ? write_line(b, line, len, err) : code;
}

enum mun_code mun_bundle_read(struct mun_bundle **ret, struct mun_source *source,
                              const struct mun_bundle_options *o, struct mun_err *err)
{
	struct mun_bundle *b MUN_CLEANUP(mun_bundle_freep) = NULL;

	enum mun_code code = new_bundle(&b, source, o, err);
	if (code == MUN_OK)
		code = mun_source_rewind(source, err);
	while (code == MUN_OK)
		code = read_one(b, err);
	if (code != MUN_E_NOTFOUND)
		return code;
	*ret = MUN_STEAL(b);
	return MUN_OK;
}

struct mun_refold *mun_bundle_fold(struct mun_bundle *b)
{
	return b->fold;
}

uint64_t mun_bundle_entries(const struct mun_bundle *b)
{
	return b->entries;
}

int64_t mun_bundle_last_us(const struct mun_bundle *b)
{
	return b->last_us;
}

const char *mun_bundle_vkey(const struct mun_bundle *b)
{
	return b->has_vkey ? b->vkey : NULL;
}

const uint64_t *mun_bundle_marks(const struct mun_bundle *b, size_t *ret_len)
{
	*ret_len = b->marks.len;
	return b->marks.at;
}

bool mun_bundle_is_anchored(const struct mun_bundle *b, uint64_t size)
{
	for (size_t i = 0; i < b->anchors_len; i++)
		if (b->anchors[i].size == size)
			return true;
	return false;
}

/* Base64 in pieces that each stand for whole groups of three bytes. */
static enum mun_code write_base64(const struct mun_buf *bytes, struct mun_buf *text,
                                  mun_write_fn write, void *arg, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (size_t at = 0; code == MUN_OK && at < bytes->len; at += BODY_PIECE) {
		size_t left = bytes->len - at;

		mun_buf_clear(text);
		mun_base64_add(text, bytes->data + at, left < BODY_PIECE ? left : BODY_PIECE);
		code = mun_buf_check(text, "a body", err);
		if (code == MUN_OK)
			code = write(arg, text->data, text->len, err);
	}
	return code;
}

static enum mun_code write_body(struct mun_bundle *b, const struct mun_body_seen *seen,
                                struct mun_buf *bytes, mun_write_fn write, void *arg,
                                struct mun_err *err)
{
	char commit[2 * MUN_SHA256_LEN + 1];
	static const char head[] = "{\"bytes\":\"";
	struct mun_buf *text = &b->text;
	uint8_t salt[32];

	mun_buf_clear(bytes);
	enum mun_code code = mun_source_body(b->source, seen->seq, salt, bytes, err);
	if (code != MUN_OK) /* erased: its entry says so */
		return code == MUN_E_NOTFOUND ? MUN_OK : code;
	code = write(arg, head, strlen(head), err);
	if (code == MUN_OK)
		code = write_base64(bytes, text, write, arg, err);
	if (code != MUN_OK)
		return code;
	mun_hex_encode(commit, seen->commit, sizeof(seen->commit));
	mun_buf_clear(text);
	mun_buf_printf(text, "\",\"commit\":\"%s\",\"salt\":\"", commit);
	mun_base64_add(text, salt, sizeof(salt));
	mun_buf_printf(text, "\",\"seq\":%llu}\n", (unsigned long long)seen->seq);
	code = mun_buf_check(text, "a body", err);
	return code == MUN_OK ? write(arg, text->data, text->len, err) : code;
}

enum mun_code mun_bundle_bodies(struct mun_bundle *b, mun_write_fn write, void *arg,
                                struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf bytes;
	enum mun_code code = MUN_OK;

	mun_buf_init(&bytes, BODIES_MAX);
	for (size_t i = 0; code == MUN_OK && i < b->bodies.len; i++)
		code = write_body(b, mun_scratch_get(&b->bodies, i), &bytes, write, arg, err);
	return code;
}
