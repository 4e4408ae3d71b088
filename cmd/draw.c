/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/draw.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/signal.h"
#include "lib/date.h"
#include "lib/file.h"
#include "lib/text.h"

#define PLAIN_EVERY_MS 60000

static const char *const phases[] = {
	[MUN_PHASE_RUNNING] = "running",           [MUN_PHASE_QUOTA] = "waiting for quota",
	[MUN_PHASE_SERVER] = "waiting for server", [MUN_PHASE_NETWORK] = "waiting for network",
	[MUN_PHASE_SETTLING] = "settling",         [MUN_PHASE_DRAINING] = "draining",
};

enum mun_code mun_draw_init(struct mun_draw *d, struct mun_app *app, struct mun_err *err)
{
	const char *kind = app->args.progress != NULL ? app->args.progress : "auto";

	*d = (struct mun_draw){ .app = app, .lock_fd = -1 };
	if (strcmp(kind, "auto") == 0)
		d->kind = app->stderr_tty && !app->args.quiet ? MUN_DRAW_TTY : MUN_DRAW_PLAIN;
	else if (strcmp(kind, "tty") == 0)
		d->kind = MUN_DRAW_TTY;
	else if (strcmp(kind, "plain") == 0)
		d->kind = MUN_DRAW_PLAIN;
	else if (strcmp(kind, "json") == 0)
		d->kind = MUN_DRAW_JSON;
	else if (strcmp(kind, "none") == 0)
		d->kind = MUN_DRAW_NONE;
	else
		return mun_fail(err, MUN_E_USAGE, "--progress %s: auto, tty, plain, json or none",
		                kind);
	return MUN_OK;
}

static size_t width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static void line_of(char *ret, size_t ret_size, const struct mun_progress *p)
{
	uint64_t done = p->counts.total - p->counts.pending;
	char until[32] = "", eta[32] = "";

	if (p->until_ms >= 1000 && p->phase != MUN_PHASE_RUNNING)
		mun_duration_format(until, sizeof(until), (int64_t)p->until_ms);
	if (p->eta_ms > 0)
		mun_duration_format(eta, sizeof(eta), (int64_t)p->eta_ms);
	(void)snprintf(ret, ret_size, "%llu/%llu done, %llu failed, %llu in doubt; %s%s%s%s%s",
	               (unsigned long long)done, (unsigned long long)p->counts.total,
	               (unsigned long long)p->counts.failed, (unsigned long long)p->counts.in_doubt,
	               phases[p->phase], until[0] != '\0' ? " for " : "", until,
	               eta[0] != '\0' ? "; ETA " : "", eta);
}

static void json_line(char *ret, size_t ret_size, const struct mun_progress *p)
{
	(void)snprintf(ret, ret_size,
	               "{\"type\":\"progress\",\"phase\":\"%s\",\"total\":%llu,\"pending\":%llu,"
	               "\"failed\":%llu,\"in_doubt\":%llu,\"flying\":%u,\"until_ms\":%llu,"
	               "\"eta_ms\":%llu}",
	               phases[p->phase], (unsigned long long)p->counts.total,
	               (unsigned long long)p->counts.pending, (unsigned long long)p->counts.failed,
	               (unsigned long long)p->counts.in_doubt, p->flying,
	               (unsigned long long)p->until_ms, (unsigned long long)p->eta_ms);
}

/* Dropped when it cannot be written at once: an answer never waits behind a status line. */
static void put(const char *text, size_t len)
{
	ssize_t ignored = write(STDERR_FILENO, text, len);

	(void)ignored;
}

static void tell_others(struct mun_draw *d, const struct mun_progress *p)
{
	char text[1024];
	struct mun_err ignored;
	int len;

	if (d->lock_fd < 0 || p->phase == d->phase)
		return;
	d->phase = p->phase;
	len = snprintf(text, sizeof(text), "%s, %s\n", d->holder, phases[p->phase]);
	if (mun_lock_write(d->lock_fd, text, (size_t)len, &ignored) != MUN_OK)
		d->lock_fd = -1; /* others see less; the run goes on */
}

void mun_draw_progress(void *arg, const struct mun_progress *p)
{
	struct mun_draw *d = arg;
	char text[512], out[600];
	struct mun_now now;
	bool asked = mun_signal_take_usr1();
	int len;

	tell_others(d, p);
	d->app->clock->now(d->app->clock, &now);
	if (d->kind == MUN_DRAW_JSON)
		json_line(text, sizeof(text), p);
	else
		line_of(text, sizeof(text), p);
	if (d->kind == MUN_DRAW_TTY) {
		size_t fit = mun_text_fit(text, strlen(text), width() - 1);

		len = snprintf(out, sizeof(out), "\r%.*s\033[K", (int)fit, text);
		d->on_screen = true;
	} else {
		if (!asked && (d->kind == MUN_DRAW_NONE || d->app->args.quiet ||
		               (d->kind == MUN_DRAW_PLAIN &&
		                now.uptime_ms - d->last_line_ms < PLAIN_EVERY_MS)))
			return;
		d->last_line_ms = now.uptime_ms;
		len = snprintf(out, sizeof(out), "%s\n", text);
	}
	put(out, (size_t)len);
}

void mun_draw_end(struct mun_draw *d)
{
	if (d->on_screen)
		put("\r\033[K", 4);
	d->on_screen = false;
}
