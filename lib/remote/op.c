/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/remote/op.h"

#include <string.h>

const struct mun_op mun_ops[MUN_OPS] = {
	[MUN_OP_ARCHIVE] = {
		.name = "archive",
		.method = "DELETE",
		.suffix = "",
		.goal_archived = true,
		.done = MUN_V_ARCHIVED,
		.already = MUN_V_ALREADY_ARCHIVED,
		.assume = "archived",
		.assume_not = "not-archived",
		.plan_command = "plan",
	},
	[MUN_OP_RESTORE] = {
		.name = "restore",
		.method = "PUT",
		.suffix = "/activate",
		.goal_archived = false,
		.done = MUN_V_RESTORED,
		.already = MUN_V_ALREADY_ACTIVE,
		.assume = "active",
		.assume_not = "not-active",
		.plan_command = "restore --dry-run",
	},
};

const struct mun_op *mun_op_find(const char *name)
{
	for (size_t i = 0; i < MUN_OPS; i++) {
		if (strcmp(mun_ops[i].name, name) == 0)
			return &mun_ops[i];
	}
	return NULL;
}
