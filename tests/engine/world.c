/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/engine/world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "journal/verify.h"
#include "lib/crypto.h"

#define TOKEN "00112233445566778899aabbccddeeff"

static const struct mun_operator somebody = { 1000, "alice", NULL, "desk", NULL, NULL };

static void lost(void *arg, const char *line)
{
	struct world *w = arg;

	(void)line;
	w->unrecorded++;
}

static enum mun_code open_journal(struct world *w)
{
	const struct mun_journal_options o = {
		.dir = w->dir, .mode = MUN_JOURNAL_CREATE, .clock = &w->f->clock, .version = "0.1.0"
	};
	enum mun_code code = mun_journal_open(&w->j, &o, &w->err);

	w->f->journal = w->j;
	w->o.journal = w->j;
	return code;
}

static void close_journal(struct world *w)
{
	mun_journal_closep(&w->j);
	w->f->journal = NULL;
}

/* In memory where there is room for that: thousands of commits need not reach a disk here. */
static const char *place(void)
{
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct mun_err err;

	assert_non_null(w);
	assert_int_equal(setenv("TMPDIR", place(), 1), 0); /* for the copy that verify makes */
	assert_ok(mun_crypto_init(&err), &err);
	*state = w;
	return 0;
}

static void remove_dir(struct world *w)
{
	char path[400];
	DIR *dir;

	close_journal(w);
	dir = opendir(w->dir);
	for (const struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir)) {
		(void)snprintf(path, sizeof(path), "%s/%s", w->dir, d->d_name);
		(void)unlink(path);
	}
	if (dir)
		(void)closedir(dir);
	assert_int_equal(rmdir(w->dir), 0);
	fake_close(w->f);
	w->f = NULL;
}

int world_teardown(void **state)
{
	struct world *w = *state;

	if (w->f != NULL) { /* a failed assertion left it open */
		print_error("in the case \"%s\": %s\n", w->name, w->f->broken);
		remove_dir(w);
	}
	free(w);
	return 0;
}

void world_open(struct world *w, const char *name, enum mun_op_kind op, uint32_t items)
{
	if (w->f != NULL)
		world_close(w);
	memset(w, 0, sizeof(*w));
	w->name = name;
	w->f = fake_open(op, items);
	(void)snprintf(w->dir, sizeof(w->dir), "%s/mun-engine-XXXXXX", place());
	assert_non_null(mkdtemp(w->dir));
	assert_ok(open_journal(w), &w->err);
	memset(w->org.bytes, 0xaa, sizeof(w->org.bytes));
	w->o = (struct mun_engine_options){ .wire = &w->f->wire,
		                            .journal = w->j,
		                            .clock = &w->f->clock,
		                            .token_fingerprint = TOKEN,
		                            .concurrency = 1,
		                            .attempts = 5,
		                            .settle_ms = 60000,
		                            .timeout_ms = 60000,
		                            .max_wait_ms = 6u * 3600 * 1000,
		                            .stop_at_us = MUN_TIME_NONE,
		                            .lost = lost,
		                            .arg = w };
	assert_ok(mun_base_url_parse(&w->o.base, "https://api.tallyfy.com", &w->err), &w->err);
	world_add_plan(w, 1, op, 0, items);
	world_use(w, 1, op);
}

static void check_journal(struct world *w)
{
	struct mun_verdict_report report;

	assert_ok(mun_verify_journal(w->j, NULL, &report, &w->err), &w->err);
	for (size_t i = 0; i < report.findings_len; i++)
		if (report.findings[i].bad)
			print_error("verify: #%llu %s\n",
			            (unsigned long long)report.findings[i].seq,
			            report.findings[i].what);
	assert_int_not_equal(report.result, MUN_VERIFY_FAILED);
	mun_verdict_report_done(&report);
}

void world_close(struct world *w)
{
	if (!w->unverified)
		check_journal(w);
	assert_string_equal(w->f->broken, "");
	remove_dir(w);
}

void world_append(struct world *w, struct mun_entry *e)
{
	struct mun_group g = { .entries = e, .len = 1 };

	assert_ok(mun_journal_append(w->j, &g, &w->err), &w->err);
	assert_int_equal(e->refused, MUN_ADMITTED);
}

