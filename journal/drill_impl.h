/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_DRILL_IMPL_H
#define MUN_DRILL_IMPL_H
/* What drill.c (the steps) and drill_copy.c (the copy that they damage) share. */
#include "journal/drill.h"
#include "journal/handle.h"
struct mun_drill {
	struct mun_journal *from;
	const char *dir;
	uint64_t size; /* of the copy, its key.added included */
	struct mun_vkey key, other;
	struct mun_secret secret, other_secret;
	struct mun_verify_kept kept;
	char origin[160];
};
/* The copy in <dir>/base: entries, bodies, lists, checkpoints, a fresh key, two checkpoints. */
enum mun_code mun_drill_copy(struct mun_drill *d, struct mun_err *err) MUN_MUST_CHECK;
/* Leaves, nodes and head of the first size entries, as they stand. */
enum mun_code mun_drill_tree(struct mun_txn *t, uint64_t size, uint8_t ret_root[static 32],
                             struct mun_err *err) MUN_MUST_CHECK;
/* A checkpoint of that size and root, by key and secret. */
enum mun_code mun_drill_sign(struct mun_drill *d, struct mun_txn *t, uint64_t size,
                             const uint8_t root[static 32], const struct mun_vkey *key,
                             const struct mun_secret *secret, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_drill_line(struct mun_txn *t, uint64_t seq, struct mun_buf *ret,
                             struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_drill_put_line(struct mun_txn *t, uint64_t seq, const struct mun_buf *line,
                                 struct mun_err *err) MUN_MUST_CHECK;
#endif
