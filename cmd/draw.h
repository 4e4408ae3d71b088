/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_DRAW_H
#define MUN_DRAW_H
/*
 * Progress on stderr: two redrawn lines on a terminal, a full line a minute elsewhere (-q: none),
 * or JSON, one object a line, the last of type "summary". What cannot be written at once is
 * dropped: an answer of the server never waits behind a status line. SIGUSR1 gets one status line
 * in every form, also with -q. A process in the terminal's background draws nothing.
 */
#include "cmd/cmd.h"
#include "cmd/engine/engine.h"
struct mun_draw {
	struct mun_app *app;
	const struct mun_rate *rate; /* whose windows are shown; borrowed; NULL: none */
	enum {
		MUN_DRAW_TTY,
		MUN_DRAW_PLAIN,
		MUN_DRAW_JSON,
		MUN_DRAW_NONE
	} kind;
	int fd; /* of stderr's terminal, an own one that never blocks; -1: not open or not to be had
	         */
	int64_t last_line_ms;
	bool on_screen; /* two lines stand on the terminal, the cursor in the second */
	int signals;    /* seen: their announcements took the lines off */
	int lock_fd;    /* the batch's lock: status and phase are kept there for other processes */
	enum mun_phase phase;
	const char *holder; /* first part of the lock's text */
};
enum mun_code mun_draw_init(struct mun_draw *d, struct mun_app *app, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_draw_progress(void *arg /* struct mun_draw */, const struct mun_progress *p);
/* Takes the lines off the terminal, for other text or for good, and holds nothing any more. */
void mun_draw_end(struct mun_draw *d);
/* The run is over: ends; as JSON, the summary (which waits for its reader). */
void mun_draw_summary(struct mun_draw *d, const struct mun_engine_result *r);
#endif
