/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/bundle_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/withheld.h"
#include "lib/base64.h"
#include "lib/hex.h"
#include "lib/tlog/checkpoint.h"

#define TEXT_MAX       ((size_t)64 * 1024)
#define NAME_MAX_BYTES 96

void mun_bundle_shipped_done(struct mun_bundle_shipped *s)
{
	free(s->sizes);
	memset(s, 0, sizeof(*s));
}

static enum mun_code ship(struct mun_bundle_shipped *s, uint64_t size, struct mun_err *err)
{
	if (s->len == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		uint64_t *sizes = reallocarray(s->sizes, cap, sizeof(*sizes));
		if (!sizes)
			return mun_fail(err, MUN_E_NOMEM, "no memory for %zu checkpoints", cap);
		s->sizes = sizes;
		s->cap = cap;
	}
	s->sizes[s->len++] = size;
	return MUN_OK;
}

/* Is there one from first on, below end? *at goes on behind what was passed. */
static bool any_mark(const uint64_t *marks, size_t len, size_t *at, uint64_t end)
{
	bool any = false;

	for (; *at < len && marks[*at] < end; ++*at)
		any = true;
	return any;
}

enum mun_code mun_bundle_ship(struct mun_bundle_shipped *ret, struct mun_source *source,
                              const struct mun_bundle *read, struct mun_err *err)
{
	struct mun_signed row MUN_CLEANUP(mun_signed_done);
	uint64_t above = 0, size = mun_source_size(source);
	size_t marks_len, at = 0;
	const uint64_t *marks = mun_bundle_marks(read, &marks_len);
	enum mun_code code = MUN_OK;

	mun_signed_init(&row);
	while (code == MUN_OK && above < size) {
		code = mun_source_checkpoint(source, above, &row, err);
		if (code != MUN_OK)
			break;
		bool mark = any_mark(marks, marks_len, &at, row.size);
		if (mark || row.stamps_len > 0 || row.note.len > row.signed_len ||
		    row.size == size || mun_bundle_is_anchored(read, row.size))
			code = ship(ret, row.size, err);
		above = row.size;
		mun_signed_done(&row);
		mun_signed_init(&row);
	}
	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, code, "no checkpoint of size %llu is kept",
		                (unsigned long long)size);
	return code;
}

static enum mun_code put_stamps(struct mun_bundle_dir *d, const struct mun_signed *row,
                                const char *name, struct mun_err *err)
{
	char path[NAME_MAX_BYTES];
	enum mun_code code = MUN_OK;

	for (size_t i = 0; code == MUN_OK && i < row->stamps_len; i++) {
		(void)snprintf(path, sizeof(path), "%s.%zu.tsr", name, i + 1);
		code = mun_bundle_dir_put(d, path, row->stamp.data + row->stamps[i].at,
		                          row->stamps[i].len, err);
	}
	return code;
}

static enum mun_code put_checkpoint(struct mun_bundle_dir *d, const struct mun_signed *row,
                                    const char *name, struct mun_err *err)
{
	char path[NAME_MAX_BYTES];

	enum mun_code code = mun_bundle_dir_put(d, name, row->note.data, row->note.len, err);
	(void)snprintf(path, sizeof(path), "%s.signed", name);
	if (code == MUN_OK)
		code = mun_bundle_dir_put(d, path, row->note.data, row->signed_len, err);
	return code == MUN_OK ? put_stamps(d, row, name, err) : code;
}

/* The bundle's own is read once more where it is used. */
static enum mun_code describe(const struct mun_signed *row, struct mun_checkpoint *ret,
                              struct mun_bundle_facts *facts, struct mun_err *err)
{
	struct mun_note *note MUN_CLEANUP(mun_freep) = calloc(1, sizeof(*note));

	if (!note)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a checkpoint");
	enum mun_code code = mun_checkpoint_read(ret, note, row->note.data, row->note.len, err);
	if (code != MUN_OK)
		return mun_wrap(err, MUN_E_CORRUPT, "the checkpoint of size %llu",
		                (unsigned long long)row->size);
	facts->origin = ret->origin;
	memcpy(facts->root, ret->root, sizeof(facts->root));
	facts->stamps = (unsigned)row->stamps_len;
	facts->cosigned = row->note.len > row->signed_len;
	return MUN_OK;
}

static enum mun_code write_one(struct mun_bundle_dir *d, struct mun_source *source, uint64_t size,
                               bool last, struct mun_checkpoint *ret,
                               struct mun_bundle_facts *facts, struct mun_err *err)
{
	struct mun_signed row MUN_CLEANUP(mun_signed_done);
	char name[NAME_MAX_BYTES] = "checkpoint";

	mun_signed_init(&row);
	enum mun_code code = mun_source_checkpoint(source, size - 1, &row, err);
	if (code == MUN_OK && last)
		code = describe(&row, ret, facts, err);
	if (!last)
		(void)snprintf(name, sizeof(name), "checkpoints/%llu", (unsigned long long)size);
	return code == MUN_OK ? put_checkpoint(d, &row, name, err) : code;
}

enum mun_code mun_bundle_write_checkpoints(struct mun_bundle_dir *d, struct mun_source *source,
                                           const struct mun_bundle_shipped *shipped,
                                           struct mun_checkpoint *ret,
                                           struct mun_bundle_facts *facts, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (size_t i = 0; code == MUN_OK && i < shipped->len; i++)
		code = write_one(d, source, shipped->sizes[i], i + 1 == shipped->len, ret, facts,
		                 err);
	return code;
}

