/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/date.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define US_PER_S     INT64_C(1000000)
#define S_PER_DAY    INT64_C(86400)
#define MIN_US       (-INT64_C(62135596800) * US_PER_S)     /* 0001-01-01T00:00:00Z */
#define MAX_US       (INT64_C(253402300800) * US_PER_S - 1) /* the last of 9999 */
#define TEN_YEARS_MS (INT64_C(3650) * S_PER_DAY * 1000)

static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char day_names[7][10] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
	                               "Thursday", "Friday", "Saturday" };

struct parts {
	int64_t year, month, day, hour, minute, second, us;
};

struct scan {
	const char *p;
	const char *end;
};

/* Days since 1970-01-01; years begin in March, so that the leap day is the last of its year. */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
	int64_t year = m <= 2 ? y - 1 : y;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t yoe = year - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_from_days(struct parts *ret, int64_t days)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	ret->day = doy - (153 * mp + 2) / 5 + 1;
	ret->month = mp < 10 ? mp + 3 : mp - 9;
	ret->year = yoe + era * 400 + (ret->month <= 2 ? 1 : 0);
}

static int64_t month_days(int64_t y, int64_t m)
{
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	if (m == 2)
		return leap ? 29 : 28;
	return m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31;
}

static bool to_us(int64_t *ret, const struct parts *t, int64_t offset_s)
{
	bool leap = t->second == 60;
	int64_t second = leap ? 59 : t->second;
	int64_t us = leap ? US_PER_S - 1 : t->us;
	int64_t total;

	if (t->year < 1 || t->year > 9999 || t->month < 1 || t->month > 12 || t->day < 1 ||
	    t->day > month_days(t->year, t->month) || t->hour > 23 || t->minute > 59 ||
	    t->second > 60)
		return false;
	total = days_from_civil(t->year, t->month, t->day) * S_PER_DAY + t->hour * 3600 +
	        t->minute * 60 + second - offset_s;
	total = total * US_PER_S + us;
	if (total < MIN_US || total > MAX_US)
		return false;
	*ret = total;
	return true;
}

static char *put_digits(char *to, int64_t n, unsigned width)
{
	for (unsigned i = width; i-- > 0; n /= 10)
		to[i] = (char)('0' + n % 10);
	return to + width;
}

