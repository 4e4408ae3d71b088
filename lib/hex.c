/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/hex.h"

static const char digits[] = "0123456789abcdef";

static int value_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
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
		if (value_of(hex[i]) < 0)
			return false;
	}
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(value_of(hex[2 * i]) * 16 + value_of(hex[2 * i + 1]));
	return true;
}
