/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/date.h"
#include "lib/file.h"
#include "lib/vault.h"
#include "tests/test.h"

static char folder[64];
static char path[96];
static struct mun_err err;

static void set_secret(struct mun_secret *ret, const char *text, size_t len)
{
	assert_ok(mun_secret_new(ret, len, &err), &err);
	memcpy(ret->data, text, len);
}

static void test_names_of_the_pattern_are_taken(void **state)
{
	static const char *const good[] = { "a", "prod", "0.x_y-z", "acme-2024",
		                            "abcdefghijklmnopqrstuvwxyz012345" };

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(good); i++)
		assert_ok(mun_token_name_check(good[i], &err), &err);
}

static void test_other_names_are_refused_and_never_printed(void **state)
{
	static const struct {
		const char *name;
		bool token; /* with the advice to revoke it */
	} bad[] = {
		{ "", false },
		{ "Prod", false },
		{ "-x", false },
		{ ".x", false },
		{ "a b", false },
		{ "a/b", false },
		{ "\xc3\xa4", false },
		{ "Acme_Production", false },
		{ "eyJhbGciOiJIUzI1NiJ9.e30.x", true },
		{ "eyJ", true },
		{ "Bearer xyz", true },
		{ "17|abcdef", true },
		{ "5f0c2d9e7b1a4c36a8e4d1f09b72c35e", true },
		{ "q8ZfT3kLm0PzXc5VbN7y", true },
		{ "abcdefghijklmnopqrstuvwxyz0123456", true },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		assert_fails(mun_token_name_check(bad[i].name, &err), MUN_E_USAGE, &err);
		assert_true(strlen(bad[i].name) < 4 || strstr(err.text, bad[i].name) == NULL);
		assert_int_equal(strstr(err.text, "revoke") != NULL, bad[i].token);
	}
}

/* Refused with its position, never with its text. */
static void test_what_is_no_header_value_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *message;
	} bad[] = {
		{ "", 0, "the token is empty" },
		{ "\n", 1, "the token is empty" },
		{ "a b", 3, "byte 2 of the token cannot stand in a header" },
		{ "token\n\n", 7, "byte 6 of the token cannot stand in a header" },
		{ "token\r\n", 7, "byte 6 of the token cannot stand in a header" },
		{ "\ntoken", 6, "byte 1 of the token cannot stand in a header" },
		{ "to\0ken", 6, "byte 3 of the token cannot stand in a header" },
		{ "tok\ten", 6, "byte 4 of the token cannot stand in a header" },
		{ "token\x7f", 6, "byte 6 of the token cannot stand in a header" },
		{ "\xef\xbb\xbftoken", 8, "byte 1 of the token cannot stand in a header" },
		{ "token\xc3\xa9", 7, "byte 6 of the token cannot stand in a header" },
		{ "x\r\nHost: evil", 13, "byte 2 of the token cannot stand in a header" },
	};
	struct mun_secret token;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		assert_ok(mun_secret_new(&token, bad[i].len, &err), &err);
		memcpy(token.data, bad[i].text, bad[i].len);
		assert_fails(mun_token_clean(&token, &err), MUN_E_CREDENTIAL, &err);
		assert_string_equal(err.text, bad[i].message);
		mun_secret_done(&token);
	}
}

static void test_every_byte_that_is_no_visible_ascii_is_refused(void **state)
{
	struct mun_secret token;

	(void)state;
	set_secret(&token, "abc", 3);
	for (int c = 0; c < 256; c++) {
		token.data[1] = (uint8_t)c;
		if (c > 0x20 && c < 0x7f)
			assert_ok(mun_token_clean(&token, &err), &err);
		else
			assert_fails(mun_token_clean(&token, &err), MUN_E_CREDENTIAL, &err);
	}
	mun_secret_done(&token);
}

static void test_one_final_newline_is_stripped(void **state)
{
	struct mun_secret token;

	(void)state;
	set_secret(&token, "good-token\n", 11);
	assert_ok(mun_token_clean(&token, &err), &err);
	assert_int_equal(token.len, 10);
	mun_secret_done(&token);
	assert_ok(mun_secret_new(&token, MUN_TOKEN_MAX + 1, &err), &err);
	memset(token.data, 'x', token.len);
	assert_fails(mun_token_clean(&token, &err), MUN_E_CREDENTIAL, &err);
	mun_secret_done(&token);
}

