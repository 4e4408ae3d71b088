/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/canon.h"
#include "lib/json.h"
#include "lib/manifest_impl.h"

/* ---- where the elements start: the parsed document does not know its lines ---- */

struct place {
	const char *s;
	size_t len, at;
	uint32_t line;
};

static void skip_blank(struct place *p, char also)
{
	while (p->at < p->len && (strchr(" \t\r\n", p->s[p->at]) != NULL || p->s[p->at] == also)) {
		if (p->s[p->at] == '\n')
			p->line++;
		p->at++;
	}
}

/* A string without its quotes is never across lines: a control character in it is refused. */
static void skip_string(struct place *p)
{
	p->at++;
	while (p->at < p->len && p->s[p->at] != '"')
		p->at += p->s[p->at] == '\\' ? 2 : 1;
	p->at++;
}

static void skip_value(struct place *p)
{
	unsigned depth = 0;

	while (p->at < p->len) {
		char c = p->s[p->at];

		if (depth == 0 && (c == ',' || c == ']' || c == '}'))
			return;
		if (c == '"') {
			skip_string(p);
			continue;
		}
		if (c == '[' || c == '{')
			depth++;
		else if (c == ']' || c == '}')
			depth--;
		else if (c == '\n')
			p->line++;
		p->at++;
	}
}

/* Behind the bracket of the list: of the document, or of its member data. */
static void find_list(struct place *p)
{
	static const char key[] = "\"data\"";

	skip_blank(p, ' ');
	if (p->at < p->len && p->s[p->at++] == '[')
		return;
	for (;;) {
		bool found;

		skip_blank(p, ',');
		if (p->at >= p->len || p->s[p->at] != '"')
			return;
		found = p->len - p->at > strlen(key) && memcmp(p->s + p->at, key, strlen(key)) == 0;
		skip_string(p);
		skip_blank(p, ':');
		if (found) {
			p->at++;
			return;
		}
		skip_value(p);
	}
}

/* ---- elements ---- */

static void put_member(struct mun_canon *canon, const struct mun_json_val *v)
{
	const char *key = mun_json_key(v);
	int64_t number;
	bool truth;

	if (mun_json_str(v) != NULL)
		mun_canon_str(canon, key, mun_json_str(v));
	else if (mun_json_kind(v) == MUN_JSON_NULL)
		mun_canon_null(canon, key);
	else if (mun_json_bool(v, &truth))
		mun_canon_bool(canon, key, truth);
	else if (mun_json_int(v, &number))
		mun_canon_int(canon, key, number);
	/* Lists, objects and fractions are no columns. */
}

static void put_columns(struct mun_buf *out, const struct mun_json_val *object,
                        const struct mun_json_val *id)
{
	struct mun_canon canon;

	mun_buf_clear(out);
	mun_canon_init(&canon, out);
	mun_canon_loose(&canon);
	mun_canon_object(&canon, NULL);
	for (const struct mun_json_val *v = mun_json_first(object); v != NULL;
	     v = mun_json_next(v)) {
		if (v != id && strcmp(mun_json_key(v), "reason") != 0 &&
		    strcmp(mun_json_key(v), "ticket") != 0)
			put_member(&canon, v);
	}
	mun_canon_end(&canon);
}

/* NULL and err: none, or more than one. */
static const struct mun_json_val *find_id(const struct mun_json_val *object, const char *id_column,
                                          struct mun_err *err)
{
	const struct mun_json_val *id = NULL;

	for (const struct mun_json_val *v = mun_json_first(object); v != NULL;
	     v = mun_json_next(v)) {
		if (!mun_is_id_name(mun_json_key(v), id_column))
			continue;
		if (id != NULL) {
			(void)mun_fail(err, MUN_E_INPUT, "more than one key of an id");
			mun_hint(err, "name the one to use with --id-column");
			return NULL;
		}
		id = v;
	}
	if (id == NULL)
		(void)mun_fail(err, MUN_E_INPUT, "no key %s",
		               id_column == NULL ? "id, run_id or process_id" : id_column);
	return id;
}

/* An own reason or ticket: absent, null and "" are none. False: it is no text. */
static bool own_text(const char **ret, const struct mun_json_val *object, const char *key,
                     struct mun_err *err)
{
	const struct mun_json_val *v = mun_json_get(object, key);
	enum mun_json_kind kind = mun_json_kind(v);
	const char *s = mun_json_str(v);

