/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/date.h"

#define DAY_US     (INT64_C(86400) * 1000000)
#define TEXT_MAX   (64u * 1024)
#define PREFIX_MIN 6 /* characters of an id that stand for the whole */

struct list {
	const char *option, *text;
	const char **values;
	size_t *len;
	bool whole; /* a comma is part of the text */
};

/* Copies into storage; pointers become valid only when storage grows no more. */
static enum mun_code split(const struct list *l, struct mun_buf *storage, struct mun_err *err)
{
	const char *at = l->text;

	while (at) {
		size_t len = l->whole ? strlen(at) : strcspn(at, ",");

		if (len == 0)
			return mun_fail(err, MUN_E_USAGE, "--%s: an empty value", l->option);
		if (*l->len == MUN_FILTER_VALUES)
			return mun_fail(err, MUN_E_USAGE, "--%s: more than %d values", l->option,
			                MUN_FILTER_VALUES);
		l->values[*l->len] = storage->data + storage->len;
		*l->len += 1;
		mun_buf_add(storage, at, len);
		mun_buf_putc(storage, '\0');
		at = at[len] ? at + len + 1 : NULL;
	}
	return MUN_OK;
}

static enum mun_code number(uint64_t *ret, const char *option, const char *text, uint64_t least,
                            struct mun_err *err)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < least || value > INT64_MAX)
		return mun_fail(err, MUN_E_USAGE, "--%s %.40s is no number from %llu on", option,
		                text, (unsigned long long)least);
	*ret = value;
	return MUN_OK;
}

/* "90d" and "-90d". */
static bool ago(int64_t *ret_us, const struct mun_app *app, const char *text)
{
	struct mun_now now;
	int64_t ms;

	if (!mun_duration_parse(&ms, text[0] == '-' ? text + 1 : text))
		return false;
	app->clock->now(app->clock, &now);
	*ret_us = now.real_us - ms * 1000;
	return true;
}

/* Midnight, or a time without zone, as a wall clock of --tz shows it. */
static bool local_time(int64_t *ret_us, int64_t utc_us)
{
	time_t seconds = (time_t)(utc_us / 1000000);
	struct tm tm;
	time_t local;

	if (!gmtime_r(&seconds, &tm))
		return false;
	tm.tm_isdst = -1;
	local = mktime(&tm);
	*ret_us = (int64_t)local * 1000000 + utc_us % 1000000;
	return true;
}

enum mun_code mun_time_option(int64_t *ret_us, struct mun_app *app, const char *text, bool end,
                              struct mun_err *err)
{
	enum mun_date_zone zone;
	int64_t us;

	if (ago(ret_us, app, text))
		return MUN_OK;
	if (!mun_date_parse(&us, &zone, text, strlen(text)))
		return mun_fail(err, MUN_E_USAGE,
		                "%.60s is no time: 2026-11-23T22:48:01Z, 2026-11-23 or 90d", text);
	if (zone != MUN_ZONE_GIVEN && zone != MUN_ZONE_NO_TIME && !app->args.tz)
		return mun_fail(
			err, MUN_E_USAGE,
			"%.60s names no zone: add Z or an offset such as +02:00, or give --tz",
			text);
	if (zone == MUN_ZONE_NO_TIME && end)
		us += DAY_US;
	if (zone != MUN_ZONE_GIVEN && app->args.tz && !local_time(&us, us))
		return mun_fail(err, MUN_E_USAGE, "%.60s is out of range", text);
	*ret_us = us;
	return MUN_OK;
}

static enum mun_code make_lists(struct mun_filter *f, const struct mun_args *a,
                                struct mun_buf *storage, struct mun_err *err)
{
	const struct list lists[] = {
		{ "run", a->f_run, f->run, &f->run_len, false },
		{ "org", a->f_org, f->org, &f->org_len, false },
		{ "batch", a->f_batch, f->batch, &f->batch_len, false },
		{ "plan", a->f_plan, f->plan, &f->plan_len, false },
		{ "ticket", a->f_ticket, f->ticket, &f->ticket_len, false },
		{ "operator", a->f_operator, f->operator_, &f->operator_len, false },
		{ "identity", a->f_identity, f->identity, &f->identity_len, false },
		{ "label", a->f_label, f->label, &f->label_len, false },
		{ "reason", a->f_reason, f->reason, &f->reason_len, true },
		{ "op", a->f_op, f->op, &f->op_len, false },
		{ "state", a->f_state, f->state, &f->state_len, false },
		{ "verdict", a->f_verdict, f->verdict, &f->verdict_len, false },
		{ "http", a->f_http, f->http, &f->http_len, false },
		{ "kind", a->f_kind, f->kind, &f->kind_len, false },
	};
	size_t need = 1;
	enum mun_code code = MUN_OK;

	for (size_t i = 0; i < MUN_ARRAY_LEN(lists); i++)
		need += lists[i].text ? strlen(lists[i].text) + 1 : 0;
	/* All the room at once: the values point into it. */
	if (!mun_buf_reserve(storage, need))
		return mun_fail(err, MUN_E_USAGE, "the filters are too long");
	for (size_t i = 0; code == MUN_OK && i < MUN_ARRAY_LEN(lists); i++)
		code = split(&lists[i], storage, err);
	return code;
}

