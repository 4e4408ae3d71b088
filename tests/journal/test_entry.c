/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/entry.h"
#include "tests/test.h"

static const struct mun_operator alice = { 1000, "alice", "root", "box", "pts/0", "Alice B." };
static const struct mun_label labels[] = { { "customer", "Acme" }, { "wave", "2" } };
static const struct mun_range ranges[] = { { 0, 4 }, { 7, 7 } };
static const uint64_t seqs[] = { 4, 5, 9007199254740991 }, disclosed[] = { 6 };
static const struct mun_previous previous = { .origin = "muniment/box-99887766",
	                                      .reason = "restored from \"tape\"",
	                                      .size = 17,
	                                      .mark = 19,
	                                      .root = { 0xcd } };
static struct mun_settle settles[] = {
	{ .item = 3, .request = 12, .verdict = MUN_V_NO_EFFECT },
	{ .item = 4,
	  .request = MUN_NO_SEQ,
	  .verdict = MUN_V_ALREADY_ARCHIVED,
	  .archived_at = "2026-11-23T22:48:01.000000Z" },
};

static void fill_response(struct mun_entry *e)
{
	e->u.response.request = 41;
	e->u.response.sent = true;
	e->u.response.curl_code = 28;
	e->u.response.curl_name = "CURLE_OPERATION_TIMEDOUT";
	e->u.response.http = 502;
	e->u.response.header[2] = "Tue, 24 Nov 2026 10:00:00 GMT";
	e->u.response.body.present = true;
	e->u.response.body.kept = true;
	e->u.response.body.bytes = 4711;
	e->u.response.body.commit[5] = 0xab;
	e->u.response.remote_ip = "127.0.0.1";
	e->u.response.tls_version = "TLSv1.3";
	e->u.response.verdict = MUN_V_UNKNOWN;
	e->u.response.settles = settles;
	e->u.response.settles_len = MUN_ARRAY_LEN(settles);
	e->u.response.retry_at_us = MUN_TIME_NONE;
}

static void fill_plan(struct mun_entry *e)
{
	e->u.plan.op = MUN_OP_RESTORE;
	e->u.plan.base_url = "https://api.tallyfy.com";
	e->u.plan.items = 12;
	e->u.plan.has_adopted = true;
	e->u.plan.adopted.bytes[9] = 0x77;
	e->u.plan.has_overrides = true;
	e->u.plan.overrides_sha256[0] = 0x12;
	e->u.plan.source.present = true;
	e->u.plan.source.bytes = 400;
	e->u.plan.reason = "contract \"ended\" \\ \xc3\xa4\n";
	e->u.plan.labels = labels;
	e->u.plan.labels_len = MUN_ARRAY_LEN(labels);
	e->u.plan.operator_ = alice;
}

static void fill_start(struct mun_entry *e)
{
	e->u.start.resolving = true;
	e->u.start.epoch = 3;
	e->u.start.operator_ = alice;
	e->u.start.version = "0.1.0";
	e->u.start.identity_id = "4711";
	e->u.start.host = "api.tallyfy.com";
	e->u.start.limits = "10/5s,90/m,900/h";
	e->u.start.options = "{\"a\":\"}\\\"{\",\"attempts\":7}";
}

static void fill_evidence(struct mun_entry *e)
{
	if (e->kind == MUN_K_KEY_ADDED) {
		e->u.key.vkey = "muniment/box-00112233+8a4e1c2f+AQID";
		e->u.key.reason = "stolen";
		e->u.key.operator_ = alice;
	}
	if (e->kind == MUN_K_ANCHORED) {
		e->u.anchored.size = 41;
		e->u.anchored.root[0] = 0xab;
		e->u.anchored.receipt[31] = 0xcd;
		e->u.anchored.kind = "witness";
		e->u.anchored.by = "witness.example/w\xc3\xa4";
	}
	if (e->kind == MUN_K_EXPORTED) {
		e->u.exported.filter = "--org 00 --since 1d";
		e->u.exported.size = 41;
		e->u.exported.sums[3] = 0xef;
		e->u.exported.bodies = true;
	}
	if (e->kind == MUN_K_ERASED) {
		e->u.erased.seqs = seqs;
		e->u.erased.seqs_len = MUN_ARRAY_LEN(seqs);
		e->u.erased.disclosed = disclosed;
		e->u.erased.disclosed_len = MUN_ARRAY_LEN(disclosed);
		e->u.erased.basis = "GDPR Art. 17";
		e->u.erased.operator_ = alice;
	}
}

