/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/clock.h"
#include "lib/date.h"
#include "lib/digest.h"
#include "lib/hex.h"
#include "lib/remote/http_impl.h"
#include "lib/remote/retry.h"

#define CONNECT_TIMEOUT_S 10L
#define IDLE_MAX_S        4L            /* libcurl counts whole seconds: the fifth is the last */
#define HEADERS_MAX       (256u * 1024) /* libcurl bounds a line, not how many there are */

/* ---- callbacks of libcurl ---- */

/*
 * A connection that dies on reuse makes libcurl send the request again by itself; the second call
 * is that second send.
 */
static int on_send(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct mun_exchange *x = arg;

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	return ++x->sends == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct mun_exchange *x = arg;
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

static void forget_headers(struct mun_exchange *x)
{
	for (size_t i = 0; i < MUN_HEADERS; i++)
		x->answer.header[i][0] = '\0';
	x->retry_after_len = 0;
	x->location[0] = '\0';
}

static void take_header(struct mun_exchange *x, const char *name, size_t name_len,
                        const char *value, size_t value_len)
{
	const struct mun_secret *token = x->site->token;

	/* Before the value is cut: half a token is not found any more. */
	if (token->len >= 7 && memmem(value, value_len, token->data, token->len)) {
		value = "[token]";
		value_len = 7;
	}
	if (name_len == 8 && strncasecmp(name, "location", 8) == 0)
		mun_http_copy_value(x->location, sizeof(x->location), value, value_len);
	for (unsigned h = 0; h < MUN_HEADERS; h++) {
		const char *want = mun_header_name((enum mun_header)h);
		char *slot = x->answer.header[h];

		if (strlen(want) != name_len || strncasecmp(name, want, name_len) != 0)
			continue;
		if (h == MUN_H_RETRY_AFTER && x->retry_after_len < MUN_RETRY_VALUES)
			mun_http_copy_value(x->retry_after[x->retry_after_len++],
			                    MUN_HEADER_MAX + 1, value, value_len);
		if (slot[0] == '\0')
			mun_http_copy_value(slot, MUN_HEADER_MAX + 1, value, value_len);
		return;
	}
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	struct mun_exchange *x = arg;
	size_t len = size * count;
	size_t used = len;
	const char *colon;

	x->header_bytes += len;
	if (x->header_bytes > HEADERS_MAX)
		return CURL_WRITEFUNC_ERROR;
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

/* libcurl forgets the address that it could not connect to; the journal wants it. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct mun_exchange *x = arg;
	const void *ip = NULL;

	(void)purpose;
	if (a->family == AF_INET)
		ip = &((const struct sockaddr_in *)(const void *)&a->addr)->sin_addr;
	else if (a->family == AF_INET6)
		ip = &((const struct sockaddr_in6 *)(const void *)&a->addr)->sin6_addr;
	if (!ip || !inet_ntop(a->family, ip, x->tried_ip, sizeof(x->tried_ip)))
		x->tried_ip[0] = '\0';
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* libcurl tells the TLS version in its trace only; everything else of the trace is dropped. */
static int on_trace(CURL *easy, curl_infotype type, char *data, size_t len, void *arg)
{
	static const char mark[] = "SSL connection using ";
	struct mun_exchange *x = arg;
	const char *at;
	size_t n = 0;

	(void)easy;
	if (type != CURLINFO_TEXT)
		return 0;
	at = memmem(data, len, mark, sizeof(mark) - 1);
	if (!at)
		return 0;
	at += sizeof(mark) - 1;
	for (; at < data + len && n + 1 < sizeof(x->site->tls_version); n++, at++) {
		if (*at <= ' ' || *at > '~')
			break;
		x->site->tls_version[n] = *at;
	}
	x->site->tls_version[n] = '\0';
	return 0;
}

/* ---- what an ended transfer says ---- */

static const char *code_name(CURLcode code)
{
#define NAMED(code_)            \
	{                       \
		(code_), #code_ \
	}
	static const struct {
		CURLcode code;
		const char *name;
	} names[] = {
		NAMED(CURLE_OK),
		NAMED(CURLE_UNSUPPORTED_PROTOCOL),
		NAMED(CURLE_COULDNT_RESOLVE_PROXY),
		NAMED(CURLE_COULDNT_RESOLVE_HOST),
		NAMED(CURLE_COULDNT_CONNECT),
		NAMED(CURLE_WEIRD_SERVER_REPLY),
		NAMED(CURLE_PARTIAL_FILE),
		NAMED(CURLE_WRITE_ERROR),
		NAMED(CURLE_OPERATION_TIMEDOUT),
		NAMED(CURLE_SSL_CONNECT_ERROR),
		NAMED(CURLE_ABORTED_BY_CALLBACK),
		NAMED(CURLE_GOT_NOTHING),
		NAMED(CURLE_SEND_ERROR),
		NAMED(CURLE_RECV_ERROR),
		NAMED(CURLE_PEER_FAILED_VERIFICATION),
		NAMED(CURLE_SSL_CACERT_BADFILE),
		NAMED(CURLE_PROXY),
	};
#undef NAMED

	for (size_t i = 0; i < MUN_ARRAY_LEN(names); i++) {
		if (names[i].code == code)
			return names[i].name;
	}
	return NULL;
}

static bool is_cert_error(CURLcode code)
{
	return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
	       code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_INVALIDCERTSTATUS ||
	       code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

static enum mun_send send_of(const struct mun_exchange *x, CURLcode code)
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

static void take_issuer(struct mun_exchange *x)
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
		mun_hex_encode(x->issuer, hash, sizeof(hash));
		memcpy(x->site->tls_issuer, x->issuer, sizeof(x->issuer));
		return;
	}
}

static void take_retry_after(struct mun_exchange *x)
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

static void take_location(struct mun_exchange *x)
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
		mun_http_copy_value(a->location_host, sizeof(a->location_host), host, strlen(host));
	else
		(void)snprintf(a->location_host, sizeof(a->location_host), "%.*s",
		               (int)sizeof(a->location_host) - 1, x->site->host);
	curl_free(host);
	curl_url_cleanup(url);
}