/* SubjectPublicKeyInfo of an Ed25519 key (RFC 8410, section 4): these bytes and the key. */
static const uint8_t spki[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
	                        0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

enum mun_code mun_bundle_write_key(struct mun_bundle_dir *d, const char *vkey,
                                   struct mun_bundle_facts *facts, struct mun_err *err)
{
	uint8_t der[sizeof(spki) + MUN_PUBLIC_LEN];
	char hex[2 * MUN_SHA256_LEN + 1];
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_vkey key;

	if (!vkey || mun_vkey_parse(&key, vkey, err) != MUN_OK)
		return mun_fail(err, MUN_E_CORRUPT, "no entry brings the key that signed");
	facts->vkey = vkey;
	mun_sha256(facts->key_sha256, vkey, strlen(vkey));
	mun_hex_encode(hex, facts->key_sha256, sizeof(facts->key_sha256));
	memcpy(der, spki, sizeof(spki));
	memcpy(der + sizeof(spki), key.key, sizeof(key.key));
	mun_buf_init(&text, TEXT_MAX);
	mun_buf_printf(&text, "%s\nsha256 %s\n-----BEGIN PUBLIC KEY-----\n", vkey, hex);
	mun_base64_add(&text, der, sizeof(der));
	mun_buf_puts(&text, "\n-----END PUBLIC KEY-----\n");
	enum mun_code code = mun_buf_check(&text, "public-key.txt", err);
	return code == MUN_OK ? mun_bundle_dir_put(d, "public-key.txt", text.data, text.len, err)
	                      : code;
}

struct list { /* being written */
	struct mun_bundle_dir *d;
	struct mun_source *source;
	const struct mun_plan *plan;
	struct mun_buf text;
};

static void list_done(struct list *l)
{
	mun_buf_done(&l->text);
}

static enum mun_code put_line(struct list *l, const struct mun_list_row *row, bool overrides,
                              struct mun_err *err)
{
	char line[MUN_ID_TEXT];

	mun_id_format(line, &row->run);
	line[MUN_ID_TEXT - 1] = overrides ? '\t' : '\n';
	enum mun_code code = mun_bundle_dir_write(l->d, line, sizeof(line), err);
	if (code != MUN_OK || !overrides)
		return code;
	const char *rest[] = { row->reason ? row->reason : "", "\t", row->ticket ? row->ticket : "",
		               "\n" };
	for (size_t i = 0; code == MUN_OK && i < MUN_ARRAY_LEN(rest); i++)
		code = mun_bundle_dir_write(l->d, rest[i], strlen(rest[i]), err);
	return code;
}

static enum mun_code write_list(struct list *l, bool overrides, struct mun_err *err)
{
	char ref[MUN_REF_TEXT], name[NAME_MAX_BYTES];

	mun_ref_format(ref, 'p', &l->plan->plan);
	(void)snprintf(name, sizeof(name), "plan/%s.%s", ref, overrides ? "overrides" : "ids");
	enum mun_code code = mun_bundle_dir_begin(l->d, name, err);
	for (uint32_t i = 0; code == MUN_OK && i < l->plan->items; i++) {
		struct mun_list_row row;

		mun_buf_clear(&l->text);
		code = mun_source_list_row(l->source, &l->plan->plan, i, &row, &l->text, err);
		if (code == MUN_E_NOTFOUND)
			return mun_fail(err, MUN_E_CORRUPT, "item %u of the list of %s is missing",
			                i, ref);
		if (code == MUN_OK && (!overrides || row.reason || row.ticket))
			code = put_line(l, &row, overrides, err);
	}
	return code == MUN_OK ? mun_bundle_dir_end(l->d, err) : code;
}

static enum mun_code write_plan(struct list *l, struct mun_refold *fold, size_t at,
                                struct mun_err *err)
{
	const struct mun_entry *stored;
	struct mun_list_row row;

	mun_buf_clear(&l->text);
	enum mun_code code = MUN_OK;
	if (l->plan->items > 0)
		code = mun_source_list_row(l->source, &l->plan->plan, 0, &row, &l->text, err);
	if (code == MUN_E_NOTFOUND) /* of a batch that is not there as a whole */
		return MUN_OK;
	if (code == MUN_OK)
		code = mun_refold_plan_entry(fold, at, &stored, err);
	if (code == MUN_OK)
		code = write_list(l, false, err);
	if (code == MUN_OK && stored && stored->u.plan.has_overrides)
		code = write_list(l, true, err);
	return code;
}

enum mun_code mun_bundle_write_plans(struct mun_bundle_dir *d, struct mun_source *source,
                                     struct mun_refold *fold, struct mun_err *err)
{
	struct list l MUN_CLEANUP(list_done) = { .d = d, .source = source };
	enum mun_code code = MUN_OK;

	mun_buf_init(&l.text, (size_t)256 * 1024);
	for (size_t i = 0; code == MUN_OK && i < mun_refold_plans(fold); i++) {
		l.plan = mun_refold_plan(fold, i);
		code = write_plan(&l, fold, i, err);
	}
	return code;
}

enum mun_code mun_bundle_write_withheld(struct mun_bundle_dir *d, struct mun_source *source,
                                        struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	struct mun_withheld w;
	enum mun_code code = mun_bundle_dir_begin(d, "withheld", err);

	mun_buf_init(&line, TEXT_MAX);
	for (w.start = 0; code == MUN_OK && w.start < mun_source_size(source);) {
		code = mun_source_withheld(source, w.start, &w.height, w.hash, err);
		if (code == MUN_E_NOTFOUND) {
			w.start++;
			code = MUN_OK;
			continue;
		}
		mun_buf_clear(&line);
		mun_withheld_format(&line, &w);
		w.start += UINT64_C(1) << w.height;
		if (code == MUN_OK)
			code = mun_buf_check(&line, "withheld", err);
		if (code == MUN_OK)
			code = mun_bundle_dir_write(d, line.data, line.len, err);
	}
	return code == MUN_OK ? mun_bundle_dir_end(d, err) : code;
}
