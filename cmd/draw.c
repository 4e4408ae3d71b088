/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/draw.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/pace.h"
#include "cmd/signal.h"
#include "lib/date.h"
#include "lib/file.h"
#include "lib/text.h"

#define PLAIN_EVERY_MS 60000
#define DAY_US         (86400 * INT64_C(1000000))
#define LINE_MAX_BYTES 1024
#define CLEAR_BOTH     "\r\033[A\033[J"

/* Words of status and JSON: what a batch does, and what it waits for. */
static const struct {
	const char *state, *waits;
} phases[] = {
	[MUN_PHASE_RUNNING] = { "running", NULL },
	[MUN_PHASE_QUOTA] = { "waiting", "quota" },
	[MUN_PHASE_SERVER] = { "waiting", "server" },
	[MUN_PHASE_NETWORK] = { "waiting", "network" },
	[MUN_PHASE_SETTLING] = { "settling", NULL },
	[MUN_PHASE_DRAINING] = { "draining", NULL },
};

static bool terminal_is_dumb(void)
{
	const char *term = getenv("TERM");

	return term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0;
}

/*
 * The terminal once more, with a description of its own: O_NONBLOCK on the one of stderr would
 * reach the shell and all that share it. Without a controlling terminal that is the same one,
 * stderr itself has to do.
 */
