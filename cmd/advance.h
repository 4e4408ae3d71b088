/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ADVANCE_H
#define MUN_ADVANCE_H
/*
 * How far long work on the journal is, on stderr: a line that is redrawn on a terminal, a line a
 * minute elsewhere, or JSON, one object a line. -q: none of it.
 */
#include "cmd/cmd.h"
struct mun_advance {
	struct mun_app *app;
	enum {
		MUN_ADVANCE_NONE,
		MUN_ADVANCE_TTY,
		MUN_ADVANCE_PLAIN,
		MUN_ADVANCE_JSON
	} kind;
	int64_t last_ms;
	bool on_screen;
};
void mun_advance_init(struct mun_advance *a, struct mun_app *app);
/* what: "writing entries"; all 0: not known. Called often; shown at most five times a second. */
void mun_advance(struct mun_advance *a, const char *what, uint64_t done, uint64_t all);
/* Takes the line off the terminal. */
void mun_advance_end(struct mun_advance *a);
#endif
