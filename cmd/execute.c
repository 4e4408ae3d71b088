/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/execute.h"

#include <stdio.h>
#include <string.h>

#include "cmd/app.h"
#include "cmd/attest.h"
#include "cmd/batch_view.h"
#include "cmd/consent.h"
#include "cmd/credential.h"
#include "cmd/draw.h"
#include "cmd/engine/preflight.h"
#include "cmd/holder.h"
#include "cmd/pace.h"
#include "cmd/signal.h"
#include "cmd/stream.h"
#include "cmd/warn.h"
#include "journal/mark.h"
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
	bool exists;             /* the batch was started before */
	struct mun_entry before; /* then: its newest start */
	struct mun_decoded *before_owner;
	int lock_fd;
	char fingerprint[33], holder[512], proxy[256];
	struct mun_attest attest;
	struct mun_draw draw;
	struct mun_stream stream;
	struct mun_asking asking;
};

static void clear_screen(void *arg)
{
	struct execution *k = arg;

	mun_draw_end(&k->draw);
}

static void close_execution(struct execution *k)
{
	k->app->before_say = NULL;
	mun_draw_end(&k->draw);
	mun_stream_close(&k->stream);
	mun_http_closep(&k->http);
	mun_attest_done(&k->attest);
	mun_credential_done(&k->credential);
	mun_decoded_freep(&k->before_owner);
	if (k->batch.epoch == 0)
		mun_holder_discard(k->j, &k->batch.batch, &k->lock_fd);
	else
		mun_holder_release(&k->lock_fd);
}

static enum mun_code take_lock(struct execution *k, struct mun_err *err)
{
	enum mun_code code = mun_holder_take(k->app, k->j, &k->batch.batch, &k->lock_fd, k->holder,
	                                     sizeof(k->holder), err);

	k->draw.lock_fd = k->lock_fd;
	k->draw.holder = k->holder;
	k->draw.rate = &k->pace.rate;
	return code;
}

/* The newest start: its options are ours too, its user, proxy and issuer are compared. */
static enum mun_code load_start(struct execution *k, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	enum mun_code code;

	mun_buf_init(&line, MUN_ENTRY_MAX);
	mun_decoded_freep(&k->before_owner);
	code = mun_journal_entry(k->j, k->batch.newest_start_seq, &line, err);
	return code == MUN_OK
	               ? mun_entry_decode(&k->before, &k->before_owner, line.data, line.len, err)
	               : code;
}

static enum mun_code load_batch(struct execution *k, struct mun_err *err)
{
	struct mun_ref id;
	enum mun_code code;

	mun_holder_batch(&id, &k->x->plan.plan);
	code = mun_journal_batch(k->j, &id, &k->batch, err);
	k->exists = code == MUN_OK;
	if (k->exists)
		return load_start(k, err);
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
	struct mun_planned *planned = k->x->planned;
	enum mun_code code = MUN_OK;

	if (planned && planned->credential.token.data)
		k->credential = MUN_STEAL(planned->credential);
	else
		code = mun_credential_get(&k->credential, k->app, &k->x->plan.org, &k->base, err);
	if (code == MUN_OK)
		code = mun_attest_open(&k->attest, k->app, k->j, k->credential.vault, err);
	mun_vault_closep(&k->credential.vault); /* open as short as it may be */
	if (code == MUN_OK)
		code = mun_journal_fingerprint(k->j, k->fingerprint, k->credential.token.data,
		                               k->credential.token.len, err);
	return code;
}

static enum mun_code open_wire(struct execution *k, struct mun_err *err)
{
	struct mun_http_options o = { .base = &k->base,
		                      .token = &k->credential.token,
		                      .cacert = k->pace.cacert[0] ? k->pace.cacert : NULL,
		                      .timeout_ms = (uint32_t)k->pace.timeout_ms,
		                      .concurrency = k->pace.concurrency,
		                      .user_agent = "muniment/" MUN_VERSION };
	const char *before = k->exists ? k->before.u.start.proxy : NULL;