static void take_connection(struct mun_exchange *x)
{
	struct mun_answer *a = &x->answer;
	curl_off_t total_us = 0;
	char *ip = NULL;

	(void)curl_easy_getinfo(x->easy, CURLINFO_TOTAL_TIME_T, &total_us);
	a->duration_ms = (uint32_t)(total_us / 1000);
	if (curl_easy_getinfo(x->easy, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip)
		mun_http_copy_value(a->remote_ip, sizeof(a->remote_ip), ip, strlen(ip));
	if (a->remote_ip[0] == '\0')
		memcpy(a->remote_ip, x->tried_ip, sizeof(a->remote_ip));
	if (!x->site->tls)
		return;
	take_issuer(x);
	/* A reused connection shows none: then it is the newest one's. A refused one has its own.
	 */
	if (x->sends > 0 || x->issuer[0] != '\0') {
		memcpy(a->tls_version, x->site->tls_version, sizeof(a->tls_version));
		memcpy(a->tls_issuer, x->sends > 0 ? x->site->tls_issuer : x->issuer,
		       sizeof(a->tls_issuer));
	}
}

static void take_error(struct mun_exchange *x, CURLcode code)
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
	mun_http_copy_value(a->error, sizeof(a->error), text, strlen(text));
	(void)curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
	    (code == CURLE_OPERATION_TIMEDOUT && x->sends == 0 && x->tried_ip[0] == '\0'))
		mun_http_name_resolvers(a->error, sizeof(a->error));
	if (x->sends == 0 && proxy_status > 0)
		(void)snprintf(a->error + strlen(a->error), sizeof(a->error) - strlen(a->error),
		               " (the proxy answered %ld to CONNECT)", proxy_status);
	if (x->sends > 1)
		(void)snprintf(a->error, sizeof(a->error), "%s",
		               "the connection died on reuse; the request was not sent again");
}

/* Whoever answers may repeat the token: it gets neither into the journal nor onto a screen. */
static void forget_token(struct mun_exchange *x)
{
	struct mun_answer *a = &x->answer;
	const struct mun_secret *token = x->site->token;

	for (size_t i = 0; i < MUN_HEADERS; i++)
		(void)mun_secret_blot(a->header[i], strlen(a->header[i]), token);
	(void)mun_secret_blot(a->location_host, strlen(a->location_host), token);
	(void)mun_secret_blot(a->error, strlen(a->error), token);
	if (a->body)
		a->body_len = mun_secret_blot(a->body, a->body_len, token);
}

void mun_exchange_finish(struct mun_exchange *x, CURLcode code)
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
	forget_token(x);
}

/* ---- one handle ---- */

void mun_exchange_free(struct mun_exchange *x)
{
	if (!x)
		return;
	if (x->easy)
		curl_easy_cleanup(x->easy);
	mun_buf_done(&x->body);
	mun_answer_done(&x->answer);
	curl_slist_free_all(x->own_list);
	if (x->own_site)
		mun_site_done(x->own_site);
	free(x->own_site);
	free(x);
}

/* Options that hold for every exchange; they are set once per handle. */
static CURLcode set_transfer(struct mun_exchange *x)
{
	const struct mun_site *s = x->site;
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
	SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(CURLOPT_OPENSOCKETDATA, x);
	SET(CURLOPT_PRIVATE, x);
	SET(CURLOPT_SHARE, s->share);
	SET(CURLOPT_ERRORBUFFER, x->error);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROTOCOLS_STR, s->tls ? "https" : "http");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_MAXAGE_CONN, IDLE_MAX_S);
	SET(CURLOPT_TIMEOUT_MS, (long)s->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_USERAGENT, s->user_agent);
	SET(CURLOPT_PROXY, s->proxy);
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (s->tls) {
		SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
		SET(CURLOPT_CERTINFO, 1L);
		SET(CURLOPT_DEBUGFUNCTION, on_trace);
		SET(CURLOPT_DEBUGDATA, x);
		SET(CURLOPT_VERBOSE, 1L);
		if (s->cacert) { /* these and no others: not the system's folder beside them */
			SET(CURLOPT_CAINFO, s->cacert);
			SET(CURLOPT_CAPATH, (char *)NULL);
		}
	}
#undef SET
	return bad;
}

struct mun_exchange *mun_exchange_new(struct mun_site *site)
{
	struct mun_exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->site = site;
	x->easy = curl_easy_init();
	if (!x->easy || set_transfer(x) != CURLE_OK) {
		mun_exchange_free(x);
		return NULL;
	}
	return x;
}

void mun_exchange_reset(struct mun_exchange *x, uint64_t tag, size_t body_max)
{
	memset(&x->answer, 0, sizeof(x->answer));
	x->answer.tag = tag;
	x->answer.retry_after_s = -1;
	x->sends = 0;
	x->error[0] = x->tried_ip[0] = x->issuer[0] = '\0';
	x->header_bytes = 0;
	forget_headers(x);
	mun_buf_init(&x->body, body_max);
}
