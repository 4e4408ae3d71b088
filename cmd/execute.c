/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/execute.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/consent.h"
#include "cmd/credential.h"
#include "cmd/draw.h"
#include "cmd/engine/preflight.h"
#include "cmd/pace.h"
#include "cmd/signal.h"
#include "lib/file.h"
#include "lib/remote/http.h"

/* What one execution holds; released in close_execution(). */
struct execution {
	struct mun_app *app;
	struct mun_journal *j;
	const struct mun_execute *x;
	struct mun_pace pace;
	struct mun_base_url base;
	struct mun_credential credential;
	struct mun_http *http;
	struct mun_preflight who;
	struct mun_batch batch;
	bool exists; /* the batch was started before */
	int lock_fd;
	char fingerprint[33], holder[600];
	struct mun_draw draw;
	struct mun_asking asking;
};

static void close_execution(struct execution *k)
{
	mun_draw_end(&k->draw);
	mun_http_closep(&k->http);
	mun_credential_done(&k->credential);
	mun_closep(&k->lock_fd);
}

/* One plan, one batch: its id follows from the plan's, so two starters meet at one lock. */
static void batch_ref(struct mun_ref *ret, const struct mun_ref *plan)
{
	uint8_t digest[MUN_SHA256_LEN];
	const struct mun_slice pieces[] = { { "batch", 5 }, { plan->bytes, sizeof(plan->bytes) } };

	mun_sha256_of(digest, pieces, MUN_ARRAY_LEN(pieces));
	memcpy(ret->bytes, digest, sizeof(ret->bytes));
}

static void command_line(const struct mun_app *app, char *ret, size_t ret_size)
{
	struct mun_operator who;
	char since[MUN_DATE_MAX];
	struct mun_now now;

	mun_operator_of(&who, app);
	app->clock->now(app->clock, &now);
	mun_date_format(since, now.real_us);
	(void)snprintf(ret, ret_size, "pid %d, user %s@%s, since %s, muniment %s", (int)getpid(),
	               who.user, who.host, since, app->cmd->name);
}

static enum mun_code name_holder(struct execution *k, const char *path, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf holder;
	struct mun_err ignored;
	char id[MUN_REF_TEXT];
	enum mun_code code;
	bool held;

	mun_buf_init(&holder, 4096);
	mun_ref_format(id, 'b', &k->batch.batch);
	if (mun_lock_read(&holder, &held, path, &ignored) != MUN_OK)
		mun_buf_clear(&holder);
	code = mun_fail(err, MUN_E_BUSY, "another process works on batch %s: %.*s", id,
	                (int)strcspn(mun_buf_str(&holder), "\n"), mun_buf_str(&holder));
	mun_hint(err, "Ctrl-C there, or muniment cancel %s, ends it", id);
	return code;
}

static enum mun_code take_lock(struct execution *k, struct mun_err *err)
{
	char path[4200];
	enum mun_code code;

	mun_journal_lock_path(k->j, &k->batch.batch, path, sizeof(path));
	code = mun_lock_take(&k->lock_fd, path, err);
	if (code == MUN_E_BUSY)
		return name_holder(k, path, err);
	if (code != MUN_OK)
		return code;
	command_line(k->app, k->holder, sizeof(k->holder));
	k->draw.lock_fd = k->lock_fd;
	k->draw.holder = k->holder;
	return mun_lock_write(k->lock_fd, k->holder, strlen(k->holder), err);
}

static enum mun_code load_batch(struct execution *k, struct mun_err *err)
{
	struct mun_ref id;
	enum mun_code code;

	batch_ref(&id, &k->x->plan.plan);
	code = mun_journal_batch(k->j, &id, &k->batch, err);
	k->exists = code == MUN_OK;
	if (code != MUN_E_NOTFOUND)
		return code;
	k->batch = (struct mun_batch){ .batch = id,
		                       .plan = k->x->plan.plan,
		                       .op = k->x->plan.op,
		                       .org = k->x->plan.org,
		                       .items = k->x->plan.items };
	return MUN_OK;
}

static enum mun_code get_token(struct execution *k, struct mun_err *err)
{
	enum mun_code code =
		mun_credential_get(&k->credential, k->app, &k->x->plan.org, &k->base, err);

	if (code == MUN_OK)
		code = mun_journal_fingerprint(k->j, k->fingerprint, k->credential.token.data,
		                               k->credential.token.len, err);
	return code;
}

static enum mun_code open_wire(struct execution *k, struct mun_err *err)
{
	struct mun_http_options o = { .base = &k->base,
		                      .token = &k->credential.token,
		                      .cacert = k->app->args.cacert,
		                      .timeout_ms = (uint32_t)k->pace.timeout_ms,
		                      .concurrency = k->pace.concurrency,
		                      .user_agent = "muniment/" MUN_VERSION };
	char proxy[256];

