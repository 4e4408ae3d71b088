/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/engine/record.h"

static const char *or_null(const char *s)
{
	return s[0] != '\0' ? s : NULL;
}

void mun_record_request(struct mun_entry *ret, const struct mun_request *r,
                        const struct mun_base_url *base, const char *token_fingerprint,
                        enum mun_purpose purpose)
{
	ret->u.request.purpose = purpose;
	ret->u.request.method = r->method;
	ret->u.request.host = base->host;
	ret->u.request.path = r->path;
	ret->u.request.token = token_fingerprint;
}

void mun_record_answer(struct mun_entry *ret, const struct mun_answer *a, enum mun_verdict v,
                       bool keep_body)
{
	ret->u.response.request = a->tag;
	ret->u.response.sent = a->sent;
	ret->u.response.curl_code = a->curl_code;
	ret->u.response.curl_name = a->curl_name;
	ret->u.response.http = a->http;
	for (unsigned h = 0; h < MUN_HEADERS; h++)
		ret->u.response.header[h] = or_null(a->header[h]);
	if (a->body != NULL && a->body_len > 0) {
		ret->u.response.body.present = true;
		ret->u.response.body.bytes = a->body_len;
		ret->u.response.body.data = keep_body && !a->body_cut ? a->body : NULL;
	}
	ret->u.response.duration_ms = a->duration_ms;
	ret->u.response.remote_ip = or_null(a->remote_ip);
	ret->u.response.tls_version = or_null(a->tls_version);
	ret->u.response.tls_issuer = or_null(a->tls_issuer);
	ret->u.response.verdict = v;
	ret->u.response.retry_at_us = MUN_TIME_NONE;
}
