/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_VKEY_H
#define MUN_CMD_VKEY_H
/* Verifier keys as people give them: the key itself, or a file whose first line it is. */
#include "lib/tlog/note.h"
/* option names it in messages. USAGE: neither a verifier key of that type nor a file of one. */
enum mun_code mun_vkey_given(struct mun_vkey *ret, const char *text, enum mun_key_type type,
                             const char *option, struct mun_err *err) MUN_MUST_CHECK;
#endif
