/* SPDX-License-Identifier: Apache-2.0 */
/* What is signed is kept, is signed once, and never from a journal that is not what it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/handle.h"
#include "journal/mark.h"
#include "journal/prove.h"
#include "journal/verify.h"
#include "lib/tlog/checkpoint.h"
#include "tests/journal/signed_place.h"

static void test_signs_the_head_once(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed first, again;
	struct place *p = *state;
	struct mun_signing k = place_signing(p, 0);

	mun_signed_init(&first);
	mun_signed_init(&again);
	assert_fails(mun_checkpoint_newest(p->j, MUN_NO_SEQ, &first, &p->err), MUN_E_NOTFOUND,
	             &p->err);
	assert_fails(mun_checkpoint_sign(p->j, &k, &first, &p->err), MUN_E_CREDENTIAL, &p->err);
	place_add_key(p, 0);
	place_sign(p, 0, &first);
	assert_true(first.size == 2 && first.signed_len == first.note.len);
	assert_int_equal(first.stamps_len, 0);
	place_check(p, &first, 0);
	place_sign(p, 0, &again);
	assert_int_equal(again.note.len, first.note.len);
	assert_memory_equal(again.note.data, first.note.data, first.note.len);
	assert_true(place_size(p) == 2); /* a signature is no entry */
	place_grow(p, 3);
	place_sign(p, 0, &again);
	assert_true(again.size == 5);
	place_check(p, &again, 0);
	mun_signed_done(&again);
}

static void test_rows_are_found_in_order(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	const uint64_t sizes[] = { 2, 3, 300, 301 };
	uint64_t at = 0;

	mun_signed_init(&s);
	place_add_key(p, 0);
	for (size_t i = 0; i < MUN_ARRAY_LEN(sizes); i++) {
		place_grow(p, (unsigned)(sizes[i] - place_size(p)));
		place_sign(p, 0, &s);
	}
	for (size_t i = 0; i < MUN_ARRAY_LEN(sizes); i++) {
		assert_ok(mun_checkpoint_next(p->j, at, &s, &p->err), &p->err);
		assert_true(s.size == sizes[i]);
		at = s.size;
	}
	assert_fails(mun_checkpoint_next(p->j, at, &s, &p->err), MUN_E_NOTFOUND, &p->err);
	assert_fails(mun_checkpoint_next(p->j, UINT64_MAX, &s, &p->err), MUN_E_NOTFOUND, &p->err);
	assert_fails(mun_checkpoint_newest(p->j, 1, &s, &p->err), MUN_E_NOTFOUND, &p->err);
	assert_ok(mun_checkpoint_newest(p->j, 299, &s, &p->err), &p->err);
	assert_true(s.size == 3);
	assert_ok(mun_checkpoint_newest(p->j, 300, &s, &p->err), &p->err);
	assert_true(s.size == 300);
	assert_ok(mun_checkpoint_newest(p->j, MUN_NO_SEQ, &s, &p->err), &p->err);
	assert_true(s.size == 301);
}

/* A new key's checkpoint carries the old one's line behind its own; each is in force in its time.
 */
