/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "journal/drill_impl.h"
#include "lib/cursor.h"
#include "lib/file.h"

#define ENTRIES_MAX 10000
#define BYTES_MAX   ((size_t)128 << 20)
#define TAIL        4 /* entries between the two checkpoints */
#define MAP_ROOM    ((size_t)1 << 30)

enum mun_code mun_drill_line(struct mun_txn *t, uint64_t seq, struct mun_buf *ret,
                             struct mun_err *err)
{
	struct mun_key key = mun_key_u64(seq);
	struct mun_val v;

	enum mun_code code = mun_txn_get(t, MUN_T_LOG, mun_key_val(&key), &v, err);
	if (code != MUN_OK)
		return code == MUN_E_NOTFOUND
		               ? mun_fail(err, MUN_E_CORRUPT, "entry #%llu is missing",
		                          (unsigned long long)seq)
		               : code;
	mun_buf_clear(ret);
	mun_buf_add(ret, v.data, v.len);
	return mun_buf_check(ret, "an entry", err);
}

enum mun_code mun_drill_put_line(struct mun_txn *t, uint64_t seq, const struct mun_buf *line,
                                 struct mun_err *err)
{
	struct mun_key key = mun_key_u64(seq);

	return mun_txn_put(t, MUN_T_LOG, mun_key_val(&key), mun_val(mun_buf_str(line), line->len),
	                   err);
}

static enum mun_code put_node(struct mun_txn *t, uint64_t index, const uint8_t hash[static 32],
                              struct mun_err *err)
{
	struct mun_key key = mun_key_u64(index);

	return mun_txn_put(t, MUN_T_TREE, mun_key_val(&key), mun_val(hash, MUN_SHA256_LEN), err);
}

enum mun_code mun_drill_tree(struct mun_txn *t, uint64_t size, uint8_t ret_root[static 32],
                             struct mun_err *err)
{
	uint8_t leaf[MUN_SHA256_LEN], made[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	uint8_t head[8 + MUN_TREE_LEVELS * MUN_SHA256_LEN];
	struct mun_tree tree;
	size_t len;
	enum mun_code code = MUN_OK;

	mun_tree_init(&tree);
	for (uint64_t seq = 0; code == MUN_OK && seq < size; seq++) {
		struct mun_key key = mun_key_u64(seq);
		struct mun_val v;
		code = mun_txn_get(t, MUN_T_LOG, mun_key_val(&key), &v, err);
		if (code != MUN_OK)
			break;
		mun_tree_leaf(leaf, v.data, v.len);
		unsigned n = mun_tree_push(&tree, leaf, made);
		for (unsigned i = 0; code == MUN_OK && i < n; i++)
			code = put_node(t, mun_tree_stored(seq) + i, made[i], err);
	}
	if (code != MUN_OK)
		return code == MUN_E_NOTFOUND ? MUN_E_CORRUPT : code;
	mun_tree_root(&tree, ret_root);
	mun_tree_pack(head, &len, &tree);
	return mun_txn_put(t, MUN_T_HEAD, mun_val("head", 4), mun_val(head, len), err);
}

enum mun_code mun_drill_sign(struct mun_drill *d, struct mun_txn *t, uint64_t size,
                             const uint8_t root[static 32], const struct mun_vkey *key,
                             const struct mun_secret *secret, struct mun_err *err)
{
	struct mun_buf row MUN_BUF_CLEANUP, text MUN_BUF_CLEANUP, note MUN_BUF_CLEANUP;
	struct mun_checkpoint c = { .size = size };
	struct mun_key at = mun_key_u64(size);
	uint8_t len[8];

	mun_buf_init(&row, MUN_NOTE_MAX + 8);
	mun_buf_init(&text, MUN_NOTE_MAX);
	mun_buf_init(&note, MUN_NOTE_MAX);
	(void)snprintf(c.origin, sizeof(c.origin), "%s", d->origin);
	memcpy(c.root, root, sizeof(c.root));
	mun_checkpoint_format(&text, &c);
	mun_buf_add(&note, mun_buf_str(&text), text.len);
	mun_buf_putc(&note, '\n');
	if (secret)
		mun_note_sign(&note, mun_buf_str(&text), text.len, key, secret, 0);
	mun_put_u32(len, (uint32_t)note.len);
	mun_put_u32(len + 4, (uint32_t)note.len);
	mun_buf_add(&row, len, sizeof(len));
	mun_buf_add(&row, mun_buf_str(&note), note.len);
	enum mun_code code = mun_buf_check(&row, "a checkpoint", err);
	return code == MUN_OK ? mun_txn_put(t, MUN_T_CHECKPOINT, mun_key_val(&at),
	                                    mun_val(mun_buf_str(&row), row.len), err)
	                      : code;
}

struct copying {
	struct mun_drill *d;
	struct mun_txn *from, *to;
	size_t bytes;
	struct mun_buf line;
};

static enum mun_code copy_row(struct copying *c, enum mun_table table, struct mun_val key,
                              struct mun_err *err)
{
	struct mun_val v;

