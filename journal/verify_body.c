/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "journal/verify_impl.h"

#define SALT_LEN 32

/* An entry further on may say that it was erased. */
static enum mun_code keep_in_mind(struct mun_verify *v, uint64_t seq, struct mun_err *err)
{
	uint64_t *bodiless = mun_verify_grow(v->bodiless, &v->bodiless_cap, v->bodiless_len,
	                                     sizeof(*bodiless), err);

	if (!bodiless)
		return MUN_E_NOMEM;
	v->bodiless = bodiless;
	v->bodiless[v->bodiless_len++] = seq;
	return MUN_OK;
}

enum mun_code mun_verify_body(struct mun_verify *v, uint64_t seq, const struct mun_body_ref *body,
                              struct mun_err *err)
{
	uint8_t salt[SALT_LEN], commit[MUN_SHA256_LEN];

	if (!body->present || !body->kept)
		return MUN_OK;
	if (!mun_source_has_bodies(v->source)) {
		v->bodies_withheld++;
		return MUN_OK;
	}
	mun_buf_clear(&v->text);
	enum mun_code code = mun_source_body(v->source, seq, salt, &v->text, err);
	if (code == MUN_E_NOTFOUND)
		return keep_in_mind(v, seq, err);
	v->bodies_found++;
	if (code == MUN_E_FULL && body->bytes > MUN_VERIFY_TEXT_MAX) {
		v->bodies_large++;
		return MUN_OK;
	}
	if (code == MUN_E_CORRUPT || code == MUN_E_FULL) {
		mun_verify_bad(v, seq, "its body cannot be read: %.100s", err->text);
		return MUN_OK;
	}
	if (code != MUN_OK)
		return code;
	const struct mun_slice pieces[] = { { salt, SALT_LEN }, { v->text.data, v->text.len } };
	mun_sha256_of(commit, pieces, MUN_ARRAY_LEN(pieces));
	if (v->text.len != body->bytes || memcmp(commit, body->commit, sizeof(commit)) != 0)
		mun_verify_bad(v, seq, "its body is not what it commits to");
	return MUN_OK;
}

static uint64_t *find(const struct mun_verify *v, uint64_t seq)
{
	size_t low = 0, high = v->bodiless_len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if ((v->bodiless[middle] & ~MUN_ERASED) < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < v->bodiless_len && (v->bodiless[low] & ~MUN_ERASED) == seq ? &v->bodiless[low]
	                                                                        : NULL;
}

void mun_verify_erased(struct mun_verify *v, const struct mun_entry *e)
{
	for (size_t i = 0; i < e->u.erased.seqs_len; i++) {
		uint64_t *bodiless = find(v, e->u.erased.seqs[i]);
		if (bodiless)
			*bodiless |= MUN_ERASED;
	}
	mun_verify_note(v, e->seq, "erased on request: the bodies of %zu entries",
	                e->u.erased.seqs_len);
}

void mun_verify_bodies_end(struct mun_verify *v)
{
	bool bundle = mun_source_is_bundle(v->source);

	for (size_t i = 0; i < v->bodiless_len; i++) {
		if (v->bodiless[i] & MUN_ERASED)
			continue;
		if (bundle)
			v->bodies_withheld++;
		else
			mun_verify_bad(v, v->bodiless[i],
			               "its body is missing, and no entry says that it was erased");
	}
	if (mun_source_has_bodies(v->source))
		mun_verify_checked(v, "commitments of bodies");
	if (v->bodies_large > 0)
		mun_verify_not_checked(v, "%llu bodies: too large to be read at once",
		                       (unsigned long long)v->bodies_large);
	if (v->bodies_withheld > 0)
		mun_verify_not_checked(v, "%llu bodies: withheld",
		                       (unsigned long long)v->bodies_withheld);
}
