/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_DATE_H
#define MUN_DATE_H
/*
 * Times as microseconds since 1970-01-01 UTC (int64_t, `_us`); proleptic Gregorian, years 1 to
 * 9999, no leap seconds (second 60 is read as 59.999999). Pure: no clock, no locale, no zone file.
 */
#include "lib/err.h"
#define MUN_DATE_MAX  28 /* "2026-11-23T22:48:01.123456Z" and NUL */
#define MUN_TIME_NONE INT64_MIN
/* RFC 3339 in UTC with six digits of fraction: "2026-11-23T22:48:01.123456Z". */
void mun_date_format(char ret[static MUN_DATE_MAX], int64_t time_us);
enum mun_date_zone {
	MUN_ZONE_GIVEN,   /* Z or an offset: a full instant */
	MUN_ZONE_MISSING, /* date and time without a zone: read as UTC, not to be compared */
	MUN_ZONE_NO_TIME, /* a date alone: midnight UTC, not to be compared */
};
/*
 * What servers send: date, optional `T`, `t` or space and time, optional fraction of 1 to 9
 * digits, optional `Z`, `z` or offset (+00:00, +0000). The whole of s must be used.
 */
bool mun_date_parse(int64_t *ret_us, enum mun_date_zone *ret_zone, const char *s, size_t len);
/* RFC 9110 5.6.7: IMF-fixdate, rfc850-date, asctime-date. */
bool mun_date_parse_http(int64_t *ret_us, const char *s, size_t len);
/* "90s", "5m", "2h", "1d", "500ms" to milliseconds; a bare number is refused; at most 10 years. */
bool mun_duration_parse(int64_t *ret_ms, const char *s);
/* "1h 40m", "12.3s": two units at most, for people. */
void mun_duration_format(char *ret, size_t ret_size, int64_t ms);
#endif
