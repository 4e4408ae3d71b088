/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/bundle_text.h"
#include "tests/test.h"

static const struct mun_bundle_facts whole = {
	.origin = "muniment/host-0011aabb",
	.vkey = "muniment/host-0011aabb+00112233+AAAA",
	.size = 9,
	.entries = 9,
	.sample_line = 5,
};

static void has(const struct mun_bundle_facts *f, const char *piece, bool wanted)
{
	MUN_BUF_CLEANUP struct mun_buf text;

	mun_buf_init(&text, 1 << 16);
	mun_bundle_readme(&text, f);
	assert_false(text.failed);
	assert_int_equal(strstr(mun_buf_str(&text), piece) != NULL, wanted);
	mun_buf_done(&text);
}

static void test_depends_on_the_facts(void **state)
{
	struct mun_bundle_facts f = whole;

	(void)state;
	has(&f, "Journal   muniment/host-0011aabb\n", true);
	has(&f, "Entries   9, of which 9 are in this bundle\n", true);
	has(&f, "sed -n 5p entries.jsonl", true);
	has(&f, "SOUND, NOT COMPLETE", false);
	has(&f, "withheld  ", false);
	has(&f, "bodies.jsonl ", false);
	has(&f, "openssl ts -verify", false);
	has(&f, "No time stamp covers this checkpoint", true);
	has(&f, "has no lines of witnesses", true);
	f.filtered = f.bodies = f.cosigned = true;
	f.entries = 4;
	f.stamps = 2;
	has(&f, "Entries   9, of which 4 are in this bundle\n", true);
	has(&f, "but 5 of 9 entries are withheld", true);
	has(&f, "withheld  ", true);
	has(&f, "bodies.jsonl ", true);
	has(&f, "-in checkpoint.2.tsr -CAfile CA\n", true);
	has(&f, "checkpoint.3.tsr", false);
	has(&f, "has lines of witnesses", true);
}

static void test_a_full_buffer_shows(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_err err;

	(void)state;
	mun_buf_init(&text, 100);
	mun_bundle_readme(&text, &whole);
	assert_int_equal(mun_buf_check(&text, "the text", &err), MUN_E_FULL);
	mun_buf_done(&text);
}

static void test_checker_is_a_text(void **state)
{
	(void)state;
	assert_int_equal(strlen(mun_verify_py), mun_verify_py_len);
	assert_int_equal(strncmp(mun_verify_py, "#!/usr/bin/env python3\n", 23), 0);
	assert_int_equal(mun_verify_py[mun_verify_py_len - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depends_on_the_facts),
		cmocka_unit_test(test_a_full_buffer_shows),
		cmocka_unit_test(test_checker_is_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
