/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading is lenient field by field: what is missing, surplus or ill-typed reads as nothing, and
 * the comparison with the entry encoded again refuses it.
 */
#include <stdlib.h>
#include <string.h>

#include "journal/entry_impl.h"
#include "journal/entry_quick.h"
#include "lib/canon.h"
#include "lib/hex.h"

typedef const struct mun_json_val *value;

uint64_t mun_entry_get_u64(value v)
{
	int64_t n = 0;

	return mun_json_int(v, &n) && n >= 0 ? (uint64_t)n : 0;
}

uint32_t mun_entry_get_u32(value v)
{
	uint64_t n = mun_entry_get_u64(v);

	return n <= UINT32_MAX ? (uint32_t)n : 0;
}

uint64_t mun_entry_get_seq(value v)
{
	return mun_json_kind(v) == MUN_JSON_NUMBER ? mun_entry_get_u64(v) : MUN_NO_SEQ;
}

static void get_hex(uint8_t *ret, size_t len, value v)
{
	const char *text = mun_json_str(v);

	if (text != NULL)
		(void)mun_hex_decode(ret, len, text, strlen(text));
}

void mun_entry_get_ref(struct mun_ref *ret, char prefix, value v)
{
	const char *text = mun_json_str(v);

	if (text != NULL)
		(void)mun_ref_parse(ret, prefix, text);
}

static bool get_id(struct mun_id *ret, value v)
{
	const char *text = mun_json_str(v);

	return text != NULL && mun_id_parse(ret, text, strlen(text)) == MUN_ID_OK;
}

static int64_t get_time(value v)
{
	const char *text = mun_json_str(v);
	enum mun_date_zone zone;
	int64_t us;

	if (text == NULL || !mun_date_parse(&us, &zone, text, strlen(text)) ||
	    zone != MUN_ZONE_GIVEN)
		return MUN_TIME_NONE;
	return us;
}

enum mun_verdict mun_entry_get_verdict(value v)
{
	const char *text = mun_json_str(v);
	enum mun_verdict verdict = MUN_V_NONE;

	if (text != NULL && !mun_verdict_parse(&verdict, text))
		return MUN_V_NONE;
	return verdict;
}

static void get_operator(struct mun_operator *ret, value v)
{
	ret->claimed = mun_json_str(mun_json_get(v, "claimed"));
	ret->host = mun_json_str(mun_json_get(v, "host"));
	ret->sudo_user = mun_json_str(mun_json_get(v, "sudo_user"));
	ret->tty = mun_json_str(mun_json_get(v, "tty"));
	ret->uid = mun_entry_get_u32(mun_json_get(v, "uid"));
	ret->user = mun_json_str(mun_json_get(v, "user"));
}

static void get_body(struct mun_body_ref *ret, value v)
{
	value commit = mun_json_get(v, "commit");

	ret->present = mun_json_kind(v) == MUN_JSON_OBJECT;
	ret->bytes = mun_entry_get_u64(mun_json_get(v, "bytes"));
	ret->kept = mun_json_kind(commit) == MUN_JSON_STRING;
	get_hex(ret->commit, sizeof(ret->commit), commit);
}

static void get_counts(struct mun_counts *n, value v)
{
	n->already = mun_entry_get_u64(mun_json_get(v, "already"));
	n->cancelled = mun_entry_get_u64(mun_json_get(v, "cancelled"));
	n->done = mun_entry_get_u64(mun_json_get(v, "done"));
	n->failed = mun_entry_get_u64(mun_json_get(v, "failed"));
	n->in_doubt = mun_entry_get_u64(mun_json_get(v, "in_doubt"));
	n->pending = mun_entry_get_u64(mun_json_get(v, "pending"));
	n->skipped = mun_entry_get_u64(mun_json_get(v, "skipped"));
	n->total = mun_entry_get_u64(mun_json_get(v, "total"));
}

static void get_previous(struct mun_entry *e, struct mun_decoded *d, value v)
{
	if (mun_json_kind(v) != MUN_JSON_OBJECT)
		return;
	d->previous.mark = mun_entry_get_u64(mun_json_get(v, "mark"));
	d->previous.origin = mun_json_str(mun_json_get(v, "origin"));
	d->previous.reason = mun_json_str(mun_json_get(v, "reason"));
	get_hex(d->previous.root, sizeof(d->previous.root), mun_json_get(v, "root"));
	d->previous.size = mun_entry_get_u64(mun_json_get(v, "size"));
	e->u.created.previous = &d->previous;
}

