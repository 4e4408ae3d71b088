/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of what a bundle withholds: one form each, and every root from entries and subtrees. */
#include <string.h>

#include "journal/withheld.h"
#include "tests/test.h"

static void leaf_of(uint8_t ret[static MUN_SHA256_LEN], uint64_t n)
{
	mun_tree_leaf(ret, &n, sizeof(n));
}

static void root_of(uint8_t ret[static MUN_SHA256_LEN], uint64_t from, uint64_t len)
{
	uint8_t leaf[MUN_SHA256_LEN], made[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	struct mun_tree t;

	mun_tree_init(&t);
	for (uint64_t i = 0; i < len; i++) {
		leaf_of(leaf, from + i);
		(void)mun_tree_push(&t, leaf, made);
	}
	mun_tree_root(&t, ret);
}

/* Withholds [from, to) of size leaves, cut at `cut`: the roots at cut and size still come out. */
static void check(uint64_t size, uint64_t from, uint64_t to, uint64_t cut)
{
	uint8_t leaf[MUN_SHA256_LEN], made[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	uint8_t root[MUN_SHA256_LEN], wanted[MUN_SHA256_LEN];
	struct mun_tree t;
	uint64_t at = 0;

	mun_tree_init(&t);
	while (at < size) {
		if (at == cut) {
			root_of(wanted, 0, cut);
			mun_tree_root(&t, root);
			assert_memory_equal(root, wanted, sizeof(root));
		}
		if (at < from || at >= to) {
			leaf_of(leaf, at++);
			(void)mun_tree_push(&t, leaf, made);
			continue;
		}
		struct mun_withheld w = { .start = at };
		uint64_t end = at < cut && cut < to ? cut : to;
		w.height = mun_withheld_height(at, end);
		assert_true(at + (UINT64_C(1) << w.height) <= end);
		assert_int_equal(at & ((UINT64_C(1) << w.height) - 1), 0);
		root_of(w.hash, at, UINT64_C(1) << w.height);
		assert_true(mun_withheld_push(&t, &w));
		at += UINT64_C(1) << w.height;
	}
	root_of(wanted, 0, size);
	mun_tree_root(&t, root);
	assert_int_equal(t.size, size);
	assert_memory_equal(root, wanted, sizeof(root));
}

static void test_every_gap_gives_every_root(void **state)
{
	(void)state;
	for (uint64_t size = 1; size <= 20; size++)
		for (uint64_t from = 0; from < size; from++)
			for (uint64_t to = from + 1; to <= size; to++)
				for (uint64_t cut = 1; cut < size; cut += 3)
					check(size, from, to, cut);
}

static void test_a_subtree_is_as_large_as_fits(void **state)
{
	(void)state;
	assert_int_equal(mun_withheld_height(0, 1), 0);
	assert_int_equal(mun_withheld_height(0, 7), 2);
	assert_int_equal(mun_withheld_height(0, 8), 3);
	assert_int_equal(mun_withheld_height(6, 16), 1);
	assert_int_equal(mun_withheld_height(8, 1000), 3);
	assert_int_equal(mun_withheld_height(7, 1000), 0);
}

static void test_a_subtree_out_of_place_is_refused(void **state)
{
	struct mun_withheld w = { .start = 2, .height = 1 };
	struct mun_tree t;

	(void)state;
	mun_tree_init(&t);
	assert_false(mun_withheld_push(&t, &w));
	assert_int_equal(t.size, 0);
}

static void test_what_is_written_is_read(void **state)
{
	struct mun_withheld w = { .start = 1536, .height = 9 }, again;
	struct mun_buf text MUN_BUF_CLEANUP;
	struct mun_err err = { 0 };

	(void)state;
	memset(w.hash, 0xa5, sizeof(w.hash));
	mun_buf_init(&text, 1024);
	mun_withheld_format(&text, &w);
	assert_string_equal(mun_buf_str(&text),
	                    "1536 9 paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU=\n");
	assert_true(text.len <= MUN_WITHHELD_LINE);
	assert_ok(mun_withheld_parse(&again, text.data, text.len - 1, &err), &err);
	assert_true(again.start == w.start && again.height == w.height);
	assert_memory_equal(again.hash, w.hash, sizeof(w.hash));
}

#define HASH "paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU="

static void test_other_forms_are_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"1536",
		"1536 9",
		"1536 9 ",
		"1536 9 " HASH " ",
		"1536  9 " HASH,
		" 1536 9 " HASH,
		"01536 9 " HASH,
		"1536 09 " HASH,
		"+1536 9 " HASH,
		"1536 -1 " HASH,
		"1535 9 " HASH,
		"1536 10 " HASH,
		"0 63 " HASH,
		"0 99999999999999999999 " HASH,
		"99999999999999999999 0 " HASH,
		"9223372036854775807 0 " HASH,
		"1536\t9\t" HASH,
		"1536 9 paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaV=",
		"1536 9 paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpQ==",
		"1536 9 a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5",
	};
	struct mun_withheld w;
	struct mun_err err;

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(lines); i++)
		assert_int_equal(mun_withheld_parse(&w, lines[i], strlen(lines[i]), &err),
		                 MUN_E_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_gap_gives_every_root),
		cmocka_unit_test(test_a_subtree_is_as_large_as_fits),
		cmocka_unit_test(test_a_subtree_out_of_place_is_refused),
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_other_forms_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