static void test_the_expiry_of_a_jwt_is_read(void **state)
{
	static const struct {
		const char *text;
		bool jwt;
		int64_t expires_s; /* 0: none */
	} cases[] = {
		{ "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDB9.c2ln", true, 1700000000 },
		{ "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", true, 0 },
		{ "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOiJzb29uIn0.c2ln", true, 0 },         /* a text */
		{ "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOi0xfQ.c2ln", true, 0 },              /* -1 */
		{ "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjI1MzQwMjMwMDgwMH0.c2ln", true, 0 }, /* 10000 */
		{ "eyJhbGciOiJIUzI1NiJ9.W10.c2ln", false, 0 },                        /* an array */
		{ "a.b.c", false, 0 },
		{ "a.e30", false, 0 },
		{ "a.e30.c.d", false, 0 },
		{ "a.e3*0.c", false, 0 },
		{ "..", false, 0 },
		{ "opaque", false, 0 },
	};
	struct mun_secret token;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		int64_t expires_us = MUN_TIME_NONE;
		int64_t want_us = cases[i].expires_s ? cases[i].expires_s * 1000000 : MUN_TIME_NONE;

		set_secret(&token, cases[i].text, strlen(cases[i].text));
		assert_int_equal(mun_token_jwt(&token, &expires_us), cases[i].jwt);
		assert_true(expires_us == want_us);
		mun_secret_done(&token);
	}
}

/* ---- key files ---- */

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/test-token-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/key", folder);
	return (int)mun_file_replace(path, "0123456789abcdef0123456789abcdef", 32, 0600, &err);
}

static int drop_folder(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void refuse(const char *name, const char *why)
{
	struct mun_secret got = { 0 };

	assert_fails(mun_key_file_read(&got, name, &err), MUN_E_CREDENTIAL, &err);
	if (strstr(err.text, why) == NULL)
		fail_msg("%s: no \"%s\"", err.text, why);
	assert_null(got.data);
}

static void test_a_key_file_is_read_whole(void **state)
{
	struct mun_secret got;

	(void)state;
	assert_ok(mun_key_file_read(&got, path, &err), &err);
	assert_int_equal(got.len, 32);
	assert_memory_equal(got.data, "0123456789abcdef0123456789abcdef", 32);
	mun_secret_done(&got);
	assert_int_equal(chmod(path, 0400), 0);
	assert_ok(mun_key_file_read(&got, path, &err), &err);
	mun_secret_done(&got);
}

static void test_other_key_files_are_refused(void **state)
{
	char other[128];

	(void)state;
	(void)snprintf(other, sizeof(other), "%s/other", folder);
	refuse(other, "No such file");
	refuse(folder, "is no regular file");
	assert_int_equal(symlink(path, other), 0);
	refuse(other, "is a symbolic link");
	assert_int_equal(unlink(other), 0);
	assert_int_equal(mkfifo(other, 0600), 0);
	refuse(other, "is no regular file");
	assert_int_equal(chmod(path, 0640), 0);
	refuse(path, "mode 0600");
	assert_int_equal(chmod(path, 0604), 0);
	refuse(path, "mode 0600");
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 31), 0);
	refuse(path, "32 to 4096 bytes");
	assert_int_equal(truncate(path, 4097), 0);
	refuse(path, "32 to 4096 bytes");
	assert_int_equal(truncate(path, 32), 0);
	if (geteuid() != 0) /* only root can give a file away */
		return;
	assert_int_equal(chown(path, 65534, 65534), 0);
	refuse(path, "belongs to another user");
}

static int start(void **state)
{
	(void)state;
	return (int)mun_crypto_init(&err);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_the_pattern_are_taken),
		cmocka_unit_test(test_other_names_are_refused_and_never_printed),
		cmocka_unit_test(test_what_is_no_header_value_is_refused),
		cmocka_unit_test(test_every_byte_that_is_no_visible_ascii_is_refused),
		cmocka_unit_test(test_one_final_newline_is_stripped),
		cmocka_unit_test(test_the_expiry_of_a_jwt_is_read),
		IN_FOLDER(test_a_key_file_is_read_whole),
		IN_FOLDER(test_other_key_files_are_refused),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
