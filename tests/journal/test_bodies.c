/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/bodies.h"
#include "lib/crypto.h"
#include "lib/cursor.h"
#include "lib/digest.h"
#include "lib/pack.h"
#include "tests/test.h"

#define SALT 32
#define HEAD 40

static const char text[] = "{\"data\":{\"id\":\"0123456789abcdef0123456789abcdef\"}}";

/* A response with a body, one without, a request, a plan with its source. */
static void fill(struct mun_entry e[static 4])
{
	memset(e, 0, 4 * sizeof(*e));
	e[0].kind = e[1].kind = MUN_K_RESPONSE;
	e[0].u.response.body.data = text;
	e[0].u.response.body.bytes = strlen(text);
	e[2].kind = MUN_K_REQUEST;
	e[3].kind = MUN_K_PLAN_STORED;
	e[3].u.plan.source.data = "ids\n";
	e[3].u.plan.source.bytes = 4;
}

/* Salt, length, and what unpacks to the bytes; the commitment is over salt and bytes. */
static void check_stored(const struct mun_bodies *b, size_t i, const struct mun_body_ref *ref,
                         const char *want)
{
	MUN_BUF_CLEANUP struct mun_buf raw;
	const uint8_t *stored = (const uint8_t *)b->buf.data + b->at[i].at;
	uint8_t commit[MUN_SHA256_LEN];
	const struct mun_slice pieces[] = { { stored, SALT }, { want, strlen(want) } };
	struct mun_err err;

	mun_buf_init(&raw, 10000);
	assert_true(ref->present && ref->kept && ref->bytes == strlen(want));
	assert_true(mun_get_u64(stored + SALT) == strlen(want));
	assert_ok(mun_unpack(NULL, &raw, stored + HEAD, b->at[i].len - HEAD, strlen(want), &err), &err);
	assert_memory_equal(raw.data, want, strlen(want));
	mun_sha256_of(commit, pieces, MUN_ARRAY_LEN(pieces));
	assert_memory_equal(commit, ref->commit, sizeof(commit));
}

static void test_bodies_are_salted_committed_and_packed(void **state)
{
	MUN_CLEANUP(mun_packer_freep) struct mun_packer *packer = NULL;
	struct mun_entry e[4];
	struct mun_group g = { .entries = e, .len = 4 };
	uint8_t first[MUN_SHA256_LEN];
	struct mun_bodies b;
	struct mun_err err;

	(void)state;
	fill(e);
	assert_ok(mun_bodies_make(&b, &packer, &g, &err), &err);
	check_stored(&b, 0, &e[0].u.response.body, text);
	check_stored(&b, 3, &e[3].u.plan.source, "ids\n");
	assert_true(b.at[1].len == 0 && b.at[2].len == 0);
	assert_false(e[1].u.response.body.kept);
	memcpy(first, e[0].u.response.body.commit, sizeof(first));
	mun_bodies_done(&b);
	/* The same bytes again have another salt: nobody can guess them by their commitment. */
	assert_ok(mun_bodies_make(&b, &packer, &g, &err), &err);
	assert_memory_not_equal(e[0].u.response.body.commit, first, sizeof(first));
	mun_bodies_done(&b);
}

static void test_bodies_can_be_given_up(void **state)
{
	MUN_CLEANUP(mun_packer_freep) struct mun_packer *packer = NULL;
	struct mun_entry e[4];
	struct mun_group g = { .entries = e, .len = 4 };
	struct mun_bodies b;
	struct mun_err err;

	(void)state;
	fill(e);
	assert_ok(mun_bodies_make(&b, &packer, &g, &err), &err);
	assert_true(mun_bodies_drop(&b, &g));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(b.at[i].len, 0);
	/* That there was one, and how long, is still said. */
	assert_true(e[0].u.response.body.present && !e[0].u.response.body.kept);
	assert_int_equal(e[0].u.response.body.bytes, strlen(text));
	assert_false(mun_bodies_drop(&b, &g));
	mun_bodies_done(&b);
}

static void test_a_large_body_is_emptied_when_it_is_packed(void **state)
{
	MUN_CLEANUP(mun_packer_freep) struct mun_packer *packer = NULL;
	MUN_BUF_CLEANUP struct mun_buf owner;
	struct mun_entry e[4];
	struct mun_group g = { .entries = e, .len = 1 };
	struct mun_bodies b;
	struct mun_err err;

	(void)state;
	fill(e);
	mun_buf_init(&owner, 1 << 20);
	mun_buf_puts(&owner, text);
	e[0].u.response.body.data = owner.data;
	e[0].u.response.body.owner = &owner;
	assert_ok(mun_bodies_make(&b, &packer, &g, &err), &err);
	assert_null(owner.data);
	assert_null(e[0].u.response.body.data);
	check_stored(&b, 0, &e[0].u.response.body, text);
	mun_bodies_done(&b);
}

static int setup(void **state)
{
	struct mun_err err;

	(void)state;
	return mun_crypto_init(&err) == MUN_OK ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies_are_salted_committed_and_packed),
		cmocka_unit_test(test_bodies_can_be_given_up),
		cmocka_unit_test(test_a_large_body_is_emptied_when_it_is_packed),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
