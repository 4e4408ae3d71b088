/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "journal/checkpoint_impl.h"
#include "journal/mark.h"
#include "journal/prove_impl.h"
#include "lib/cursor.h"

#define UNSIGNED_MAX UINT64_C(1000000)
#define SLICE        UINT64_C(4096)

enum mun_code mun_checkpoint_key(struct mun_txn *t, uint64_t size, struct mun_vkey *ret,
                                 uint64_t *ret_seq, struct mun_err *err)
{
	MUN_CLEANUP(mun_iter_closep) struct mun_iter *it = NULL;
	struct mun_key k = mun_key_u64(size - 1);
	char text[MUN_VKEY_TEXT];
	struct mun_val key, vkey;
	enum mun_code code;

	if (size == 0)
		return MUN_E_NOTFOUND;
	code = mun_iter_open(&it, t, MUN_T_KEY, err);
	if (code == MUN_OK)
		code = mun_iter_seek_last(it, mun_key_val(&k), &key, &vkey, err);
	if (code != MUN_OK)
		return code;
	if (key.len != 8 || vkey.len >= sizeof(text))
		return mun_fail(err, MUN_E_CORRUPT, "a row of table key is damaged");
	memcpy(text, vkey.data, vkey.len);
	text[vkey.len] = '\0';
	code = mun_vkey_parse(ret, text, err);
	if (code == MUN_OK)
		*ret_seq = mun_get_u64(key.data);
	return code == MUN_E_INPUT ? mun_wrap(err, MUN_E_CORRUPT, "a row of table key") : code;
}

enum mun_code mun_journal_key(struct mun_journal *j, uint64_t size, struct mun_vkey *ret,
                              uint64_t *ret_seq, struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code != MUN_OK)
		return code;
	code = mun_checkpoint_key(t, size, ret, ret_seq, err);
	if (code != MUN_E_NOTFOUND)
		return mun_journal_failed(j, code, err);
	(void)mun_fail(err, MUN_E_NOTFOUND, "this journal has no signing key");
	mun_hint(err, "muniment checkpoint makes one");
	return MUN_E_NOTFOUND;
}

/* Quotation marks inside strings are escaped, so this is a member: perhaps one of the labels. */
static bool has_kind(struct mun_val line, enum mun_kind kind)
{
	char mark[64];
	int len = snprintf(mark, sizeof(mark), "\"kind\":\"%s\"", mun_kind_name(kind));

	return memmem(line.data, line.len, mark, (size_t)len) != NULL;
}

static enum mun_code is_bookkeeping(struct mun_val line, bool *ret, struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_entry e;
	enum mun_code code;

	*ret = false;
	if (!has_kind(line, MUN_K_ANCHORED) && !has_kind(line, MUN_K_EXPORTED))
		return MUN_OK;
	code = mun_entry_decode(&e, &owner, line.data, line.len, err);
	if (code == MUN_OK)
		*ret = mun_kind_is_bookkeeping(e.kind);
	return code;
}

/* Entries from *seq up to end that are not bookkeeping, at most max; *seq is behind the last. */
static enum mun_code count_unsigned(struct mun_txn *t, uint64_t *seq, uint64_t end, uint64_t max,
                                    uint64_t *count, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (uint64_t n = 0; code == MUN_OK && n < max && *seq < end; ++*seq) {
		struct mun_key k = mun_key_u64(*seq);
		struct mun_val line;
		bool bookkeeping = false;

		code = mun_txn_get(t, MUN_T_LOG, mun_key_val(&k), &line, err);
		if (code == MUN_E_NOTFOUND)
			return mun_fail(err, MUN_E_CORRUPT, "entry #%llu is missing",
			                (unsigned long long)*seq);
		if (code == MUN_OK)
			code = is_bookkeeping(line, &bookkeeping, err);
		n += !bookkeeping;
		*count += !bookkeeping;
	}
	return code;
}

static enum mun_code bounds(struct mun_journal *j, uint64_t *ret_signed, uint64_t *ret_size,
                            struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	MUN_CLEANUP(mun_signed_done) struct mun_signed newest;
	struct mun_tree tree = { .size = 0 };
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	mun_signed_init(&newest);
	if (code == MUN_OK)
		code = mun_get_tree(t, &tree, err);
	if (code == MUN_OK)
		code = mun_checkpoint_row(t, MUN_NO_SEQ, &newest, err);
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	*ret_signed = newest.size;
	*ret_size = tree.size;
	return MUN_OK;
}

enum mun_code mun_checkpoint_unsigned(struct mun_journal *j, uint64_t *ret, struct mun_err *err)
{
	uint64_t seq = 0, size = 0, count = 0;
	enum mun_code code = bounds(j, &seq, &size, err);

	if (code == MUN_OK && seq < size && size - seq > UNSIGNED_MAX) {
		*ret = size - seq;
		return MUN_OK;
	}
	while (code == MUN_OK && seq < size) { /* in slices: no reader stays for long */
		MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;

		code = mun_journal_begin_read(&t, j, err);
		if (code == MUN_OK)
			code = count_unsigned(t, &seq, size, SLICE, &count, err);
	}
	if (code == MUN_OK)
		*ret = count;
	return mun_journal_failed(j, code, err);
}