static void test_key_changes(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	struct mun_signing k = place_signing(p, 1);
	struct mun_vkey key;
	struct mun_note n;
	uint64_t seq;
	size_t at;

	mun_signed_init(&s);
	assert_fails(mun_journal_key(p->j, 1, &key, &seq, &p->err), MUN_E_NOTFOUND, &p->err);
	place_add_key(p, 0);
	place_sign(p, 0, &s);
	place_add_key(p, 1);
	k.key = p->key[0];
	k.secret = &p->secret[0];
	assert_fails(mun_checkpoint_sign(p->j, &k, &s, &p->err), MUN_E_CREDENTIAL, &p->err);
	assert_non_null(strstr(p->err.text, "#2"));
	k = place_signing(p, 1);
	k.old_key = p->key[0];
	k.old_secret = &p->secret[0];
	assert_ok(mun_checkpoint_sign(p->j, &k, &s, &p->err), &p->err);
	place_check(p, &s, 1);
	assert_ok(mun_note_parse(&n, s.note.data, s.note.len, &p->err), &p->err);
	assert_int_equal(n.sig_len, 2);
	assert_int_equal(mun_note_check(&n, &p->key[0], NULL, &at), MUN_NOTE_VALID);
	assert_int_equal(at, 1);
	assert_int_equal(s.signed_len, s.note.len);
	for (uint64_t size = 0; size < 4; size++) {
		if (size < 2) {
			assert_fails(mun_journal_key(p->j, size, &key, &seq, &p->err),
			             MUN_E_NOTFOUND, &p->err);
			continue;
		}
		assert_ok(mun_journal_key(p->j, size, &key, &seq, &p->err), &p->err);
		assert_true(seq == size - 1 && mun_vkey_equal(&key, &p->key[size - 2]));
	}
	assert_ok(mun_journal_key(p->j, MUN_NO_SEQ, &key, &seq, &p->err), &p->err);
	assert_true(seq == 2);
}

/* What a person writes into an entry does not make it bookkeeping. */
static void test_a_label_is_no_kind(void **state)
{
	static const struct mun_label labels[] = { { "kind", "checkpoint.anchored" } };
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	struct mun_entry e = { .kind = MUN_K_PLAN_STORED, .item = MUN_NO_ITEM, .has_org = true };
	struct mun_group g = { .entries = &e, .len = 1 };
	uint64_t n = 0;

	mun_signed_init(&s);
	place_add_key(p, 0);
	place_sign(p, 0, &s);
	e.u.plan.labels = labels;
	e.u.plan.labels_len = 1;
	assert_ok(mun_journal_append(p->j, &g, &p->err), &p->err);
	assert_ok(mun_checkpoint_unsigned(p->j, &n, &p->err), &p->err);
	assert_true(n == 1);
	place_sign(p, 0, &s);
	assert_true(s.size == 3);
}

static void test_export_is_bookkeeping_too(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	struct mun_entry e = { .kind = MUN_K_EXPORTED, .item = MUN_NO_ITEM };
	struct mun_group g = { .entries = &e, .len = 1 };
	uint64_t n = 0;

	mun_signed_init(&s);
	place_add_key(p, 0);
	assert_ok(mun_checkpoint_unsigned(p->j, &n, &p->err), &p->err);
	assert_true(n == 2);
	place_sign(p, 0, &s);
	assert_ok(mun_journal_append(p->j, &g, &p->err), &p->err);
	assert_ok(mun_checkpoint_unsigned(p->j, &n, &p->err), &p->err);
	assert_true(n == 0);
	place_sign(p, 0, &s);
	assert_true(s.size == 2);
	place_grow(p, 5000); /* more than one slice */
	assert_ok(mun_journal_append(p->j, &g, &p->err), &p->err);
	assert_ok(mun_checkpoint_unsigned(p->j, &n, &p->err), &p->err);
	assert_true(n == 5000);
	place_sign(p, 0, &s);
	assert_true(s.size == 5004);
	assert_ok(mun_checkpoint_unsigned(p->j, &n, &p->err), &p->err);
	assert_true(n == 0);
}

/* A checkpoint of other entries than the journal's, kept as if it had been signed here. */
static void put_other(struct place *p, uint64_t size, const char *origin, bool wrong_root)
{
	MUN_BUF_CLEANUP struct mun_buf note;
	struct mun_checkpoint c = { .size = size };
	uint8_t row[1024];
	size_t text_len;

	mun_buf_init(&note, MUN_NOTE_MAX);
	(void)snprintf(c.origin, sizeof(c.origin), "%s", origin);
	if (size <= place_size(p))
		assert_ok(mun_prove_root(p->j, size, c.root, &p->err), &p->err);
	c.root[7] ^= wrong_root;
	mun_checkpoint_format(&note, &c);
	text_len = note.len;
	mun_buf_putc(&note, '\n');
	{
		MUN_BUF_CLEANUP struct mun_buf line;

		mun_buf_init(&line, MUN_NOTE_MAX);
		mun_note_sign(&line, note.data, text_len, &p->key[0], &p->secret[0], 0);
		mun_buf_add(&note, line.data, line.len);
	}
	memset(row, 0, 8);
	row[2] = row[6] = (uint8_t)(note.len >> 8);
	row[3] = row[7] = (uint8_t)note.len;
	memcpy(row + 8, note.data, note.len);
	place_put_raw(p, size, row, 8 + note.len);
}

