/* SPDX-License-Identifier: Apache-2.0 */
/* What is folded from the entries alone is what the journal's derived tables give. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/bundle.h"
#include "journal/query.h"
#include "journal/rows.h"
#include "journal/select.h"
#include "lib/row.h"
#include "tests/journal/history_sample.h"

#define TEXT_MAX  ((size_t)8 << 20)
#define PLANS     3
#define ITEMS_MAX 6
#define OPEN_MAX  400

static uint64_t state_of_chance;

static unsigned chance(unsigned n)
{
	state_of_chance = state_of_chance * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state_of_chance >> 33) % n;
}

struct open_request {
	uint64_t seq;
	unsigned plan;
	uint32_t item;
	enum mun_purpose purpose;
};
struct world {
	struct sample *s;
	struct mun_ref plan[PLANS], batch[PLANS];
	uint32_t items[PLANS], epoch[PLANS], attempt[PLANS][ITEMS_MAX];
	uint64_t newest[PLANS][ITEMS_MAX]; /* mutating request */
	struct open_request open[OPEN_MAX];
	size_t open_len;
};

static struct mun_id run_of(unsigned n)
{
	struct mun_id id;

	memset(id.bytes, (int)(0x40 + n), sizeof(id.bytes));
	return id;
}

/* false: it was refused, as a request may be. */
static bool append(struct world *w, struct mun_entry *e)
{
	struct mun_group g = { .entries = e, .len = 1 };
	struct mun_err err = { 0 };

	e->elsewhere_seen = MUN_NO_SEQ;
	assert_ok(mun_journal_append(w->s->j, &g, &err), &err);
	return e->refused == MUN_ADMITTED;
}

static void store_plan(struct world *w, unsigned p)
{
	struct mun_plan_row rows[ITEMS_MAX] = { 0 };
	struct mun_err err = { 0 };
	struct mun_entry e = {
		.kind = MUN_K_PLAN_STORED, .has_org = true, .org = w->s->org, .item = MUN_NO_ITEM
	};

	w->items[p] = 1 + chance(ITEMS_MAX);
	memset(w->plan[p].bytes, (int)(0x10 + p), MUN_REF_LEN);
	memset(w->batch[p].bytes, (int)(0x20 + p), MUN_REF_LEN);
	for (uint32_t i = 0; i < w->items[p]; i++)
		rows[i] = (struct mun_plan_row){
			.run = run_of(p * 4 + i), /* some stand in two plans */
			.line = i + 2,
			.reason = chance(3) == 0 ? "a reason of its own" : NULL,
			.ticket = chance(3) == 0 ? "ROW-7" : NULL,
		};
	assert_ok(
		mun_journal_plan_rows(w->s->j, &w->plan[p], 0, &w->s->org, rows, w->items[p], &err),
		&err);
	e.u.plan.plan = w->plan[p];
	e.u.plan.op = p == 1 ? MUN_OP_RESTORE : MUN_OP_ARCHIVE;
	e.u.plan.base_url = "https://api.tallyfy.com";
	e.u.plan.items = w->items[p];
	e.u.plan.duplicates = p;
	e.u.plan.reason = "quarterly =clean-up, \"all\"";
	e.u.plan.ticket = p ? "OPS-1" : NULL;
	e.u.plan.operator_ = sample_operator;
	assert_true(append(w, &e));
}

static struct mun_entry of_batch(const struct world *w, enum mun_kind kind, unsigned p)
{
	return (struct mun_entry){ .kind = kind,
		                   .has_batch = true,
		                   .batch = w->batch[p],
		                   .has_org = true,
		                   .org = w->s->org,
		                   .item = MUN_NO_ITEM };
}

