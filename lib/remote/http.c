/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/remote/http.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/date.h"
#include "lib/digest.h"
#include "lib/hex.h"
#include "lib/remote/retry.h"

#define CONNECT_TIMEOUT_S 10L
#define IDLE_MAX_S 5L
#define RETRY_VALUES 8

enum method_list { LIST_GET, LIST_DELETE, LIST_PUT, LISTS };

struct exchange {
	struct exchange *next; /* in the free, the running or the ended list */
	struct exchange *prev; /* in the running list */
	struct mun_http *http;
	CURL *easy;
	unsigned sends; /* calls of the pre-request callback */
	struct mun_buf body;
	struct mun_answer answer;
	char retry_after[RETRY_VALUES][MUN_HEADER_MAX + 1];
	unsigned retry_after_len;
	char location[512];
	char error[CURL_ERROR_SIZE];
};

struct mun_http {
	struct mun_wire wire;
	CURLM *multi;
	struct mun_base_url base;
	bool tls;
	struct curl_slist *headers[LISTS];
	struct exchange *idle, *running, *ended;
	char *cacert, *user_agent; /* own copies: the pool may grow later */
	uint32_t timeout_ms;
	char tls_version[16]; /* of the newest handshake: reused connections have none */
	char tls_issuer[65];
};

/* ---- callbacks of libcurl ---- */

/*
 * A connection that dies on reuse makes libcurl send the request again by itself; the second call
 * is that second send.
 */
static int on_send(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct exchange *x = arg;

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	return ++x->sends == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct exchange *x = arg;
	size_t len = size * count;

	if (len > x->body.max - x->body.len) {
		x->answer.body_cut = true;
		return CURL_WRITEFUNC_ERROR;
	}
	mun_buf_add(&x->body, data, len);
	if (x->body.failed) {
		x->answer.body_cut = true;
		return CURL_WRITEFUNC_ERROR;
	}
	return len;
}

