/* SPDX-License-Identifier: Apache-2.0 */
/* Notes and what is made of them: signed-note, checkpoint, cosignature-ed25519, tlog-proof-format,
 * witness-add-checkpoint. */
#include "lib/tlog/proof.h"
#include "tests/lib/vectors.h"

static void read_vkey(struct mun_vkey *ret, const char *text)
{
	char again[MUN_VKEY_TEXT];
	struct mun_err err;

	assert_ok(mun_vkey_parse(ret, text, &err), &err);
	mun_vkey_format(again, ret);
	assert_string_equal(again, text);
}

/* "PRIVATE+KEY+NAME+HASH+BASE64(type, seed)", as those suites publish their test keys. */
static void read_secret(struct mun_secret *ret, const char *text, const struct mun_vkey *key)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	uint8_t public_key[MUN_PUBLIC_LEN];
	const char *last = text;
	struct mun_err err;

	mun_buf_init(&b, 100);
	assert_int_equal(strncmp(text, "PRIVATE+KEY+", 12), 0);
	/* three pluses before the hash and the one behind it; base64 may have more */
	for (size_t i = 0; i < 4; i++)
		last = strchr(last, '+') + 1;
	vectors_base64(&b, last);
	assert_int_equal(b.len, 33);
	assert_int_equal(b.data[0], key->type);
	assert_ok(mun_sign_key_of_seed(ret, public_key, (const uint8_t *)b.data + 1, &err), &err);
	assert_memory_equal(public_key, key->key, sizeof(public_key));
}

static void assert_signed(const char *data, const char *vkey)
{
	struct mun_vkey key;
	struct mun_note note;
	struct mun_err err;

	read_vkey(&key, vkey);
	assert_ok(mun_note_parse(&note, data, strlen(data), &err), &err);
	assert_int_equal(mun_note_check(&note, &key, NULL, NULL), MUN_NOTE_VALID);
}

/* The key makes this very line of the note. */
static void assert_made(const char *data, const char *vkey, const char *secret_text)
{
	MUN_CLEANUP(mun_secret_done) struct mun_secret secret = { 0 };
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_vkey key;
	struct mun_note note;
	struct mun_err err;

	mun_buf_init(&b, 1000);
	read_vkey(&key, vkey);
	read_secret(&secret, secret_text, &key);
	assert_ok(mun_note_parse(&note, data, strlen(data), &err), &err);
	mun_note_sign(&b, note.text, note.text_len, &key, &secret, 0);
	assert_int_equal(b.len, note.sig[0].len);
	assert_memory_equal(b.data, note.sig[0].line, b.len);
}

static void test_signed_notes(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "signed-note.json");
	const struct mun_json_val *vkey;

	(void)state;
	for (const struct mun_json_val *v = vectors_first(root, "accept"); v;
	     v = mun_json_next(v)) {
		const char *note = vectors_str(v, "note");

		if (mun_json_get(v, "vkey") != NULL)
			assert_signed(note, vectors_str(v, "vkey"));
		for (vkey = mun_json_first(mun_json_get(v, "vkeys")); vkey;
		     vkey = mun_json_next(vkey))
			assert_signed(note, mun_json_str(vkey));
		if (mun_json_get(v, "private_key") != NULL)
			assert_made(note, vectors_str(v, "vkey"), vectors_str(v, "private_key"));
	}
	for (vkey = vectors_first(root, "reject_vkeys"); vkey; vkey = mun_json_next(vkey)) {
		struct mun_vkey key;
		struct mun_err err;

		assert_fails(mun_vkey_parse(&key, vectors_str(vkey, "vkey"), &err), MUN_E_INPUT,
		             &err);
	}
}

static void test_notes_refused(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "signed-note.json");
	const struct mun_json_val *refused = mun_json_get(root, "reject_notes_with_vkey");
	struct mun_vkey key;
	size_t count = 0;

	(void)state;
	read_vkey(&key, vectors_str(refused, "vkey"));
	for (const struct mun_json_val *v = vectors_first(refused, "cases"); v;
	     v = mun_json_next(v), count++) {
		MUN_BUF_CLEANUP struct mun_buf b;
		struct mun_note note;
		struct mun_err err;

		mun_buf_init(&b, 100000);
		if (mun_json_get(v, "note_base64") != NULL)
			vectors_base64(&b, vectors_str(v, "note_base64"));
		else
			mun_buf_puts(&b, vectors_str(v, "note"));
		if (mun_note_parse(&note, b.data, b.len, &err) == MUN_OK &&
		    mun_note_check(&note, &key, NULL, NULL) == MUN_NOTE_VALID)
			fail_msg("%s", vectors_str(v, "why"));
	}
	assert_int_equal(count, 9);
}

