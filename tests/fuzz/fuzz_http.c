/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a server writes on the wire, from its first byte on: status lines, headers, lengths and
 * chunks. Whatever comes, one answer is given, its texts are plain, its body within the limit.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/remote/http.h"
#include "tests/fuzz/fuzz.h"

#define BODY_MAX 4096
#define TOKEN    "a-token-of-nobody"

static struct {
	int fd;
	pthread_mutex_t lock;
	uint8_t data[16384];
	size_t len;
	struct mun_base_url base;
	struct mun_secret token;
	struct mun_http *http;
} f = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Reads one request, writes the input, closes. */
static void *serve(void *arg)
{
	for (;;) {
		int peer = accept4(f.fd, NULL, NULL, SOCK_CLOEXEC);
		char request[4096];
		ssize_t got;

		if (peer < 0)
			return arg;
		if (recv(peer, request, sizeof(request), 0) > 0) {
			uint8_t data[sizeof(f.data)];
			size_t len;

			/* The client may have its answer, and the next input, before all is sent.
			 */
			(void)pthread_mutex_lock(&f.lock);
			len = f.len;
			memcpy(data, f.data, len);
			(void)pthread_mutex_unlock(&f.lock);
			(void)send(peer, data, len, MSG_NOSIGNAL);
		}
		(void)shutdown(peer, SHUT_WR);
		do
			got = recv(peer, request, sizeof(request), 0);
		while (got > 0);
		(void)close(peer);
	}
}

static void finish(void)
{
	mun_http_closep(&f.http);
	mun_secret_done(&f.token);
}

static void begin(void)
{
	struct mun_http_options o = { .base = &f.base,
		                      .token = &f.token,
		                      .timeout_ms = 10000,
		                      .concurrency = 1,
		                      .user_agent = "fuzz/1" };
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t a_len = sizeof(a);
	pthread_t thread;
	struct mun_err err;
	char url[64];

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(bind(f.fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(f.fd, 16) == 0);
	assert(getsockname(f.fd, (struct sockaddr *)&a, &a_len) == 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(a.sin_port));
	assert(mun_base_url_parse(&f.base, url, &err) == MUN_OK);
	assert(mun_crypto_init(&err) == MUN_OK);
	assert(mun_secret_new(&f.token, strlen(TOKEN), &err) == MUN_OK);
	memcpy(f.token.data, TOKEN, strlen(TOKEN));
	assert(mun_http_open(&f.http, &o, &err) == MUN_OK);
	assert(pthread_create(&thread, NULL, serve, NULL) == 0);
	assert(pthread_detach(thread) == 0);
	assert(atexit(finish) == 0);
}

static void check_answer(const struct mun_answer *a)
{
	assert(a->tag == 7 && a->sent);
	assert(a->send == MUN_SEND_OK || a->send == MUN_SEND_BROKEN);
	assert(a->http == 0 || (a->http >= 100 && a->http <= 599));
	assert(a->send != MUN_SEND_OK || a->http >= 200);
	for (int i = 0; i < MUN_HEADERS; i++)
		assert(fuzz_is_plain(a->header[i], strlen(a->header[i])));
	assert(a->retry_after_s >= -1);
	assert(fuzz_is_plain(a->location_host, strlen(a->location_host)));
	assert(fuzz_is_plain(a->error, strlen(a->error)));
	assert(fuzz_is_plain(a->curl_name, strlen(a->curl_name)));
	assert(a->body_len <= BODY_MAX && (a->body || a->body_len == 0));
	assert(!a->body || a->body[a->body_len] == '\0');
	assert(!a->body_cut || !mun_answer_is_json(a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mun_id id = { { 0x22 } };
	struct mun_request r;
	struct mun_answer a;
	struct mun_wire *wire;
	struct mun_err err;
	size_t len = 0;

	if (size > sizeof(f.data))
		return 0;
	if (!f.http)
		begin();
	wire = mun_http_wire(f.http);
	(void)pthread_mutex_lock(&f.lock);
	f.len = size;
	if (size > 0)
		memcpy(f.data, data, size);
	(void)pthread_mutex_unlock(&f.lock);
	mun_request_mutate(&r, &f.base, &mun_ops[MUN_OP_ARCHIVE], &id, &id);
	assert(wire->start(wire, 7, &r, BODY_MAX, &err) == MUN_OK);
	while (len == 0)
		assert(wire->wait(wire, 10000, &a, 1, &len, &err) == MUN_OK);
	check_answer(&a);
	mun_answer_done(&a);
	return 0;
}
