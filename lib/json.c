/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/text.h"

#define EXACT_MAX 9007199254740991.0 /* 2^53 - 1 */

struct mun_json {
	cJSON *root;
};

struct mun_json_val {
	cJSON node;
};

static enum mun_code check_text(const char *data, size_t len, struct mun_err *err)
{
	size_t bad = mun_utf8_bad(data, len);

	if (bad < len)
		return mun_fail(err, MUN_E_INPUT, "invalid JSON at byte %zu: not UTF-8", bad);
	return mun_json_scan(data, len, err);
}

static int compare_keys(const void *a, const void *b)
{
	const char *const *left = a;
	const char *const *right = b;

	return strcmp(*left, *right);
}

static enum mun_code fail_duplicate(const char *key, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf shown = { .max = 512 };

	mun_text_visible(&shown, key, strnlen(key, 60), false);
	return mun_fail(err, MUN_E_INPUT, "invalid JSON: key \"%s\" appears twice in one object",
	                mun_buf_str(&shown));
}

/* Sorted, so that a hostile object of many keys costs no square. */
static enum mun_code check_keys(const cJSON *object, struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) const char **keys = NULL;
	size_t count = 0;
	size_t i = 0;

	for (const cJSON *m = object->child; m != NULL; m = m->next)
		count++;
	if (count < 2)
		return MUN_OK;
	keys = calloc(count, sizeof(*keys));
	if (keys == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for JSON");
	for (const cJSON *m = object->child; m != NULL; m = m->next)
		keys[i++] = m->string;
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (i = 1; i < count; i++) {
		if (strcmp(keys[i - 1], keys[i]) == 0)
			return fail_duplicate(keys[i], err);
	}
	return MUN_OK;
}

struct text {
	const char *data;
	size_t len, pos;
};

/*
 * cJSON keeps a number as a double, and 0.99999999999999999999 as a double is 1: whether the text
 * is that of an integer is noted in valueint, which is for printing and not used. The nodes of the
 * tree and the numbers of the text have the same order.
 */
static void note_integer(cJSON *node, struct text *t)
{
	bool integer = false;

	node->valueint = mun_json_next_number(t->data, t->len, &t->pos, &integer) && integer;
}

static enum mun_code check_tree(cJSON *node, struct text *t, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	if (cJSON_IsNumber(node))
		note_integer(node, t);
	if (cJSON_IsObject(node))
		code = check_keys(node, err);
	for (cJSON *m = node->child; code == MUN_OK && m != NULL; m = m->next)
		code = check_tree(m, t, err);
	return code;
}

enum mun_code mun_json_parse(struct mun_json **ret, const char *data, size_t len,
                             struct mun_err *err)
{
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	struct text text = { .data = data, .len = len };
	enum mun_code code = check_text(data, len, err);

	if (code != MUN_OK)
		return code;
	doc = calloc(1, sizeof(*doc));
	if (doc != NULL)
		doc->root = cJSON_ParseWithLength(data, len);
	if (doc == NULL || doc->root == NULL) /* the scan found nothing wrong with the text */
		return mun_fail(err, MUN_E_NOMEM, "no memory for JSON of %zu bytes", len);
	code = check_tree(doc->root, &text, err);
	if (code == MUN_OK)
		*ret = MUN_STEAL(doc);
	return code;
}

void mun_json_freep(struct mun_json **doc)
{
	if (*doc == NULL)
		return;
	cJSON_Delete((*doc)->root);
	free(*doc);
	*doc = NULL;
}

static const struct mun_json_val *as_value(const cJSON *node)
{
	return (const struct mun_json_val *)(const void *)node;
}

const struct mun_json_val *mun_json_root(const struct mun_json *doc)
{
	return as_value(doc->root);
}

enum mun_json_kind mun_json_kind(const struct mun_json_val *v)
{
	if (v == NULL)
		return MUN_JSON_ABSENT;
	if (cJSON_IsBool(&v->node))
		return MUN_JSON_BOOL;
	if (cJSON_IsNumber(&v->node))
		return MUN_JSON_NUMBER;
	if (cJSON_IsString(&v->node))
		return MUN_JSON_STRING;
	if (cJSON_IsArray(&v->node))
		return MUN_JSON_ARRAY;
	return cJSON_IsObject(&v->node) ? MUN_JSON_OBJECT : MUN_JSON_NULL;
}

const struct mun_json_val *mun_json_get(const struct mun_json_val *object, const char *key)
{
	if (mun_json_kind(object) != MUN_JSON_OBJECT)
		return NULL;
	for (const cJSON *m = object->node.child; m != NULL; m = m->next) {
		if (strcmp(m->string, key) == 0)
			return as_value(m);
	}
	return NULL;
}

const struct mun_json_val *mun_json_first(const struct mun_json_val *array_or_object)
{
	return array_or_object == NULL ? NULL : as_value(array_or_object->node.child);
}

const struct mun_json_val *mun_json_next(const struct mun_json_val *v)
{
	return v == NULL ? NULL : as_value(v->node.next);
}

const char *mun_json_key(const struct mun_json_val *v)
{
	return v == NULL ? NULL : v->node.string;
}

size_t mun_json_count(const struct mun_json_val *array_or_object)
{
	size_t count = 0;

	for (const struct mun_json_val *v = mun_json_first(array_or_object); v != NULL;
	     v = mun_json_next(v))
		count++;
	return count;
}

const char *mun_json_str(const struct mun_json_val *v)
{
	return mun_json_kind(v) == MUN_JSON_STRING ? v->node.valuestring : NULL;
}

bool mun_json_int(const struct mun_json_val *v, int64_t *ret)
{
	double d;

	if (mun_json_kind(v) != MUN_JSON_NUMBER || v->node.valueint == 0)
		return false;
	d = v->node.valuedouble;
	if (!(d >= -EXACT_MAX && d <= EXACT_MAX))
		return false;
	*ret = (int64_t)d;
	return true;
}

bool mun_json_bool(const struct mun_json_val *v, bool *ret)
{
	if (mun_json_kind(v) != MUN_JSON_BOOL)
		return false;
	*ret = cJSON_IsTrue(&v->node);
	return true;
}