/* Printable ASCII, cut: obs-text has no charset (RFC 9110 5.5). */
static void copy_value(char *ret, size_t ret_size, const char *s, size_t len)
{
	size_t n = 0;

	while (len > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	for (; n < len && n + 1 < ret_size; n++)
		ret[n] = s[n] >= ' ' && s[n] <= '~' ? s[n] : '?';
	ret[n] = '\0';
}

static void forget_headers(struct exchange *x)
{
	for (size_t i = 0; i < MUN_HEADERS; i++)
		x->answer.header[i][0] = '\0';
	x->retry_after_len = 0;
	x->location[0] = '\0';
}

static void take_header(struct exchange *x, const char *name, size_t name_len, const char *value,
                        size_t value_len)
{
	if (name_len == 8 && strncasecmp(name, "location", 8) == 0)
		copy_value(x->location, sizeof(x->location), value, value_len);
	for (unsigned h = 0; h < MUN_HEADERS; h++) {
		const char *want = mun_header_name((enum mun_header)h);
		char *slot = x->answer.header[h];

		if (strlen(want) != name_len || strncasecmp(name, want, name_len) != 0)
			continue;
		if (h == MUN_H_RETRY_AFTER && x->retry_after_len < RETRY_VALUES)
			copy_value(x->retry_after[x->retry_after_len++], MUN_HEADER_MAX + 1, value,
			           value_len);
		if (slot[0] == '\0')
			copy_value(slot, MUN_HEADER_MAX + 1, value, value_len);
		return;
	}
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	struct exchange *x = arg;
	size_t len = size * count;
	size_t used = len;
	const char *colon;

	while (used > 0 && (data[used - 1] == '\r' || data[used - 1] == '\n'))
		used--;
	/* A status line: what an interim response said does not hold for the final one. */
	if (used >= 5 && strncmp(data, "HTTP/", 5) == 0) {
		forget_headers(x);
		return len;
	}
	colon = memchr(data, ':', used);
	if (colon) {
		size_t name_len = (size_t)(colon - data);

		take_header(x, data, name_len, colon + 1, used - name_len - 1);
	}
	return len;
}

/* libcurl tells the TLS version in its trace only; everything else of the trace is dropped. */
static int on_trace(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	static const char mark[] = "SSL connection using ";
	struct exchange *x = arg;
	const char *at;
	size_t n = 0;

	(void)easy;
	if (type != CURLINFO_TEXT)
		return 0;
	at = memmem(data, len, mark, sizeof(mark) - 1);
	if (!at)
		return 0;
	at += sizeof(mark) - 1;
	for (; at < data + len && n + 1 < sizeof(x->http->tls_version); n++, at++) {
		if (*at <= ' ' || *at > '~')
			break;
		x->http->tls_version[n] = *at;
	}
	x->http->tls_version[n] = '\0';
	return 0;
}

/* ---- what an ended transfer says ---- */

static const char *code_name(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return "CURLE_OK";
	case CURLE_UNSUPPORTED_PROTOCOL:
		return "CURLE_UNSUPPORTED_PROTOCOL";
	case CURLE_COULDNT_RESOLVE_PROXY:
		return "CURLE_COULDNT_RESOLVE_PROXY";
	case CURLE_COULDNT_RESOLVE_HOST:
		return "CURLE_COULDNT_RESOLVE_HOST";
	case CURLE_COULDNT_CONNECT:
		return "CURLE_COULDNT_CONNECT";
	case CURLE_WEIRD_SERVER_REPLY:
		return "CURLE_WEIRD_SERVER_REPLY";
	case CURLE_PARTIAL_FILE:
		return "CURLE_PARTIAL_FILE";
	case CURLE_WRITE_ERROR:
		return "CURLE_WRITE_ERROR";
	case CURLE_OPERATION_TIMEDOUT:
		return "CURLE_OPERATION_TIMEDOUT";
	case CURLE_SSL_CONNECT_ERROR:
		return "CURLE_SSL_CONNECT_ERROR";
	case CURLE_ABORTED_BY_CALLBACK:
		return "CURLE_ABORTED_BY_CALLBACK";
	case CURLE_GOT_NOTHING:
		return "CURLE_GOT_NOTHING";
	case CURLE_SEND_ERROR:
		return "CURLE_SEND_ERROR";
	case CURLE_RECV_ERROR:
		return "CURLE_RECV_ERROR";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "CURLE_PEER_FAILED_VERIFICATION";
	case CURLE_SSL_CACERT_BADFILE:
		return "CURLE_SSL_CACERT_BADFILE";
	case CURLE_PROXY:
		return "CURLE_PROXY";
	default:
		return NULL;
	}
}