	mun_http_proxy_host(proxy, sizeof(proxy), &k->base);
	if (proxy[0] != '\0')
		mun_say(k->app, "using the proxy %s\n", proxy);
	return mun_http_open(&k->http, &o, err);
}

static enum mun_code identify(struct execution *k, int *ret_exit, struct mun_err *err)
{
	struct mun_preflight_options o = { .journal = k->j,
		                           .wire = mun_http_wire(k->http),
		                           .clock = k->app->clock,
		                           .base = &k->base,
		                           .org = &k->x->plan.org,
		                           .rate = &k->pace.rate,
		                           .token_fingerprint = k->fingerprint,
		                           .max_wait_ms = k->pace.max_wait_ms,
		                           .on_terminal = k->app->stderr_tty,
		                           .signals = mun_signal_count };
	enum mun_code code = mun_preflight_run(&o, &k->who, err);

	if (code != MUN_OK && k->who.exit != 0)
		*ret_exit = (int)k->who.exit;
	return code;
}

/* The user behind the token must be the one who began, unless said otherwise with a reason. */
static enum mun_code same_identity(struct execution *k, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	struct mun_entry e;
	const char *before;
	enum mun_code code;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	if (!k->exists || k->app->args.accept_identity_change)
		return MUN_OK;
	code = mun_journal_entry(k->j, k->batch.newest_start_seq, &line, err);
	if (code == MUN_OK)
		code = mun_entry_decode(&e, &owner, line.data, line.len, err);
	if (code != MUN_OK)
		return code;
	before = e.u.start.identity_id != NULL ? e.u.start.identity_id : e.u.start.token;
	if (strcmp(before, e.u.start.identity_id != NULL ? k->who.me_id : k->fingerprint) == 0)
		return MUN_OK;
	code = mun_fail(err, MUN_E_USAGE,
	                "the batch was begun by API user %s, this token belongs to %s", before,
	                k->who.has_me ? k->who.me_id : "an unknown user");
	mun_hint(err, "--accept-identity-change --reason TEXT");
	return code;
}

static enum mun_code start(struct execution *k, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf options;
	char machine[13], limits[256], proxy[256];
	struct mun_entry e = { .kind = k->exists ? MUN_K_BATCH_RESUMED : MUN_K_BATCH_STARTED,
		               .item = MUN_NO_ITEM,
		               .has_batch = true,
		               .has_org = true,
		               .batch = k->batch.batch,
		               .org = k->x->plan.org };
	struct mun_group g = { .entries = &e, .len = 1 };
	enum mun_code code = mun_journal_machine(k->j, machine, err);

	mun_buf_init(&options, 4096);
	mun_pace_options(&options, &k->pace, &k->app->args);
	if (code == MUN_OK)
		code = mun_buf_check(&options, "options", err);
	if (code != MUN_OK)
		return code;
	mun_rate_format(limits, sizeof(limits), &k->pace.rate);
	mun_http_proxy_host(proxy, sizeof(proxy), &k->base);
	e.u.start.resolving = k->x->resolving;
	e.u.start.plan = k->x->plan.plan;
	e.u.start.epoch = k->batch.epoch + 1;
	mun_operator_of(&e.u.start.operator_, k->app);
	e.u.start.version = MUN_VERSION;
	e.u.start.machine = machine;
	e.u.start.reason = k->app->args.accept_identity_change ? k->app->args.reason : NULL;
	e.u.start.token = k->fingerprint;
	e.u.start.identity_id = k->who.has_me ? k->who.me_id : NULL;
	e.u.start.identity_role = k->who.role[0] != '\0' ? k->who.role : NULL;
	e.u.start.host = k->base.host;
	e.u.start.proxy = proxy[0] != '\0' ? proxy : NULL;
	e.u.start.limits = limits;
	e.u.start.options = mun_buf_str(&options);
	e.u.start.attempts = k->pace.attempts;
	code = mun_journal_append(k->j, &g, err);
	return code == MUN_OK ? mun_journal_batch(k->j, &k->batch.batch, &k->batch, err) : code;
}

static void lost(void *arg, const char *line)
{
	struct mun_draw *d = arg;

	mun_draw_end(d);
	mun_say(d->app, "outcome that could not be recorded: %s\n", line);
}

