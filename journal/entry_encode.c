/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "journal/entry.h"
#include "journal/entry_fields.h"
#include "lib/canon.h"
#include "lib/hex.h"

static void put_hex(struct mun_canon *c, const char *key, const uint8_t *data, size_t len)
{
	char hex[2 * MUN_SHA256_LEN + 1];

	mun_hex_encode(hex, data, len);
	mun_canon_strn(c, key, hex, 2 * len);
}

static void put_ref(struct mun_canon *c, const char *key, char prefix, const struct mun_ref *ref)
{
	char text[MUN_REF_TEXT];

	mun_ref_format(text, prefix, ref);
	mun_canon_str(c, key, text);
}

static void put_time(struct mun_canon *c, const char *key, int64_t time_us)
{
	char text[MUN_DATE_MAX];

	if (time_us == MUN_TIME_NONE) {
		mun_canon_null(c, key);
		return;
	}
	mun_date_format(text, time_us);
	mun_canon_str(c, key, text);
}

static void put_seq(struct mun_canon *c, const char *key, uint64_t seq)
{
	if (seq == MUN_NO_SEQ)
		mun_canon_null(c, key);
	else
		mun_canon_int(c, key, (int64_t)seq);
}

static void put_operator(struct mun_canon *c, const char *key, const struct mun_operator *o)
{
	mun_canon_object(c, key);
	mun_canon_str(c, "claimed", o->claimed);
	mun_canon_str(c, "host", o->host);
	mun_canon_str(c, "sudo_user", o->sudo_user);
	mun_canon_str(c, "tty", o->tty);
	mun_canon_int(c, "uid", o->uid);
	mun_canon_str(c, "user", o->user);
	mun_canon_end(c);
}

static void put_body(struct mun_canon *c, const char *key, const struct mun_body_ref *b)
{
	if (!b->present) {
		mun_canon_null(c, key);
		return;
	}
	mun_canon_object(c, key);
	mun_canon_int(c, "bytes", (int64_t)b->bytes);
	if (b->kept)
		put_hex(c, "commit", b->commit, sizeof(b->commit));
	else
		mun_canon_null(c, "commit");
	mun_canon_end(c);
}

static void put_labels(struct mun_canon *c, const char *key, const struct mun_entry *e)
{
	mun_canon_object(c, key);
	for (size_t i = 0; i < e->u.plan.labels_len; i++)
		mun_canon_str(c, e->u.plan.labels[i].key, e->u.plan.labels[i].value);
	mun_canon_end(c);
}

static void put_previous(struct mun_canon *c, const char *key, const struct mun_previous *p)
{
	if (p == NULL) {
		mun_canon_null(c, key);
		return;
	}
	mun_canon_object(c, key);
	mun_canon_int(c, "mark", (int64_t)p->mark);
	mun_canon_str(c, "origin", p->origin);
	mun_canon_str(c, "reason", p->reason);
	put_hex(c, "root", p->root, sizeof(p->root));
	mun_canon_int(c, "size", (int64_t)p->size);
	mun_canon_end(c);
}

static void put_seqs(struct mun_canon *c, const char *key, const uint64_t *seqs, size_t len)
{
	mun_canon_array(c, key);
	for (size_t i = 0; i < len; i++)
		mun_canon_int(c, NULL, (int64_t)seqs[i]);
	mun_canon_end(c);
}

static void put_tool(struct mun_canon *c, const char *key, const struct mun_entry *e)
{
	bool created = e->kind == MUN_K_CREATED;

	mun_canon_object(c, key);
	mun_canon_str(c, "sha256", created ? e->u.created.exe_sha256 : e->u.start.exe_sha256);
	mun_canon_str(c, "version", created ? e->u.created.version : e->u.start.version);
	mun_canon_end(c);
}

