/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_CSV_H
#define MUN_CSV_H
/*
 * RFC 4180 reading, one record at a time from memory, and writing of one cell. A record has at
 * most MUN_CSV_FIELDS fields and MUN_CSV_RECORD bytes. Behind a quote that is not closed within
 * them nobody knows where records begin: then the reading ends there.
 */
#include "lib/buf.h"
#define MUN_CSV_FIELDS 256
#define MUN_CSV_RECORD (1024 * 1024)
struct mun_csv {
	const char *data;
	size_t len, pos;
	size_t start;  /* of the record last read */
	uint64_t line; /* the same, from 1 */
	uint64_t next_line;
	struct mun_buf text;          /* unquoted fields of the record, each followed by NUL */
	size_t field[MUN_CSV_FIELDS]; /* offset into text */
	size_t field_len[MUN_CSV_FIELDS];
	size_t fields;
};
void mun_csv_init(struct mun_csv *c, const char *data, size_t len);
void mun_csv_done(struct mun_csv *c);
/* *ret_more false at the end. INPUT: this record is refused, reading may go on with the next. */
enum mun_code mun_csv_next(struct mun_csv *c, bool *ret_more, struct mun_err *err) MUN_MUST_CHECK;
/* One cell, quoted where needed; cells starting with = + - @ TAB CR get a ' unless raw. */
void mun_csv_cell(struct mun_buf *out, const char *s, size_t len, bool raw);
#endif
