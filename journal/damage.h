/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_DAMAGE_H
#define MUN_DAMAGE_H
/*
 * What a query could not read. It goes on without it, delivers the rest, and says at the end
 * which entries were left out: a journal with one bad page still answers.
 */
#include "lib/err.h"
#define MUN_DAMAGE_KEPT 16
struct mun_damage {
	uint64_t seq[MUN_DAMAGE_KEPT]; /* ascending, each once */
	size_t len;
	bool more;          /* than fit */
	bool any;           /* also what has no seq */
	struct mun_err why; /* of the first */
};
/* Damaged or missing entry seq (MUN_NO_SEQ: of another table): noted, true. Other codes: false. */
bool mun_damage_note(struct mun_damage *d, enum mun_code code, uint64_t seq,
                     const struct mun_err *why);
/* code, unless it is OK and something was noted: then CORRUPT, naming the entries. */
enum mun_code mun_damage_end(const struct mun_damage *d, enum mun_code code, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
