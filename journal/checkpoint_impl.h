/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CHECKPOINT_IMPL_H
#define MUN_CHECKPOINT_IMPL_H
/* What checkpoint.c (rows and anchors) and checkpoint_sign.c (signing) share. */
#include "journal/checkpoint.h"
#include "journal/handle.h"
#include "lib/tlog/checkpoint.h"
/* The newest row of at most `size`, within t. NOTFOUND leaves err alone. */
enum mun_code mun_checkpoint_row(struct mun_txn *t, uint64_t size, struct mun_signed *ret,
                                 struct mun_err *err) MUN_MUST_CHECK;
/* What a row says, which must be of this journal and of the row's size. CORRUPT. */
enum mun_code mun_checkpoint_of(const struct mun_journal *j, const struct mun_signed *s,
                                struct mun_checkpoint *ret, struct mun_err *err) MUN_MUST_CHECK;
/* NOTFOUND leaves err alone. */
enum mun_code mun_checkpoint_key(struct mun_txn *t, uint64_t size, struct mun_vkey *ret,
                                 uint64_t *ret_seq, struct mun_err *err) MUN_MUST_CHECK;
#endif
