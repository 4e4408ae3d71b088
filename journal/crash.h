/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CRASH_H
#define MUN_CRASH_H
/*
 * Fail-points on both sides of the commit of a group: before_t1 and after_t1 where it admits a
 * mutating request, before_t2 and after_t2 where it holds the answer to one; the same names with
 * _probe for the reads of a batch. Nothing in builds without fail-points.
 */
#include "journal/journal.h"

#ifdef MUN_FAILPOINTS
void mun_crash_at(const struct mun_group *g, bool committed);
#else
static inline void mun_crash_at(const struct mun_group *g, bool committed)
{
	(void)g;
	(void)committed;
}
#endif

#endif
