/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/tlog/checkpoint.h"
#include "tests/test.h"

#define ORIGIN "example.com/log"
#define ROOT   "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define SIGNED "\n\xe2\x80\x94 name AAAAAAA=\n"

static void assert_refused(const char *text, size_t len, const char *place)
{
	struct mun_checkpoint c = { .size = 77 };
	struct mun_err err;

	assert_fails(mun_checkpoint_parse(&c, text, len, &err), MUN_E_INPUT, &err);
	assert_non_null(strstr(err.text, place));
	assert_int_equal(c.size, 77);
}

static void test_round_trip(void **state)
{
	static const char *const texts[] = {
		ORIGIN "\n0\n" ROOT "\n",
		ORIGIN "\n1\n" ROOT "\n",
		"go.sum database tree\n35225469\nvt5T6GaLCXvyHFl9VUvvItR43XZxfLgftEcTyO3eJCQ=\n",
		"x\n18446744073709551615\n" ROOT "\n",
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(texts); i++) {
		MUN_BUF_CLEANUP struct mun_buf b;
		struct mun_checkpoint c;
		struct mun_err err;

		mun_buf_init(&b, 1000);
		assert_ok(mun_checkpoint_parse(&c, texts[i], strlen(texts[i]), &err), &err);
		mun_checkpoint_format(&b, &c);
		assert_string_equal(mun_buf_str(&b), texts[i]);
	}
}

static void test_fields(void **state)
{
	static const char text[] = ORIGIN "\n12\n" ROOT "\nmore\nand more\n" SIGNED;
	uint8_t empty[MUN_SHA256_LEN];
	struct mun_checkpoint c;
	struct mun_note note;
	struct mun_err err;

	(void)state;
	mun_sha256(empty, "", 0);
	assert_ok(mun_checkpoint_read(&c, &note, text, strlen(text), &err), &err);
	assert_string_equal(c.origin, ORIGIN);
	assert_int_equal(c.size, 12);
	assert_memory_equal(c.root, empty, sizeof(empty));
	assert_int_equal(note.sig_len, 1);
	assert_int_equal(note.text_len, strlen(text) - strlen(SIGNED));
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *place;
	} bad[] = {
		{ "", "line 1" },
		{ "\n", "line 1" },
		{ ORIGIN, "line 1" },
		{ "\n1\n" ROOT "\n", "line 1" },
		{ "a\tb\n1\n" ROOT "\n", "line 1" },
		{ "a\x7f\n1\n" ROOT "\n", "line 1" },
		{ "a\xff\n1\n" ROOT "\n", "line 1" },
		{ ORIGIN "\n", "line 2" },
		{ ORIGIN "\n\n" ROOT "\n", "line 2" },
		{ ORIGIN "\n01\n" ROOT "\n", "line 2" },
		{ ORIGIN "\n00\n" ROOT "\n", "line 2" },
		{ ORIGIN "\n-1\n" ROOT "\n", "line 2" },
		{ ORIGIN "\n+1\n" ROOT "\n", "line 2" },
		{ ORIGIN "\n 1\n" ROOT "\n", "line 2" },
		{ ORIGIN "\n1 \n" ROOT "\n", "line 2" },
		{ ORIGIN "\n1\r\n" ROOT "\n", "line 2" },
		{ ORIGIN "\n0x1\n" ROOT "\n", "line 2" },
		{ ORIGIN "\n1e3\n" ROOT "\n", "line 2" },
		{ ORIGIN "\n18446744073709551616\n" ROOT "\n", "line 2" },
		{ ORIGIN "\n99999999999999999999999\n" ROOT "\n", "line 2" },
		{ ORIGIN "\n1", "line 2" },
		{ ORIGIN "\n1\n", "line 3" },
		{ ORIGIN "\n1\n" ROOT, "line 3" },
		{ ORIGIN "\n1\n\n", "line 3" },
		{ ORIGIN "\n1\n" ROOT "=\n", "line 3" },
		{ ORIGIN "\n1\n" ROOT " \n", "line 3" },
		{ ORIGIN "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n", "line 3" },
		{ ORIGIN "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==\n", "line 3" },
		{ ORIGIN "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA\n", "line 3" },
		{ ORIGIN "\n1\n" ROOT "\n\n", "line 4" },
		{ ORIGIN "\n1\n" ROOT "\n\nmore\n", "line 4" },
		{ ORIGIN "\n1\n" ROOT "\nmore", "line 4" },
		{ ORIGIN "\n1\n" ROOT "\nmore\n\n", "line 5" },
	};
	char origin[MUN_KEY_NAME_MAX + 60];
	struct mun_checkpoint c;
	struct mun_err err;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++)
		assert_refused(bad[i].text, strlen(bad[i].text), bad[i].place);
	assert_refused("a\0b\n1\n" ROOT "\n", strlen(ROOT) + 7, "line 1");
	memset(origin, 'o', sizeof(origin));
	memcpy(origin + MUN_KEY_NAME_MAX, "\n1\n" ROOT "\n", strlen(ROOT) + 5);
	assert_ok(mun_checkpoint_parse(&c, origin, MUN_KEY_NAME_MAX + 48, &err), &err);
	assert_int_equal(strlen(c.origin), MUN_KEY_NAME_MAX);
	memcpy(origin + MUN_KEY_NAME_MAX, "o\n1\n" ROOT "\n", strlen(ROOT) + 6);
	assert_refused(origin, MUN_KEY_NAME_MAX + 49, "line 1");
}

/* A note that is none, and a note whose text is no checkpoint. */
static void test_read_refused(void **state)
{
	static const char *const bad[] = { ORIGIN "\n1\n" ROOT "\n", "a text\n" SIGNED,
		                           ORIGIN "\n1\n" ROOT "\n\nmore\n" SIGNED };

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		struct mun_checkpoint c = { .size = 77 };
		struct mun_note note = { .sig_len = 7 };
		struct mun_err err;

		assert_fails(mun_checkpoint_read(&c, &note, bad[i], strlen(bad[i]), &err),
		             MUN_E_INPUT, &err);
		assert_int_equal(c.size, 77);
		assert_int_equal(note.sig_len, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_read_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
