/* SPDX-License-Identifier: Apache-2.0 */
/* Base URLs, pasted URLs and ids. No path but those of the table comes out of them. */
#include "lib/remote/request.h"
#include "tests/fuzz/fuzz.h"

static void check_base(const struct mun_base_url *base)
{
	static const struct mun_id id = { { 0xab } };
	struct mun_base_url again;
	struct mun_request r;
	struct mun_err err;

	assert(mun_base_url_parse(&again, base->text, &err) == MUN_OK);
	assert(strcmp(again.text, base->text) == 0 && strcmp(again.host, base->host) == 0 &&
	       strcmp(again.path, base->path) == 0);
	assert(!strpbrk(base->text, "?#@ ") && base->text[strlen(base->text) - 1] != '/');
	for (enum mun_op_kind op = 0; op < MUN_OPS; op++) {
		mun_request_mutate(&r, base, &mun_ops[op], &id, &id);
		assert(r.mutating &&
		       (mun_request_allowed(&r, base) || strlen(r.path) == sizeof(r.path) - 1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = fuzz_string(data, size);
	struct mun_base_url base;
	struct mun_request r = { .method = "DELETE", .mutating = true };
	struct mun_id run, org;
	struct mun_ref ref;
	struct mun_err err;
	bool has_org, folded;
	enum mun_code code = mun_base_url_parse(&base, s, &err);

	if (code == MUN_OK)
		check_base(&base);
	else
		fuzz_check_refusal(code, &err, s);
	code = mun_run_parse(&run, &org, &has_org, &folded, (const char *)data, size, &err);
	if (code != MUN_OK)
		fuzz_check_failure(code, &err);
	if (mun_ref_parse(&ref, 'p', s)) {
		char text[MUN_REF_TEXT];

		mun_ref_format(text, 'p', &ref);
		assert(strcmp(text, s) == 0);
	}
	/* A path that somebody else made. */
	assert(mun_base_url_parse(&base, MUN_BASE_URL_DEFAULT, &err) == MUN_OK);
	mun_text_copy(r.path, sizeof(r.path), s, strlen(s));
	if (mun_request_allowed(&r, &base))
		assert(!strstr(r.path, "/delete") && !strstr(r.path, "..") && !strchr(r.path, '?'));
	free(s);
	return 0;
}