static void test_nothing_is_signed_over_another_past(void **state)
{
	static const struct {
		uint64_t size;
		bool other_origin, wrong_root;
		const char *says;
	} cases[] = {
		{ 7, false, true, "not those that were signed" },
		{ 10, false, true, "not those that were signed" },
		{ 11, false, false, "11 are signed" },
		{ 7, true, false, "another journal" },
	};
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	struct mun_signing k = place_signing(p, 0);

	mun_signed_init(&s);
	place_add_key(p, 0);
	place_grow(p, 8);
	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		struct mun_txn *t = NULL;

		put_other(p, cases[i].size, cases[i].other_origin ? "elsewhere" : p->key[0].name,
		          cases[i].wrong_root);
		assert_fails(mun_checkpoint_sign(p->j, &k, &s, &p->err), MUN_E_JOURNAL, &p->err);
		if (strstr(p->err.text, cases[i].says) == NULL)
			fail_msg("%s", p->err.text);
		assert_ok(mun_store_write(&t, mun_journal_store(p->j), &p->err), &p->err);
		assert_ok(mun_txn_clear(t, MUN_T_CHECKPOINT, &p->err), &p->err);
		assert_ok(mun_txn_commit(t, &p->err), &p->err);
	}
	put_other(p, 7, p->key[0].name, false);
	place_sign(p, 0, &s);
	assert_true(s.size == 10);
}

static void test_put_takes_only_this_journal(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	MUN_BUF_CLEANUP struct mun_buf note;
	struct place *p = *state;
	char *at;

	mun_signed_init(&s);
	mun_buf_init(&note, MUN_NOTE_MAX);
	place_add_key(p, 0);
	place_grow(p, 1);
	place_sign(p, 0, &s);
	assert_fails(mun_checkpoint_put(p->j, 2, s.note.data, s.note.len, &p->err), MUN_E_INPUT,
	             &p->err);
	assert_fails(mun_checkpoint_put(p->j, 3, s.note.data, s.note.len - 1, &p->err), MUN_E_INPUT,
	             &p->err);
	mun_buf_add(&note, s.note.data, s.note.len);
	at = strchr(note.data, '\n') + 1;
	*at = '2'; /* another size with this root */
	assert_fails(mun_checkpoint_put(p->j, 2, note.data, note.len, &p->err), MUN_E_JOURNAL,
	             &p->err);
	*at = '4';
	assert_fails(mun_checkpoint_put(p->j, 4, note.data, note.len, &p->err), MUN_E_JOURNAL,
	             &p->err);
	*at = '3';
	note.data[0] = 'x';
	assert_fails(mun_checkpoint_put(p->j, 3, note.data, note.len, &p->err), MUN_E_INPUT,
	             &p->err);
}

/* As a witness would see it: another line of this journal exists. */
static void test_an_alarm_ends_signing(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	struct mun_signing k = place_signing(p, 0);
	char marks[80];
	const struct mun_journal_options o = {
		.dir = p->dir, .mode = MUN_JOURNAL_WRITE, .version = "0.1.0", .state_dir = marks
	};

	mun_signed_init(&s);
	place_add_key(p, 0);
	(void)snprintf(marks, sizeof(marks), "%s.marks", p->dir);
	mun_journal_closep(&p->j);
	assert_ok(mun_journal_open(&p->j, &o, &p->err), &p->err);
	place_sign(p, 0, &s);
	assert_ok(mun_mark_alarm(p->j, "the witness has 9 entries", &p->err), &p->err);
	assert_fails(mun_checkpoint_sign(p->j, &k, &s, &p->err), MUN_E_JOURNAL, &p->err);
	assert_non_null(strstr(p->err.text, "the witness has 9 entries"));
}

