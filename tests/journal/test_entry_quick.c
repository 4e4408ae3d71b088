/* SPDX-License-Identifier: Apache-2.0 */
/* What is read quickly is what its entry encodes to, whatever happens to the bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/entry_quick.h"
#include "tests/test.h"

#define REQUEST                                                                               \
	"{\"attempt\":1,\"batch\":\"b-11111111111111111111\",\"boot\":\"1f2e3d4c5b6a\","      \
	"\"epoch\":1,\"headers\":{\"authorization\":\"00112233445566778899aabbccddeeff\"},"   \
	"\"host\":\"api.tallyfy.com\",\"item\":0,\"kind\":\"request\",\"method\":\"DELETE\"," \
	"\"org\":\"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f\",\"path\":\"/organizations/x/runs/y\","  \
	"\"purpose\":\"archive\",\"reason\":null,"                                            \
	"\"run\":\"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\",\"seq\":3,\"ticket\":\"OPS-1\","        \
	"\"time\":\"2026-11-23T22:48:01.123456Z\",\"uptime_ms\":86400123,\"v\":1}"
#define READ                                                                                 \
	"{\"attempt\":null,\"boot\":\"1f2e3d4c5b6a\",\"epoch\":null,"                        \
	"\"headers\":{\"authorization\":null},\"host\":\"api.tallyfy.com\","                 \
	"\"kind\":\"request\",\"method\":\"GET\",\"path\":\"/me\",\"purpose\":\"identity\"," \
	"\"reason\":null,\"seq\":9007199254740991,\"ticket\":null,"                          \
	"\"time\":\"2026-02-28T23:59:59.000000Z\",\"uptime_ms\":0,\"v\":1}"
#define RESPONSE                                                                            \
	"{\"archived_at\":\"2026-11-23T22:48:01Z\",\"batch\":\"b-11111111111111111111\","   \
	"\"body\":{\"bytes\":12,\"commit\":"                                                \
	"\"cbe38bfe729d8226ad1ef764261f5d60b34a81b23b327b339f8da3fcc1f0a1b9\"},"            \
	"\"boot\":\"1f2e3d4c5b6a\",\"curl\":{\"code\":0,\"name\":\"OK\"},"                  \
	"\"duration_ms\":123,\"headers\":{\"content-type\":\"application/json\","           \
	"\"date\":\"Tue, 24 Nov 2026 15:30:23 GMT\"},\"http\":200,\"item\":4294967295,"     \
	"\"kind\":\"response\",\"org\":\"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f\","               \
	"\"remote_ip\":\"203.0.113.7\",\"request\":3,"                                      \
	"\"retry_at\":\"2026-11-23T22:50:01.000000Z\","                                     \
	"\"run\":\"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\",\"sent\":true,\"seq\":4,"             \
	"\"settles\":null,\"time\":\"2026-11-23T22:48:01.223456Z\","                        \
	"\"tls\":{\"issuer\":null,\"version\":\"TLSv1.3\"},\"uptime_ms\":86400223,\"v\":1," \
	"\"verdict\":\"archived\"}"
#define BARE                                                                                  \
	"{\"archived_at\":null,\"body\":null,\"boot\":\"1f2e3d4c5b6a\","                      \
	"\"curl\":{\"code\":7,\"name\":null},\"duration_ms\":0,\"headers\":{},\"http\":null," \
	"\"kind\":\"response\",\"remote_ip\":null,\"request\":0,\"retry_at\":null,"           \
	"\"sent\":false,\"seq\":1,\"settles\":null,\"time\":\"2026-11-23T22:48:01.223456Z\"," \
	"\"tls\":null,\"uptime_ms\":1,\"v\":1,\"verdict\":null}"

static const char *const lines[] = { REQUEST, READ, RESPONSE, BARE };

/* Taken quickly? Then its entry encodes to the very bytes, and the full decoder takes it too. */
static bool taken(const char *line, size_t len)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_buf again MUN_BUF_CLEANUP;
	struct mun_err err = { 0 };
	struct mun_entry e;

	mun_buf_init(&again, 2 * MUN_ENTRY_MAX);
	if (!mun_entry_quick(&e, &owner, line, len))
		return false;
	assert_ok(mun_entry_encode(&again, &e, &err), &err);
	if (again.len != len || memcmp(again.data, line, len) != 0)
		fail_msg("%.*s\nis taken for\n%s", (int)len, line, mun_buf_str(&again));
	return true;
}