/* One of each kind, with every optional field set somewhere. */
static void fill(struct mun_entry *e, enum mun_kind k)
{
	memset(e, 0, sizeof(*e));
	e->kind = k;
	e->seq = 42;
	e->time_us = INT64_C(1795000000123456);
	e->uptime_ms = 9007199254740991;
	e->boot[0] = 0xfe;
	e->item = MUN_NO_ITEM;
	if (k >= MUN_K_BATCH_STARTED && k <= MUN_K_BATCH_ENDED)
		e->has_batch = e->has_org = true;
	if (k >= MUN_K_REQUEST && k <= MUN_K_DECISION) {
		e->has_run = true;
		e->item = 3;
	}
	if (k == MUN_K_CREATED) {
		e->u.created.origin = "muniment/box-00112233";
		e->u.created.previous = &previous;
	}
	fill_evidence(e);
	if (k == MUN_K_PLAN_STORED)
		fill_plan(e);
	if (k == MUN_K_BATCH_STARTED || k == MUN_K_BATCH_RESUMED)
		fill_start(e);
	if (k == MUN_K_REQUEST) {
		e->u.request.attempt = 2;
		e->u.request.epoch = 3;
		e->u.request.method = "DELETE";
	}
	if (k == MUN_K_RESPONSE)
		fill_response(e);
	if (k == MUN_K_DECISION) {
		e->u.decision.request = MUN_NO_SEQ;
		e->u.decision.verdict = MUN_V_ARCHIVED;
	}
	if (k == MUN_K_ITEM_SKIPPED || k == MUN_K_ITEM_CANCELLED) {
		e->u.ranges.ranges = ranges;
		e->u.ranges.ranges_len = MUN_ARRAY_LEN(ranges);
		e->u.ranges.has_operator = k == MUN_K_ITEM_CANCELLED;
		e->u.ranges.why = "drift";
	}
	if (k == MUN_K_BATCH_PAUSED || k == MUN_K_BATCH_ENDED) {
		e->u.pause.state = "halted";
		e->u.pause.counts.total = 12;
	}
	if (k == MUN_K_CLOCK_JUMPED) {
		e->u.clock.server_us = INT64_C(1795000200123456);
		e->u.clock.before_us = MUN_TIME_NONE;
	}
}

static void test_round(void **state)
{
	struct mun_err err;

	(void)state;
	for (unsigned k = 0; k < MUN_KINDS; k++) {
		MUN_BUF_CLEANUP struct mun_buf line;
		MUN_BUF_CLEANUP struct mun_buf again;
		MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
		struct mun_entry e;
		struct mun_entry back;

		mun_buf_init(&line, 1 << 17);
		mun_buf_init(&again, 1 << 17);
		fill(&e, (enum mun_kind)k);
		assert_ok(mun_entry_encode(&line, &e, &err), &err);
		assert_ok(mun_entry_decode(&back, &owner, line.data, line.len, &err), &err);
		assert_ok(mun_entry_encode(&again, &back, &err), &err);
		assert_string_equal(again.data, line.data);
		assert_int_equal(back.seq, 42);
		if (k == MUN_K_BATCH_STARTED)
			assert_int_equal(back.u.start.attempts, 7);
		if (k == MUN_K_RESPONSE)
			assert_int_equal(back.u.response.settles[1].request, MUN_NO_SEQ);
		for (size_t len = 0; len < line.len; len++) {
			MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *none = NULL;

			assert_fails(mun_entry_decode(&back, &none, line.data, len, &err),
			             MUN_E_CORRUPT, &err);
		}
	}
}

/* Both clocks: the entry's own time once more, as the local one. */
static void test_clock(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_entry e;
	struct mun_entry back;
	struct mun_err err;
	char *real;

	(void)state;
	mun_buf_init(&line, 1 << 17);
	fill(&e, MUN_K_CLOCK_JUMPED);
	assert_ok(mun_entry_encode(&line, &e, &err), &err);
	assert_non_null(strstr(mun_buf_str(&line), "\"before\":null"));
	assert_non_null(strstr(mun_buf_str(&line), "\"real\":\"2026-11-18T11:06:40.123456Z\""));
	assert_non_null(strstr(mun_buf_str(&line), "\"server\":\"2026-11-18T11:10:00.123456Z\""));
	assert_ok(mun_entry_decode(&back, &owner, line.data, line.len, &err), &err);
	assert_true(back.u.clock.server_us == e.u.clock.server_us);
	assert_true(back.u.clock.before_us == MUN_TIME_NONE);
	mun_decoded_freep(&owner);
	real = strstr(line.data, "\"real\":\"2026");
	real[11] = '7';
	assert_fails(mun_entry_decode(&back, &owner, line.data, line.len, &err), MUN_E_CORRUPT,
	             &err);
}

