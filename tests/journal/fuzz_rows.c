/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the journal's tables. The first byte chooses the table; what unpacks packs again. */
#include "journal/tables.h"
#include "tests/fuzz/fuzz.h"

static enum mun_code again(unsigned which, struct mun_row_bytes *ret, struct mun_val v,
                           struct mun_err *err)
{
	struct mun_plan plan;
	struct mun_batch batch;
	struct mun_item item;
	struct mun_exchange exchange;
	enum mun_code code;

	switch (which) {
	case 0:
		code = mun_plan_unpack(&plan, v, err);
		if (code == MUN_OK)
			mun_plan_pack(ret, &plan);
		return code;
	case 1:
		code = mun_batch_unpack(&batch, v, err);
		if (code == MUN_OK)
			mun_batch_pack(ret, &batch);
		return code;
	case 2:
		code = mun_item_unpack(&item, v, err);
		if (code == MUN_OK)
			mun_item_pack(ret, &item);
		return code;
	default:
		code = mun_exchange_unpack(&exchange, v, err);
		if (code == MUN_OK)
			mun_exchange_pack(ret, &exchange);
		return code;
	}
}

static void check_tree(struct mun_val v)
{
	uint8_t bytes[8 + MUN_TREE_LEVELS * MUN_SHA256_LEN];
	struct mun_tree tree;
	struct mun_err err;
	size_t len;

	if (mun_tree_unpack(&tree, v, &err) != MUN_OK)
		return;
	mun_tree_pack(bytes, &len, &tree);
	assert(len == v.len && memcmp(bytes, v.data, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mun_row_bytes row;
	struct mun_err err;
	struct mun_val v;
	enum mun_code code;

	if (size == 0)
		return 0;
	v = mun_val(data + 1, size - 1);
	if (data[0] % 5 == 4) {
		check_tree(v);
		return 0;
	}
	code = again(data[0] % 5, &row, v, &err);
	if (code != MUN_OK)
		fuzz_check_failure(code, &err);
	else
		assert(row.len == v.len && memcmp(row.bytes, v.data, v.len) == 0);
	return 0;
}
