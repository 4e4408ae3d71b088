/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/tlog/proof.h"
#include "tests/test.h"

#define FIRST "c2sp.org/tlog-proof@v1\n"
#define HASH  "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
#define NOTE  "x\n1\n" HASH "\n\xe2\x80\x94 x AAAAAAA=\n"

struct bad {
	const char *text, *place;
};

static void test_proofs(void **state)
{
	static const char *const texts[] = {
		FIRST "index 0\n\n" NOTE,
		FIRST "index 18446744073709551615\n\n" NOTE,
		FIRST "index 12\n" HASH HASH HASH "\n" NOTE,
		FIRST "extra Zm9vYmE=\nindex 12\n" HASH "\n" NOTE,
		FIRST "index 0\n\n\n", /* what stands behind is not looked at */
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(texts); i++) {
		MUN_CLEANUP(mun_tlog_proof_done) struct mun_tlog_proof p = { .index = 0 };
		MUN_BUF_CLEANUP struct mun_buf b;
		struct mun_err err;

		mun_buf_init(&b, 10000);
		assert_ok(mun_tlog_proof_parse(&p, texts[i], strlen(texts[i]), &err), &err);
		mun_tlog_proof_format(&b, &p);
		assert_string_equal(mun_buf_str(&b), texts[i]);
	}
}

static void test_proof_fields(void **state)
{
	static const char text[] = FIRST "extra Zm9vYmE=\nindex 12\n" HASH "\n" NOTE;
	MUN_CLEANUP(mun_tlog_proof_done) struct mun_tlog_proof p = { .index = 0 };
	uint8_t empty[MUN_SHA256_LEN];
	struct mun_err err;

	(void)state;
	mun_sha256(empty, "", 0);
	assert_ok(mun_tlog_proof_parse(&p, text, strlen(text), &err), &err);
	assert_int_equal(p.index, 12);
	assert_true(p.has_extra);
	assert_string_equal(mun_buf_str(&p.extra), "fooba");
	assert_int_equal(p.proof.len, 1);
	assert_memory_equal(p.proof.hash[0], empty, sizeof(empty));
	assert_int_equal(p.note_len, strlen(NOTE));
	assert_memory_equal(p.note, NOTE, p.note_len);
}