static enum mun_code engine(struct execution *k, struct mun_engine_result *ret, struct mun_err *err)
{
	const struct mun_args *a = &k->app->args;
	struct mun_engine_options o = { .journal = k->j,
		                        .wire = mun_http_wire(k->http),
		                        .clock = k->app->clock,
		                        .batch = k->batch,
		                        .base = k->base,
		                        .token_fingerprint = k->fingerprint,
		                        .rate = k->pace.rate,
		                        .concurrency = k->pace.concurrency,
		                        .attempts = k->pace.attempts,
		                        .settle_ms = k->pace.settle_ms,
		                        .timeout_ms = k->pace.timeout_ms,
		                        .max_wait_ms = k->pace.max_wait_ms,
		                        .stop_after = k->pace.stop_after,
		                        .stop_on_failures = k->pace.stop_on_failures,
		                        .stop_at_us = k->pace.stop_at_us,
		                        .keep_going = a->keep_going,
		                        .resolving = k->x->resolving,
		                        .no_bodies =
		                                a->bodies != NULL && strcmp(a->bodies, "none") == 0,
		                        .on_terminal = k->app->stderr_tty,
		                        .signals = mun_signal_count,
		                        .progress = mun_draw_progress,
		                        .lost = lost,
		                        .arg = &k->draw };
	enum mun_code code = mun_engine_run(&o, ret, err);

	mun_draw_end(&k->draw);
	return code;
}

static int final_exit(struct execution *k, const struct mun_engine_result *r)
{
	unsigned status = mun_outcome_exit(&r->batch, mun_only_verdict(k->j, &r->batch));

	if (k->x->resolving)
		return r->batch.counts.in_doubt > 0     ? 13
		       : r->batch.state == MUN_B_HALTED ? (int)status
		                                        : 0;
	if (mun_signal_number() != 0 && mun_batch_is_open(r->batch.state))
		return 128 + mun_signal_number();
	return (int)status;
}

/* Nothing left to do: say how it ended. */
static enum mun_code already_over(struct execution *k, int *ret_exit, struct mun_err *err)
{
	unsigned status = mun_outcome_exit(&k->batch, mun_only_verdict(k->j, &k->batch));

	*ret_exit = (int)status;
	mun_say(k->app, "this plan was executed already; nothing was sent\n");
	return mun_report_batch(k->app, k->j, &k->batch, "", MUN_TIME_NONE, status, err);
}

static enum mun_code prepare(struct execution *k, int *ret_exit, struct mun_err *err)
{
	enum mun_code code = take_lock(k, err);

	if (code == MUN_OK) /* it may have moved on while nobody looked */
		code = load_batch(k, err);
	if (code == MUN_OK && k->x->prepare != NULL)
		code = k->x->prepare(k->x->arg, k->j, &k->batch, err);
	if (code == MUN_OK)
		code = open_wire(k, err);
	if (code == MUN_OK)
		code = identify(k, ret_exit, err);
	if (code == MUN_OK)
		code = same_identity(k, err);
	return code == MUN_OK ? mun_consent_ask(&k->asking, err) : code;
}

static enum mun_code execute(struct execution *k, int *ret_exit, struct mun_err *err)
{
	struct mun_engine_result result;
	bool open;
	enum mun_code code = mun_draw_init(&k->draw, k->app, err);

	if (code == MUN_OK)
		code = mun_pace_get(&k->pace, k->app, err);
	if (code == MUN_OK)
		code = mun_plan_base(k->j, &k->x->plan, &k->base, err);
	if (code == MUN_OK)
		code = load_batch(k, err);
	if (code != MUN_OK)
		return code;
	if (k->exists && !mun_batch_is_open(k->batch.state) && !k->x->resolving)
		return already_over(k, ret_exit, err);
	code = mun_consent_offline(&k->asking, &open, err);
	if (code == MUN_OK)
		code = get_token(k, err);
	mun_signal_install();
	if (code == MUN_OK)
		code = prepare(k, ret_exit, err);
	if (code == MUN_OK)
		code = start(k, err);
	if (code == MUN_OK)
		code = engine(k, &result, err);
	if (code != MUN_OK)
		return code;
	mun_closep(&k->lock_fd); /* nobody holds it any more when its state is shown */
	*ret_exit = final_exit(k, &result);
	return mun_report_batch(
		k->app, k->j, &result.batch, result.detail, result.next_at_us,
		mun_outcome_exit(&result.batch, mun_only_verdict(k->j, &result.batch)), err);
}

enum mun_code mun_execute(struct mun_app *app, struct mun_journal *j, const struct mun_execute *x,
                          int *ret_exit, struct mun_err *err)
{
	struct execution k = { .app = app, .j = j, .x = x, .lock_fd = -1 };
	enum mun_code code;

	k.asking = (struct mun_asking){ app, j, &x->plan, x->planned, &k.base, &k.who };
	code = execute(&k, ret_exit, err);
	close_execution(&k);
	return code;
}
