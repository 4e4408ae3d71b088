/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CREDENTIAL_H
#define MUN_CREDENTIAL_H
/*
 * Which token, from where: one of --as, --token-file and --token-fd (the command line beats the
 * environment; two of them are USAGE), then TALLYFY_API_TOKEN, then the only stored token that
 * fits org and base URL, else CREDENTIAL naming the ways. A stored token belongs to one org and
 * base URL: --as implies both, and others beside it are refused (CREDENTIAL). One that has expired
 * is refused before anything is sent.
 */
#include "cmd/cmd.h"
#include "lib/crypto.h"
#include "lib/remote/request.h"
#include "lib/vault.h"
struct mun_credential {
	struct mun_secret token;
	bool has_target; /* from the vault */
	struct mun_id org;
	struct mun_base_url base;
	char name[33];           /* stored name or "" */
	struct mun_vault *vault; /* where it came from, unlocked; or NULL */
};
/* want_org / want_base may be NULL (not known). Never prompts without a terminal or --no-input. */
enum mun_code mun_credential_get(struct mun_credential *ret, struct mun_app *app,
                                 const struct mun_id *want_org,
                                 const struct mun_base_url *want_base, struct mun_err *err)
	MUN_MUST_CHECK;
/* The bytes that --token-file or --token-fd name, unchecked; *ret_given false: neither is given. */
enum mun_code mun_credential_option(struct mun_secret *ret, struct mun_app *app, bool *ret_given,
                                    struct mun_err *err) MUN_MUST_CHECK;
/* Only the target of --as, without opening the vault's seal (for plan, offline). */
enum mun_code mun_credential_target(struct mun_app *app, const char *name, struct mun_id *ret_org,
                                    struct mun_base_url *ret_base, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_credential_done(struct mun_credential *c);
#endif
