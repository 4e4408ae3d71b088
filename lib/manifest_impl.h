/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_MANIFEST_IMPL_H
#define MUN_MANIFEST_IMPL_H
/* Private to manifest*.c: one parse under way. */
#include "lib/manifest.h"
struct mun_reader {
	const char *data; /* behind the BOM */
	size_t len;
	size_t skipped; /* bytes of the BOM */
	const struct mun_manifest_options *options;
	mun_row_fn fn;
	void *arg;
	struct mun_manifest_report *report;
	struct mun_buf columns; /* of the row under way */
};
struct mun_text_line {
	const char *text; /* without surrounding blanks and line end */
	size_t len;
	size_t next; /* offset of the line after it; 0 before the first */
	uint32_t number;
};
bool mun_is_blank(char c); /* space, tab, line end */
bool mun_reader_line(const struct mun_reader *r, struct mun_text_line *line);
/* A row ended with code: a bad one (INPUT) is counted, its text reported, and the list goes on. */
enum mun_code mun_reader_settle(struct mun_reader *r, uint64_t line, enum mun_code code,
                                const struct mun_err *err) MUN_MUST_CHECK;
/* r->columns become those of row, unless it is "{}". INPUT: too large. */
enum mun_code mun_reader_columns(struct mun_reader *r, struct mun_row *row, struct mun_err *err)
	MUN_MUST_CHECK;
/* Check the id and the texts of a row, then deliver it. INPUT: it is a bad one. */
enum mun_code mun_reader_row(struct mun_reader *r, struct mun_row *row, const char *id, size_t len,
                             struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_manifest_too_large(const char *source, struct mun_err *err);
bool mun_is_id_name(const char *name, const char *id_column);
enum mun_code mun_manifest_csv(struct mun_reader *r, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_manifest_json(struct mun_reader *r, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_manifest_jsonl(struct mun_reader *r, struct mun_err *err) MUN_MUST_CHECK;
#endif