struct log {
	uint8_t node[64][MUN_SHA256_LEN];
	uint64_t count;
	struct mun_tree tree;
	struct mun_checkpoint at[16]; /* by size */
};

static enum mun_code read_node(void *arg, uint64_t index, uint8_t ret[static MUN_SHA256_LEN],
                               struct mun_err *err)
{
	const struct log *log = arg;

	if (index >= log->count)
		return mun_fail(err, MUN_E_JOURNAL, "no node of this index");
	memcpy(ret, log->node[index], MUN_SHA256_LEN);
	return MUN_OK;
}

static void push_entry(struct log *log, const char *entry_base64, const char *leaf_base64)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	uint8_t nodes[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	uint8_t leaf[MUN_SHA256_LEN];
	unsigned made;

	mun_buf_init(&b, 100);
	vectors_base64(&b, entry_base64);
	mun_tree_leaf(leaf, b.data, b.len);
	vectors_base64(&b, leaf_base64);
	assert_int_equal(b.len, sizeof(leaf));
	assert_memory_equal(leaf, b.data, sizeof(leaf));
	made = mun_tree_push(&log->tree, leaf, nodes);
	memcpy(log->node[log->count], nodes, (size_t)made * MUN_SHA256_LEN);
	log->count += made;
}

/* Signed by the key, made by it, of that size and with the root of the tree as it is now. */
static void check_checkpoint(struct log *log, const struct mun_json_val *root, const char *data)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_checkpoint *c = &log->at[log->tree.size];
	uint8_t hash[MUN_SHA256_LEN];
	struct mun_note note;
	struct mun_err err;

	mun_buf_init(&b, 1000);
	assert_signed(data, vectors_str(root, "vkey"));
	assert_made(data, vectors_str(root, "vkey"), vectors_str(root, "private_key"));
	assert_ok(mun_checkpoint_read(c, &note, data, strlen(data), &err), &err);
	assert_int_equal(c->size, log->tree.size);
	mun_tree_root(&log->tree, hash);
	assert_memory_equal(c->root, hash, sizeof(hash));
	mun_checkpoint_format(&b, c);
	assert_int_equal(b.len, note.text_len);
	assert_memory_equal(b.data, note.text, b.len);
}

static void test_log(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root =
		mun_json_get(vectors_read(&doc, "checkpoint.json"), "log");
	const struct mun_json_val *entry = vectors_first(root, "entries_base64");
	const struct mun_json_val *leaf = vectors_first(root, "leaf_hashes_base64");
	static struct log log;
	struct mun_proof p;
	struct mun_err err;

	(void)state;
	log = (struct log){ .count = 0 };
	for (const struct mun_json_val *v = vectors_first(root, "checkpoints"); v;
	     v = mun_json_next(v)) {
		check_checkpoint(&log, root, mun_json_str(v));
		if (entry == NULL)
			continue;
		push_entry(&log, mun_json_str(entry), mun_json_str(leaf));
		entry = mun_json_next(entry);
		leaf = mun_json_next(leaf);
	}
	assert_int_equal(log.tree.size, 15);
	for (uint64_t size = 0; size <= 15; size++) {
		for (uint64_t old = 0; old <= size; old++) {
			assert_ok(mun_proof_consistency(&p, old, size, read_node, &log, &err),
			          &err);
			assert_true(mun_proof_consistent(old, log.at[old].root, size,
			                                 log.at[size].root, &p));
		}
	}
}

