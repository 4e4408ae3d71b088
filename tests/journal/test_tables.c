/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/tables.h"
#include "tests/test.h"

static const struct mun_ref ref = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 } };
static const struct mun_ref later = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 11 } };

/* As a table sorts them. */
static int order(struct mun_key a, struct mun_key b)
{
	int rc = memcmp(a.bytes, b.bytes, a.len < b.len ? a.len : b.len);

	return rc != 0 ? rc : (a.len > b.len) - (a.len < b.len);
}

static void test_keys_sort_as_numbers_do(void **state)
{
	static const uint64_t n[] = { 0, 1, 255, 256, UINT32_MAX, UINT64_C(1) << 40, UINT64_MAX };
	static const uint32_t m[] = { 0, 1, 255, 256, 65536, UINT32_MAX };
	static const struct mun_id org = { { 1 } }, run = { { 2 } }, other = { { 3 } };

	(void)state;
	for (size_t i = 1; i < MUN_ARRAY_LEN(n); i++) {
		assert_true(order(mun_key_u64(n[i - 1]), mun_key_u64(n[i])) < 0);
		assert_true(order(mun_key_block(&ref, n[i - 1]), mun_key_block(&ref, n[i])) < 0);
	}
	for (size_t i = 1; i < MUN_ARRAY_LEN(m); i++) {
		assert_true(order(mun_key_item(&ref, m[i - 1]), mun_key_item(&ref, m[i])) < 0);
		assert_true(order(mun_key_run(&org, &run, &ref, m[i - 1]),
		                  mun_key_run(&org, &run, &ref, m[i])) < 0);
	}
	/* What belongs together lies together: items of a batch, places of a run. */
	assert_true(order(mun_key_ref(&ref), mun_key_item(&ref, 0)) < 0);
	assert_true(order(mun_key_item(&ref, UINT32_MAX), mun_key_ref(&later)) < 0);
	assert_true(order(mun_key_run(&org, &run, &later, UINT32_MAX),
	                  mun_key_run(&org, &other, &ref, 0)) < 0);
}

static void test_each_table_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MUN_TABLES; i++) {
		assert_non_null(mun_table_names[i]);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(mun_table_names[i], mun_table_names[k]);
	}
}

static void fill_rows(struct mun_row_bytes rows[4])
{
	const struct mun_plan plan = {
		.plan = ref,
		.state = MUN_PLAN_CONSUMED,
		.op = MUN_OP_RESTORE,
		.items = 7,
		.seq = 3,
		.adopted = true,
	};
	const struct mun_batch batch = {
		.batch = ref,
		.state = MUN_B_HALTED,
		.why = "network",
		.doubted_seq = 17,
		.ended_us = MUN_TIME_NONE,
	};
	const struct mun_item item = { .state = MUN_I_IN_DOUBT,
		                       .verdict = MUN_V_UNKNOWN,
		                       .retry_at_us = MUN_TIME_NONE,
		                       .archived_at = "2026-11-23" };
	const struct mun_exchange exchange = { .has_batch = true, .http = 599, .sent = true };

	mun_plan_pack(&rows[0], &plan);
	mun_batch_pack(&rows[1], &batch);
	mun_item_pack(&rows[2], &item);
	mun_exchange_pack(&rows[3], &exchange);
}

/* As unpack and pack again of one of the tables; the bytes must be the same. */
static enum mun_code again(unsigned table, struct mun_val v, struct mun_row_bytes *ret,
                           struct mun_err *err)
{
	union {
		struct mun_plan plan;
		struct mun_batch batch;
		struct mun_item item;
		struct mun_exchange exchange;
	} row;
	enum mun_code code;

	if (table == 0) {
		code = mun_plan_unpack(&row.plan, v, err);
		mun_plan_pack(ret, &row.plan);
	} else if (table == 1) {
		code = mun_batch_unpack(&row.batch, v, err);
		mun_batch_pack(ret, &row.batch);
	} else if (table == 2) {
		code = mun_item_unpack(&row.item, v, err);
		mun_item_pack(ret, &row.item);
	} else {
		code = mun_exchange_unpack(&row.exchange, v, err);
		mun_exchange_pack(ret, &row.exchange);
	}
	return code;
}

static void test_rows_come_back(void **state)
{
	struct mun_row_bytes rows[4], got;
	struct mun_err err;

	(void)state;
	fill_rows(rows);
	for (unsigned i = 0; i < 4; i++) {
		struct mun_val v = mun_val(rows[i].bytes, rows[i].len);

		assert_ok(again(i, v, &got, &err), &err);
		assert_int_equal(got.len, rows[i].len);
		assert_memory_equal(got.bytes, rows[i].bytes, got.len);
	}
}