static void put_identity(struct mun_canon *c, const char *key, const struct mun_entry *e)
{
	if (e->u.start.identity_id == NULL) {
		mun_canon_null(c, key);
		return;
	}
	mun_canon_object(c, key);
	mun_canon_str(c, "id", e->u.start.identity_id);
	mun_canon_str(c, "role", e->u.start.identity_role);
	mun_canon_end(c);
}

/* The text is canonical already (checked before), so its inside goes in as it is. */
static void put_options(struct mun_canon *c, const char *key, const char *text)
{
	mun_canon_object(c, key);
	if (text != NULL && strlen(text) > 2)
		mun_buf_add(c->out, text + 1, strlen(text) - 2);
	mun_canon_end(c);
}

static void put_headers(struct mun_canon *c, const char *key, const struct mun_entry *e)
{
	mun_canon_object(c, key);
	for (unsigned h = 0; h < MUN_ENTRY_HEADERS; h++) {
		if (e->u.response.header[h] != NULL)
			mun_canon_str(c, mun_entry_headers[h], e->u.response.header[h]);
	}
	mun_canon_end(c);
}

static void put_tls(struct mun_canon *c, const char *key, const struct mun_entry *e)
{
	if (e->u.response.tls_version == NULL) {
		mun_canon_null(c, key);
		return;
	}
	mun_canon_object(c, key);
	mun_canon_str(c, "issuer", e->u.response.tls_issuer);
	mun_canon_str(c, "version", e->u.response.tls_version);
	mun_canon_end(c);
}

static void put_settles(struct mun_canon *c, const char *key, const struct mun_entry *e)
{
	if (e->u.response.settles_len == 0) {
		mun_canon_null(c, key);
		return;
	}
	mun_canon_array(c, key);
	for (size_t i = 0; i < e->u.response.settles_len; i++) {
		const struct mun_settle *s = &e->u.response.settles[i];

		mun_canon_object(c, NULL);
		mun_canon_str(c, "archived_at", s->archived_at[0] ? s->archived_at : NULL);
		put_ref(c, "batch", 'b', &s->batch);
		mun_canon_int(c, "item", s->item);
		put_seq(c, "request", s->request);
		mun_canon_str(c, "verdict", mun_verdict_name(s->verdict));
		mun_canon_end(c);
	}
	mun_canon_end(c);
}

static void put_ranges(struct mun_canon *c, const char *key, const struct mun_entry *e)
{
	mun_canon_array(c, key);
	for (size_t i = 0; i < e->u.ranges.ranges_len; i++) {
		mun_canon_array(c, NULL);
		mun_canon_int(c, NULL, e->u.ranges.ranges[i].first);
		mun_canon_int(c, NULL, e->u.ranges.ranges[i].last);
		mun_canon_end(c);
	}
	mun_canon_end(c);
}

static void put_counts(struct mun_canon *c, const char *key, const struct mun_counts *n)
{
	mun_canon_object(c, key);
	mun_canon_int(c, "already", (int64_t)n->already);
	mun_canon_int(c, "cancelled", (int64_t)n->cancelled);
	mun_canon_int(c, "done", (int64_t)n->done);
	mun_canon_int(c, "failed", (int64_t)n->failed);
	mun_canon_int(c, "in_doubt", (int64_t)n->in_doubt);
	mun_canon_int(c, "pending", (int64_t)n->pending);
	mun_canon_int(c, "skipped", (int64_t)n->skipped);
	mun_canon_int(c, "total", (int64_t)n->total);
	mun_canon_end(c);
}

static void put_id(struct mun_canon *c, const char *key, const struct mun_id *id)
{
	char text[MUN_ID_TEXT];

	mun_id_format(text, id);
	mun_canon_str(c, key, text);
}

