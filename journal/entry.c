/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/entry.h"

#include <string.h>

#include "journal/entry_fields.h"

static const char *const kind_names[MUN_KINDS] = {
	[MUN_K_CREATED] = "journal.created",
	[MUN_K_KEY_ADDED] = "key.added",
	[MUN_K_PLAN_STORED] = "plan.stored",
	[MUN_K_PLAN_DISCARDED] = "plan.discarded",
	[MUN_K_BATCH_STARTED] = "batch.started",
	[MUN_K_BATCH_RESUMED] = "batch.resumed",
	[MUN_K_REQUEST] = "request",
	[MUN_K_RESPONSE] = "response",
	[MUN_K_DECISION] = "decision",
	[MUN_K_ITEM_SKIPPED] = "item.skipped",
	[MUN_K_ITEM_CANCELLED] = "item.cancelled",
	[MUN_K_BATCH_CANCELLING] = "batch.cancelling",
	[MUN_K_BATCH_PAUSED] = "batch.paused",
	[MUN_K_BATCH_ENDED] = "batch.ended",
	[MUN_K_TOKEN_ADDED] = "token.added",
	[MUN_K_TOKEN_REMOVED] = "token.removed",
	[MUN_K_TOKEN_REKEYED] = "token.rekeyed",
	[MUN_K_ANCHORED] = "checkpoint.anchored",
	[MUN_K_EXPORTED] = "export.made",
	[MUN_K_ERASED] = "body.erased",
	[MUN_K_CLOCK_JUMPED] = "clock.jumped",
};

static const char *const purpose_names[MUN_PURPOSES] = {
	[MUN_P_ARCHIVE] = "archive",
	[MUN_P_RESTORE] = "restore",
	[MUN_P_PROBE] = "probe",
	[MUN_P_IDENTITY] = "identity",
};

const char *const mun_entry_headers[MUN_ENTRY_HEADERS] = {
	"cf-ray",
	"content-type",
	"date",
	"retry-after",
	"x-ratelimit-limit",
	"x-ratelimit-remaining",
	"x-ratelimit-reset",
	"x-request-id",
};

const char *mun_kind_name(enum mun_kind k)
{
	return kind_names[k];
}

bool mun_kind_parse(enum mun_kind *ret, const char *name)
{
	for (unsigned i = 0; i < MUN_KINDS; i++) {
		if (strcmp(kind_names[i], name) == 0) {
			*ret = (enum mun_kind)i;
			return true;
		}
	}
	return false;
}

bool mun_kind_is_bookkeeping(enum mun_kind k)
{
	return k == MUN_K_ANCHORED || k == MUN_K_EXPORTED;
}

const char *mun_purpose_name(enum mun_purpose p)
{
	return purpose_names[p];
}

enum mun_purpose mun_purpose_of(enum mun_op_kind op)
{
	static const enum mun_purpose purposes[MUN_OPS] = {
		[MUN_OP_ARCHIVE] = MUN_P_ARCHIVE,
		[MUN_OP_RESTORE] = MUN_P_RESTORE,
	};

	return purposes[op];
}

bool mun_purpose_mutates(enum mun_purpose p)
{
	return p == MUN_P_ARCHIVE || p == MUN_P_RESTORE;
}

#define AT(member) offsetof(struct mun_entry, member)
#define F_BATCH                                 \
	{                                       \
		"batch", MUN_F_BATCH, AT(batch) \
	}
#define F_BOOT                               \
	{                                    \
		"boot", MUN_F_BOOT, AT(boot) \
	}
#define F_ITEM                               \
	{                                    \
		"item", MUN_F_ITEM, AT(item) \
	}
#define F_KIND                               \
	{                                    \
		"kind", MUN_F_KIND, AT(kind) \
	}
#define F_ORG                             \
	{                                 \
		"org", MUN_F_ORG, AT(org) \
	}
#define F_RUN                             \
	{                                 \
		"run", MUN_F_RUN, AT(run) \
	}
#define F_SEQ                             \
	{                                 \
		"seq", MUN_F_U64, AT(seq) \
	}
