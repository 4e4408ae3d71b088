/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/engine/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LATENCY_MS 20
#define WAITS_MAX  400000
#define LOOKS      10

static void step(struct fake *f)
{
	if (++f->step == f->die_at)
		_exit(FAKE_EXIT);
}

/* Idle rounds are alike: only the first few looks after something happened are steps. */
static void look(struct fake *f)
{
	if (f->looks == 0)
		return;
	f->looks--;
	step(f);
}

static void broken(struct fake *f, const char *what, int run)
{
	if (f->broken[0] == '\0')
		(void)snprintf(f->broken, sizeof(f->broken), "request %zu, run %d: %s", f->requests,
		               run, what);
}

/* Every reading differs, so entries with the same time are of one transaction. */
static void read_clock(const struct mun_clock *clock, struct mun_now *ret)
{
	struct fake *f = clock->data;

	look(f);
	f->now.real_us++;
	*ret = f->now;
}

static void pass(struct fake *f, uint64_t until_ms)
{
	if (until_ms > (uint64_t)f->now.uptime_ms) {
		f->now.real_us += ((int64_t)until_ms - f->now.uptime_ms) * 1000;
		f->now.uptime_ms = (int64_t)until_ms;
	}
	fake_server_pass(f);
}

static int find_run(const struct fake *f, const char *text)
{
	struct mun_id id;

	if (mun_id_parse(&id, text, strcspn(text, "/?")) != MUN_ID_OK)
		return -1;
	for (uint32_t i = 0; i < f->runs; i++)
		if (mun_id_equal(&f->run[i].id, &id))
			return (int)i;
	return -1;
}

static enum fake_kind kind_of(const struct mun_request *r, bool has_run)
{
	const char *tail = strrchr(r->path, '/');

	if (r->mutating)
		return FAKE_MUTATE;
	if (has_run)
		return FAKE_GET;
	if (tail != NULL && strcmp(tail, "/me") == 0)
		return FAKE_ME;
	if (strstr(r->path, "/me/organizations") != NULL)
		return FAKE_ORGS;
	return strstr(r->path, "/users/") != NULL ? FAKE_MEMBER : FAKE_LIST;
}

static void recognise(struct fake *f, struct fake_request *ret, const struct mun_request *r)
{
	const char *run = strstr(r->path, "/runs/");
	const char *page = strstr(r->path, "&page=");

	ret->run = run != NULL ? find_run(f, run + 6) : -1;
	ret->kind = kind_of(r, run != NULL);
	if (page == NULL)
		page = strstr(r->path, "?page=");
	ret->page = page != NULL ? (unsigned)strtoul(page + 6, NULL, 10) : 1;
	ret->by_status = strstr(r->path, "status=archived") != NULL;
	ret->narrowed = strstr(r->path, "checklist_id=" FAKE_BLUEPRINT) != NULL;
	if (ret->kind == FAKE_MUTATE && ret->run < 0)
		broken(f, "a mutating request for a run that is not ours", -1);
	if (ret->kind == FAKE_MUTATE && strcmp(r->method, mun_ops[f->op].method) != 0)
		broken(f, "a mutating request with the method of the other operation", ret->run);
}

static struct fake_answer choose(struct fake *f, const struct fake_request *r)
{
	unsigned nth = r->run >= 0 ? f->run[r->run].count[r->kind] : f->count[r->kind];

	for (size_t i = 0; i < f->rules; i++) {
		const struct fake_rule *rule = &f->rule[i];

		if (rule->kind != r->kind || (rule->run != FAKE_ANY && rule->run != r->run) ||
		    nth < rule->from || (rule->to > 0 && nth > rule->to) ||
		    (rule->first > 0 && f->count[r->kind] > rule->first))
			continue;
		return rule->answer;
	}
	return fake_server_answer(f, r);
}

/* What must hold at each start, whatever the test is about. */
static void check_start(struct fake *f, const struct fake_request *r)
{
	struct mun_exchange x;
	struct mun_err err;

	if (f->journal != NULL && mun_journal_exchange(f->journal, r->tag, &x, &err) != MUN_OK)
		broken(f, "sent before its intent was committed", r->run);
	if (r->kind == FAKE_MUTATE && r->run >= 0 && f->run[r->run].doubt)
		broken(f, "sent again although nothing was known about the one before", r->run);
}

