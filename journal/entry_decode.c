/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading is lenient field by field: what is missing, surplus or ill-typed reads as nothing, and
 * the comparison with the entry encoded again refuses it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/entry.h"
#include "journal/entry_fields.h"
#include "lib/canon.h"
#include "lib/hex.h"
#include "lib/json.h"

struct mun_decoded {
	struct mun_json *doc;
	void *array;   /* labels, settles or ranges */
	char *options; /* text of the object */
	bool no_memory;
};

typedef const struct mun_json_val *value;

static uint64_t get_u64(value v)
{
	int64_t n = 0;

	return mun_json_int(v, &n) && n >= 0 ? (uint64_t)n : 0;
}

static uint32_t get_u32(value v)
{
	uint64_t n = get_u64(v);

	return n <= UINT32_MAX ? (uint32_t)n : 0;
}

static uint64_t get_seq(value v)
{
	return mun_json_kind(v) == MUN_JSON_NUMBER ? get_u64(v) : MUN_NO_SEQ;
}

static void get_hex(uint8_t *ret, size_t len, value v)
{
	const char *text = mun_json_str(v);

	if (text != NULL)
		(void)mun_hex_decode(ret, len, text, strlen(text));
}

static void get_ref(struct mun_ref *ret, char prefix, value v)
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

static enum mun_verdict get_verdict(value v)
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
	ret->uid = get_u32(mun_json_get(v, "uid"));
	ret->user = mun_json_str(mun_json_get(v, "user"));
}

static void get_body(struct mun_body_ref *ret, value v)
{
	value commit = mun_json_get(v, "commit");

	ret->present = mun_json_kind(v) == MUN_JSON_OBJECT;
	ret->bytes = get_u64(mun_json_get(v, "bytes"));
	ret->kept = mun_json_kind(commit) == MUN_JSON_STRING;
	get_hex(ret->commit, sizeof(ret->commit), commit);
}

static void *new_array(struct mun_decoded *d, size_t len, size_t size)
{
	d->array = calloc(len + 1, size);
	d->no_memory = d->array == NULL;
	return d->array;
}

static bool get_labels(struct mun_entry *e, struct mun_decoded *d, value v)
{
	struct mun_label *labels = new_array(d, mun_json_count(v), sizeof(*labels));
	size_t n = 0;

	if (labels == NULL)
		return false;
	for (value m = mun_json_first(v); m != NULL; m = mun_json_next(m)) {
		labels[n].key = mun_json_key(m);
		labels[n].value = mun_json_str(m);
		if (labels[n].key != NULL)
			n++;
	}
	e->u.plan.labels = labels;
	e->u.plan.labels_len = n;
	return true;
}

static bool get_settles(struct mun_entry *e, struct mun_decoded *d, value v)
{
	struct mun_settle *settles;
	size_t n = 0;

	if (mun_json_kind(v) != MUN_JSON_ARRAY)
		return true;
	settles = new_array(d, mun_json_count(v), sizeof(*settles));
	if (settles == NULL)
		return false;
	for (value m = mun_json_first(v); m != NULL; m = mun_json_next(m)) {
		struct mun_settle *s = &settles[n++];
		const char *at = mun_json_str(mun_json_get(m, "archived_at"));

		get_ref(&s->batch, 'b', mun_json_get(m, "batch"));
		s->item = get_u32(mun_json_get(m, "item"));
		s->request = get_seq(mun_json_get(m, "request"));
		s->verdict = get_verdict(mun_json_get(m, "verdict"));
		if (at != NULL)
			(void)snprintf(s->archived_at, sizeof(s->archived_at), "%s", at);
	}
	e->u.response.settles = settles;
	e->u.response.settles_len = n;
	return n <= MUN_SETTLES_MAX;
}

static bool get_ranges(struct mun_entry *e, struct mun_decoded *d, value v)
{
	struct mun_range *ranges = new_array(d, mun_json_count(v), sizeof(*ranges));
	size_t n = 0;

	if (ranges == NULL)
		return false;
	for (value m = mun_json_first(v); m != NULL; m = mun_json_next(m)) {
		value first = mun_json_first(m);

		ranges[n].first = get_u32(first);
		ranges[n].last = get_u32(first != NULL ? mun_json_next(first) : NULL);
		n++;
	}
	e->u.ranges.ranges = ranges;
	e->u.ranges.ranges_len = n;
	return true;
}

static void get_counts(struct mun_counts *n, value v)
{
	n->already = get_u64(mun_json_get(v, "already"));
	n->cancelled = get_u64(mun_json_get(v, "cancelled"));
	n->done = get_u64(mun_json_get(v, "done"));
	n->failed = get_u64(mun_json_get(v, "failed"));
	n->in_doubt = get_u64(mun_json_get(v, "in_doubt"));
	n->pending = get_u64(mun_json_get(v, "pending"));
	n->skipped = get_u64(mun_json_get(v, "skipped"));
	n->total = get_u64(mun_json_get(v, "total"));
}

/*
 * The options as they stand in the line. A quotation mark inside a string is escaped, so the
 * first match is the member itself.
 */
static bool get_options(struct mun_entry *e, struct mun_decoded *d, value v, const char *line,
                        size_t len)
{
	static const char mark[] = ",\"options\":{";
	const char *at = memmem(line, len, mark, sizeof(mark) - 1);
	const char *end = line + len;
	bool quoted = false;
	int depth = 0;
	int64_t attempts = 5;
	const char *p;

	if (at == NULL)
		return true;
	at += sizeof(mark) - 2;
	for (p = at; p < end; p++) {
		if (quoted && *p == '\\')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && (*p == '{' || *p == '}') && (depth += *p == '{' ? 1 : -1) == 0)
			break;
	}
	if (p >= end)
		return true;
	d->options = strndup(at, (size_t)(p + 1 - at));
	d->no_memory = d->options == NULL;
	e->u.start.options = d->options;
	(void)mun_json_int(mun_json_get(v, "attempts"), &attempts);
	e->u.start.attempts = attempts > 0 && attempts <= UINT32_MAX ? (uint32_t)attempts : 5;
	return d->options != NULL;
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
		get_ref(&e->batch, 'b', v);
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
		*(uint32_t *)at = get_u32(v);
		break;
	case MUN_F_U64:
		*(uint64_t *)at = get_u64(v);
		break;
	case MUN_F_SEQ:
		*(uint64_t *)at = get_seq(v);
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
	case MUN_F_PLAN:
		get_ref(at, 'p', v);
		break;
	case MUN_F_OP:
		get_op(at, v);
		break;
	case MUN_F_PURPOSE:
		get_purpose(at, v);
		break;
	case MUN_F_VERDICT:
		*(enum mun_verdict *)at = get_verdict(v);
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
	free((*d)->array);
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

		if (f->type == MUN_F_LABELS)
			ok = get_labels(e, d, v);
		else if (f->type == MUN_F_SETTLES)
			ok = get_settles(e, d, v);
		else if (f->type == MUN_F_RANGES)
			ok = get_ranges(e, d, v);
		else if (f->type == MUN_F_OPTIONS)
			ok = get_options(e, d, v, line, len);
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
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *d = calloc(1, sizeof(*d));
	struct mun_entry e;
	enum mun_code code;

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
