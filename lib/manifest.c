/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/manifest.h"

#include <string.h>
#include <strings.h>

#include "lib/encoding.h"
#include "lib/manifest_impl.h"
#include "lib/text.h"

static const char *const format_names[] = { "auto", "ids", "csv", "jsonl", "json" };

const char *mun_format_name(enum mun_format f)
{
	return (size_t)f < MUN_ARRAY_LEN(format_names) ? format_names[f] : "?";
}

bool mun_format_parse(enum mun_format *ret, const char *s)
{
	for (size_t i = 0; i < MUN_ARRAY_LEN(format_names); i++) {
		if (strcmp(s, format_names[i]) == 0) {
			*ret = (enum mun_format)i;
			return true;
		}
	}
	return false;
}

static enum mun_code text_check(const char *what, const char *s, struct mun_err *err)
{
	size_t len = strlen(s), ignored;

	if (mun_utf8_bad(s, len) < len)
		return mun_fail(err, MUN_E_INPUT, "the %s is not valid UTF-8", what);
	if (mun_control_at(s, len) < len)
		return mun_fail(err, MUN_E_INPUT, "the %s has a control character", what);
	/* It would stand in the journal for ever. */
	if (mun_text_token(s, len, &ignored) == NULL)
		return MUN_OK;
	(void)mun_fail(err, MUN_E_INPUT, "the %s holds what looks like a token (not shown)", what);
	mun_hint(err, "revoke that token: others may have seen it");
	return MUN_E_INPUT;
}

enum mun_code mun_reason_check(const char *s, struct mun_err *err)
{
	enum mun_code code = text_check("reason", s, err);
	size_t chars = 0;

	if (code != MUN_OK)
		return code;
	for (size_t i = 0; s[i] != '\0'; i++)
		chars += ((uint8_t)s[i] & 0xc0) != 0x80;
	if (strspn(s, " \t") == strlen(s))
		chars = 0; /* blanks say nothing */
	if (chars >= MUN_REASON_MIN && chars <= MUN_REASON_MAX)
		return MUN_OK;
	return mun_fail(err, MUN_E_INPUT, "the reason has %zu characters, it must have %d to %d",
	                chars, MUN_REASON_MIN, MUN_REASON_MAX);
}

enum mun_code mun_ticket_check(const char *s, struct mun_err *err)
{
	enum mun_code code = text_check("ticket", s, err);
	size_t len = strlen(s);

	if (code != MUN_OK)
		return code;
	if (len > 0 && len <= MUN_TICKET_MAX)
		return MUN_OK;
	return mun_fail(err, MUN_E_INPUT, "the ticket has %zu bytes, it must have 1 to %d", len,
	                MUN_TICKET_MAX);
}

bool mun_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(const char **s, size_t *len)
{
	while (*len > 0 && mun_is_blank((*s)[*len - 1]))
		(*len)--;
	while (*len > 0 && mun_is_blank(**s)) {
		(*s)++;
		(*len)--;
	}
}

bool mun_reader_line(const struct mun_reader *r, struct mun_text_line *line)
{
	const char *end;

	if (line->next >= r->len)
		return false;
	line->text = r->data + line->next;
	end = memchr(line->text, '\n', r->len - line->next);
	line->len = end == NULL ? r->len - line->next : (size_t)(end - line->text);
	line->next += line->len + 1;
	line->number++;
	trim(&line->text, &line->len);
	return true;
}

static void report_bad(struct mun_reader *r, uint64_t line, const struct mun_err *err)
{
	static const char mark[] = "\nhint: ";
	const char *hint = strstr(err->text, mark);
	int len = (int)strcspn(err->text, "\n");

	if (r->report->bad++ >= MUN_MANIFEST_FAULTS)
		return;
	mun_buf_printf(&r->report->faults, "%s %llu: %.*s",
	               r->options->arguments ? "argument" : "line", (unsigned long long)line, len,
	               err->text);
	if (hint != NULL)
		mun_buf_printf(&r->report->faults, " (%s)", hint + strlen(mark));
	mun_buf_putc(&r->report->faults, '\n');
}

enum mun_code mun_reader_settle(struct mun_reader *r, uint64_t line, enum mun_code code,
                                const struct mun_err *err)
{
	if (code != MUN_E_INPUT)
		return code;
	report_bad(r, line, err);
	return MUN_OK;
}

enum mun_code mun_reader_columns(struct mun_reader *r, struct mun_row *row, struct mun_err *err)
{
	if (r->columns.full)
		return mun_fail(err, MUN_E_INPUT,
		                "the other columns of the row take more than %d bytes",
		                MUN_COLUMNS_MAX);
	if (r->columns.len > strlen("{}")) {
		row->columns = mun_buf_str(&r->columns);
		row->columns_len = r->columns.len;
	}
	return mun_buf_check(&r->columns, "the columns of a row", err);
}

enum mun_code mun_reader_row(struct mun_reader *r, struct mun_row *row, const char *id, size_t len,
                             struct mun_err *err)
{
	bool folded = false;
	enum mun_code code;

	trim(&id, &len);
	code = mun_run_parse(&row->run, &row->org, &row->has_org, &folded, id, len, err);
	if (code == MUN_OK && row->reason != NULL)
		code = mun_reason_check(row->reason, err);
	if (code == MUN_OK && row->ticket != NULL)
		code = mun_ticket_check(row->ticket, err);
	if (code == MUN_OK)
		code = r->fn(r->arg, row, err);
	if (code != MUN_OK)
		return code;
	r->report->rows++;
	r->report->folded += folded;
	return MUN_OK;
}