static void get_tool(struct mun_entry *e, value v)
{
	const char *sha256 = mun_json_str(mun_json_get(v, "sha256"));
	const char *version = mun_json_str(mun_json_get(v, "version"));

	if (e->kind == MUN_K_CREATED) {
		e->u.created.exe_sha256 = sha256;
		e->u.created.version = version;
	} else {
		e->u.start.exe_sha256 = sha256;
		e->u.start.version = version;
	}
}

static void get_headers(struct mun_entry *e, value v)
{
	for (unsigned h = 0; h < MUN_ENTRY_HEADERS; h++)
		e->u.response.header[h] = mun_json_str(mun_json_get(v, mun_entry_headers[h]));
}

static void get_op(enum mun_op_kind *ret, value v)
{
	const char *text = mun_json_str(v);
	const struct mun_op *op = text != NULL ? mun_op_find(text) : NULL;

	if (op != NULL)
		*ret = (enum mun_op_kind)(op - mun_ops);
}

static void get_purpose(enum mun_purpose *ret, value v)
{
	const char *text = mun_json_str(v);

	for (unsigned p = 0; text != NULL && p < MUN_PURPOSES; p++) {
		if (strcmp(mun_purpose_name((enum mun_purpose)p), text) == 0)
			*ret = (enum mun_purpose)p;
	}
}

static void get_start_parts(const struct mun_field *f, struct mun_entry *e, value v)
{
	const char *text;

	if (f->type == MUN_F_RESOLVING) {
		text = mun_json_str(v);
		e->u.start.resolving = text != NULL && strcmp(text, "resolve") == 0;
	} else if (f->type == MUN_F_IDENTITY) {
		e->u.start.identity_id = mun_json_str(mun_json_get(v, "id"));
		e->u.start.identity_role = mun_json_str(mun_json_get(v, "role"));
	} else {
		get_tool(e, v);
	}
}

static void get_curl(struct mun_entry *e, value v)
{
	int64_t n = 0;

	(void)mun_json_int(mun_json_get(v, "code"), &n);
	e->u.response.curl_code = n >= -1 && n < 10000 ? (int)n : 0;
	e->u.response.curl_name = mun_json_str(mun_json_get(v, "name"));
}

/* Objects. */
static void get_nested(const struct mun_field *f, struct mun_entry *e, value v, void *at)
{
	switch (f->type) {
	case MUN_F_OPERATOR_NULL:
		e->u.ranges.has_operator = mun_json_kind(v) == MUN_JSON_OBJECT;
		get_operator(at, v);
		break;
	case MUN_F_OPERATOR:
		get_operator(at, v);
		break;
	case MUN_F_BODY:
		get_body(at, v);
		break;
	case MUN_F_RESOLVING:
	case MUN_F_IDENTITY:
	case MUN_F_TOOL:
		get_start_parts(f, e, v);
		break;
	case MUN_F_SENT_HEADERS:
		e->u.request.token = mun_json_str(mun_json_get(v, "authorization"));
		break;
	case MUN_F_HEADERS:
		get_headers(e, v);
		break;
	case MUN_F_CURL:
		get_curl(e, v);
		break;
	case MUN_F_TLS:
		e->u.response.tls_issuer = mun_json_str(mun_json_get(v, "issuer"));
		e->u.response.tls_version = mun_json_str(mun_json_get(v, "version"));
		break;
	case MUN_F_COUNTS:
		get_counts(at, v);
		break;
	default:
		break;
	}
}

static void get_place(const struct mun_field *f, struct mun_entry *e, value v)
{
	if (f->type == MUN_F_BATCH) {
		e->has_batch = mun_json_kind(v) == MUN_JSON_STRING;
		mun_entry_get_ref(&e->batch, 'b', v);
	} else if (f->type == MUN_F_ORG) {
		e->has_org = get_id(&e->org, v);
	} else if (f->type == MUN_F_RUN) {
		e->has_run = get_id(&e->run, v);
	} else {
		int64_t n = MUN_NO_ITEM;

		(void)mun_json_int(v, &n);
		e->item = n >= 0 && n <= UINT32_MAX ? n : MUN_NO_ITEM;
	}
}

