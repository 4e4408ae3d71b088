/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/hex.h"

static const char digits[] = "0123456789abcdef";

/* Value + 1 of a digit; 0: none. A table, because branches on random digits are guessed wrong. */
static const uint8_t values[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static unsigned value_of(char c)
{
	return values[(uint8_t)c];
}

void mun_hex_encode(char *ret, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		ret[2 * i] = digits[p[i] >> 4];
		ret[2 * i + 1] = digits[p[i] & 15];
	}
	ret[2 * len] = '\0';
}

bool mun_hex_decode(void *ret, size_t len, const char *hex, size_t hex_len)
{
	uint8_t *out = ret;

	if (hex_len / 2 != len || hex_len % 2 != 0)
		return false;
	for (size_t i = 0; i < hex_len; i++) {
		if (value_of(hex[i]) == 0)
			return false;
	}
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((value_of(hex[2 * i]) - 1) * 16 + value_of(hex[2 * i + 1]) - 1);
	return true;
}