void mun_date_format(char ret[static MUN_DATE_MAX], int64_t time_us)
{
	int64_t us = time_us < MIN_US ? MIN_US : time_us > MAX_US ? MAX_US : time_us;
	int64_t days = us / (S_PER_DAY * US_PER_S);
	int64_t rest = us % (S_PER_DAY * US_PER_S);
	struct parts t;
	char *to = ret;

	if (rest < 0) {
		rest += S_PER_DAY * US_PER_S;
		days--;
	}
	civil_from_days(&t, days);
	t.us = rest % US_PER_S;
	rest /= US_PER_S;
	to = put_digits(to, t.year, 4);
	*to++ = '-';
	to = put_digits(to, t.month, 2);
	*to++ = '-';
	to = put_digits(to, t.day, 2);
	*to++ = 'T';
	to = put_digits(to, rest / 3600, 2);
	*to++ = ':';
	to = put_digits(to, rest / 60 % 60, 2);
	*to++ = ':';
	to = put_digits(to, rest % 60, 2);
	*to++ = '.';
	to = put_digits(to, t.us, 6);
	*to++ = 'Z';
	*to = '\0';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool scan_number(struct scan *s, int width, int64_t *ret)
{
	int64_t v = 0;

	if (s->end - s->p < width)
		return false;
	for (int i = 0; i < width; i++) {
		if (!is_digit(s->p[i]))
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	s->p += width;
	*ret = v;
	return true;
}

static bool scan_char(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static bool scan_text(struct scan *s, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, text, len) != 0)
		return false;
	s->p += len;
	return true;
}

static bool scan_hms(struct scan *s, struct parts *t)
{
	return scan_number(s, 2, &t->hour) && scan_char(s, ':') && scan_number(s, 2, &t->minute) &&
	       scan_char(s, ':') && scan_number(s, 2, &t->second);
}

static bool scan_fraction(struct scan *s, struct parts *t)
{
	int64_t unit = US_PER_S / 10;
	int digits = 0;

	if (!scan_char(s, '.'))
		return true;
	for (; s->p < s->end && is_digit(*s->p); s->p++, digits++) {
		t->us += (*s->p - '0') * unit;
		unit /= 10;
	}
	return digits >= 1 && digits <= 9;
}

static bool scan_zone(struct scan *s, int64_t *ret_offset_s)
{
	int64_t hour;
	int64_t minute;
	bool minus;

	if (scan_char(s, 'Z') || scan_char(s, 'z')) {
		*ret_offset_s = 0;
		return true;
	}
	minus = scan_char(s, '-');
	if (!minus && !scan_char(s, '+'))
		return false;
	if (!scan_number(s, 2, &hour))
		return false;
	(void)scan_char(s, ':');
	if (!scan_number(s, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*ret_offset_s = (hour * 3600 + minute * 60) * (minus ? -1 : 1);
	return true;
}

bool mun_date_parse(int64_t *ret_us, enum mun_date_zone *ret_zone, const char *s, size_t len)
{
	struct scan in = { .p = s, .end = s + len };
	struct parts t = { 0 };
	enum mun_date_zone zone = MUN_ZONE_NO_TIME;
	int64_t offset_s = 0;

	if (!scan_number(&in, 4, &t.year) || !scan_char(&in, '-') ||
	    !scan_number(&in, 2, &t.month) || !scan_char(&in, '-') || !scan_number(&in, 2, &t.day))
		return false;
	if (in.p < in.end) {
		if (!scan_char(&in, 'T') && !scan_char(&in, 't') && !scan_char(&in, ' '))
			return false;
		if (!scan_hms(&in, &t) || !scan_fraction(&in, &t))
			return false;
		zone = MUN_ZONE_MISSING;
	}
	if (in.p < in.end) {
		if (!scan_zone(&in, &offset_s) || in.p != in.end)
			return false;
		zone = MUN_ZONE_GIVEN;
	}
	if (!to_us(ret_us, &t, offset_s))
		return false;
	*ret_zone = zone;
	return true;
}

static bool scan_month(struct scan *s, int64_t *ret)
{
	for (size_t i = 0; i < MUN_ARRAY_LEN(month_names); i++) {
		if (scan_text(s, month_names[i])) {
			*ret = (int64_t)i + 1;
			return true;
		}
	}
	return false;
}

/* A full name before a short one: every short name begins its full one. */
static bool scan_day_name(struct scan *s, bool *ret_full)
{
	char brief[4] = "";

	for (size_t i = 0; i < MUN_ARRAY_LEN(day_names); i++) {
		*ret_full = scan_text(s, day_names[i]);
		if (*ret_full)
			return true;
		memcpy(brief, day_names[i], 3);
		if (scan_text(s, brief))
			return true;
	}
	return false;
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool scan_fixdate(struct scan *s, struct parts *t)
{
	return scan_number(s, 2, &t->day) && scan_char(s, ' ') && scan_month(s, &t->month) &&
	       scan_char(s, ' ') && scan_number(s, 4, &t->year) && scan_char(s, ' ') &&
	       scan_hms(s, t) && scan_text(s, " GMT");
}

/* "06-Nov-94 08:49:37 GMT"; without a clock, 70 to 99 belong to the last century. */
static bool scan_rfc850(struct scan *s, struct parts *t)
{
	if (!scan_number(s, 2, &t->day) || !scan_char(s, '-') || !scan_month(s, &t->month) ||
	    !scan_char(s, '-') || !scan_number(s, 2, &t->year) || !scan_char(s, ' ') ||
	    !scan_hms(s, t) || !scan_text(s, " GMT"))
		return false;
	t->year += t->year >= 70 ? 1900 : 2000;
	return true;
}

/* "Nov  6 08:49:37 1994" */
static bool scan_asctime(struct scan *s, struct parts *t)
{
	if (!scan_month(s, &t->month) || !scan_char(s, ' '))
		return false;
	if (!(scan_char(s, ' ') ? scan_number(s, 1, &t->day) : scan_number(s, 2, &t->day)))
		return false;
	return scan_char(s, ' ') && scan_hms(s, t) && scan_char(s, ' ') &&
	       scan_number(s, 4, &t->year);
}

bool mun_date_parse_http(int64_t *ret_us, const char *s, size_t len)
{
	struct scan in = { .p = s, .end = s + len };
	struct parts t = { 0 };
	bool full;
	bool ok;

	if (!scan_day_name(&in, &full))
		return false;
	if (!scan_char(&in, ','))
		ok = !full && scan_char(&in, ' ') && scan_asctime(&in, &t);
	else if (full)
		ok = scan_char(&in, ' ') && scan_rfc850(&in, &t);
	else
		ok = scan_char(&in, ' ') && scan_fixdate(&in, &t);
	return ok && in.p == in.end && to_us(ret_us, &t, 0);
}

bool mun_duration_parse(int64_t *ret_ms, const char *s)
{
	static const struct {
		const char *suffix;
		int64_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};
	int64_t v = 0;
	const char *p = s;

	for (; is_digit(*p); p++) {
		v = v * 10 + (*p - '0');
		if (v > TEN_YEARS_MS)
			return false;
	}
	if (p == s)
		return false;
	for (size_t i = 0; i < MUN_ARRAY_LEN(units); i++) {
		if (strcmp(p, units[i].suffix) == 0 && v <= TEN_YEARS_MS / units[i].ms) {
			*ret_ms = v * units[i].ms;
			return true;
		}
	}
	return false;
}

/* "2h 5m"; the second part only when it is not 0. */
static void format_two(char *ret, size_t ret_size, int64_t large, char unit, int64_t small,
                       char small_unit)
{
	if (small == 0)
		(void)snprintf(ret, ret_size, "%" PRId64 "%c", large, unit);
	else
		(void)snprintf(ret, ret_size, "%" PRId64 "%c %" PRId64 "%c", large, unit, small,
		               small_unit);
}

void mun_duration_format(char *ret, size_t ret_size, int64_t ms)
{
	int64_t s = ms < 0 ? 0 : ms / 1000;
	int64_t m = s / 60;
	int64_t h = m / 60;
	int64_t d = h / 24;

	if (ms < 1000)
		(void)snprintf(ret, ret_size, "%" PRId64 "ms", ms < 0 ? 0 : ms);
	else if (m == 0 && ms % 1000 >= 100)
		(void)snprintf(ret, ret_size, "%" PRId64 ".%" PRId64 "s", s, ms / 100 % 10);
	else if (m == 0)
		(void)snprintf(ret, ret_size, "%" PRId64 "s", s);
	else if (h == 0)
		format_two(ret, ret_size, m, 'm', s % 60, 's');
	else if (d == 0)
		format_two(ret, ret_size, h, 'h', m % 60, 'm');
	else
		format_two(ret, ret_size, d, 'd', h % 24, 'h');
}