/* Objects and arrays. */
static void put_nested(struct mun_canon *c, const struct mun_field *f, const struct mun_entry *e,
                       const void *at)
{
	switch (f->type) {
	case MUN_F_OPERATOR_NULL:
		if (!e->u.ranges.has_operator) {
			mun_canon_null(c, f->key);
			break;
		}
		put_operator(c, f->key, at);
		break;
	case MUN_F_OPERATOR:
		put_operator(c, f->key, at);
		break;
	case MUN_F_BODY:
		put_body(c, f->key, at);
		break;
	case MUN_F_LABELS:
		put_labels(c, f->key, e);
		break;
	case MUN_F_PREVIOUS:
		put_previous(c, f->key, e->u.created.previous);
		break;
	case MUN_F_SEQS:
		put_seqs(c, f->key, e->u.erased.seqs, e->u.erased.seqs_len);
		break;
	case MUN_F_DISCLOSED:
		put_seqs(c, f->key, e->u.erased.disclosed, e->u.erased.disclosed_len);
		break;
	case MUN_F_TOOL:
		put_tool(c, f->key, e);
		break;
	case MUN_F_IDENTITY:
		put_identity(c, f->key, e);
		break;
	case MUN_F_OPTIONS:
		put_options(c, f->key, e->u.start.options);
		break;
	case MUN_F_SENT_HEADERS:
		mun_canon_object(c, f->key);
		mun_canon_str(c, "authorization", e->u.request.token);
		mun_canon_end(c);
		break;
	case MUN_F_HEADERS:
		put_headers(c, f->key, e);
		break;
	case MUN_F_CURL:
		mun_canon_object(c, f->key);
		mun_canon_int(c, "code", e->u.response.curl_code);
		mun_canon_str(c, "name", e->u.response.curl_name);
		mun_canon_end(c);
		break;
	case MUN_F_TLS:
		put_tls(c, f->key, e);
		break;
	case MUN_F_SETTLES:
		put_settles(c, f->key, e);
		break;
	case MUN_F_RANGES:
		put_ranges(c, f->key, e);
		break;
	default:
		put_counts(c, f->key, at);
		break;
	}
}

/* Fields that are left out when the entry has no such thing. */
static void put_place(struct mun_canon *c, const struct mun_field *f, const struct mun_entry *e)
{
	if (f->type == MUN_F_BATCH && e->has_batch)
		put_ref(c, f->key, 'b', &e->batch);
	if (f->type == MUN_F_ITEM && e->item != MUN_NO_ITEM)
		mun_canon_int(c, f->key, e->item);
	if (f->type == MUN_F_ORG && e->has_org)
		put_id(c, f->key, &e->org);
	if (f->type == MUN_F_RUN && e->has_run)
		put_id(c, f->key, &e->run);
}

/* null where the plan has none */
static void put_plan_part(struct mun_canon *c, const struct mun_field *f, const struct mun_entry *e)
{
	if (f->type == MUN_F_ADOPTED && e->u.plan.has_adopted)
		put_ref(c, f->key, 'b', &e->u.plan.adopted);
	else if (f->type == MUN_F_OVERRIDES && e->u.plan.has_overrides)
		put_hex(c, f->key, e->u.plan.overrides_sha256, MUN_SHA256_LEN);
	else
		mun_canon_null(c, f->key);
}

static void put_u32(struct mun_canon *c, const struct mun_field *f, uint32_t v)
{
	if (f->type == MUN_F_U32_NULL && v == 0)
		mun_canon_null(c, f->key);
	else
		mun_canon_int(c, f->key, v);
}