static enum mun_code start(struct mun_wire *w, uint64_t tag, const struct mun_request *request,
                           size_t body_max, struct mun_err *err)
{
	struct fake *f = w->data;
	struct fake_request *r;
	struct fake_flight *flight;

	(void)body_max;
	step(f);
	if (f->requests == FAKE_REQUESTS || f->flights == FAKE_FLIGHTS)
		return mun_fail(err, MUN_E_INTERNAL,
		                "the engine sends more than the test can hold");
	pass(f, 0);
	r = &f->request[f->requests];
	*r = (struct fake_request){ .tag = tag, .at_ms = (uint64_t)f->now.uptime_ms };
	recognise(f, r, request);
	check_start(f, r);
	f->count[r->kind]++;
	if (r->run >= 0)
		f->run[r->run].count[r->kind]++;
	flight = &f->flight[f->flights++];
	*flight = (struct fake_flight){ .answer = choose(f, r), .request = f->requests++ };
	flight->ready_ms =
		r->at_ms + (flight->answer.latency_ms > 0 ? flight->answer.latency_ms : LATENCY_MS);
	r->http = flight->answer.http;
	r->flying = (unsigned)f->flights;
	for (size_t i = 0; i < f->flights; i++)
		r->mutating += f->request[f->flight[i].request].kind == FAKE_MUTATE;
	if (r->kind == FAKE_MUTATE && r->run >= 0) {
		f->run[r->run].doubt = true;
		if (flight->answer.effect == FAKE_EFFECT)
			fake_server_apply(f, &f->run[r->run], flight->answer.effect_after_ms);
	}
	if (f->on_start != NULL)
		f->on_start(f, r);
	step(f);
	f->looks = LOOKS;
	return MUN_OK;
}