bool mun_is_id_name(const char *name, const char *id_column)
{
	if (id_column != NULL)
		return strcasecmp(name, id_column) == 0;
	return strcasecmp(name, "id") == 0 || strcasecmp(name, "run_id") == 0 ||
	       strcasecmp(name, "process_id") == 0;
}

/* Several objects, one in each line; one object over many lines has a line that starts with }. */
static bool is_jsonl(const struct mun_reader *r)
{
	struct mun_text_line line = { 0 };
	size_t objects = 0;

	while (mun_reader_line(r, &line)) {
		if (line.len == 0)
			continue;
		if (line.text[0] != '{')
			return false;
		if (objects++ == 0 && line.text[line.len - 1] != '}')
			return false;
	}
	return objects > 1;
}

/* What stands behind an id and a blank as a comment is no part of it. */
static size_t without_comment(const char *s, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (s[i] == '#' && mun_is_blank(s[i - 1]))
			return i;
	}
	return len;
}

static enum mun_code parse_ids(struct mun_reader *r, struct mun_err *err)
{
	struct mun_text_line line = { 0 };

	while (mun_reader_line(r, &line)) {
		struct mun_row row = { .line = line.number };
		size_t len = line.len;
		enum mun_code code;

		if (!r->options->arguments) {
			if (len == 0 || line.text[0] == '#')
				continue;
			len = without_comment(line.text, len);
		}
		code = mun_reader_row(r, &row, line.text, len, err);
		code = mun_reader_settle(r, row.line, code, err);
		if (code != MUN_OK)
			return code;
	}
	return MUN_OK;
}

/* A run, whatever its comment holds? */
static bool is_run(const struct mun_text_line *line)
{
	const char *s = line->text;
	size_t len = without_comment(s, line->len);
	struct mun_id run;
	struct mun_id org;
	struct mun_err ignored;
	bool flag;

	trim(&s, &len);
	return mun_run_parse(&run, &org, &flag, &flag, s, len, &ignored) == MUN_OK;
}

/* A line of a table, or the header of a table of one column. */
static bool is_csv(const struct mun_reader *r, const struct mun_text_line *line)
{
	const char *s = line->text;
	size_t len = line->len;
	char name[128];

	if (s[0] == '#' || is_run(line))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == ',' || s[i] == ';' || s[i] == '\t')
			return true;
	}
	if (len >= 2 && s[0] == '"' && s[len - 1] == '"') {
		s++;
		len -= 2;
	}
	if (len >= sizeof(name))
		return false;
	mun_text_copy(name, sizeof(name), s, len);
	return mun_is_id_name(name, NULL) ||
	       (r->options->id_column != NULL && mun_is_id_name(name, r->options->id_column));
}

static enum mun_format detect(const struct mun_reader *r)
{
	struct mun_text_line line = { 0 };

	while (mun_reader_line(r, &line)) {
		if (line.len == 0)
			continue;
		if (line.text[0] == '[')
			return MUN_FORMAT_JSON;
		if (line.text[0] == '{')
			return is_jsonl(r) ? MUN_FORMAT_JSONL : MUN_FORMAT_JSON;
		return is_csv(r, &line) ? MUN_FORMAT_CSV : MUN_FORMAT_IDS;
	}
	return MUN_FORMAT_IDS;
}

static enum mun_code parse_as(struct mun_reader *r, struct mun_err *err)
{
	switch (r->report->format) {
	case MUN_FORMAT_CSV:
		return mun_manifest_csv(r, err);
	case MUN_FORMAT_JSON:
		return mun_manifest_json(r, err);
	case MUN_FORMAT_JSONL:
		return mun_manifest_jsonl(r, err);
	case MUN_FORMAT_IDS:
	case MUN_FORMAT_AUTO:
		break;
	}
	return parse_ids(r, err);
}

static enum mun_code parse_checked(struct mun_reader *r, struct mun_err *err)
{
	struct mun_manifest_report *report = r->report;
	enum mun_code code = parse_as(r, err);

	if (code != MUN_OK)
		return code;
	if (report->bad == 0)
		return MUN_OK;
	code = mun_buf_check(&report->faults, "the report of bad rows", err);
	if (code == MUN_E_NOMEM)
		return code;
	return mun_fail(err, MUN_E_INPUT, "%s: %llu bad row%s, nothing is taken from this list",
	                r->options->source, (unsigned long long)report->bad,
	                report->bad == 1 ? "" : "s");
}

enum mun_code mun_manifest_parse(const char *data, size_t len,
                                 const struct mun_manifest_options *options, mun_row_fn fn,
                                 void *arg, struct mun_manifest_report *report, struct mun_err *err)
{
	struct mun_reader r = { .options = options, .fn = fn, .arg = arg, .report = report };
	struct mun_encoding encoding;
	enum mun_code code;

	report->format = options->format;
	report->rows = report->bad = report->folded = 0;
	report->bom = report->crlf = report->no_last_newline = false;
	if (len > MUN_MANIFEST_MAX)
		return mun_manifest_too_large(options->source, err);
	code = mun_encoding_check(&encoding, data, len, options->source, err);
	if (code != MUN_OK)
		return code;
	report->bom = encoding.skip > 0;
	report->crlf = encoding.crlf;
	report->no_last_newline = encoding.no_last_newline;
	r.skipped = encoding.skip;
	r.data = data + encoding.skip;
	r.len = len - encoding.skip;
	if (report->format == MUN_FORMAT_AUTO)
		report->format = detect(&r);
	mun_buf_init(&r.columns, MUN_COLUMNS_MAX);
	code = parse_checked(&r, err);
	mun_buf_done(&r.columns);
	return code;
}