	enum mun_code code = mun_txn_get(c->from, table, key, &v, err);
	if (code == MUN_E_NOTFOUND)
		return MUN_OK;
	c->bytes += v.len + key.len;
	return code == MUN_OK ? mun_txn_put(c->to, table, key, v, err) : code;
}

static enum mun_code copy_list(struct copying *c, const struct mun_entry *e, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (uint32_t item = 0; code == MUN_OK && item < e->u.plan.items; item++) {
		struct mun_key key = mun_key_item(&e->u.plan.plan, item);
		code = copy_row(c, MUN_T_LIST, mun_key_val(&key), err);
	}
	return code;
}

static enum mun_code copy_entry(struct copying *c, uint64_t seq, struct mun_err *err)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	struct mun_key key = mun_key_u64(seq);
	struct mun_entry e;

	enum mun_code code = mun_drill_line(c->from, seq, &c->line, err);
	if (code == MUN_OK)
		code = mun_entry_decode(&e, &owner, mun_buf_str(&c->line), c->line.len, err);
	if (code == MUN_OK)
		code = mun_drill_put_line(c->to, seq, &c->line, err);
	c->bytes += c->line.len;
	if (code == MUN_OK)
		code = copy_row(c, MUN_T_BODY, mun_key_val(&key), err);
	if (code == MUN_OK && e.kind == MUN_K_PLAN_STORED)
		code = copy_list(c, &e, err);
	return code;
}

static enum mun_code copy_meta(struct copying *c, struct mun_err *err)
{
	static const char *const names[] = { MUN_META_FORMAT, MUN_META_ID, MUN_META_ORIGIN,
		                             MUN_META_FINGERPRINT, MUN_META_SALT };
	enum mun_code code = MUN_OK;

	for (size_t i = 0; code == MUN_OK && i < MUN_ARRAY_LEN(names); i++)
		code = copy_row(c, MUN_T_META, mun_text_val(names[i]), err);
	return code;
}

/* Those whose entries are all there, but for one of the newest: the drill changes that. */
static enum mun_code copy_checkpoints(struct copying *c, uint64_t size, struct mun_err *err)
{
	struct mun_iter *it MUN_CLEANUP(mun_iter_closep) = NULL;
	struct mun_val key, v;

	enum mun_code code = mun_iter_open(&it, c->from, MUN_T_CHECKPOINT, err);
	if (code == MUN_OK)
		code = mun_iter_seek(it, mun_val(NULL, 0), &key, &v, err);
	while (code == MUN_OK && key.len == 8 && mun_get_u64(key.data) <= size) {
		code = mun_txn_put(c->to, MUN_T_CHECKPOINT, key, v, err);
		if (code == MUN_OK)
			code = mun_iter_next(it, &key, &v, err);
	}
	return code == MUN_E_NOTFOUND ? MUN_OK : code;
}

/* An entry of our own behind those that were copied. */
static enum mun_code add_entry(struct mun_drill *d, struct mun_txn *to, struct mun_entry *e,
                               struct mun_err *err)
{
	struct mun_buf line MUN_BUF_CLEANUP;
	struct mun_now now;

	mun_journal_now(d->from, &now);
	e->seq = d->size;
	e->item = MUN_NO_ITEM;
	e->time_us = now.real_us;
	e->uptime_ms = (uint64_t)now.uptime_ms;
	memcpy(e->boot, now.boot_id, sizeof(e->boot));
	mun_buf_init(&line, MUN_ENTRY_MAX);
	enum mun_code code = mun_entry_encode(&line, e, err);
	return code == MUN_OK ? mun_drill_put_line(to, d->size++, &line, err) : code;
}

static enum mun_code add_key(struct mun_drill *d, struct mun_txn *to, struct mun_err *err)
{
	char vkey[MUN_VKEY_TEXT], previous[MUN_VKEY_TEXT] = "";
	struct mun_entry e = { .kind = MUN_K_KEY_ADDED };
	struct mun_vkey old;
	uint64_t seq;

