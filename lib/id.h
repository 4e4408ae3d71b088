/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ID_H
#define MUN_ID_H
/*
 * Validated ids. Runs and organizations are 32 lower-case hex digits (vendor's VARCHAR(32)
 * `^[a-f0-9]{32}$`), held as 16 bytes: a path can only be made of values of this type.
 * Plans and batches are "p-" / "b-" and 20 hex digits, held as 10 bytes.
 */
#include "lib/err.h"
#define MUN_ID_LEN   16
#define MUN_ID_TEXT  33 /* 32 digits and NUL */
#define MUN_REF_LEN  10
#define MUN_REF_TEXT 23 /* "p-", 20 digits and NUL */
struct mun_id {
	uint8_t bytes[MUN_ID_LEN];
};
struct mun_ref { /* plan or batch */
	uint8_t bytes[MUN_REF_LEN];
};
enum mun_id_fault {
	MUN_ID_OK,
	MUN_ID_FOLDED,
	MUN_ID_BAD
};
/* FOLDED: upper case was folded. BAD: ret untouched. */
enum mun_id_fault mun_id_parse(struct mun_id *ret, const char *s, size_t len);
void mun_id_format(char ret[static MUN_ID_TEXT], const struct mun_id *id);
bool mun_id_equal(const struct mun_id *a, const struct mun_id *b);
/*
 * A run as a person gives it: an id, or a pasted URL of the vendor
 * (https://go.tallyfy.com/<ORG>/processes/<RUN>, …/organizations/<ORG>/runs/<RUN>).
 * *ret_has_org: the URL carried an organization, in ret_org. INPUT: says what is wrong and a hint
 * (dashes, spreadsheet damage, a name instead of an id); foreign text in it is made visible.
 */
enum mun_code mun_run_parse(struct mun_id *ret_run, struct mun_id *ret_org, bool *ret_has_org,
                            bool *ret_folded, const char *s, size_t len, struct mun_err *err)
	MUN_MUST_CHECK;
/* prefix is 'p' or 'b'. */
void mun_ref_format(char ret[static MUN_REF_TEXT], char prefix, const struct mun_ref *ref);
bool mun_ref_parse(struct mun_ref *ret, char prefix, const char *s);
bool mun_ref_equal(const struct mun_ref *a, const struct mun_ref *b);
#endif
