/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VERIFY_OPTIONS_H
#define MUN_VERIFY_OPTIONS_H
/* What the options of verify name: keys, authorities, checkpoints kept from before. */
#include "cmd/cmd.h"
#include "journal/verify.h"
#define MUN_HOME_KEYS 16
struct mun_verify_inputs {
	struct mun_verify_options options; /* points into the rest */
	struct mun_vkey log_key[MUN_LIST_MAX + MUN_HOME_KEYS], witness[MUN_LIST_MAX];
	struct mun_verify_kept kept[MUN_LIST_MAX];
	struct mun_journal *previous_journal; /* owned */
	struct mun_source *previous;          /* owned */
};
/* USAGE: options that do not go together. INPUT: a file that holds none of what it should. */
enum mun_code mun_verify_inputs_read(struct mun_verify_inputs *ret, struct mun_app *app,
                                     struct mun_err *err) MUN_MUST_CHECK;
void mun_verify_inputs_done(struct mun_verify_inputs *in);
/* Without --log-key: the keys of the journal here, when it is the same log as what is checked.
 * Nothing else than NOMEM is an error: it may be missing or damaged. */
enum mun_code mun_verify_home_keys(struct mun_verify_inputs *in, struct mun_app *app,
                                   const char *origin, struct mun_err *err) MUN_MUST_CHECK;
/* Is it a bundle? false: a journal, or neither. */
bool mun_verify_is_bundle(const char *dir);
#endif
