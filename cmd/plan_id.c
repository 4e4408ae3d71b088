/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/plan_id.h"

#include <stdio.h>
#include <string.h>

static void hash_text(struct mun_sha256 *h, const char *s)
{
	if (s != NULL)
		mun_sha256_add(h, s, strlen(s));
	mun_sha256_add(h, "\0", 1);
}

enum mun_code mun_plan_id(struct mun_ref *ret, const struct mun_entry *e, uint32_t n,
                          struct mun_err *err)
{
	MUN_CLEANUP(mun_sha256_freep) struct mun_sha256 *h = NULL;
	uint8_t digest[MUN_SHA256_LEN];
	char number[64];
	enum mun_code code = mun_sha256_new(&h, err);

	if (code != MUN_OK)
		return code;
	hash_text(h, e->u.plan.base_url);
	mun_sha256_add(h, e->org.bytes, sizeof(e->org.bytes));
	hash_text(h, mun_ops[e->u.plan.op].name);
	mun_sha256_add(h, e->u.plan.list_sha256, MUN_SHA256_LEN);
	if (e->u.plan.has_overrides)
		mun_sha256_add(h, e->u.plan.overrides_sha256, MUN_SHA256_LEN);
	hash_text(h, e->u.plan.reason);
	hash_text(h, e->u.plan.ticket);
	for (size_t i = 0; i < e->u.plan.labels_len; i++) {
		hash_text(h, e->u.plan.labels[i].key);
		hash_text(h, e->u.plan.labels[i].value);
	}
	(void)snprintf(number, sizeof(number), "%llu %u", (unsigned long long)e->u.plan.duplicates,
	               n);
	hash_text(h, number);
	if (e->u.plan.has_adopted)
		mun_sha256_add(h, e->u.plan.adopted.bytes, sizeof(e->u.plan.adopted.bytes));
	mun_sha256_end(h, digest);
	memcpy(ret->bytes, digest, sizeof(ret->bytes));
	return MUN_OK;
}
