/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/manifest.h"

#include <string.h>
#include <strings.h>

#include "lib/encoding.h"
#include "lib/manifest_impl.h"
#include "lib/text.h"

#define FAULTS 20 /* texts of bad rows that are kept */

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
	size_t len = strlen(s);

	if (mun_utf8_bad(s, len) < len)
		return mun_fail(err, MUN_E_INPUT, "the %s is not valid UTF-8", what);
	if (mun_control_at(s, len) < len)
		return mun_fail(err, MUN_E_INPUT, "the %s has a control character", what);
	return MUN_OK;
}

enum mun_code mun_reason_check(const char *s, struct mun_err *err)
{
	enum mun_code code = text_check("reason", s, err);
	size_t chars = 0;

	if (code != MUN_OK)
		return code;
	for (size_t i = 0; s[i] != '\0'; i++)
		chars += ((uint8_t)s[i] & 0xc0) != 0x80;
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

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(const char **s, size_t *len)
{
	while (*len > 0 && is_blank((*s)[*len - 1]))
		(*len)--;
	while (*len > 0 && is_blank(**s)) {
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

void mun_reader_bad(struct mun_reader *r, uint64_t line, const struct mun_err *err)
{
	static const char mark[] = "\nhint: ";
	const char *hint = strstr(err->text, mark);
	int len = (int)strcspn(err->text, "\n");

	if (r->report->bad++ >= FAULTS)
		return;
	mun_buf_printf(&r->report->faults, "line %llu: %.*s", (unsigned long long)line, len,
	               err->text);
	if (hint != NULL)
		mun_buf_printf(&r->report->faults, " (%s)", hint + strlen(mark));
	mun_buf_putc(&r->report->faults, '\n');
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
	if (code == MUN_E_INPUT) {
		mun_reader_bad(r, row->line, err);
		return MUN_OK;
	}
	if (code != MUN_OK)
		return code;
	r->report->rows++;
	r->report->folded += folded;
	return r->fn(r->arg, row, err);
}

bool mun_is_id_name(const char *name, const char *id_column)
{
	if (id_column != NULL)
		return strcasecmp(name, id_column) == 0;
	return strcasecmp(name, "id") == 0 || strcasecmp(name, "run_id") == 0 ||
	       strcasecmp(name, "process_id") == 0;
}

static enum mun_code parse_ids(struct mun_reader *r, struct mun_err *err)
{
	struct mun_text_line line = { 0 };

	while (mun_reader_line(r, &line)) {
		struct mun_row row = { .line = line.number };
		enum mun_code code;

		if (line.len == 0 || line.text[0] == '#')
			continue;
		code = mun_reader_row(r, &row, line.text, line.len, err);
		if (code != MUN_OK)
			return code;
	}
	return MUN_OK;
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

/* A line of a table, or the header of a table of one column. */
static bool is_csv(const struct mun_reader *r, const struct mun_text_line *line)
{
	const char *s = line->text;
	size_t len = line->len;
	char name[128];

	if (s[0] == '#')
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
		return mun_fail(err, MUN_E_INPUT, "%s: larger than the limit of %u bytes",
		                options->source, MUN_MANIFEST_MAX);
	code = mun_encoding_check(&encoding, data, len, options->source, err);
	if (code != MUN_OK)
		return code;
	report->bom = encoding.skip > 0;
	report->crlf = encoding.crlf;
	report->no_last_newline = encoding.no_last_newline;
	r.data = data + encoding.skip;
	r.len = len - encoding.skip;
	if (report->format == MUN_FORMAT_AUTO)
		report->format = detect(&r);
	/* Escapes make the text of the columns longer than the row: six bytes for one. */
	mun_buf_init(&r.columns, 6 * (size_t)MUN_MANIFEST_MAX);
	code = parse_checked(&r, err);
	mun_buf_done(&r.columns);
	return code;
}
