/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/remote/request.h"
#include "tests/test.h"

static struct mun_err err;

static void base_forms(void **state)
{
	static const char *const good[][2] = {
		{ "https://api.tallyfy.com", "https://api.tallyfy.com" },
		{ "HTTPS://API.Tallyfy.COM:443/", "https://api.tallyfy.com" },
		{ "https://x.test:8443/Api/", "https://x.test:8443/Api" },
		{ "http://127.0.0.1:8080/api", "http://127.0.0.1:8080/api" },
		{ "http://localhost:80", "http://localhost" },
		{ "http://[::1]:9", "http://[::1]:9" },
	};
	struct mun_base_url base;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(good); i++) {
		assert_ok(mun_base_url_parse(&base, good[i][0], &err), &err);
		assert_string_equal(base.text, good[i][1]);
	}
}

static void base_refusals(void **state)
{
	static const char *const bad[] = {
		"",
		"api.tallyfy.com",
		"ftp://x",
		"https://",
		"https:///a",
		"http://api.tallyfy.com",
		"http://127.evil.com",
		"http://127.0.0.1.evil.com",
		"http://localhost.evil.com",
		"http://[::2]",
		"https://u:p@x",
		"https://x?a=b",
		"https://x#f",
		"https://x:0",
		"https://x:65536",
		"https://x:",
		"https://x:8a",
		"https://x/a//b",
		"https://x/../b",
		"https://x/a/.",
		"https://x/a b",
		"https://x/%2e%2e",
		"https://x\r\nHost: y",
		"https://x//",
		"https://[::1",
		"https://[zz]",
		"https://[::1]x",
		"https://.x",
		"https://x\\y",
		"https://\xc3\xa9.de",
		"https://x/\xc3\xa9",
		"http://128.0.0.1",
	};
	char lengthy[600] = "https://x/";
	struct mun_base_url base;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++)
		assert_fails(mun_base_url_parse(&base, bad[i], &err), MUN_E_USAGE, &err);
	memset(lengthy + 10, 'a', 500);
	assert_fails(mun_base_url_parse(&base, lengthy, &err), MUN_E_USAGE, &err);
	memset(lengthy + 8, 'a', 500);
	assert_fails(mun_base_url_parse(&base, lengthy, &err), MUN_E_USAGE, &err);
}

static void made_are_allowed(void **state)
{
	struct mun_base_url base;
	struct mun_id org, run;
	struct mun_request r;

	(void)state;
	memset(&org, 0x0f, sizeof(org));
	memset(&run, 0xa1, sizeof(run));
	assert_ok(mun_base_url_parse(&base, "http://127.0.0.1:1/api", &err), &err);
	mun_request_mutate(&r, &base, &mun_ops[MUN_OP_ARCHIVE], &org, &run);
	assert_string_equal(r.path, "/api/organizations/0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
	                            "/runs/a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
	assert_string_equal(r.method, "DELETE");
	assert_true(mun_request_allowed(&r, &base));
	mun_request_mutate(&r, &base, &mun_ops[MUN_OP_RESTORE], &org, &run);
	assert_true(r.mutating && strcmp(r.method, "PUT") == 0);
	assert_true(mun_request_allowed(&r, &base));
	mun_request_get_run(&r, &base, &org, &run);
	assert_true(mun_request_allowed(&r, &base));
	for (unsigned i = 0; i < 4; i++) {
		mun_request_list_archived(&r, &base, &org, (enum mun_archived_filter)(i & 1),
		                          UINT32_MAX, 100, i & 2 ? &run : NULL);
		assert_true(mun_request_allowed(&r, &base));
	}
	mun_request_me(&r, &base);
	assert_true(mun_request_allowed(&r, &base));
	mun_request_my_orgs(&r, &base, 3);
	assert_true(mun_request_allowed(&r, &base));
	mun_request_member(&r, &base, &org, INT64_MAX);
	assert_true(mun_request_allowed(&r, &base));
	mun_request_member(&r, &base, &org, -1);
	assert_false(mun_request_allowed(&r, &base));
	mun_request_list_one(&r, &base, &org);
	assert_true(mun_request_allowed(&r, &base));
}

/* Any single change of a mutating request is refused, unless it names another id of hex digits. */
static void changed_are_refused(void **state)
{
	struct mun_base_url base;
	struct mun_id id;
	struct mun_request r, changed;
	size_t len;

	(void)state;
	memset(&id, 0x11, sizeof(id));
	assert_ok(mun_base_url_parse(&base, MUN_BASE_URL_DEFAULT, &err), &err);
	mun_request_mutate(&r, &base, &mun_ops[MUN_OP_ARCHIVE], &id, &id);
	len = strlen(r.path);
	for (size_t at = 0; at <= len; at++) {
		for (int c = 0; c < 256; c++) {
			bool hex = c && strchr("0123456789abcdef", c) && r.path[at] == '1';

			changed = r;
			changed.path[at] = (char)c;
			if (at == len)
				changed.path[at + 1] = '\0';
			if (changed.path[at] == r.path[at] || hex)
				continue;
			assert_false(mun_request_allowed(&changed, &base));
		}
	}
	changed = r;
	(void)snprintf(changed.path + len, sizeof(changed.path) - len, "%s", "/delete");
	assert_false(mun_request_allowed(&changed, &base));
	changed = r;
	changed.method = "POST";
	assert_false(mun_request_allowed(&changed, &base));
	changed = r;
	changed.mutating = false;
	assert_false(mun_request_allowed(&changed, &base));
	changed = r;
	changed.method = "PUT";
	assert_false(mun_request_allowed(&changed, &base));
}

static uint32_t next_random(uint32_t *x) /* xorshift: the same texts each time */
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* Whatever base URL is accepted and whatever ids: the requests are allowed and never a purge. */
static void fuzz(void **state)
{
	static const char alphabet[] = "htps:/.-_~%?#@[]0192abzAZ\\ \r\n";
	unsigned accepted = 0;
	uint32_t x = 7;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char s[64] = "https://";
		struct mun_base_url base, again;
		struct mun_request r;
		struct mun_id id;
		uint32_t len = next_random(&x) % 24;

		for (uint32_t k = 0; k < len; k++)
			s[8 + k] = alphabet[next_random(&x) % (sizeof(alphabet) - 1)];
		if (mun_base_url_parse(&base, s, &err) != MUN_OK)
			continue;
		accepted++;
		assert_ok(mun_base_url_parse(&again, base.text, &err), &err);
		assert_string_equal(again.text, base.text);
		for (size_t k = 0; k < sizeof(id); k++)
			id.bytes[k] = (uint8_t)next_random(&x);
		mun_request_mutate(&r, &base, &mun_ops[next_random(&x) % MUN_OPS], &id, &id);
		assert_true(mun_request_allowed(&r, &base));
		assert_null(strstr(r.path, "/delete"));
		assert_null(strstr(r.path, "/../"));
	}
	assert_true(accepted > 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(base_forms),
		cmocka_unit_test(base_refusals),
		cmocka_unit_test(made_are_allowed),
		cmocka_unit_test(changed_are_refused),
		cmocka_unit_test(fuzz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
