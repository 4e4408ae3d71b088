/* SPDX-License-Identifier: Apache-2.0 */
/* Rates, also those that a batch recorded. What is read is written back in a form that is read
 * alike, and no window is ever overrun by the times that it admits. */
#include "lib/rate.h"
#include "tests/fuzz/fuzz.h"

static void admit(const struct mun_rate *r, const uint8_t *gaps, size_t len)
{
	struct mun_admissions a;
	struct mun_err err;
	int64_t now_ms = 0;

	assert(mun_admissions_init(&a, r, &err) == MUN_OK);
	for (size_t i = 0; i < len && i < 64; i++) {
		uint64_t eta_ms = mun_rate_eta_ms(r, &a, now_ms, 1);
		uint64_t wait_ms = mun_rate_wait_ms(r, &a, now_ms);

		assert(eta_ms == wait_ms);
		now_ms += (int64_t)wait_ms + gaps[i];
		assert(mun_rate_wait_ms(r, &a, now_ms) == 0);
		mun_admissions_add(&a, now_ms);
		for (size_t k = 0; k < r->len; k++)
			assert(mun_rate_used(&r->window[k], &a, now_ms) <= r->window[k].limit);
	}
	mun_admissions_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = fuzz_string(data, size);
	struct mun_rate rate, again;
	struct mun_err err;
	enum mun_code code = mun_rate_parse(&rate, s, &err);

	if (code != MUN_OK) {
		fuzz_check_refusal(code, &err, s);
	} else {
		char text[512];

		mun_rate_format(text, sizeof(text), &rate);
		assert(mun_rate_parse(&again, text, &err) == MUN_OK && again.len == rate.len);
		for (size_t i = 0; i < rate.len; i++)
			assert(again.window[i].limit == rate.window[i].limit &&
			       again.window[i].period_ms == rate.window[i].period_ms);
		admit(&rate, data, size);
	}
	free(s);
	return 0;
}
