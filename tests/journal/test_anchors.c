/* SPDX-License-Identifier: Apache-2.0 */
/* Anchors stand with their checkpoint and have each one entry; rows that are none are refused. */
#include <string.h>

#include "journal/handle.h"
#include "lib/tlog/checkpoint.h"
#include "tests/journal/signed_place.h"

/* A cosigner's line; number: another one each. */
static void cosign(struct place *p, const struct mun_signed *s, unsigned number,
                   struct mun_buf *ret)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret secret = { NULL, 0 };
	uint8_t seed[32] = { 9 }, public_key[MUN_PUBLIC_LEN];
	struct mun_vkey key;
	struct mun_note n;

	assert_ok(mun_sign_key_of_seed(&secret, public_key, seed, &p->err), &p->err);
	assert_ok(mun_vkey_make(&key, "witness.example/w", MUN_KEY_COSIGNER, public_key, &p->err),
	          &p->err);
	assert_ok(mun_note_parse(&n, s->note.data, s->note.len, &p->err), &p->err);
	mun_buf_clear(ret);
	mun_note_sign(ret, n.text, n.text_len, &key, &secret, 1795000000 + number);
}

static void read_entry(struct place *p, uint64_t seq, struct mun_entry *ret,
                       struct mun_decoded **owner)
{
	MUN_BUF_CLEANUP struct mun_buf line;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	assert_ok(mun_journal_entry(p->j, seq, &line, &p->err), &p->err);
	assert_ok(mun_entry_decode(ret, owner, line.data, line.len, &p->err), &p->err);
}

/* The entry at seq tells of an anchor of s with this receipt. */
static void check_entry(struct place *p, uint64_t seq, const struct mun_signed *s, const char *kind,
                        const char *by, const void *receipt, size_t len)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	uint8_t hash[MUN_SHA256_LEN];
	struct mun_checkpoint c;
	struct mun_entry e;
	struct mun_note n;

	read_entry(p, seq, &e, &owner);
	assert_int_equal(e.kind, MUN_K_ANCHORED);
	assert_string_equal(e.u.anchored.kind, kind);
	assert_string_equal(e.u.anchored.by, by);
	assert_true(e.u.anchored.size == s->size);
	assert_ok(mun_checkpoint_read(&c, &n, s->note.data, s->note.len, &p->err), &p->err);
	assert_memory_equal(e.u.anchored.root, c.root, sizeof(c.root));
	mun_sha256(hash, receipt, len);
	assert_memory_equal(e.u.anchored.receipt, hash, sizeof(hash));
}

static void test_anchors_are_kept_with_their_entries(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s, now;
	MUN_BUF_CLEANUP struct mun_buf line;
	struct place *p = *state;
	struct mun_anchor a = { .by = "witness.example/w" };
	struct mun_anchor b = { .stamp = "\x30\x00", .stamp_len = 2, .by = "CN=T\xc3\xa9st" };

	mun_signed_init(&s);
	mun_signed_init(&now);
	mun_buf_init(&line, 4096);
	place_add_key(p, 0);
	place_sign(p, 0, &s);
	cosign(p, &s, 1, &line);
	a.size = b.size = s.size;
	a.line = line.data;
	a.line_len = line.len;
	for (unsigned i = 0; i < 2; i++) { /* the second time nothing is new */
		assert_ok(mun_checkpoint_anchor(p->j, &a, &p->err), &p->err);
		assert_ok(mun_checkpoint_anchor(p->j, &b, &p->err), &p->err);
	}
	assert_true(place_size(p) == 4);
	check_entry(p, 2, &s, "witness", a.by, line.data, line.len - 1);
	check_entry(p, 3, &s, "timestamp", b.by, b.stamp, b.stamp_len);
	place_sign(p, 0, &now); /* only bookkeeping above: as it is, with its anchors */
	assert_true(now.size == s.size && now.signed_len == s.note.len);
	assert_int_equal(now.note.len, s.note.len + line.len);
	assert_memory_equal(now.note.data, s.note.data, s.note.len);
	assert_memory_equal(now.note.data + s.note.len, line.data, line.len);
	assert_int_equal(now.stamps_len, 1);
	assert_memory_equal(now.stamp.data + now.stamps[0].at, b.stamp, 2);
	place_check(p, &now, 0);
	assert_ok(mun_checkpoint_put(p->j, s.size, s.note.data, s.note.len, &p->err), &p->err);
	assert_ok(mun_checkpoint_newest(p->j, s.size, &now, &p->err), &p->err);
	assert_int_equal(now.stamps_len, 1); /* it stays as it is, anchors and all */
	place_grow(p, 1);
	place_sign(p, 0, &now);
	assert_true(now.size == 5 && now.stamps_len == 0);
	mun_signed_done(&now);
}

