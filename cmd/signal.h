/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SIGNAL_H
#define MUN_SIGNAL_H
/*
 * SIGINT, SIGTERM, SIGHUP: counted, and each is announced in one line on standard error. First:
 * drain; second: abort; third: _exit(128+n) from the handler. SIGHUP ignored at start stays
 * ignored. SIGUSR1 asks for one status line. SIGPIPE and SIGXFSZ are ignored. The handlers have
 * no SA_RESTART, so that waits end early.
 */
#include "lib/base.h"
void mun_signal_install(void);
int mun_signal_count(void);      /* of the three, so far */
int mun_signal_number(void);     /* the first one; 0 none */
bool mun_signal_take_usr1(void); /* true once per SIGUSR1 */
bool mun_signal_take_cont(void); /* true once after the process was stopped and goes on */
/*
 * Where the lines of the handlers go (2 unless told), and what is written before them to take
 * progress off the screen; both stay valid until the next call. A line that cannot be written
 * at once is dropped: a handler never waits for a terminal.
 */
void mun_signal_announce(int fd, const char *clear);
/* At a question nothing is sent or in flight: the first signal needs no words. */
void mun_signal_at_question(bool yes);
/* Default action restored and the signal raised again, for shells and systemd. */
void mun_signal_reraise(void);
#endif