static int open_terminal(void)
{
	int fd = open("/dev/tty", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	unsigned device = 0;
	struct stat file;

	if (fd < 0 || ioctl(fd, TIOCGDEV, &device) != 0 || fstat(STDERR_FILENO, &file) != 0 ||
	    file.st_rdev != (dev_t)device)
		mun_closep(&fd);
	return fd;
}

static const char *const kinds[] = { [MUN_DRAW_TTY] = "tty",
	                             [MUN_DRAW_PLAIN] = "plain",
	                             [MUN_DRAW_JSON] = "json",
	                             [MUN_DRAW_NONE] = "none" };

enum mun_code mun_draw_init(struct mun_draw *d, struct mun_app *app, struct mun_err *err)
{
	const char *kind = app->args.progress != NULL ? app->args.progress : "auto";
	bool terminal = app->stderr_tty && !terminal_is_dumb();

	*d = (struct mun_draw){ .app = app, .fd = -1, .lock_fd = -1 };
	d->kind = app->args.quiet ? MUN_DRAW_NONE : terminal ? MUN_DRAW_TTY : MUN_DRAW_PLAIN;
	for (unsigned i = 0; i < MUN_ARRAY_LEN(kinds); i++) {
		if (strcmp(kind, kinds[i]) != 0)
			continue;
		d->kind = i;
		return MUN_OK;
	}
	return strcmp(kind, "auto") == 0
	               ? MUN_OK
	               : mun_fail(err, MUN_E_USAGE,
	                          "--progress is one of auto, tty, plain, json, none");
}

static int descriptor(const struct mun_draw *d)
{
	return d->fd >= 0 ? d->fd : STDERR_FILENO;
}

/* Dropped when it cannot be written at once; whether it was written. */
static bool put(const struct mun_draw *d, const char *text, size_t len)
{
	struct pollfd fd = { .fd = descriptor(d), .events = POLLOUT };

	return poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0 && write(fd.fd, text, len) > 0;
}

/* The line of a signal, or a shell while we were stopped, took the place of our lines. */
static void notice_lost_lines(struct mun_draw *d)
{
	bool was_stopped = mun_signal_take_cont();

	if (was_stopped || mun_signal_count() != d->signals)
		d->on_screen = false;
	d->signals = mun_signal_count();
}

void mun_draw_end(struct mun_draw *d)
{
	notice_lost_lines(d);
	if (d->on_screen)
		(void)put(d, CLEAR_BOTH, strlen(CLEAR_BOTH));
	d->on_screen = false;
	mun_signal_announce(STDERR_FILENO, "");
	if (d->app != NULL) /* else it was never begun */
		mun_closep(&d->fd);
}

/* ---- the texts ---- */

static void counts_text(struct mun_buf *ret, const struct mun_progress *p)
{
	const struct mun_counts *c = &p->counts;
	uint64_t done = c->done + c->already;

	mun_buf_printf(ret, "%llu/%llu done, %llu failed, %llu in doubt", (unsigned long long)done,
	               (unsigned long long)c->total, (unsigned long long)c->failed,
	               (unsigned long long)c->in_doubt);
	if (c->skipped > 0)
		mun_buf_printf(ret, ", %llu skipped", (unsigned long long)c->skipped);
	if (p->eta_ms > 0) {
		char eta[32];

		mun_duration_format(eta, sizeof(eta), (int64_t)p->eta_ms);
		mun_buf_printf(ret, "; ETA %s", eta);
	}
}

/* When a wait ends; 0 when it does not wait. */
static int64_t wait_end_us(const struct mun_progress *p, const struct mun_now *now)
{
	if (p->until_ms == 0 || p->phase == MUN_PHASE_RUNNING || p->phase == MUN_PHASE_DRAINING)
		return 0;
	return now->real_us + (int64_t)p->until_ms * 1000;
}

static void phase_text(struct mun_buf *ret, const struct mun_draw *d, const struct mun_progress *p,
                       const struct mun_now *now)
{
	uint64_t share = p->answers > 0 ? 100 * p->answers_5xx / p->answers : 0;
	int64_t end_us = wait_end_us(p, now);

	mun_buf_puts(ret, phases[p->phase].state);
	if (phases[p->phase].waits != NULL)
		mun_buf_printf(ret, " for %s", phases[p->phase].waits);
	if (end_us != 0 && p->until_ms >= 1000) {
		char until[MUN_DATE_MAX], left[32];

		mun_date_format(until, end_us);
		mun_duration_format(left, sizeof(left), (int64_t)p->until_ms);
		mun_buf_printf(ret, " until %.*sZ (%s)", end_us - now->real_us < DAY_US ? 8 : 19,
		               until + (end_us - now->real_us < DAY_US ? 11 : 0), left);
	}
	if (d->rate != NULL && d->rate->len > 0) {
		mun_buf_puts(ret, "; used ");
		mun_pace_used(ret, d->rate, p->used);
	}
	if (p->answers_5xx > 0)
		mun_buf_printf(ret, "; 5xx: %llu of %llu answers (%llu %%)",
		               (unsigned long long)p->answers_5xx, (unsigned long long)p->answers,
		               (unsigned long long)share);
}

static void json_counts(struct mun_buf *ret, const struct mun_counts *c)
{
	mun_buf_printf(ret,
	               "\"total\":%llu,\"done\":%llu,\"already\":%llu,\"failed\":%llu,"
	               "\"in_doubt\":%llu,\"skipped\":%llu,\"cancelled\":%llu,\"pending\":%llu",
	               (unsigned long long)c->total, (unsigned long long)c->done,
	               (unsigned long long)c->already, (unsigned long long)c->failed,
	               (unsigned long long)c->in_doubt, (unsigned long long)c->skipped,
	               (unsigned long long)c->cancelled, (unsigned long long)c->pending);
}

static void json_text(struct mun_buf *ret, const struct mun_draw *d, const struct mun_progress *p,
                      const struct mun_now *now)
{
	const char *waits = phases[p->phase].waits;
	const char *quote = waits != NULL ? "\"" : "";
	int64_t end_us = wait_end_us(p, now);
	char until[MUN_DATE_MAX];

	mun_buf_printf(ret, "{\"type\":\"progress\",\"state\":\"%s\",\"waiting_for\":%s%s%s,",
	               phases[p->phase].state, quote, waits != NULL ? waits : "null", quote);
	mun_date_format(until, end_us);
	if (end_us != 0)
		mun_buf_printf(ret, "\"until\":\"%s\",", until);
	else
		mun_buf_puts(ret, "\"until\":null,");
	json_counts(ret, &p->counts);
	mun_buf_printf(ret,
	               ",\"in_flight\":%u,\"answers\":%llu,\"answers_5xx\":%llu,\"eta_ms\":%llu,"
	               "\"windows\":[",
	               p->flying, (unsigned long long)p->answers,
	               (unsigned long long)p->answers_5xx, (unsigned long long)p->eta_ms);
	for (size_t i = 0; d->rate != NULL && i < d->rate->len; i++)
		mun_buf_printf(ret, "%s{\"used\":%u,\"limit\":%u,\"period_ms\":%llu}",
		               i == 0 ? "" : ",", p->used[i], d->rate->window[i].limit,
		               (unsigned long long)d->rate->window[i].period_ms);
	mun_buf_puts(ret, "]}");
}

/* ---- the forms ---- */

/* Asked at each drawing: the window may have another size by now. */
static size_t width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static void add_line(struct mun_buf *ret, const struct mun_buf *text, const char *end)
{
	size_t columns = width();

	mun_buf_puts(ret, "\r\033[K");
	mun_buf_add(ret, mun_buf_str(text),
	            mun_text_fit(mun_buf_str(text), text->len, columns - 1));
	mun_buf_puts(ret, end);
}

static bool in_background(void)
{
	pid_t front = tcgetpgrp(STDERR_FILENO);

	return front > 0 && front != getpgrp();
}

static void draw_two_lines(struct mun_draw *d, const struct mun_progress *p,
                           const struct mun_now *now)
{
	MUN_BUF_CLEANUP struct mun_buf out;
	MUN_BUF_CLEANUP struct mun_buf line;
	bool is_there;

	mun_buf_init(&out, 3 * LINE_MAX_BYTES);
	mun_buf_init(&line, LINE_MAX_BYTES);
	notice_lost_lines(d);
	is_there = d->on_screen;
	if (in_background()) {
		d->on_screen = false;
		mun_signal_announce(descriptor(d), "");
		return;
	}
	if (is_there)
		mun_buf_puts(&out, "\033[A");
	counts_text(&line, p);
	add_line(&out, &line, "\r\n");
	mun_buf_clear(&line);
	phase_text(&line, d, p, now);
	add_line(&out, &line, "");
	d->on_screen = put(d, mun_buf_str(&out), out.len) || is_there;
	mun_signal_announce(descriptor(d), d->on_screen ? CLEAR_BOTH : "");
}

static void put_full_line(const struct mun_draw *d, const struct mun_progress *p,
                          const struct mun_now *now)
{
	MUN_BUF_CLEANUP struct mun_buf line;

	mun_buf_init(&line, LINE_MAX_BYTES);
	if (d->kind == MUN_DRAW_JSON) {
		json_text(&line, d, p, now);
	} else {
		counts_text(&line, p);
		mun_buf_puts(&line, "; ");
		phase_text(&line, d, p, now);
	}
	mun_buf_putc(&line, '\n');
	(void)put(d, mun_buf_str(&line), line.len);
}

static void tell_others(struct mun_draw *d, const struct mun_progress *p)
{
	const char *waits = phases[p->phase].waits;
	char text[1024];
	struct mun_err ignored;
	int len;

	if (d->lock_fd < 0 || p->phase == d->phase)
		return;
	d->phase = p->phase;
	len = snprintf(text, sizeof(text), "%s, %s%s%s\n", d->holder, phases[p->phase].state,
	               waits != NULL ? " for " : "", waits != NULL ? waits : "");
	if (mun_lock_write(d->lock_fd, text, (size_t)len, &ignored) != MUN_OK)
		d->lock_fd = -1; /* others see less; the run goes on */
}

void mun_draw_progress(void *arg, const struct mun_progress *p)
{
	struct mun_draw *d = arg;
	bool asked = mun_signal_take_usr1();
	struct mun_now now;

	tell_others(d, p);
	d->app->clock->now(d->app->clock, &now);
	if (asked || d->kind == MUN_DRAW_JSON ||
	    (d->kind == MUN_DRAW_PLAIN && now.uptime_ms - d->last_line_ms >= PLAIN_EVERY_MS)) {
		mun_draw_end(d);
		put_full_line(d, p, &now);
		d->last_line_ms = now.uptime_ms;
	}
	if (d->app->stderr_tty && d->fd < 0)
		d->fd = open_terminal();
	if (d->kind == MUN_DRAW_TTY)
		draw_two_lines(d, p, &now);
}

void mun_draw_summary(struct mun_draw *d, const struct mun_engine_result *r)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	char batch[MUN_REF_TEXT];

	mun_buf_init(&line, LINE_MAX_BYTES);
	mun_draw_end(d);
	if (d->kind != MUN_DRAW_JSON)
		return;
	mun_ref_format(batch, 'b', &r->batch.batch);
	mun_buf_printf(&line,
	               "{\"type\":\"summary\",\"batch\":\"%s\",\"state\":\"%s\",\"reason\":", batch,
	               mun_batch_state_name(r->batch.state));
	if (r->why != MUN_WHY_NONE)
		mun_buf_printf(&line, "\"%s\",", mun_why_name(r->why));
	else
		mun_buf_puts(&line, "null,");
	json_counts(&line, &r->batch.counts);
	mun_say(d->app, "%s}", mun_buf_str(&line));
	d->app->summary_said = true;
}