static void test_what_is_no_anchor_is_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"no signature\n",
		"\xe2\x80\x94 name",
		"\xe2\x80\x94 name AAAAAAAA\n\xe2\x80\x94 name AAAAAAAB\n",
		"\xe2\x80\x94 name AAAAAAAA\nmore\n",
		"\xe2\x80\x94 n\x1b[me AAAAAAAA\n",
	};
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	struct mun_anchor a = { .by = "w" };
	static char big[64 * 1024 + 1];

	mun_signed_init(&s);
	place_add_key(p, 0);
	place_sign(p, 0, &s);
	a.size = 2;
	for (size_t i = 0; i < MUN_ARRAY_LEN(lines); i++) {
		a.line = lines[i];
		a.line_len = strlen(lines[i]);
		place_refuse_anchor(p, &a, MUN_E_INPUT);
	}
	a.line = big;
	a.line_len = sizeof(big);
	place_refuse_anchor(p, &a, MUN_E_INPUT);
	a.line = NULL;
	a.stamp = big;
	place_refuse_anchor(p, &a, MUN_E_INPUT);
	a.stamp_len = sizeof(big);
	place_refuse_anchor(p, &a, MUN_E_INPUT);
	a.stamp_len = 3;
	a.size = 1;
	place_refuse_anchor(p, &a, MUN_E_NOTFOUND);
	a.size = 3;
	place_refuse_anchor(p, &a, MUN_E_NOTFOUND);
	a.size = 2;
	a.by = "\xff";
	place_refuse_anchor(p, &a, MUN_E_INPUT);
	assert_ok(mun_checkpoint_newest(p->j, 2, &s, &p->err), &p->err);
	assert_true(s.note.len == s.signed_len && s.stamps_len == 0);
}

static void test_a_checkpoint_keeps_so_many_anchors(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	MUN_BUF_CLEANUP struct mun_buf line;
	struct place *p = *state;
	static uint8_t stamp[64 * 1024];
	struct mun_anchor a = { .size = 2, .by = "w" };

	mun_signed_init(&s);
	mun_buf_init(&line, 4096);
	place_add_key(p, 0);
	place_sign(p, 0, &s);
	a.stamp = stamp;
	a.stamp_len = sizeof(stamp);
	for (unsigned i = 0; i < MUN_STAMPS_MAX; i++) {
		stamp[0] = (uint8_t)i;
		assert_ok(mun_checkpoint_anchor(p->j, &a, &p->err), &p->err);
	}
	stamp[0] = MUN_STAMPS_MAX;
	place_refuse_anchor(p, &a, MUN_E_INPUT);
	for (unsigned i = 1; i < MUN_NOTE_SIGS; i++) {
		cosign(p, &s, i, &line);
		a.line = line.data;
		a.line_len = line.len;
		assert_ok(mun_checkpoint_anchor(p->j, &a, &p->err), &p->err);
	}
	cosign(p, &s, MUN_NOTE_SIGS, &line);
	a.line = line.data;
	place_refuse_anchor(p, &a, MUN_E_INPUT);
	assert_ok(mun_checkpoint_newest(p->j, 2, &s, &p->err), &p->err);
	assert_int_equal(s.stamps_len, MUN_STAMPS_MAX);
	for (unsigned i = 0; i < MUN_STAMPS_MAX; i++)
		assert_int_equal((uint8_t)s.stamp.data[s.stamps[i].at], i);
	place_check(p, &s, 0);
}

