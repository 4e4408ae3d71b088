/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of `key value`: origin, size, root (hex), signed, since, path and alarm (bytes that are no
 * printable ASCII, and %, as %xx). Whoever raises it holds the lock file beside it.
 */
#include "journal/mark.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "journal/checkpoint.h"
#include "journal/handle.h"
#include "journal/prove.h"
#include "lib/file.h"
#include "lib/hex.h"

#define MARK_MAX   ((size_t)32 * 1024)
#define LOCK_TRIES 200 /* of 10 ms */

static void add_escaped(struct mun_buf *out, const char *key, const char *text)
{
	mun_buf_printf(out, "%s ", key);
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c <= 0x20 || c >= 0x7f || c == '%')
			mun_buf_printf(out, "%%%02x", c);
		else
			mun_buf_putc(out, *p);
	}
	mun_buf_putc(out, '\n');
}

/* false: a broken escape, or it does not fit. */
static bool get_escaped(char *ret, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)text[i];

		if (text[i] == '%') {
			if (i + 2 >= len || !mun_hex_decode(&byte, 1, text + i + 1, 2))
				return false;
			i += 2;
		}
		if (n + 1 >= size || byte == '\0')
			return false;
		ret[n++] = (char)byte;
	}
	ret[n] = '\0';
	return true;
}

