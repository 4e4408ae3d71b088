/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/tlog/note.h"
#include "tests/test.h"

#define DASH "\xe2\x80\x94 "
#define TEXT                                                         \
	"If you think cryptography is the answer to your problem,\n" \
	"then you don't know what your problem is.\n"
/* The key of 32 zero bytes as seed, and its signature, from golang.org/x/mod/sumdb/note. */
#define ENOCH "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
#define ENOCH_LINE                                                                               \
	DASH "EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOT" \
	     "GwnWLox33WWd1RvMc+QQ=\n"
/* As short as a signature can be. */
#define SHORT DASH "name AAAAAAA=\n"

struct signer {
	struct mun_vkey key;
	struct mun_secret secret;
};

static void signer_done(struct signer *s)
{
	mun_secret_done(&s->secret);
}

#define SIGNER MUN_CLEANUP(signer_done) struct signer

static void make_signer(struct signer *ret, const char *name, enum mun_key_type type, uint8_t fill)
{
	uint8_t public_key[MUN_PUBLIC_LEN];
	uint8_t seed[32];
	struct mun_err err;

	memset(seed, fill, sizeof(seed));
	assert_ok(mun_sign_key_of_seed(&ret->secret, public_key, seed, &err), &err);
	assert_ok(mun_vkey_make(&ret->key, name, type, public_key, &err), &err);
}

static void test_vkeys(void **state)
{
	static const char *const known[] = {
		ENOCH,
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"ArmoredWitness-floral-sky+c7cf0b6d+BOkCmTmKTTnQMNqIigkj7PFnhogawSJD23PJ8M8qLYDm",
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(known); i++) {
		char with_newline[MUN_VKEY_TEXT + 1];
		char text[MUN_VKEY_TEXT];
		struct mun_vkey key;
		struct mun_vkey again;
		struct mun_err err;

		assert_ok(mun_vkey_parse(&key, known[i], &err), &err);
		mun_vkey_format(text, &key);
		assert_string_equal(text, known[i]);
		assert_ok(mun_vkey_make(&again, key.name, key.type, key.key, &err), &err);
		assert_true(mun_vkey_equal(&key, &again));
		(void)stpcpy(stpcpy(with_newline, text), "\n");
		assert_ok(mun_vkey_parse(&again, with_newline, &err), &err);
		assert_true(mun_vkey_equal(&key, &again));
		again.key[31] ^= 1;
		assert_false(mun_vkey_equal(&key, &again));
	}
}

static void test_vkeys_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"EnochRoot",
		"EnochRoot+af0cfe78",
		"EnochRoot+af0cfe78+",
		"+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
		"Enoch Root+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
		"EnochRoot+AF0CFE78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
		"EnochRoot+af0cfe7+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
		"EnochRoot+af0cfe79+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
		"EnochRoo+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
		ENOCH "\n\n",
		ENOCH " ",
		" " ENOCH,
		ENOCH "=",
		"EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdo=",
		"PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
		"PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		struct mun_vkey key = { .hash = 77 };
		struct mun_err err;

		assert_fails(mun_vkey_parse(&key, bad[i], &err), MUN_E_INPUT, &err);
		assert_int_equal(key.hash, 77);
	}
}

static void test_names(void **state)
{
	static const char *const bad[] = {
		"",     "a b",       "a+b",           "a\nb",         "a\tb",          "a\x7f",
		"\xff", "a\xc2\xa0", "a\xe2\x80\x89", "\xe3\x80\x80", "a\xe2\x80\xa8", "\xc2\x85",
	};
	const uint8_t public_key[MUN_PUBLIC_LEN] = { 9 };
	char name[MUN_KEY_NAME_MAX + 2];
	struct mun_vkey key;
	struct mun_err err;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++)
		assert_fails(mun_vkey_make(&key, bad[i], MUN_KEY_ED25519, public_key, &err),
		             MUN_E_USAGE, &err);
	memset(name, 'n', sizeof(name));
	name[MUN_KEY_NAME_MAX + 1] = '\0';
	assert_fails(mun_vkey_make(&key, name, MUN_KEY_ED25519, public_key, &err), MUN_E_USAGE,
	             &err);
	name[MUN_KEY_NAME_MAX] = '\0';
	assert_ok(mun_vkey_make(&key, name, MUN_KEY_ED25519, public_key, &err), &err);
	assert_ok(mun_vkey_make(&key, "gr\xc3\xbc\xc3\x9f.example/\xe2\x82\xac", MUN_KEY_COSIGNER,
	                        public_key, &err),
	          &err);
}