static void start(struct world *w, unsigned p)
{
	struct mun_entry e =
		of_batch(w, w->epoch[p] ? MUN_K_BATCH_RESUMED : MUN_K_BATCH_STARTED, p);

	e.u.start.plan = w->plan[p];
	e.u.start.epoch = ++w->epoch[p];
	e.u.start.resolving = w->epoch[p] > 1 && chance(4) == 0;
	e.u.start.all_in_doubt = chance(6) == 0;
	e.u.start.operator_ = sample_operator;
	e.u.start.operator_.user = chance(2) ? "bob" : "alice";
	e.u.start.operator_.claimed = chance(2) ? "Bob" : NULL;
	e.u.start.version = "0.1.0";
	e.u.start.machine = "0123456789ab";
	e.u.start.token = "00112233445566778899aabbccddeeff";
	e.u.start.identity_id = chance(2) ? "4711" : NULL;
	e.u.start.identity_role = "standard";
	e.u.start.host = "api.tallyfy.com";
	e.u.start.limits = "10/5s";
	e.u.start.options = "{}";
	e.u.start.attempts = 5;
	assert_true(append(w, &e));
}

static void request(struct world *w, unsigned p)
{
	struct mun_entry e = of_batch(w, MUN_K_REQUEST, p);
	uint32_t item = chance(w->items[p]);
	bool probe = chance(3) == 0;

	e.item = item;
	e.has_run = true;
	e.run = run_of(p * 4 + item);
	e.u.request.purpose = probe ? MUN_P_PROBE : p == 1 ? MUN_P_RESTORE : MUN_P_ARCHIVE;
	e.u.request.attempt = probe ? 0 : w->attempt[p][item] + 1;
	e.u.request.epoch = w->epoch[p];
	e.u.request.method = probe ? "GET" : p == 1 ? "PUT" : "DELETE";
	e.u.request.host = "api.tallyfy.com";
	e.u.request.path = "/organizations/0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f/runs/r";
	e.u.request.token = "00112233445566778899aabbccddeeff";
	e.u.request.reason = chance(4) == 0 ? "own" : NULL;
	if (!append(w, &e) || w->open_len == OPEN_MAX)
		return;
	if (!probe) {
		w->attempt[p][item]++;
		w->newest[p][item] = e.seq;
	}
	w->open[w->open_len++] = (struct open_request){ e.seq, p, item, e.u.request.purpose };
}

static void respond(struct world *w)
{
	static const enum mun_verdict verdicts[] = {
		MUN_V_ARCHIVED,  MUN_V_ALREADY_ARCHIVED, MUN_V_UNKNOWN,      MUN_V_REJECTED,
		MUN_V_NOT_FOUND, MUN_V_RATE_LIMITED,     MUN_V_CONFIG_ERROR, MUN_V_BLOCKED,
	};
	static const enum mun_verdict settled[] = { MUN_V_ARCHIVED, MUN_V_NO_EFFECT,
		                                    MUN_V_NOT_FOUND, MUN_V_AUTH_LOST };
	struct mun_settle settle[1];

	if (w->open_len == 0)
		return;
	size_t at = chance((unsigned)w->open_len);
	struct open_request o = w->open[at];
	struct mun_entry e = of_batch(w, MUN_K_RESPONSE, o.plan);
	static const char body[] = "{\"data\":{\"name\":\"Ein Name\"}}";

	w->open[at] = w->open[--w->open_len];
	e.item = o.item;
	e.has_run = true;
	e.run = run_of(o.plan * 4 + o.item);
	e.u.response.request = o.seq;
	e.u.response.sent = true;
	e.u.response.curl_name = "OK";
	e.u.response.duration_ms = chance(900);
	e.u.response.retry_at_us = chance(2) ? MUN_TIME_NONE : 1790000000000000;
	e.u.response.http = chance(2) ? 200 : 504;
	e.u.response.verdict = verdicts[chance(MUN_ARRAY_LEN(verdicts))];
	e.u.response.archived_at = chance(2) ? "2026-11-23T22:48:01Z" : NULL;
	if (chance(2))
		e.u.response.body = (struct mun_body_ref){ .data = body,
			                                   .bytes = sizeof(body) - 1,
			                                   .present = true };
	if (!mun_purpose_mutates(o.purpose)) {
		e.u.response.verdict = chance(3) ? MUN_V_IS_ARCHIVED : MUN_V_NO_ANSWER;
		settle[0] = (struct mun_settle){ .batch = w->batch[o.plan],
			                         .item = o.item,
			                         .request = w->newest[o.plan][o.item],
			                         .verdict = settled[chance(4)],
			                         .archived_at = "2026-11-23T22:48:02Z" };
		if (settle[0].request == 0)
			settle[0].request = MUN_NO_SEQ;
		e.u.response.settles = settle;
		e.u.response.settles_len = chance(4) ? 1 : 0;
	}
	assert_true(append(w, &e));
}

