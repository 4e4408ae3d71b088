/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/remote/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/remote/http_impl.h"

#define CONNECTIONS 16

struct mun_poster {
	struct mun_lane lane;
	char *cacert, *user_agent;
};

static const struct mun_secret no_token;

void mun_poster_closep(struct mun_poster **p)
{
	struct mun_poster *poster = *p;

	*p = NULL;
	if (!poster)
		return;
	mun_lane_close(&poster->lane);
	free(poster->cacert);
	free(poster->user_agent);
	free(poster);
}

enum mun_code mun_poster_open(struct mun_poster **ret, const struct mun_poster_options *o,
                              struct mun_err *err)
{
	struct mun_poster *p MUN_CLEANUP(mun_poster_closep) = NULL;
	enum mun_code code = mun_http_check_cacert(o->cacert, err);

	if (code != MUN_OK)
		return code;
	p = calloc(1, sizeof(*p));
	if (p && o->cacert)
		p->cacert = strdup(o->cacert);
	if (p)
		p->user_agent = strdup(o->user_agent);
	if (!p || !p->user_agent || (o->cacert && !p->cacert))
		return mun_fail(err, MUN_E_NOMEM, "no memory for the wire");
	code = mun_lane_open(&p->lane, CONNECTIONS, err);
	if (code == MUN_OK)
		*ret = MUN_STEAL(p);
	return code;
}

/* ---- addresses ---- */

static bool read_url(struct mun_site *ret, CURLU *url)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *fragment = NULL;
	bool ok = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	          curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK && host[0] != '\0' &&
	          curl_url_get(url, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_NO_FRAGMENT;
	int len = -1;

	if (curl_url_get(url, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT) != CURLUE_OK)
		port = NULL;
	if (ok)
		len = snprintf(ret->host, sizeof(ret->host), "%s%s%s", host, port ? ":" : "",
		               port ? port : "");
	ok = ok && len > 0 && (size_t)len < sizeof(ret->host) &&
	     (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0);
	ret->tls = ok && strcmp(scheme, "https") == 0;
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(fragment);
	return ok;
}

static enum mun_code parse_url(struct mun_site *ret, const char *text, const char *what,
                               struct mun_err *err)
{
	size_t len = strlen(text);
	const char *host = strstr(text, "://");
	CURLU *url = len <= MUN_POST_URL_MAX ? curl_url() : NULL;
	bool ok = url && host && host[3] != '/'; /* libcurl skips a third slash */

	for (size_t i = 0; i < len; i++)
		ok = ok && text[i] > ' ' && text[i] <= '~';
	ok = ok && curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK &&
	     read_url(ret, url);
	curl_url_cleanup(url);
	if (!ok)
		return mun_fail(err, MUN_E_USAGE,
		                "%s: an http or https URL is wanted, without user info and "
		                "fragment, at most %d characters",
		                what, MUN_POST_URL_MAX);
	return MUN_OK;
}

enum mun_code mun_post_url_check(const char *url, const char *what, struct mun_err *err)
{
	struct mun_site ignored = { 0 };

	return parse_url(&ignored, url, what, err);
}

/* ---- exchanges ---- */

static void exchange_freep(struct mun_exchange **x)
{
	mun_exchange_free(*x);
}

static void site_freep(struct mun_site **s)
{
	if (*s)
		mun_site_done(*s);
	free(*s);
}

static enum mun_code make_site(struct mun_site **ret, const struct mun_poster *p,
                               const struct mun_post *what, struct mun_err *err)
{
	struct mun_site *s MUN_CLEANUP(site_freep) = calloc(1, sizeof(*s));
	const char *proxy;
	enum mun_code code;

	if (!s)
		return mun_fail(err, MUN_E_NOMEM, "no memory for a request");
	code = parse_url(s, what->url, "the address", err);
	if (code == MUN_OK)
		code = mun_http_choose_proxy(&proxy, s->tls, s->host, err);
	if (code != MUN_OK)
		return code;
	s->token = &no_token;
	s->share = p->lane.share;
	s->timeout_ms = what->timeout_ms;
	s->proxy = strdup(proxy);
	s->user_agent = strdup(p->user_agent);
	s->cacert = p->cacert ? strdup(p->cacert) : NULL;
	if (!s->proxy || !s->user_agent || (p->cacert && !s->cacert))
		return mun_fail(err, MUN_E_NOMEM, "no memory for a request");
	*ret = MUN_STEAL(s);
	return MUN_OK;
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
	char line[200];
	int len =
		snprintf(line, sizeof(line), "%s:%s%s", name, value ? " " : "", value ? value : "");
	struct curl_slist *longer =
		len > 0 && (size_t)len < sizeof(line) ? curl_slist_append(*list, line) : NULL;

	if (longer)
		*list = longer;
	return longer != NULL;
}

static bool set_post(struct mun_exchange *x, const struct mun_post *what)
{
	bool ok = curl_easy_setopt(x->easy, CURLOPT_URL, what->url) == CURLE_OK &&
	          curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE,
	                           (curl_off_t)what->body_len) == CURLE_OK &&
	          curl_easy_setopt(x->easy, CURLOPT_COPYPOSTFIELDS, what->body) == CURLE_OK;

#if LIBCURL_VERSION_NUM >= 0x075700
	/* A resolver that hangs is left alone: to give an exchange up must not wait for it. */
	ok = ok && curl_easy_setopt(x->easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
#endif
	ok = ok && add_header(&x->own_list, "Content-Type", what->content_type);
	/* A name without a value takes libcurl's own header away. */
	ok = ok && add_header(&x->own_list, "Accept", what->accept);
	ok = ok && add_header(&x->own_list, "Expect", NULL);
	return ok && curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->own_list) == CURLE_OK;
}

enum mun_code mun_poster_start(struct mun_poster *p, const struct mun_post *what,
                               struct mun_err *err)
{
	struct mun_site *site MUN_CLEANUP(site_freep) = NULL;
	struct mun_exchange *x MUN_CLEANUP(exchange_freep) = NULL;
	enum mun_code code = make_site(&site, p, what, err);

	if (code != MUN_OK)
		return code;
	x = mun_exchange_new(site);
	if (!x)
		return mun_fail(err, MUN_E_NOMEM, "no memory for an exchange");
	x->own_site = MUN_STEAL(site);
	mun_exchange_reset(x, what->tag, MUN_POST_ANSWER_MAX);
	if (!set_post(x, what))
		return mun_fail(err, MUN_E_NOMEM, "no memory for a request");
	return mun_lane_add(&p->lane, MUN_STEAL(x), err);
}

enum mun_code mun_poster_wait(struct mun_poster *p, uint32_t timeout_ms, struct mun_answer *ret,
                              size_t max, size_t *ret_len, struct mun_err *err)
{
	return mun_lane_wait(&p->lane, timeout_ms, ret, max, ret_len, err);
}

size_t mun_poster_flying(const struct mun_poster *p)
{
	size_t n = 0;

	for (const struct mun_exchange *x = p->lane.running; x; x = x->next)
		n++;
	for (const struct mun_exchange *x = p->lane.ended; x; x = x->next)
		n++;
	return n;
}