static void test_sign_known(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	SIGNER enoch = { 0 };
	struct mun_note note;
	struct mun_err err;
	uint64_t time_s = 5;
	size_t at = 5;

	(void)state;
	mun_buf_init(&b, 10000);
	make_signer(&enoch, "EnochRoot", MUN_KEY_ED25519, 0);
	mun_buf_puts(&b, TEXT "\n");
	mun_note_sign(&b, TEXT, strlen(TEXT), &enoch.key, &enoch.secret, 0);
	assert_string_equal(mun_buf_str(&b), TEXT "\n" ENOCH_LINE);
	assert_ok(mun_note_parse(&note, b.data, b.len, &err), &err);
	assert_int_equal(note.text_len, strlen(TEXT));
	assert_ptr_equal(note.text, b.data);
	assert_int_equal(note.sig_len, 1);
	assert_int_equal(note.sig[0].len, strlen(ENOCH_LINE));
	assert_memory_equal(note.sig[0].line, ENOCH_LINE, note.sig[0].len);
	assert_int_equal(note.sig[0].sig_len, MUN_SIGNATURE_LEN);
	assert_int_equal(note.sig[0].hash, 0xaf0cfe78);
	assert_int_equal(mun_note_check(&note, &enoch.key, &time_s, &at), MUN_NOTE_VALID);
	assert_int_equal(time_s, 0);
	assert_int_equal(at, 0);
}

/* Whatever byte is changed, the note is none, or the line is gone or wrong. */
static void test_every_byte_counts(void **state)
{
	char data[] = TEXT "\n" ENOCH_LINE;
	size_t len = strlen(data);
	struct mun_vkey key;
	struct mun_note note;
	struct mun_err err;

	(void)state;
	assert_ok(mun_vkey_parse(&key, ENOCH, &err), &err);
	for (size_t i = 0; i < len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			data[i] = (char)(data[i] ^ (char)(1u << bit));
			if (mun_note_parse(&note, data, len, &err) == MUN_OK)
				assert_int_not_equal(mun_note_check(&note, &key, NULL, NULL),
				                     MUN_NOTE_VALID);
			data[i] = (char)(data[i] ^ (char)(1u << bit));
		}
		if (mun_note_parse(&note, data, i, &err) == MUN_OK)
			assert_int_not_equal(mun_note_check(&note, &key, NULL, NULL),
			                     MUN_NOTE_VALID);
	}
	assert_ok(mun_note_parse(&note, data, len, &err), &err);
	assert_int_equal(mun_note_check(&note, &key, NULL, NULL), MUN_NOTE_VALID);
}