/* A run's or organization's id, or its beginning, is kept as 32 lower-case digits or fewer. */
static bool fold_prefix(char *s)
{
	size_t len = strlen(s);

	if (len < PREFIX_MIN || len >= MUN_ID_TEXT)
		return false;
	for (size_t i = 0; i < len; i++) {
		s[i] = (char)(s[i] >= 'A' && s[i] <= 'F' ? s[i] - 'A' + 'a' : s[i]);
		if (strchr("0123456789abcdef", s[i]) == NULL)
			return false;
	}
	return true;
}

/* Values point into storage, where there is room for what replaces them. */
static char *writable(struct mun_buf *storage, const char *value)
{
	return storage->data + (value - storage->data);
}

static enum mun_code fold_runs(struct mun_filter *f, struct mun_buf *storage, struct mun_err *err)
{
	for (size_t i = 0; i < f->run_len; i++) {
		char *value = writable(storage, f->run[i]);
		struct mun_id run, org;
		bool has_org, folded;

		if (fold_prefix(value))
			continue;
		if (mun_run_parse(&run, &org, &has_org, &folded, value, strlen(value), err) !=
		    MUN_OK)
			return mun_wrap(err, MUN_E_USAGE, "--run");
		mun_id_format(value, &run);
	}
	for (size_t i = 0; i < f->org_len; i++)
		if (!fold_prefix(writable(storage, f->org[i])))
			return mun_fail(err, MUN_E_USAGE,
			                "--org: %.60s is no organization id: 32 hex digits, or the "
			                "first %d or more",
			                f->org[i], PREFIX_MIN);
	return MUN_OK;
}

static bool is_http(const char *s)
{
	return strlen(s) == 3 && s[0] >= '1' && s[0] <= '5' &&
	       (strcmp(s + 1, "xx") == 0 || strspn(s + 1, "0123456789") == 2);
}

static bool is_state(const char *s)
{
	static const char *const states[] = {
		"pending",        "in_flight", "archived", "already_archived", "restored",
		"already_active", "failed",    "in_doubt", "skipped",          "cancelled",
	};

	for (size_t i = 0; i < MUN_ARRAY_LEN(states); i++)
		if (strcmp(s, states[i]) == 0)
			return true;
	return false;
}

static bool is_verdict(const char *s)
{
	enum mun_verdict ignored;

	return strcmp(s, "in_doubt") == 0 || mun_verdict_parse(&ignored, s);
}

static bool is_op(const char *s)
{
	return mun_op_find(s) != NULL;
}

static bool is_kind(const char *s)
{
	enum mun_kind ignored;

	return mun_kind_parse(&ignored, s);
}

static enum mun_code check(const char *option, const char *const *values, size_t len,
                           bool (*fits)(const char *), struct mun_err *err)
{
	for (size_t i = 0; i < len; i++)
		if (!fits(values[i]))
			return mun_fail(err, MUN_E_USAGE, "--%s: there is no %.60s", option,
			                values[i]);
	return MUN_OK;
}

static enum mun_code check_words(const struct mun_filter *f, struct mun_err *err)
{
	enum mun_code code = check("op", f->op, f->op_len, is_op, err);

	if (code == MUN_OK)
		code = check("state", f->state, f->state_len, is_state, err);
	if (code == MUN_OK)
		code = check("verdict", f->verdict, f->verdict_len, is_verdict, err);
	if (code == MUN_OK)
		code = check("http", f->http, f->http_len, is_http, err);
	if (code == MUN_OK)
		code = check("kind", f->kind, f->kind_len, is_kind, err);
	return code;
}

enum mun_code mun_filter_make(struct mun_filter *ret, struct mun_app *app, struct mun_buf *storage,
                              struct mun_err *err)
{
	const struct mun_args *a = &app->args;
	enum mun_code code;

	memset(ret, 0, sizeof *ret);
	ret->since_us = ret->until_us = MUN_TIME_NONE;
	ret->after_seq = MUN_NO_SEQ;
	ret->reverse = a->reverse;
	if (storage->max < TEXT_MAX)
		storage->max = TEXT_MAX;
	code = make_lists(ret, a, storage, err);
	if (code == MUN_OK)
		code = fold_runs(ret, storage, err);
	if (code == MUN_OK)
		code = check_words(ret, err);
	if (code == MUN_OK && a->f_since)
		code = mun_time_option(&ret->since_us, app, a->f_since, false, err);
	if (code == MUN_OK && a->f_until)
		code = mun_time_option(&ret->until_us, app, a->f_until, true, err);
	if (code == MUN_OK && a->f_after_seq)
		code = number(&ret->after_seq, "after-seq", a->f_after_seq, 0, err);
	if (code == MUN_OK && a->f_limit)
		code = number(&ret->limit, "limit", a->f_limit, 1, err);
	return code;
}
