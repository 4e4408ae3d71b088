/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_MANIFEST_H
#define MUN_MANIFEST_H
/*
 * Lists of runs: plain ids, CSV with a header, JSONL, a JSON array or one bare
 * object, the vendor CLI's process list. Every row is checked before anything is delivered as
 * good; invalid rows are collected (first MUN_MANIFEST_FAULTS texts, all counted).
 */
#include "lib/buf.h"
#include "lib/id.h"
enum mun_format {
	MUN_FORMAT_AUTO,
	MUN_FORMAT_IDS,
	MUN_FORMAT_CSV,
	MUN_FORMAT_JSONL,
	MUN_FORMAT_JSON
};
#define MUN_REASON_MIN   8 /* characters */
#define MUN_REASON_MAX   500
#define MUN_TICKET_MAX   128 /* bytes */
#define MUN_MANIFEST_MAX (512u * 1024 * 1024)
struct mun_row {
	struct mun_id run;
	uint32_t line; /* 1-based, where the row starts */
	bool has_org;  /* from a pasted URL */
	struct mun_id org;
	const char *reason; /* own, or NULL; borrowed for the call */
	const char *ticket;
	const char *name;    /* `name` column or NULL */
	const char *columns; /* canonical-enough JSON object of the other columns, or NULL */
	size_t columns_len;
};
struct mun_manifest_options {
	enum mun_format format;
	const char *id_column; /* or NULL */
	const char *source;    /* name for messages: path or "standard input" */
};
struct mun_manifest_report {
	enum mun_format format; /* decided */
	uint64_t rows, bad, folded;
	bool bom, crlf, no_last_newline;
	struct mun_buf faults; /* "line 12: …\n" each, the first 20; init and done by the caller */
};
typedef enum mun_code (*mun_row_fn)(void *arg, const struct mun_row *row, struct mun_err *err);
/*
 * Parse data and call fn for each valid row in order, duplicates included. INPUT: the encoding
 * (byte offset, iconv hint), the structure, or any bad row (report->bad > 0: the rows before and
 * after were still delivered; the caller throws them away). An empty list is report->rows == 0.
 */
enum mun_code mun_manifest_parse(const char *data, size_t len,
                                 const struct mun_manifest_options *options, mun_row_fn fn,
                                 void *arg, struct mun_manifest_report *report, struct mun_err *err)
	MUN_MUST_CHECK;
const char *mun_format_name(enum mun_format f);
bool mun_format_parse(enum mun_format *ret, const char *s);
/* 8 to 500 characters of valid UTF-8 without control characters. INPUT with the limit. */
enum mun_code mun_reason_check(const char *s, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_ticket_check(const char *s, struct mun_err *err) MUN_MUST_CHECK;
#endif