static void test_refused(void **state)
{
	static const struct {
		const char *data, *place;
	} bad[] = {
		{ "", "line 1" },
		{ "\n", "line 2" },
		{ "a", "line 1" },
		{ "a\n", "line 2" },
		{ "a\n\n", "line 3" },
		{ "\n\n", "line 3" },
		{ "a\n" SHORT, "line 3" },
		{ "a\n\n" DASH "name AAAAAAA=", "line 3" },
		{ "a\n\nname AAAAAAA=\n", "line 3" },
		{ "a\n\n- name AAAAAAA=\n", "line 3" },
		{ "a\n\n\xe2\x80\x94name AAAAAAA=\n", "line 3" },
		{ "a\n\n " SHORT, "line 3" },
		{ "a\n\n" DASH "name\n", "line 3" },
		{ "a\n\n" DASH " AAAAAAA=\n", "line 3" },
		{ "a\n\n" DASH "name \n", "line 3" },
		{ "a\n\n" DASH "name AAAAAA==\n", "line 3" },
		{ "a\n\n" DASH "name AAAAAAA\n", "line 3" },
		{ "a\n\n" DASH "name AAAAAAB=\n", "line 3" },
		{ "a\n\n" DASH "name  AAAAAAA=\n", "line 3" },
		{ "a\n\n" DASH "name AAAAAAA= \n", "line 3" },
		{ "a\n\n" DASH "na+me AAAAAAA=\n", "line 3" },
		{ "a\n\n" DASH "na\xc2\xa0me AAAAAAA=\n", "line 3" },
		{ "a\n\n" SHORT "junk\n", "line 4" },
		{ "a\n\n" SHORT SHORT "\n", "line 6" },
		{ "a\xff\n\n" SHORT, "line 1" },
		{ "a\nb\r\n\n" SHORT, "line 2" },
		{ "a\nb\x01\n\n" SHORT, "line 2" },
		{ "a\n\t\n\n" SHORT, "line 2" },
		{ "a\n\n" DASH "name AAAAAAA=\r\n", "line 3" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		struct mun_note note = { .sig_len = 7 };
		struct mun_err err;

		assert_fails(mun_note_parse(&note, bad[i].data, strlen(bad[i].data), &err),
		             MUN_E_INPUT, &err);
		if (strstr(err.text, bad[i].place) == NULL)
			fail_msg("%zu: %s", i, err.text);
		assert_int_equal(note.sig_len, 7);
	}
}

/* The last empty line ends the text. */
static void test_text_with_empty_lines(void **state)
{
	static const char data[] = "\n\na\n\n" DASH "b AAAAAAA=\n\nc\n\n" SHORT;
	struct mun_note note;
	struct mun_err err;

	(void)state;
	assert_ok(mun_note_parse(&note, data, strlen(data), &err), &err);
	assert_int_equal(note.text_len, strlen(data) - strlen(SHORT) - 1);
	assert_int_equal(note.sig_len, 1);
}

static void test_limits(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_note note;
	struct mun_err err;
	char *room;

	(void)state;
	mun_buf_init(&b, 1 << 20);
	mun_buf_puts(&b, "a\n\n");
	for (size_t i = 0; i < MUN_NOTE_SIGS; i++)
		mun_buf_puts(&b, SHORT);
	assert_ok(mun_note_parse(&note, b.data, b.len, &err), &err);
	assert_int_equal(note.sig_len, MUN_NOTE_SIGS);
	mun_buf_puts(&b, SHORT);
	assert_fails(mun_note_parse(&note, b.data, b.len, &err), MUN_E_INPUT, &err);
	assert_non_null(strstr(err.text, "line 67"));

	mun_buf_clear(&b);
	room = mun_buf_reserve(&b, MUN_NOTE_MAX);
	assert_non_null(room);
	memset(room, 'a', MUN_NOTE_MAX);
	(void)stpcpy(room + MUN_NOTE_MAX - strlen("\n\n" SHORT), "\n\n" SHORT);
	assert_ok(mun_note_parse(&note, room, MUN_NOTE_MAX, &err), &err);
	mun_buf_clear(&b);
	room = mun_buf_reserve(&b, MUN_NOTE_MAX + 1);
	assert_non_null(room);
	memset(room, 'a', MUN_NOTE_MAX);
	(void)stpcpy(room + MUN_NOTE_MAX + 1 - strlen("\n\n" SHORT), "\n\n" SHORT);
	assert_fails(mun_note_parse(&note, room, MUN_NOTE_MAX + 1, &err), MUN_E_INPUT, &err);
	assert_ok(mun_note_parse(&note, room + 1, MUN_NOTE_MAX, &err), &err);
}

/* Lines of keys that are not asked for do not count, whatever their length and type. */
static void test_foreign_lines(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	SIGNER other = { 0 };
	SIGNER same_name = { 0 };
	struct mun_vkey key;
	struct mun_note note;
	struct mun_err err;
	size_t at = 9;

	(void)state;
	mun_buf_init(&b, 100000);
	make_signer(&other, "other", MUN_KEY_ED25519, 1);
	make_signer(&same_name, "EnochRoot", MUN_KEY_ED25519, 2);
	assert_ok(mun_vkey_parse(&key, ENOCH, &err), &err);
	mun_buf_puts(&b, TEXT "\n" DASH "long ");
	for (size_t i = 0; i < 6000; i++)
		mun_buf_putc(&b, 'A');
	mun_buf_puts(&b, "\n" DASH "EnochRoot AAAAAAA=\n");
	/* the right hash under another name */
	mun_buf_puts(&b, DASH "Enoch rwz+eAA=\n" DASH "EnochRoots rwz+eAA=\n" ENOCH_LINE);
	mun_note_sign(&b, TEXT, strlen(TEXT), &same_name.key, &same_name.secret, 0);
	assert_ok(mun_note_parse(&note, b.data, b.len, &err), &err);
	assert_int_equal(note.sig_len, 6);
	assert_int_equal(note.sig[0].sig_len, sizeof(note.sig[0].sig));
	assert_int_equal(mun_note_check(&note, &key, NULL, &at), MUN_NOTE_VALID);
	assert_int_equal(at, 4);
	assert_int_equal(mun_note_check(&note, &same_name.key, NULL, &at), MUN_NOTE_VALID);
	assert_int_equal(at, 5);
	assert_int_equal(mun_note_check(&note, &other.key, NULL, &at), MUN_NOTE_ABSENT);
	assert_int_equal(at, 5);
}

/* One wrong line of a key makes its right ones worthless. */
static void test_one_wrong_line(void **state)
{
	static const char *const bad[] = {
		TEXT "\n" ENOCH_LINE DASH "EnochRoot rwz+eAA=\n",
		TEXT "\n" DASH "EnochRoot rwz+eAA=\n" ENOCH_LINE,
		"another text\n\n" ENOCH_LINE,
		/* the signature, and one byte more */
		TEXT "\n" DASH "EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF"
		     "1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQA\n",
	};
	struct mun_vkey key;
	struct mun_note note;
	struct mun_err err;

	(void)state;
	assert_ok(mun_vkey_parse(&key, ENOCH, &err), &err);
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		assert_ok(mun_note_parse(&note, bad[i], strlen(bad[i]), &err), &err);
		assert_int_equal(mun_note_check(&note, &key, NULL, NULL), MUN_NOTE_INVALID);
	}
}