	mun_http_proxy_host(k->proxy, sizeof(k->proxy), &k->base);
	if (k->exists && strcmp(before ? before : "", k->proxy) != 0)
		mun_say(k->app, "the proxy has changed: %s, before %s\n",
		        k->proxy[0] ? k->proxy : "none", before ? before : "none");
	else if (k->proxy[0] != '\0')
		mun_say(k->app, "using the proxy %s\n", k->proxy);
	return mun_http_open(&k->http, &o, err);
}

static void on_waiting(void *arg, enum mun_phase phase, uint64_t wait_ms, const char *why)
{
	struct execution *k = arg;
	char text[32];

	mun_duration_format(text, sizeof(text), (int64_t)wait_ms);
	mun_say(k->app, "waiting %s for %s%s%s\n", text,
	        phase == MUN_PHASE_QUOTA    ? "quota"
	        : phase == MUN_PHASE_SERVER ? "the server"
	                                    : "the network",
	        why[0] != '\0' ? ": " : "", why);
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
		                           .no_bodies = k->pace.no_bodies,
		                           .signals = mun_signal_count,
		                           .waiting = on_waiting,
		                           .arg = k };
	enum mun_code code = mun_preflight_run(&o, &k->who, err);

	if (code != MUN_OK && k->who.exit != 0)
		*ret_exit = (int)k->who.exit;
	return code;
}

/* The user behind the token must be the one who began, unless said otherwise with a reason. */
static enum mun_code same_identity(struct execution *k, struct mun_err *err)
{
	const char *id = k->exists ? k->before.u.start.identity_id : NULL;
	const char *before = id ? id : k->before.u.start.token;
	enum mun_code code;

	if (!k->exists || k->app->args.accept_identity_change ||
	    strcmp(before, id ? k->who.me_id : k->fingerprint) == 0)
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
	char machine[13], limits[256];
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
	e.u.start.resolving = k->x->resolving;
	e.u.start.plan = k->x->plan.plan;
	e.u.start.epoch = k->batch.epoch + 1;
	mun_operator_of(&e.u.start.operator_, k->app);
	e.u.start.version = MUN_VERSION;
	e.u.start.exe_sha256 = k->app->exe_sha256[0] ? k->app->exe_sha256 : NULL;
	e.u.start.machine = machine;
	e.u.start.reason = k->app->args.accept_identity_change ? k->app->args.reason : NULL;
	e.u.start.all_in_doubt =
		k->exists ? strcmp(k->before.u.start.machine, machine) != 0 ||
				    mun_mark_is_older(k->j, k->batch.newest_start_seq)
			  : k->x->plan.adopted;
	e.u.start.token = k->fingerprint;
	e.u.start.identity_id = k->who.has_me ? k->who.me_id : NULL;
	e.u.start.identity_role = k->who.role[0] != '\0' ? k->who.role : NULL;
	e.u.start.host = k->base.host;
	e.u.start.proxy = k->proxy[0] != '\0' ? k->proxy : NULL;
	e.u.start.limits = limits;
	e.u.start.options = mun_buf_str(&options);
	e.u.start.attempts = k->pace.attempts;
	code = mun_journal_append(k->j, &g, err);
	return code == MUN_OK ? mun_journal_batch(k->j, &k->batch.batch, &k->batch, err) : code;
}

static void on_progress(void *arg, const struct mun_progress *p)
{
	struct execution *k = arg;

	mun_draw_progress(&k->draw, p);
}

static void on_finished(void *arg, uint32_t item, uint64_t request_seq)
{
	struct execution *k = arg;

	(void)item;
	if (k->stream.out && k->app->stdout_tty) /* the two share a screen */
		mun_draw_end(&k->draw);
	mun_stream_attempt(&k->stream, request_seq);
}

