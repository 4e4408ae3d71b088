/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VERIFY_PROOF_H
#define MUN_VERIFY_PROOF_H
/* verify --proof FILE: one entry, by its tlog-proof alone; no journal is needed. */
#include "cmd/verify_options.h"
enum mun_code mun_cmd_verify_proof(struct mun_app *app, struct mun_verify_inputs *in, int *ret_exit,
                                   struct mun_err *err) MUN_MUST_CHECK;
#endif