static void round_trip(struct mun_buf *line, const struct mun_entry *e, struct mun_entry *ret,
                       struct mun_decoded **owner)
{
	struct mun_err err;

	mun_buf_clear(line);
	assert_ok(mun_entry_encode(line, e, &err), &err);
	assert_ok(mun_entry_decode(ret, owner, line->data, line->len, &err), &err);
}

/* The names are the format's: who reads the log with other tools relies on them. */
static void test_evidence_fields(void **state)
{
	static const struct {
		enum mun_kind kind;
		const char *text;
	} parts[] = {
		{ MUN_K_CREATED, "\"previous\":{\"mark\":19,\"origin\":\"muniment/box-99887766\","
		                 "\"reason\":\"restored from \\\"tape\\\"\",\"root\":\"cd00" },
		{ MUN_K_KEY_ADDED, "\"previous\":null,\"reason\":\"stolen\",\"seq\":42," },
		{ MUN_K_KEY_ADDED, "\"vkey\":\"muniment/box-00112233+8a4e1c2f+AQID\"}" },
		{ MUN_K_PLAN_STORED, "{\"adopted\":\"b-00000000000000000077\"," },
		{ MUN_K_ANCHORED, "{\"anchor\":\"witness\",\"boot\":\"fe0000000000\"," },
		{ MUN_K_ANCHORED, "\"kind\":\"checkpoint.anchored\",\"receipt\":\"0000" },
		{ MUN_K_EXPORTED, "{\"bodies\":true,\"boot\"" },
		{ MUN_K_EXPORTED, "\"size\":41,\"sums_sha256\":\"000000ef" },
		{ MUN_K_ERASED, "{\"basis\":\"GDPR Art. 17\"," },
		{ MUN_K_ERASED, "\"disclosed\":[6],\"kind\":\"body.erased\"," },
		{ MUN_K_ERASED, "\"seqs\":[4,5,9007199254740991]," },
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(parts); i++) {
		MUN_BUF_CLEANUP struct mun_buf line;
		struct mun_entry e;
		struct mun_err err;

		mun_buf_init(&line, 1 << 17);
		fill(&e, parts[i].kind);
		assert_ok(mun_entry_encode(&line, &e, &err), &err);
		if (strstr(mun_buf_str(&line), parts[i].text) == NULL)
			fail_msg("%s is not in %s", parts[i].text, mun_buf_str(&line));
	}
}

static void test_evidence_comes_back(void **state)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_entry e, back;

	(void)state;
	mun_buf_init(&line, 1 << 17);
	fill(&e, MUN_K_CREATED);
	round_trip(&line, &e, &back, &owner);
	assert_non_null(back.u.created.previous);
	assert_true(back.u.created.previous->size == 17 && back.u.created.previous->mark == 19);
	assert_memory_equal(back.u.created.previous->root, previous.root, MUN_SHA256_LEN);
	mun_decoded_freep(&owner);
	e.u.created.previous = NULL;
	round_trip(&line, &e, &back, &owner);
	assert_null(back.u.created.previous);
	mun_decoded_freep(&owner);
	fill(&e, MUN_K_PLAN_STORED);
	round_trip(&line, &e, &back, &owner);
	assert_true(back.u.plan.has_adopted &&
	            mun_ref_equal(&back.u.plan.adopted, &e.u.plan.adopted));
	mun_decoded_freep(&owner);
	e.u.plan.has_adopted = false;
	round_trip(&line, &e, &back, &owner);
	assert_false(back.u.plan.has_adopted);
	mun_decoded_freep(&owner);
	fill(&e, MUN_K_ERASED);
	round_trip(&line, &e, &back, &owner);
	assert_int_equal(back.u.erased.seqs_len, 3);
	assert_memory_equal(back.u.erased.seqs, seqs, sizeof(seqs));
	assert_int_equal(back.u.erased.disclosed_len, 1);
	assert_int_equal(back.u.erased.disclosed[0], 6);
}

