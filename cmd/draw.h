/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_DRAW_H
#define MUN_DRAW_H
/* Progress on stderr: one redrawn line on a terminal, a full line a minute elsewhere, or JSON. */
#include "cmd/cmd.h"
#include "cmd/engine/engine.h"
struct mun_draw {
	struct mun_app *app;
	enum {
		MUN_DRAW_TTY,
		MUN_DRAW_PLAIN,
		MUN_DRAW_JSON,
		MUN_DRAW_NONE
	} kind;
	int64_t last_line_ms;
	bool on_screen; /* a line without newline stands on the terminal */
	int lock_fd;    /* the batch's lock: status and phase are kept there for other processes */
	enum mun_phase phase;
	const char *holder; /* first part of the lock's text */
};
enum mun_code mun_draw_init(struct mun_draw *d, struct mun_app *app, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_draw_progress(void *arg /* struct mun_draw */, const struct mun_progress *p);
void mun_draw_end(struct mun_draw *d); /* leaves the terminal's line clean */
#endif