#define F_TIME                                  \
	{                                       \
		"time", MUN_F_TIME, AT(time_us) \
	}
#define F_UPTIME                                      \
	{                                             \
		"uptime_ms", MUN_F_U64, AT(uptime_ms) \
	}
#define F_VERSION                     \
	{                             \
		"v", MUN_F_VERSION, 0 \
	}

static const struct mun_field created[] = {
	F_BOOT,
	{ "journal", MUN_F_STR, AT(u.created.journal) },
	F_KIND,
	{ "origin", MUN_F_STR, AT(u.created.origin) },
	{ "previous", MUN_F_PREVIOUS, 0 },
	F_SEQ,
	F_TIME,
	{ "tool", MUN_F_TOOL, 0 },
	F_UPTIME,
	F_VERSION,
};
static const struct mun_field key_added[] = {
	F_BOOT,
	F_KIND,
	{ "operator", MUN_F_OPERATOR, AT(u.key.operator_) },
	{ "previous", MUN_F_STR, AT(u.key.previous) },
	{ "reason", MUN_F_STR, AT(u.key.reason) },
	F_SEQ,
	F_TIME,
	F_UPTIME,
	F_VERSION,
	{ "vkey", MUN_F_STR, AT(u.key.vkey) },
};
static const struct mun_field plan_stored[] = {
	{ "adopted", MUN_F_ADOPTED, 0 },
	{ "base_url", MUN_F_STR, AT(u.plan.base_url) },
	F_BOOT,
	{ "duplicates", MUN_F_U64, AT(u.plan.duplicates) },
	{ "items", MUN_F_U32, AT(u.plan.items) },
	F_KIND,
	{ "labels", MUN_F_LABELS, 0 },
	{ "list_sha256", MUN_F_SHA256, AT(u.plan.list_sha256) },
	{ "op", MUN_F_OP, AT(u.plan.op) },
	{ "operator", MUN_F_OPERATOR, AT(u.plan.operator_) },
	F_ORG,
	{ "overrides_sha256", MUN_F_OVERRIDES, 0 },
	{ "plan", MUN_F_PLAN, AT(u.plan.plan) },
	{ "reason", MUN_F_STR, AT(u.plan.reason) },
	F_SEQ,
	{ "source", MUN_F_BODY, AT(u.plan.source) },
	{ "ticket", MUN_F_STR, AT(u.plan.ticket) },
	F_TIME,
	F_UPTIME,
	F_VERSION,
};
static const struct mun_field plan_discarded[] = {
	F_BOOT,
	F_KIND,
	{ "operator", MUN_F_OPERATOR, AT(u.discard.operator_) },
	F_ORG,
	{ "plan", MUN_F_PLAN, AT(u.discard.plan) },
	{ "reason", MUN_F_STR, AT(u.discard.reason) },
	F_SEQ,
	F_TIME,
	F_UPTIME,
	F_VERSION,
};
static const struct mun_field start[] = {
	{ "all_in_doubt", MUN_F_BOOL, AT(u.start.all_in_doubt) },
	F_BATCH,
	F_BOOT,
	{ "epoch", MUN_F_U32, AT(u.start.epoch) },
	{ "host", MUN_F_STR, AT(u.start.host) },
	{ "identity", MUN_F_IDENTITY, 0 },
	F_KIND,
	{ "limits", MUN_F_STR, AT(u.start.limits) },
	{ "machine", MUN_F_STR, AT(u.start.machine) },
	{ "operator", MUN_F_OPERATOR, AT(u.start.operator_) },
	{ "options", MUN_F_OPTIONS, AT(u.start.options) },
	F_ORG,
	{ "plan", MUN_F_PLAN, AT(u.start.plan) },
	{ "proxy", MUN_F_STR, AT(u.start.proxy) },
	{ "purpose", MUN_F_RESOLVING, AT(u.start.resolving) },
	{ "reason", MUN_F_STR, AT(u.start.reason) },
	F_SEQ,
	F_TIME,
	{ "token", MUN_F_STR, AT(u.start.token) },
	{ "tool", MUN_F_TOOL, 0 },
	F_UPTIME,
	F_VERSION,
};
static const struct mun_field request[] = {
	{ "attempt", MUN_F_U32_NULL, AT(u.request.attempt) },
	F_BATCH,
	F_BOOT,
	{ "epoch", MUN_F_U32_NULL, AT(u.request.epoch) },
	{ "headers", MUN_F_SENT_HEADERS, AT(u.request.token) },
	{ "host", MUN_F_STR, AT(u.request.host) },
	F_ITEM,
	F_KIND,
	{ "method", MUN_F_STR, AT(u.request.method) },
	F_ORG,
	{ "path", MUN_F_STR, AT(u.request.path) },
	{ "purpose", MUN_F_PURPOSE, AT(u.request.purpose) },
	{ "reason", MUN_F_STR, AT(u.request.reason) },
	F_RUN,
	F_SEQ,
	{ "ticket", MUN_F_STR, AT(u.request.ticket) },
	F_TIME,
	F_UPTIME,
	F_VERSION,
};
static const struct mun_field response[] = {
	{ "archived_at", MUN_F_STR, AT(u.response.archived_at) },
	F_BATCH,
	{ "body", MUN_F_BODY, AT(u.response.body) },
	F_BOOT,
	{ "curl", MUN_F_CURL, 0 },
	{ "duration_ms", MUN_F_U32, AT(u.response.duration_ms) },
	{ "headers", MUN_F_HEADERS, 0 },
	{ "http", MUN_F_U32_NULL, AT(u.response.http) },
	F_ITEM,
	F_KIND,
	F_ORG,
	{ "remote_ip", MUN_F_STR, AT(u.response.remote_ip) },
	{ "request", MUN_F_U64, AT(u.response.request) },
	{ "retry_at", MUN_F_TIME, AT(u.response.retry_at_us) },
	F_RUN,
	{ "sent", MUN_F_BOOL, AT(u.response.sent) },
	F_SEQ,
	{ "settles", MUN_F_SETTLES, 0 },
	F_TIME,
	{ "tls", MUN_F_TLS, 0 },
	F_UPTIME,
	F_VERSION,
	{ "verdict", MUN_F_VERDICT, AT(u.response.verdict) },
};
static const struct mun_field decision[] = {
	F_BATCH,
	F_BOOT,
	F_ITEM,
	F_KIND,
	{ "operator", MUN_F_OPERATOR, AT(u.decision.operator_) },
	F_ORG,
	{ "reason", MUN_F_STR, AT(u.decision.reason) },
	{ "request", MUN_F_SEQ, AT(u.decision.request) },
	F_RUN,
	F_SEQ,
	F_TIME,
	F_UPTIME,
	F_VERSION,
	{ "verdict", MUN_F_VERDICT, AT(u.decision.verdict) },
};
static const struct mun_field ranges[] = {
	F_BATCH,
	F_BOOT,
	F_KIND,
	{ "operator", MUN_F_OPERATOR_NULL, AT(u.ranges.operator_) },
	F_ORG,
	{ "ranges", MUN_F_RANGES, 0 },
	{ "reason", MUN_F_STR, AT(u.ranges.reason) },
	F_SEQ,
	F_TIME,
	F_UPTIME,
	F_VERSION,
	{ "why", MUN_F_STR, AT(u.ranges.why) },
};
static const struct mun_field cancelling[] = {
	F_BATCH,  F_BOOT,
	F_KIND,   { "operator", MUN_F_OPERATOR, AT(u.cancelling.operator_) },
	F_ORG,    { "reason", MUN_F_STR, AT(u.cancelling.reason) },
	F_SEQ,    F_TIME,
	F_UPTIME, F_VERSION,
};
static const struct mun_field pause_[] = {
	F_BATCH,  F_BOOT,    { "counts", MUN_F_COUNTS, AT(u.pause.counts) }, F_KIND,
	F_ORG,    F_SEQ,     { "state", MUN_F_STR, AT(u.pause.state) },      F_TIME,
	F_UPTIME, F_VERSION, { "why", MUN_F_STR, AT(u.pause.why) },
};
static const struct mun_field token[] = {
	{ "base_url", MUN_F_STR, AT(u.token.base_url) },
	F_BOOT,
	F_KIND,
	{ "name", MUN_F_STR, AT(u.token.name) },
	F_ORG,
	F_SEQ,
	F_TIME,
	{ "token", MUN_F_STR, AT(u.token.token) },
	F_UPTIME,
	F_VERSION,
};
static const struct mun_field anchored[] = {
	{ "anchor", MUN_F_STR, AT(u.anchored.kind) },
	F_BOOT,
	{ "by", MUN_F_STR, AT(u.anchored.by) },
	F_KIND,
	{ "receipt", MUN_F_SHA256, AT(u.anchored.receipt) },
	{ "root", MUN_F_SHA256, AT(u.anchored.root) },
	F_SEQ,
	{ "size", MUN_F_U64, AT(u.anchored.size) },
	F_TIME,
	F_UPTIME,
	F_VERSION,
};
static const struct mun_field exported[] = {
	{ "bodies", MUN_F_BOOL, AT(u.exported.bodies) },
	F_BOOT,
	{ "filter", MUN_F_STR, AT(u.exported.filter) },
	F_KIND,
	{ "root", MUN_F_SHA256, AT(u.exported.root) },
	F_SEQ,
	{ "size", MUN_F_U64, AT(u.exported.size) },
	{ "sums_sha256", MUN_F_SHA256, AT(u.exported.sums) },
	F_TIME,
	F_UPTIME,
	F_VERSION,
};
static const struct mun_field erased[] = {
	{ "basis", MUN_F_STR, AT(u.erased.basis) },
	F_BOOT,
	{ "disclosed", MUN_F_DISCLOSED, 0 },
	F_KIND,
	{ "operator", MUN_F_OPERATOR, AT(u.erased.operator_) },
	F_SEQ,
	{ "seqs", MUN_F_SEQS, 0 },
	F_TIME,
	F_UPTIME,
	F_VERSION,
};
static const struct mun_field clock_[] = {
	F_BATCH,   { "before", MUN_F_TIME, AT(u.clock.before_us) },
	F_BOOT,    F_KIND,
	F_ORG,     { "real", MUN_F_TIME, AT(time_us) },
	F_SEQ,     { "server", MUN_F_TIME, AT(u.clock.server_us) },
	F_TIME,    F_UPTIME,
	F_VERSION,
};

