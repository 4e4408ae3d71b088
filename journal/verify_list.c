/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/verify_impl.h"

static void add_override(struct mun_sha256 *h, const char *run, const struct mun_list_row *row)
{
	const char *reason = row->reason ? row->reason : "";
	const char *ticket = row->ticket ? row->ticket : "";

	mun_sha256_add(h, run, MUN_ID_TEXT - 1);
	mun_sha256_add(h, "\t", 1);
	mun_sha256_add(h, reason, strlen(reason));
	mun_sha256_add(h, "\t", 1);
	mun_sha256_add(h, ticket, strlen(ticket));
	mun_sha256_add(h, "\n", 1);
}

/* A file of a bundle may go on where the plan ends. */
static enum mun_code check_end(struct mun_verify *v, const struct mun_entry *e, struct mun_err *err)
{
	struct mun_list_row row;

	if (!mun_source_is_bundle(v->source))
		return MUN_OK;
	mun_buf_clear(&v->text);
	enum mun_code code = mun_source_list_row(v->source, &e->u.plan.plan, e->u.plan.items, &row,
	                                         &v->text, err);
	if (code == MUN_OK || code == MUN_E_CORRUPT)
		mun_verify_bad(v, e->seq, "the plan's list is longer than its %u items",
		               e->u.plan.items);
	return code == MUN_E_NOTFOUND || code == MUN_E_CORRUPT ? MUN_OK : code;
}

/* Both hashes over all rows; *ret_missing: the first item without a row, or items. */
static enum mun_code hash_rows(struct mun_verify *v, const struct mun_entry *e,
                               struct mun_sha256 *list, struct mun_sha256 *own, bool *ret_has_own,
                               uint32_t *ret_missing, struct mun_err *err)
{
	*ret_has_own = false;
	for (uint32_t item = 0; item < e->u.plan.items; item++) {
		struct mun_list_row row;
		char run[MUN_ID_TEXT];
		*ret_missing = item;
		mun_buf_clear(&v->text);
		enum mun_code code =
			mun_source_list_row(v->source, &e->u.plan.plan, item, &row, &v->text, err);
		if (code == MUN_E_NOTFOUND || code == MUN_E_CORRUPT)
			return MUN_OK;
		if (code != MUN_OK)
			return code;
		mun_id_format(run, &row.run);
		run[MUN_ID_TEXT - 1] = '\n';
		mun_sha256_add(list, run, MUN_ID_TEXT);
		if (row.reason || row.ticket) {
			add_override(own, run, &row);
			*ret_has_own = true;
		}
	}
	*ret_missing = e->u.plan.items;
	return MUN_OK;
}

enum mun_code mun_verify_list(struct mun_verify *v, const struct mun_entry *e, bool *ret_there,
                              struct mun_err *err)
{
	struct mun_sha256 *list MUN_CLEANUP(mun_sha256_freep) = NULL;
	struct mun_sha256 *own MUN_CLEANUP(mun_sha256_freep) = NULL;
	uint8_t list_hash[MUN_SHA256_LEN], own_hash[MUN_SHA256_LEN];
	uint32_t missing = 0;
	bool has_own;

	enum mun_code code = mun_sha256_new(&list, err);
	if (code == MUN_OK)
		code = mun_sha256_new(&own, err);
	if (code == MUN_OK)
		code = hash_rows(v, e, list, own, &has_own, &missing, err);
	if (code != MUN_OK)
		return code;
	*ret_there = missing == e->u.plan.items;
	if (missing == 0 && !*ret_there && mun_source_is_partial(v->source)) {
		v->closure_partial = true;
		return MUN_OK;
	}
	if (!*ret_there) {
		mun_verify_bad(v, e->seq, "item %u of %u of the plan's list is missing", missing,
		               e->u.plan.items);
		return MUN_OK;
	}
	mun_sha256_end(list, list_hash);
	mun_sha256_end(own, own_hash);
	if (memcmp(list_hash, e->u.plan.list_sha256, sizeof(list_hash)) != 0)
		mun_verify_bad(v, e->seq, "the plan's list does not hash to its list_sha256");
	if (has_own != e->u.plan.has_overrides ||
	    (has_own && memcmp(own_hash, e->u.plan.overrides_sha256, sizeof(own_hash)) != 0))
		mun_verify_bad(v, e->seq, "own reasons do not hash to overrides_sha256");
	return check_end(v, e, err);
}
