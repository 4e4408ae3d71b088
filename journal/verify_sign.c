/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "journal/verify_impl.h"

static bool is_given(const struct mun_verify *v, const struct mun_vkey *key)
{
	for (size_t i = 0; i < v->o->log_keys_len; i++)
		if (mun_vkey_equal(&v->o->log_keys[i], key))
			return true;
	return false;
}

static void check_key(struct mun_verify *v, const struct mun_entry *e, const struct mun_vkey *key)
{
	char last[MUN_VKEY_TEXT] = "";

	if (v->keys_len > 0)
		mun_vkey_format(last, &v->keys[v->keys_len - 1].key);
	if (key->type != MUN_KEY_ED25519)
		mun_verify_bad(v, e->seq, "adds a key of another type than Ed25519");
	if (strcmp(key->name, v->origin) != 0)
		mun_verify_bad(v, e->seq, "adds a key whose name is not the log's origin");
	if (strcmp(e->u.key.previous ? e->u.key.previous : "", last) != 0)
		mun_verify_odd(v, e->seq, "adds a key that follows another than the one in force");
}

enum mun_code mun_verify_fold_key(struct mun_verify *v, const struct mun_entry *e,
                                  struct mun_err *err)
{
	struct mun_verify_key *keys;
	struct mun_vkey key;
	struct mun_err why;

	enum mun_code code = mun_vkey_parse(&key, e->u.key.vkey ? e->u.key.vkey : "", &why);
	if (code != MUN_OK) {
		mun_verify_bad(v, e->seq, "adds a key that is none: %.100s", why.text);
		return MUN_OK;
	}
	check_key(v, e, &key);
	keys = mun_verify_grow(v->keys, &v->keys_cap, v->keys_len, sizeof(*keys), err);
	if (!keys)
		return MUN_E_NOMEM;
	v->keys = keys;
	v->keys[v->keys_len++] =
		(struct mun_verify_key){ .seq = e->seq, .key = key, .trusted = is_given(v, &key) };
	return MUN_OK;
}

/* Has a key of before agreed to the change? *ret_trusted: one that is trusted has. */
static bool is_vouched(const struct mun_verify *v, const struct mun_note *note, bool *ret_trusted)
{
	bool vouched = false;

	*ret_trusted = false;
	for (size_t i = 0; i + 1 < v->keys_len; i++) {
		const struct mun_verify_key *old = &v->keys[i];
		if (mun_note_check(note, &old->key, NULL, NULL) != MUN_NOTE_VALID)
			continue;
		vouched = true;
		*ret_trusted |= old->trusted;
	}
	return vouched;
}

/* The first checkpoint of a key that follows another carries that one's line too. */
static void check_change(struct mun_verify *v, struct mun_verify_key *key,
                         const struct mun_note *note)
{
	bool trusted;

	if (key->used)
		return;
	key->used = true;
	if (v->keys_len == 1)
		return;
	if (!is_vouched(v, note, &trusted))
		mun_verify_note(v, key->seq,
		                "the key changes here, and the old key has not signed the change");
	key->trusted |= trusted;
}

static void check_note(struct mun_verify *v, uint64_t size, const struct mun_note *note)
{
	struct mun_verify_key *key = v->keys_len > 0 ? &v->keys[v->keys_len - 1] : NULL;
	unsigned long long n = size;

	if (!key) {
		mun_verify_odd(v, MUN_NO_SEQ, "checkpoint of %llu entries: no key is added below",
		               n);
		return;
	}
	switch (mun_note_check(note, &key->key, NULL, NULL)) {
	case MUN_NOTE_VALID:
		check_change(v, key, note);
		v->report->signed_size = size;
		mun_vkey_format(v->report->key, &key->key);
		if (key->trusted)
			v->trusted_size = size;
		v->tail = 0;
		break;
	case MUN_NOTE_ABSENT:
		mun_verify_odd(v, MUN_NO_SEQ,
		               "checkpoint of %llu entries is not signed by the key in force", n);
		break;
	case MUN_NOTE_INVALID:
		mun_verify_odd(v, MUN_NO_SEQ, "checkpoint of %llu entries: the signature is false",
		               n);
		break;
	}
}

enum mun_code mun_verify_signature(struct mun_verify *v, uint64_t size, struct mun_err *err)
{
	struct mun_signed s MUN_CLEANUP(mun_signed_done);
	struct mun_checkpoint c;
	struct mun_note note;
	struct mun_err why;

