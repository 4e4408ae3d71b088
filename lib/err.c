/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Here the functions behind the macros are written. */
#undef mun_fail
#undef mun_fail_errno
#undef mun_wrap

/* Cut a truncated text back to the last whole UTF-8 character. */
static void trim_partial(char *text)
{
	size_t len = strlen(text);
	size_t start = len;
	unsigned char lead;
	size_t want;

	while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	lead = (unsigned char)text[start - 1];
	want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
	if (len - (start - 1) < want)
		text[start - 1] = '\0';
}

static void copy_text(struct mun_err *err, const char *text)
{
	size_t len = strnlen(text, sizeof(err->text) - 1);

	memcpy(err->text, text, len);
	err->text[len] = '\0';
	if (text[len] != '\0')
		trim_partial(err->text);
}

enum mun_code mun_fail(struct mun_err *err, enum mun_code code, const char *fmt, ...)
{
	char text[MUN_ERR_TEXT_MAX * 2]; /* apart: an argument may be err->text itself */
	va_list ap;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	copy_text(err, text);
	err->code = code;
	return code;
}

enum mun_code mun_fail_errno(struct mun_err *err, enum mun_code code, int errnum, const char *fmt,
                             ...)
{
	char text[MUN_ERR_TEXT_MAX];
	char why[128];
	va_list ap;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return mun_fail(err, code, "%s: %s", text, strerror_r(errnum, why, sizeof(why)));
}

enum mun_code mun_wrap(struct mun_err *err, enum mun_code code, const char *fmt, ...)
{
	char front[MUN_ERR_TEXT_MAX];
	va_list ap;

	if (err == NULL)
		return code;
	va_start(ap, fmt);
	(void)vsnprintf(front, sizeof(front), fmt, ap);
	va_end(ap);
	return mun_fail(err, code, "%s: %s", front, err->text);
}

void mun_hint(struct mun_err *err, const char *fmt, ...)
{
	char hint[MUN_ERR_TEXT_MAX];
	va_list ap;

	if (err == NULL || strchr(err->text, '\n') != NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(hint, sizeof(hint), fmt, ap);
	va_end(ap);
	(void)mun_fail(err, err->code, "%s\nhint: %s", err->text, hint);
}

const char *mun_code_name(enum mun_code code)
{
	switch (code) {
	case MUN_OK:
		return "ok";
	case MUN_E_NOMEM:
		return "nomem";
	case MUN_E_USAGE:
		return "usage";
	case MUN_E_INPUT:
		return "input";
	case MUN_E_CREDENTIAL:
		return "credential";
	case MUN_E_POLICY:
		return "policy";
	case MUN_E_NOTFOUND:
		return "notfound";
	case MUN_E_BUSY:
		return "busy";
	case MUN_E_IO:
		return "io";
	case MUN_E_FULL:
		return "full";
	case MUN_E_CORRUPT:
		return "corrupt";
	case MUN_E_JOURNAL:
		return "journal";
	case MUN_E_REMOTE:
		return "remote";
	case MUN_E_VERIFY:
		return "verify";
	case MUN_E_STALE:
		return "stale";
	case MUN_E_WINDOW:
		return "window";
	case MUN_E_INTERNAL:
		return "internal";
	}
	return "unknown";
}
