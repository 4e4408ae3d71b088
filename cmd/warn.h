/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_WARN_H
#define MUN_WARN_H
/* What a person should know before a batch goes on; said on stderr, never a refusal. */
#include "cmd/consent.h"
/* The certificate's issuer is another than the newest answer of the batch had; "" is unknown. */
void mun_warn_issuer(struct mun_app *app, struct mun_journal *j, const struct mun_batch *b,
                     const char *issuer);
/* When it stops by itself, and a token that expires before the estimated end. */
void mun_warn_times(struct mun_app *app, struct mun_journal *j, const struct mun_asking *k);
#endif
