/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base64.h"
#include "tests/test.h"

static void assert_decoded(const char *text, const char *bytes, size_t len)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_err err;

	mun_buf_init(&b, 1000);
	mun_buf_putc(&b, '<');
	assert_ok(mun_base64_decode(&b, text, strlen(text), &err), &err);
	assert_int_equal(b.len, 1 + len);
	assert_memory_equal(b.data + 1, bytes, len);
	assert_int_equal(b.data[b.len], '\0');
}

/* RFC 4648 section 10. */
static void test_known(void **state)
{
	static const char bytes[] = "foobar";
	static const char *const known[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
		                             "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };

	(void)state;
	for (size_t len = 0; len < MUN_ARRAY_LEN(known); len++) {
		MUN_BUF_CLEANUP struct mun_buf b;
		char text[9];

		mun_buf_init(&b, 100);
		mun_base64_add(&b, bytes, len);
		assert_string_equal(mun_buf_str(&b), known[len]);
		mun_base64_encode(text, bytes, len);
		assert_string_equal(text, known[len]);
		assert_decoded(known[len], bytes, len);
	}
	assert_decoded("+/+/", "\xfb\xff\xbf", 3);
}

static void test_round_trip(void **state)
{
	uint8_t bytes[800];
	uint8_t back[800];
	char text[MUN_BASE64_LEN(800) + 1];
	size_t total;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		mun_base64_encode(text, bytes, len);
		assert_int_equal(strlen(text), MUN_BASE64_LEN(len));
		assert_true(mun_base64_exact(back, len, text, strlen(text)));
		assert_memory_equal(back, bytes, len);
		assert_false(mun_base64_exact(back, len + 1, text, strlen(text)));
		assert_true(len == 0 || !mun_base64_exact(back, len - 1, text, strlen(text)));
		memset(back, 0x55, sizeof(back));
		assert_true(mun_base64_prefix(back, len / 2, text, strlen(text), &total));
		assert_int_equal(total, len);
		assert_memory_equal(back, bytes, len / 2);
		assert_int_equal(back[len / 2], 0x55);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"Z",        "Zg",       "Zg=",     "Zg===",  "=",    "====",     "Zh==",
		"Zm9=",     "Zg==Zg==", "Zg==\n",  "\nZg==", "Zg =", "Z g==",    "Zm9v=",
		"Zm9v====", "_-_-",     "Zm9vY",   "Zm9vYg", "Zg=a", "Zm9v\tZg", "Zm\xc3\xa9=",
		"Zm9vZh==", "Z===",     "Zm9vZg=", "Zm=v",
	};
	uint8_t back[16];

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		MUN_BUF_CLEANUP struct mun_buf b;
		struct mun_err err;
		size_t total;

		mun_buf_init(&b, 1000);
		mun_buf_puts(&b, "kept");
		assert_fails(mun_base64_decode(&b, bad[i], strlen(bad[i]), &err), MUN_E_INPUT,
		             &err);
		assert_string_equal(mun_buf_str(&b), "kept");
		for (size_t len = 0; len < 7; len++)
			assert_false(mun_base64_exact(back, len, bad[i], strlen(bad[i])));
		assert_false(mun_base64_prefix(back, 2, bad[i], strlen(bad[i]), &total));
	}
	assert_false(mun_base64_exact(back, 3, "Zm\0v", 4));
	/* what stands behind the text is not looked at */
	for (size_t len = 1; len < 8; len++) {
		size_t total;

		assert_int_equal(mun_base64_prefix(back, 6, "Zm9vYmFy", len, &total), len == 4);
	}
}

/* Each byte but the 64 digits, at each place. */
static void test_every_byte(void **state)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[] = "AAAAAAAA";
	uint8_t bytes[6];

	(void)state;
	for (size_t at = 0; at < strlen(text); at++) {
		for (unsigned c = 0; c < 256; c++) {
			text[at] = (char)c;
			assert_int_equal(mun_base64_exact(bytes, sizeof(bytes), text, 8),
			                 c != 0 && strchr(digits, (int)c) != NULL);
		}
		text[at] = 'A';
	}
}

/* Padding ends the text, however long it is. */
static void test_padding_within(void **state)
{
	uint8_t bytes[600] = { 0 };
	char text[MUN_BASE64_LEN(600) + 1];
	size_t total;

	(void)state;
	mun_base64_encode(text, bytes, sizeof(bytes));
	for (size_t at = 3; at + 1 < strlen(text); at += 4) {
		text[at] = '=';
		assert_false(mun_base64_prefix(bytes, sizeof(bytes), text, strlen(text), &total));
		text[at] = 'A';
	}
	assert_true(mun_base64_prefix(bytes, sizeof(bytes), text, strlen(text), &total));
}

static void test_maximum(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_err err;

	(void)state;
	mun_buf_init(&b, 5);
	assert_fails(mun_base64_decode(&b, "Zm9vYmFy", 8, &err), MUN_E_FULL, &err);
	mun_buf_clear(&b);
	mun_base64_add(&b, "foob", 4);
	assert_true(b.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),      cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),    cmocka_unit_test(test_padding_within),
		cmocka_unit_test(test_every_byte), cmocka_unit_test(test_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
