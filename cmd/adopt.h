/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ADOPT_H
#define MUN_ADOPT_H
/*
 * `journal adopt`: a journal that is an older copy, or that a witness knows otherwise, is set aside
 * as it is, and a new one that names its head takes its place. Offline. The open items of each
 * open batch become a plan there, whose items are asked about before anything is sent.
 */
#include "cmd/cmd.h"
/* USAGE: no reason. BUSY: a batch of it is being worked on. JOURNAL, IO: as it was before, but for
 * a temporary directory that the message names. */
enum mun_code mun_adopt(struct mun_app *app, struct mun_err *err) MUN_MUST_CHECK;
#endif
