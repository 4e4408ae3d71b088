/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/remote/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/remote/http_impl.h"

/* ---- the wire ---- */

static CURLcode set_request(struct mun_http *h, struct mun_exchange *x, const struct mun_request *r)
{
	char url[MUN_BASE_URL_MAX + MUN_PATH_MAX + 16];
	enum mun_method_list list = MUN_LIST_GET;
	CURLcode rc;

	if (r->mutating)
		list = strcmp(r->method, "PUT") == 0 ? MUN_LIST_PUT : MUN_LIST_DELETE;
	(void)snprintf(url, sizeof(url), "%s://%s%s", h->site.tls ? "https" : "http", h->base.host,
	               r->path);
	rc = curl_easy_setopt(x->easy, CURLOPT_URL, url);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST,
		                      list == MUN_LIST_GET ? NULL : r->method);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, h->headers[list]);
	return rc;
}

static enum mun_code http_start(struct mun_wire *w, uint64_t tag, const struct mun_request *r,
                                size_t body_max, struct mun_err *err)
{
	struct mun_http *h = w->data;
	struct mun_exchange *x;

	if (!mun_request_allowed(r, &h->base))
		return mun_fail(err, MUN_E_INTERNAL, "refused to send a request of unknown form");
	x = mun_exchange_new(&h->site);
	if (!x)
		return mun_fail(err, MUN_E_NOMEM, "no memory for an exchange");
	mun_exchange_reset(x, tag, body_max);
	if (set_request(h, x, r) != CURLE_OK) {
		mun_exchange_free(x);
		return mun_fail(err, MUN_E_NOMEM, "no memory for a request");
	}
	return mun_lane_add(&h->lane, x, err);
}

static enum mun_code http_wait(struct mun_wire *w, uint32_t timeout_ms, struct mun_answer *ret,
                               size_t max, size_t *ret_len, struct mun_err *err)
{
	struct mun_http *h = w->data;

	return mun_lane_wait(&h->lane, timeout_ms, ret, max, ret_len, err);
}

static void http_abort(struct mun_wire *w)
{
	struct mun_http *h = w->data;

	mun_lane_abort(&h->lane);
}

/* ---- opening and closing ---- */

void mun_http_closep(struct mun_http **h)
{
	struct mun_http *http = *h;

	*h = NULL;
	if (!http)
		return;
	mun_lane_close(&http->lane);
	for (size_t i = 0; i < MUN_LISTS; i++)
		mun_http_wipe_headers(http->headers[i]);
	mun_site_done(&http->site);
	free(http);
}

/* What each exchange is set up with, and that libcurl takes it. */
static enum mun_code copy_settings(struct mun_http *h, const struct mun_http_options *o,
                                   struct mun_err *err)
{
	struct mun_site *s = &h->site;
	struct mun_exchange *trial;
	const char *proxy;
	enum mun_code rc;

	s->tls = strncmp(o->base->text, "https:", 6) == 0;
	s->token = o->token;
	s->share = h->lane.share;
	s->timeout_ms = o->timeout_ms;
	memcpy(s->host, o->base->host, sizeof(s->host));
	rc = mun_http_choose_proxy(&proxy, s->tls, s->host, err);
	if (rc != MUN_OK)
		return rc;
	s->cacert = o->cacert ? strdup(o->cacert) : NULL;
	s->user_agent = strdup(o->user_agent);
	s->proxy = strdup(proxy);
	if (!s->user_agent || !s->proxy || (o->cacert && !s->cacert))
		return mun_fail(err, MUN_E_NOMEM, "no memory for the wire");
	trial = mun_exchange_new(s);
	if (!trial)
		return mun_fail(err, MUN_E_REMOTE, "libcurl cannot be set up");
	mun_exchange_free(trial);
	return MUN_OK;
}

enum mun_code mun_http_open(struct mun_http **ret, const struct mun_http_options *o,
                            struct mun_err *err)
{
	struct mun_http *h MUN_CLEANUP(mun_http_closep) = NULL;
	enum mun_code rc = mun_http_check_options(o, err);

	if (rc != MUN_OK)
		return rc;
	h = calloc(1, sizeof(*h));
	if (!h)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the wire");
	h->base = *o->base;
	h->wire = (struct mun_wire){ http_start, http_wait, http_abort, h };
	rc = mun_lane_open(&h->lane, o->concurrency + 4, err);
	if (rc == MUN_OK)
		rc = mun_http_make_headers(h, o->token, err);
	if (rc == MUN_OK)
		rc = copy_settings(h, o, err);
	if (rc == MUN_OK)
		*ret = MUN_STEAL(h);
	return rc;
}

struct mun_wire *mun_http_wire(struct mun_http *h)
{
	return &h->wire;
}
