/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_HTTP_IMPL_H
#define MUN_HTTP_IMPL_H
/*
 * What the files of the HTTP client share: http.c (the wire), http_exchange.c (one
 * exchange) and http_setup.c (headers, options, the proxy, resolvers). Nobody else includes this.
 */
#include <curl/curl.h>

#include "lib/buf.h"
#include "lib/remote/http.h"

#define MUN_RETRY_VALUES 8

enum mun_method_list {
	MUN_LIST_GET,
	MUN_LIST_DELETE,
	MUN_LIST_PUT,
	MUN_LISTS
};

struct mun_exchange {
	struct mun_exchange *next; /* in the running or the ended list */
	struct mun_exchange *prev; /* in the running list */
	struct mun_http *http;
	CURL *easy;
	unsigned sends; /* calls of the pre-request callback */
	struct mun_buf body;
	struct mun_answer answer;
	char retry_after[MUN_RETRY_VALUES][MUN_HEADER_MAX + 1];
	unsigned retry_after_len;
	char location[512];
	char error[CURL_ERROR_SIZE];
	size_t header_bytes;
	char tried_ip[64]; /* of the newest connection that was begun */
	char issuer[65];   /* shown in this exchange; "" on a reused connection */
};

struct mun_http {
	struct mun_wire wire;
	CURLM *multi;
	CURLSH *share; /* TLS sessions: each exchange has a handle of its own */
	struct mun_base_url base;
	const struct mun_secret *token; /* borrowed until close */
	bool tls;
	struct curl_slist *headers[MUN_LISTS];
	struct mun_exchange *running, *ended;
	char *cacert, *user_agent, *proxy; /* own copies: for each exchange */
	uint32_t timeout_ms;
	char tls_version[16]; /* of the newest handshake: reused connections have none */
	char tls_issuer[65];
};

/* http_exchange.c */
/*
 * A handle of libcurl for one exchange alone: libcurl 7.88 keeps in it where the newest header was
 * stored, and follows that into freed memory when the next answer begins with a folded line.
 * Connections belong to the multi handle and are reused all the same. NULL: no memory, or libcurl
 * refuses.
 */
struct mun_exchange *mun_exchange_new(struct mun_http *h);
void mun_exchange_free(struct mun_exchange *x);
void mun_exchange_reset(struct mun_exchange *x, uint64_t tag, size_t body_max);
CURLcode mun_exchange_set_request(struct mun_exchange *x, const struct mun_request *r);
/* Complete x->answer after its transfer has left the multi handle. */
void mun_exchange_finish(struct mun_exchange *x, CURLcode code);

/* http_setup.c */
enum mun_code mun_http_check_options(const struct mun_http_options *o, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_http_make_headers(struct mun_http *h, const struct mun_secret *token,
                                    struct mun_err *err) MUN_MUST_CHECK;
void mun_http_wipe_headers(struct curl_slist *list);
/* The URL of the proxy that the environment sets for base, borrowed, or "". USAGE: no such URL. */
enum mun_code mun_http_choose_proxy(const char **ret, const struct mun_base_url *base,
                                    struct mun_err *err) MUN_MUST_CHECK;
/* Appends who is asked for names here, for people who must find out why one is unknown. */
void mun_http_name_resolvers(char *ret, size_t ret_size);
/* Printable ASCII, trimmed, cut: obs-text has no charset (RFC 9110 5.5). */
void mun_http_copy_value(char *ret, size_t ret_size, const char *s, size_t len);
#endif