void world_add_plan(struct world *w, uint8_t ref, enum mun_op_kind op, uint32_t first,
                    uint32_t items)
{
	MUN_BUF_CLEANUP struct mun_buf list;
	struct mun_entry e = {
		.kind = MUN_K_PLAN_STORED, .item = MUN_NO_ITEM, .has_org = true, .org = w->org
	};
	struct mun_ref plan;

	mun_buf_init(&list, 1u << 20);
	memset(plan.bytes, ref, sizeof(plan.bytes));
	for (uint32_t i = 0; i < items; i++) {
		struct mun_plan_row row = { .run = w->f->run[first + i].id, .line = i + 1 };
		char id[MUN_ID_TEXT];

		mun_id_format(id, &row.run);
		mun_buf_printf(&list, "%s\n", id);
		assert_ok(mun_journal_plan_rows(w->j, &plan, i, &w->org, &row, 1, &w->err),
		          &w->err);
	}
	e.u.plan.plan = plan;
	e.u.plan.op = op;
	e.u.plan.base_url = "https://api.tallyfy.com";
	e.u.plan.items = items;
	mun_sha256(e.u.plan.list_sha256, list.data, list.len);
	e.u.plan.reason = "quarterly clean-up";
	e.u.plan.operator_ = somebody;
	world_append(w, &e);
}

void world_use(struct world *w, uint8_t ref, enum mun_op_kind op)
{
	memset(w->plan.bytes, ref, sizeof(w->plan.bytes));
	memset(w->batch.bytes, ref, sizeof(w->batch.bytes));
	w->f->op = op;
}

static enum mun_code begin(struct world *w)
{
	char options[40];
	struct mun_batch b = { .epoch = 0 };
	enum mun_code code = mun_journal_batch(w->j, &w->batch, &b, &w->err);
	struct mun_entry e = { .kind = code == MUN_OK ? MUN_K_BATCH_RESUMED : MUN_K_BATCH_STARTED,
		               .item = MUN_NO_ITEM,
		               .has_batch = true,
		               .batch = w->batch,
		               .has_org = true,
		               .org = w->org };
	struct mun_group g = { .entries = &e, .len = 1 };

	e.u.start.resolving = w->o.resolving;
	e.u.start.plan = w->plan;
	e.u.start.epoch = b.epoch + 1;
	e.u.start.operator_ = somebody;
	e.u.start.version = "0.1.0";
	e.u.start.machine = "0123456789ab";
	e.u.start.all_in_doubt = w->all_in_doubt;
	e.u.start.token = TOKEN;
	e.u.start.identity_id = "4711";
	e.u.start.identity_role = "standard";
	e.u.start.host = "api.tallyfy.com";
	e.u.start.limits = "none";
	(void)snprintf(options, sizeof(options), "{\"attempts\":%u}", w->o.attempts);
	e.u.start.options = w->o.attempts == 5 ? "{}" : options; /* what differs */
	e.u.start.attempts = w->o.attempts;
	code = mun_journal_append(w->j, &g, &w->err);
	return code == MUN_OK ? mun_journal_batch(w->j, &w->batch, &w->o.batch, &w->err) : code;
}

void world_raise_epoch(struct world *w)
{
	struct mun_engine_options mine = w->o;

	assert_ok(begin(w), &w->err);
	w->o = mine;
}

enum mun_code world_try(struct world *w)
{
	enum mun_code code = begin(w);

	return code == MUN_OK ? mun_engine_run(&w->o, &w->result, &w->err) : code;
}

static void check_always(struct world *w)
{
	struct mun_batch b;

	if (w->f->broken[0] != '\0')
		print_error("%s: %s\n", w->name, w->f->broken);
	assert_string_equal(w->f->broken, "");
	if (mun_journal_batch(w->j, &w->batch, &b, &w->err) == MUN_E_NOTFOUND)
		return; /* it died before the batch began */
	if (!mun_counts_conserve(&b.counts))
		print_error("%s: the counts do not add up\n", w->name);
	assert_true(mun_counts_conserve(&b.counts));
	assert_int_equal(w->unrecorded, 0);
}

