/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_TOKEN_H
#define MUN_CMD_TOKEN_H
/* Parts of the token command. */
#include "cmd/cmd.h"
#include "journal/entry.h"
#include "lib/vault.h"
enum mun_code mun_token_add(struct mun_app *app, const char *name, struct mun_err *err)
	MUN_MUST_CHECK;
/* name NULL: the token that a run would use. */
enum mun_code mun_token_test(struct mun_app *app, const char *name, struct mun_err *err)
	MUN_MUST_CHECK;
/* As the journal shows this token; NULL when none can be opened. ret is where it is put. */
const char *mun_token_fingerprint(char ret[static 33], struct mun_app *app,
                                  const struct mun_secret *token);
/* A token.* entry; token NULL: it was not opened. What was done stands when the journal cannot
 * take it, so that is a warning. */
void mun_token_record(struct mun_app *app, enum mun_kind kind, const struct mun_token_info *info,
                      const struct mun_secret *token);
#endif
