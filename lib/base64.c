/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* libsodium 1.0.18 also takes bytes above 0x7f for digits: hence these lines of our own. */
static unsigned value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Four digits of three bytes. */
static void encode_three(char ret[static 4], uint32_t bits)
{
	for (unsigned i = 0; i < 4; i++)
		ret[i] = digits[bits >> (18 - 6 * i) & 63];
}

void mun_base64_encode(char *ret, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (; len >= 3; p += 3, len -= 3, ret += 4)
		encode_three(ret, (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]);
	if (len > 0) {
		encode_three(ret, (uint32_t)p[0] << 16 | (len > 1 ? (uint32_t)p[1] << 8 : 0));
		memset(ret + len + 1, '=', 3 - len);
		ret += 4;
	}
	*ret = '\0';
}

void mun_base64_add(struct mun_buf *ret, const void *data, size_t len)
{
	char *to = mun_buf_reserve(ret, MUN_BASE64_LEN(len));

	if (to == NULL)
		return;
	mun_base64_encode(to, data, len);
	ret->len += MUN_BASE64_LEN(len);
}

/* Four characters of which the last `pad` are padding; false: they are not that. */
static bool decode_four(uint8_t ret[static 3], const char *text, size_t pad)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4 - pad; i++) {
		unsigned value = value_of(text[i]);

		if (value > 63)
			return false;
		bits |= (uint32_t)value << (18 - 6 * i);
	}
	ret[0] = (uint8_t)(bits >> 16);
	ret[1] = (uint8_t)(bits >> 8);
	ret[2] = (uint8_t)bits;
	/* Bits that no byte takes are zero, or the bytes would have two texts. */
	return (pad < 1 || ret[2] == 0) && (pad < 2 || ret[1] == 0);
}

bool mun_base64_prefix(uint8_t *ret, size_t len, const char *text, size_t text_len,
                       size_t *ret_total)
{
	size_t total = 0;

	if (text_len % 4 != 0)
		return false;
	for (size_t i = 0; i < text_len; i += 4) {
		bool last = i + 4 == text_len;
		size_t pad = !last || text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
		uint8_t bytes[3];

		if (!decode_four(bytes, text + i, pad))
			return false;
		for (size_t k = 0; k < 3 - pad; k++, total++) {
			if (total < len)
				ret[total] = bytes[k];
		}
	}
	*ret_total = total;
	return true;
}

bool mun_base64_exact(uint8_t *ret, size_t len, const char *text, size_t text_len)
{
	size_t total;

	return text_len == MUN_BASE64_LEN(len) &&
	       mun_base64_prefix(ret, len, text, text_len, &total) && total == len;
}

enum mun_code mun_base64_decode(struct mun_buf *ret, const char *text, size_t len,
                                struct mun_err *err)
{
	size_t room = (len + 3) / 4 * 3;
	size_t total;
	void *to = mun_buf_reserve(ret, room);

	if (to == NULL)
		return mun_buf_check(ret, "base64", err);
	if (!mun_base64_prefix(to, room, text, len, &total)) {
		ret->data[ret->len] = '\0';
		return mun_fail(err, MUN_E_INPUT, "%zu characters are not strict base64", len);
	}
	ret->len += total;
	return MUN_OK;
}