static void test_cosignatures(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	SIGNER witness = { 0 };
	SIGNER log = { 0 };
	struct mun_note note;
	struct mun_err err;
	uint64_t time_s = 0;
	size_t at = 0;

	(void)state;
	mun_buf_init(&b, 10000);
	make_signer(&log, "same", MUN_KEY_ED25519, 3);
	make_signer(&witness, "same", MUN_KEY_COSIGNER, 3);
	assert_int_not_equal(log.key.hash, witness.key.hash);
	mun_buf_puts(&b, TEXT "\n");
	mun_note_sign(&b, TEXT, strlen(TEXT), &log.key, &log.secret, 0);
	mun_note_sign(&b, TEXT, strlen(TEXT), &witness.key, &witness.secret, 1767139200);
	mun_note_sign(&b, TEXT, strlen(TEXT), &witness.key, &witness.secret, 1679315147);
	mun_note_sign(&b, TEXT, strlen(TEXT), &witness.key, &witness.secret, INT64_MAX);
	assert_ok(mun_note_parse(&note, b.data, b.len, &err), &err);
	assert_int_equal(note.sig[1].sig_len, 8 + MUN_SIGNATURE_LEN);
	assert_int_equal(mun_note_check(&note, &witness.key, &time_s, &at), MUN_NOTE_VALID);
	assert_int_equal(time_s, 1679315147);
	assert_int_equal(at, 2);
	assert_int_equal(mun_note_check(&note, &log.key, &time_s, &at), MUN_NOTE_VALID);
	assert_int_equal(at, 0);
	/* A time that cannot be, though it was signed. */
	mun_note_sign(&b, TEXT, strlen(TEXT), &witness.key, &witness.secret,
	              (uint64_t)INT64_MAX + 1);
	assert_ok(mun_note_parse(&note, b.data, b.len, &err), &err);
	assert_int_equal(mun_note_check(&note, &witness.key, &time_s, &at), MUN_NOTE_INVALID);
}

/* The time is signed too. */
static void test_cosigned_time(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	SIGNER witness = { 0 };
	struct mun_note note;
	struct mun_err err;

	(void)state;
	mun_buf_init(&b, 10000);
	make_signer(&witness, "w", MUN_KEY_COSIGNER, 4);
	mun_buf_puts(&b, TEXT "\n");
	mun_note_sign(&b, TEXT, strlen(TEXT), &witness.key, &witness.secret, 1679315147);
	assert_ok(mun_note_parse(&note, b.data, b.len, &err), &err);
	for (size_t bit = 0; bit < 8 * note.sig[0].sig_len; bit++) {
		note.sig[0].sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(mun_note_check(&note, &witness.key, NULL, NULL), MUN_NOTE_INVALID);
		note.sig[0].sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(mun_note_check(&note, &witness.key, NULL, NULL), MUN_NOTE_VALID);
	note.sig[0].sig_len++;
	assert_int_equal(mun_note_check(&note, &witness.key, NULL, NULL), MUN_NOTE_INVALID);
}

static int start(void **state)
{
	struct mun_err err;

	(void)state;
	return mun_crypto_init(&err) == MUN_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vkeys),
		cmocka_unit_test(test_vkeys_refused),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sign_known),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_text_with_empty_lines),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_foreign_lines),
		cmocka_unit_test(test_one_wrong_line),
		cmocka_unit_test(test_cosignatures),
		cmocka_unit_test(test_cosigned_time),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
