/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BUNDLE_FILES_H
#define MUN_BUNDLE_FILES_H
/* The files of a bundle that are not tables: checkpoints, key, lists, what is withheld. */
#include "journal/bundle.h"
#include "journal/bundle_dir.h"
#include "journal/bundle_text.h"
struct mun_bundle_shipped { /* owned; ascending sizes, the last is the bundle's */
	uint64_t *sizes;
	size_t len, cap;
};
void mun_bundle_shipped_done(struct mun_bundle_shipped *s);
/* Which checkpoints come along: those that are anchored, the first behind each batch.ended and
 * key.added, and the one of the source's size (NOTFOUND: there is none). read: all its entries. */
enum mun_code mun_bundle_ship(struct mun_bundle_shipped *ret, struct mun_source *source,
                              const struct mun_bundle *read, struct mun_err *err) MUN_MUST_CHECK;
/* *ret: the one of the bundle. Fills origin (of ret), root, stamps and cosigned of the facts. */
enum mun_code mun_bundle_write_checkpoints(struct mun_bundle_dir *d, struct mun_source *source,
                                           const struct mun_bundle_shipped *shipped,
                                           struct mun_checkpoint *ret,
                                           struct mun_bundle_facts *facts, struct mun_err *err)
	MUN_MUST_CHECK;
/* public-key.txt. CORRUPT: vkey is NULL, so nothing can have been signed. */
enum mun_code mun_bundle_write_key(struct mun_bundle_dir *d, const char *vkey,
                                   struct mun_bundle_facts *facts, struct mun_err *err)
	MUN_MUST_CHECK;
/* plan/PLAN.ids and plan/PLAN.overrides of every plan whose list the source has. */
enum mun_code mun_bundle_write_plans(struct mun_bundle_dir *d, struct mun_source *source,
                                     struct mun_refold *fold, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_bundle_write_withheld(struct mun_bundle_dir *d, struct mun_source *source,
                                        struct mun_err *err) MUN_MUST_CHECK;
#endif
