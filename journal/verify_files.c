/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a bundle that are folded from its entries, compared with what they should hold. What
 * no entry shows (the line of the manifest, names, other columns) is taken from the file itself:
 * it is shown, and is no evidence.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/bundle.h"
#include "journal/lines.h"
#include "journal/rows.h"
#include "journal/verify_impl.h"
#include "lib/csv.h"
#include "lib/file.h"
#include "lib/json.h"

#define CHUNK       65536
#define SUMMARY_TOP 16384 /* bytes at its beginning, where what no entry shows stands */
#define LINE_CELL   2     /* of items.csv */
#define NAME_CELL   4     /* of items.csv; of history.csv the one before */

enum form {
	FORM_HISTORY_CSV,
	FORM_HISTORY_JSONL,
	FORM_ITEMS_CSV
};
/* A file that is being compared, and a second look at it that goes before, row by row. */
struct compared {
	int fd;
	bool differs;
	uint64_t at; /* bytes that were equal so far */
	enum form form;
	struct mun_lines *lines; /* NULL: it has no claims */
	uint64_t line_at;
	struct mun_buf row;
	struct mun_csv csv;
	struct mun_json *doc;
	char line[16];
};

static void compared_done(struct compared *c)
{
	mun_closep(&c->fd);
	mun_lines_closep(&c->lines);
	mun_buf_done(&c->row);
	mun_csv_done(&c->csv);
	mun_json_freep(&c->doc);
}

static enum mun_code compare(void *arg, const void *data, size_t len, struct mun_err *err)
{
	struct compared *c = arg;
	char chunk[CHUNK];

	for (size_t done = 0; !c->differs && done < len;) {
		size_t want = len - done < sizeof(chunk) ? len - done : sizeof(chunk);
		ssize_t got = pread(c->fd, chunk, want, (off_t)c->at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mun_fail_errno(err, MUN_E_IO, errno, "a file of the bundle");
		c->differs = got == 0 || memcmp(chunk, (const char *)data + done, (size_t)got) != 0;
		done += (size_t)got;
		c->at += (uint64_t)got;
	}
	return MUN_OK;
}

/* Nothing stands behind what was expected. */
static enum mun_code compare_end(struct compared *c, struct mun_err *err)
{
	char more;
	ssize_t got = pread(c->fd, &more, 1, (off_t)c->at);

	if (got < 0)
		return mun_fail_errno(err, MUN_E_IO, errno, "a file of the bundle");
	c->differs |= got > 0;
	return MUN_OK;
}

/* The next record into c->row; a cell may hold newlines, between quotes. */
static enum mun_code next_record(struct compared *c, struct mun_err *err)
{
	bool quoted = false;
	const char *line;
	size_t len;

	mun_buf_clear(&c->row);
	do {
		enum mun_code code = mun_lines_read(c->lines, &c->line_at, &line, &len, err);
		if (code != MUN_OK)
			return code;
		for (size_t i = 0; i < len; i++)
			quoted ^= line[i] == '"';
		mun_buf_add(&c->row, line, len);
		mun_buf_putc(&c->row, '\n');
	} while (quoted && c->form != FORM_HISTORY_JSONL);
	return c->row.failed ? MUN_E_CORRUPT : MUN_OK;
}

/* A cell as it was before it was defused. */
static const char *cell(const struct compared *c, size_t i)
{
	const char *text = i < c->csv.fields ? mun_buf_str(&c->csv.text) + c->csv.field[i] : "";

	if (text[0] == '\'' && text[1] != '\0' && strchr("=+-@\t\r", text[1]) != NULL)
		text++;
	return text[0] ? text : NULL;
}

static enum mun_code claim_csv(struct compared *c, struct mun_claim *ret)
{
	struct mun_err why;
	bool more = false;

