/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ENTRY_IMPL_H
#define MUN_ENTRY_IMPL_H
/* What entry_decode.c (fields of fixed size) and entry_array.c (what needs memory) share. */
#include "journal/entry.h"
#include "journal/entry_fields.h"
#include "lib/json.h"
struct mun_decoded {
	struct mun_json *doc;
	void *array[2]; /* labels, settles, ranges; seqs and disclosed */
	char *options;  /* text of the object */
	struct mun_previous previous;
	bool no_memory;
};
/* What is no such value reads as nothing: 0, MUN_NO_SEQ, MUN_V_NONE, *ret untouched. */
uint64_t mun_entry_get_u64(const struct mun_json_val *v);
uint32_t mun_entry_get_u32(const struct mun_json_val *v);
uint64_t mun_entry_get_seq(const struct mun_json_val *v);
void mun_entry_get_ref(struct mun_ref *ret, char prefix, const struct mun_json_val *v);
enum mun_verdict mun_entry_get_verdict(const struct mun_json_val *v);
/* Labels, settles, ranges, numbers of entries, options (which are found in the line). False: no
 * memory (d->no_memory), or too many. */
bool mun_entry_is_array(enum mun_field_type type);
bool mun_entry_get_array(struct mun_entry *e, struct mun_decoded *d, enum mun_field_type type,
                         const struct mun_json_val *v, const char *line, size_t len);
#endif
