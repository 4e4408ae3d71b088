/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_RATE_H
#define MUN_RATE_H
/*
 * Exact sliding windows: a request may go when in each window (n requests in any period) there
 * is room. Pure: times are milliseconds on a monotonic scale of the caller's. A token bucket of
 * 100 a minute would admit 200 in one sliding minute.
 */
#include "lib/err.h"
#define MUN_RATE_WINDOWS 8
#define MUN_RATE_MAX     100000 /* requests per window */
struct mun_rate_window {
	uint32_t limit;
	uint64_t period_ms;
};
struct mun_rate {
	struct mun_rate_window window[MUN_RATE_WINDOWS];
	size_t len; /* 0: none, no limit */
};
/* "10/5s,90/m,900/h", "10/5m", "none". USAGE names the part. */
enum mun_code mun_rate_parse(struct mun_rate *ret, const char *s, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_rate_format(char *ret, size_t ret_size, const struct mun_rate *r);
/* Admissions remembered: a ring of the newest times, as many as the largest limit. */
struct mun_admissions {
	int64_t *time_ms; /* owned; ascending from head */
	size_t cap, head, len;
};
enum mun_code mun_admissions_init(struct mun_admissions *a, const struct mun_rate *r,
                                  struct mun_err *err) MUN_MUST_CHECK;
void mun_admissions_done(struct mun_admissions *a);
void mun_admissions_add(struct mun_admissions *a, int64_t time_ms);
/* The newest n count from time_ms on, where that is later. */
void mun_admissions_restamp(struct mun_admissions *a, size_t n, int64_t time_ms);
/* Milliseconds until one more request fits; 0: now. A time later than now counts as now. */
uint64_t mun_rate_wait_ms(const struct mun_rate *r, const struct mun_admissions *a, int64_t now_ms);
/* Requests within the window that ends now. */
uint32_t mun_rate_used(const struct mun_rate_window *w, const struct mun_admissions *a,
                       int64_t now_ms);
/* Milliseconds until the n-th further request may leave, when all go as early as they may. */
uint64_t mun_rate_eta_ms(const struct mun_rate *r, const struct mun_admissions *a, int64_t now_ms,
                         uint64_t requests);
#endif
