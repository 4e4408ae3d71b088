/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/tables.h"

#include <string.h>

#include "lib/cursor.h"

const char *const mun_table_names[MUN_TABLES] = {
	[MUN_T_LOG] = "log",
	[MUN_T_TREE] = "tree",
	[MUN_T_HEAD] = "head",
	[MUN_T_BODY] = "body",
	[MUN_T_LIST] = "list",
	[MUN_T_COLUMN] = "column",
	[MUN_T_CHECKPOINT] = "checkpoint",
	[MUN_T_META] = "meta",
	[MUN_T_PLAN] = "plan",
	[MUN_T_PLAN_ORDER] = "plan_order",
	[MUN_T_BATCH] = "batch",
	[MUN_T_BATCH_ORDER] = "batch_order",
	[MUN_T_ITEM] = "item",
	[MUN_T_OPEN] = "open",
	[MUN_T_EXCHANGE] = "exchange",
	[MUN_T_BY_RUN] = "by_run",
	[MUN_T_BY_TIME] = "by_time",
	[MUN_T_BY_BATCH] = "by_batch",
	[MUN_T_KEY] = "key",
	[MUN_T_WINDOW] = "window",
};

static void key_add(struct mun_key *k, const void *data, size_t len)
{
	memcpy(k->bytes + k->len, data, len);
	k->len += len;
}

static void key_add_u32(struct mun_key *k, uint32_t n)
{
	mun_put_u32(k->bytes + k->len, n);
	k->len += 4;
}

static void key_add_u64(struct mun_key *k, uint64_t n)
{
	mun_put_u64(k->bytes + k->len, n);
	k->len += 8;
}

struct mun_key mun_key_u64(uint64_t n)
{
	struct mun_key k = { .len = 0 };

	key_add_u64(&k, n);
	return k;
}

struct mun_key mun_key_ref(const struct mun_ref *ref)
{
	struct mun_key k = { .len = 0 };

	key_add(&k, ref->bytes, MUN_REF_LEN);
	return k;
}

struct mun_key mun_key_item(const struct mun_ref *ref, uint32_t item)
{
	struct mun_key k = { .len = 0 };

	key_add(&k, ref->bytes, MUN_REF_LEN);
	key_add_u32(&k, item);
	return k;
}

struct mun_key mun_key_block(const struct mun_ref *batch, uint64_t block)
{
	struct mun_key k = { .len = 0 };

	key_add(&k, batch->bytes, MUN_REF_LEN);
	key_add_u64(&k, block);
	return k;
}

struct mun_key mun_key_run(const struct mun_id *org, const struct mun_id *run,
                           const struct mun_ref *plan, uint32_t item)
{
	struct mun_key k = { .len = 0 };

	key_add(&k, org->bytes, MUN_ID_LEN);
	key_add(&k, run->bytes, MUN_ID_LEN);
	key_add(&k, plan->bytes, MUN_REF_LEN);
	key_add_u32(&k, item);
	return k;
}

/* One walk over the fields of a row packs and unpacks it, so both have the same order. */
struct row_io {
	struct mun_row_bytes *out; /* NULL when unpacking */
	struct mun_cursor in;
	bool failed;
};

static void io_u64(struct row_io *io, uint64_t *v)
{
	if (io->out != NULL) {
		mun_put_u64(io->out->bytes + io->out->len, *v);
		io->out->len += 8;
	} else {
		*v = mun_cursor_u64(&io->in);
	}
}

static void io_i64(struct row_io *io, int64_t *v)
{
	uint64_t n = (uint64_t)*v;

	io_u64(io, &n);
	*v = (int64_t)n;
}

static void io_u32(struct row_io *io, uint32_t *v)
{
	if (io->out != NULL) {
		mun_put_u32(io->out->bytes + io->out->len, *v);
		io->out->len += 4;
	} else {
		*v = mun_cursor_u32(&io->in);
	}
}

static void io_bytes(struct row_io *io, void *data, size_t len)
{
	const uint8_t *p;

	if (io->out != NULL) {
		memcpy(io->out->bytes + io->out->len, data, len);
		io->out->len += len;
		return;
	}
	p = mun_cursor_bytes(&io->in, len);
	if (p != NULL)
		memcpy(data, p, len);
}

/* A text that has no end within its room was not written by us. */
static void io_text(struct row_io *io, char *text, size_t size)
{
	io_bytes(io, text, size);
	if (text[size - 1] != '\0')
		io->failed = true;
	text[size - 1] = '\0';
}

static unsigned io_small(struct row_io *io, unsigned v, unsigned end)
{
	uint8_t byte = (uint8_t)v;

	io_bytes(io, &byte, 1);
	if (byte < end)
		return byte;
	io->failed = true;
	return 0;
}

#define IO_ENUM(io, field, end) ((field) = (__typeof__(field))io_small((io), (field), (end)))

