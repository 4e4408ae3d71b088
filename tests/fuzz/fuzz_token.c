/* SPDX-License-Identifier: Apache-2.0 */
/* A token as it was pasted or read, and a name for one. */
#include "lib/date.h"
#include "lib/vault.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = fuzz_string(data, size);
	struct mun_secret token;
	struct mun_err err;
	int64_t us;
	enum mun_code code = mun_crypto_init(&err);

	assert(code == MUN_OK);
	code = mun_token_name_check(s, &err);
	if (code == MUN_OK) {
		assert(strlen(s) <= MUN_TOKEN_NAME_MAX);
	} else {
		fuzz_check_failure(code, &err);
		assert(strlen(s) < 20 || !strstr(err.text, s));
	}
	assert(mun_secret_new(&token, size, &err) == MUN_OK);
	if (size > 0)
		memcpy(token.data, data, size);
	(void)mun_token_jwt(&token, &us);
	code = mun_token_clean(&token, &err);
	if (code != MUN_OK)
		fuzz_check_failure(code, &err);
	else
		assert(token.len > 0 && token.len <= MUN_TOKEN_MAX &&
		       !memchr(token.data, '\n', token.len) &&
		       !memchr(token.data, '\r', token.len) && !memchr(token.data, 0, token.len));
	(void)mun_token_jwt(&token, &us);
	mun_secret_done(&token);
	free(s);
	return 0;
}
