/* SPDX-License-Identifier: Apache-2.0 */
/* What a bundle holds of another source, as a source. */
#include <stdlib.h>
#include <string.h>

#include "journal/prove.h"
#include "journal/select.h"
#include "journal/source_impl.h"
#include "journal/withheld.h"

struct part {
	struct mun_source source;
	struct mun_part of;
};

static const struct mun_part *part_of(struct mun_source *s)
{
	return &((struct part *)s)->of;
}

static bool has(const struct mun_part *p, uint64_t seq)
{
	return !p->selection || mun_selection_has(p->selection, seq);
}

static void close_part(struct mun_source *s)
{
	free(s);
}

static enum mun_code next_entry(struct mun_source *s, uint64_t *ret_seq, const char **ret_line,
                                size_t *ret_len, struct mun_err *err)
{
	const struct mun_part *p = part_of(s);
	enum mun_code code;

	do
		code = mun_source_next(p->source, ret_seq, ret_line, ret_len, err);
	while (code == MUN_OK && !has(p, *ret_seq));
	return code;
}

static enum mun_code peek(struct mun_source *s, uint64_t *ret_seq, struct mun_err *err)
{
	const struct mun_part *p = part_of(s);
	const char *line;
	uint64_t seq;
	size_t len;
	enum mun_code code = mun_source_peek(p->source, ret_seq, err);

	while (code == MUN_OK && !has(p, *ret_seq)) {
		code = mun_source_next(p->source, &seq, &line, &len, err);
		if (code == MUN_OK)
			code = mun_source_peek(p->source, ret_seq, err);
	}
	return code;
}

static enum mun_code rewind_part(struct mun_source *s, struct mun_err *err)
{
	return mun_source_rewind(part_of(s)->source, err);
}

static enum mun_code one_entry(struct mun_source *s, uint64_t seq, struct mun_buf *ret,
                               struct mun_err *err)
{
	const struct mun_part *p = part_of(s);

	return has(p, seq) ? mun_source_entry(p->source, seq, ret, err) : MUN_E_NOTFOUND;
}

static enum mun_code list_row(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
                              struct mun_list_row *ret, struct mun_buf *text, struct mun_err *err)
{
	const struct mun_part *p = part_of(s);

	if (p->selection && !mun_selection_whole(p->selection, plan))
		return MUN_E_NOTFOUND;
	return mun_source_list_row(p->source, plan, item, ret, text, err);
}

static enum mun_code columns(struct mun_source *s, const struct mun_ref *plan, uint32_t item,
                             struct mun_buf *ret, struct mun_err *err)
{
	const struct mun_part *p = part_of(s);

	return p->bodies ? mun_source_columns(p->source, plan, item, ret, err) : MUN_E_NOTFOUND;
}

static enum mun_code body(struct mun_source *s, uint64_t seq, uint8_t ret_salt[static 32],
                          struct mun_buf *ret, struct mun_err *err)
{
	const struct mun_part *p = part_of(s);

	if (!p->bodies || !has(p, seq))
		return MUN_E_NOTFOUND;
	return mun_source_body(p->source, seq, ret_salt, ret, err);
}

/* Index of the first checkpoint above a size. */
static size_t first_above(const struct mun_part *p, uint64_t size)
{
	size_t low = 0, high = p->checkpoints_len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (p->checkpoints[middle] <= size)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Where what is withheld from seq on must end: the next selected entry, or the next size whose
 * root can be asked for. */
static uint64_t withheld_end(const struct mun_part *p, uint64_t seq)
{
	uint64_t end = mun_selection_next(p->selection, seq);
	size_t at = first_above(p, seq);

	return at < p->checkpoints_len && p->checkpoints[at] < end ? p->checkpoints[at] : end;
}

static enum mun_code withheld(struct mun_source *s, uint64_t seq, unsigned *ret_height,
                              uint8_t ret_hash[static MUN_SHA256_LEN], struct mun_err *err)
{
	const struct mun_part *p = part_of(s);

	if (seq >= s->size || has(p, seq))
		return MUN_E_NOTFOUND;
	*ret_height = mun_withheld_height(seq, withheld_end(p, seq));
	return mun_prove_subtree(p->j, *ret_height, seq >> *ret_height, ret_hash, err);
}

static enum mun_code checkpoint(struct mun_source *s, uint64_t above, struct mun_signed *ret,
                                struct mun_err *err)
{
	const struct mun_part *p = part_of(s);

	size_t at = first_above(p, above);

	if (at == p->checkpoints_len)
		return MUN_E_NOTFOUND;
	return mun_source_checkpoint(p->source, p->checkpoints[at] - 1, ret, err);
}

enum mun_code mun_source_part(struct mun_source **ret, const struct mun_part *part,
                              struct mun_err *err)
{
	static const struct mun_source_ops ops = {
		.close = close_part,
		.next = next_entry,
		.peek = peek,
		.rewind = rewind_part,
		.entry = one_entry,
		.list_row = list_row,
		.columns = columns,
		.body = body,
		.withheld = withheld,
		.checkpoint = checkpoint,
	};
	struct part *p = calloc(1, sizeof(*p));

	if (!p)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a part of a source");
	p->source.ops = &ops;
	p->source.size = mun_source_size(part->source);
	p->source.bundle = true;
	p->source.partial = part->selection != NULL;
	p->source.bodies = part->bodies;
	p->of = *part;
	*ret = &p->source;
	return MUN_OK;
}