static void test_foreign_checkpoints(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "checkpoint.json");
	const struct mun_json_val *step = mun_json_get(root, "consistency_5_to_8");
	const char *from = vectors_str(step, "from_checkpoint");
	const char *to = vectors_str(step, "to_checkpoint");
	struct mun_checkpoint c[2];
	struct mun_proof p = { .len = 0 };
	struct mun_vkey key;
	struct mun_note note;
	struct mun_err err;
	const char *odd;

	(void)state;
	assert_signed(from, vectors_str(step, "vkey"));
	assert_signed(to, vectors_str(step, "vkey"));
	assert_ok(mun_checkpoint_read(&c[0], &note, from, strlen(from), &err), &err);
	assert_ok(mun_checkpoint_read(&c[1], &note, to, strlen(to), &err), &err);
	for (const struct mun_json_val *h = vectors_first(step, "proof_hex"); h;
	     h = mun_json_next(h))
		(void)vectors_hex(p.hash[p.len++], MUN_SHA256_LEN, mun_json_str(h));
	assert_true(mun_proof_consistent(c[0].size, c[0].root, c[1].size, c[1].root, &p));
	assert_false(mun_proof_consistent(c[0].size + 1, c[0].root, c[1].size, c[1].root, &p));

	for (const struct mun_json_val *v = vectors_first(root, "real_world"); v;
	     v = mun_json_next(v)) {
		const char *data = vectors_str(v, "note");

		assert_signed(data, vectors_str(v, "vkey"));
		assert_ok(mun_checkpoint_read(&c[0], &note, data, strlen(data), &err), &err);
		read_vkey(&key, vectors_str(v, "vkey"));
	}
	/* An illustration with the hash of that key under another name. */
	odd = vectors_str(vectors_first(root, "do_not_use"), "note");
	assert_ok(mun_checkpoint_read(&c[0], &note, odd, strlen(odd), &err), &err);
	assert_int_equal(note.sig[0].hash, key.hash);
	assert_int_equal(mun_note_check(&note, &key, NULL, NULL), MUN_NOTE_ABSENT);
}

static void check_cosignature(const struct mun_json_val *v)
{
	MUN_BUF_CLEANUP struct mun_buf message;
	const char *data = vectors_str(v, "note");
	struct mun_checkpoint c;
	struct mun_vkey key;
	struct mun_note note;
	struct mun_err err;
	uint64_t time_s;
	size_t at;

	mun_buf_init(&message, 1000);
	read_vkey(&key, vectors_str(v, "vkey"));
	assert_int_equal(key.type, MUN_KEY_COSIGNER);
	assert_ok(mun_checkpoint_read(&c, &note, data, strlen(data), &err), &err);
	assert_int_equal(mun_note_check(&note, &key, &time_s, &at), MUN_NOTE_VALID);
	assert_int_equal(time_s, vectors_number(v, "timestamp"));
	if (mun_json_get(v, "message_base64") != NULL) {
		vectors_base64(&message, vectors_str(v, "message_base64"));
		assert_true(
			mun_sign_verify(note.sig[at].sig + 8, key.key, message.data, message.len));
	}
	/* As a key of the other type it is another key. */
	assert_ok(mun_vkey_make(&key, key.name, MUN_KEY_ED25519, key.key, &err), &err);
	assert_int_equal(mun_note_check(&note, &key, NULL, NULL), MUN_NOTE_ABSENT);
}

static void test_cosignatures(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "cosignature-ed25519.json");
	size_t count = 0;

	(void)state;
	for (const struct mun_json_val *v = vectors_first(root, "vectors"); v;
	     v = mun_json_next(v), count++)
		check_cosignature(v);
	assert_int_equal(count, 6);
}

static void check_proof(const struct mun_json_val *v)
{
	MUN_CLEANUP(mun_tlog_proof_done) struct mun_tlog_proof p = { .index = 0 };
	MUN_BUF_CLEANUP struct mun_buf b;
	const char *text = vectors_str(v, "text");
	const char *note = vectors_str(v, "checkpoint");
	const struct mun_json_val *extra = mun_json_get(v, "extra");
	size_t len = 0;
	struct mun_err err;

	mun_buf_init(&b, 1000);
	assert_ok(mun_tlog_proof_parse(&p, text, strlen(text), &err), &err);
	assert_int_equal(p.index, vectors_number(v, "index"));
	assert_int_equal(p.has_extra, extra != NULL);
	if (extra != NULL)
		assert_string_equal(mun_buf_str(&p.extra), mun_json_str(extra));
	assert_int_equal(p.note_len, strlen(note));
	assert_memory_equal(p.note, note, p.note_len);
	for (const struct mun_json_val *h = mun_json_first(mun_json_get(v, "hashes_base64")); h;
	     h = mun_json_next(h)) {
		vectors_base64(&b, mun_json_str(h));
		assert_int_equal(b.len, MUN_SHA256_LEN);
		assert_memory_equal(p.proof.hash[len++], b.data, MUN_SHA256_LEN);
	}
	assert_int_equal(p.proof.len, len);
	mun_buf_clear(&b);
	mun_tlog_proof_format(&b, &p);
	assert_string_equal(mun_buf_str(&b), text);
}

