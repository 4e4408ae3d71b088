/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SIGNAL_H
#define MUN_SIGNAL_H
/*
 * SIGINT, SIGTERM, SIGHUP: counted. First: drain; second: abort; third: _exit(128+n) from the
 * handler. SIGHUP ignored at start stays ignored. SIGUSR1 asks for one status line. SIGPIPE and
 * SIGXFSZ are ignored. The handlers have no SA_RESTART, so that waits end early.
 */
#include "lib/base.h"
void mun_signal_install(void);
int mun_signal_count(void);      /* of the three, so far */
int mun_signal_number(void);     /* the first one; 0 none */
bool mun_signal_take_usr1(void); /* true once per SIGUSR1 */
/* Default action restored and the signal raised again, for shells and systemd. */
void mun_signal_reraise(void);
#endif
