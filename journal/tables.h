/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TABLES_H
#define MUN_TABLES_H
/*
 * Names, keys and rows of the tables (FORMAT.md, section 2). Integers are big-endian, so that
 * keys sort as numbers do. The first eight tables are primary; the rest is made of them.
 */
#include "journal/fold.h"
#include "journal/journal.h"
#include "lib/store.h"
#include "lib/tlog/tree.h"
enum mun_table {
	MUN_T_LOG,
	MUN_T_TREE,
	MUN_T_HEAD,
	MUN_T_BODY,
	MUN_T_LIST,
	MUN_T_COLUMN,
	MUN_T_CHECKPOINT,
	MUN_T_META,
	MUN_T_PLAN,
	MUN_T_PLAN_ORDER,
	MUN_T_BATCH,
	MUN_T_BATCH_ORDER,
	MUN_T_ITEM,
	MUN_T_OPEN,
	MUN_T_EXCHANGE,
	MUN_T_BY_RUN,
	MUN_T_BY_TIME,
	MUN_T_BY_BATCH,
	MUN_T_KEY,
	MUN_T_WINDOW,
	MUN_TABLES
};
#define MUN_T_FIRST_PROJECTION MUN_T_PLAN
extern const char *const mun_table_names[MUN_TABLES];
#define MUN_BLOCK_ENTRIES 256 /* of by_time and by_batch */

struct mun_key { /* of any table */
	uint8_t bytes[64];
	size_t len;
};
static inline struct mun_val mun_key_val(const struct mun_key *k)
{
	return mun_val(k->bytes, k->len);
}
struct mun_key mun_key_u64(uint64_t n);                                /* log, tree, body, … */
struct mun_key mun_key_ref(const struct mun_ref *ref);                 /* plan, batch */
struct mun_key mun_key_item(const struct mun_ref *ref, uint32_t item); /* list, item, open, … */
struct mun_key mun_key_block(const struct mun_ref *batch, uint64_t block);
struct mun_key mun_key_run(const struct mun_id *org, const struct mun_id *run,
                           const struct mun_ref *plan, uint32_t item);
#define MUN_KEY_RUN_PREFIX (2 * MUN_ID_LEN)

#define MUN_ROW_MAX 512
struct mun_row_bytes {
	uint8_t bytes[MUN_ROW_MAX];
	size_t len;
};
void mun_plan_pack(struct mun_row_bytes *ret, const struct mun_plan *row);
void mun_batch_pack(struct mun_row_bytes *ret, const struct mun_batch *row);
void mun_item_pack(struct mun_row_bytes *ret, const struct mun_item *row);
void mun_exchange_pack(struct mun_row_bytes *ret, const struct mun_exchange *row);
/* CORRUPT: not a row of this format. */
enum mun_code mun_plan_unpack(struct mun_plan *ret, struct mun_val v, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_batch_unpack(struct mun_batch *ret, struct mun_val v, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_item_unpack(struct mun_item *ret, struct mun_val v, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_exchange_unpack(struct mun_exchange *ret, struct mun_val v, struct mun_err *err)
	MUN_MUST_CHECK;
/* Size and right edge. */
void mun_tree_pack(uint8_t ret[static 8 + MUN_TREE_LEVELS * MUN_SHA256_LEN], size_t *ret_len,
                   const struct mun_tree *t);
enum mun_code mun_tree_unpack(struct mun_tree *ret, struct mun_val v, struct mun_err *err)
	MUN_MUST_CHECK;

/* One row of a table; NOTFOUND leaves err alone. */
enum mun_code mun_get_plan(struct mun_txn *t, const struct mun_ref *plan, struct mun_plan *ret,
                           struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_get_batch(struct mun_txn *t, const struct mun_ref *batch, struct mun_batch *ret,
                            struct mun_err *err) MUN_MUST_CHECK;
/* Its row as stored: an untouched item is NOTFOUND. */
enum mun_code mun_get_item(struct mun_txn *t, const struct mun_ref *batch, uint32_t item,
                           struct mun_item *ret, struct mun_err *err) MUN_MUST_CHECK;
/* As it stands in its batch, untouched or not: never NOTFOUND. */
enum mun_code mun_get_item_of(struct mun_txn *t, const struct mun_batch *batch, uint32_t item,
                              struct mun_item *ret, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_get_exchange(struct mun_txn *t, uint64_t seq, struct mun_exchange *ret,
                               struct mun_err *err) MUN_MUST_CHECK;
/* An empty journal has an empty tree. */
enum mun_code mun_get_tree(struct mun_txn *t, struct mun_tree *ret, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