static size_t get_raw(struct place *p, uint64_t size, uint8_t *ret, size_t ret_size)
{
	struct mun_key k = mun_key_u64(size);
	struct mun_txn *t = NULL;
	struct mun_val v;

	assert_ok(mun_store_read(&t, mun_journal_store(p->j), &p->err), &p->err);
	assert_ok(mun_txn_get(t, MUN_T_CHECKPOINT, mun_key_val(&k), &v, &p->err), &p->err);
	assert_true(v.len <= ret_size);
	memcpy(ret, v.data, v.len);
	mun_txn_abortp(&t);
	return v.len;
}

static void put_key_of_seven_bytes(struct place *p, const void *row, size_t len)
{
	static const uint8_t key[7] = { 1 };
	struct mun_txn *t = NULL;

	assert_ok(mun_store_write(&t, mun_journal_store(p->j), &p->err), &p->err);
	assert_ok(mun_txn_put(t, MUN_T_CHECKPOINT, mun_val(key, 7), mun_val(row, len), &p->err),
	          &p->err);
	assert_ok(mun_txn_commit(t, &p->err), &p->err);
}

/* Any prefix of a row but those that end between two stamps is none, and none is read past its
 * end. */
static void test_damaged_rows(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	struct mun_signing k = place_signing(p, 0);
	struct mun_anchor a = { .size = 2, .stamp = "abc", .stamp_len = 3, .by = "w" };
	uint8_t row[1024];
	size_t len, whole;

	mun_signed_init(&s);
	place_add_key(p, 0);
	place_sign(p, 0, &s);
	whole = 8 + s.note.len;
	assert_ok(mun_checkpoint_anchor(p->j, &a, &p->err), &p->err);
	len = get_raw(p, 2, row, sizeof(row));
	assert_int_equal(len, whole + 4 + 3);
	for (size_t n = 0; n < len; n++) {
		if (n == whole)
			continue;
		place_put_raw(p, 2, row, n);
		assert_fails(mun_checkpoint_newest(p->j, 2, &s, &p->err), MUN_E_CORRUPT, &p->err);
		assert_fails(mun_checkpoint_sign(p->j, &k, &s, &p->err), MUN_E_JOURNAL, &p->err);
	}
	for (size_t at = 0; at < 8; at++) {
		row[at] ^= 0x40;
		place_put_raw(p, 2, row, len);
		assert_fails(mun_checkpoint_newest(p->j, 2, &s, &p->err), MUN_E_CORRUPT, &p->err);
		row[at] ^= 0x40;
	}
	place_put_raw(p, 2, row, len);
	assert_ok(mun_checkpoint_newest(p->j, 2, &s, &p->err), &p->err);
	assert_int_equal(s.stamps_len, 1);
	for (unsigned i = 1; i < MUN_STAMPS_MAX; i++, len += 7)
		memcpy(row + len, row + whole, 7);
	place_put_raw(p, 2, row, len);
	assert_ok(mun_checkpoint_newest(p->j, 2, &s, &p->err), &p->err);
	memcpy(row + len, row + whole, 7);
	place_put_raw(p, 2, row, len + 7);
	assert_fails(mun_checkpoint_newest(p->j, 2, &s, &p->err), MUN_E_CORRUPT, &p->err);
	put_key_of_seven_bytes(p, row, len);
	assert_fails(mun_checkpoint_newest(p->j, MUN_NO_SEQ, &s, &p->err), MUN_E_CORRUPT, &p->err);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_anchors_are_kept_with_their_entries),
		CASE(test_what_is_no_anchor_is_refused),
		CASE(test_a_checkpoint_keeps_so_many_anchors),
		CASE(test_damaged_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
