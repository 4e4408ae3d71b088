/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/remote/retry.h"

#include <string.h>

#include "lib/date.h"

#define RETRY_AFTER_MAX_S (INT64_C(366) * 24 * 3600)

uint64_t mun_backoff_ms(unsigned failures, uint32_t random)
{
	uint64_t bound = MUN_BACKOFF_FIRST_MS;

	/* Full jitter: anywhere up to the doubled bound, so that clients do not come in step. */
	for (unsigned i = 0; i < failures && bound < MUN_BACKOFF_MAX_MS; i++)
		bound *= 2;
	if (bound > MUN_BACKOFF_MAX_MS)
		bound = MUN_BACKOFF_MAX_MS;
	return MUN_BACKOFF_FIRST_MS + ((bound - MUN_BACKOFF_FIRST_MS + 1) * random >> 32);
}

uint64_t mun_wait_ms(int64_t retry_after_s, unsigned failures, uint32_t random)
{
	uint64_t wait = failures > 0 ? mun_backoff_ms(failures, random) : MUN_BACKOFF_FIRST_MS;
	uint64_t asked = 0;

	if (retry_after_s > RETRY_AFTER_MAX_S)
		retry_after_s = RETRY_AFTER_MAX_S;
	if (retry_after_s > 0)
		asked = (uint64_t)retry_after_s * 1000;
	return asked > wait ? asked : wait;
}

int64_t mun_retry_after_s(const char *value, int64_t date_us)
{
	size_t len = strlen(value);
	int64_t seconds = 0;
	int64_t at_us;

	if (len > 0 && strspn(value, "0123456789") == len) {
		for (size_t i = 0; i < len && seconds < RETRY_AFTER_MAX_S; i++)
			seconds = seconds * 10 + (value[i] - '0');
		return seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S;
	}
	if (!mun_date_parse_http(&at_us, value, len))
		return -1;
	if (at_us <= date_us)
		return 0;
	seconds = (at_us - date_us + 999999) / 1000000;
	return seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S;
}
