/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/entry_impl.h"

typedef const struct mun_json_val *value;

static void *new_array(struct mun_decoded *d, size_t len, size_t size)
{
	unsigned i = d->array[0] != NULL;

	d->array[i] = calloc(len + 1, size);
	d->no_memory |= d->array[i] == NULL;
	return d->array[i];
}

static bool get_labels(struct mun_entry *e, struct mun_decoded *d, value v)
{
	struct mun_label *labels = new_array(d, mun_json_count(v), sizeof(*labels));
	size_t n = 0;

	if (labels == NULL)
		return false;
	for (value m = mun_json_first(v); m != NULL; m = mun_json_next(m)) {
		labels[n].key = mun_json_key(m);
		labels[n].value = mun_json_str(m);
		if (labels[n].key != NULL)
			n++;
	}
	e->u.plan.labels = labels;
	e->u.plan.labels_len = n;
	return true;
}

static bool get_settles(struct mun_entry *e, struct mun_decoded *d, value v)
{
	struct mun_settle *settles;
	size_t n = 0;

	if (mun_json_kind(v) != MUN_JSON_ARRAY)
		return true;
	settles = new_array(d, mun_json_count(v), sizeof(*settles));
	if (settles == NULL)
		return false;
	for (value m = mun_json_first(v); m != NULL; m = mun_json_next(m)) {
		struct mun_settle *s = &settles[n++];
		const char *at = mun_json_str(mun_json_get(m, "archived_at"));

		mun_entry_get_ref(&s->batch, 'b', mun_json_get(m, "batch"));
		s->item = mun_entry_get_u32(mun_json_get(m, "item"));
		s->request = mun_entry_get_seq(mun_json_get(m, "request"));
		s->verdict = mun_entry_get_verdict(mun_json_get(m, "verdict"));
		if (at != NULL)
			(void)snprintf(s->archived_at, sizeof(s->archived_at), "%s", at);
	}
	e->u.response.settles = settles;
	e->u.response.settles_len = n;
	return n <= MUN_SETTLES_MAX;
}

static bool get_ranges(struct mun_entry *e, struct mun_decoded *d, value v)
{
	struct mun_range *ranges = new_array(d, mun_json_count(v), sizeof(*ranges));
	size_t n = 0;

	if (ranges == NULL)
		return false;
	for (value m = mun_json_first(v); m != NULL; m = mun_json_next(m)) {
		value first = mun_json_first(m);

		ranges[n].first = mun_entry_get_u32(first);
		ranges[n].last = mun_entry_get_u32(first != NULL ? mun_json_next(first) : NULL);
		n++;
	}
	e->u.ranges.ranges = ranges;
	e->u.ranges.ranges_len = n;
	return true;
}

static bool get_seqs(const uint64_t **ret, size_t *ret_len, struct mun_decoded *d, value v)
{
	uint64_t *seqs = new_array(d, mun_json_count(v), sizeof(*seqs));
	size_t n = 0;

	if (seqs == NULL)
		return false;
	for (value m = mun_json_first(v); m != NULL; m = mun_json_next(m))
		seqs[n++] = mun_entry_get_u64(m);
	*ret = seqs;
	*ret_len = n;
	return true;
}

/*
 * The options as they stand in the line. A quotation mark inside a string is escaped, so the
 * first match is the member itself.
 */
static bool get_options(struct mun_entry *e, struct mun_decoded *d, value v, const char *line,
                        size_t len)
{
	static const char mark[] = ",\"options\":{";
	const char *at = memmem(line, len, mark, sizeof(mark) - 1);
	const char *end = line + len;
	bool quoted = false;
	int depth = 0;
	int64_t attempts = 5;
	const char *p;

	if (at == NULL)
		return true;
	at += sizeof(mark) - 2;
	for (p = at; p < end; p++) {
		if (quoted && *p == '\\')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && (*p == '{' || *p == '}') && (depth += *p == '{' ? 1 : -1) == 0)
			break;
	}
	if (p >= end)
		return true;
	d->options = strndup(at, (size_t)(p + 1 - at));
	d->no_memory = d->options == NULL;
	e->u.start.options = d->options;
	(void)mun_json_int(mun_json_get(v, "attempts"), &attempts);
	e->u.start.attempts = attempts > 0 && attempts <= UINT32_MAX ? (uint32_t)attempts : 5;
	return d->options != NULL;
}

bool mun_entry_is_array(enum mun_field_type type)
{
	return type == MUN_F_LABELS || type == MUN_F_SETTLES || type == MUN_F_RANGES ||
	       type == MUN_F_SEQS || type == MUN_F_DISCLOSED || type == MUN_F_OPTIONS;
}

bool mun_entry_get_array(struct mun_entry *e, struct mun_decoded *d, enum mun_field_type type,
                         value v, const char *line, size_t len)
{
	switch (type) {
	case MUN_F_LABELS:
		return get_labels(e, d, v);
	case MUN_F_SETTLES:
		return get_settles(e, d, v);
	case MUN_F_RANGES:
		return get_ranges(e, d, v);
	case MUN_F_SEQS:
		return get_seqs(&e->u.erased.seqs, &e->u.erased.seqs_len, d, v);
	case MUN_F_DISCLOSED:
		return get_seqs(&e->u.erased.disclosed, &e->u.erased.disclosed_len, d, v);
	default:
		return get_options(e, d, v, line, len);
	}
}
