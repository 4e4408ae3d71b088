/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/remote/http_impl.h"

static void run_list_add(struct mun_lane *l, struct mun_exchange *x)
{
	x->prev = NULL;
	x->next = l->running;
	if (l->running)
		l->running->prev = x;
	l->running = x;
}

static void run_list_remove(struct mun_lane *l, struct mun_exchange *x)
{
	if (x->next)
		x->next->prev = x->prev;
	if (x->prev)
		x->prev->next = x->next;
	else
		l->running = x->next;
}

enum mun_code mun_lane_add(struct mun_lane *l, struct mun_exchange *x, struct mun_err *err)
{
	if (!x || curl_multi_add_handle(l->multi, x->easy) != CURLM_OK) {
		mun_exchange_free(x);
		return mun_fail(err, MUN_E_NOMEM, "no memory for a request");
	}
	run_list_add(l, x);
	return MUN_OK;
}

static void hand_over(struct mun_exchange *x, struct mun_answer *ret)
{
	*ret = x->answer;
	memset(&x->answer, 0, sizeof(x->answer));
	mun_exchange_free(x);
}

static size_t collect(struct mun_lane *l, struct mun_answer *ret, size_t max)
{
	size_t n = 0;
	CURLMsg *msg;
	int left;

	while (n < max && l->ended) {
		struct mun_exchange *x = l->ended;

		l->ended = x->next;
		hand_over(x, &ret[n++]);
	}
	while (n < max && (msg = curl_multi_info_read(l->multi, &left)) != NULL) {
		struct mun_exchange *x = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		(void)curl_multi_remove_handle(l->multi, x->easy); /* msg is gone from here on */
		run_list_remove(l, x);
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
enum mun_code mun_lane_wait(struct mun_lane *l, uint32_t timeout_ms, struct mun_answer *ret,
                            size_t max, size_t *ret_len, struct mun_err *err)
{
	int64_t deadline = monotonic_ms() + timeout_ms;

	for (;;) {
		int running = 0, ready = 0;
		CURLMcode rc = curl_multi_perform(l->multi, &running);
		int64_t left;

		*ret_len = 0;
		if (rc != CURLM_OK)
			return mun_fail(err, MUN_E_REMOTE, "libcurl: %s", curl_multi_strerror(rc));
		*ret_len = collect(l, ret, max);
		left = deadline - monotonic_ms();
		if (*ret_len > 0 || left <= 0)
			return MUN_OK;
		rc = curl_multi_poll(l->multi, NULL, 0, left > INT32_MAX ? INT32_MAX : (int)left,
		                     &ready);
		if (rc != CURLM_OK)
			return mun_fail(err, MUN_E_REMOTE, "libcurl: %s", curl_multi_strerror(rc));
		if (ready == 0)
			deadline = 0; /* one last look */
	}
}

void mun_lane_abort(struct mun_lane *l)
{
	CURLMsg *msg;
	int left;

	/* What has ended by itself keeps its own outcome. */
	while ((msg = curl_multi_info_read(l->multi, &left)) != NULL) {
		struct mun_exchange *x = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		(void)curl_multi_remove_handle(l->multi, x->easy);
		run_list_remove(l, x);
		mun_exchange_finish(x, code);
		x->next = l->ended;
		l->ended = x;
	}
	while (l->running) {
		struct mun_exchange *x = l->running;

		(void)curl_multi_remove_handle(l->multi, x->easy);
		run_list_remove(l, x);
		mun_exchange_finish(x, CURLE_ABORTED_BY_CALLBACK);
		x->next = l->ended;
		l->ended = x;
	}
}

static void free_exchanges(struct mun_exchange *x)
{
	while (x) {
		struct mun_exchange *next = x->next;

		mun_exchange_free(x);
		x = next;
	}
}

enum mun_code mun_lane_open(struct mun_lane *ret, size_t connections, struct mun_err *err)
{
	/* libcurl would write the keys of every TLS session into the file that this names. */
	(void)unsetenv("SSLKEYLOGFILE");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return mun_fail(err, MUN_E_REMOTE, "libcurl cannot be set up");
	*ret = (struct mun_lane){ .multi = curl_multi_init(), .share = curl_share_init() };
	if (!ret->multi || !ret->share ||
	    curl_share_setopt(ret->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) !=
	            CURLSHE_OK) {
		mun_lane_close(ret);
		return mun_fail(err, MUN_E_NOMEM, "no memory for the wire");
	}
	(void)curl_multi_setopt(ret->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	(void)curl_multi_setopt(ret->multi, CURLMOPT_MAXCONNECTS, (long)connections);
	return MUN_OK;
}

void mun_lane_close(struct mun_lane *l)
{
	if (!l->multi && !l->share)
		return;
	if (l->multi)
		mun_lane_abort(l);
	free_exchanges(l->ended);
	if (l->multi)
		(void)curl_multi_cleanup(l->multi);
	if (l->share)
		(void)curl_share_cleanup(l->share);
	*l = (struct mun_lane){ 0 };
	curl_global_cleanup();
}
