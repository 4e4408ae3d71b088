/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/entry_quick.h"

#include <stdlib.h>
#include <string.h>

#include "journal/entry_impl.h"
#include "lib/hex.h"

#define NUMBER_MAX (UINT64_C(1) << 53) /* integers of RFC 8785 lie below */
#define DATE_LEN   (MUN_DATE_MAX - 1)

/* A copy of the line; strings end where their closing quotation marks stood. */
struct quick {
	char *p;
	const char *end;
};

static bool take(struct quick *q, const char *text, size_t len)
{
	if ((size_t)(q->end - q->p) < len || memcmp(q->p, text, len) != 0)
		return false;
	q->p += len;
	return true;
}

#define TAKE(q, literal) take(q, literal, sizeof(literal) - 1)

/* `"key":` */
static bool take_key(struct quick *q, const char *key)
{
	size_t len = strlen(key);
	const char *p = q->p;

	if ((size_t)(q->end - p) < len + 3 || p[0] != '"' || memcmp(p + 1, key, len) != 0 ||
	    p[len + 1] != '"' || p[len + 2] != ':')
		return false;
	q->p += len + 3;
	return true;
}

static bool take_number(struct quick *q, uint64_t *ret)
{
	const char *start = q->p;
	uint64_t n = 0;

	for (; q->p < q->end && *q->p >= '0' && *q->p <= '9' && n < NUMBER_MAX; q->p++)
		n = n * 10 + (uint64_t)(*q->p - '0');
	*ret = n;
	return q->p > start && n < NUMBER_MAX && (*start != '0' || q->p == start + 1);
}

