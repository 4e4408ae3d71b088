/* SPDX-License-Identifier: Apache-2.0 */
/* Who are we, before anything is sent that changes the server. */
#include <string.h>

#include "cmd/engine/preflight.h"
#include "tests/engine/world.h"

#define HOUR_MS (UINT64_C(3600) * 1000)

static struct mun_preflight who;

static enum mun_code ask(struct world *w, bool on_terminal)
{
	const struct mun_preflight_options o = { .journal = w->j,
		                                 .wire = &w->f->wire,
		                                 .clock = &w->f->clock,
		                                 .base = &w->o.base,
		                                 .org = &w->org,
		                                 .rate = &w->o.rate,
		                                 .token_fingerprint = w->o.token_fingerprint,
		                                 .max_wait_ms = HOUR_MS,
		                                 .on_terminal = on_terminal,
		                                 .signals = w->o.signals };

	return mun_preflight_run(&o, &who, &w->err);
}

static void rule(struct world *w, enum fake_kind kind, unsigned to, struct fake_answer a)
{
	fake_rule(w->f, (struct fake_rule){ kind, FAKE_ANY, 0, to, 0, a });
}

static void test_three_questions(void **state)
{
	struct world *w = *state;

	world_open(w, "who", MUN_OP_ARCHIVE, 1);
	assert_ok(ask(w, false), &w->err);
	assert_true(who.has_me);
	assert_string_equal(who.me_id, "4711");
	assert_string_equal(who.role, "standard");
	assert_string_equal(who.org_name, "Acme");
	assert_int_equal(w->f->requests, 3);
	assert_int_equal(w->f->request[0].kind, FAKE_ME);
	assert_int_equal(fake_mutations(w->f, FAKE_ANY), 0);
	world_close(w);
}

static void test_what_me_may_say(void **state)
{
	static const struct {
		const char *name;
		struct fake_answer answer;
		unsigned exit; /* 0: goes on */
		bool has_me;
	} cases[] = {
		{ "401", { .http = 401, .body = FAKE_JSON }, 3, false },
		{ "403 JSON", { .http = 403, .body = FAKE_JSON }, 0, false },
		{ "404 JSON", { .http = 404, .body = FAKE_NOT_FOUND }, 0, false },
		{ "403 HTML", { .http = 403, .body = FAKE_HTML }, 14, false },
		{ "404 HTML", { .http = 404, .body = FAKE_HTML }, 14, false },
		{ "302", { .http = 302 }, 14, false },
		{ "200 HTML", { .http = 200, .body = FAKE_HTML }, 14, false },
		{ "200 without id", { .http = 200, .body = "{\"data\":{}}" }, 14, false },
		{ "400", { .http = 400, .body = FAKE_JSON }, 14, false },
		{ "id as text", { .http = 200, .body = "{\"data\":{\"id\":\"12\"}}" }, 0, true },
		{ "certificate", { .send = MUN_SEND_BAD_CERT }, 14, false },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		enum mun_code code;

		world_open(w, cases[i].name, MUN_OP_ARCHIVE, 1);
		rule(w, FAKE_ME, 0, cases[i].answer);
		code = ask(w, false);
		assert_int_equal(who.exit, cases[i].exit);
		assert_int_equal(code == MUN_OK, cases[i].exit == 0);
		assert_int_equal(who.has_me, cases[i].has_me);
		assert_int_equal(w->f->count[FAKE_ME], 1);
		assert_int_equal(w->f->count[FAKE_MEMBER], cases[i].has_me);
	}
	world_close(w);
}

