/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/filter.h"

#include <stdio.h>
#include <string.h>

/* Ids: a value is the whole id or its beginning. */
static bool any_prefix(const char *const *values, size_t len, const char *text)
{
	if (len == 0)
		return true;
	for (size_t i = 0; text && i < len; i++)
		if (strncmp(text, values[i], strlen(values[i])) == 0)
			return true;
	return false;
}

static bool any_equal(const char *const *values, size_t len, const char *text)
{
	if (len == 0)
		return true;
	for (size_t i = 0; text && i < len; i++)
		if (strcmp(text, values[i]) == 0)
			return true;
	return false;
}

static bool any_inside(const char *const *values, size_t len, const char *text)
{
	if (len == 0)
		return true;
	for (size_t i = 0; text && i < len; i++)
		if (strstr(text, values[i]))
			return true;
	return false;
}

/* "alice@host" is met by itself and by "alice". */
static bool is_operator(const char *value, const char *text)
{
	size_t len = strlen(value);
	return strncmp(text, value, len) == 0 && (text[len] == '\0' || text[len] == '@');
}

static bool any_operator(const struct mun_filter *f, const struct mun_subject *s)
{
	if (f->operator_len == 0)
		return true;
	for (size_t i = 0; i < f->operator_len; i++) {
		if (s->operator_ && is_operator(f->operator_[i], s->operator_))
			return true;
		if (s->claimed && strcmp(f->operator_[i], s->claimed) == 0)
			return true;
	}
	return false;
}

static bool any_label(const struct mun_filter *f, const struct mun_subject *s)
{
	if (f->label_len == 0)
		return true;
	for (size_t i = 0; i < f->label_len; i++) {
		const char *equals = strchr(f->label[i], '=');
		size_t key_len = equals ? (size_t)(equals - f->label[i]) : strlen(f->label[i]);
		for (size_t k = 0; k < s->labels_len; k++) {
			const struct mun_label *label = &s->labels[k];
			if (strlen(label->key) == key_len &&
			    memcmp(label->key, f->label[i], key_len) == 0 &&
			    (!equals || strcmp(label->value, equals + 1) == 0))
				return true;
		}
	}
	return false;
}

/* "404" or "4xx" */
static bool any_http(const struct mun_filter *f, unsigned http)
{
	char text[16];

	if (f->http_len == 0)
		return true;
	if (http == 0)
		return false;
	(void)snprintf(text, sizeof(text), "%u", http);
	for (size_t i = 0; i < f->http_len; i++) {
		const char *value = f->http[i];
		if (strcmp(value, text) == 0)
			return true;
		if (value[0] == text[0] && strcmp(value + 1, "xx") == 0)
			return true;
	}
	return false;
}

static bool any_kind(const struct mun_filter *f, const struct mun_subject *s)
{
	bool met = f->kind_len == 0;

	for (size_t i = 0; !met && i < MUN_ARRAY_LEN(s->kind); i++)
		met = s->kind[i] != NULL && any_equal(f->kind, f->kind_len, s->kind[i]);
	return met;
}

bool mun_filter_in_time(const struct mun_filter *f, int64_t time_us, uint64_t seq)
{
	if (f->since_us != MUN_TIME_NONE && time_us < f->since_us)
		return false;
	if (f->until_us != MUN_TIME_NONE && time_us >= f->until_us)
		return false;
	return f->after_seq == MUN_NO_SEQ || seq > f->after_seq;
}

bool mun_filter_match(const struct mun_filter *f, const struct mun_subject *s)
{
	return any_prefix(f->run, f->run_len, s->run) && any_prefix(f->org, f->org_len, s->org) &&
	       any_prefix(f->batch, f->batch_len, s->batch) &&
	       any_prefix(f->plan, f->plan_len, s->plan) &&
	       any_equal(f->ticket, f->ticket_len, s->ticket) && any_operator(f, s) &&
	       any_equal(f->identity, f->identity_len, s->identity) && any_label(f, s) &&
	       any_inside(f->reason, f->reason_len, s->reason) &&
	       any_equal(f->op, f->op_len, s->op) && any_equal(f->state, f->state_len, s->state) &&
	       any_equal(f->verdict, f->verdict_len, s->verdict) && any_http(f, s->http) &&
	       any_kind(f, s) && mun_filter_in_time(f, s->time_us, s->seq);
}