static bool take_u32(struct quick *q, uint32_t *ret)
{
	uint64_t n;

	if (!take_number(q, &n) || n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* Plain text: what needs no escape and no look at its encoding. */
static bool take_string(struct quick *q, const char **ret, size_t *ret_len)
{
	char *p = q->p;

	if (p == q->end || *p != '"')
		return false;
	*ret = ++p;
	while (p < q->end && *p >= ' ' && *p < 0x7f && *p != '"' && *p != '\\')
		p++;
	if (p == q->end || *p != '"')
		return false;
	*p = '\0';
	*ret_len = (size_t)(p - *ret);
	q->p = p + 1;
	return true;
}

static bool take_string_or_null(struct quick *q, const char **ret)
{
	size_t len;

	if (!TAKE(q, "null"))
		return take_string(q, ret, &len);
	*ret = NULL;
	return true;
}

/* A string of prefix and 2 * len lower-case digits. */
static bool take_hex(struct quick *q, const char *prefix, uint8_t *ret, size_t len)
{
	size_t prefix_len = strlen(prefix);
	const char *p = q->p;

	if ((size_t)(q->end - p) < prefix_len + 2 * len + 2 || *p++ != '"' ||
	    memcmp(p, prefix, prefix_len) != 0)
		return false;
	p += prefix_len;
	if (p[2 * len] != '"' || !mun_hex_decode(ret, len, p, 2 * len))
		return false;
	q->p += prefix_len + 2 * len + 2;
	return true;
}

/* In the one form that is written: seconds below 60, six digits of fraction, Z. */
static bool take_time(struct quick *q, int64_t *ret)
{
	enum mun_date_zone zone;
	const char *text;
	size_t len;

	if (!take_string(q, &text, &len) || len != DATE_LEN || text[10] != 'T' || text[17] == '6' ||
	    text[19] != '.' || text[len - 1] != 'Z')
		return false;
	return mun_date_parse(ret, &zone, text, len);
}

static bool take_time_or_null(struct quick *q, int64_t *ret)
{
	if (!TAKE(q, "null"))
		return take_time(q, ret);
	*ret = MUN_TIME_NONE;
	return true;
}

static bool take_bool(struct quick *q, bool *ret)
{
	*ret = TAKE(q, "true");
	return *ret || TAKE(q, "false");
}

static bool take_verdict(struct quick *q, enum mun_verdict *ret)
{
	const char *text;
	size_t len;

	*ret = MUN_V_NONE;
	if (TAKE(q, "null"))
		return true;
	return take_string(q, &text, &len) && mun_verdict_parse(ret, text);
}

static bool take_purpose(struct quick *q, enum mun_purpose *ret)
{
	const char *text;
	size_t len;

	if (!take_string(q, &text, &len))
		return false;
	for (unsigned p = 0; p < MUN_PURPOSES; p++)
		if (strcmp(mun_purpose_name((enum mun_purpose)p), text) == 0) {
			*ret = (enum mun_purpose)p;
			return true;
		}
	return false;
}

static bool take_kind(struct quick *q, enum mun_kind kind)
{
	const char *text;
	size_t len;

	return take_string(q, &text, &len) && strcmp(mun_kind_name(kind), text) == 0;
}

static bool take_body(struct quick *q, struct mun_body_ref *ret)
{
	if (TAKE(q, "null"))
		return true;
	ret->present = true;
	if (!TAKE(q, "{\"bytes\":") || !take_number(q, &ret->bytes) || !TAKE(q, ",\"commit\":"))
		return false;
	ret->kept = !TAKE(q, "null");
	return (!ret->kept || take_hex(q, "", ret->commit, sizeof(ret->commit))) && TAKE(q, "}");
}

static bool take_headers(struct quick *q, struct mun_entry *e)
{
	bool first = true;
	size_t len;

	if (!TAKE(q, "{"))
		return false;
	for (unsigned h = 0; h < MUN_ENTRY_HEADERS; h++) {
		struct quick ahead = *q;

		if ((!first && !TAKE(&ahead, ",")) || !take_key(&ahead, mun_entry_headers[h]))
			continue;
		if (!take_string(&ahead, &e->u.response.header[h], &len))
			return false;
		first = false;
		*q = ahead;
	}
	return TAKE(q, "}");
}

static bool take_curl(struct quick *q, struct mun_entry *e)
{
	uint64_t code;

	if (!TAKE(q, "{\"code\":") || !take_number(q, &code) || code >= 10000)
		return false;
	e->u.response.curl_code = (int)code;
	return TAKE(q, ",\"name\":") && take_string_or_null(q, &e->u.response.curl_name) &&
	       TAKE(q, "}");
}

static bool take_tls(struct quick *q, struct mun_entry *e)
{
	size_t len;

	if (TAKE(q, "null"))
		return true;
	return TAKE(q, "{\"issuer\":") && take_string_or_null(q, &e->u.response.tls_issuer) &&
	       TAKE(q, ",\"version\":") && take_string(q, &e->u.response.tls_version, &len) &&
	       TAKE(q, "}");
}

static bool take_item(struct quick *q, struct mun_entry *e)
{
	uint32_t item;

	if (!take_u32(q, &item))
		return false;
	e->item = item;
	return true;
}

/* Objects, and what an entry may lack. */
static bool take_nested(struct quick *q, const struct mun_field *f, struct mun_entry *e, void *at)
{
	switch (f->type) {
	case MUN_F_BATCH:
		e->has_batch = take_hex(q, "b-", e->batch.bytes, sizeof(e->batch.bytes));
		return e->has_batch;
	case MUN_F_ORG:
		e->has_org = take_hex(q, "", e->org.bytes, sizeof(e->org.bytes));
		return e->has_org;
	case MUN_F_RUN:
		e->has_run = take_hex(q, "", e->run.bytes, sizeof(e->run.bytes));
		return e->has_run;
	case MUN_F_ITEM:
		return take_item(q, e);
	case MUN_F_SENT_HEADERS:
		return TAKE(q, "{\"authorization\":") &&
		       take_string_or_null(q, &e->u.request.token) && TAKE(q, "}");
	case MUN_F_BODY:
		return take_body(q, at);
	case MUN_F_HEADERS:
		return take_headers(q, e);
	case MUN_F_CURL:
		return take_curl(q, e);
	case MUN_F_TLS:
		return take_tls(q, e);
	default: /* also settlements: the others are rare */
		return f->type == MUN_F_SETTLES && TAKE(q, "null");
	}
}

static bool take_value(struct quick *q, const struct mun_field *f, struct mun_entry *e)
{
	void *at = (char *)e + f->offset;

	switch (f->type) {
	case MUN_F_VERSION:
		return TAKE(q, "1");
	case MUN_F_KIND:
		return take_kind(q, e->kind);
	case MUN_F_BOOT:
		return take_hex(q, "", e->boot, sizeof(e->boot));
	case MUN_F_STR:
		return take_string_or_null(q, at);
	case MUN_F_U32:
		return take_u32(q, at);
	case MUN_F_U32_NULL:
		return TAKE(q, "null") || (take_u32(q, at) && *(uint32_t *)at != 0);
	case MUN_F_U64:
		return take_number(q, at);
	case MUN_F_TIME:
		return f->offset == offsetof(struct mun_entry, time_us) ? take_time(q, at)
		                                                        : take_time_or_null(q, at);
	case MUN_F_BOOL:
		return take_bool(q, at);
	case MUN_F_PURPOSE:
		return take_purpose(q, at);
	case MUN_F_VERDICT:
		return take_verdict(q, at);
	default:
		return take_nested(q, f, e, at);
	}
}

static bool may_lack(enum mun_field_type type)
{
	return type == MUN_F_BATCH || type == MUN_F_ITEM || type == MUN_F_ORG || type == MUN_F_RUN;
}

static bool read_entry(struct quick *q, struct mun_entry *e)
{
	const struct mun_fields fields = mun_entry_fields(e->kind);

	for (size_t i = 0; i < fields.len; i++) {
		const struct mun_field *f = &fields.field[i];
		struct quick ahead = *q;

		if (!take(&ahead, i == 0 ? "{" : ",", 1) || !take_key(&ahead, f->key)) {
			if (!may_lack(f->type))
				return false;
			continue;
		}
		if (!take_value(&ahead, f, e))
			return false;
		*q = ahead;
	}
	return TAKE(q, "}") && q->p == q->end;
}

bool mun_entry_quick(struct mun_entry *ret, struct mun_decoded **ret_owner, const void *line,
                     size_t len)
{
	static const char request[] = "{\"attempt\":", response[] = "{\"archived_at\":";
	struct mun_entry e = { .item = MUN_NO_ITEM };

	if (len > MUN_ENTRY_MAX)
		return false;
	if (len > sizeof(request) && memcmp(line, request, sizeof(request) - 1) == 0)
		e.kind = MUN_K_REQUEST;
	else if (len > sizeof(response) && memcmp(line, response, sizeof(response) - 1) == 0)
		e.kind = MUN_K_RESPONSE;
	else
		return false;
	MUN_CLEANUP(mun_decoded_freep)
	struct mun_decoded *d = malloc(sizeof(*d) + len + 1); /* the copy lies behind it */
	if (d == NULL)
		return false;
	memset(d, 0, sizeof(*d));
	struct quick q = { .p = (char *)(d + 1) };
	memcpy(q.p, line, len);
	q.p[len] = '\0';
	q.end = q.p + len;
	if (!read_entry(&q, &e))
		return false;
	*ret = e;
	*ret_owner = MUN_STEAL(d);
	return true;
}
