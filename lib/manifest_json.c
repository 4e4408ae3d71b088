/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list is walked as text and only one element at a time becomes a document, so that memory does
 * not grow with it. What becomes no field of the row is kept as the text that it is.
 */
#include <string.h>

#include "lib/json.h"
#include "lib/manifest_impl.h"

/* The value of one row. */
struct element {
	const char *text;
	size_t len;
	uint32_t line;
};

/* Lines are counted along with the walk: the parsed document does not know them. */
struct place {
	const char *data;
	size_t at;
	uint32_t line;
};

static uint32_t line_at(struct place *p, size_t offset)
{
	const char *end = p->data + offset;
	const char *s = p->data + p->at;

	for (s = memchr(s, '\n', (size_t)(end - s)); s != NULL;
	     s = memchr(s, '\n', (size_t)(end - s))) {
		p->line++;
		s++;
	}
	p->at = offset;
	return p->line;
}

/* Text of a value without the blanks between its parts, so that it stays on one line. */
static void put_compact(struct mun_buf *out, const char *s, size_t len)
{
	bool inside = false;
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		if (inside && s[i] == '\\') {
			i++;
			continue;
		}
		if (s[i] == '"')
			inside = !inside;
		if (inside || !mun_is_blank(s[i]))
			continue;
		mun_buf_add(out, s + from, i - from);
		from = i + 1;
	}
	mun_buf_add(out, s + from, len - from);
}

