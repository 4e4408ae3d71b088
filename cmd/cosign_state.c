/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cosign_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/canon.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/json.h"

#define LINE_MAX_BYTES ((size_t)1024)
#define FILE_MAX_BYTES (MUN_COSIGN_LOGS * LINE_MAX_BYTES)

struct mun_cosign_state {
	char *path, *lock_path;
	int lock;
	size_t len;
	struct mun_cosigned logs[MUN_COSIGN_LOGS];
};

void mun_cosign_closep(struct mun_cosign_state **s)
{
	if (*s == NULL)
		return;
	if ((*s)->lock >= 0)
		mun_lock_remove(&(*s)->lock, (*s)->lock_path);
	free((*s)->path);
	free((*s)->lock_path);
	free(*s);
	*s = NULL;
}

static bool decode_log(struct mun_cosigned *ret, const struct mun_json_val *o)
{
	const char *vkey = mun_json_str(mun_json_get(o, "vkey"));
	const char *root = mun_json_str(mun_json_get(o, "root"));
	struct mun_err ignored;
	int64_t size;

	if (mun_json_kind(o) != MUN_JSON_OBJECT || mun_json_count(o) != 3 || !vkey || !root ||
	    !mun_json_int(mun_json_get(o, "size"), &size) || size < 0)
		return false;
	ret->size = (uint64_t)size;
	return mun_vkey_parse(&ret->key, vkey, &ignored) == MUN_OK &&
	       ret->key.type == MUN_KEY_ED25519 &&
	       mun_hex_decode(ret->root, sizeof(ret->root), root, strlen(root));
}

static enum mun_code add_line(struct mun_cosign_state *s, const char *line, size_t len,
                              size_t number, struct mun_err *err)
{
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	struct mun_cosigned log = { .size = 0 };
	struct mun_err why;

	if (len > LINE_MAX_BYTES || mun_json_parse(&doc, line, len, &why) != MUN_OK ||
	    !decode_log(&log, mun_json_root(doc)))
		return mun_fail(err, MUN_E_INPUT, "%s, line %zu: this is no state of cosign",
		                s->path, number);
	if (s->len == MUN_COSIGN_LOGS)
		return mun_fail(err, MUN_E_INPUT, "%s has more than %d logs", s->path,
		                MUN_COSIGN_LOGS);
	if (mun_cosign_find(s, log.key.name))
		return mun_fail(err, MUN_E_INPUT, "%s, line %zu: the log is there twice", s->path,
		                number);
	s->logs[s->len++] = log;
	return MUN_OK;
}

static enum mun_code read_logs(struct mun_cosign_state *s, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	enum mun_code code;
	size_t number = 0;

	mun_buf_init(&text, FILE_MAX_BYTES);
	if (access(s->path, F_OK) != 0 && errno == ENOENT)
		return MUN_OK;
	code = mun_file_read(&text, s->path, err);
	for (size_t at = 0; code == MUN_OK && at < text.len;) {
		const char *line = text.data + at;
		const char *end = memchr(line, '\n', text.len - at);

		if (!end)
			return mun_fail(err, MUN_E_INPUT, "%s ends in the middle of a line",
			                s->path);
		code = add_line(s, line, (size_t)(end - line), ++number, err);
		at += (size_t)(end - line) + 1;
	}
	return code;
}

enum mun_code mun_cosign_open(struct mun_cosign_state **ret, const char *path, struct mun_err *err)
{
	MUN_CLEANUP(mun_cosign_closep) struct mun_cosign_state *s = calloc(1, sizeof(*s));
	enum mun_code code;

	if (s == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the state of cosign");
	s->lock = -1;
	s->path = strdup(path);
	if (asprintf(&s->lock_path, "%s.lock", path) < 0)
		s->lock_path = NULL;
	if (s->path == NULL || s->lock_path == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the state of cosign");
	code = mun_lock_take(&s->lock, s->lock_path, err);
	if (code == MUN_E_BUSY)
		return mun_fail(err, code, "another process cosigns with %s", path);
	if (code == MUN_OK)
		code = read_logs(s, err);
	if (code == MUN_OK)
		*ret = MUN_STEAL(s);
	return code;
}

static size_t place_of(const struct mun_cosign_state *s, const char *origin)
{
	size_t i = 0;

	while (i < s->len && strcmp(s->logs[i].key.name, origin) != 0)
		i++;
	return i;
}

const struct mun_cosigned *mun_cosign_find(const struct mun_cosign_state *s, const char *origin)
{
	size_t i = place_of(s, origin);

	return i < s->len ? &s->logs[i] : NULL;
}

static void encode_log(struct mun_buf *ret, const struct mun_cosigned *log)
{
	char root[2 * MUN_SHA256_LEN + 1], vkey[MUN_VKEY_TEXT];
	struct mun_canon c;

	mun_hex_encode(root, log->root, sizeof(log->root));
	mun_vkey_format(vkey, &log->key);
	mun_canon_init(&c, ret);
	mun_canon_object(&c, NULL);
	mun_canon_str(&c, "root", root);
	mun_canon_int(&c, "size", (int64_t)log->size);
	mun_canon_str(&c, "vkey", vkey);
	mun_canon_end(&c);
	mun_buf_putc(ret, '\n');
}

enum mun_code mun_cosign_keep(struct mun_cosign_state *s, const struct mun_cosigned *log,
                              struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	size_t at = place_of(s, log->key.name);
	enum mun_code code;

	if (at == MUN_COSIGN_LOGS)
		return mun_fail(err, MUN_E_INPUT, "%s has %d logs already", s->path,
		                MUN_COSIGN_LOGS);
	s->logs[at] = *log;
	if (at == s->len)
		s->len++;
	mun_buf_init(&text, FILE_MAX_BYTES);
	for (size_t i = 0; i < s->len; i++)
		encode_log(&text, &s->logs[i]);
	code = mun_buf_check(&text, "the state of cosign", err);
	return code == MUN_OK ? mun_file_replace(s->path, text.data, text.len, 0600, err) : code;
}
