/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of a bundle from a small journal, whole and in part. */
#include <stdio.h>
#include <string.h>

#include "journal/bundle.h"
#include "journal/select.h"
#include "lib/json.h"
#include "tests/journal/history_sample.h"

#define TEXT_MAX ((size_t)1 << 20)

struct made {
	struct mun_source *base, *source;
	struct mun_bundle *bundle;
	struct mun_selection selection;
	uint64_t size;
	struct mun_buf out;
};

static enum mun_code add(void *arg, const void *data, size_t len, struct mun_err *err)
{
	mun_buf_add(arg, data, len);
	return mun_buf_check(arg, "a file", err);
}

static struct mun_bundle *read_all(struct mun_source *s, const struct mun_bundle_options *more)
{
	struct mun_bundle_options o = *more;
	struct mun_bundle *b = NULL;
	struct mun_err err = { 0 };

	o.scratch_dir = "/tmp";
	assert_ok(mun_bundle_read(&b, s, &o, &err), &err);
	return b;
}

/* run NULL: the whole. */
static void make(struct made *m, struct sample *s, const char *run,
                 const struct mun_bundle_options *o)
{
	struct mun_filter f = { .run = { run },
		                .run_len = run ? 1 : 0,
		                .since_us = MUN_TIME_NONE,
		                .until_us = MUN_TIME_NONE,
		                .after_seq = MUN_NO_SEQ };
	struct mun_err err = { 0 };

	memset(m, 0, sizeof(*m));
	m->size = SAMPLE_SIZE;
	mun_buf_init(&m->out, TEXT_MAX);
	assert_ok(mun_source_journal(&m->base, s->j, m->size, &err), &err);
	m->source = m->base;
	if (run) {
		struct mun_bundle *whole = read_all(m->base, o);
		assert_ok(mun_select(&m->selection, m->base, mun_bundle_fold(whole), &f, &err),
		          &err);
		mun_bundle_freep(&whole);
		const struct mun_part part = { .source = m->base,
			                       .selection = &m->selection,
			                       .bodies = o->bodies,
			                       .checkpoints = &m->size,
			                       .checkpoints_len = 1,
			                       .j = s->j };
		assert_ok(mun_source_part(&m->source, &part, &err), &err);
	}
	m->bundle = read_all(m->source, o);
}

static void made_done(struct made *m)
{
	mun_bundle_freep(&m->bundle);
	if (m->source != m->base)
		mun_source_closep(&m->source);
	mun_source_closep(&m->base);
	mun_selection_done(&m->selection);
	mun_buf_done(&m->out);
}

static void assert_rows(struct made *m, const char *const *rows, size_t len)
{
	const char *at = mun_buf_str(&m->out);

	for (size_t i = 0; i < len; i++) {
		const char *end = strstr(at, "\r\n");
		assert_non_null(end);
		if (strlen(rows[i]) != (size_t)(end - at) ||
		    memcmp(rows[i], at, (size_t)(end - at)) != 0)
			fail_msg("wanted\n%s\ngot\n%.*s", rows[i], (int)(end - at), at);
		at = end + 2;
	}
	assert_string_equal(at, "");
	mun_buf_clear(&m->out);
}

#define HEAD                                                                           \
	"batch,item,line,run,name,state,verdict,evidence,attempts,archived_at,reason," \
	"ticket,last_seq"
#define ROW(item, line, digit, name, rest)      \
	"b-abcdef01234567890123," item "," line \
	"," digit digit digit digit digit digit digit digit "," name "," rest
#define WHY "quarterly clean-up,OPS-1"

static void test_items_of_the_whole(void **state)
{
	static const char *const rows[] = {
		HEAD,
		ROW("0", "1", "1111", "",
		    "archived,archived,response,1,2026-11-23T22:48:01Z," WHY ",4"),
		ROW("1", "2", "2222", "",
		    "archived,archived,probe,1,2026-11-23T22:48:01Z," WHY ",8"),
		ROW("2", "3", "3333", "", "in_doubt,,,1,," WHY ",9"),
	};
	const struct mun_bundle_options o = { .left_out = 0 };
	struct made m MUN_CLEANUP(made_done);
	struct mun_err err = { 0 };

	make(&m, *state, NULL, &o);
	assert_ok(mun_bundle_items_csv(m.bundle, add, &m.out, &err), &err);
	assert_rows(&m, rows, MUN_ARRAY_LEN(rows));
}

