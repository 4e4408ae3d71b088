/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ENTRY_FIELDS_H
#define MUN_ENTRY_FIELDS_H
/*
 * The fields of each kind of entry, sorted by key: one table serves the encoder and the decoder,
 * so they cannot know different fields.
 */
#include "journal/entry.h"
enum mun_field_type {
	MUN_F_VERSION, /* 1 */
	MUN_F_KIND,    /* name of the kind */
	MUN_F_BATCH,   /* these four are left out when the entry has none */
	MUN_F_ITEM,
	MUN_F_ORG,
	MUN_F_RUN,
	MUN_F_BOOT, /* 12 hex digits */
	MUN_F_STR,  /* string or null */
	MUN_F_U32,
	MUN_F_U32_NULL, /* 0 is null */
	MUN_F_U64,
	MUN_F_SEQ, /* MUN_NO_SEQ is null */
	MUN_F_BOOL,
	MUN_F_TIME,   /* MUN_TIME_NONE is null */
	MUN_F_SHA256, /* 64 hex digits */
	MUN_F_PLAN,
	MUN_F_OP,
	MUN_F_PURPOSE,
	MUN_F_VERDICT,   /* NONE is null */
	MUN_F_RESOLVING, /* "run" or "resolve" */
	MUN_F_OPERATOR,
	MUN_F_OPERATOR_NULL, /* of ranges: null without has_operator */
	MUN_F_BODY,
	MUN_F_OVERRIDES,
	MUN_F_ADOPTED, /* of plan: null without has_adopted */
	MUN_F_LABELS,
	MUN_F_PREVIOUS, /* of created; NULL is null */
	MUN_F_SEQS,     /* of erased; ascending */
	MUN_F_DISCLOSED,
	MUN_F_TOOL, /* {sha256, version} of created or start */
	MUN_F_IDENTITY,
	MUN_F_OPTIONS,
	MUN_F_SENT_HEADERS,
	MUN_F_HEADERS,
	MUN_F_CURL,
	MUN_F_TLS,
	MUN_F_SETTLES,
	MUN_F_RANGES,
	MUN_F_COUNTS,
};
struct mun_field {
	const char *key;
	enum mun_field_type type;
	size_t offset; /* within struct mun_entry */
};
struct mun_fields {
	const struct mun_field *field;
	size_t len;
};
/* Of a response, sorted; the order of lib/remote/answer, which the journal does not include. */
#define MUN_ENTRY_HEADERS 8
extern const char *const mun_entry_headers[MUN_ENTRY_HEADERS];
struct mun_fields mun_entry_fields(enum mun_kind k);
#endif
