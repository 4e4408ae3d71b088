/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/bodies.h"

#include <stdlib.h>

#include "lib/crypto.h"
#include "lib/cursor.h"
#include "lib/digest.h"
#include "lib/pack.h"

#define BODY_HEAD  (32 + 8) /* salt, length of the uncompressed bytes */
#define BODIES_MAX ((size_t)1 << 30)

void mun_bodies_done(struct mun_bodies *b)
{
	mun_buf_done(&b->buf);
	free(b->at);
}

static struct mun_body_ref *body_of(struct mun_entry *e)
{
	if (e->kind == MUN_K_PLAN_STORED)
		return &e->u.plan.source;
	return e->kind == MUN_K_RESPONSE ? &e->u.response.body : NULL;
}

static enum mun_code make_body(struct mun_bodies *b, size_t i, struct mun_body_ref *ref,
                               struct mun_packer *packer, struct mun_err *err)
{
	size_t start = b->buf.len;
	uint8_t head[BODY_HEAD];
	const struct mun_slice pieces[] = { { head, 32 }, { ref->data, ref->bytes } };
	enum mun_code code;

	mun_random(head, 32);
	mun_put_u64(head + 32, ref->bytes);
	mun_sha256_of(ref->commit, pieces, MUN_ARRAY_LEN(pieces));
	mun_buf_add(&b->buf, head, sizeof(head));
	code = mun_pack(packer, &b->buf, ref->data, ref->bytes, err);
	if (code != MUN_OK)
		return code;
	if (ref->owner != NULL) {
		mun_buf_done(ref->owner);
		ref->data = NULL;
	}
	ref->present = true;
	ref->kept = true;
	b->at[i].at = start;
	b->at[i].len = b->buf.len - start;
	return MUN_OK;
}

enum mun_code mun_bodies_make(struct mun_bodies *b, struct mun_packer **packer, struct mun_group *g,
                              struct mun_err *err)
{
	mun_buf_init(&b->buf, BODIES_MAX);
	b->at = calloc(g->len + 1, sizeof(*b->at));
	if (b->at == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a group");
	for (size_t i = 0; i < g->len; i++) {
		struct mun_body_ref *ref = body_of(&g->entries[i]);
		enum mun_code code = MUN_OK;

		if (ref == NULL || ref->data == NULL)
			continue;
		if (*packer == NULL)
			code = mun_packer_new(packer, err);
		if (code == MUN_OK)
			code = make_body(b, i, ref, *packer, err);
		if (code != MUN_OK)
			return code;
	}
	return MUN_OK;
}

bool mun_bodies_drop(struct mun_bodies *b, struct mun_group *g)
{
	bool any = false;

	for (size_t i = 0; i < g->len; i++) {
		struct mun_body_ref *ref = body_of(&g->entries[i]);

		if (ref == NULL || b->at[i].len == 0)
			continue;
		ref->kept = false;
		b->at[i].len = 0;
		any = true;
	}
	mun_buf_clear(&b->buf);
	return any;
}
