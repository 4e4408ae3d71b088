/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/vkey.h"

#include <string.h>
#include <unistd.h>

#include "cmd/opt.h"
#include "lib/file.h"

#define FILE_MAX_BYTES 4096

static enum mun_code from_file(struct mun_vkey *ret, const char *path, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	enum mun_code code;

	mun_buf_init(&text, FILE_MAX_BYTES);
	code = mun_file_read(&text, path, err);
	if (code != MUN_OK)
		return code;
	if (text.len == 0 || strlen(text.data) != text.len)
		return mun_fail(err, MUN_E_INPUT, "it holds no verifier key");
	text.data[strcspn(text.data, "\r\n")] = '\0';
	return mun_vkey_parse(ret, text.data, err);
}

enum mun_code mun_vkey_given(struct mun_vkey *ret, const char *text, enum mun_key_type type,
                             const char *option, struct mun_err *err)
{
	bool file = access(text, F_OK) == 0;
	struct mun_vkey key;
	enum mun_code code = file ? from_file(&key, text, err) : mun_vkey_parse(&key, text, err);

	if (code != MUN_OK && !file && !strchr(text, '+'))
		return mun_fail(err, MUN_E_USAGE, "%s: there is no file %s", option,
		                mun_opt_printable(text));
	if (code != MUN_OK)
		return mun_wrap(err, MUN_E_USAGE, "%s", option);
	if (key.type != type)
		return mun_fail(err, MUN_E_USAGE, "%s: this is the key of a %s", option,
		                key.type == MUN_KEY_COSIGNER ? "witness, not of a log"
		                                             : "log, not of a witness");
	*ret = key;
	return MUN_OK;
}
