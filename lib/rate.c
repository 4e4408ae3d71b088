/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/rate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD_MAX_MS (UINT64_C(366) * 24 * 3600 * 1000)

/* Digits only, at most nine; 0 when there is none. *end is behind them. */
static uint64_t read_number(const char *s, const char **end)
{
	uint64_t n = 0;
	const char *p = s;

	while (*p >= '0' && *p <= '9' && p - s < 9)
		n = n * 10 + (uint64_t)(*p++ - '0');
	*end = p;
	return n;
}

static uint64_t unit_ms(char unit)
{
	switch (unit) {
	case 's':
		return 1000;
	case 'm':
		return 60 * 1000;
	case 'h':
		return 3600 * 1000;
	case 'd':
		return 24 * 3600 * 1000;
	default:
		return 0;
	}
}

/* "90/m" or "10/5s"; *end is behind it. */
static bool parse_window(struct mun_rate_window *ret, const char *s, const char **end)
{
	uint64_t limit = read_number(s, &s);
	uint64_t count = 1;
	uint64_t unit;

	if (limit == 0 || limit > MUN_RATE_MAX || *s != '/')
		return false;
	s++;
	if (*s >= '0' && *s <= '9')
		count = read_number(s, &s);
	unit = unit_ms(*s);
	if (count == 0 || unit == 0 || count * unit > PERIOD_MAX_MS)
		return false;
	*ret = (struct mun_rate_window){ (uint32_t)limit, count * unit };
	*end = s + 1;
	return **end == ',' || **end == '\0';
}

enum mun_code mun_rate_parse(struct mun_rate *ret, const char *s, struct mun_err *err)
{
	struct mun_rate rate = { .len = 0 };

	if (strcmp(s, "none") == 0) {
		*ret = rate;
		return MUN_OK;
	}
	for (const char *part = s;; part++) {
		if (rate.len == MUN_RATE_WINDOWS)
			return mun_fail(err, MUN_E_USAGE, "a rate has at most %d windows",
			                MUN_RATE_WINDOWS);
		if (!parse_window(&rate.window[rate.len], part, &part)) {
			(void)mun_fail(err, MUN_E_USAGE, "\"%.*s\" is no rate",
			               (int)strcspn(part, ","), part);
			mun_hint(err, "write it as 10/5s,90/m,900/h (units s m h d), or none");
			return MUN_E_USAGE;
		}
		rate.len++;
		if (*part == '\0')
			break;
	}
	*ret = rate;
	return MUN_OK;
}

static const char *format_period(char *ret, size_t ret_size, uint64_t period_ms)
{
	static const char units[] = "dhms";

	for (const char *u = units; *u != '\0'; u++) {
		uint64_t count = period_ms / unit_ms(*u);

		if (period_ms % unit_ms(*u) != 0 || count == 0)
			continue;
		if (count == 1)
			(void)snprintf(ret, ret_size, "%c", *u);
		else
			(void)snprintf(ret, ret_size, "%llu%c", (unsigned long long)count, *u);
		return ret;
	}
	(void)snprintf(ret, ret_size, "%llums", (unsigned long long)period_ms);
	return ret;
}

void mun_rate_format(char *ret, size_t ret_size, const struct mun_rate *r)
{
	size_t len = 0;

	(void)snprintf(ret, ret_size, "%s", r->len == 0 ? "none" : "");
	for (size_t i = 0; i < r->len && len < ret_size; i++) {
		char period[32];
		int put = snprintf(ret + len, ret_size - len, "%s%u/%s", i > 0 ? "," : "",
		                   r->window[i].limit,
		                   format_period(period, sizeof(period), r->window[i].period_ms));

		len += put > 0 ? (size_t)put : 0;
	}
}

enum mun_code mun_admissions_init(struct mun_admissions *a, const struct mun_rate *r,
                                  struct mun_err *err)
{
	struct mun_admissions made = { .cap = 1 };