	mun_csv_done(&c->csv);
	mun_csv_init(&c->csv, mun_buf_str(&c->row), c->row.len);
	enum mun_code code = mun_csv_next(&c->csv, &more, &why);
	if (code == MUN_E_NOMEM)
		return code;
	if (code != MUN_OK || !more)
		return MUN_OK;
	ret->name = cell(c, c->form == FORM_ITEMS_CSV ? NAME_CELL : NAME_CELL - 1);
	if (c->form != FORM_ITEMS_CSV)
		return MUN_OK;
	const char *line = cell(c, LINE_CELL);
	ret->line = line ? (uint32_t)strtoul(line, NULL, 10) : 0;
	ret->columns = cell(c, MUN_ITEMS_COLUMNS);
	return MUN_OK;
}

static enum mun_code claim_json(struct compared *c, struct mun_claim *ret)
{
	struct mun_err why;

	mun_json_freep(&c->doc);
	enum mun_code code = mun_json_parse(&c->doc, mun_buf_str(&c->row), c->row.len - 1, &why);
	if (code == MUN_OK)
		ret->name = mun_json_str(mun_json_get(mun_json_root(c->doc), "name"));
	return code == MUN_E_NOMEM ? code : MUN_OK;
}

static enum mun_code claim(void *arg, struct mun_claim *ret, struct mun_err *err)
{
	struct compared *c = *(struct compared **)arg;

	*ret = (struct mun_claim){ .line = 0 };
	if (!c || !c->lines || c->differs)
		return MUN_OK;
	enum mun_code code = next_record(c, err);
	if (code == MUN_E_NOTFOUND || code == MUN_E_CORRUPT) {
		c->differs = true;
		return MUN_OK;
	}
	if (code == MUN_OK)
		code = c->form == FORM_HISTORY_JSONL ? claim_json(c, ret) : claim_csv(c, ret);
	return code == MUN_E_NOMEM ? mun_fail(err, code, "no memory for a row") : code;
}

static enum mun_code open_compared(struct compared *c, const struct mun_members *m,
                                   const char *name, struct mun_err *err)
{
	int again;

	enum mun_code code = mun_members_fd(m, name, &c->fd, NULL, err);
	if (code == MUN_OK)
		code = mun_members_fd(m, name, &again, NULL, err);
	if (code == MUN_OK)
		code = mun_lines_open(&c->lines, again, name, MUN_CSV_RECORD, err);
	if (code == MUN_OK && c->form != FORM_HISTORY_JSONL) /* the header */
		code = next_record(c, err);
	return code == MUN_E_CORRUPT ? MUN_E_NOTFOUND : code;
}

static void say_differs(struct mun_verify *v, const char *name)
{
	mun_verify_bad(v, MUN_NO_SEQ, "%s is not what the entries make", name);
}

static enum mun_code check_file(struct mun_verify *v, const struct mun_members *m,
                                struct mun_bundle *b, struct compared **claimed, enum form form,
                                struct mun_err *err)
{
	static const struct {
		const char *name;
		enum mun_code (*write)(struct mun_bundle *b, mun_write_fn write, void *arg,
		                       struct mun_err *err);
	} files[] = { [FORM_HISTORY_CSV] = { "history.csv", mun_bundle_history_csv },
		      [FORM_HISTORY_JSONL] = { "history.jsonl", mun_bundle_history_jsonl },
		      [FORM_ITEMS_CSV] = { "items.csv", mun_bundle_items_csv } };
	struct compared c MUN_CLEANUP(compared_done) = { .fd = -1, .form = form };

	mun_buf_init(&c.row, MUN_CSV_RECORD);
	mun_csv_init(&c.csv, "", 0);
	enum mun_code code = open_compared(&c, m, files[form].name, err);
	if (code == MUN_E_NOTFOUND) {
		say_differs(v, files[form].name);
		return MUN_OK;
	}
	*claimed = &c;
	if (code == MUN_OK)
		code = files[form].write(b, compare, &c, err);
	*claimed = NULL;
	if (code == MUN_OK)
		code = compare_end(&c, err);
	if (code == MUN_OK && c.differs)
		say_differs(v, files[form].name);
	return code;
}

static enum mun_code check_summary(struct mun_verify *v, const struct mun_members *m,
                                   struct mun_bundle *b, struct mun_err *err)
{
	struct mun_verdict_report verdict MUN_CLEANUP(mun_verdict_report_done) = { .bad = 0 };
	struct compared c MUN_CLEANUP(compared_done) = { .fd = -1 };