static void test_proof_format(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "tlog-proof-format.json");

	(void)state;
	for (const struct mun_json_val *v = vectors_first(root, "marshal"); v; v = mun_json_next(v))
		check_proof(v);
	for (const struct mun_json_val *v = vectors_first(root, "reject"); v;
	     v = mun_json_next(v)) {
		const char *text = vectors_str(v, "text");
		struct mun_tlog_proof p;
		struct mun_err err;

		assert_fails(mun_tlog_proof_parse(&p, text, strlen(text), &err), MUN_E_INPUT, &err);
	}
}

struct witness { /* of one log */
	struct mun_vkey log;
	struct mun_vkey key;
	struct mun_secret secret;
	struct mun_checkpoint seen;
};

/* The line is what the witness's key signs, beside the log's own. */
static void cosign(const struct witness *w, const struct mun_add_checkpoint *a)
{
	MUN_BUF_CLEANUP struct mun_buf b;
	struct mun_note note;
	struct mun_err err;
	uint64_t time_s;

	mun_buf_init(&b, MUN_NOTE_MAX);
	assert_ok(mun_note_parse(&note, a->note, a->note_len, &err), &err);
	mun_buf_add(&b, a->note, a->note_len);
	mun_note_sign(&b, note.text, note.text_len, &w->key, &w->secret, 1679315147);
	assert_ok(mun_note_parse(&note, b.data, b.len, &err), &err);
	assert_int_equal(mun_note_check(&note, &w->key, &time_s, NULL), MUN_NOTE_VALID);
	assert_int_equal(time_s, 1679315147);
	assert_int_equal(mun_note_check(&note, &w->log, NULL, NULL), MUN_NOTE_VALID);
}

/*
 * The status for a request, in the order of that witness. Its altered signature is not even strict
 * base64, so that the note is refused before the key is asked: the status is the same.
 */
static unsigned answer(struct witness *w, const char *body)
{
	struct mun_add_checkpoint a;
	struct mun_checkpoint c;
	struct mun_note note;
	struct mun_err err;

	assert_ok(mun_add_checkpoint_parse(&a, body, strlen(body), &err), &err);
	if (mun_checkpoint_read(&c, &note, a.note, a.note_len, &err) != MUN_OK ||
	    strcmp(c.origin, w->log.name) != 0 ||
	    mun_note_check(&note, &w->log, NULL, NULL) != MUN_NOTE_VALID)
		return 403;
	if (a.old != w->seen.size)
		return 409;
	if (!mun_proof_consistent(a.old, w->seen.root, c.size, c.root, &a.proof))
		return 422;
	cosign(w, &a);
	w->seen = c;
	return 200;
}

static void test_witness(void **state)
{
	VECTORS *doc = NULL;
	const struct mun_json_val *root = vectors_read(&doc, "witness-add-checkpoint.json");
	uint8_t public_key[MUN_PUBLIC_LEN];
	struct witness w = { .seen = { .size = 0 } };
	struct mun_err err;
	size_t count = 0;

	(void)state;
	read_vkey(&w.log, vectors_str(root, "log_vkey"));
	assert_ok(mun_sign_key_new(&w.secret, public_key, &err), &err);
	assert_ok(mun_vkey_make(&w.key, vectors_str(root, "witness_name"), MUN_KEY_COSIGNER,
	                        public_key, &err),
	          &err);
	for (const struct mun_json_val *v = vectors_first(root, "cases"); v;
	     v = mun_json_next(v), count++) {
		MUN_BUF_CLEANUP struct mun_buf b;
		const char *body = vectors_str(v, "request_body");
		struct mun_add_checkpoint a;

		mun_buf_init(&b, 10000);
		assert_int_equal(answer(&w, body), vectors_number(v, "http_status"));
		assert_ok(mun_add_checkpoint_parse(&a, body, strlen(body), &err), &err);
		mun_add_checkpoint_format(&b, &a);
		assert_string_equal(mun_buf_str(&b), body);
	}
	assert_int_equal(count, 9);
	assert_int_equal(w.seen.size, 5);
	mun_secret_done(&w.secret);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed_notes), cmocka_unit_test(test_notes_refused),
		cmocka_unit_test(test_log),          cmocka_unit_test(test_foreign_checkpoints),
		cmocka_unit_test(test_cosignatures), cmocka_unit_test(test_proof_format),
		cmocka_unit_test(test_witness),
	};

	return vectors_run(tests);
}
