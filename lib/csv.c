/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/csv.h"

#include <string.h>

void mun_csv_init(struct mun_csv *c, const char *data, size_t len)
{
	*c = (struct mun_csv){ .data = data, .len = len, .next_line = 1 };
	/* Unquoting never makes a field longer; one NUL follows each. */
	mun_buf_init(&c->text, MUN_CSV_RECORD + MUN_CSV_FIELDS + 1);
}

void mun_csv_done(struct mun_csv *c)
{
	mun_buf_done(&c->text);
}

static bool at_end_of_line(const struct mun_csv *c)
{
	return c->pos >= c->len || c->data[c->pos] == '\n' ||
	       (c->data[c->pos] == '\r' && c->pos + 1 < c->len && c->data[c->pos + 1] == '\n');
}

/* Past the rest of the line, so that the caller can go on behind a bad record. */
static void skip_line(struct mun_csv *c)
{
	while (c->pos < c->len && c->data[c->pos] != '\n')
		c->pos++;
	if (c->pos < c->len) {
		c->pos++;
		c->next_line++;
	}
}

static bool too_long(const struct mun_csv *c)
{
	return c->pos - c->start > MUN_CSV_RECORD;
}

/* False: the quote is not closed before the end or the limit. */
static bool quoted(struct mun_csv *c)
{
	size_t from = ++c->pos;

	for (; c->pos < c->len && !too_long(c); c->pos++) {
		if (c->data[c->pos] == '\n')
			c->next_line++;
		if (c->data[c->pos] != '"')
			continue;
		mun_buf_add(&c->text, c->data + from, c->pos - from);
		if (c->pos + 1 >= c->len || c->data[c->pos + 1] != '"') {
			c->pos++;
			return true;
		}
		/* A doubled quote: the second one starts the next piece. */
		from = ++c->pos;
	}
	return false;
}

/* False: there is a quote in the middle of the field. */
static bool plain(struct mun_csv *c)
{
	size_t from = c->pos;

	while (!at_end_of_line(c) && c->data[c->pos] != ',' && c->data[c->pos] != '"')
		c->pos++;
	mun_buf_add(&c->text, c->data + from, c->pos - from);
	return at_end_of_line(c) || c->data[c->pos] == ',';
}

static enum mun_code bad(struct mun_csv *c, const char *what, struct mun_err *err)
{
	skip_line(c);
	return mun_fail(err, MUN_E_INPUT, "%s", what);
}

static enum mun_code bad_length(struct mun_csv *c, struct mun_err *err)
{
	skip_line(c);
	return mun_fail(err, MUN_E_INPUT, "longer than the limit of %d bytes", MUN_CSV_RECORD);
}

static enum mun_code unclosed(struct mun_csv *c, struct mun_err *err)
{
	bool whole = c->pos >= c->len;

	c->pos = c->len;
	if (whole)
		return mun_fail(err, MUN_E_INPUT, "a quote is opened and never closed");
	(void)mun_fail(err, MUN_E_INPUT, "a quote is opened and not closed within %d bytes",
	               MUN_CSV_RECORD);
	mun_hint(err, "the rows behind it were not read");
	return MUN_E_INPUT;
}

static enum mun_code field(struct mun_csv *c, struct mun_err *err)
{
	size_t start = c->text.len;

	if (c->fields == MUN_CSV_FIELDS)
		return bad(c, "more than 256 fields", err);
	if (c->pos < c->len && c->data[c->pos] == '"') {
		if (!quoted(c))
			return unclosed(c, err);
		if (!at_end_of_line(c) && c->data[c->pos] != ',')
			return bad(c, "text behind a closing quote", err);
	} else if (!plain(c)) {
		return bad(c, "a quote inside a field that does not start with one", err);
	}
	if (too_long(c))
		return bad_length(c, err);
	c->field[c->fields] = start;
	c->field_len[c->fields] = c->text.len - start;
	c->fields++;
	mun_buf_putc(&c->text, '\0');
	return mun_buf_check(&c->text, "a record", err);
}

enum mun_code mun_csv_next(struct mun_csv *c, bool *ret_more, struct mun_err *err)
{
	*ret_more = c->pos < c->len;
	c->fields = 0;
	c->start = c->pos;
	c->line = c->next_line;
	mun_buf_clear(&c->text);
	if (!*ret_more)
		return MUN_OK;
	for (;;) {
		enum mun_code code = field(c, err);

		if (code != MUN_OK)
			return code;
		if (c->pos >= c->len || c->data[c->pos] != ',')
			break;
		c->pos++;
	}
	skip_line(c);
	return MUN_OK;
}

void mun_csv_cell(struct mun_buf *out, const char *s, size_t len, bool raw)
{
	/* A spreadsheet takes a cell with such a first character for a formula. */
	bool formula = !raw && len > 0 && s[0] != '\0' && strchr("=+-@\t\r", s[0]) != NULL;
	bool quote = false;
	size_t done = 0;

	for (size_t i = 0; i < len && !quote; i++)
		quote = s[i] == '"' || s[i] == ',' || s[i] == '\n' || s[i] == '\r';
	if (quote)
		mun_buf_putc(out, '"');
	if (formula)
		mun_buf_putc(out, '\'');
	for (size_t i = 0; quote && i < len; i++) {
		if (s[i] != '"')
			continue;
		mun_buf_add(out, s + done,
		            i + 1 - done); /* with it, and once more with what follows */
		done = i;
	}
	mun_buf_add(out, s + done, len - done);
	if (quote)
		mun_buf_putc(out, '"');
}