	*ret = s != NULL && s[0] != '\0' ? s : NULL;
	if (s != NULL || kind == MUN_JSON_ABSENT || kind == MUN_JSON_NULL)
		return true;
	(void)mun_fail(err, MUN_E_INPUT, "the %s is no string", key);
	return false;
}

/* Fill row from an object; NULL and err when it cannot be one. */
static const struct mun_json_val *take_object(struct mun_reader *r, struct mun_row *row,
                                              const struct mun_json_val *v, struct mun_err *err)
{
	const struct mun_json_val *id = find_id(v, r->options->id_column, err);
	const char *name = mun_json_str(mun_json_get(v, "name"));

	if (id == NULL || !own_text(&row->reason, v, "reason", err) ||
	    !own_text(&row->ticket, v, "ticket", err))
		return NULL;
	row->name = name != NULL && name[0] != '\0' ? name : NULL;
	put_columns(&r->columns, v, id);
	if (r->columns.len > strlen("{}")) {
		row->columns = mun_buf_str(&r->columns);
		row->columns_len = r->columns.len;
	}
	return id;
}

static enum mun_code take(struct mun_reader *r, const struct mun_json_val *v, uint32_t line,
                          struct mun_err *err)
{
	struct mun_row row = { .line = line };
	const struct mun_json_val *id = v;
	const char *text;

	if (mun_json_kind(v) == MUN_JSON_OBJECT) {
		enum mun_code code;

		id = take_object(r, &row, v, err);
		code = id == NULL ? MUN_OK : mun_buf_check(&r->columns, "the keys of a row", err);
		if (code != MUN_OK)
			return code;
	}
	text = mun_json_str(id);
	if (text != NULL)
		return mun_reader_row(r, &row, text, strlen(text), err);
	if (mun_json_kind(id) == MUN_JSON_NUMBER) {
		(void)mun_fail(err, MUN_E_INPUT, "a number is no id");
		mun_hint(err, "an id is a string of 32 characters in quotes");
	} else if (id != NULL) {
		(void)mun_fail(err, MUN_E_INPUT, "the id is no string");
	}
	mun_reader_bad(r, line, err);
	return MUN_OK;
}

/* The list of the vendor's program: {"data": […]}, where the object has no id of its own. */
static const struct mun_json_val *list_of(const struct mun_reader *r,
                                          const struct mun_json_val *root)
{
	const struct mun_json_val *data = mun_json_get(root, "data");
	struct mun_err ignored;

	if (mun_json_kind(root) == MUN_JSON_ARRAY)
		return root;
	if (mun_json_kind(root) == MUN_JSON_OBJECT && mun_json_kind(data) == MUN_JSON_ARRAY &&
	    find_id(root, r->options->id_column, &ignored) == NULL)
		return data;
	return NULL;
}

enum mun_code mun_manifest_json(struct mun_reader *r, struct mun_err *err)
{
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	struct place place = { .s = r->data, .len = r->len, .line = 1 };
	const struct mun_json_val *list;
	enum mun_code code = mun_json_parse(&doc, r->data, r->len, err);

	if (code != MUN_OK)
		return mun_wrap(err, code, "%s", r->options->source);
	list = list_of(r, mun_json_root(doc));
	if (list == NULL) {
		skip_blank(&place, ' ');
		return take(r, mun_json_root(doc), place.line, err);
	}
	find_list(&place);
	for (const struct mun_json_val *v = mun_json_first(list); v != NULL; v = mun_json_next(v)) {
		skip_blank(&place, ',');
		code = take(r, v, place.line, err);
		if (code != MUN_OK)
			return code;
		skip_value(&place);
	}
	return MUN_OK;
}

enum mun_code mun_manifest_jsonl(struct mun_reader *r, struct mun_err *err)
{
	struct mun_text_line line = { 0 };

	while (mun_reader_line(r, &line)) {
		MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
		enum mun_code code;

		if (line.len == 0)
			continue;
		code = mun_json_parse(&doc, line.text, line.len, err);
		if (code == MUN_OK)
			code = take(r, mun_json_root(doc), line.number, err);
		else if (code == MUN_E_INPUT)
			mun_reader_bad(r, line.number, err);
		if (code != MUN_OK && (code != MUN_E_INPUT || doc != NULL))
			return code;
	}
	return MUN_OK;
}