/* 5xx and a network that is away: an outage, waited for until --max-wait. */
static void test_an_outage(void **state)
{
	static const struct {
		struct fake_answer answer;
		bool terminal;
		uint64_t least_ms, most_ms;
	} cases[] = {
		{ { .http = 503 }, false, HOUR_MS, HOUR_MS + 310000 },
		{ { .http = 503 }, true, HOUR_MS, HOUR_MS + 310000 },
		{ { .send = MUN_SEND_NOT_SENT }, false, 60000, 75000 },
		{ { .send = MUN_SEND_NOT_SENT }, true, 0, 1000 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		uint64_t took_ms;

		world_open(w, "outage", MUN_OP_ARCHIVE, 1);
		rule(w, FAKE_ME, 0, cases[i].answer);
		took_ms = (uint64_t)w->f->now.uptime_ms;
		assert_fails(ask(w, cases[i].terminal), MUN_E_REMOTE, &w->err);
		took_ms = (uint64_t)w->f->now.uptime_ms - took_ms;
		assert_int_equal(who.exit, 14);
		assert_in_range(took_ms, cases[i].least_ms, cases[i].most_ms);
	}
	for (size_t i = 0; i < 3; i += 2) { /* a short one is survived */
		world_open(w, "short outage", MUN_OP_ARCHIVE, 1);
		rule(w, FAKE_ME, 3, cases[i].answer);
		assert_ok(ask(w, false), &w->err);
		assert_int_equal(w->f->count[FAKE_ME], 4);
	}
	world_close(w);
}

static void test_429_waits_or_leaves(void **state)
{
	struct world *w = *state;

	for (enum fake_kind kind = FAKE_ME; kind <= FAKE_MEMBER; kind++) {
		const struct fake_request *r;

		world_open(w, "429", MUN_OP_ARCHIVE, 1);
		rule(w, kind, 1, (struct fake_answer){ .http = 429, .retry_after_s = 100 });
		assert_ok(ask(w, false), &w->err);
		r = fake_nth(w->f, kind, FAKE_ANY, 0);
		assert_true(fake_nth(w->f, kind, FAKE_ANY, 1)->at_ms >= r->answered_ms + 100000);

		world_open(w, "429, long", MUN_OP_ARCHIVE, 1);
		rule(w, kind, 0, (struct fake_answer){ .http = 429, .retry_after_s = 7200 });
		assert_int_not_equal(ask(w, false), MUN_OK);
		assert_int_equal(who.exit, 6);
		assert_true(who.next_at_us >= w->f->now.real_us + INT64_C(7190000000));
		assert_true((uint64_t)w->f->now.uptime_ms < 5000000 + 5000); /* left at once */
	}
	world_close(w);
}

static void test_roles_and_organizations(void **state)
{
	static const struct {
		const char *name;
		enum fake_kind kind;
		const char *body;
		unsigned exit;
	} cases[] = {
		{ "light", FAKE_MEMBER, "{\"data\":{\"role\":\"Light\"}}", 3 },
		{ "guest", FAKE_MEMBER, "{\"data\":{\"role\":\"x\",\"type\":\"guest\"}}", 3 },
		{ "admin", FAKE_MEMBER, "{\"data\":{\"role\":\"admin\"}}", 0 },
		{ "no role", FAKE_MEMBER, "{\"data\":{}}", 0 },
		{ "others", FAKE_ORGS,
		  "{\"data\":[{\"id\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\"name\":\"Other\"}],"
		  "\"meta\":{\"pagination\":{\"total\":1,\"current_page\":1,\"total_pages\":1}}}",
		  14 },
		{ "others, more pages", FAKE_ORGS,
		  "{\"data\":[{\"id\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\",\"name\":\"Other\"}],"
		  "\"meta\":{\"pagination\":{\"total\":2,\"current_page\":1,\"total_pages\":2}}}",
		  0 },
		{ "none", FAKE_ORGS, "{\"data\":[]}", 0 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < MUN_ARRAY_LEN(cases); i++) {
		world_open(w, cases[i].name, MUN_OP_ARCHIVE, 1);
		rule(w, cases[i].kind, 0,
		     (struct fake_answer){ .http = 200, .body = cases[i].body });
		assert_int_equal(ask(w, false) == MUN_OK, cases[i].exit == 0);
		assert_int_equal(who.exit, cases[i].exit);
		if (cases[i].exit == 14)
			assert_non_null(strstr(w->err.text, "Other"));
	}
	world_close(w);
}

/* Any other answer to these two is recorded, and the run goes on. */
static void test_the_other_two_may_say_anything(void **state)
{
	static const struct fake_answer answers[] = {
		{ .http = 401 },
		{ .http = 403, .body = FAKE_HTML },
		{ .http = 404, .body = FAKE_NOT_FOUND },
		{ .http = 302 },
		{ .http = 200, .body = FAKE_HTML },
		{ .http = 500 },
		{ .send = MUN_SEND_BROKEN },
	};
	struct world *w = *state;

	for (enum fake_kind kind = FAKE_ORGS; kind <= FAKE_MEMBER; kind++)
		for (size_t i = 0; i < MUN_ARRAY_LEN(answers); i++) {
			world_open(w, "anything", MUN_OP_ARCHIVE, 1);
			rule(w, kind, 0, answers[i]);
			assert_ok(ask(w, false), &w->err);
			assert_true(who.has_me);
			/* created, plan, and three times request and response */
			assert_int_equal(world_size(w), 2 + 2 * w->f->requests);
		}
	world_close(w);
}

/* They count in the windows, which the batch shares. */
static void test_questions_count_in_the_windows(void **state)
{
	struct world *w = *state;

	world_open(w, "windows", MUN_OP_ARCHIVE, 2);
	assert_ok(mun_rate_parse(&w->o.rate, "2/10s", &w->err), &w->err);
	assert_ok(ask(w, false), &w->err);
	world_run(w);
	assert_int_equal(w->f->requests, 5);
	for (size_t i = 2; i < 5; i++)
		assert_true(w->f->request[i].at_ms - w->f->request[i - 2].at_ms >= 10000);
	world_close(w);
}

static int one_signal(void)
{
	return 1;
}

static void test_a_signal_ends_it(void **state)
{
	struct world *w = *state;

	world_open(w, "signal", MUN_OP_ARCHIVE, 1);
	w->o.signals = one_signal;
	rule(w, FAKE_ME, 0, (struct fake_answer){ .http = 503 });
	assert_int_not_equal(ask(w, false), MUN_OK);
	assert_int_equal(who.exit, 130);
	world_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(test_three_questions),
		world_test(test_what_me_may_say),
		world_test(test_an_outage),
		world_test(test_429_waits_or_leaves),
		world_test(test_roles_and_organizations),
		world_test(test_the_other_two_may_say_anything),
		world_test(test_questions_count_in_the_windows),
		world_test(test_a_signal_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