static void decide(struct world *w, unsigned p)
{
	struct mun_entry e = of_batch(w, MUN_K_DECISION, p);
	uint32_t item = chance(w->items[p]);

	e.item = item;
	e.has_run = true;
	e.run = run_of(p * 4 + item);
	e.u.decision.request = w->newest[p][item] ? w->newest[p][item] : MUN_NO_SEQ;
	e.u.decision.verdict = chance(2) ? MUN_V_NO_EFFECT : MUN_V_ARCHIVED;
	e.u.decision.reason = "looked at the screen";
	e.u.decision.operator_ = sample_operator;
	assert_true(append(w, &e));
}

static void leave_out(struct world *w, unsigned p)
{
	struct mun_entry e = of_batch(w, chance(2) ? MUN_K_ITEM_SKIPPED : MUN_K_ITEM_CANCELLED, p);
	uint32_t first = chance(w->items[p]);
	struct mun_range range = { first, first + chance(w->items[p] - first) };

	if (chance(3) == 0)
		range.last = w->items[p] - 1;
	e.u.ranges.ranges = &range;
	e.u.ranges.ranges_len = 1;
	e.u.ranges.why = "policy";
	assert_true(append(w, &e));
}

static void pause_it(struct world *w, unsigned p)
{
	static const char *const ended[] = { "done", "done_in_doubt", "cancelled" };
	struct mun_entry e = of_batch(w, chance(2) ? MUN_K_BATCH_PAUSED : MUN_K_BATCH_ENDED, p);
	struct mun_err err = { 0 };
	struct mun_batch row;

	assert_ok(mun_journal_batch(w->s->j, &w->batch[p], &row, &err), &err);
	e.u.pause.counts = mun_batch_at_rest(&row);
	e.u.pause.state = e.kind == MUN_K_BATCH_PAUSED ? "stopped" : ended[chance(3)];
	e.u.pause.why = "stop_after";
	assert_true(append(w, &e));
}

static void make_history(struct world *w, struct sample *s, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->s = s;
	state_of_chance = seed * 977 + 1;
	for (unsigned p = 0; p < PLANS; p++)
		store_plan(w, p);
	for (unsigned p = 0; p < PLANS; p++)
		start(w, p);
	for (unsigned i = 0; i < 150; i++) {
		unsigned p = chance(PLANS), what = chance(40);

		if (what < 16)
			request(w, p);
		else if (what < 32)
			respond(w);
		else if (what < 35)
			decide(w, p);
		else if (what < 36)
			leave_out(w, p);
		else if (what < 38)
			pause_it(w, p);
		else
			start(w, p);
	}
}

static enum mun_code add(void *arg, const void *data, size_t len, struct mun_err *err)
{
	mun_buf_add(arg, data, len);
	return mun_buf_check(arg, "rows", err);
}

static const size_t in_order[] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
	                           11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21 };

static enum mun_code history_row(void *arg, const struct mun_history_row *row, struct mun_err *err)
{
	struct mun_cell cells[MUN_HISTORY_COLUMNS];
	struct mun_row_text text;

	mun_history_cells(cells, &text, row);
	mun_row_json(arg, mun_history_columns, in_order, MUN_HISTORY_COLUMNS, cells);
	return add(arg, "\n", 1, err);
}

static enum mun_code items_row(void *arg, const struct mun_item_row *row, struct mun_err *err)
{
	struct mun_cell cells[MUN_ITEMS_COLUMNS];
	struct mun_row_text text;

	(void)err;
	mun_items_cells(cells, &text, row);
	mun_row_csv(arg, mun_items_columns, in_order, MUN_ITEMS_COLUMNS, cells, false);
	return MUN_OK;
}

static enum mun_code items_of(void *arg, const struct mun_batch *b, struct mun_err *err)
{
	const struct mun_filter all = { .since_us = MUN_TIME_NONE,
		                        .until_us = MUN_TIME_NONE,
		                        .after_seq = MUN_NO_SEQ };
	void **both = arg;

