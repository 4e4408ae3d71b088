/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_MOMENT_H
#define MUN_SANDBOX_MOMENT_H

#include <stddef.h>
#include <stdint.h>

#define SANDBOX_MOMENT_MAX 48

int64_t sandbox_now_ms(void);
int64_t sandbox_monotonic_ns(void);

/* 2026-05-22T10:00:00.123Z, the form of the API's examples */
void sandbox_moment_ms(char ret[static SANDBOX_MOMENT_MAX], int64_t ms);

/* Now in RFC 3339 with microseconds, for the request log. */
void sandbox_moment_now_us(char ret[static SANDBOX_MOMENT_MAX]);

/* Fri, 22 May 2026 10:00:00 GMT */
void sandbox_moment_http(char ret[static SANDBOX_MOMENT_MAX], int64_t ms);

/* Sleeps; sandbox_wake ends all sleeps at once, and later ones return at once. */
void sandbox_sleep_ms(int64_t ms);
void sandbox_wake(void);
int sandbox_woken(void);

#endif