	mun_buf_init(&c.row, 1);
	mun_csv_init(&c.csv, "", 0);
	enum mun_code code = mun_members_fd(m, "summary.json", &c.fd, NULL, err);
	if (code == MUN_E_NOTFOUND) {
		say_differs(v, "summary.json");
		return MUN_OK;
	}
	if (code == MUN_OK)
		code = mun_verify_source(v->source, NULL, &verdict, err);
	if (code == MUN_OK)
		code = mun_bundle_summary(b, &verdict, compare, &c, err);
	if (code == MUN_OK)
		code = compare_end(&c, err);
	if (code == MUN_OK && c.differs)
		say_differs(v, "summary.json");
	return code;
}

/* What no entry shows, at the beginning of summary.json; NULL: it does not read so. */
static struct mun_json *read_top(const struct mun_members *m)
{
	static const char until[] = "\n,\"entries\":";
	int fd MUN_CLEANUP(mun_closep) = -1;
	struct mun_json *doc = NULL;
	char top[SUMMARY_TOP + 2];
	struct mun_err why;

	if (mun_members_fd(m, "summary.json", &fd, NULL, &why) != MUN_OK)
		return NULL;
	ssize_t got = pread(fd, top, SUMMARY_TOP, 0);
	char *end = got > 0 ? memmem(top, (size_t)got, until, sizeof(until) - 1) : NULL;
	char *stop = end ? memchr(end, '}', (size_t)(top + got - end)) : NULL;
	if (!stop)
		return NULL;
	static const char kinds[] = ",\"kinds\":";
	char *close = memmem(end, (size_t)(stop - end), kinds, sizeof(kinds) - 1);
	if (!close)
		return NULL;
	memcpy(close, "}}", 2);
	if (mun_json_parse(&doc, top, (size_t)(close + 2 - top), &why) != MUN_OK)
		return NULL;
	return doc;
}

static enum mun_code check_files(struct mun_verify *v, const struct mun_members *m,
                                 struct mun_bundle *b, struct compared **claimed,
                                 struct mun_err *err)
{
	enum mun_code code = check_file(v, m, b, claimed, FORM_HISTORY_CSV, err);

	if (code == MUN_OK)
		code = check_file(v, m, b, claimed, FORM_HISTORY_JSONL, err);
	if (code == MUN_OK)
		code = check_file(v, m, b, claimed, FORM_ITEMS_CSV, err);
	if (code == MUN_OK)
		code = check_summary(v, m, b, err);
	if (code == MUN_OK)
		mun_verify_checked(v, "history, items and summary, against what the entries make");
	return code;
}

enum mun_code mun_verify_files(struct mun_verify *v, const struct mun_members *m,
                               struct mun_err *err)
{
	struct mun_bundle *b MUN_CLEANUP(mun_bundle_freep) = NULL;
	struct mun_json *top MUN_CLEANUP(mun_json_freep) = read_top(m);
	struct compared *claimed = NULL;
	const char *tmp = getenv("TMPDIR");
	int64_t left_out = -1;

	if (v->gap || v->broken || v->unheld) {
		mun_verify_not_checked(v, "history, items and summary: the entries are damaged");
		return MUN_OK;
	}
	const struct mun_json_val *root = top ? mun_json_root(top) : NULL;
	(void)mun_json_int(mun_json_get(mun_json_get(root, "entries"), "left_out"), &left_out);
	const struct mun_bundle_options o = {
		.scratch_dir = tmp && tmp[0] == '/' ? tmp : "/tmp",
		.bodies = mun_source_has_bodies(v->source),
		.filter = mun_json_str(mun_json_get(root, "filter")),
		.left_out = left_out < 0 ? MUN_NO_SEQ : (uint64_t)left_out,
		.claim = claim,
		.claim_arg = &claimed,
	};
	enum mun_code code = mun_source_rewind(v->source, err);
	if (code == MUN_OK)
		code = mun_bundle_read(&b, v->source, &o, err);
	if (code == MUN_OK)
		code = check_files(v, m, b, &claimed, err);
	if (code != MUN_E_CORRUPT)
		return code;
	mun_verify_bad(v, MUN_NO_SEQ, "history, items and summary cannot be made: %.130s",
	               err->text);
	return MUN_OK;
}