	return mun_query_items(both[0], &b->batch, &all, false, items_row, both[1], err);
}

struct both {
	struct mun_buf queried, folded;
	struct mun_source *source;
	struct mun_bundle *bundle;
};

static void both_init(struct both *b, struct sample *s, bool bodies)
{
	const struct mun_bundle_options o = { .scratch_dir = "/tmp",
		                              .bodies = bodies,
		                              .left_out = MUN_NO_SEQ };
	struct mun_err err = { 0 };
	struct mun_head head;

	mun_buf_init(&b->queried, TEXT_MAX);
	mun_buf_init(&b->folded, TEXT_MAX);
	assert_ok(mun_journal_head(s->j, &head, &err), &err);
	b->source = NULL;
	b->bundle = NULL;
	assert_ok(mun_source_journal(&b->source, s->j, head.size, &err), &err);
	assert_ok(mun_bundle_read(&b->bundle, b->source, &o, &err), &err);
	assert_int_equal(mun_bundle_entries(b->bundle), head.size);
}

static void both_done(struct both *b)
{
	mun_bundle_freep(&b->bundle);
	mun_source_closep(&b->source);
	mun_buf_done(&b->queried);
	mun_buf_done(&b->folded);
}

static void assert_same(struct both *b, const char *what)
{
	const char *x = mun_buf_str(&b->queried), *y = mun_buf_str(&b->folded);

	size_t same = 0, line = 0;

	while (x[same] && x[same] == y[same]) {
		same++;
		line = x[same - 1] == '\n' ? same : line;
	}
	if (x[same] || y[same])
		fail_msg("%s differs: queried\n%.*s\nfolded\n%.*s", what,
		         (int)strcspn(x + line, "\n"), x + line, (int)strcspn(y + line, "\n"),
		         y + line);
	mun_buf_clear(&b->queried);
	mun_buf_clear(&b->folded);
}

static void compare(struct sample *s)
{
	const struct mun_filter all = { .since_us = MUN_TIME_NONE,
		                        .until_us = MUN_TIME_NONE,
		                        .after_seq = MUN_NO_SEQ };
	struct mun_err err = { 0 };
	struct both b;

	both_init(&b, s, true);
	assert_ok(mun_query_history(s->j, &all, history_row, &b.queried, &err), &err);
	assert_ok(mun_bundle_history_jsonl(b.bundle, add, &b.folded, &err), &err);
	assert_true(b.folded.len > 1000);
	assert_same(&b, "history");
	both_done(&b);

	both_init(&b, s, true);
	mun_bundle_freep(&b.bundle);
	/* names aside: a bundle's items without bodies have none, and no further column */
	const struct mun_bundle_options plain = { .scratch_dir = "/tmp", .left_out = 0 };
	assert_ok(mun_bundle_read(&b.bundle, b.source, &plain, &err), &err);
	void *arg[] = { s->j, &b.queried };
	mun_row_csv(&b.queried, mun_items_columns, in_order, MUN_ITEMS_COLUMNS, NULL, false);
	assert_ok(mun_journal_batches(s->j, false, items_of, arg, &err), &err);
	assert_ok(mun_bundle_items_csv(b.bundle, add, &b.folded, &err), &err);
	for (const char *name;
	     (name = strstr(mun_buf_str(&b.queried), ",Ein Name,")) != NULL ||
	     (name = strstr(mun_buf_str(&b.queried), ",First,")) != NULL ||
	     (name = strstr(mun_buf_str(&b.queried), ",Second,")) != NULL ||
	     (name = strstr(mun_buf_str(&b.queried), ",From the list,")) != NULL;) {
		char *at = b.queried.data + (name - b.queried.data) + 1;
		size_t len = strcspn(at, ",");

		memmove(at, at + len, strlen(at + len) + 1);
	}
	assert_same(&b, "items");
	both_done(&b);
}

static void test_random_histories_fold_to_the_same_rows(void **state)
{
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct world *w = calloc(1, sizeof(*w));

		assert_int_equal(sample_teardown(state), 0);
		assert_int_equal(sample_setup(state), 0);
		make_history(w, *state, seed);
		compare(*state);
		free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_random_histories_fold_to_the_same_rows,
		                                sample_setup, sample_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