	enum mun_code code = mun_journal_key(d->from, d->size, &old, &seq, err);
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	if (code == MUN_OK)
		mun_vkey_format(previous, &old);
	mun_vkey_format(vkey, &d->key);
	e.u.key.vkey = vkey;
	e.u.key.previous = previous[0] ? previous : NULL;
	e.u.key.reason = "a drill";
	e.u.key.operator_ = (struct mun_operator){ .user = "drill", .host = "drill" };
	return add_entry(d, to, &e, err);
}

static enum mun_code add_tail(struct mun_drill *d, struct mun_txn *to, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (unsigned i = 0; code == MUN_OK && i < TAIL; i++) {
		struct mun_entry e = { .kind = MUN_K_TOKEN_ADDED };
		e.u.token.name = "drill";
		e.u.token.token = "00000000000000000000000000000000";
		e.u.token.base_url = "https://drill.invalid";
		code = add_entry(d, to, &e, err);
	}
	return code;
}

static enum mun_code copy_entries(struct copying *c, struct mun_err *err)
{
	struct mun_drill *d = c->d;
	struct mun_tree tree;

	enum mun_code code = mun_get_tree(c->from, &tree, err);
	if (code == MUN_OK)
		code = copy_meta(c, err);
	while (code == MUN_OK && d->size < tree.size && d->size < ENTRIES_MAX &&
	       c->bytes < BYTES_MAX)
		code = copy_entry(c, d->size++, err);
	return code == MUN_OK ? copy_checkpoints(c, d->size - 1, err) : code;
}

static enum mun_code sign_head(struct mun_drill *d, struct mun_txn *to, struct mun_checkpoint *ret,
                               struct mun_err *err)
{
	(void)snprintf(ret->origin, sizeof(ret->origin), "%s", d->origin);
	ret->size = d->size;
	enum mun_code code = mun_drill_tree(to, d->size, ret->root, err);
	return code == MUN_OK ? mun_drill_sign(d, to, d->size, ret->root, &d->key, &d->secret, err)
	                      : code;
}

static enum mun_code fill(struct mun_drill *d, struct mun_txn *to, struct mun_err *err)
{
	struct mun_txn *from MUN_CLEANUP(mun_txn_abortp) = NULL;
	struct copying c = { .d = d, .to = to };
	struct mun_checkpoint newest;

	mun_buf_init(&c.line, MUN_ENTRY_MAX + 1);
	enum mun_code code = mun_store_read(&from, mun_journal_store(d->from), err);
	c.from = from;
	if (code == MUN_OK)
		code = copy_entries(&c, err);
	mun_buf_done(&c.line);
	mun_txn_abortp(&from);
	if (code == MUN_OK)
		code = add_key(d, to, err);
	if (code == MUN_OK)
		code = sign_head(d, to, &d->kept.checkpoint, err);
	if (code == MUN_OK)
		code = add_tail(d, to, err);
	return code == MUN_OK ? sign_head(d, to, &newest, err) : code;
}

static enum mun_code make_base(struct mun_drill *d, const char *dir, struct mun_err *err)
{
	const struct mun_store_options options = { .tables = mun_table_names,
		                                   .tables_len = MUN_TABLES,
		                                   .map_bytes = MAP_ROOM };
	struct mun_store *store MUN_CLEANUP(mun_store_closep) = NULL;
	struct mun_txn *to MUN_CLEANUP(mun_txn_abortp) = NULL;

	enum mun_code code = mun_store_open(&store, dir, &options, err);
	if (code == MUN_OK)
		code = mun_store_write(&to, store, err);
	if (code == MUN_OK)
		code = fill(d, to, err);
	return code == MUN_OK ? mun_txn_commit(MUN_STEAL(to), err) : code;
}

/* The tables that follow from it. */
static enum mun_code make_tables(const char *dir, const struct mun_clock *clock,
                                 struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;
	const struct mun_journal_options options = {
		.dir = dir, .mode = MUN_JOURNAL_REBUILD, .clock = clock, .version = "drill"
	};

	enum mun_code code = mun_journal_open(&j, &options, err);
	return code == MUN_OK ? mun_journal_rebuild(j, err) : code;
}

enum mun_code mun_drill_copy(struct mun_drill *d, struct mun_err *err)
{
	char dir[4096];

	int len = snprintf(dir, sizeof(dir), "%s/base", d->dir);
	if (len < 0 || (size_t)len >= sizeof(dir))
		return mun_fail(err, MUN_E_IO, "the path of the drill's folder is too long");
	enum mun_code code = mun_dir_make(dir, 0700, err);
	if (code == MUN_OK)
		code = make_base(d, dir, err);
	return code == MUN_OK ? make_tables(dir, d->from->clock, err) : code;
}
