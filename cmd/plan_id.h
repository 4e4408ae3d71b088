/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PLAN_ID_H
#define MUN_PLAN_ID_H
/*
 * A plan's id: the first bytes of SHA-256 over base URL, organization, operation, list with its
 * own reasons and tickets, reason, ticket, labels, duplicates, and n: how often this content was
 * executed, expired or discarded in this journal. e is the plan.stored. The same command gives the
 * same id.
 */
#include "journal/entry.h"
enum mun_code mun_plan_id(struct mun_ref *ret, const struct mun_entry *e, uint32_t n,
                          struct mun_err *err) MUN_MUST_CHECK;
#endif