static void put_date(const struct fake *f, struct mun_answer *a)
{
	time_t now = (time_t)((f->now.real_us + f->server_offset_us) / 1000000);
	struct tm tm;

	if (!f->no_dates && gmtime_r(&now, &tm) != NULL)
		(void)strftime(a->header[MUN_H_DATE], sizeof(a->header[MUN_H_DATE]),
		               "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* Does the answer tell for certain what became of the request, or of the run? */
static void note_known(struct fake *f, const struct fake_request *r, const struct fake_answer *a)
{
	struct fake_run *run = r->run >= 0 ? &f->run[r->run] : NULL;
	bool whole = a->send == MUN_SEND_OK && a->http / 100 == 2;
	bool refused = a->send == MUN_SEND_NOT_SENT || a->send == MUN_SEND_BAD_CERT ||
	               (a->send == MUN_SEND_OK && a->http >= 400 && a->http < 500 &&
	                a->http != 408 && a->http != 409 && a->http != 423 && a->http != 425);

	if (r->kind == FAKE_MUTATE && run != NULL)
		run->doubt = run->doubt && !refused && !(whole && a->body == NULL);
	if (whole && r->kind == FAKE_GET && run != NULL)
		run->doubt = false;
	for (uint32_t i = 0; whole && r->kind == FAKE_LIST && i < f->runs; i++)
		f->run[i].doubt = false;
}

static void deliver(struct fake *f, const struct fake_flight *flight, struct mun_answer *ret)
{
	struct fake_request *r = &f->request[flight->request];
	const struct fake_answer *a = &flight->answer;

	memset(ret, 0, sizeof(*ret));
	ret->tag = r->tag;
	ret->send = a->send;
	ret->sent = a->send == MUN_SEND_OK || a->send == MUN_SEND_BROKEN;
	ret->retry_after_s = -1;
	(void)snprintf(ret->curl_name, sizeof(ret->curl_name), "%s",
	               a->send == MUN_SEND_OK ? "CURLE_OK" : "CURLE_FAILED");
	ret->curl_code = a->send == MUN_SEND_OK ? 0 : 7;
	ret->duration_ms = (uint32_t)(flight->ready_ms - r->at_ms);
	r->answered_ms = flight->ready_ms;
	note_known(f, r, a);
	if (a->send != MUN_SEND_OK) {
		(void)snprintf(ret->error, sizeof(ret->error), "the line is dead");
		return;
	}
	ret->http = a->http;
	put_date(f, ret);
	if (a->retry_after_s > 0) {
		ret->retry_after_s = a->retry_after_s;
		(void)snprintf(ret->header[MUN_H_RETRY_AFTER], MUN_HEADER_MAX, "%lld",
		               (long long)a->retry_after_s);
	}
	if (a->http / 100 == 3)
		(void)snprintf(ret->location_host, sizeof(ret->location_host), "login.example");
	ret->body = fake_server_body(f, r, a);
	ret->body_len = ret->body != NULL ? strlen(ret->body) : 0;
}

static size_t first_ready(const struct fake *f)
{
	size_t best = 0;

	for (size_t i = 1; i < f->flights; i++)
		if (f->flight[i].ready_ms < f->flight[best].ready_ms)
			best = i;
	return best;
}

static enum mun_code wait_for(struct mun_wire *w, uint32_t timeout_ms, struct mun_answer *ret,
                              size_t max, size_t *ret_len, struct mun_err *err)
{
	struct fake *f = w->data;
	uint64_t until_ms = (uint64_t)f->now.uptime_ms + (timeout_ms > 0 ? timeout_ms : 1);

	*ret_len = 0;
	look(f);
	if (++f->waits > WAITS_MAX)
		return mun_fail(err, MUN_E_INTERNAL, "the engine does not come to an end");
	if (f->on_wait != NULL)
		f->on_wait(f);
	if (f->flights == 0 || f->flight[first_ready(f)].ready_ms > until_ms) {
		pass(f, until_ms);
		return MUN_OK;
	}
	pass(f, f->flight[first_ready(f)].ready_ms);
	f->looks = LOOKS;
	while (f->flights > 0 && *ret_len < max) {
		size_t i = first_ready(f);

		if (f->flight[i].ready_ms > (uint64_t)f->now.uptime_ms)
			break;
		deliver(f, &f->flight[i], &ret[(*ret_len)++]);
		f->flights--;
		memmove(&f->flight[i], &f->flight[i + 1], (f->flights - i) * sizeof(f->flight[0]));
	}
	return MUN_OK;
}

static void abort_all(struct mun_wire *w)
{
	struct fake *f = w->data;

	f->aborts++;
	for (size_t i = 0; i < f->flights; i++) {
		f->flight[i].answer.send = MUN_SEND_BROKEN;
		f->flight[i].ready_ms = (uint64_t)f->now.uptime_ms;
	}
}

struct fake *fake_open(enum mun_op_kind op, uint32_t runs)
{
	struct fake *f =
		mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (f == MAP_FAILED || runs > FAKE_RUNS)
		abort();
	f->op = op;
	f->runs = runs;
	f->looks = LOOKS;
	f->wire = (struct mun_wire){
		.start = start, .wait = wait_for, .abort = abort_all, .data = f
	};
	f->clock = (struct mun_clock){ .now = read_clock, .data = f };
	f->now.real_us = INT64_C(1795000000000000);
	f->now.uptime_ms = 5000000;
	memset(f->now.boot_id, 7, sizeof(f->now.boot_id));
	for (uint32_t i = 0; i < FAKE_RUNS; i++) {
		struct fake_run *r = &f->run[i];

		r->id.bytes[0] = 0xf0;
		r->id.bytes[14] = (uint8_t)(i >> 8);
		r->id.bytes[15] = (uint8_t)i;
		r->archived = op == MUN_OP_RESTORE;
		r->archived_us = f->now.real_us - INT64_C(3600000000);
		r->updated_us = r->archived_us;
	}
	return f;
}

void fake_close(struct fake *f)
{
	if (f != NULL)
		(void)munmap(f, sizeof(*f));
}

void fake_rule(struct fake *f, struct fake_rule rule)
{
	if (f->rules == FAKE_RULES)
		abort();
	f->rule[f->rules++] = rule;
}

void fake_hang_up(struct fake *f)
{
	f->flights = 0;
	f->step = f->die_at = 0;
	f->looks = LOOKS;
}

unsigned fake_mutations(const struct fake *f, int run)
{
	return run == FAKE_ANY ? f->count[FAKE_MUTATE] : f->run[run].count[FAKE_MUTATE];
}

const struct fake_request *fake_nth(const struct fake *f, enum fake_kind kind, int run, size_t n)
{
	for (size_t i = 0; i < f->requests; i++) {
		const struct fake_request *r = &f->request[i];

		if (r->kind == kind && (run == FAKE_ANY || r->run == run) && n-- == 0)
			return r;
	}
	return NULL;
}
