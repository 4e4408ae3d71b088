/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/remote/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/date.h"
#include "lib/failpoint.h"
#include "lib/json.h"
#include "lib/text.h"

#define ORGS_PAGE_LEAST 10

#define JSON_CLEANUP MUN_CLEANUP(mun_json_freep)

static const char *const header_names[MUN_HEADERS] = {
	[MUN_H_CF_RAY] = "cf-ray",
	[MUN_H_CONTENT_TYPE] = "content-type",
	[MUN_H_DATE] = "date",
	[MUN_H_RETRY_AFTER] = "retry-after",
	[MUN_H_X_RATELIMIT_LIMIT] = "x-ratelimit-limit",
	[MUN_H_X_RATELIMIT_REMAINING] = "x-ratelimit-remaining",
	[MUN_H_X_RATELIMIT_RESET] = "x-ratelimit-reset",
	[MUN_H_X_REQUEST_ID] = "x-request-id",
};

const char *mun_header_name(enum mun_header h)
{
	return (unsigned)h < MUN_HEADERS ? header_names[h] : NULL;
}

void mun_answer_done(struct mun_answer *a)
{
	if (!a)
		return;
	free(a->body);
	a->body = NULL;
	a->body_len = 0;
}

/* NULL when the body is not one JSON text; the reason is of no use to anybody here. */
static struct mun_json *parse(const char *body, size_t len)
{
	struct mun_json *doc = NULL;
	struct mun_err ignored;

	if (!body || len == 0)
		return NULL;
	if (mun_json_parse(&doc, body, len, &ignored) != MUN_OK)
		(void)mun_failpoint("parse");
	return doc;
}

static bool id_of(struct mun_id *ret, const struct mun_json_val *v)
{
	const char *s = mun_json_str(v);

	/* Upper case is another text than the one asked for: not evidence. */
	return s && mun_id_parse(ret, s, strlen(s)) == MUN_ID_OK;
}

static void read_archived(struct mun_run_doc *ret, const struct mun_json_val *v)
{
	const char *s = mun_json_str(v);
	enum mun_date_zone zone;
	int64_t us;

	ret->archived = MUN_ARCHIVED_ABSENT;
	ret->archived_us = MUN_TIME_NONE;
	if (mun_json_kind(v) == MUN_JSON_NULL)
		ret->archived = MUN_ARCHIVED_NULL;
	if (!s || strlen(s) >= sizeof(ret->archived_at) ||
	    !mun_date_parse(&us, &zone, s, strlen(s)))
		return;
	ret->archived = MUN_ARCHIVED_TIME;
	ret->archived_us = us;
	ret->comparable = zone == MUN_ZONE_GIVEN;
	if (ret->comparable)
		mun_date_format(ret->archived_at, us);
	else
		mun_text_copy(ret->archived_at, sizeof(ret->archived_at), s, strlen(s));
}

static bool read_run(struct mun_run_doc *ret, const struct mun_json_val *row)
{
	const char *updated = mun_json_str(mun_json_get(row, "last_updated"));
	enum mun_date_zone zone;
	int64_t us;

	memset(ret, 0, sizeof(*ret));
	ret->updated_us = MUN_TIME_NONE;
	if (!id_of(&ret->id, mun_json_get(row, "id")))
		return false;
	read_archived(ret, mun_json_get(row, "archived_at"));
	if (updated && mun_date_parse(&us, &zone, updated, strlen(updated)) &&
	    zone == MUN_ZONE_GIVEN)
		ret->updated_us = us;
	ret->has_checklist = id_of(&ret->checklist, mun_json_get(row, "checklist_id"));
	return true;
}

bool mun_answer_run(struct mun_run_doc *ret, const char *body, size_t len)
{
	struct mun_json *doc JSON_CLEANUP = parse(body, len);

	return doc && read_run(ret, mun_json_get(mun_json_root(doc), "data"));
}

static void copy_visible(char *ret, size_t ret_size, const char *s)
{
	struct mun_buf visible MUN_BUF_CLEANUP = { .max = 4096 };

	mun_text_visible(&visible, s, strnlen(s, 512), false);
	mun_text_copy(ret, ret_size, mun_buf_str(&visible), visible.len);
}