static enum mun_code on_aside(void *arg, uint32_t *ret_again_ms, struct mun_err *err)
{
	struct execution *k = arg;

	return mun_attest_step(&k->attest, ret_again_ms, err);
}

static void on_lost(void *arg, const char *line)
{
	struct execution *k = arg;

	mun_say(k->app, "{\"unrecorded_outcome\":%s}\n", line);
}

static void on_clock_off(void *arg, int64_t offset_us)
{
	struct execution *k = arg;
	char text[32];

	mun_duration_format(text, sizeof(text), (offset_us < 0 ? -offset_us : offset_us) / 1000);
	mun_say(k->app,
	        "the clock of this machine is %s %s the server's: the times of the entries are "
	        "off by as much\n",
	        text, offset_us > 0 ? "behind" : "ahead of");
}

static void say_what_runs(struct execution *k)
{
	char id[MUN_REF_TEXT], rate[256];

	if (!k->app->args.verbose)
		return;
	mun_ref_format(id, 'b', &k->batch.batch);
	mun_rate_format(rate, sizeof(rate), &k->pace.rate);
	mun_say(k->app,
	        "muniment: batch %s, epoch %u, at %s as API user %s%s%s, token %s, rate %s, "
	        "concurrency %u\n",
	        id, k->batch.epoch, k->base.text, k->who.has_me ? k->who.me_id : "unknown",
	        k->who.role[0] ? " " : "", k->who.role, k->fingerprint, rate, k->pace.concurrency);
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
		                        .only = k->x->only,
		                        .only_len = k->x->only_len,
		                        .no_bodies = k->pace.no_bodies,
		                        .on_terminal = k->app->stderr_tty,
		                        .signals = mun_signal_count,
		                        .signal_number = mun_signal_number,
		                        .progress = on_progress,
		                        .finished = on_finished,
		                        .lost = on_lost,
		                        .clock_off = on_clock_off,
		                        .aside = on_aside,
		                        .arg = k };
	enum mun_code code;

	say_what_runs(k);
	*ret = (struct mun_engine_result){ .batch = k->batch, .next_at_us = MUN_TIME_NONE };
	code = mun_attest_start(&k->attest, err);
	if (code == MUN_OK)
		code = mun_engine_run(&o, ret, err);
	if (code == MUN_OK)
		code = mun_attest_end(&k->attest, err);
	mun_draw_summary(&k->draw, ret);
	return code;
}

static int final_exit(struct execution *k, const struct mun_engine_result *r)
{
	if (mun_signal_number() != 0 && (k->x->resolving || mun_batch_is_open(r->batch.state)))
		return 128 + mun_signal_number();
	if (!k->x->resolving)
		return (int)mun_outcome_exit(&r->batch, mun_only_verdict(k->j, &r->batch));
	if (mun_why_exit(r->why) != 0)
		return (int)mun_why_exit(r->why);
	return r->batch.counts.in_doubt > 0 ? 13 : 0;
}

/* Nothing left to do: say how it ended. */
static enum mun_code already_over(struct execution *k, int *ret_exit, struct mun_err *err)
{
	struct mun_batch_view view;
	enum mun_code code = mun_batch_view_load(&view, k->j, &k->batch.batch, err);

	if (code != MUN_OK)
		return code;
	*ret_exit = mun_batch_view_exit(&view);
	mun_say(k->app, "this plan was executed already; nothing was sent\n");
	mun_draw_summary(&k->draw,
	                 &(struct mun_engine_result){ .batch = view.batch,
	                                              .why = mun_why_find(view.batch.why) });
	return mun_report_batch(k->app, k->j, &k->batch, "", MUN_TIME_NONE, *ret_exit, err);
}

static enum mun_code prepare(struct execution *k, int *ret_exit, struct mun_err *err)
{
	enum mun_code code = take_lock(k, err);