static void put_field(struct mun_canon *c, const struct mun_field *f, const struct mun_entry *e)
{
	const void *at = (const char *)e + f->offset;

	switch (f->type) {
	case MUN_F_VERSION:
		mun_canon_int(c, f->key, 1);
		break;
	case MUN_F_KIND:
		mun_canon_str(c, f->key, mun_kind_name(e->kind));
		break;
	case MUN_F_BATCH:
	case MUN_F_ITEM:
	case MUN_F_ORG:
	case MUN_F_RUN:
		put_place(c, f, e);
		break;
	case MUN_F_BOOT:
		put_hex(c, f->key, e->boot, sizeof(e->boot));
		break;
	case MUN_F_STR:
		mun_canon_str(c, f->key, *(const char *const *)at);
		break;
	case MUN_F_U32:
	case MUN_F_U32_NULL:
		put_u32(c, f, *(const uint32_t *)at);
		break;
	case MUN_F_U64:
		mun_canon_int(c, f->key, (int64_t) * (const uint64_t *)at);
		break;
	case MUN_F_SEQ:
		put_seq(c, f->key, *(const uint64_t *)at);
		break;
	case MUN_F_BOOL:
		mun_canon_bool(c, f->key, *(const bool *)at);
		break;
	case MUN_F_TIME:
		put_time(c, f->key, *(const int64_t *)at);
		break;
	case MUN_F_SHA256:
		put_hex(c, f->key, at, MUN_SHA256_LEN);
		break;
	case MUN_F_OVERRIDES:
	case MUN_F_ADOPTED:
		put_plan_part(c, f, e);
		break;
	case MUN_F_PLAN:
		put_ref(c, f->key, 'p', at);
		break;
	case MUN_F_OP:
		mun_canon_str(c, f->key, mun_ops[e->u.plan.op].name);
		break;
	case MUN_F_PURPOSE:
		mun_canon_str(c, f->key, mun_purpose_name(e->u.request.purpose));
		break;
	case MUN_F_VERDICT:
		mun_canon_str(c, f->key, mun_verdict_name(*(const enum mun_verdict *)at));
		break;
	case MUN_F_RESOLVING:
		mun_canon_str(c, f->key, e->u.start.resolving ? "resolve" : "run");
		break;
	default:
		put_nested(c, f, e, at);
		break;
	}
}

static bool ascend(const uint64_t *seqs, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (seqs[i - 1] >= seqs[i])
			return false;
	return true;
}

/* What the canonical writer would only assert. */
static enum mun_code check(const struct mun_entry *e, struct mun_err *err)
{
	if (e->kind == MUN_K_PLAN_STORED) {
		for (size_t i = 1; i < e->u.plan.labels_len; i++) {
			if (strcmp(e->u.plan.labels[i - 1].key, e->u.plan.labels[i].key) >= 0)
				return mun_fail(err, MUN_E_INTERNAL, "labels are not sorted");
		}
	}
	if (e->kind == MUN_K_ERASED && !(ascend(e->u.erased.seqs, e->u.erased.seqs_len) &&
	                                 ascend(e->u.erased.disclosed, e->u.erased.disclosed_len)))
		return mun_fail(err, MUN_E_INTERNAL, "numbers of entries do not ascend");
	if (e->kind == MUN_K_BATCH_STARTED || e->kind == MUN_K_BATCH_RESUMED) {
		const char *text = e->u.start.options;

		if (text == NULL)
			return MUN_OK;
		if (text[0] != '{')
			return mun_fail(err, MUN_E_INTERNAL, "options are no JSON object");
		return mun_canon_check(text, strlen(text), err);
	}
	return MUN_OK;
}

enum mun_code mun_entry_encode(struct mun_buf *ret, const struct mun_entry *e, struct mun_err *err)
{
	struct mun_fields fields = mun_entry_fields(e->kind);
	size_t start = ret->len;
	struct mun_canon c;
	enum mun_code code = check(e, err);

	if (code != MUN_OK)
		return code;
	mun_canon_init(&c, ret);
	mun_canon_object(&c, NULL);
	for (size_t i = 0; i < fields.len; i++)
		put_field(&c, &fields.field[i], e);
	mun_canon_end(&c);
	code = mun_buf_check(ret, "an entry", err);
	if (code != MUN_OK)
		return code;
	if (ret->len - start > MUN_ENTRY_MAX) {
		size_t size = ret->len - start;

		ret->len = start;
		return mun_fail(err, MUN_E_FULL, "an entry of %zu bytes is over the limit of %d",
		                size, MUN_ENTRY_MAX);
	}
	return MUN_OK;
}