/* Printable ASCII, cut; anything else becomes '?'. */
static void copy_ascii(char *ret, size_t ret_size, const char *s, bool lower)
{
	size_t i = 0;

	for (; s[i] && i + 1 < ret_size; i++) {
		ret[i] = '?';
		if (s[i] >= ' ' && s[i] <= '~')
			ret[i] = s[i];
		if (lower && s[i] >= 'A' && s[i] <= 'Z')
			ret[i] = (char)(s[i] - 'A' + 'a');
	}
	ret[i] = '\0';
}

static const char *code_in(const struct mun_json_val *root)
{
	static const char *const nests[] = { "error", "errors", "data", "meta" };
	const char *code = mun_json_str(mun_json_get(root, "code"));

	for (size_t i = 0; !code && i < MUN_ARRAY_LEN(nests); i++) {
		const struct mun_json_val *nest = mun_json_get(root, nests[i]);

		if (mun_json_kind(nest) == MUN_JSON_ARRAY)
			nest = mun_json_first(nest);
		code = mun_json_str(mun_json_get(nest, "code"));
	}
	return code;
}

bool mun_answer_code(char ret[static 64], const char *body, size_t len)
{
	struct mun_json *doc JSON_CLEANUP = parse(body, len);
	const char *code = doc ? code_in(mun_json_root(doc)) : NULL;

	ret[0] = '\0';
	if (code)
		copy_ascii(ret, 64, code, false);
	return code != NULL;
}

bool mun_answer_name(char ret[static 256], const char *body, size_t len)
{
	struct mun_json *doc JSON_CLEANUP = parse(body, len);
	const char *name = NULL;

	if (doc)
		name = mun_json_str(mun_json_get(mun_json_get(mun_json_root(doc), "data"), "name"));
	ret[0] = '\0';
	if (name)
		mun_text_copy(ret, 256, name, strlen(name));
	return name != NULL;
}

bool mun_answer_is_json(const struct mun_answer *a)
{
	struct mun_json *doc JSON_CLEANUP = a->body_cut ? NULL : parse(a->body, a->body_len);

	return doc != NULL;
}

void mun_answer_observe(struct mun_observation *ret, const struct mun_answer *a,
                        const struct mun_id *want, bool goal_archived, struct mun_run_doc *ret_run)
{
	enum mun_archived goal = goal_archived ? MUN_ARCHIVED_TIME : MUN_ARCHIVED_NULL;
	struct mun_json *doc JSON_CLEANUP = NULL;
	const char *code;

	memset(ret_run, 0, sizeof(*ret_run));
	ret_run->updated_us = MUN_TIME_NONE;
	ret_run->archived_us = MUN_TIME_NONE;
	*ret = (struct mun_observation){ .send = a->send, .http = a->http };
	if (!a->body_cut)
		doc = parse(a->body, a->body_len);
	if (!doc)
		return;
	ret->json = true;
	ret->evidence = MUN_EV_JSON;
	code = code_in(mun_json_root(doc));
	ret->endpoint_not_found = a->http == 404 && code && strcmp(code, "ENDPOINT_NOT_FOUND") == 0;
	if (!read_run(ret_run, mun_json_get(mun_json_root(doc), "data")))
		return;
	if (!mun_id_equal(&ret_run->id, want))
		ret->evidence = MUN_EV_OTHER_ID;
	else if (ret_run->archived == goal)
		ret->evidence = MUN_EV_GOAL;
}

static int64_t count_of(const struct mun_json_val *v)
{
	int64_t n;

	return mun_json_int(v, &n) && n >= 0 ? n : -1;
}

static void read_pagination(struct mun_page *ret, const struct mun_json_val *root)
{
	const struct mun_json_val *p = mun_json_get(mun_json_get(root, "meta"), "pagination");

	ret->total = count_of(mun_json_get(p, "total"));
	ret->current_page = count_of(mun_json_get(p, "current_page"));
	ret->total_pages = count_of(mun_json_get(p, "total_pages"));
}

