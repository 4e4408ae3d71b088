/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PROJECT_IMPL_H
#define MUN_PROJECT_IMPL_H
/* What project.c and project_range.c share. */
#include "journal/project.h"
struct mun_touched { /* an item of the batch at hand, before and after an entry */
	uint32_t number;
	bool existed;
	enum mun_item_state before;
	struct mun_item item;
};
/* CORRUPT: an entry names an unknown batch, or an item that it does not have. */
enum mun_code mun_project_need_batch(struct mun_project *p, const struct mun_ref *batch,
                                     struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_project_load_item(struct mun_project *p, uint64_t number, struct mun_touched *ret,
                                    struct mun_err *err) MUN_MUST_CHECK;
/* Row, table open and the counts of the batch. */
enum mun_code mun_project_store_item(struct mun_project *p, struct mun_touched *t,
                                     struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_project_ranges(struct mun_project *p, const struct mun_entry *e,
                                 struct mun_err *err) MUN_MUST_CHECK;
#endif
