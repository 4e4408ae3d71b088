/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ENTRY_QUICK_H
#define MUN_ENTRY_QUICK_H
/*
 * Requests and responses, of which nearly all of a journal consists, read in one pass over their
 * bytes. In canonical form a value has one text, so a line that is met field by field, in order,
 * is what its entry encodes to; no tree is built and nothing is encoded again.
 */
#include "journal/entry.h"
/* false: not such a line, or one that needs a closer look (escapes, settlements, …), or no memory:
 * nothing is said about it. */
bool mun_entry_quick(struct mun_entry *ret, struct mun_decoded **ret_owner, const void *line,
                     size_t len);
#endif
