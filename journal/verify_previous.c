/* SPDX-License-Identifier: Apache-2.0 */
/* A journal that follows another names its head: that one must have had it, or has it still. */
#include <string.h>

#include "journal/verify_impl.h"

/* Root of the first entries of another source; false: it cannot be made. */
static enum mun_code root_of(struct mun_source *s, uint64_t size,
                             uint8_t ret[static MUN_SHA256_LEN], bool *ret_known,
                             struct mun_err *err)
{
	uint8_t leaf[MUN_SHA256_LEN], made[MUN_TREE_LEVELS][MUN_SHA256_LEN];
	struct mun_tree tree;
	const char *line;
	uint64_t seq;
	size_t len;

	mun_tree_init(&tree);
	*ret_known = false;
	enum mun_code code = mun_source_rewind(s, err);
	while (code == MUN_OK && tree.size < size) {
		code = mun_source_next(s, &seq, &line, &len, err);
		if (code == MUN_E_NOTFOUND || code == MUN_E_CORRUPT ||
		    (code == MUN_OK && seq != tree.size))
			return MUN_OK;
		if (code != MUN_OK)
			return code;
		mun_tree_leaf(leaf, line, len);
		(void)mun_tree_push(&tree, leaf, made);
	}
	if (code != MUN_OK)
		return code;
	mun_tree_root(&tree, ret);
	*ret_known = true;
	return MUN_OK;
}

enum mun_code mun_verify_previous(struct mun_verify *v, struct mun_err *err)
{
	const struct mun_previous *p = &v->previous;
	struct mun_source *old = v->o->previous;
	unsigned long long size = p->size;
	uint8_t root[MUN_SHA256_LEN];
	bool known = false;

	if (!v->has_previous && !old)
		return MUN_OK;
	if (!v->has_previous) {
		mun_verify_bad(v, 0, "it does not say that it follows another journal");
		return MUN_OK;
	}
	if (!old) {
		mun_verify_not_checked(
			v, "the journal that it follows (--previous): %.100s, %llu entries",
			v->previous_origin, size);
		return MUN_OK;
	}
	enum mun_code code = MUN_OK;
	if (p->size <= mun_source_size(old))
		code = root_of(old, p->size, root, &known, err);
	if (code != MUN_OK)
		return code;
	if (!known)
		mun_verify_bad(v, 0,
		               "the journal that it follows had %llu entries, and has not now",
		               size);
	else if (memcmp(root, p->root, sizeof(root)) != 0)
		mun_verify_bad(v, 0,
		               "it follows another journal, or %llu other entries of that one",
		               size);
	else
		mun_verify_checked(v, "the journal that it follows, at %llu of its %llu entries",
		                   size, (unsigned long long)mun_source_size(old));
	return MUN_OK;
}