/* False: more of them than a row may have. */
static bool put_columns(struct mun_buf *out, const struct element *e,
                        const struct mun_json_val *object, const struct mun_json_val *id)
{
	struct mun_json_walk walk;
	struct mun_err ignored; /* the text was parsed before */
	struct mun_json_part part;
	size_t count = 0;
	bool more;

	mun_buf_clear(out);
	mun_buf_putc(out, '{');
	if (!mun_json_walk_begin(&walk, e->text, e->len, 0))
		return true;
	for (const struct mun_json_val *v = mun_json_first(object); v != NULL;
	     v = mun_json_next(v)) {
		if (mun_json_walk_next(&walk, &part, &more, &ignored) != MUN_OK || !more)
			break;
		if (v == id || strcmp(mun_json_key(v), "reason") == 0 ||
		    strcmp(mun_json_key(v), "ticket") == 0)
			continue;
		if (count++ > 0)
			mun_buf_putc(out, ',');
		mun_buf_add(out, e->text + part.key, part.key_len);
		mun_buf_putc(out, ':');
		put_compact(out, e->text + part.value, part.value_len);
	}
	mun_buf_putc(out, '}');
	return count <= MUN_COLUMNS_COUNT;
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

/* The id of an object, and its other fields into row; NULL and err when it cannot be a row. */
static const struct mun_json_val *take_object(struct mun_reader *r, struct mun_row *row,
                                              const struct element *e, const struct mun_json_val *v,
                                              struct mun_err *err)
{
	const struct mun_json_val *id = find_id(v, r->options->id_column, err);
	const char *name = mun_json_str(mun_json_get(v, "name"));

	if (id == NULL || !own_text(&row->reason, v, "reason", err) ||
	    !own_text(&row->ticket, v, "ticket", err))
		return NULL;
	row->name = name != NULL && name[0] != '\0' ? name : NULL;
	if (!put_columns(&r->columns, e, v, id)) {
		(void)mun_fail(err, MUN_E_INPUT, "more than %d keys", MUN_COLUMNS_COUNT);
		return NULL;
	}
	return mun_reader_columns(r, row, err) == MUN_OK ? id : NULL;
}

static enum mun_code take_value(struct mun_reader *r, const struct element *e,
                                const struct mun_json_val *v, struct mun_err *err)
{
	struct mun_row row = { .line = e->line };
	const struct mun_json_val *id = v;
	const char *text;

	if (mun_json_kind(v) == MUN_JSON_OBJECT)
		id = take_object(r, &row, e, v, err);
	if (id == NULL)
		return err->code;
	text = mun_json_str(id);
	if (text != NULL)
		return mun_reader_row(r, &row, text, strlen(text), err);
	if (mun_json_kind(id) != MUN_JSON_NUMBER)
		return mun_fail(err, MUN_E_INPUT, "the id is no string");
	(void)mun_fail(err, MUN_E_INPUT, "a number is no id");
	mun_hint(err, "an id is a string of 32 characters in quotes");
	return MUN_E_INPUT;
}

/* One row, delivered or counted as bad. */
static enum mun_code take(struct mun_reader *r, const struct element *e, struct mun_err *err)
{
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	enum mun_code code;

	if (e->len > MUN_MANIFEST_ROW)
		code = mun_fail(err, MUN_E_INPUT, "%zu bytes, the limit of a row is %d", e->len,
		                MUN_MANIFEST_ROW);
	else
		code = mun_json_parse(&doc, e->text, e->len, err);
	if (code == MUN_OK)
		code = take_value(r, e, mun_json_root(doc), err);
	return mun_reader_settle(r, e->line, code, err);
}

/* ---- a document ---- */

static enum mun_code bad_text(const struct mun_reader *r, struct place *p, size_t at,
                              struct mun_err *err)
{
	return mun_wrap(err, MUN_E_INPUT, "%s: line %u", r->options->source, line_at(p, at));
}

static enum mun_code take_elements(struct mun_reader *r, struct mun_json_walk *list,
                                   struct place *p, struct mun_err *err)
{
	for (;;) {
		struct mun_json_part part;
		struct element e;
		bool more;
		enum mun_code code = mun_json_walk_next(list, &part, &more, err);

		if (code != MUN_OK)
			return bad_text(r, p, list->pos, err);
		if (!more)
			return MUN_OK;
		e = (struct element){ .text = list->data + part.value, .len = part.value_len };
		e.line = line_at(p, part.value);
		code = take(r, &e, err);
		if (code != MUN_OK)
			return code;
	}
}

static bool is_data(const char *data, const struct mun_json_part *part)
{
	MUN_CLEANUP(mun_json_freep) struct mun_json *key = NULL;
	struct mun_err ignored;

	/* The longest way to write it has an escape for each letter. */
	return part->key_len <= strlen("\"data\"") * 6 &&
	       mun_json_parse(&key, data + part->key, part->key_len, &ignored) == MUN_OK &&
	       strcmp(mun_json_str(mun_json_root(key)), "data") == 0;
}

/*
 * Walk the members of an object to its end, and remember the one that may hold the list. Members
 * are not kept, however many there are.
 */
static enum mun_code find_list(const struct mun_reader *r, struct mun_json_walk *object,
                               struct mun_json_part *ret, struct place *p, struct mun_err *err)
{
	struct mun_json_part part;
	bool more = true;

	*ret = (struct mun_json_part){ 0 };
	while (more) {
		if (mun_json_walk_next(object, &part, &more, err) != MUN_OK)
			return bad_text(r, p, object->pos, err);
		if (more && object->data[part.value] == '[' && is_data(object->data, &part))
			*ret = part;
	}
	if (mun_json_scan_end(object->data, object->len, object->pos, err) != MUN_OK)
		return bad_text(r, p, object->pos, err);
	return MUN_OK;
}

/*
 * A list beside what describes it, {"data": […], …}: not where the object has an id of its own.
 * The rest of the object, with an empty list, must pass as a document.
 */
static enum mun_code is_list(const struct mun_reader *r, const char *text, size_t len,
                             const struct mun_json_part *list, bool *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	MUN_BUF_CLEANUP struct mun_buf rest;
	size_t behind = list->value + list->value_len;
	struct mun_err ignored;
	enum mun_code code;

	mun_buf_init(&rest, MUN_MANIFEST_ROW);
	*ret = false;
	if (list->key_len == 0)
		return MUN_OK;
	mun_buf_add(&rest, text, list->value);
	mun_buf_puts(&rest, "[]");
	mun_buf_add(&rest, text + behind, len - behind);
	if (rest.full)
		return mun_fail(err, MUN_E_INPUT,
		                "%s: what stands beside the list is longer than %d bytes",
		                r->options->source, MUN_MANIFEST_ROW);
	code = mun_buf_check(&rest, "a list", err);
	if (code == MUN_OK)
		code = mun_json_parse(&doc, rest.data, rest.len, err);
	if (code == MUN_E_INPUT)
		return mun_wrap(err, code, "%s", r->options->source);
	*ret = code == MUN_OK &&
	       find_id(mun_json_root(doc), r->options->id_column, &ignored) == NULL;
	return code;
}

static enum mun_code take_object_or_list(struct mun_reader *r, struct mun_json_walk *object,
                                         struct place *p, struct mun_err *err)
{
	size_t start = object->pos - 1;
	struct mun_json_part part;
	struct mun_json_walk list;
	struct element e;
	bool is;
	enum mun_code code = find_list(r, object, &part, p, err);

	*p = (struct place){ .data = object->data, .line = 1 };
	if (code == MUN_OK)
		code = is_list(r, object->data + start, object->pos - start,
		               &(struct mun_json_part){ .key_len = part.key_len,
		                                        .value = part.value - start,
		                                        .value_len = part.value_len },
		               &is, err);
	if (code != MUN_OK)
		return code;
	if (is && mun_json_walk_begin(&list, object->data, object->len, part.value))
		return take_elements(r, &list, p, err);
	e = (struct element){ .text = object->data + start, .len = object->pos - start };
	e.line = line_at(p, start);
	return take(r, &e, err);
}

enum mun_code mun_manifest_json(struct mun_reader *r, struct mun_err *err)
{
	/* From the start of the file, so that offsets in messages are those of the file. */
	const char *data = r->data - r->skipped;
	size_t len = r->len + r->skipped;
	struct place p = { .data = data, .line = 1 };
	struct mun_json_walk walk;
	enum mun_code code;

	if (!mun_json_walk_begin(&walk, data, len, r->skipped)) {
		struct element e = { .text = r->data, .len = r->len, .line = 1 };

		return take(r, &e, err);
	}
	if (walk.object)
		return take_object_or_list(r, &walk, &p, err);
	code = take_elements(r, &walk, &p, err);
	if (code == MUN_OK && mun_json_scan_end(data, len, walk.pos, err) != MUN_OK)
		code = bad_text(r, &p, walk.pos, err);
	return code;
}

enum mun_code mun_manifest_jsonl(struct mun_reader *r, struct mun_err *err)
{
	struct mun_text_line line = { 0 };

	while (mun_reader_line(r, &line)) {
		struct element e = { .text = line.text, .len = line.len, .line = line.number };
		enum mun_code code = line.len == 0 ? MUN_OK : take(r, &e, err);

		if (code != MUN_OK)
			return code;
	}
	return MUN_OK;
}