void world_run(struct world *w)
{
	assert_ok(world_try(w), &w->err);
	assert_int_equal(w->f->flights, 0);
	check_always(w);
}

bool world_run_and_die(struct world *w, unsigned step)
{
	pid_t child;
	int status;

	close_journal(w);
	w->f->die_at = 0;
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		enum mun_code code = open_journal(w);

		w->f->step = 0;
		w->f->die_at = step;
		if (code == MUN_OK)
			code = world_try(w);
		_exit(code == MUN_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	fake_hang_up(w->f);
	assert_true(WIFEXITED(status));
	assert_ok(open_journal(w), &w->err);
	check_always(w);
	assert_int_not_equal(WEXITSTATUS(status), 1);
	return WEXITSTATUS(status) == FAKE_EXIT;
}

struct mun_item world_item(struct world *w, uint32_t item)
{
	struct mun_item ret;

	assert_ok(mun_journal_item(w->j, &w->batch, item, &ret, &w->err), &w->err);
	return ret;
}

enum mun_verdict world_verdict(struct world *w, uint32_t item)
{
	return world_item(w, item).verdict;
}

struct mun_exchange world_attempt(struct world *w, int run, size_t n)
{
	const struct fake_request *r = fake_nth(w->f, FAKE_MUTATE, run, n);
	struct mun_exchange ret;

	assert_non_null(r);
	assert_ok(mun_journal_exchange(w->j, r->tag, &ret, &w->err), &w->err);
	return ret;
}

uint64_t world_size(struct world *w)
{
	struct mun_head head;

	assert_ok(mun_journal_head(w->j, &head, &w->err), &w->err);
	return head.size;
}

void world_entry(struct world *w, uint64_t seq, struct mun_entry *ret,
                 struct mun_decoded **ret_owner)
{
	MUN_BUF_CLEANUP struct mun_buf line;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	assert_ok(mun_journal_entry(w->j, seq, &line, &w->err), &w->err);
	assert_ok(mun_entry_decode(ret, ret_owner, line.data, line.len, &w->err), &w->err);
}

unsigned world_exit(struct world *w)
{
	enum mun_verdict only = w->result.batch.items == 1 ? world_verdict(w, 0) : MUN_V_NONE;

	return mun_outcome_exit(&w->result.batch, only);
}

static void complain(const struct world *w, const char *what, long long got, long long want)
{
	print_error("%s: %s is %lld, expected %lld\n", w->name, what, got, want);
}

void world_assert_counts(struct world *w, const struct mun_counts *want, const char *file, int line)
{
	static const char *const names[] = { "done",    "already",   "failed", "in_doubt",
		                             "skipped", "cancelled", "pending" };
	const struct mun_counts *c = &w->result.batch.counts;
	const uint64_t got[] = { c->done,    c->already,   c->failed, c->in_doubt,
		                 c->skipped, c->cancelled, c->pending };
	const uint64_t wanted[] = { want->done,    want->already,   want->failed, want->in_doubt,
		                    want->skipped, want->cancelled, want->pending };
	bool same = true;

	for (size_t i = 0; i < MUN_ARRAY_LEN(got); i++) {
		if (got[i] == wanted[i])
			continue;
		complain(w, names[i], (long long)got[i], (long long)wanted[i]);
		same = false;
	}
	if (!same)
		_fail(file, line);
}

void world_assert_ended(struct world *w, enum mun_batch_state state, enum mun_why why,
                        const char *file, int line)
{
	if (w->result.batch.state == state && w->result.why == why)
		return;
	print_error("%s: %s (%s), expected %s (%s)\n", w->name,
	            mun_batch_state_name(w->result.batch.state), mun_why_name(w->result.why),
	            mun_batch_state_name(state), mun_why_name(why));
	_fail(file, line);
}

void world_assert_verdict(struct world *w, uint32_t item, enum mun_verdict v, const char *file,
                          int line)
{
	enum mun_verdict got = world_verdict(w, item);
	const char *name = mun_verdict_name(got), *wanted = mun_verdict_name(v);

	if (got == v)
		return;
	print_error("%s: item %u is %s, expected %s\n", w->name, item, name ? name : "none",
	            wanted ? wanted : "none");
	_fail(file, line);
}
