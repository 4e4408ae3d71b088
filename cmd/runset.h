/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_RUNSET_H
#define MUN_RUNSET_H
/*
 * Distinct runs in the order they were added: 16 bytes each, and until mun_runset_seal() a hash
 * index of 6 to 12 bytes.
 */
#include "lib/id.h"
struct mun_runset;
enum mun_code mun_runset_new(struct mun_runset **ret, struct mun_err *err) MUN_MUST_CHECK;
void mun_runset_freep(struct mun_runset **s);
/* *ret_added false: it was there already. */
enum mun_code mun_runset_add(struct mun_runset *s, const struct mun_id *run, bool *ret_added,
                             struct mun_err *err) MUN_MUST_CHECK;
/* Nothing more is added: the index is freed. */
void mun_runset_seal(struct mun_runset *s);
size_t mun_runset_len(const struct mun_runset *s);
const struct mun_id *mun_runset_at(const struct mun_runset *s, size_t i); /* the others follow it */
/* On a second pass over the same rows: true for the first row of each run, in order. */
bool mun_runset_take(struct mun_runset *s, const struct mun_id *run);
#endif
