/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CMD_UNLOCK_H
#define MUN_CMD_UNLOCK_H
/*
 * What opens the vault: --key-file, MUNIMENT_PASSPHRASE_FILE, systemd's credential, a question.
 * Secrets are read straight into locked memory.
 */
#include "cmd/cmd.h"
#include "lib/vault.h"
/* CREDENTIAL names the options when nobody can be asked. A vault without key is given one, asked
 * for twice. */
enum mun_code mun_unlock(struct mun_vault *v, struct mun_app *app, struct mun_err *err)
	MUN_MUST_CHECK;
/* Is there a key source, or somebody to ask? kind is mun_vault_key_kind(); CREDENTIAL as above.
 * Nothing is opened, read or asked yet. */
enum mun_code mun_unlock_possible(struct mun_app *app, const char *kind, struct mun_err *err)
	MUN_MUST_CHECK;
/* A new passphrase, asked for twice. */
enum mun_code mun_unlock_ask_twice(struct mun_secret *ret, struct mun_app *app, struct mun_err *err)
	MUN_MUST_CHECK;
/* Bytes of a file, at most a token's; warns when others can read it. CREDENTIAL. */
enum mun_code mun_unlock_file(struct mun_secret *ret, struct mun_app *app, const char *path,
                              const char *what, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_unlock_fd(struct mun_secret *ret, int fd, const char *what, struct mun_err *err)
	MUN_MUST_CHECK;
/* One final newline is not part of a passphrase. CREDENTIAL when it is empty. */
enum mun_code mun_unlock_passphrase_file(struct mun_secret *ret, struct mun_app *app,
                                         const char *path, struct mun_err *err) MUN_MUST_CHECK;
/* USAGE: no file has this name, and it looks like a token; it is not shown. */
enum mun_code mun_unlock_check_path(const char *path, struct mun_err *err) MUN_MUST_CHECK;
/* Opens the vault of app, after a child has read it without harm. NOTFOUND: there is none (and
 * create is false). CREDENTIAL: it is damaged, or open to others. */
enum mun_code mun_unlock_open(struct mun_vault **ret, struct mun_app *app, bool create,
                              struct mun_err *err) MUN_MUST_CHECK;
#endif
