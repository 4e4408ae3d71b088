/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_OP_H
#define MUN_OP_H
/*
 * The two operations as data. There is no third: the vendor's permanent delete
 * (DELETE …/runs/{id}/delete) cannot be expressed, as paths are made of these rows and ids alone.
 */
#include "lib/base.h"
#include "lib/remote/verdict.h"
enum mun_op_kind {
	MUN_OP_ARCHIVE,
	MUN_OP_RESTORE,
	MUN_OPS
};
struct mun_op {
	const char *name;         /* "archive" */
	const char *method;       /* "DELETE" */
	const char *suffix;       /* behind …/runs/{id} */
	bool goal_archived;       /* evidence: archived_at must be a time (true) or null (false) */
	enum mun_verdict done;    /* archived, restored */
	enum mun_verdict already; /* already_archived, already_active */
	const char *assume, *assume_not; /* words of resolve --assume */
	const char *plan_command;        /* that stores a plan of it: "restore --dry-run" */
};
/* What an archive and a restore of it leave behind, for the question before either. */
#define MUN_OP_NOT_UNDONE "favourites and machine tags are lost, watchers are notified"
extern const struct mun_op mun_ops[MUN_OPS];
const struct mun_op *mun_op_find(const char *name); /* NULL */
#endif
