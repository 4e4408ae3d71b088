/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_KIND_H
#define MUN_KIND_H
/* What an entry may be, and what a request is for, by name (FORMAT.md, section 1). */
#include "lib/remote/op.h"
enum mun_kind {
	MUN_K_CREATED,
	MUN_K_KEY_ADDED,
	MUN_K_PLAN_STORED,
	MUN_K_PLAN_DISCARDED,
	MUN_K_BATCH_STARTED,
	MUN_K_BATCH_RESUMED,
	MUN_K_REQUEST,
	MUN_K_RESPONSE,
	MUN_K_DECISION,
	MUN_K_ITEM_SKIPPED,
	MUN_K_ITEM_CANCELLED,
	MUN_K_BATCH_CANCELLING,
	MUN_K_BATCH_PAUSED,
	MUN_K_BATCH_ENDED,
	MUN_K_TOKEN_ADDED,
	MUN_K_TOKEN_REMOVED,
	MUN_K_TOKEN_REKEYED,
	MUN_K_ANCHORED,
	MUN_K_EXPORTED,
	MUN_K_ERASED,
	MUN_K_CLOCK_JUMPED,
	MUN_KINDS
};
const char *mun_kind_name(enum mun_kind k); /* "journal.created" */
bool mun_kind_parse(enum mun_kind *ret, const char *name);
enum mun_purpose {
	MUN_P_ARCHIVE,
	MUN_P_RESTORE,
	MUN_P_PROBE,
	MUN_P_IDENTITY,
	MUN_PURPOSES
};
const char *mun_purpose_name(enum mun_purpose p);
bool mun_purpose_mutates(enum mun_purpose p);
enum mun_purpose mun_purpose_of(enum mun_op_kind op); /* of its mutating requests */
/* checkpoint.anchored, export.made: about the journal itself, so no checkpoint waits for them */
bool mun_kind_is_bookkeeping(enum mun_kind k);
#endif
