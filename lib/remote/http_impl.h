/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_HTTP_IMPL_H
#define MUN_HTTP_IMPL_H
/*
 * What the files of the HTTP client share: http.c (the wire), post.c (small bodies to others),
 * http_lane.c (exchanges in flight), http_exchange.c (one exchange) and http_setup.c (headers,
 * options, the proxy, resolvers). Nobody else includes this.
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

struct mun_site { /* what all exchanges with one server share */
	bool tls;
	char host[MUN_BASE_URL_MAX];       /* with port when it is not the default */
	const struct mun_secret *token;    /* borrowed; blotted out of what comes back */
	CURLSH *share;                     /* borrowed */
	char *cacert, *user_agent, *proxy; /* owned; cacert may be NULL */
	uint32_t timeout_ms;
	char tls_version[16]; /* of the newest handshake: reused connections have none */
	char tls_issuer[65];
};
void mun_site_done(struct mun_site *s); /* what it owns */

struct mun_exchange {
	struct mun_exchange *next; /* in the running or the ended list */
	struct mun_exchange *prev; /* in the running list */
	struct mun_site *site;
	struct mun_site *own_site;   /* freed with the exchange: a site of its own; or NULL */
	struct curl_slist *own_list; /* the same for its headers */
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

struct mun_lane { /* exchanges in flight */
	CURLM *multi;
	CURLSH *share; /* TLS sessions: each exchange has a handle of its own */
	struct mun_exchange *running, *ended;
};

struct mun_http {
	struct mun_wire wire;
	struct mun_lane lane;
	struct mun_site site;
	struct mun_base_url base;
	struct curl_slist *headers[MUN_LISTS];
};

/* http_lane.c */
enum mun_code mun_lane_open(struct mun_lane *ret, size_t connections, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_lane_close(struct mun_lane *l); /* what is in flight is given up; zeroed ok */
/* Takes x over, also when it fails. NULL is a failure: no memory. */
enum mun_code mun_lane_add(struct mun_lane *l, struct mun_exchange *x, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_lane_wait(struct mun_lane *l, uint32_t timeout_ms, struct mun_answer *ret,
                            size_t max, size_t *ret_len, struct mun_err *err) MUN_MUST_CHECK;
void mun_lane_abort(struct mun_lane *l);

/* http_exchange.c */
/*
 * A handle of libcurl for one exchange alone: libcurl 7.88 keeps in it where the newest header was
 * stored, and follows that into freed memory when the next answer begins with a folded line.
 * Connections belong to the multi handle and are reused all the same. NULL: no memory, or libcurl
 * refuses.
 */
struct mun_exchange *mun_exchange_new(struct mun_site *site);
void mun_exchange_free(struct mun_exchange *x);
void mun_exchange_reset(struct mun_exchange *x, uint64_t tag, size_t body_max);
/* Complete x->answer after its transfer has left the multi handle. */
void mun_exchange_finish(struct mun_exchange *x, CURLcode code);

/* http_setup.c */
enum mun_code mun_http_check_options(const struct mun_http_options *o, struct mun_err *err)
	MUN_MUST_CHECK;
/* USAGE: a CA file that cannot be read. NULL is none. */
enum mun_code mun_http_check_cacert(const char *cacert, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_http_make_headers(struct mun_http *h, const struct mun_secret *token,
                                    struct mun_err *err) MUN_MUST_CHECK;
void mun_http_wipe_headers(struct curl_slist *list);
/* The URL of the proxy that the environment sets for a host (which may have a port), borrowed, or
 * "". USAGE: no such URL. */
enum mun_code mun_http_choose_proxy(const char **ret, bool tls, const char *host,
                                    struct mun_err *err) MUN_MUST_CHECK;
/* Appends who is asked for names here, for people who must find out why one is unknown. */
void mun_http_name_resolvers(char *ret, size_t ret_size);
/* Printable ASCII, trimmed, cut: obs-text has no charset (RFC 9110 5.5). */
void mun_http_copy_value(char *ret, size_t ret_size, const char *s, size_t len);
#endif
