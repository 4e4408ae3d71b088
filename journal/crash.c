/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/crash.h"

#include "lib/failpoint.h"

enum point {
	POINT_T1,
	POINT_T1_PROBE,
	POINT_T2,
	POINT_T2_PROBE,
	POINT_NONE
};
static const char *const names[POINT_NONE][2] = {
	[POINT_T1] = { "before_t1", "after_t1" },
	[POINT_T1_PROBE] = { "before_t1_probe", "after_t1_probe" },
	[POINT_T2] = { "before_t2", "after_t2" },
	[POINT_T2_PROBE] = { "before_t2_probe", "after_t2_probe" },
};

static enum point point_of(const struct mun_entry *e)
{
	if (!e->has_batch || e->refused != MUN_ADMITTED)
		return POINT_NONE;
	if (e->kind == MUN_K_REQUEST)
		return mun_purpose_mutates(e->u.request.purpose) ? POINT_T1 : POINT_T1_PROBE;
	if (e->kind != MUN_K_RESPONSE)
		return POINT_NONE;
	/* those of reads are the last of the list */
	return e->u.response.verdict < MUN_V_IS_ARCHIVED ? POINT_T2 : POINT_T2_PROBE;
}

void mun_crash_at(const struct mun_group *g, bool committed)
{
	bool passed[POINT_NONE + 1] = { false };

	for (size_t i = 0; i < g->len; i++)
		passed[point_of(&g->entries[i])] = true;
	for (size_t p = 0; p < POINT_NONE; p++)
		if (passed[p])
			(void)mun_failpoint(names[p][committed]);
}
