/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/vault.h"

#define KEY_FILE_MIN 32
#define KEY_FILE_MAX 4096

#define HEX   "0123456789abcdef"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"

/* Do more than half of the hex digits there are occur in it? In random ones they do. */
static bool mixed(const char *name)
{
	size_t kinds = 0;

	for (const char *digit = HEX; *digit; digit++)
		kinds += strchr(name, *digit) != NULL;
	return kinds > 8;
}

/* What no name of a person's choice looks like: known heads, and long or mixed random text. */
static bool looks_like_token(const char *name)
{
	size_t len = strlen(name);

	if (strncmp(name, "eyJ", 3) == 0 || strncmp(name, "ghp_", 4) == 0 ||
	    strncasecmp(name, "bearer", 6) == 0 || strchr(name, '|') != NULL ||
	    len > MUN_TOKEN_NAME_MAX)
		return true;
	if (len == 32 && strspn(name, HEX) == len && mixed(name))
		return true;
	return len >= 20 && strpbrk(name, UPPER) != NULL && strpbrk(name, LOWER) != NULL &&
	       strpbrk(name, "0123456789") != NULL;
}

enum mun_code mun_token_name_check(const char *name, struct mun_err *err)
{
	static const char first[] = LOWER "0123456789";
	static const char more[] = LOWER "0123456789._-";
	size_t len = strlen(name);

	/* Never printed, not even a part: it may be a secret in the wrong place. */
	if (looks_like_token(name)) {
		(void)mun_fail(err, MUN_E_USAGE, "this looks like a token, a name was expected");
		mun_hint(err, "revoke that token: it may stand in your shell's history now");
		return MUN_E_USAGE;
	}
	if (len < 1 || len > MUN_TOKEN_NAME_MAX || strspn(name, first) == 0 ||
	    strspn(name, more) != len)
		return mun_fail(err, MUN_E_USAGE,
		                "a token's name has 1 to %d of a-z 0-9 . _ - and begins with a "
		                "letter or digit",
		                MUN_TOKEN_NAME_MAX);
	return MUN_OK;
}

enum mun_code mun_token_clean(struct mun_secret *token, struct mun_err *err)
{
	if (token->len > 0 && token->data[token->len - 1] == '\n')
		token->data[--token->len] = 0;
	if (token->len == 0)
		return mun_fail(err, MUN_E_CREDENTIAL, "the token is empty");
	if (token->len > MUN_TOKEN_MAX)
		return mun_fail(err, MUN_E_CREDENTIAL, "the token is longer than %d bytes",
		                MUN_TOKEN_MAX);
	for (size_t i = 0; i < token->len; i++)
		if (token->data[i] < 0x21 || token->data[i] > 0x7e)
			return mun_fail(err, MUN_E_CREDENTIAL,
			                "byte %zu of the token cannot stand in a header", i + 1);
	return MUN_OK;
}

static int base64url_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* RFC 7515: base64url without padding. ret has room for len bytes. */
static bool decode_base64url(char *ret, size_t *ret_len, const uint8_t *data, size_t len)
{
	uint32_t bits = 0;
	unsigned have = 0;

	*ret_len = 0;
	for (size_t i = 0; i < len; i++) {
		int digit = base64url_digit(data[i]);

		if (digit < 0)
			return false;
		bits = (bits << 6 | (uint32_t)digit) & 0xffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		ret[(*ret_len)++] = (char)(bits >> have & 0xff);
	}
	return len % 4 != 1;
}

bool mun_token_jwt(const struct mun_secret *token, int64_t *ret_expires_us)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret text = { 0 };
	MUN_CLEANUP(mun_json_freep) struct mun_json *doc = NULL;
	const uint8_t *end = token->data + token->len;
	const uint8_t *dot = memchr(token->data, '.', token->len);
	const uint8_t *dot2;
	int64_t exp;
	size_t len;

	if (dot == NULL)
		return false;
	dot2 = memchr(dot + 1, '.', (size_t)(end - dot - 1));
	if (dot2 == NULL || memchr(dot2 + 1, '.', (size_t)(end - dot2 - 1)) != NULL ||
	    mun_secret_new(&text, token->len, NULL) != MUN_OK ||
	    !decode_base64url((char *)text.data, &len, dot + 1, (size_t)(dot2 - dot - 1)) ||
	    mun_json_parse(&doc, (const char *)text.data, len, NULL) != MUN_OK ||
	    mun_json_kind(mun_json_root(doc)) != MUN_JSON_OBJECT)
		return false;
	*ret_expires_us = MUN_TIME_NONE;
	/* Years past 9999 are no times of ours. */
	if (mun_json_int(mun_json_get(mun_json_root(doc), "exp"), &exp) && exp >= 0 &&
	    exp < INT64_C(253402300800))
		*ret_expires_us = exp * 1000000;
	return true;
}

static enum mun_code fail_key_file(const char *path, const char *why, struct mun_err *err)
{
	return mun_fail(err, MUN_E_CREDENTIAL, "the key file %s %s", path, why);
}

enum mun_code mun_key_file_read(struct mun_secret *ret, const char *path, struct mun_err *err)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret key = { 0 };
	/* O_NONBLOCK: a FIFO must be refused, not waited for. */
	MUN_CLEANUP(mun_closep)
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	enum mun_code code;

	if (fd < 0 && errno == ELOOP)
		return fail_key_file(path, "is a symbolic link", err);
	if (fd < 0 || fstat(fd, &st) != 0)
		return mun_fail_errno(err, MUN_E_CREDENTIAL, errno, "open the key file %s", path);
	if (!S_ISREG(st.st_mode))
		return fail_key_file(path, "is no regular file", err);
	if (st.st_uid != geteuid())
		return fail_key_file(path, "belongs to another user", err);
	if ((st.st_mode & 077) != 0)
		return fail_key_file(path, "is open to other users, mode 0600 is needed", err);
	if (st.st_size < KEY_FILE_MIN || st.st_size > KEY_FILE_MAX)
		return fail_key_file(path, "must have 32 to 4096 bytes", err);
	code = mun_secret_new(&key, (size_t)st.st_size, err);
	if (code != MUN_OK)
		return code;
	if (read(fd, key.data, key.len) != (ssize_t)key.len)
		return fail_key_file(path, "cannot be read as a whole", err);
	*ret = MUN_STEAL(key);
	return MUN_OK;
}