#define TABLE(name)                         \
	{                                   \
		(name), MUN_ARRAY_LEN(name) \
	}

struct mun_fields mun_entry_fields(enum mun_kind k)
{
	static const struct mun_fields tables[MUN_KINDS] = {
		[MUN_K_CREATED] = TABLE(created),
		[MUN_K_KEY_ADDED] = TABLE(key_added),
		[MUN_K_PLAN_STORED] = TABLE(plan_stored),
		[MUN_K_PLAN_DISCARDED] = TABLE(plan_discarded),
		[MUN_K_BATCH_STARTED] = TABLE(start),
		[MUN_K_BATCH_RESUMED] = TABLE(start),
		[MUN_K_REQUEST] = TABLE(request),
		[MUN_K_RESPONSE] = TABLE(response),
		[MUN_K_DECISION] = TABLE(decision),
		[MUN_K_ITEM_SKIPPED] = TABLE(ranges),
		[MUN_K_ITEM_CANCELLED] = TABLE(ranges),
		[MUN_K_BATCH_CANCELLING] = TABLE(cancelling),
		[MUN_K_BATCH_PAUSED] = TABLE(pause_),
		[MUN_K_BATCH_ENDED] = TABLE(pause_),
		[MUN_K_TOKEN_ADDED] = TABLE(token),
		[MUN_K_TOKEN_REMOVED] = TABLE(token),
		[MUN_K_TOKEN_REKEYED] = TABLE(token),
		[MUN_K_ANCHORED] = TABLE(anchored),
		[MUN_K_EXPORTED] = TABLE(exported),
		[MUN_K_ERASED] = TABLE(erased),
		[MUN_K_CLOCK_JUMPED] = TABLE(clock_),
	};

	return tables[k];
}