/* Bytes of the fields that came later. */
static const size_t later_len[4] = { 1, 8, 0, 0 };

static void test_another_length_is_no_row(void **state)
{
	struct mun_row_bytes rows[4], got;
	struct mun_err err;

	(void)state;
	fill_rows(rows);
	for (unsigned i = 0; i < 4; i++) {
		for (size_t len = 0; len <= rows[i].len + 1; len++) {
			if (len == rows[i].len || len == rows[i].len - later_len[i])
				continue;
			assert_fails(again(i, mun_val(rows[i].bytes, len), &got, &err),
			             MUN_E_CORRUPT, &err);
		}
	}
}

/* A row of before these fields reads as if they said nothing, and stays as short as it is. */
static void test_older_rows(void **state)
{
	struct mun_row_bytes rows[4], got;
	struct mun_batch batch;
	struct mun_plan plan;
	struct mun_err err;

	(void)state;
	fill_rows(rows);
	for (unsigned i = 0; i < 4; i++) {
		struct mun_val v = mun_val(rows[i].bytes, rows[i].len - later_len[i]);

		assert_ok(again(i, v, &got, &err), &err);
		assert_int_equal(got.len, v.len);
		assert_memory_equal(got.bytes, v.data, v.len);
	}
	assert_ok(mun_plan_unpack(&plan, mun_val(rows[0].bytes, rows[0].len), &err), &err);
	assert_true(plan.adopted);
	assert_ok(mun_plan_unpack(&plan, mun_val(rows[0].bytes, rows[0].len - 1), &err), &err);
	assert_false(plan.adopted);
	assert_ok(mun_batch_unpack(&batch, mun_val(rows[1].bytes, rows[1].len), &err), &err);
	assert_true(batch.doubted_seq == 17);
	assert_ok(mun_batch_unpack(&batch, mun_val(rows[1].bytes, rows[1].len - 8), &err), &err);
	assert_true(batch.doubted_seq == MUN_NO_SEQ);
	/* There, but it says nothing: a second form of the same row. */
	rows[0].bytes[rows[0].len - 1] = 0;
	memset(rows[1].bytes + rows[1].len - 8, 0xff, 8);
	for (unsigned i = 0; i < 2; i++)
		assert_fails(again(i, mun_val(rows[i].bytes, rows[i].len), &got, &err),
		             MUN_E_CORRUPT, &err);
}

/* Any byte may change: the row is another or none, but never packs to other bytes than it has. */
static void test_a_row_is_what_its_bytes_say(void **state)
{
	struct mun_row_bytes rows[4], got;
	unsigned refused = 0;
	struct mun_err err;

	(void)state;
	fill_rows(rows);
	for (unsigned i = 0; i < 4; i++) {
		for (size_t at = 0; at < rows[i].len; at++) {
			uint8_t byte = rows[i].bytes[at];

			rows[i].bytes[at] = 0xff;
			if (again(i, mun_val(rows[i].bytes, rows[i].len), &got, &err) == MUN_OK)
				assert_memory_equal(got.bytes, rows[i].bytes, rows[i].len);
			else
				refused++;
			rows[i].bytes[at] = byte;
		}
	}
	/* States, verdicts and flags out of range, and texts without an end. */
	assert_true(refused >= 16);
}

static void test_the_head(void **state)
{
	uint8_t bytes[8 + MUN_TREE_LEVELS * MUN_SHA256_LEN], leaf[MUN_SHA256_LEN] = { 1 };
	uint8_t made[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	struct mun_tree tree, got;
	struct mun_err err;
	size_t len;

	(void)state;
	mun_tree_init(&tree);
	for (unsigned n = 0; n < 20; n++) {
		mun_tree_pack(bytes, &len, &tree);
		assert_ok(mun_tree_unpack(&got, mun_val(bytes, len), &err), &err);
		assert_true(got.size == tree.size && got.edge_len == tree.edge_len);
		assert_memory_equal(got.edge, tree.edge, tree.edge_len * MUN_SHA256_LEN);
		assert_fails(mun_tree_unpack(&got, mun_val(bytes, len - 1), &err), MUN_E_CORRUPT,
		             &err);
		(void)mun_tree_push(&tree, leaf, made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_sort_as_numbers_do),
		cmocka_unit_test(test_each_table_has_a_name),
		cmocka_unit_test(test_rows_come_back),
		cmocka_unit_test(test_another_length_is_no_row),
		cmocka_unit_test(test_older_rows),
		cmocka_unit_test(test_a_row_is_what_its_bytes_say),
		cmocka_unit_test(test_the_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