/* A field that came later stands at the end, where it says something: older rows stay valid. */
static bool io_has_more(const struct row_io *io, bool says)
{
	return io->out != NULL ? says : io->in.left > 0;
}

static void walk_plan(struct row_io *io, struct mun_plan *p)
{
	io_bytes(io, p->plan.bytes, MUN_REF_LEN);
	io_bytes(io, p->batch.bytes, MUN_REF_LEN);
	IO_ENUM(io, p->state, MUN_PLAN_DISCARDED + 1);
	IO_ENUM(io, p->op, MUN_OPS);
	io_bytes(io, p->org.bytes, MUN_ID_LEN);
	io_u32(io, &p->items);
	io_u64(io, &p->duplicates);
	io_u64(io, &p->seq);
	io_i64(io, &p->stored_us);
	if (io_has_more(io, p->adopted)) {
		IO_ENUM(io, p->adopted, 2);
		io->failed |= !p->adopted;
	}
}

static void walk_counts(struct row_io *io, struct mun_counts *n)
{
	io_u64(io, &n->total);
	io_u64(io, &n->done);
	io_u64(io, &n->already);
	io_u64(io, &n->failed);
	io_u64(io, &n->in_doubt);
	io_u64(io, &n->skipped);
	io_u64(io, &n->cancelled);
	io_u64(io, &n->pending);
}

static void walk_batch(struct row_io *io, struct mun_batch *b)
{
	io_bytes(io, b->batch.bytes, MUN_REF_LEN);
	io_bytes(io, b->plan.bytes, MUN_REF_LEN);
	IO_ENUM(io, b->state, MUN_BATCH_STATES);
	io_text(io, b->why, sizeof(b->why));
	IO_ENUM(io, b->op, MUN_OPS);
	io_bytes(io, b->org.bytes, MUN_ID_LEN);
	io_u32(io, &b->epoch);
	io_u32(io, &b->items);
	io_u32(io, &b->next);
	io_u32(io, &b->attempts_limit);
	IO_ENUM(io, b->cancelling, 2);
	IO_ENUM(io, b->cancelled, 2);
	walk_counts(io, &b->counts);
	io_u64(io, &b->in_flight);
	io_u64(io, &b->started_seq);
	io_u64(io, &b->newest_start_seq);
	io_u64(io, &b->last_seq);
	io_u64(io, &b->cancelling_seq);
	io_i64(io, &b->started_us);
	io_i64(io, &b->ended_us);
	if (io_has_more(io, b->doubted_seq != MUN_NO_SEQ)) {
		io_u64(io, &b->doubted_seq);
		io->failed |= b->doubted_seq == MUN_NO_SEQ;
	} else {
		b->doubted_seq = MUN_NO_SEQ;
	}
}

static void walk_item(struct row_io *io, struct mun_item *i)
{
	IO_ENUM(io, i->state, MUN_ITEM_STATES);
	IO_ENUM(io, i->verdict, MUN_VERDICTS);
	IO_ENUM(io, i->how, MUN_HOW_DECISION + 1);
	IO_ENUM(io, i->probe_first, 2);
	io_u32(io, &i->attempts);
	io_u32(io, &i->answered);
	io_u32(io, &i->unanswered);
	io_u32(io, &i->extra);
	io_u64(io, &i->request_seq);
	io_u64(io, &i->response_seq);
	io_u64(io, &i->settled_seq);
	io_u64(io, &i->exchange_seq);
	io_u64(io, &i->last_seq);
	io_i64(io, &i->retry_at_us);
	io_text(io, i->archived_at, sizeof(i->archived_at));
}

static void walk_exchange(struct row_io *io, struct mun_exchange *x)
{
	uint32_t http = x->http;

	IO_ENUM(io, x->has_batch, 2);
	io_bytes(io, x->batch.bytes, MUN_REF_LEN);
	io_i64(io, &x->item);
	IO_ENUM(io, x->purpose, MUN_PURPOSES);
	io_u32(io, &x->attempt);
	io_u32(io, &x->epoch);
	IO_ENUM(io, x->verdict, MUN_VERDICTS);
	IO_ENUM(io, x->answer, MUN_VERDICTS);
	IO_ENUM(io, x->how, MUN_HOW_DECISION + 1);
	io_u32(io, &http);
	x->http = http;
	IO_ENUM(io, x->sent, 2);
	io_u64(io, &x->prev_seq);
	io_u64(io, &x->response_seq);
	io_u64(io, &x->settled_seq);
	io_i64(io, &x->sent_us);
	io_i64(io, &x->ended_us);
	io_text(io, x->archived_at, sizeof(x->archived_at));
}