static void test_names_come_with_bodies(void **state)
{
	static const char *const rows[] = {
		HEAD ",columns",
		ROW("0", "1", "1111", "First",
		    "archived,archived,response,1,2026-11-23T22:48:01Z," WHY ",4,"),
		ROW("1", "2", "2222", "Second",
		    "archived,archived,probe,1,2026-11-23T22:48:01Z," WHY ",8,"),
		ROW("2", "3", "3333", "From the list",
		    "in_doubt,,,1,," WHY ",9,\"{\"\"name\"\":\"\"From the list\"\"}\""),
	};
	const struct mun_bundle_options o = { .left_out = 0, .bodies = true };
	struct made m MUN_CLEANUP(made_done);
	struct mun_err err = { 0 };

	make(&m, *state, NULL, &o);
	assert_ok(mun_bundle_items_csv(m.bundle, add, &m.out, &err), &err);
	assert_rows(&m, rows, MUN_ARRAY_LEN(rows));
	assert_ok(mun_bundle_bodies(m.bundle, add, &m.out, &err), &err);
	assert_int_equal(strncmp(mun_buf_str(&m.out),
	                         "{\"bytes\":\"eyJkYXRhIjp7Im5hbWUiOiJGaXJzdCJ9fQ==\"", 45),
	                 0);
}

static void test_items_of_a_part(void **state)
{
	static const char *const rows[] = {
		HEAD,
		ROW("1", "", "2222", "",
		    "archived,archived,probe,1,2026-11-23T22:48:01Z," WHY ",8"),
	};
	static const uint64_t wanted[] = { 0, 1, 2, 5, 6, 7, 8 };
	const struct mun_bundle_options o = { .left_out = 0 };
	struct made m MUN_CLEANUP(made_done);
	struct mun_err err = { 0 };
	const char *line;
	uint64_t seq;
	size_t len, n = 0;

	make(&m, *state, "22222222222222222222222222222222", &o);
	assert_int_equal(m.selection.attempts, 1);
	assert_int_equal(m.selection.kept, MUN_ARRAY_LEN(wanted));
	assert_int_equal(m.selection.whole_len, 0);
	assert_ok(mun_bundle_items_csv(m.bundle, add, &m.out, &err), &err);
	assert_rows(&m, rows, MUN_ARRAY_LEN(rows));
	assert_ok(mun_source_rewind(m.source, &err), &err);
	while (mun_source_next(m.source, &seq, &line, &len, &err) == MUN_OK)
		assert_int_equal(seq, wanted[n++]);
	assert_int_equal(n, MUN_ARRAY_LEN(wanted));
}

static void test_what_is_withheld_of_a_part(void **state)
{
	static const struct {
		uint64_t at;
		unsigned height;
	} wanted[] = { { 3, 0 }, { 4, 0 }, { 9, 0 } };
	const struct mun_bundle_options o = { .left_out = 0 };
	struct made m MUN_CLEANUP(made_done);
	uint8_t hash[MUN_SHA256_LEN];
	struct mun_err err = { 0 };
	unsigned height;
	size_t n = 0;

	make(&m, *state, "22222222222222222222222222222222", &o);
	for (uint64_t at = 0; at < m.size; at++) {
		if (mun_source_withheld(m.source, at, &height, hash, &err) != MUN_OK)
			continue;
		assert_true(n < MUN_ARRAY_LEN(wanted));
		assert_int_equal(at, wanted[n].at);
		assert_int_equal(height, wanted[n].height);
		n++;
	}
	assert_int_equal(n, MUN_ARRAY_LEN(wanted));
}

static const struct mun_json_val *first_of(const struct mun_json_val *root, const char *key)
{
	return mun_json_first(mun_json_get(root, key));
}