/* Nothing is signed or anchored where only reading is allowed; all of it can be read. */
static void test_a_copy_is_only_read(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	struct mun_signing k = place_signing(p, 0);
	struct mun_anchor a = { .size = 2, .stamp = "abc", .stamp_len = 3, .by = "w" };
	struct mun_vkey key;
	struct mun_txn *t = NULL;
	uint64_t seq;
	char copy[80];

	mun_signed_init(&s);
	place_add_key(p, 0);
	place_sign(p, 0, &s);
	assert_ok(mun_checkpoint_anchor(p->j, &a, &p->err), &p->err);
	place_grow(p, 1);
	(void)snprintf(copy, sizeof(copy), "%s.copy", p->dir);
	assert_ok(mun_journal_backup(p->j, copy, &p->err), &p->err);
	assert_ok(mun_store_write(&t, mun_journal_store(p->j), &p->err), &p->err);
	assert_ok(
		mun_txn_put(t, MUN_T_META, mun_text_val(MUN_META_BACKUP), mun_val("1", 1), &p->err),
		&p->err);
	assert_ok(mun_txn_commit(t, &p->err), &p->err);
	a.stamp_len = 2;
	assert_fails(mun_checkpoint_sign(p->j, &k, &s, &p->err), MUN_E_JOURNAL, &p->err);
	assert_non_null(strstr(p->err.text, "backup copy: it can only be read"));
	place_refuse_anchor(p, &a, MUN_E_JOURNAL);
	assert_non_null(strstr(p->err.text, "backup copy: it can only be read"));
	memcpy(p->dir, copy, strlen(copy) + 1 <= sizeof(p->dir) ? strlen(copy) + 1 : 0);
	place_open(p, MUN_JOURNAL_READ);
	assert_ok(mun_checkpoint_newest(p->j, MUN_NO_SEQ, &s, &p->err), &p->err);
	assert_true(s.size == 2 && s.stamps_len == 1);
	place_check(p, &s, 0);
	assert_ok(mun_journal_key(p->j, MUN_NO_SEQ, &key, &seq, &p->err), &p->err);
	assert_true(mun_vkey_equal(&key, &p->key[0]));
	assert_fails(mun_checkpoint_sign(p->j, &k, &s, &p->err), MUN_E_JOURNAL, &p->err);
	assert_non_null(strstr(p->err.text, "reading"));
	place_refuse_anchor(p, &a, MUN_E_JOURNAL);
	p->dir[strlen(p->dir) - strlen(".copy")] = '\0';
}

static void test_a_file_that_is_gone(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	struct mun_signing k = place_signing(p, 0);
	char path[80];

	mun_signed_init(&s);
	place_add_key(p, 0);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", p->dir);
	assert_int_equal(unlink(path), 0);
	assert_fails(mun_checkpoint_sign(p->j, &k, &s, &p->err), MUN_E_JOURNAL, &p->err);
	assert_non_null(strstr(p->err.text, "data.mdb"));
}

/* An older copy in the journal's place: its head is smaller than the one an anchor made. */
static void test_an_older_head_is_refused(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	struct mun_signing k = place_signing(p, 0);
	struct mun_anchor a = { .size = 2, .stamp = "abc", .stamp_len = 3, .by = "w" };
	uint8_t head[8 + MUN_TREE_LEVELS * MUN_SHA256_LEN];
	struct mun_txn *t = NULL;
	struct mun_tree before;
	size_t len;

	mun_signed_init(&s);
	place_add_key(p, 0);
	place_sign(p, 0, &s);
	before = p->j->seen;
	mun_tree_pack(head, &len, &before);
	assert_ok(mun_checkpoint_anchor(p->j, &a, &p->err), &p->err);
	assert_ok(mun_store_write(&t, mun_journal_store(p->j), &p->err), &p->err);
	assert_ok(mun_txn_put(t, MUN_T_HEAD, mun_val("head", 4), mun_val(head, len), &p->err),
	          &p->err);
	assert_ok(mun_txn_commit(t, &p->err), &p->err);
	assert_fails(mun_checkpoint_sign(p->j, &k, &s, &p->err), MUN_E_JOURNAL, &p->err);
	assert_non_null(strstr(p->err.text, "older copy"));
	a.stamp_len = 2;
	assert_fails(mun_checkpoint_anchor(p->j, &a, &p->err), MUN_E_JOURNAL, &p->err);
}