#define ROW(name, type)                                                                     \
	void mun_##name##_pack(struct mun_row_bytes *ret, const type *row)                  \
	{                                                                                   \
		struct row_io io = { .out = ret };                                          \
		type copy = *row;                                                           \
                                                                                            \
		ret->len = 0;                                                               \
		walk_##name(&io, &copy);                                                    \
	}                                                                                   \
	enum mun_code mun_##name##_unpack(type *ret, struct mun_val v, struct mun_err *err) \
	{                                                                                   \
		struct row_io io = { .out = NULL };                                         \
                                                                                            \
		memset(ret, 0, sizeof(*ret));                                               \
		mun_cursor_init(&io.in, v.data, v.len);                                     \
		walk_##name(&io, ret);                                                      \
		if (io.failed || !mun_cursor_at_end(&io.in))                                \
			return mun_fail(err, MUN_E_CORRUPT,                                 \
			                "a row of table " #name " is damaged");             \
		return MUN_OK;                                                              \
	}

ROW(plan, struct mun_plan)
ROW(batch, struct mun_batch)
ROW(item, struct mun_item)
ROW(exchange, struct mun_exchange)

void mun_tree_pack(uint8_t ret[static 8 + MUN_TREE_LEVELS * MUN_SHA256_LEN], size_t *ret_len,
                   const struct mun_tree *t)
{
	mun_put_u64(ret, t->size);
	memcpy(ret + 8, t->edge, (size_t)t->edge_len * MUN_SHA256_LEN);
	*ret_len = 8 + (size_t)t->edge_len * MUN_SHA256_LEN;
}

enum mun_code mun_tree_unpack(struct mun_tree *ret, struct mun_val v, struct mun_err *err)
{
	mun_tree_init(ret);
	if (v.len >= 8) {
		ret->size = mun_get_u64(v.data);
		ret->edge_len = (unsigned)__builtin_popcountll(ret->size);
	}
	if (v.len != 8 + (size_t)ret->edge_len * MUN_SHA256_LEN)
		return mun_fail(err, MUN_E_CORRUPT, "the head is damaged");
	memcpy(ret->edge, (const uint8_t *)v.data + 8, v.len - 8);
	return MUN_OK;
}

enum mun_code mun_get_plan(struct mun_txn *t, const struct mun_ref *plan, struct mun_plan *ret,
                           struct mun_err *err)
{
	struct mun_key k = mun_key_ref(plan);
	struct mun_val v;
	enum mun_code code = mun_txn_get(t, MUN_T_PLAN, mun_key_val(&k), &v, err);

	return code == MUN_OK ? mun_plan_unpack(ret, v, err) : code;
}

enum mun_code mun_get_batch(struct mun_txn *t, const struct mun_ref *batch, struct mun_batch *ret,
                            struct mun_err *err)
{
	struct mun_key k = mun_key_ref(batch);
	struct mun_val v;
	enum mun_code code = mun_txn_get(t, MUN_T_BATCH, mun_key_val(&k), &v, err);

	return code == MUN_OK ? mun_batch_unpack(ret, v, err) : code;
}

enum mun_code mun_get_item(struct mun_txn *t, const struct mun_ref *batch, uint32_t item,
                           struct mun_item *ret, struct mun_err *err)
{
	struct mun_key k = mun_key_item(batch, item);
	struct mun_val v;
	enum mun_code code = mun_txn_get(t, MUN_T_ITEM, mun_key_val(&k), &v, err);

	return code == MUN_OK ? mun_item_unpack(ret, v, err) : code;
}

enum mun_code mun_get_item_of(struct mun_txn *t, const struct mun_batch *batch, uint32_t item,
                              struct mun_item *ret, struct mun_err *err)
{
	enum mun_code code = mun_get_item(t, &batch->batch, item, ret, err);

	if (code == MUN_OK)
		mun_item_in_batch(ret, batch);
	if (code != MUN_E_NOTFOUND)
		return code;
	mun_item_untouched(ret, batch, item);
	return MUN_OK;
}

enum mun_code mun_get_exchange(struct mun_txn *t, uint64_t seq, struct mun_exchange *ret,
                               struct mun_err *err)
{
	struct mun_key k = mun_key_u64(seq);
	struct mun_val v;
	enum mun_code code = mun_txn_get(t, MUN_T_EXCHANGE, mun_key_val(&k), &v, err);

	return code == MUN_OK ? mun_exchange_unpack(ret, v, err) : code;
}

enum mun_code mun_get_tree(struct mun_txn *t, struct mun_tree *ret, struct mun_err *err)
{
	struct mun_val v;
	enum mun_code code = mun_txn_get(t, MUN_T_HEAD, mun_val("head", 4), &v, err);

	if (code == MUN_E_NOTFOUND) {
		mun_tree_init(ret);
		return MUN_OK;
	}
	return code == MUN_OK ? mun_tree_unpack(ret, v, err) : code;
}