static bool is_cert_error(CURLcode code)
{
	return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
	       code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_INVALIDCERTSTATUS ||
	       code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

static enum mun_send send_of(const struct exchange *x, CURLcode code)
{
	if (code == CURLE_OK)
		return MUN_SEND_OK;
	/* Our own limit ended a response that had come: it counts as truncated, not as broken. */
	if (x->answer.body_cut && code == CURLE_WRITE_ERROR)
		return MUN_SEND_OK;
	if (x->sends > 0)
		return MUN_SEND_BROKEN;
	return is_cert_error(code) ? MUN_SEND_BAD_CERT : MUN_SEND_NOT_SENT;
}

static void take_issuer(struct exchange *x)
{
	struct curl_certinfo *info = NULL;
	uint8_t hash[MUN_SHA256_LEN];

	if (curl_easy_getinfo(x->easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
	    info->num_of_certs < 1)
		return;
	for (struct curl_slist *line = info->certinfo[0]; line; line = line->next) {
		if (strncmp(line->data, "Issuer:", 7) != 0)
			continue;
		mun_sha256(hash, line->data + 7, strlen(line->data + 7));
		mun_hex_encode(x->http->tls_issuer, hash, sizeof(hash));
		return;
	}
}

static void take_retry_after(struct exchange *x)
{
	struct mun_answer *a = &x->answer;
	const char *date = a->header[MUN_H_DATE];
	struct mun_now now;
	int64_t date_us;

	a->retry_after_s = -1;
	if (x->retry_after_len == 0)
		return;
	if (!mun_date_parse_http(&date_us, date, strlen(date))) {
		const struct mun_clock *clock = mun_clock_system();

		clock->now(clock, &now);
		date_us = now.real_us;
	}
	for (unsigned i = 0; i < x->retry_after_len; i++) {
		int64_t s = mun_retry_after_s(x->retry_after[i], date_us);

		if (s <= a->retry_after_s)
			continue;
		a->retry_after_s = s;
		(void)snprintf(a->header[MUN_H_RETRY_AFTER], MUN_HEADER_MAX + 1, "%s",
		               x->retry_after[i]);
	}
}

static void take_location(struct exchange *x)
{
	struct mun_answer *a = &x->answer;
	char *host = NULL;
	char *asked = NULL;
	CURLU *url;

	if (a->http < 300 || a->http > 399 || x->location[0] == '\0')
		return;
	url = curl_url();
	(void)curl_easy_getinfo(x->easy, CURLINFO_EFFECTIVE_URL, &asked);
	/* Set on top of the address that was asked, a relative one is resolved ("//host/" too). */
	if (url && asked && curl_url_set(url, CURLUPART_URL, asked, 0) == CURLUE_OK &&
	    curl_url_set(url, CURLUPART_URL, x->location, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		copy_value(a->location_host, sizeof(a->location_host), host, strlen(host));
	else
		(void)snprintf(a->location_host, sizeof(a->location_host), "%.*s",
		               (int)sizeof(a->location_host) - 1, x->http->base.host);
	curl_free(host);
	curl_url_cleanup(url);
}

static void take_connection(struct exchange *x)
{
	struct mun_answer *a = &x->answer;
	curl_off_t total_us = 0;
	char *ip = NULL;

	(void)curl_easy_getinfo(x->easy, CURLINFO_TOTAL_TIME_T, &total_us);
	a->duration_ms = (uint32_t)(total_us / 1000);
	if (curl_easy_getinfo(x->easy, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip)
		copy_value(a->remote_ip, sizeof(a->remote_ip), ip, strlen(ip));
	if (!x->http->tls)
		return;
	take_issuer(x);
	if (x->sends > 0 || is_cert_error((CURLcode)a->curl_code)) {
		memcpy(a->tls_version, x->http->tls_version, sizeof(a->tls_version));
		memcpy(a->tls_issuer, x->http->tls_issuer, sizeof(a->tls_issuer));
	}
}

static void take_error(struct exchange *x, CURLcode code)
{
	struct mun_answer *a = &x->answer;
	const char *name = code_name(code);
	const char *text = x->error[0] ? x->error : curl_easy_strerror(code);
	long proxy_status = 0;

	a->curl_code = (int)code;
	if (name)
		(void)snprintf(a->curl_name, sizeof(a->curl_name), "%s", name);
	else
		(void)snprintf(a->curl_name, sizeof(a->curl_name), "CURLE_%d", (int)code);
	if (code == CURLE_OK)
		return;
	copy_value(a->error, sizeof(a->error), text, strlen(text));
	(void)curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	if (x->sends == 0 && proxy_status > 0)
		(void)snprintf(a->error, sizeof(a->error), "the proxy answered %ld to CONNECT",
		               proxy_status);
	if (x->sends > 1)
		(void)snprintf(a->error, sizeof(a->error), "%s",
		               "the connection died on reuse; the request was not sent again");
}

/* Complete x->answer after its transfer has left the multi handle. */
static void finish(struct exchange *x, CURLcode code)
{
	struct mun_answer *a = &x->answer;
	long status = 0;

	a->sent = x->sends > 0;
	a->send = send_of(x, code);
	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	if (a->sent && status >= 200 && status <= 599)
		a->http = (unsigned)status;
	if (a->send == MUN_SEND_OK && a->http == 0)
		a->send = MUN_SEND_BROKEN; /* nothing but an interim response, or none */
	take_error(x, code);
	take_connection(x);
	take_retry_after(x);
	take_location(x);
	if (a->body_cut) {
		mun_buf_done(&x->body);
	} else if (x->body.len > 0) {
		a->body_len = x->body.len;
		a->body = MUN_STEAL(x->body.data);
		x->body.len = x->body.cap = 0;
	}
}

/* ---- the pool ---- */

static void run_list_add(struct mun_http *h, struct exchange *x)
{
	x->prev = NULL;
	x->next = h->running;
	if (h->running)
		h->running->prev = x;
	h->running = x;
}

static void run_list_remove(struct mun_http *h, struct exchange *x)
{
	if (x->next)
		x->next->prev = x->prev;
	if (x->prev)
		x->prev->next = x->next;
	else
		h->running = x->next;
}

static void exchange_free(struct exchange *x)
{
	if (!x)
		return;
	if (x->easy)
		curl_easy_cleanup(x->easy);
	mun_buf_done(&x->body);
	mun_answer_done(&x->answer);
	free(x);
}

/* Options that hold for every exchange; they are set once per handle. */
static CURLcode set_transfer(struct exchange *x)
{
	struct mun_http *h = x->http;
	CURL *e = x->easy;
	CURLcode bad = CURLE_OK;

#define SET(option, value)                                         \
	do {                                                       \
		CURLcode rc_ = curl_easy_setopt(e, option, value); \
		if (rc_ != CURLE_OK)                               \
			bad = rc_;                                 \
	} while (0)
	SET(CURLOPT_PREREQFUNCTION, on_send);
	SET(CURLOPT_PREREQDATA, x);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_PRIVATE, x);
	SET(CURLOPT_ERRORBUFFER, x->error);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROTOCOLS_STR, h->tls ? "https" : "http");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
	SET(CURLOPT_TIMEOUT_MS, (long)h->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_USERAGENT, h->user_agent);
	if (h->tls) {
		SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
		SET(CURLOPT_CERTINFO, 1L);
		SET(CURLOPT_DEBUGFUNCTION, on_trace);
		SET(CURLOPT_DEBUGDATA, x);
		SET(CURLOPT_VERBOSE, 1L);
		if (h->cacert)
			SET(CURLOPT_CAINFO, h->cacert);
	}
#undef SET
	return bad;
}

static struct exchange *exchange_new(struct mun_http *h)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->http = h;
	x->easy = curl_easy_init();
	if (!x->easy || set_transfer(x) != CURLE_OK) {
		exchange_free(x);
		return NULL;
	}
	return x;
}

static struct exchange *exchange_take(struct mun_http *h)
{
	struct exchange *x = h->idle;

	if (!x)
		return exchange_new(h);
	h->idle = x->next;
	return x;
}

static void exchange_give(struct mun_http *h, struct exchange *x)
{
	x->next = h->idle;
	h->idle = x;
}

static void exchange_reset(struct exchange *x, uint64_t tag, size_t body_max)
{
	memset(&x->answer, 0, sizeof(x->answer));
	x->answer.tag = tag;
	x->answer.retry_after_s = -1;
	x->sends = 0;
	x->error[0] = '\0';
	forget_headers(x);
	mun_buf_init(&x->body, body_max);
}

/* ---- the wire ---- */

static CURLcode set_request(struct exchange *x, const struct mun_request *r)
{
	struct mun_http *h = x->http;
	char url[MUN_BASE_URL_MAX + MUN_PATH_MAX + 16];
	enum method_list list = LIST_GET;
	CURLcode rc;

	if (r->mutating)
		list = strcmp(r->method, "PUT") == 0 ? LIST_PUT : LIST_DELETE;
	(void)snprintf(url, sizeof(url), "%s://%s%s", h->tls ? "https" : "http", h->base.host,
	               r->path);
	rc = curl_easy_setopt(x->easy, CURLOPT_URL, url);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST,
		                      list == LIST_GET ? NULL : r->method);
	if (rc == CURLE_OK)
		rc = curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, h->headers[list]);
	return rc;
}

