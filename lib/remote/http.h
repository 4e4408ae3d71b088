/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_HTTP_H
#define MUN_HTTP_H
/*
 * Exchanges with the server, many in flight, over one libcurl multi handle. One thread; not to
 * be used after fork(). A request is put on the wire at most once: connections are reused, and
 * when a reused one dies before the first byte of an answer, libcurl would send again by itself,
 * so the pre-request callback counts the sends of each exchange and aborts the second. If it
 * never ran, nothing was sent. Redirects are not followed. HTTP/1.1; TLS 1.2 at least; https,
 * http only for loopback; idle connections over 5 s are not reused. A connection is given 10 s,
 * the whole exchange timeout_ms, all headers of an answer 256 KiB, its body what start() is told:
 * more is an exchange that broke, or a body that was cut. Whether to try again is decided
 * elsewhere, after the journal has the outcome.
 */
#include "lib/crypto.h"
#include "lib/remote/wire.h"
struct mun_http;
struct mun_http_options {
	const struct mun_base_url *base;
	const struct mun_secret *token; /* borrowed until close; never copied into unlocked memory
	                                   longer than libcurl's own header list needs */
	const char *cacert;             /* the only ones trusted; NULL: the system's */
	uint32_t timeout_ms;            /* the whole exchange; above 0 */
	size_t concurrency;             /* connections kept, 1..256 */
	const char *user_agent;
};
/*
 * USAGE: no time limit, a CA file that cannot be read, a proxy in the environment that is no URL
 * (its text is not repeated: it may hold a password). CREDENTIAL: the token is no header value.
 */
enum mun_code mun_http_open(struct mun_http **ret, const struct mun_http_options *o,
                            struct mun_err *err) MUN_MUST_CHECK;
void mun_http_closep(struct mun_http **h);
struct mun_wire *mun_http_wire(struct mun_http *h); /* borrowed */
/*
 * Host of the proxy that will be used for base, or "" (never its credentials). The variables are
 * libcurl's: https_proxy or http_proxy, then all_proxy, with the exceptions of no_proxy.
 */
void mun_http_proxy_host(char *ret, size_t ret_size, const struct mun_base_url *base);
#endif
