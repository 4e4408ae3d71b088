/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/advance.h"

#include <stdio.h>
#include <string.h>

#define TTY_EVERY_MS   200
#define JSON_EVERY_MS  1000
#define PLAIN_EVERY_MS 60000

static int64_t now_ms(const struct mun_advance *a)
{
	struct mun_now now;

	a->app->clock->now(a->app->clock, &now);
	return now.uptime_ms;
}

void mun_advance_init(struct mun_advance *a, struct mun_app *app)
{
	const char *kind = app->args.progress ? app->args.progress : "auto";

	*a = (struct mun_advance){ .app = app };
	if (strcmp(kind, "json") == 0)
		a->kind = MUN_ADVANCE_JSON;
	else if (strcmp(kind, "none") == 0 || app->args.quiet)
		a->kind = MUN_ADVANCE_NONE;
	else if (strcmp(kind, "tty") == 0 || (strcmp(kind, "auto") == 0 && app->stderr_tty))
		a->kind = MUN_ADVANCE_TTY;
	else
		a->kind = MUN_ADVANCE_PLAIN;
	a->last_ms = now_ms(a);
}

static int64_t interval_ms(const struct mun_advance *a)
{
	switch (a->kind) {
	case MUN_ADVANCE_TTY:
		return TTY_EVERY_MS;
	case MUN_ADVANCE_JSON:
		return JSON_EVERY_MS;
	case MUN_ADVANCE_PLAIN:
	case MUN_ADVANCE_NONE:
		break;
	}
	return PLAIN_EVERY_MS;
}

static void format(char *ret, size_t ret_size, const char *what, uint64_t done, uint64_t all)
{
	if (all == 0)
		(void)snprintf(ret, ret_size, "%s", what);
	else
		(void)snprintf(ret, ret_size, "%s: %llu of %llu", what, (unsigned long long)done,
		               (unsigned long long)all);
}

void mun_advance(struct mun_advance *a, const char *what, uint64_t done, uint64_t all)
{
	char text[128];
	int64_t now;

	if (a->kind == MUN_ADVANCE_NONE)
		return;
	now = now_ms(a);
	if (now - a->last_ms < interval_ms(a))
		return;
	a->last_ms = now;
	format(text, sizeof text, what, done, all);
	if (a->kind == MUN_ADVANCE_TTY) {
		(void)fprintf(stderr, "\r\033[K%s", text);
		a->on_screen = true;
	} else if (a->kind == MUN_ADVANCE_JSON) {
		(void)fprintf(
			stderr,
			"{\"type\":\"progress\",\"what\":\"%s\",\"done\":%llu,\"all\":%llu}\n",
			what, (unsigned long long)done, (unsigned long long)all);
	} else {
		(void)fprintf(stderr, "muniment: %s\n", text);
	}
}

void mun_advance_end(struct mun_advance *a)
{
	if (a->on_screen)
		(void)fputs("\r\033[K", stderr);
	a->on_screen = false;
}