static enum mun_code http_start(struct mun_wire *w, uint64_t tag, const struct mun_request *r,
                                size_t body_max, struct mun_err *err)
{
	struct mun_http *h = w->data;
	struct exchange *x;

	if (!mun_request_allowed(r, &h->base))
		return mun_fail(err, MUN_E_INTERNAL, "refused to send a request of unknown form");
	x = exchange_take(h);
	if (!x)
		return mun_fail(err, MUN_E_NOMEM, "no memory for an exchange");
	exchange_reset(x, tag, body_max);
	if (set_request(x, r) != CURLE_OK || curl_multi_add_handle(h->multi, x->easy) != CURLM_OK) {
		exchange_give(h, x);
		return mun_fail(err, MUN_E_NOMEM, "no memory for a request");
	}
	run_list_add(h, x);
	return MUN_OK;
}

static void hand_over(struct mun_http *h, struct exchange *x, struct mun_answer *ret)
{
	*ret = x->answer;
	memset(&x->answer, 0, sizeof(x->answer));
	exchange_give(h, x);
}

static size_t collect(struct mun_http *h, struct mun_answer *ret, size_t max)
{
	size_t n = 0;
	CURLMsg *msg;
	int left;

	while (n < max && h->ended) {
		struct exchange *x = h->ended;

		h->ended = x->next;
		hand_over(h, x, &ret[n++]);
	}
	while (n < max && (msg = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct exchange *x = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		(void)curl_multi_remove_handle(h->multi, x->easy); /* msg is gone from here on */
		run_list_remove(h, x);
		finish(x, code);
		hand_over(h, x, &ret[n++]);
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
		struct exchange *x = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		(void)curl_multi_remove_handle(h->multi, x->easy);
		run_list_remove(h, x);
		finish(x, code);
		x->next = h->ended;
		h->ended = x;
	}
	while (h->running) {
		struct exchange *x = h->running;

		(void)curl_multi_remove_handle(h->multi, x->easy);
		run_list_remove(h, x);
		finish(x, CURLE_ABORTED_BY_CALLBACK);
		x->next = h->ended;
		h->ended = x;
	}
}

/* ---- opening and closing ---- */

/* The list is ours to read: libcurl gives it back unchanged, and the token must not stay in it. */
static void wipe_list(struct curl_slist *list)
{
	for (struct curl_slist *l = list; l; l = l->next)
		mun_wipe(l->data, strlen(l->data));
	curl_slist_free_all(list);
}

static void free_exchanges(struct exchange *x)
{
	while (x) {
		struct exchange *next = x->next;

		exchange_free(x);
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
	free_exchanges(http->idle);
	free_exchanges(http->ended);
	if (http->multi)
		(void)curl_multi_cleanup(http->multi);
	for (size_t i = 0; i < LISTS; i++)
		wipe_list(http->headers[i]);
	free(http->cacert);
	free(http->user_agent);
	free(http);
	curl_global_cleanup();
}

static bool add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer)
		*list = longer;
	return longer != NULL;
}