/* The older (size, root) is in the past of the head. */
static enum mun_code check_past(struct mun_txn *t, const struct mun_checkpoint *old,
                                const struct mun_checkpoint *head, struct mun_err *err)
{
	struct mun_proof p;
	enum mun_code code;

	if (old->size > head->size)
		return mun_fail(err, MUN_E_JOURNAL,
		                "it has %llu entries, but %llu are signed: an older copy, or its "
		                "newest entries are gone",
		                (unsigned long long)head->size, (unsigned long long)old->size);
	code = mun_proof_consistency(&p, old->size, head->size, mun_prove_node, t, err);
	if (code == MUN_OK &&
	    !mun_proof_consistent(old->size, old->root, head->size, head->root, &p))
		return mun_fail(err, MUN_E_JOURNAL,
		                "its first %llu entries are not those that were signed",
		                (unsigned long long)old->size);
	return code;
}

static enum mun_code check_key(struct mun_txn *t, const struct mun_journal *j,
                               const struct mun_signing *k, uint64_t size, struct mun_err *err)
{
	struct mun_vkey in_force;
	uint64_t seq;
	enum mun_code code = mun_checkpoint_key(t, size, &in_force, &seq, err);

	if (code == MUN_E_NOTFOUND)
		return mun_fail(err, MUN_E_CREDENTIAL, "the journal has no signing key");
	if (code != MUN_OK)
		return code;
	if (!mun_vkey_equal(&in_force, &k->key))
		return mun_fail(err, MUN_E_CREDENTIAL,
		                "another key signs this journal, since entry #%llu",
		                (unsigned long long)seq);
	if (strcmp(k->key.name, j->id.origin) != 0)
		return mun_fail(err, MUN_E_CREDENTIAL, "the key's name is not the journal's");
	return MUN_OK;
}

/* What is to be signed, after all checks; *ret_done: *newest is to be used as it is. */
static enum mun_code look(struct mun_journal *j, const struct mun_signing *k,
                          struct mun_checkpoint *ret, struct mun_signed *newest, bool *ret_done,
                          struct mun_err *err)
{
	MUN_CLEANUP(mun_txn_abortp) struct mun_txn *t = NULL;
	struct mun_checkpoint old;
	struct mun_tree tree;
	uint64_t seq, count = 0;
	enum mun_code code = mun_journal_begin_read(&t, j, err);

	if (code == MUN_OK)
		code = mun_get_tree(t, &tree, err);
	if (code == MUN_OK)
		code = check_key(t, j, k, tree.size, err);
	if (code != MUN_OK)
		return code;
	memcpy(ret->origin, j->id.origin, sizeof(j->id.origin));
	ret->size = tree.size;
	mun_tree_root(&tree, ret->root);
	code = mun_checkpoint_row(t, MUN_NO_SEQ, newest, err);
	*ret_done = false;
	if (code == MUN_E_NOTFOUND)
		return MUN_OK;
	if (code == MUN_OK)
		code = mun_checkpoint_of(j, newest, &old, err);
	if (code == MUN_OK)
		code = check_past(t, &old, ret, err);
	seq = newest->size;
	if (code == MUN_OK)
		code = count_unsigned(t, &seq, tree.size, 1, &count, err);
	*ret_done = count == 0;
	return code;
}

/* Another line of this journal is known outside: whatever is signed now only feeds the fork. */
static enum mun_code check_alarm(struct mun_journal *j, struct mun_err *err)
{
	struct mun_mark_state state;
	enum mun_code code = mun_mark_compare(j, &state, err);

	if (code == MUN_OK && state.fit == MUN_MARK_ALARMED)
		return mun_fail(err, MUN_E_JOURNAL, "%s; nothing more is signed", state.mark.alarm);
	return code;
}

static enum mun_code write_note(struct mun_buf *ret, const struct mun_checkpoint *c,
                                const struct mun_signing *k, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf lines;
	size_t text_len;
	enum mun_code code;

	mun_buf_init(&lines, MUN_NOTE_MAX);
	mun_checkpoint_format(ret, c);
	text_len = ret->len;
	mun_buf_putc(ret, '\n');
	code = mun_buf_check(ret, "a checkpoint", err);
	if (code != MUN_OK)
		return code;
	mun_note_sign(&lines, ret->data, text_len, &k->key, k->secret, 0);
	if (k->old_secret != NULL)
		mun_note_sign(&lines, ret->data, text_len, &k->old_key, k->old_secret, 0);
	code = mun_buf_check(&lines, "a signature", err);
	mun_buf_add(ret, lines.data, lines.len);
	return code == MUN_OK ? mun_buf_check(ret, "a checkpoint", err) : code;
}

static enum mun_code sign(struct mun_journal *j, const struct mun_signing *k,
                          struct mun_signed *ret, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf note;
	struct mun_checkpoint head = { .size = 0 };
	bool done = false;
	enum mun_code code = check_alarm(j, err);

	mun_buf_init(&note, MUN_NOTE_MAX);
	if (code == MUN_OK)
		code = look(j, k, &head, ret, &done, err);
	if (code != MUN_OK || done)
		return code;
	code = write_note(&note, &head, k, err);
	if (code == MUN_OK)
		code = mun_checkpoint_put(j, head.size, note.data, note.len, err);
	return code == MUN_OK ? mun_checkpoint_newest(j, head.size, ret, err) : code;
}

enum mun_code mun_checkpoint_sign(struct mun_journal *j, const struct mun_signing *k,
                                  struct mun_signed *ret, struct mun_err *err)
{
	enum mun_code code = sign(j, k, ret, err);

	if (code == MUN_E_CREDENTIAL)
		return code;
	return mun_journal_failed(j, code == MUN_E_CORRUPT ? MUN_E_JOURNAL : code, err);
}
