/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SOURCE_IMPL_H
#define MUN_SOURCE_IMPL_H
/* Private to journal/source*.c: what each kind of source provides. */
#include "journal/source.h"
struct mun_source_ops {
	void (*close)(struct mun_source *s);
	enum mun_code (*next)(struct mun_source *s, uint64_t *ret_seq, const char **ret_line,
	                      size_t *ret_len, struct mun_err *err);
	enum mun_code (*peek)(struct mun_source *s, uint64_t *ret_seq, struct mun_err *err);
	enum mun_code (*rewind)(struct mun_source *s, struct mun_err *err);
	enum mun_code (*entry)(struct mun_source *s, uint64_t seq, struct mun_buf *ret,
	                       struct mun_err *err);
	enum mun_code (*list_row)(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
	                          struct mun_list_row *ret, struct mun_buf *text,
	                          struct mun_err *err);
	enum mun_code (*columns)(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
	                         struct mun_buf *ret, struct mun_err *err);
	enum mun_code (*body)(struct mun_source *s, uint64_t seq, uint8_t ret_salt[static 32],
	                      struct mun_buf *ret, struct mun_err *err);
	enum mun_code (*withheld)(struct mun_source *s, uint64_t seq, unsigned *ret_height,
	                          uint8_t ret_hash[static MUN_SHA256_LEN], struct mun_err *err);
	enum mun_code (*checkpoint)(struct mun_source *s, uint64_t above, struct mun_signed *ret,
	                            struct mun_err *err);
};
struct mun_source { /* the first member of each */
	const struct mun_source_ops *ops;
	uint64_t size;
	bool bundle, partial, bodies; /* partial: some entries are withheld */
};
#endif
