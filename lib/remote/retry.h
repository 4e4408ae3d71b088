/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_RETRY_H
#define MUN_RETRY_H
/* Pure: back-off with full jitter and Retry-After (RFC 9110 10.2.3). Milliseconds. */
#include "lib/base.h"
#define MUN_BACKOFF_FIRST_MS 1000
#define MUN_BACKOFF_MAX_MS   300000
/* failures >= 1; random in [0, 2^32). At least 1 s, at most the doubled bound. */
uint64_t mun_backoff_ms(unsigned failures, uint32_t random);
/* The largest of Retry-After, back-off and 1 s. retry_after_s < 0: none. */
uint64_t mun_wait_ms(int64_t retry_after_s, unsigned failures, uint32_t random);
/* One Retry-After value: digits are seconds, else an HTTP date relative to date_us; -1 garbage. */
int64_t mun_retry_after_s(const char *value, int64_t date_us);
#endif