	mun_signed_init(&s);
	enum mun_code code =
		size > 0 ? mun_source_checkpoint(v->source, size - 1, &s, err) : MUN_E_NOTFOUND;
	if (code == MUN_E_NOTFOUND || code == MUN_E_CORRUPT) {
		mun_verify_bad(v, MUN_NO_SEQ, "checkpoint of %llu entries went away",
		               (unsigned long long)size);
		return MUN_OK;
	}
	if (code == MUN_OK)
		code = mun_checkpoint_read(&c, &note, mun_buf_str(&s.note), s.note.len, &why);
	if (code == MUN_OK)
		check_note(v, size, &note);
	return code == MUN_E_INPUT ? MUN_OK : code;
}

static bool is_receipt(const char *data, size_t len, const uint8_t *receipt)
{
	uint8_t hash[MUN_SHA256_LEN];

	mun_sha256(hash, data, len);
	return memcmp(hash, receipt, sizeof(hash)) == 0;
}

/* A raw reply, or a cosignature line without its newline. */
static bool has_receipt(const struct mun_signed *s, const struct mun_note *note,
                        const uint8_t *receipt)
{
	const char *stamps = mun_buf_str(&s->stamp);

	for (size_t i = 0; i < s->stamps_len; i++)
		if (is_receipt(stamps + s->stamps[i].at, s->stamps[i].len, receipt))
			return true;
	for (size_t i = 0; i < note->sig_len; i++)
		if (note->sig[i].len > 0 &&
		    is_receipt(note->sig[i].line, note->sig[i].len - 1, receipt))
			return true;
	return false;
}

enum mun_code mun_verify_named(struct mun_verify *v, uint64_t seq, uint64_t size,
                               const uint8_t *root, const uint8_t *receipt, struct mun_err *err)
{
	struct mun_signed s MUN_CLEANUP(mun_signed_done);
	const char *who = seq == MUN_NO_SEQ ? "the high-water mark " : "";
	struct mun_checkpoint c;
	struct mun_note note;

	mun_signed_init(&s);
	enum mun_code code =
		size > 0 ? mun_source_checkpoint(v->source, size - 1, &s, err) : MUN_E_NOTFOUND;
	if (code == MUN_OK && s.size == size)
		code = mun_checkpoint_read(&c, &note, mun_buf_str(&s.note), s.note.len, err);
	else if (code == MUN_OK)
		code = MUN_E_NOTFOUND;
	if (code == MUN_E_INPUT || code == MUN_E_CORRUPT)
		return MUN_OK; /* told where all checkpoints are read */
	if (code == MUN_E_NOTFOUND) {
		mun_verify_odd(v, seq, "%snames the checkpoint of %llu entries, which is gone", who,
		               (unsigned long long)size);
		return MUN_OK;
	}
	if (code != MUN_OK)
		return code;
	if (root && memcmp(root, c.root, sizeof(c.root)) != 0)
		mun_verify_odd(v, seq, "names another checkpoint of %llu entries",
		               (unsigned long long)size);
	if (receipt && !has_receipt(&s, &note, receipt))
		mun_verify_odd(v, seq, "the receipt that it names for %llu entries is gone",
		               (unsigned long long)size);
	return MUN_OK;
}

/* Where nothing is signed there is nothing that a key could vouch for. */
static void check_given(struct mun_verify *v)
{
	const struct mun_verdict_report *r = v->report;

	if (v->trusted_size == 0)
		mun_verify_bad(v, MUN_NO_SEQ, "no checkpoint is signed by the key that was given");
	else if (v->trusted_size < r->signed_size)
		mun_verify_bad(v, v->keys[v->keys_len - 1].seq,
		               "from here on signed by a key to which the one that was given does "
		               "not lead");
}

static void say_signed(struct mun_verify *v)
{
	const struct mun_verdict_report *r = v->report;

	if (r->signed_size == 0 && v->keys_len == 0)
		mun_verify_note(v, MUN_NO_SEQ, "unsigned: no key has signed this journal");
	else if (r->signed_size == 0)
		mun_verify_note(v, MUN_NO_SEQ,
		                "unsigned: it has a key, and nothing is signed by it");
	else
		mun_verify_checked(v, "signatures and key changes, up to %llu entries",
		                   (unsigned long long)r->signed_size);
	if (r->signed_size > 0 && v->tail > 0)
		mun_verify_note(v, v->tail_from, "unsigned tail: %llu entries from here on",
		                (unsigned long long)v->tail);
}

void mun_verify_keys_end(struct mun_verify *v)
{
	const struct mun_verdict_report *r = v->report;

	say_signed(v);
	if (v->o->log_keys_len > 0)
		check_given(v);
	if (v->o->log_keys_len > 0 && v->o->log_keys_from)
		mun_verify_not_checked(v, "whose key this is: it was taken from %.200s",
		                       v->o->log_keys_from);
	else if (v->o->log_keys_len == 0 && r->key[0])
		mun_verify_not_checked(v, "whose key this is: it was taken from what is checked "
		                          "(--log-key gives the one received elsewhere)");
}