static void test_proofs_refused(void **state)
{
	static const struct bad bad[] = {
		{ "", "line 1" },
		{ FIRST, "line 2" },
		{ "c2sp.org/tlog-proof@v2\nindex 0\n\n" NOTE, "line 1" },
		{ "c2sp.org/tlog-proof@v1 \nindex 0\n\n" NOTE, "line 1" },
		{ "c2sp.org/tlog-proof@v1\r\nindex 0\n\n" NOTE, "line 1" },
		{ "\n" FIRST "index 0\n\n" NOTE, "line 1" },
		{ FIRST "\nindex 0\n\n" NOTE, "line 2" },
		{ FIRST "index\n\n" NOTE, "line 2" },
		{ FIRST "index \n\n" NOTE, "line 2" },
		{ FIRST "index  0\n\n" NOTE, "line 2" },
		{ FIRST "Index 0\n\n" NOTE, "line 2" },
		{ FIRST "index 00\n\n" NOTE, "line 2" },
		{ FIRST "index 0x1\n\n" NOTE, "line 2" },
		{ FIRST "index -1\n\n" NOTE, "line 2" },
		{ FIRST "index 18446744073709551616\n\n" NOTE, "line 2" },
		{ FIRST "index 0", "line 2" },
		{ FIRST "index 0\n", "line 3" },
		{ FIRST "index 0\n" HASH, "line 4" },
		{ FIRST "index 0\n" HASH "index 0\n\n" NOTE, "line 4" },
		{ FIRST "index 0\n\n", "line 4" },
		{ FIRST "index 0\nextra Zm9v\n\n" NOTE, "line 3" },
		{ FIRST "extra\nindex 0\n\n" NOTE, "line 2" },
		{ FIRST "extra \nindex 0\n\n" NOTE, "line 2" },
		{ FIRST "extra Zm9\nindex 0\n\n" NOTE, "line 2" },
		{ FIRST "extra Zm9=\nindex 0\n\n" NOTE, "line 2" },
		{ FIRST "extra Zm9v\nextra Zm9v\nindex 0\n\n" NOTE, "line 3" },
		{ FIRST "extra Zm9v\n", "line 3" },
		{ FIRST "index 0\nZm9v\n\n" NOTE, "line 3" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		struct mun_tlog_proof p = { .index = 77 };
		struct mun_err err;

		assert_fails(mun_tlog_proof_parse(&p, bad[i].text, strlen(bad[i].text), &err),
		             MUN_E_INPUT, &err);
		if (strstr(err.text, bad[i].place) == NULL)
			fail_msg("%zu: %s", i, err.text);
		assert_int_equal(p.index, 77);
	}
}

static void add_hashes(struct mun_buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mun_buf_puts(b, HASH);
	mun_buf_puts(b, "\n" NOTE);
}

static void test_limits(void **state)
{
	MUN_CLEANUP(mun_tlog_proof_done) struct mun_tlog_proof p = { .index = 0 };
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_add_checkpoint a;
	struct mun_err err;

	(void)state;
	mun_buf_init(&b, 1 << 20);
	mun_buf_puts(&b, FIRST "index 0\n");
	add_hashes(&b, MUN_PROOF_HASHES);
	assert_ok(mun_tlog_proof_parse(&p, b.data, b.len, &err), &err);
	mun_buf_clear(&b);
	mun_buf_puts(&b, FIRST "index 0\n");
	add_hashes(&b, MUN_PROOF_HASHES + 1);
	assert_fails(mun_tlog_proof_parse(&p, b.data, b.len, &err), MUN_E_INPUT, &err);
	mun_buf_clear(&b);
	mun_buf_puts(&b, "old 9\n");
	add_hashes(&b, 63);
	assert_ok(mun_add_checkpoint_parse(&a, b.data, b.len, &err), &err);
	assert_int_equal(a.proof.len, 63);
	mun_buf_clear(&b);
	mun_buf_puts(&b, "old 9\n");
	add_hashes(&b, 64);
	assert_fails(mun_add_checkpoint_parse(&a, b.data, b.len, &err), MUN_E_INPUT, &err);
	mun_buf_clear(&b);
	mun_buf_puts(&b, "old 9\n\n");
	while (b.len <= MUN_PROOF_TEXT_MAX)
		mun_buf_puts(&b, NOTE);
	assert_fails(mun_add_checkpoint_parse(&a, b.data, b.len, &err), MUN_E_INPUT, &err);
	assert_fails(mun_tlog_proof_parse(&p, b.data, b.len, &err), MUN_E_INPUT, &err);
	assert_fails(mun_add_checkpoint_parse(&a, b.data, MUN_NOTE_MAX + 10, &err), MUN_E_INPUT,
	             &err);
}

static void test_too_much_extra(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_tlog_proof p;
	struct mun_err err;

	(void)state;
	mun_buf_init(&b, 1 << 20);
	mun_buf_puts(&b, FIRST "extra ");
	while (b.len <= MUN_PROOF_TEXT_MAX)
		mun_buf_puts(&b, "AAAA");
	mun_buf_puts(&b, "\nindex 0\n\n" NOTE);
	assert_fails(mun_tlog_proof_parse(&p, b.data, b.len, &err), MUN_E_INPUT, &err);
}

/* The largest entry there can be fits into a proof with the largest note. */
static void test_largest_entry(void **state)
{
	MUN_CLEANUP(mun_tlog_proof_done)
	struct mun_tlog_proof p = { .index = UINT64_MAX,
		                    .has_extra = true,
		                    .proof = { .len = 64 } };
	MUN_CLEANUP(mun_tlog_proof_done) struct mun_tlog_proof back = { .index = 0 };
	static char note[MUN_NOTE_MAX];
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_err err;
	void *room;

	(void)state;
	mun_buf_init(&p.extra, 65535);
	room = mun_buf_reserve(&p.extra, 65535);
	assert_non_null(room);
	memset(room, 'e', 65535);
	p.extra.len = 65535;
	memset(note, '\n', sizeof(note));
	p.note = note;
	p.note_len = sizeof(note);
	mun_buf_init(&b, MUN_PROOF_TEXT_MAX);
	mun_tlog_proof_format(&b, &p);
	assert_ok(mun_buf_check(&b, "proof", &err), &err);
	assert_ok(mun_tlog_proof_parse(&back, b.data, b.len, &err), &err);
	assert_int_equal(back.extra.len, 65535);
	assert_memory_equal(back.extra.data, p.extra.data, 65535);
	assert_int_equal(back.note_len, sizeof(note));
}

static void test_steps(void **state)
{
	static const char *const texts[] = {
		"old 0\n\n" NOTE,
		"old 18446744073709551615\n" HASH "\n" NOTE,
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(texts); i++) {
		MUN_BUF_CLEANUP struct mun_buf b;
		struct mun_add_checkpoint a;
		struct mun_err err;

		mun_buf_init(&b, 10000);
		assert_ok(mun_add_checkpoint_parse(&a, texts[i], strlen(texts[i]), &err), &err);
		assert_int_equal(a.proof.len, i);
		assert_int_equal(a.old, i == 0 ? 0 : UINT64_MAX);
		assert_int_equal(a.note_len, strlen(NOTE));
		assert_memory_equal(a.note, NOTE, a.note_len);
		mun_add_checkpoint_format(&b, &a);
		assert_string_equal(mun_buf_str(&b), texts[i]);
	}
}

static void test_steps_refused(void **state)
{
	static const struct bad bad[] = {
		{ "", "line 1" },
		{ "old 1", "line 1" },
		{ "old\n\n" NOTE, "line 1" },
		{ "old \n\n" NOTE, "line 1" },
		{ "old 01\n\n" NOTE, "line 1" },
		{ "old 1 \n\n" NOTE, "line 1" },
		{ "old  1\n\n" NOTE, "line 1" },
		{ "old -1\n\n" NOTE, "line 1" },
		{ "OLD 1\n\n" NOTE, "line 1" },
		{ "old 1\r\n\n" NOTE, "line 1" },
		{ "old 18446744073709551616\n\n" NOTE, "line 1" },
		{ "old 1\n", "line 2" },
		{ "old 1\n\n", "line 3" },
		{ "old 1\nZm9v\n\n" NOTE, "line 2" },
		{ "old 1\n" HASH NOTE, "line 3" },
		{ "old 1\n" HASH, "line 3" },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		struct mun_add_checkpoint a = { .old = 77 };
		struct mun_err err;

		assert_fails(mun_add_checkpoint_parse(&a, bad[i].text, strlen(bad[i].text), &err),
		             MUN_E_INPUT, &err);
		if (strstr(err.text, bad[i].place) == NULL)
			fail_msg("%zu: %s", i, err.text);
		assert_int_equal(a.old, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proofs),         cmocka_unit_test(test_proof_fields),
		cmocka_unit_test(test_proofs_refused), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_too_much_extra), cmocka_unit_test(test_largest_entry),
		cmocka_unit_test(test_steps),          cmocka_unit_test(test_steps_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
