/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/encoding.h"

#include <string.h>

#include "lib/text.h"

static bool is_control(const char *s, size_t len, size_t i)
{
	uint8_t b = (uint8_t)s[i];

	if (b < 0x20 || b == 0x7f)
		return true;
	/* U+0080 to U+009F */
	return b == 0xc2 && i + 1 < len && (uint8_t)s[i + 1] < 0xa0;
}

size_t mun_control_at(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && !is_control(s, len, i))
		i++;
	return i;
}

static enum mun_code refuse(struct mun_err *err, const char *source, size_t at, const char *what,
                            const char *from)
{
	(void)mun_fail(err, MUN_E_INPUT, "%s: %s at byte %zu", source, what, at);
	if (from != NULL)
		mun_hint(err, "convert it: iconv -f %s -t UTF-8 FILE > FILE.utf8", from);
	return MUN_E_INPUT;
}

static enum mun_code check_nul(const char *data, size_t len, const char *source,
                               struct mun_err *err)
{
	const char *nul = len == 0 ? NULL : memchr(data, 0, len);
	size_t at;

	if (len >= 2 && memcmp(data, "\xff\xfe", 2) == 0)
		return refuse(err, source, 0, "UTF-16 text", "UTF-16");
	if (len >= 2 && memcmp(data, "\xfe\xff", 2) == 0)
		return refuse(err, source, 0, "UTF-16 text", "UTF-16");
	if (nul == NULL)
		return MUN_OK;
	at = (size_t)(nul - data);
	/* Every second byte of ASCII text in UTF-16 is NUL. */
	if (at == 0 && len >= 4 && data[1] != 0 && data[2] == 0 && data[3] != 0)
		return refuse(err, source, at, "UTF-16 text (NUL)", "UTF-16BE");
	if (at == 1 && len >= 4 && data[2] != 0 && data[3] == 0)
		return refuse(err, source, at, "UTF-16 text (NUL)", "UTF-16LE");
	return refuse(err, source, at, "NUL", at == 0 ? NULL : "UTF-16");
}

/* Eight bytes of text at once: each from 0x20 to 0x7e? */
static bool is_plain(const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t highs = ones << 7;
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	/* the high bit of a byte: it is one, less than 0x20, or more than 0x7e */
	return ((w | (w - ones * 0x20) | (w + ones)) & highs) == 0;
}

static enum mun_code check_controls(struct mun_encoding *ret, const char *data, size_t len,
                                    const char *source, struct mun_err *err)
{
	for (size_t i = 0; i < len; i++) {
		while (len - i > 8 && is_plain(data + i))
			i += 8;
		if (!is_control(data, len, i) || data[i] == '\t' || data[i] == '\n')
			continue;
		if (data[i] == '\r' && i + 1 < len && data[i + 1] == '\n') {
			ret->crlf = true;
			continue;
		}
		if (data[i] == '\r') {
			(void)refuse(err, source, i, "a carriage return without a newline", NULL);
			mun_hint(err,
			         "convert it: tr '\\r' '\\n' < FILE | iconv -f UTF-8 -t UTF-8 > "
			         "FILE.utf8");
			return MUN_E_INPUT;
		}
		if ((uint8_t)data[i] == 0xc2)
			return refuse(err, source, i, "a control character", "WINDOWS-1252");
		return refuse(err, source, i, "a control character",
		              data[i] == 0x1b ? "ISO-2022-JP" : "UTF-16");
	}
	return MUN_OK;
}

enum mun_code mun_encoding_check(struct mun_encoding *ret, const char *data, size_t len,
                                 const char *source, struct mun_err *err)
{
	enum mun_code code = check_nul(data, len, source, err);
	size_t bad;

	*ret = (struct mun_encoding){ .no_last_newline = len > 0 && data[len - 1] != '\n' };
	if (code != MUN_OK)
		return code;
	bad = mun_utf8_bad(data, len);
	if (bad < len)
		return refuse(err, source, bad, "not UTF-8", "WINDOWS-1252");
	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
		ret->skip = 3;
	return check_controls(ret, data, len, source, err);
}
