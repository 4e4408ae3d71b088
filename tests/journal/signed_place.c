/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/journal/signed_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/handle.h"
#include "journal/prove.h"
#include "lib/tlog/checkpoint.h"

static const struct mun_operator somebody = { 1000, "alice", NULL, "box", NULL, NULL };

void place_open(struct place *p, enum mun_journal_mode mode)
{
	const struct mun_journal_options o = { .dir = p->dir, .mode = mode, .version = "0.1.0" };

	mun_journal_closep(&p->j);
	assert_ok(mun_journal_open(&p->j, &o, &p->err), &p->err);
}

int place_setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct mun_journal_id id;

	if (p == NULL)
		return -1;
	*state = p;
	assert_ok(mun_crypto_init(&p->err), &p->err);
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/mun-signed-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	place_open(p, MUN_JOURNAL_CREATE);
	assert_ok(mun_journal_identity(p->j, &id, &p->err), &p->err);
	for (unsigned i = 0; i < PLACE_KEYS; i++) {
		uint8_t public_key[MUN_PUBLIC_LEN];

		assert_ok(mun_sign_key_new(&p->secret[i], public_key, &p->err), &p->err);
		assert_ok(
			mun_vkey_make(&p->key[i], id.origin, MUN_KEY_ED25519, public_key, &p->err),
			&p->err);
	}
	return 0;
}

int place_teardown(void **state)
{
	struct place *p = *state;
	char command[160];

	mun_journal_closep(&p->j);
	for (unsigned i = 0; i < PLACE_KEYS; i++)
		mun_secret_done(&p->secret[i]);
	(void)snprintf(command, sizeof(command), "rm -rf %s %s.*", p->dir, p->dir);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static void append(struct place *p, struct mun_entry *e)
{
	struct mun_group g = { .entries = e, .len = 1 };

	assert_ok(mun_journal_append(p->j, &g, &p->err), &p->err);
}

void place_grow(struct place *p, unsigned entries)
{
	static const struct mun_entry one = { .kind = MUN_K_TOKEN_ADDED,
		                              .item = MUN_NO_ITEM,
		                              .u.token.name = "checkpoint.anchored" };
	struct mun_entry *e = calloc(entries, sizeof(*e));
	struct mun_group g = { .entries = e, .len = entries };

	assert_non_null(e);
	for (unsigned i = 0; i < entries; i++)
		e[i] = one;
	assert_ok(mun_journal_append(p->j, &g, &p->err), &p->err);
	free(e);
}

void place_add_key(struct place *p, unsigned n)
{
	struct mun_entry e = { .kind = MUN_K_KEY_ADDED, .item = MUN_NO_ITEM };
	char text[MUN_VKEY_TEXT];

	mun_vkey_format(text, &p->key[n]);
	e.u.key.vkey = text;
	e.u.key.reason = "test";
	e.u.key.operator_ = somebody;
	append(p, &e);
}

struct mun_signing place_signing(const struct place *p, unsigned n)
{
	return (struct mun_signing){ .key = p->key[n], .secret = &p->secret[n] };
}

uint64_t place_size(struct place *p)
{
	struct mun_head head;

	assert_ok(mun_journal_head(p->j, &head, &p->err), &p->err);
	return head.size;
}

void place_sign(struct place *p, unsigned key, struct mun_signed *ret)
{
	struct mun_signing k = place_signing(p, key);

	assert_ok(mun_checkpoint_sign(p->j, &k, ret, &p->err), &p->err);
}

void place_check(struct place *p, const struct mun_signed *s, unsigned key)
{
	struct mun_checkpoint c;
	struct mun_note n;
	uint8_t root[MUN_SHA256_LEN];
	size_t at;

	assert_ok(mun_checkpoint_read(&c, &n, s->note.data, s->note.len, &p->err), &p->err);
	assert_true(c.size == s->size);
	assert_string_equal(c.origin, p->key[0].name);
	assert_int_equal(mun_note_check(&n, &p->key[key], NULL, &at), MUN_NOTE_VALID);
	assert_int_equal(at, 0);
	assert_ok(mun_prove_root(p->j, c.size, root, &p->err), &p->err);
	assert_memory_equal(root, c.root, sizeof(root));
}

void place_refuse_anchor(struct place *p, const struct mun_anchor *a, enum mun_code expected)
{
	uint64_t size = place_size(p);

	assert_fails(mun_checkpoint_anchor(p->j, a, &p->err), expected, &p->err);
	assert_true(place_size(p) == size);
}

void place_put_raw(struct place *p, uint64_t size, const void *row, size_t len)
{
	struct mun_key k = mun_key_u64(size);
	struct mun_txn *t = NULL;

	assert_ok(mun_store_write(&t, mun_journal_store(p->j), &p->err), &p->err);
	assert_ok(mun_txn_put(t, MUN_T_CHECKPOINT, mun_key_val(&k), mun_val(row, len), &p->err),
	          &p->err);
	assert_ok(mun_txn_commit(t, &p->err), &p->err);
}