static void verify(struct place *p)
{
	const struct mun_verify_options tables = { .tables_only = true };
	struct mun_verdict_report r;

	assert_ok(mun_verify_journal(p->j, &tables, &r, &p->err), &p->err);
	for (size_t i = 0; i < r.findings_len; i++)
		if (r.findings[i].bad)
			print_error("%s\n", r.findings[i].what);
	assert_int_not_equal(r.result, MUN_VERIFY_FAILED);
	mun_verdict_report_done(&r);
}

/* Appends, signs and anchors in turn with whoever else does. */
static void work(struct place *p, unsigned number)
{
	struct mun_signed s;

	mun_signed_init(&s);
	place_open(p, MUN_JOURNAL_WRITE);
	for (unsigned i = 0; i < 25; i++) {
		char stamp[32];
		struct mun_anchor a = { .stamp = stamp, .by = "w" };

		place_grow(p, 1 + (i + number) % 3);
		place_sign(p, 0, &s);
		a.size = s.size;
		a.stamp_len = (size_t)snprintf(stamp, sizeof(stamp), "%u/%u", number, i);
		assert_ok(mun_checkpoint_anchor(p->j, &a, &p->err), &p->err);
	}
	mun_journal_closep(&p->j);
	mun_signed_done(&s);
}

/* While they work a third reads: what it finds is whole, and never goes back. */
static void watch(struct place *p, const pid_t *child, size_t len)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	uint64_t before = 0, n;
	size_t left = len;

	mun_signed_init(&s);
	place_open(p, MUN_JOURNAL_READ);
	while (left > 0) {
		int status;

		assert_ok(mun_checkpoint_newest(p->j, MUN_NO_SEQ, &s, &p->err), &p->err);
		assert_true(s.size >= before);
		before = s.size;
		place_check(p, &s, 0);
		assert_ok(mun_checkpoint_unsigned(p->j, &n, &p->err), &p->err);
		(void)usleep(2000);
		if (waitpid(child[len - left], &status, WNOHANG) == 0)
			continue;
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		left--;
	}
}

static void test_two_sign_and_one_reads(void **state)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed s;
	struct place *p = *state;
	unsigned rows = 0, stamps = 0;
	uint64_t at = 0;
	pid_t child[2];

	mun_signed_init(&s);
	place_add_key(p, 0);
	place_sign(p, 0, &s);
	mun_journal_closep(&p->j);
	for (unsigned i = 0; i < 2; i++) {
		child[i] = fork();
		assert_true(child[i] >= 0);
		if (child[i] == 0) {
			work(p, i);
			_exit(0);
		}
	}
	watch(p, child, 2);
	for (; mun_checkpoint_next(p->j, at, &s, &p->err) == MUN_OK; at = s.size) {
		place_check(p, &s, 0);
		rows++;
		stamps += (unsigned)s.stamps_len;
	}
	assert_true(rows > 25 && rows <= 51);
	assert_int_equal(stamps, 50);
	verify(p);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_signs_the_head_once),
		CASE(test_rows_are_found_in_order),
		CASE(test_key_changes),
		CASE(test_export_is_bookkeeping_too),
		CASE(test_a_label_is_no_kind),
		CASE(test_nothing_is_signed_over_another_past),
		CASE(test_put_takes_only_this_journal),
		CASE(test_an_alarm_ends_signing),
		CASE(test_a_copy_is_only_read),
		CASE(test_a_file_that_is_gone),
		CASE(test_an_older_head_is_refused),
		CASE(test_two_sign_and_one_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