bool mun_answer_page(struct mun_page *ret, const char *body, size_t len,
                     void (*fn)(void *arg, const struct mun_run_doc *row), void *arg)
{
	struct mun_json *doc JSON_CLEANUP = parse(body, len);
	const struct mun_json_val *list = doc ? mun_json_get(mun_json_root(doc), "data") : NULL;

	memset(ret, 0, sizeof(*ret));
	if (mun_json_kind(list) != MUN_JSON_ARRAY)
		return false;
	read_pagination(ret, mun_json_root(doc));
	for (const struct mun_json_val *v = mun_json_first(list); v; v = mun_json_next(v)) {
		struct mun_run_doc row;

		ret->rows++;
		if (!read_run(&row, v))
			ret->bad_rows++;
		else if (fn)
			fn(arg, &row);
	}
	return true;
}

bool mun_answer_me(struct mun_me *ret, const char *body, size_t len)
{
	struct mun_json *doc JSON_CLEANUP = parse(body, len);
	const struct mun_json_val *id;
	const char *s;
	int64_t n;

	ret->id[0] = '\0';
	if (!doc)
		return false;
	id = mun_json_get(mun_json_get(mun_json_root(doc), "data"), "id");
	s = mun_json_str(id);
	if (mun_json_int(id, &n) && n > 0)
		(void)snprintf(ret->id, sizeof(ret->id), "%" PRId64, n);
	else if (s && *s && strlen(s) < 19 && strspn(s, "0123456789") == strlen(s))
		(void)snprintf(ret->id, sizeof(ret->id), "%s", s);
	return ret->id[0] != '\0';
}

static void add_name(char *names, size_t size, const char *name)
{
	char visible[65];
	size_t used = strlen(names);

	copy_visible(visible, sizeof(visible), name);
	if (used + strlen(visible) + 3 <= size)
		(void)snprintf(names + used, size - used, "%s%s", used > 0 ? ", " : "", visible);
}

bool mun_answer_orgs(struct mun_orgs *ret, const char *body, size_t len, const struct mun_id *org)
{
	struct mun_json *doc JSON_CLEANUP = parse(body, len);
	const struct mun_json_val *list = doc ? mun_json_get(mun_json_root(doc), "data") : NULL;
	struct mun_page page = { 0 };
	bool bad = false;

	memset(ret, 0, sizeof(*ret));
	if (mun_json_kind(list) != MUN_JSON_ARRAY)
		return false;
	for (const struct mun_json_val *v = mun_json_first(list); v; v = mun_json_next(v)) {
		const char *name = mun_json_str(mun_json_get(v, "name"));
		struct mun_id id;

		if (page.rows++ < 10 && name)
			add_name(ret->names, sizeof(ret->names), name);
		if (!id_of(&id, mun_json_get(v, "id"))) {
			bad = true;
		} else if (mun_id_equal(&id, org)) {
			ret->found = true;
			copy_visible(ret->name, sizeof(ret->name), name ? name : "");
		}
	}
	read_pagination(&page, mun_json_root(doc));
	/*
	 * A page that cannot prove to be the last one proves no absence. One without pagination is
	 * the whole list when it is shorter than the smallest page size known of the vendor.
	 */
	if (page.total < 0 && page.total_pages < 0)
		ret->complete = !bad && page.rows > 0 && page.rows < ORGS_PAGE_LEAST;
	else
		ret->complete = !bad && page.rows > 0 && page.total >= 0 &&
		                (page.total_pages >= 0 && page.current_page >= 0
		                         ? page.current_page >= page.total_pages
		                         : (uint64_t)page.total == page.rows);
	return true;
}

bool mun_answer_member(struct mun_member *ret, const char *body, size_t len)
{
	struct mun_json *doc JSON_CLEANUP = parse(body, len);
	const struct mun_json_val *data;
	const char *role, *type;

	memset(ret, 0, sizeof(*ret));
	if (!doc)
		return false;
	data = mun_json_get(mun_json_root(doc), "data");
	role = mun_json_str(mun_json_get(data, "role"));
	type = mun_json_str(mun_json_get(data, "type"));
	copy_ascii(ret->role, sizeof(ret->role), role ? role : "", true);
	copy_ascii(ret->type, sizeof(ret->type), type ? type : "", true);
	return role || type;
}