	for (size_t i = 0; i < r->len; i++)
		if (r->window[i].limit > made.cap)
			made.cap = r->window[i].limit;
	made.time_ms = calloc(made.cap, sizeof(*made.time_ms));
	if (made.time_ms == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for %zu admissions", made.cap);
	*a = made;
	return MUN_OK;
}

void mun_admissions_done(struct mun_admissions *a)
{
	free(a->time_ms);
	*a = (struct mun_admissions){ 0 };
}

/* The i-th newest, 0 the newest. */
static int64_t newest(const struct mun_admissions *a, size_t i)
{
	assert(a->cap > 0);
	return a->time_ms[(a->head + a->len - 1 - i) % a->cap];
}

void mun_admissions_add(struct mun_admissions *a, int64_t time_ms)
{
	/* Ascending whatever the clock does: a time before the newest counts as the newest. */
	if (a->len > 0 && newest(a, 0) > time_ms)
		time_ms = newest(a, 0);
	if (a->len < a->cap) {
		a->time_ms[(a->head + a->len++) % a->cap] = time_ms;
		return;
	}
	a->time_ms[a->head] = time_ms;
	a->head = a->head + 1 < a->cap ? a->head + 1 : 0;
}

void mun_admissions_restamp(struct mun_admissions *a, size_t n, int64_t time_ms)
{
	for (size_t i = 0; i < n && i < a->len; i++) {
		int64_t *at = &a->time_ms[(a->head + a->len - 1 - i) % a->cap];

		*at = *at < time_ms ? time_ms : *at;
	}
}

/* A window is half open: what was admitted exactly a period ago is outside. */
static uint64_t window_wait_ms(const struct mun_rate_window *w, const struct mun_admissions *a,
                               int64_t now_ms)
{
	int64_t blocker;
	uint64_t age;

	if (w->limit == 0 || a->len < w->limit)
		return 0;
	blocker = newest(a, w->limit - 1);
	age = blocker >= now_ms ? 0 : (uint64_t)now_ms - (uint64_t)blocker;
	return age >= w->period_ms ? 0 : w->period_ms - age;
}

uint64_t mun_rate_wait_ms(const struct mun_rate *r, const struct mun_admissions *a, int64_t now_ms)
{
	uint64_t wait = 0;

	for (size_t i = 0; i < r->len; i++) {
		uint64_t one = window_wait_ms(&r->window[i], a, now_ms);

		if (one > wait)
			wait = one;
	}
	return wait;
}

uint32_t mun_rate_used(const struct mun_rate_window *w, const struct mun_admissions *a,
                       int64_t now_ms)
{
	uint32_t used = 0;

	while (used < a->len) {
		int64_t time = newest(a, used);

		if (time < now_ms && (uint64_t)now_ms - (uint64_t)time >= w->period_ms)
			break;
		used++;
	}
	return used;
}

/* The window that decides in the long run: the most time for a request. */
static const struct mun_rate_window *slowest(const struct mun_rate *r)
{
	const struct mun_rate_window *w = &r->window[0];

	for (size_t i = 1; i < r->len; i++)
		if (r->window[i].period_ms * w->limit > w->period_ms * r->window[i].limit)
			w = &r->window[i];
	return w;
}

/* From the first full window on, request n + limit leaves one period after request n. */
uint64_t mun_rate_eta_ms(const struct mun_rate *r, const struct mun_admissions *a, int64_t now_ms,
                         uint64_t requests)
{
	struct mun_admissions sim;
	const struct mun_rate_window *w;
	int64_t time = now_ms;
	uint64_t periods = 0;

	if (r->len == 0 || requests == 0 || mun_admissions_init(&sim, r, NULL) != MUN_OK)
		return 0;
	for (size_t i = a->len < sim.cap ? a->len : sim.cap; i > 0; i--)
		mun_admissions_add(&sim, newest(a, i - 1) > now_ms ? now_ms : newest(a, i - 1));
	w = slowest(r);
	if (requests > 3 * (uint64_t)sim.cap)
		periods = (requests - 2 * (uint64_t)sim.cap) / w->limit;
	for (uint64_t i = 0; i < requests - periods * w->limit; i++) {
		time += (int64_t)mun_rate_wait_ms(r, &sim, time);
		mun_admissions_add(&sim, time);
	}
	mun_admissions_done(&sim);
	return (uint64_t)(time - now_ms) + periods * w->period_ms;
}
