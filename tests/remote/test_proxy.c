/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/remote/http.h"
#include "tests/test.h"

static const char *const variables[] = { "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
	                                 "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY" };

struct proxy_case {
	const char *base;
	const char *set[3][2]; /* variables and values */
	const char *host;      /* "" when none is used */
};

#define NAMED "http://user:secret@proxy.test:3128"

static const struct proxy_case cases[] = {
	{ "https://api.test", { { NULL } }, "" },
	{ "https://api.test", { { "https_proxy", NAMED } }, "proxy.test" },
	{ "https://api.test", { { "HTTPS_PROXY", NAMED } }, "proxy.test" },
	{ "https://api.test", { { "all_proxy", NAMED } }, "proxy.test" },
	{ "https://api.test", { { "ALL_PROXY", "socks5h://127.0.0.1" } }, "127.0.0.1" },
	{ "https://api.test", { { "https_proxy", "proxy.test" } }, "proxy.test" },
	{ "https://api.test", { { "https_proxy", "[::1]:3128" } }, "[::1]" },
	{ "https://api.test", { { "https_proxy", "" }, { "ALL_PROXY", NAMED } }, "proxy.test" },
	{ "https://api.test",
	  { { "https_proxy", NAMED }, { "HTTPS_PROXY", "other" } },
	  "proxy.test" },
	{ "https://api.test", { { "http_proxy", NAMED } }, "" },
	{ "http://127.0.0.1", { { "http_proxy", NAMED } }, "proxy.test" },
	{ "http://127.0.0.1", { { "HTTP_PROXY", NAMED } }, "" },
	{ "http://127.0.0.1", { { "https_proxy", NAMED } }, "" },
	{ "http://127.0.0.1", { { "all_proxy", NAMED } }, "proxy.test" },
	{ "http://127.0.0.1",
	  { { "all_proxy", NAMED }, { "no_proxy", "" }, { "NO_PROXY", "*" } },
	  "" },
	{ "http://127.0.0.1",
	  { { "all_proxy", NAMED }, { "no_proxy", "x" }, { "NO_PROXY", "*" } },
	  "proxy.test" },
	/* unusable ones: refused when the wire is opened */
	{ "https://api.test", { { "https_proxy", "gopher://user:secret@proxy.test" } }, "" },
	{ "https://api.test", { { "https_proxy", "http://user:secret@proxy.test:99999" } }, "" },
};

/* The exceptions, each with a proxy for everything. */
static const struct {
	const char *base, *list;
	bool excepted;
} exceptions[] = {
	{ "https://api.test", "", false },
	{ "https://api.test", "*", true },
	{ "https://api.test", "api.test", true },
	{ "https://api.test", "API.Test", true },
	{ "https://api.test", ".test", true },
	{ "https://api.test", "test", true },
	{ "https://api.test", "est", false },
	{ "https://api.test", "pi.test", false },
	{ "https://api.test", "www.api.test", false },
	{ "https://api.test", "other, api.test", true },
	{ "https://api.test", "other api.test", true },
	{ "https://api.test", "other,*", true },
	{ "https://api.test", "10.0.0.0/0", false },
	{ "https://api.test:8443", "api.test", true },
	{ "http://127.0.0.1:80", "127.0.0.1", true },
	{ "http://127.0.0.1", "0.0.1", false },
	{ "http://127.0.0.1", "127.0.0.0/8", true },
	{ "http://127.0.0.1", "127.0.0.1/32", true },
	{ "http://127.0.0.1", "127.0.0.0/32", false },
	{ "http://127.0.0.1", "0.0.0.0/0", true },
	{ "http://127.0.0.1", "127.0.0.0/33", false },
	{ "http://127.0.0.1", "127.0.0.0/", false },
	{ "http://127.0.0.1", "127.0.0.0/x", false },
	{ "http://127.0.0.1", "127.0.0.0/-8", false },
	{ "http://127.0.0.1", "126.0.0.0/8", false },
	{ "http://127.0.0.1", "126.0.0.0/7", true },
	{ "http://127.0.0.1", "::/0", false },
	{ "http://[::1]:8080", "::1", true },
	{ "http://[::1]:8080", "[::1]", true },
	{ "http://[::1]:8080", "::/64", true },
	{ "http://[::1]:8080", "fe80::/10", false },
};

static void clear(void)
{
	for (size_t i = 0; i < MUN_ARRAY_LEN(variables); i++)
		assert_int_equal(unsetenv(variables[i]), 0);
}

static void base_of(struct mun_base_url *ret, const char *text)
{
	struct mun_err err;

	assert_ok(mun_base_url_parse(ret, text, &err), &err);
}

static void chosen(void **state)
{
	char host[256];

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_base_url base;

		clear();
		for (size_t k = 0; k < 3 && cases[i].set[k][0]; k++)
			assert_int_equal(setenv(cases[i].set[k][0], cases[i].set[k][1], 1), 0);
		base_of(&base, cases[i].base);
		mun_http_proxy_host(host, sizeof(host), &base);
		assert_string_equal(host, cases[i].host);
	}
	clear();
}

static void excepted(void **state)
{
	static const char *const names[] = { "no_proxy", "NO_PROXY" };
	char host[256];

	(void)state;
	for (size_t i = 0; i < 2 * MUN_ARRAY_LEN(exceptions); i++) {
		struct mun_base_url base;

		clear();
		assert_int_equal(setenv("all_proxy", NAMED, 1), 0);
		assert_int_equal(setenv(names[i % 2], exceptions[i / 2].list, 1), 0);
		base_of(&base, exceptions[i / 2].base);
		mun_http_proxy_host(host, sizeof(host), &base);
		assert_string_equal(host, exceptions[i / 2].excepted ? "" : "proxy.test");
	}
	clear();
}

/* libcurl's own message would hold the whole address, password included. */
static void not_understood(void **state)
{
	static const char *const bad[] = { "gopher://user:secret@proxy.test",
		                           "http://user:secret@proxy.test:99999",
		                           "http://user:secret@pro xy.test" };
	struct mun_base_url base;
	struct mun_secret token;
	struct mun_err err;

	(void)state;
	base_of(&base, "https://api.test");
	assert_ok(mun_secret_new(&token, 1, &err), &err);
	token.data[0] = 't';
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		const struct mun_http_options o = { .base = &base,
			                            .token = &token,
			                            .timeout_ms = 1000,
			                            .concurrency = 1,
			                            .user_agent = "test" };
		struct mun_http *http = NULL;

		assert_int_equal(setenv("https_proxy", bad[i], 1), 0);
		assert_fails(mun_http_open(&http, &o, &err), MUN_E_USAGE, &err);
		assert_null(http);
		assert_null(strstr(err.text, "secret"));
	}
	mun_secret_done(&token);
	clear();
}

static int set_up(void **state)
{
	struct mun_err err;

	(void)state;
	return mun_crypto_init(&err) == MUN_OK ? 0 : -1;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen),
		cmocka_unit_test(excepted),
		cmocka_unit_test(not_understood),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