static int64_t number(const struct mun_json_val *v, const char *key)
{
	int64_t n = -1;

	(void)mun_json_int(mun_json_get(v, key), &n);
	return n;
}

static void test_the_summary_counts(void **state)
{
	const struct mun_bundle_options o = { .left_out = 7, .filter = NULL };
	char checked[] = "something";
	const struct mun_verdict_report report = { .result = MUN_VERIFIED,
		                                   .first_bad = MUN_NO_SEQ,
		                                   .checked = { checked },
		                                   .checked_len = 1 };
	struct mun_json *doc MUN_CLEANUP(mun_json_freep) = NULL;
	struct made m MUN_CLEANUP(made_done);
	struct mun_err err = { 0 };

	make(&m, *state, NULL, &o);
	assert_ok(mun_bundle_summary(m.bundle, &report, add, &m.out, &err), &err);
	assert_ok(mun_json_parse(&doc, m.out.data, m.out.len, &err), &err);
	const struct mun_json_val *root = mun_json_root(doc);
	const struct mun_json_val *e = mun_json_get(root, "entries");
	assert_int_equal(number(e, "held"), SAMPLE_SIZE);
	assert_int_equal(number(e, "withheld"), 0);
	assert_int_equal(number(e, "left_out"), 7);
	assert_int_equal(number(mun_json_get(e, "kinds"), "request"), 4);
	const struct mun_json_val *counts = mun_json_get(first_of(root, "batches"), "counts");
	assert_int_equal(number(counts, "total"), 3);
	assert_int_equal(number(counts, "archived"), 2);
	assert_int_equal(number(counts, "in_doubt"), 1);
	const struct mun_json_val *r = first_of(root, "requests");
	assert_string_equal(mun_json_str(mun_json_get(r, "method")), "DELETE");
	assert_string_equal(mun_json_str(mun_json_get(r, "path")), "/organizations/o/runs/r");
	assert_int_equal(number(r, "count"), 3);
	assert_int_equal(number(root, "runs_outside_list"), 0);
	assert_int_equal(number(root, "requests_without_list"), 0);
	assert_string_equal(mun_json_str(mun_json_get(mun_json_get(root, "verify"), "result")),
	                    "verified");
}

static enum mun_code claim(void *arg, struct mun_claim *ret, struct mun_err *err)
{
	unsigned *asked = arg;

	(void)err;
	++*asked;
	ret->name = "claimed";
	ret->line = 40 + *asked;
	return MUN_OK;
}

static void test_claims_take_the_place_of_what_no_entry_shows(void **state)
{
	static const char *const rows[] = {
		HEAD,
		ROW("0", "41", "1111", "",
		    "archived,archived,response,1,2026-11-23T22:48:01Z," WHY ",4"),
		ROW("1", "42", "2222", "",
		    "archived,archived,probe,1,2026-11-23T22:48:01Z," WHY ",8"),
		ROW("2", "43", "3333", "", "in_doubt,,,1,," WHY ",9"),
	};
	unsigned asked = 0;
	const struct mun_bundle_options o = { .claim = claim, .claim_arg = &asked };
	struct made m MUN_CLEANUP(made_done);
	struct mun_err err = { 0 };

	make(&m, *state, NULL, &o);
	assert_ok(mun_bundle_items_csv(m.bundle, add, &m.out, &err), &err);
	assert_rows(&m, rows, MUN_ARRAY_LEN(rows));
	assert_int_equal(asked, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_items_of_the_whole, sample_setup,
		                                sample_teardown),
		cmocka_unit_test_setup_teardown(test_names_come_with_bodies, sample_setup,
		                                sample_teardown),
		cmocka_unit_test_setup_teardown(test_items_of_a_part, sample_setup,
		                                sample_teardown),
		cmocka_unit_test_setup_teardown(test_what_is_withheld_of_a_part, sample_setup,
		                                sample_teardown),
		cmocka_unit_test_setup_teardown(test_the_summary_counts, sample_setup,
		                                sample_teardown),
		cmocka_unit_test_setup_teardown(test_claims_take_the_place_of_what_no_entry_shows,
		                                sample_setup, sample_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