	if (code == MUN_OK) /* it may have moved on while nobody looked */
		code = load_batch(k, err);
	if (code == MUN_OK)
		code = open_wire(k, err);
	if (code == MUN_OK)
		code = identify(k, ret_exit, err);
	if (code == MUN_OK)
		code = same_identity(k, err);
	if (code != MUN_OK)
		return code;
	if (k->exists)
		mun_warn_issuer(k->app, k->j, &k->batch, k->who.tls_issuer);
	if (!k->x->resolving)
		mun_warn_times(k->app, k->j, &k->asking);
	return mun_consent_ask(&k->asking, err);
}

/* What is known without the lock and the server; *ret_over: there is nothing to do. */
static enum mun_code look(struct execution *k, bool *ret_over, struct mun_err *err)
{
	enum mun_code code = mun_draw_init(&k->draw, k->app, err);

	k->app->before_say = clear_screen;
	k->app->before_say_arg = k;
	*ret_over = false;
	if (code == MUN_OK)
		code = mun_batch_view_fields(k->app, err);
	if (code == MUN_OK)
		code = mun_stream_open(&k->stream, k->app, k->j, err);
	if (code == MUN_OK)
		code = mun_plan_base(k->j, &k->x->plan, &k->base, err);
	if (code == MUN_OK)
		code = load_batch(k, err);
	if (code == MUN_OK)
		code = mun_pace_get(&k->pace, k->app, k->exists ? &k->before : NULL, err);
	*ret_over = code == MUN_OK && k->exists && !mun_batch_is_open(k->batch.state) &&
	            !k->x->resolving;
	return code;
}

static enum mun_code execute(struct execution *k, int *ret_exit, struct mun_err *err)
{
	struct mun_engine_result result;
	bool over, open;
	enum mun_code code = look(k, &over, err);

	if (code == MUN_OK && over)
		return already_over(k, ret_exit, err);
	if (code == MUN_OK)
		code = mun_consent_offline(&k->asking, &open, err);
	if (code == MUN_OK)
		code = get_token(k, err);
	mun_signal_install();
	if (code == MUN_OK)
		code = prepare(k, ret_exit, err);
	if (code == MUN_OK)
		code = start(k, err);
	if (code != MUN_OK)
		return code;
	code = engine(k, &result, err);
	if (code == MUN_E_JOURNAL || code == MUN_E_FULL || code == MUN_E_CORRUPT)
		mun_report_cut_off(k->app, &result.batch, k->base.text);
	if (code != MUN_OK)
		return code;
	mun_holder_release(&k->lock_fd); /* nobody holds it any more when its state is shown */
	*ret_exit = final_exit(k, &result);
	return mun_report_batch(k->app, k->j, &result.batch, result.detail, result.next_at_us,
	                        k->x->resolving ? -1 : *ret_exit, err);
}

enum mun_code mun_execute(struct mun_app *app, struct mun_journal *j, const struct mun_execute *x,
                          int *ret_exit, struct mun_err *err)
{
	struct execution k = { .app = app, .j = j, .x = x, .lock_fd = -1 };
	enum mun_code code;

	*ret_exit = 0;
	k.asking = (struct mun_asking){ .app = app,
		                        .j = j,
		                        .plan = &x->plan,
		                        .planned = x->planned,
		                        .base = &k.base,
		                        .who = &k.who,
		                        .batch = &k.batch,
		                        .pace = &k.pace,
		                        .token = &k.credential.token };
	code = execute(&k, ret_exit, err);
	close_execution(&k);
	if (code != MUN_OK && mun_signal_number() != 0)
		*ret_exit = 128 + mun_signal_number();
	if (code != MUN_OK && !(code == MUN_E_IO && app->output_said))
		mun_report_failed(app, j, &k.batch.batch,
		                  x->resolving     ? -1
		                  : *ret_exit != 0 ? *ret_exit
		                                   : mun_app_exit(code));
	return code;
}