static void test_usual_lines_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(lines); i++)
		assert_true(taken(lines[i], strlen(lines[i])));
}

static void test_values_are_the_decoders(void **state)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_entry e;

	(void)state;
	assert_true(mun_entry_quick(&e, &owner, RESPONSE, strlen(RESPONSE)));
	assert_int_equal(e.kind, MUN_K_RESPONSE);
	assert_true(e.has_batch && e.has_org && e.has_run);
	assert_int_equal(e.item, UINT32_MAX);
	assert_int_equal(e.u.response.http, 200);
	assert_int_equal(e.u.response.verdict, MUN_V_ARCHIVED);
	assert_string_equal(e.u.response.header[1], "application/json");
	assert_null(e.u.response.header[0]);
	assert_true(e.u.response.body.present && e.u.response.body.kept);
	mun_decoded_freep(&owner);
	assert_true(mun_entry_quick(&e, &owner, BARE, strlen(BARE)));
	assert_false(e.has_batch || e.has_org || e.has_run);
	assert_int_equal(e.item, MUN_NO_ITEM);
	assert_true(e.u.response.retry_at_us == MUN_TIME_NONE);
	assert_false(e.u.response.body.present);
	assert_int_equal(e.u.response.settles_len, 0);
}

static void test_changed_bytes_are_not_overlooked(void **state)
{
	static const char swaps[] = "\"\\{}[]:,0129azAZ .-+eEntrufls\x01\x1f\x7f\x80\xc3\xff";
	uint64_t seen = 0;
	char line[2048];

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(lines); i++) {
		size_t len = strlen(lines[i]);
		for (size_t at = 0; at < len; at++) {
			memcpy(line, lines[i], len + 1);
			for (size_t s = 0; s < sizeof(swaps); s++) { /* the NUL too */
				line[at] = swaps[s];
				seen += taken(line, len);
			}
			memcpy(line, lines[i], at); /* one byte less, and one twice */
			memcpy(line + at, lines[i] + at + 1, len - at);
			seen += taken(line, len - 1);
			memcpy(line + at + 1, lines[i] + at, len - at);
			line[at] = lines[i][at];
			seen += taken(line, len + 1);
			seen += taken(lines[i], at);
		}
	}
	assert_true(seen > 1000); /* other values are lines as well */
}

static void test_what_needs_a_closer_look_is_left(void **state)
{
	static const char *const others[] = {
		"{}",
		"{\"attempt\":",
		"{\"attempt\":1}",
		"{\"attempt\":01}",
	};
	static const struct {
		const char *from, *to;
	} edits[] = {
		{ "OPS-1", "OPS\\u00201" },
		{ "OPS-1", "OPS-\xc3\xbc" },
		{ "22:48:01.123456Z", "22:48:60.123456Z" },
		{ "22:48:01.123456Z", "24:48:01.123456Z" },
		{ "22:48:01.123456Z", "22:48:01.1234567" },
		{ "2026-11-23T", "2026-02-29T" },
		{ "\"attempt\":1", "\"attempt\":0" },
		{ "\"attempt\":1", "\"attempt\":4294967296" },
		{ "\"seq\":3", "\"seq\":9007199254740992" },
		{ "\"v\":1", "\"v\":2" },
		{ "0f0f0f", "0F0f0f" },
	};
	char line[2048];

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(others); i++)
		assert_false(taken(others[i], strlen(others[i])));
	for (size_t i = 0; i < MUN_ARRAY_LEN(edits); i++) {
		static const char request[] = REQUEST;
		const char *at = strstr(request, edits[i].from);
		int len = snprintf(line, sizeof(line), "%.*s%s%s", (int)(at - request), request,
		                   edits[i].to, at + strlen(edits[i].from));
		assert_false(taken(line, (size_t)len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual_lines_are_taken),
		cmocka_unit_test(test_values_are_the_decoders),
		cmocka_unit_test(test_changed_bytes_are_not_overlooked),
		cmocka_unit_test(test_what_needs_a_closer_look_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