static enum mun_code make_headers(struct mun_http *h, const struct mun_secret *token,
                                  struct mun_err *err)
{
	static const char bearer[] = "Authorization: Bearer ";
	struct mun_secret line MUN_CLEANUP(mun_secret_done) = { 0 };
	enum mun_code rc = mun_secret_new(&line, sizeof(bearer) + token->len, err);
	bool ok = true;

	if (rc != MUN_OK)
		return rc;
	memcpy(line.data, bearer, sizeof(bearer) - 1);
	memcpy(line.data + sizeof(bearer) - 1, token->data, token->len);
	line.data[line.len - 1] = '\0';
	for (size_t i = 0; i < LISTS; i++) {
		ok = ok && add_header(&h->headers[i], (const char *)line.data);
		ok = ok && add_header(&h->headers[i], "Accept: application/json");
		ok = ok && add_header(&h->headers[i], "X-Tallyfy-Client: APIClient");
		ok = ok && add_header(&h->headers[i], "Expect:");
	}
	ok = ok && add_header(&h->headers[LIST_GET], "Cache-Control: no-cache");
	/* A PUT without a body says so (RFC 9110 8.6); some servers answer 411 otherwise. */
	ok = ok && add_header(&h->headers[LIST_PUT], "Content-Length: 0");
	return ok ? MUN_OK : mun_fail(err, MUN_E_NOMEM, "no memory for request headers");
}

static enum mun_code check_options(const struct mun_http_options *o, struct mun_err *err)
{
	int fd;