/* One number twice, or out of order, is no set: neither written nor read. */
static void test_seqs_ascend(void **state)
{
	static const uint64_t wrong[][2] = { { 5, 4 }, { 4, 4 } };
	static const char *const lines[] = { "[5,4]", "[4,4]", "[-1]", "[1.5]", "[null]", "{}" };
	MUN_BUF_CLEANUP struct mun_buf line;
	MUN_BUF_CLEANUP struct mun_buf changed;
	struct mun_entry e, back;
	struct mun_err err;
	const char *at;

	(void)state;
	mun_buf_init(&line, 1 << 17);
	mun_buf_init(&changed, 1 << 17);
	fill(&e, MUN_K_ERASED);
	assert_ok(mun_entry_encode(&line, &e, &err), &err);
	at = strstr(line.data, "[4,5,9007199254740991]");
	assert_non_null(at);
	for (size_t i = 0; i < MUN_ARRAY_LEN(lines); i++) {
		MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;

		mun_buf_clear(&changed);
		mun_buf_add(&changed, line.data, (size_t)(at - line.data));
		mun_buf_puts(&changed, lines[i]);
		mun_buf_puts(&changed, strchr(at, ']') + 1);
		assert_fails(mun_entry_decode(&back, &owner, changed.data, changed.len, &err),
		             MUN_E_CORRUPT, &err);
	}
	for (size_t i = 0; i < MUN_ARRAY_LEN(wrong); i++) {
		fill(&e, MUN_K_ERASED);
		e.u.erased.seqs = wrong[i];
		e.u.erased.seqs_len = 2;
		mun_buf_clear(&line);
		assert_fails(mun_entry_encode(&line, &e, &err), MUN_E_INTERNAL, &err);
		e.u.erased.seqs_len = 0;
		e.u.erased.disclosed = wrong[i];
		e.u.erased.disclosed_len = 2;
		assert_fails(mun_entry_encode(&line, &e, &err), MUN_E_INTERNAL, &err);
	}
}

static void test_kinds_have_names(void **state)
{
	enum mun_kind k;

	(void)state;
	for (unsigned i = 0; i < MUN_KINDS; i++) {
		assert_true(mun_kind_parse(&k, mun_kind_name((enum mun_kind)i)));
		assert_int_equal(k, i);
		assert_int_equal(mun_kind_is_bookkeeping(k),
		                 k == MUN_K_ANCHORED || k == MUN_K_EXPORTED);
	}
	assert_false(mun_kind_parse(&k, "body.eras"));
}

/* A changed bit is refused, or the entry reads back as exactly the changed bytes. */
static void test_flips(void **state)
{
	struct mun_err err;

	(void)state;
	for (unsigned k = 0; k < MUN_KINDS; k++) {
		MUN_BUF_CLEANUP struct mun_buf line;
		MUN_BUF_CLEANUP struct mun_buf again;
		struct mun_entry e;

		mun_buf_init(&line, 1 << 17);
		mun_buf_init(&again, 1 << 17);
		fill(&e, (enum mun_kind)k);
		assert_ok(mun_entry_encode(&line, &e, &err), &err);
		for (size_t bit = 0; bit < line.len * 8; bit++) {
			MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
			struct mun_entry back;

			line.data[bit / 8] = (char)(line.data[bit / 8] ^ (1 << bit % 8));
			if (mun_entry_decode(&back, &owner, line.data, line.len, &err) == MUN_OK) {
				mun_buf_clear(&again);
				assert_ok(mun_entry_encode(&again, &back, &err), &err);
				assert_int_equal(again.len, line.len);
				assert_memory_equal(again.data, line.data, line.len);
			}
			line.data[bit / 8] = (char)(line.data[bit / 8] ^ (1 << bit % 8));
		}
	}
}

static void test_limit(void **state)
{
	static char text[MUN_ENTRY_MAX + 2];
	MUN_BUF_CLEANUP struct mun_buf line;
	struct mun_entry e;
	struct mun_err err;
	size_t fixed;

	(void)state;
	mun_buf_init(&line, 1 << 17);
	fill(&e, MUN_K_BATCH_CANCELLING);
	e.u.cancelling.reason = "";
	assert_ok(mun_entry_encode(&line, &e, &err), &err);
	fixed = line.len;
	memset(text, 'x', MUN_ENTRY_MAX - fixed);
	e.u.cancelling.reason = text;
	mun_buf_clear(&line);
	assert_ok(mun_entry_encode(&line, &e, &err), &err);
	assert_int_equal(line.len, MUN_ENTRY_MAX);
	text[MUN_ENTRY_MAX - fixed] = 'x';
	mun_buf_clear(&line);
	assert_fails(mun_entry_encode(&line, &e, &err), MUN_E_FULL, &err);
	assert_non_null(strstr(err.text, "65536"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),           cmocka_unit_test(test_clock),
		cmocka_unit_test(test_evidence_fields), cmocka_unit_test(test_evidence_comes_back),
		cmocka_unit_test(test_seqs_ascend),     cmocka_unit_test(test_kinds_have_names),
		cmocka_unit_test(test_flips),           cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
