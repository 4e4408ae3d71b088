/* SPDX-License-Identifier: Apache-2.0 */
/* Times in bodies and headers, durations of options. */
#include "lib/date.h"
#include "lib/remote/retry.h"
#include "tests/fuzz/fuzz.h"

#define DECADE_MS (INT64_C(3653) * 86400 * 1000)

static void check_again(int64_t us)
{
	char text[MUN_DATE_MAX];
	enum mun_date_zone zone;
	int64_t again;

	mun_date_format(text, us);
	assert(strlen(text) == MUN_DATE_MAX - 1);
	assert(mun_date_parse(&again, &zone, text, strlen(text)));
	assert(again == us && zone == MUN_ZONE_GIVEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = fuzz_string(data, size);
	enum mun_date_zone zone;
	int64_t us, ms, wait_s;

	if (mun_date_parse(&us, &zone, s, strlen(s)))
		check_again(us);
	if (mun_date_parse_http(&us, s, strlen(s))) {
		check_again(us);
		assert(us % 1000000 == 0 || (us + 1) % 1000000 == 0); /* the latter: second 60 */
	}
	if (mun_duration_parse(&ms, s)) {
		char text[64];

		assert(ms >= 0 && ms <= DECADE_MS);
		mun_duration_format(text, sizeof(text), ms);
		assert(fuzz_is_plain(text, strlen(text)));
	}
	wait_s = mun_retry_after_s(s, INT64_C(1795474081000000));
	assert(wait_s >= -1);
	assert(mun_wait_ms(wait_s, 1 + (unsigned)size, (uint32_t)size << 20) >= 1000);
	free(s);
	return 0;
}
