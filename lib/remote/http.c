/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/remote/http.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/remote/http_impl.h"

/* ---- exchanges on the wire ---- */

static void run_list_add(struct mun_http *h, struct mun_exchange *x)
{
	x->prev = NULL;
	x->next = h->running;
	if (h->running)
		h->running->prev = x;
	h->running = x;
}

static void run_list_remove(struct mun_http *h, struct mun_exchange *x)
{
	if (x->next)
		x->next->prev = x->prev;
	if (x->prev)
		x->prev->next = x->next;
	else
		h->running = x->next;
}

/* ---- the wire ---- */

static enum mun_code http_start(struct mun_wire *w, uint64_t tag, const struct mun_request *r,
                                size_t body_max, struct mun_err *err)
{
	struct mun_http *h = w->data;
	struct mun_exchange *x;

	if (!mun_request_allowed(r, &h->base))
		return mun_fail(err, MUN_E_INTERNAL, "refused to send a request of unknown form");
	x = mun_exchange_new(h);
	if (!x)
		return mun_fail(err, MUN_E_NOMEM, "no memory for an exchange");
	mun_exchange_reset(x, tag, body_max);
	if (mun_exchange_set_request(x, r) != CURLE_OK ||
	    curl_multi_add_handle(h->multi, x->easy) != CURLM_OK) {
		mun_exchange_free(x);
		return mun_fail(err, MUN_E_NOMEM, "no memory for a request");
	}
	run_list_add(h, x);
	return MUN_OK;
}

static void hand_over(struct mun_exchange *x, struct mun_answer *ret)
{
	*ret = x->answer;
	memset(&x->answer, 0, sizeof(x->answer));
	mun_exchange_free(x);
}

static size_t collect(struct mun_http *h, struct mun_answer *ret, size_t max)
{
	size_t n = 0;
	CURLMsg *msg;
	int left;

	while (n < max && h->ended) {
		struct mun_exchange *x = h->ended;

		h->ended = x->next;
		hand_over(x, &ret[n++]);
	}
	while (n < max && (msg = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct mun_exchange *x = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		(void)curl_multi_remove_handle(h->multi, x->easy); /* msg is gone from here on */
		run_list_remove(h, x);
		mun_exchange_finish(x, code);
		hand_over(x, &ret[n++]);
	}
	return n;
}

static int64_t monotonic_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * A signal ends curl_multi_poll() early without an error and without a ready descriptor, as does
 * a timer of libcurl: then this returns with no answer, so that the caller sees its signal flag.
 */
static enum mun_code http_wait(struct mun_wire *w, uint32_t timeout_ms, struct mun_answer *ret,
                               size_t max, size_t *ret_len, struct mun_err *err)
{
	struct mun_http *h = w->data;
	int64_t deadline = monotonic_ms() + timeout_ms;

	for (;;) {
		int running = 0, ready = 0;
		CURLMcode rc = curl_multi_perform(h->multi, &running);
		int64_t left;

		*ret_len = 0;
		if (rc != CURLM_OK)
			return mun_fail(err, MUN_E_REMOTE, "libcurl: %s", curl_multi_strerror(rc));
		*ret_len = collect(h, ret, max);
		left = deadline - monotonic_ms();
		if (*ret_len > 0 || left <= 0)
			return MUN_OK;
		rc = curl_multi_poll(h->multi, NULL, 0, left > INT32_MAX ? INT32_MAX : (int)left,
		                     &ready);
		if (rc != CURLM_OK)
			return mun_fail(err, MUN_E_REMOTE, "libcurl: %s", curl_multi_strerror(rc));
		if (ready == 0)
			deadline = 0; /* one last look */
	}
}

static void http_abort(struct mun_wire *w)
{
	struct mun_http *h = w->data;
	CURLMsg *msg;
	int left;

	/* What has ended by itself keeps its own outcome. */
	while ((msg = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct mun_exchange *x = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		(void)curl_multi_remove_handle(h->multi, x->easy);
		run_list_remove(h, x);
		mun_exchange_finish(x, code);
		x->next = h->ended;
		h->ended = x;
	}
	while (h->running) {
		struct mun_exchange *x = h->running;

		(void)curl_multi_remove_handle(h->multi, x->easy);
		run_list_remove(h, x);
		mun_exchange_finish(x, CURLE_ABORTED_BY_CALLBACK);
		x->next = h->ended;
		h->ended = x;
	}
}

/* ---- opening and closing ---- */

static void free_exchanges(struct mun_exchange *x)
{
	while (x) {
		struct mun_exchange *next = x->next;

		mun_exchange_free(x);
		x = next;
	}
}

void mun_http_closep(struct mun_http **h)
{
	struct mun_http *http = *h;

	*h = NULL;
	if (!http)
		return;
	if (http->multi)
		http_abort(&http->wire);
	free_exchanges(http->ended);
	if (http->multi)
		(void)curl_multi_cleanup(http->multi);
	if (http->share)
		(void)curl_share_cleanup(http->share);
	for (size_t i = 0; i < MUN_LISTS; i++)
		mun_http_wipe_headers(http->headers[i]);
	free(http->cacert);
	free(http->user_agent);
	free(http->proxy);
	free(http);
	curl_global_cleanup();
}

/* What each exchange is set up with, and that libcurl takes it. */
static enum mun_code copy_settings(struct mun_http *h, const struct mun_http_options *o,
                                   struct mun_err *err)
{
	struct mun_exchange *trial;
	const char *proxy;
	enum mun_code rc = mun_http_choose_proxy(&proxy, o->base, err);

	if (rc != MUN_OK)
		return rc;
	h->cacert = o->cacert ? strdup(o->cacert) : NULL;
	h->user_agent = strdup(o->user_agent);
	h->proxy = strdup(proxy);
	if (!h->user_agent || !h->proxy || (o->cacert && !h->cacert))
		return mun_fail(err, MUN_E_NOMEM, "no memory for the wire");
	trial = mun_exchange_new(h);
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
	/* libcurl would write the keys of every TLS session into the file that this names. */
	(void)unsetenv("SSLKEYLOGFILE");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return mun_fail(err, MUN_E_REMOTE, "libcurl cannot be set up");
	h = calloc(1, sizeof(*h));
	if (!h) {
		curl_global_cleanup();
		return mun_fail(err, MUN_E_NOMEM, "no memory for the wire");
	}
	h->base = *o->base;
	h->token = o->token;
	h->tls = strncmp(o->base->text, "https:", 6) == 0;
	h->timeout_ms = o->timeout_ms;
	h->wire = (struct mun_wire){ http_start, http_wait, http_abort, h };
	h->multi = curl_multi_init();
	h->share = curl_share_init();
	if (!h->multi || !h->share ||
	    curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the wire");
	(void)curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)o->concurrency + 4);
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