static void get_field(const struct mun_field *f, struct mun_entry *e, value v)
{
	void *at = (char *)e + f->offset;

	switch (f->type) {
	case MUN_F_BATCH:
	case MUN_F_ITEM:
	case MUN_F_ORG:
	case MUN_F_RUN:
		get_place(f, e, v);
		break;
	case MUN_F_BOOT:
		get_hex(e->boot, sizeof(e->boot), v);
		break;
	case MUN_F_STR:
		*(const char **)at = mun_json_str(v);
		break;
	case MUN_F_U32:
	case MUN_F_U32_NULL:
		*(uint32_t *)at = mun_entry_get_u32(v);
		break;
	case MUN_F_U64:
		*(uint64_t *)at = mun_entry_get_u64(v);
		break;
	case MUN_F_SEQ:
		*(uint64_t *)at = mun_entry_get_seq(v);
		break;
	case MUN_F_BOOL:
		(void)mun_json_bool(v, at);
		break;
	case MUN_F_TIME:
		*(int64_t *)at = get_time(v);
		break;
	case MUN_F_SHA256:
		get_hex(at, MUN_SHA256_LEN, v);
		break;
	case MUN_F_OVERRIDES:
		e->u.plan.has_overrides = mun_json_kind(v) == MUN_JSON_STRING;
		get_hex(e->u.plan.overrides_sha256, MUN_SHA256_LEN, v);
		break;
	case MUN_F_ADOPTED:
		e->u.plan.has_adopted = mun_json_kind(v) == MUN_JSON_STRING;
		mun_entry_get_ref(&e->u.plan.adopted, 'b', v);
		break;
	case MUN_F_PLAN:
		mun_entry_get_ref(at, 'p', v);
		break;
	case MUN_F_OP:
		get_op(at, v);
		break;
	case MUN_F_PURPOSE:
		get_purpose(at, v);
		break;
	case MUN_F_VERDICT:
		*(enum mun_verdict *)at = mun_entry_get_verdict(v);
		break;
	default:
		get_nested(f, e, v, at);
		break;
	}
}

void mun_decoded_freep(struct mun_decoded **d)
{
	if (*d == NULL)
		return;
	mun_json_freep(&(*d)->doc);
	free((*d)->array[0]);
	free((*d)->array[1]);
	free((*d)->options);
	free(*d);
	*d = NULL;
}

static bool read_all(struct mun_entry *e, struct mun_decoded *d, const char *line, size_t len)
{
	value root = mun_json_root(d->doc);
	const char *name = mun_json_str(mun_json_get(root, "kind"));
	struct mun_fields fields;
	bool ok = true;

	memset(e, 0, sizeof(*e));
	e->item = MUN_NO_ITEM;
	if (name == NULL || !mun_kind_parse(&e->kind, name))
		return false;
	fields = mun_entry_fields(e->kind);
	for (size_t i = 0; ok && i < fields.len; i++) {
		const struct mun_field *f = &fields.field[i];
		value v = mun_json_get(root, f->key);

		if (mun_entry_is_array(f->type))
			ok = mun_entry_get_array(e, d, f->type, v, line, len);
		else if (f->type == MUN_F_PREVIOUS)
			get_previous(e, d, v);
		else
			get_field(f, e, v);
	}
	return ok;
}

/* Fields are read leniently; only equal bytes prove that nothing was overlooked. */
static enum mun_code check_bytes(const struct mun_entry *e, const void *line, size_t len,
                                 struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf again;
	enum mun_code code;

	mun_buf_init(&again, MUN_ENTRY_MAX + 4096);
	code = mun_entry_encode(&again, e, err);
	if (code == MUN_E_NOMEM)
		return code;
	if (code == MUN_OK && again.len == len && memcmp(again.data, line, len) == 0)
		return MUN_OK;
	return mun_fail(err, MUN_E_CORRUPT, "entry: missing, surplus or ill-typed field of %s",
	                mun_kind_name(e->kind));
}

enum mun_code mun_entry_decode(struct mun_entry *ret, struct mun_decoded **ret_owner,
                               const void *line, size_t len, struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *d = NULL;
	struct mun_entry e;
	enum mun_code code;

	if (mun_entry_quick(ret, ret_owner, line, len))
		return MUN_OK;
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return mun_fail(err, MUN_E_NOMEM, "no memory for an entry");
	if (len > MUN_ENTRY_MAX)
		return mun_fail(err, MUN_E_CORRUPT, "an entry of %zu bytes is over the limit", len);
	code = mun_json_parse(&d->doc, line, len, err);
	if (code == MUN_OK)
		code = mun_canon_check(line, len, err);
	if (code != MUN_OK)
		return mun_wrap(err, code == MUN_E_NOMEM ? code : MUN_E_CORRUPT, "entry");
	if (!read_all(&e, d, line, len))
		return d->no_memory ? mun_fail(err, MUN_E_NOMEM, "no memory for an entry")
		                    : mun_fail(err, MUN_E_CORRUPT,
		                               "entry: unknown kind or ill-typed field");
	code = check_bytes(&e, line, len, err);
	if (code != MUN_OK)
		return code;
	*ret = e;
	*ret_owner = MUN_STEAL(d);
	return MUN_OK;
}