static bool get_number(uint64_t *ret, const char *text, size_t len)
{
	*ret = 0;
	if (len == 0 || len > 19 || (text[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*ret = *ret * 10 + (uint64_t)(text[i] - '0');
	}
	return true;
}

/* The value of the line that must come next. */
static const char *line(const char **at, const char *key, size_t *ret_len)
{
	const char *start = *at;
	size_t key_len = strlen(key);
	const char *end = strchr(start, '\n');

	if (end == NULL || strncmp(start, key, key_len) != 0 || start[key_len] != ' ')
		return NULL;
	*at = end + 1;
	*ret_len = (size_t)(end - start) - key_len - 1;
	return start + key_len + 1;
}

static bool get_line(const char **at, const char *key, uint64_t *number, char *text, size_t size)
{
	size_t len;
	const char *value = line(at, key, &len);

	if (value == NULL)
		return false;
	return number != NULL ? get_number(number, value, len)
	                      : get_escaped(text, size, value, len);
}

static bool parse(struct mun_mark *ret, const char *text)
{
	char root[2 * MUN_SHA256_LEN + 1];

	memset(ret, 0, sizeof(*ret));
	return get_line(&text, "origin", NULL, ret->origin, sizeof(ret->origin)) &&
	       get_line(&text, "size", &ret->size, NULL, 0) &&
	       get_line(&text, "root", NULL, root, sizeof(root)) &&
	       mun_hex_decode(ret->root, sizeof(ret->root), root, strlen(root)) &&
	       get_line(&text, "signed", &ret->signed_size, NULL, 0) &&
	       get_line(&text, "since", &ret->since, NULL, 0) &&
	       get_line(&text, "path", NULL, ret->path, sizeof(ret->path)) &&
	       get_line(&text, "alarm", NULL, ret->alarm, sizeof(ret->alarm)) && *text == '\0';
}

static void format(struct mun_buf *out, const struct mun_mark *m)
{
	char root[2 * MUN_SHA256_LEN + 1];

	mun_hex_encode(root, m->root, sizeof(m->root));
	add_escaped(out, "origin", m->origin);
	mun_buf_printf(out, "size %llu\nroot %s\nsigned %llu\nsince %llu\n",
	               (unsigned long long)m->size, root, (unsigned long long)m->signed_size,
	               (unsigned long long)m->since);
	add_escaped(out, "path", m->path);
	add_escaped(out, "alarm", m->alarm);
}

static void mark_path(const struct mun_journal *j, const char *suffix, char ret[static PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s/%s%s", j->state_dir, j->id.id, suffix);
}

/* NOTFOUND: none. INPUT: there is one that cannot be read as such. */
static enum mun_code read_mark(const struct mun_journal *j, struct mun_mark *ret,
                               struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	char path[PATH_MAX];
	enum mun_code code;

	mun_buf_init(&text, MARK_MAX);
	mark_path(j, "", path);
	if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return MUN_E_NOTFOUND;
	code = mun_file_read(&text, path, err);
	if (code == MUN_OK &&
	    (strlen(mun_buf_str(&text)) != text.len || !parse(ret, mun_buf_str(&text)) ||
	     strcmp(ret->origin, j->id.origin) != 0)) {
		(void)mun_fail(err, MUN_E_INPUT, "the high-water mark %s is damaged", path);
		mun_hint(err, "find out who changed it; removed, it is made anew");
		return MUN_E_INPUT;
	}
	return code;
}

static void own_path(const struct mun_journal *j, char ret[static PATH_MAX])
{
	if (realpath(j->dir, ret) == NULL)
		(void)snprintf(ret, PATH_MAX, "%s", j->dir);
}

/* How the journal stands to a mark: nodes below the mark's size give the root it must have. */
static enum mun_code fit(struct mun_journal *j, const struct mun_head *head,
                         const struct mun_mark *m, enum mun_mark_fit *ret, struct mun_err *err)
{
	uint8_t root[MUN_SHA256_LEN];
	enum mun_code code = MUN_OK;

	*ret = MUN_MARK_BEHIND;
	if (head->size < m->size)
		return MUN_OK;
	if (head->size == m->size)
		memcpy(root, head->root, sizeof(root));
	else
		code = mun_prove_root(j, m->size, root, err);
	if (code == MUN_OK)
		*ret = memcmp(root, m->root, sizeof(root)) != 0 ? MUN_MARK_FORKED
		       : m->alarm[0] != '\0'                    ? MUN_MARK_ALARMED
		                                                : MUN_MARK_FITS;
	return code;
}

enum mun_code mun_mark_compare(struct mun_journal *j, struct mun_mark_state *ret,
                               struct mun_err *err)
{
	char path[PATH_MAX];
	struct mun_head head;
	enum mun_code code;

	*ret = (struct mun_mark_state){ .fit = MUN_MARK_UNKNOWN };
	if (j->state_dir == NULL)
		return MUN_OK;
	code = read_mark(j, &ret->mark, err);
	if (code == MUN_E_NOTFOUND)
		ret->fit = MUN_MARK_NONE;
	if (code != MUN_OK)
		return code == MUN_E_NOMEM ? code : MUN_OK;
	own_path(j, path);
	ret->own = strcmp(path, ret->mark.path) == 0;
	code = mun_journal_head(j, &head, err);
	return code == MUN_OK ? fit(j, &head, &ret->mark, &ret->fit, err) : code;
}

static enum mun_code misfit(const struct mun_journal *j, const struct mun_head *head,
                            const struct mun_mark *m, enum mun_mark_fit fit, struct mun_err *err)
{
	if (fit == MUN_MARK_BEHIND)
		(void)mun_fail(err, MUN_E_JOURNAL,
		               "it has %llu entries, this machine has seen %llu of it at %s: an "
		               "older copy; nothing is written to it",
		               (unsigned long long)head->size, (unsigned long long)m->size,
		               m->path);
	else if (fit == MUN_MARK_FORKED)
		(void)mun_fail(err, MUN_E_JOURNAL,
		               "its first %llu entries are not those that this machine has seen at "
		               "%s: replaced or forked; nothing is written to it",
		               (unsigned long long)m->size, m->path);
	else
		(void)mun_fail(err, MUN_E_JOURNAL, "%s; nothing is written to it", m->alarm);
	mun_hint(err, "muniment journal adopt --journal %s --reason TEXT", j->dir);
	return MUN_E_JOURNAL;
}

static enum mun_code take_lock(const struct mun_journal *j, int *ret_fd, struct mun_err *err)
{
	const struct timespec pause = { 0, 10 * 1000 * 1000 };
	char path[PATH_MAX];
	enum mun_code code = mun_dir_make(j->state_dir, 0700, err);

	mark_path(j, ".lock", path);
	for (unsigned i = 0; code == MUN_OK && i < LOCK_TRIES; i++) {
		code = mun_lock_take(ret_fd, path, err);
		if (code != MUN_E_BUSY)
			return code;
		(void)nanosleep(&pause, NULL);
		code = MUN_OK;
	}
	return code == MUN_OK ? mun_fail(err, MUN_E_IO, "%s is held by another process", path)
	                      : code;
}

static enum mun_code write_mark(const struct mun_journal *j, const struct mun_mark *m,
                                struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	char path[PATH_MAX];
	enum mun_code code;

	mun_buf_init(&text, MARK_MAX);
	format(&text, m);
	code = mun_buf_check(&text, "high-water mark", err);
	mark_path(j, "", path);
	return code == MUN_OK ? mun_file_replace(path, text.data, text.len, 0600, err) : code;
}

static enum mun_code newest_signed(struct mun_journal *j, uint64_t *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	enum mun_code code;

	mun_signed_init(&s);
	code = mun_checkpoint_newest(j, MUN_NO_SEQ, &s, err);
	if (code == MUN_OK && s.size > *ret)
		*ret = s.size;
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

/* The mark as it is to be: of this head, of this place, never lower than before. */
static enum mun_code raised(struct mun_journal *j, struct mun_mark *m, bool fresh,
                            struct mun_err *err)
{
	struct mun_head head;
	char path[sizeof(m->path)];
	enum mun_mark_fit how = MUN_MARK_FITS;
	enum mun_code code = mun_journal_head(j, &head, err);

	if (code == MUN_OK && !fresh)
		code = fit(j, &head, m, &how, err);
	if (code == MUN_OK && how != MUN_MARK_FITS)
		return misfit(j, &head, m, how, err);
	if (code != MUN_OK)
		return code;
	own_path(j, path);
	if (!fresh && j->mode == MUN_JOURNAL_READ && strcmp(path, m->path) != 0)
		return MUN_OK; /* who reads a copy leaves the journal's own mark as it is */
	/* Elsewhere than before, with entries that were never marked: it may be a copy of a journal
	 * whose writer was killed, and which had gone on by then. */
	if (!fresh && head.size > m->size && strcmp(path, m->path) != 0)
		m->since = head.size;
	m->size = head.size;
	memcpy(m->root, head.root, sizeof(m->root));
	memcpy(m->path, path, strlen(path) + 1);
	if (fresh) {
		(void)snprintf(m->origin, sizeof(m->origin), "%s", j->id.origin);
		m->since = j->created ? 0 : head.size;
	}
	return newest_signed(j, &m->signed_size, err);
}

static enum mun_code raise_mark(struct mun_journal *j, bool *ret_made, const char *alarm,
                                struct mun_err *err)
{
	MUN_CLEANUP(mun_closep) int lock = -1;
	struct mun_mark before = { .size = 0 }, m;
	enum mun_code code = take_lock(j, &lock, err);

	if (code == MUN_OK)
		code = read_mark(j, &before, err);
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	*ret_made = code == MUN_E_NOTFOUND;
	m = before;
	if (alarm == NULL || *ret_made)
		code = raised(j, &m, *ret_made, err);
	else
		code = MUN_OK;
	if (alarm != NULL)
		(void)snprintf(m.alarm, sizeof(m.alarm), "%s", alarm);
	if (code != MUN_OK || memcmp(&m, &before, sizeof(m)) == 0)
		return code;
	code = write_mark(j, &m, err);
	if (code == MUN_OK)
		j->mark.since = m.since;
	return code;
}

enum mun_code mun_mark_raise(struct mun_journal *j, bool *ret_made, struct mun_err *err)
{
	*ret_made = false;
	return j->state_dir != NULL ? raise_mark(j, ret_made, NULL, err) : MUN_OK;
}

enum mun_code mun_mark_alarm(struct mun_journal *j, const char *what, struct mun_err *err)
{
	bool made;

	return j->state_dir != NULL ? raise_mark(j, &made, what, err) : MUN_OK;
}

enum mun_code mun_mark_open(struct mun_journal *j, struct mun_err *err)
{
	struct mun_mark m;
	bool made;
	enum mun_code code;

	j->mark.since = UINT64_MAX;
	if (j->state_dir == NULL)
		return MUN_OK;
	code = raise_mark(j, &made, NULL, err);
	if (code == MUN_OK)
		code = read_mark(j, &m, err);
	if (code == MUN_OK) {
		j->mark.since = m.since;
		j->mark.made = made && !j->created;
		return MUN_OK;
	}
	if (code == MUN_E_JOURNAL || code == MUN_E_CORRUPT || code == MUN_E_NOMEM)
		return code;
	if (code == MUN_E_INPUT)
		return mun_wrap(err, MUN_E_JOURNAL, "it cannot be compared");
	(void)snprintf(j->mark.problem, sizeof(j->mark.problem), "%.*s",
	               (int)strcspn(err->text, "\n"), err->text);
	return MUN_OK;
}

void mun_mark_close(struct mun_journal *j)
{
	struct mun_err ignored;
	bool made;

	if (j->store != NULL && j->state_dir != NULL && j->mode != MUN_JOURNAL_READ && j->has_seen)
		(void)!mun_mark_raise(j, &made, &ignored);
}

bool mun_mark_is_older(const struct mun_journal *j, uint64_t seq)
{
	return seq < j->mark.since;
}

const char *mun_mark_problem(const struct mun_journal *j, bool *ret_made)
{
	*ret_made = j->mark.made;
	return j->mark.problem;
}