	for (size_t i = 0; i < o->token->len; i++) {
		if (o->token->data[i] <= ' ' || o->token->data[i] > '~')
			return mun_fail(err, MUN_E_CREDENTIAL, "the token is not a header value");
	}
	if (!o->cacert)
		return MUN_OK;
	fd = open(o->cacert, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return mun_fail(err, MUN_E_USAGE, "the CA file cannot be read");
	(void)close(fd);
	return MUN_OK;
}

static enum mun_code fill_pool(struct mun_http *h, const struct mun_http_options *o,
                               struct mun_err *err)
{
	h->cacert = o->cacert ? strdup(o->cacert) : NULL;
	h->user_agent = strdup(o->user_agent);
	if (!h->user_agent || (o->cacert && !h->cacert))
		return mun_fail(err, MUN_E_NOMEM, "no memory for the wire");
	for (size_t i = 0; i < (o->concurrency > 0 ? o->concurrency : 1); i++) {
		struct exchange *x = exchange_new(h);

		if (!x)
			return mun_fail(err, MUN_E_REMOTE, "libcurl cannot be set up");
		exchange_give(h, x);
	}
	return MUN_OK;
}

enum mun_code mun_http_open(struct mun_http **ret, const struct mun_http_options *o,
                            struct mun_err *err)
{
	struct mun_http *h MUN_CLEANUP(mun_http_closep) = NULL;
	enum mun_code rc = check_options(o, err);

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
	h->tls = strncmp(o->base->text, "https:", 6) == 0;
	h->timeout_ms = o->timeout_ms;
	h->wire = (struct mun_wire){ http_start, http_wait, http_abort, h };
	h->multi = curl_multi_init();
	if (!h->multi)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the wire");
	(void)curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)o->concurrency + 4);
	rc = make_headers(h, o->token, err);
	if (rc == MUN_OK)
		rc = fill_pool(h, o, err);
	if (rc == MUN_OK)
		*ret = MUN_STEAL(h);
	return rc;
}

struct mun_wire *mun_http_wire(struct mun_http *h)
{
	return &h->wire;
}

/* ---- proxies ---- */

static const char *proxy_of_environment(bool tls)
{
	/* As libcurl: no HTTP_PROXY, which a CGI request could set. */
	static const char *const names[2][4] = {
		{ "http_proxy", "all_proxy", "ALL_PROXY", NULL },
		{ "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" },
	};

	for (size_t i = 0; i < 4 && names[tls][i]; i++) {
		const char *value = getenv(names[tls][i]);

		if (value && *value)
			return value;
	}
	return NULL;
}

static bool no_proxy_fits(const char *entry, size_t len, const char *host, size_t host_len)
{
	if (len == 1 && *entry == '*')
		return true;
	if (len > 0 && *entry == '.') {
		entry++;
		len--;
	}
	if (len == 0 || len > host_len || strncasecmp(host + host_len - len, entry, len) != 0)
		return false;
	return len == host_len || host[host_len - len - 1] == '.';
}

static bool is_excepted(const char *host)
{
	const char *list = getenv("no_proxy");
	const char *close = strchr(host, ']');
	size_t host_len = (close ? (size_t)(close - host) : 0);

	host_len += strcspn(host + host_len, ":");
	if (!list)
		list = getenv("NO_PROXY");
	while (list && *list) {
		size_t len = strcspn(list, ", ");

		if (no_proxy_fits(list, len, host, host_len))
			return true;
		list += len;
		list += strspn(list, ", ");
	}
	return false;
}

void mun_http_proxy_host(char *ret, size_t ret_size, const struct mun_base_url *base)
{
	const char *proxy = proxy_of_environment(strncmp(base->text, "https:", 6) == 0);
	char *host = NULL;
	CURLU *url;

	ret[0] = '\0';
	if (!proxy || is_excepted(base->host))
		return;
	url = curl_url();
	if (url &&
	    curl_url_set(url, CURLUPART_URL, proxy,
	                 CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		copy_value(ret, ret_size, host, strlen(host));
	curl_free(host);
	curl_url_cleanup(url);
}
