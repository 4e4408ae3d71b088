/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/source.h"

#include "journal/source_impl.h"

void mun_source_closep(struct mun_source **s)
{
	if (*s)
		(*s)->ops->close(*s);
	*s = NULL;
}

uint64_t mun_source_size(const struct mun_source *s)
{
	return s->size;
}

enum mun_code mun_source_next(struct mun_source *s, uint64_t *ret_seq, const char **ret_line,
                              size_t *ret_len, struct mun_err *err)
{
	return s->ops->next(s, ret_seq, ret_line, ret_len, err);
}

bool mun_source_is_bundle(const struct mun_source *s)
{
	return s->bundle;
}

bool mun_source_is_partial(const struct mun_source *s)
{
	return s->partial;
}

bool mun_source_has_bodies(const struct mun_source *s)
{
	return s->bodies;
}

enum mun_code mun_source_peek(struct mun_source *s, uint64_t *ret_seq, struct mun_err *err)
{
	return s->ops->peek(s, ret_seq, err);
}

enum mun_code mun_source_rewind(struct mun_source *s, struct mun_err *err)
{
	return s->ops->rewind(s, err);
}

enum mun_code mun_source_entry(struct mun_source *s, uint64_t seq, struct mun_buf *ret,
                               struct mun_err *err)
{
	return seq < s->size ? s->ops->entry(s, seq, ret, err) : MUN_E_NOTFOUND;
}

enum mun_code mun_source_list_row(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
                                  struct mun_list_row *ret, struct mun_buf *text,
                                  struct mun_err *err)
{
	return s->ops->list_row(s, plan, item, ret, text, err);
}

enum mun_code mun_source_columns(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
                                 struct mun_buf *ret, struct mun_err *err)
{
	return s->ops->columns(s, plan, item, ret, err);
}

enum mun_code mun_source_body(struct mun_source *s, uint64_t seq, uint8_t ret_salt[static 32],
                              struct mun_buf *ret, struct mun_err *err)
{
	return s->ops->body(s, seq, ret_salt, ret, err);
}

enum mun_code mun_source_withheld(struct mun_source *s, uint64_t seq, unsigned *ret_height,
                                  uint8_t ret_hash[static MUN_SHA256_LEN], struct mun_err *err)
{
	return s->ops->withheld(s, seq, ret_height, ret_hash, err);
}

enum mun_code mun_source_checkpoint(struct mun_source *s, uint64_t above, struct mun_signed *ret,
                                    struct mun_err *err)
{
	return s->ops->checkpoint(s, above, ret, err);
}
