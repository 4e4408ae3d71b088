/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/checkpoint_add.h"

#include <string.h>

#include "cmd/vkey.h"
#include "lib/file.h"
#include "lib/text.h"

struct adding {
	struct mun_app *app;
	struct mun_journal *j;
	struct mun_buf lines; /* what the file holds: signature lines */
	struct mun_vkey keys[MUN_LIST_MAX];
	bool done[MUN_LIST_MAX];
	size_t keys_len;
	uint64_t newest; /* checkpoint that got a line; 0 none */
};

static void adding_done(struct adding *a)
{
	mun_buf_done(&a->lines);
}

static enum mun_code read_keys(struct adding *a, struct mun_err *err)
{
	const struct mun_list *given = &a->app->args.witness_key;
	enum mun_code code = MUN_OK;

	if (given->len == 0) {
		(void)mun_fail(err, MUN_E_USAGE, "whose cosignatures count is not said");
		mun_hint(err, "--witness-key VKEY: the auditor's `muniment cosign --public-key`");
		return MUN_E_USAGE;
	}
	for (; code == MUN_OK && a->keys_len < given->len; a->keys_len++)
		code = mun_vkey_given(&a->keys[a->keys_len], given->at[a->keys_len],
		                      MUN_KEY_COSIGNER, "--witness-key", err);
	return code;
}

/* Of a whole note its signature lines, which stand behind the empty line. */
static enum mun_code read_lines(struct adding *a, const char *path, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	const char *empty;
	enum mun_code code;

	mun_buf_init(&text, MUN_NOTE_MAX);
	code = mun_file_read(&text, path, err);
	if (code != MUN_OK)
		return code == MUN_E_IO ? MUN_E_INPUT : code;
	if (text.len == 0 || strlen(text.data) != text.len || text.data[text.len - 1] != '\n')
		return mun_fail(err, MUN_E_INPUT, "%s holds no signature lines", path);
	empty = strstr(text.data, "\n\n");
	mun_buf_puts(&a->lines, empty ? empty + 2 : text.data);
	return mun_buf_check(&a->lines, "the cosignatures", err);
}

static enum mun_code keep(struct adding *a, const struct mun_signed *s,
                          const struct mun_note_line *l, const struct mun_vkey *key,
                          struct mun_err *err)
{
	const struct mun_anchor anchor = {
		.size = s->size, .line = l->line, .line_len = l->len, .by = key->name
	};
	MUN_BUF_CLEANUP struct mun_buf name;
	enum mun_code code = mun_checkpoint_anchor(a->j, &anchor, err);

	if (code != MUN_OK)
		return code;
	mun_buf_init(&name, 4096);
	mun_text_visible(&name, key->name, strlen(key->name), false);
	if (a->newest == 0)
		a->newest = s->size;
	if (!a->app->args.quiet)
		mun_say(a->app, "muniment: the checkpoint of size %llu has the cosignature of %s",
		        (unsigned long long)s->size, mun_buf_str(&name));
	return MUN_OK;
}

/* Which keys signed this checkpoint, if any? */
static enum mun_code try_one(struct adding *a, const struct mun_signed *s, size_t *left,
                             struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf both;
	struct mun_note own, note;
	enum mun_code code = mun_note_parse(&own, s->note.data, s->note.len, err);

	if (code != MUN_OK)
		return mun_wrap(err, MUN_E_CORRUPT, "checkpoint of size %llu",
		                (unsigned long long)s->size);
	mun_buf_init(&both, 2 * MUN_NOTE_MAX);
	mun_buf_add(&both, own.text, own.text_len);
	mun_buf_putc(&both, '\n');
	mun_buf_add(&both, a->lines.data, a->lines.len);
	code = mun_buf_check(&both, "the cosignatures", err);
	if (code == MUN_OK)
		code = mun_note_parse(&note, both.data, both.len, err);
	for (size_t i = 0; code == MUN_OK && i < a->keys_len; i++) {
		size_t at = 0;

		if (a->done[i] || mun_note_check(&note, &a->keys[i], NULL, &at) != MUN_NOTE_VALID)
			continue;
		code = keep(a, s, &note.sig[at], &a->keys[i], err);
		a->done[i] = true;
		(*left)--;
	}
	return code;
}

/* Lines alone do not say which checkpoint they are of: the newest comes first. */
static enum mun_code try_all(struct adding *a, struct mun_err *err)
{
	uint64_t size = MUN_NO_SEQ;
	size_t left = a->keys_len;
	enum mun_code code = MUN_OK;

	while (code == MUN_OK && left > 0 && size > 0) {
		MUN_CLEANUP(mun_signed_done) struct mun_signed s;

		mun_signed_init(&s);
		code = mun_checkpoint_newest(a->j, size, &s, err);
		if (code == MUN_OK) {
			size = s.size - 1;
			code = try_one(a, &s, &left, err);
		}
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

enum mun_code mun_checkpoint_add(struct mun_app *app, struct mun_journal *j, struct mun_signed *ret,
                                 struct mun_err *err)
{
	MUN_CLEANUP(adding_done) struct adding a = { .app = app, .j = j };
	enum mun_code code;

	mun_buf_init(&a.lines, MUN_NOTE_MAX);
	code = read_keys(&a, err);
	if (code == MUN_OK)
		code = read_lines(&a, app->args.add, err);
	if (code == MUN_OK)
		code = try_all(&a, err);
	if (code != MUN_OK)
		return code;
	if (a.newest == 0)
		return mun_fail(err, MUN_E_INPUT,
		                "no line of %s is a cosignature of a checkpoint here by the "
		                "--witness-key given",
		                app->args.add);
	return mun_checkpoint_newest(j, a.newest, ret, err);
}
