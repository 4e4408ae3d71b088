/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BODIES_H
#define MUN_BODIES_H
/* Bodies of a group, salted, committed to and compressed before its transaction begins. */
#include "journal/journal.h"
struct mun_packer;
struct mun_bodies {
	struct mun_buf buf;
	struct mun_body_at {
		size_t at, len; /* of the stored value in buf; len 0: none */
	} * at;                 /* one for each entry of the group */
};
/* Sets commit and kept of the entries that carry one. *packer is made when it is needed. */
enum mun_code mun_bodies_make(struct mun_bodies *b, struct mun_packer **packer, struct mun_group *g,
                              struct mun_err *err) MUN_MUST_CHECK;
/* Give them up to save room; false: there are none. */
bool mun_bodies_drop(struct mun_bodies *b, struct mun_group *g);
void mun_bodies_done(struct mun_bodies *b);
#endif
