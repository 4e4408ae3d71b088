/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_MANIFEST_H
#define MUN_MANIFEST_H
/*
 * Lists of runs: plain ids, CSV with a header, JSONL, a JSON array or one bare object, the vendor
 * CLI's process list, {"data": [...]}. Invalid rows are collected (the first MUN_MANIFEST_FAULTS
 * texts, all counted). Beside the list itself a parse takes memory for one row.
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
#define MUN_REASON_MIN      8 /* characters */
#define MUN_REASON_MAX      500
#define MUN_TICKET_MAX      128                  /* bytes */
#define MUN_MANIFEST_MAX    (512u * 1024 * 1024) /* bytes of a list */
#define MUN_MANIFEST_ROW    (1024 * 1024) /* bytes of a JSON line, a JSON element, a CSV record */
#define MUN_MANIFEST_FAULTS 10000
#define MUN_COLUMNS_COUNT   256              /* other columns of one row */
#define MUN_COLUMNS_MAX     MUN_MANIFEST_ROW /* bytes of them as JSON */
struct mun_row {
	struct mun_id run;
	uint32_t line; /* 1-based, where the row starts */
	bool has_org;  /* from a pasted URL */
	struct mun_id org;
	const char *reason; /* own, or NULL; borrowed for the call */
	const char *ticket;
	const char *name; /* `name` column or NULL */
	/*
	 * One line, a JSON object of the other columns, or NULL: cells as strings, JSON values as
	 * the text that they are, without the blanks between its parts.
	 */
	const char *columns;
	size_t columns_len;
};
struct mun_manifest_options {
	enum mun_format format;
	const char *id_column; /* or NULL */
	const char *source;    /* name for messages: path or "standard input" */
	/* Each line is an id, with ids alone: no comments, no blank lines; called "argument". */
	bool arguments;
};
struct mun_manifest_report {
	enum mun_format format; /* decided */
	uint64_t rows, bad, folded;
	bool bom, crlf, no_last_newline;
	/* "line 12: …\n" each, MUN_MANIFEST_FAULTS of them; init and done by the caller */
	struct mun_buf faults;
};
/* INPUT: the row is a bad one, for the reason in err. Anything else but OK ends the parse. */
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
/*
 * Open a list: path, or "-" for standard input. *ret_terminal: somebody types it. INPUT: missing,
 * unreadable, a directory, larger than MUN_MANIFEST_MAX. *ret_fd is owned by the caller.
 */
enum mun_code mun_manifest_open(int *ret_fd, bool *ret_terminal, const char *path,
                                struct mun_err *err) MUN_MUST_CHECK;
/*
 * Append all of fd to ret, whose max is MUN_MANIFEST_MAX, in one pass. INPUT: too large, or a NUL
 * byte, at once, so that an endless device ends with its first bytes. `stopped` is asked before
 * each read and after a signal: USAGE when it says so.
 */
enum mun_code mun_manifest_read(struct mun_buf *ret, int fd, const char *name,
                                bool (*stopped)(void), struct mun_err *err) MUN_MUST_CHECK;
/* 8 to 500 characters of valid UTF-8 without control characters. INPUT with the limit. */
enum mun_code mun_reason_check(const char *s, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_ticket_check(const char *s, struct mun_err *err) MUN_MUST_CHECK;
#endif
