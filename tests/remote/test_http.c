/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/remote/http.h"
#include "tests/remote/http_server.h"
#include "tests/test.h"

#define TOKEN "abcde-12345"

static struct mun_err err;

struct client {
	struct mun_base_url base;
	struct mun_secret token;
	struct mun_http *http;
	struct mun_wire *wire;
};

static void client_open(struct client *c, unsigned port, uint32_t timeout_ms)
{
	char url[64];
	struct mun_http_options o = { .timeout_ms = timeout_ms, .concurrency = 64 };

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
	assert_ok(mun_base_url_parse(&c->base, url, &err), &err);
	assert_ok(mun_secret_new(&c->token, sizeof(TOKEN) - 1, &err), &err);
	memcpy(c->token.data, TOKEN, sizeof(TOKEN) - 1);
	o.base = &c->base;
	o.token = &c->token;
	o.user_agent = "test/1";
	assert_ok(mun_http_open(&c->http, &o, &err), &err);
	c->wire = mun_http_wire(c->http);
}

static void client_close(struct client *c)
{
	mun_http_closep(&c->http);
	mun_secret_done(&c->token);
}

static void start(struct client *c, enum mun_op_kind op, uint64_t tag, size_t body_max)
{
	struct mun_request r;
	struct mun_id id;

	memset(&id, 0x22, sizeof(id));
	mun_request_mutate(&r, &c->base, &mun_ops[op], &id, &id);
	assert_ok(c->wire->start(c->wire, tag, &r, body_max, &err), &err);
}

static struct mun_answer wait_one(struct client *c)
{
	struct mun_answer a;
	size_t n = 0;

	for (int i = 0; n == 0 && i < 1000; i++)
		assert_ok(c->wire->wait(c->wire, 5000, &a, 1, &n, &err), &err);
	assert_int_equal(n, 1);
	return a;
}

static struct mun_answer exchange(struct client *c)
{
	start(c, MUN_OP_ARCHIVE, 7, MUN_ANSWER_RUN_MAX);
	return wait_one(c);
}

static void plain(void **state)
{
	static const struct step steps[] = {
		{ ACT_ANSWER, "HTTP/1.1 100 Continue\r\nX-Request-Id: interim\r\n\r\n"
		              "HTTP/1.1 200 OK\r\nX-REQUEST-ID:  r\x01\xff  \r\nSet-Cookie: a=b\r\n"
		              "Content-Length: 2\r\n\r\n{}" },
	};
	struct server s;
	struct client c;
	struct mun_answer a;

	(void)state;
	server_start(&s, steps, 1);
	client_open(&c, s.port, 5000);
	a = exchange(&c);
	assert_int_equal(a.send, MUN_SEND_OK);
	assert_true(a.sent && a.tag == 7 && a.http == 200 && a.body_len == 2);
	assert_string_equal(a.body, "{}");
	assert_string_equal(a.header[MUN_H_X_REQUEST_ID], "r??");
	assert_string_equal(a.remote_ip, "127.0.0.1");
	assert_non_null(strstr(s.last, "DELETE /organizations/2222"));
	assert_non_null(strstr(s.last, "Authorization: Bearer " TOKEN "\r\n"));
	assert_non_null(strstr(s.last, "X-Tallyfy-Client: APIClient\r\n"));
	assert_null(strstr(s.last, "Expect"));
	mun_answer_done(&a);
	start(&c, MUN_OP_RESTORE, 8, 100);
	a = wait_one(&c);
	assert_non_null(strstr(s.last, "PUT /organizations/2222"));
	assert_non_null(strstr(s.last, "/activate HTTP/1.1\r\n"));
	assert_non_null(strstr(s.last, "Content-Length: 0\r\n"));
	assert_null(strstr(s.last, "Cookie"));
	mun_answer_done(&a);
	client_close(&c);
	server_stop(&s);
}

static void no_second_send(enum act act)
{
	const struct step steps[] = { { ACT_ANSWER, GOOD }, { act, NULL } };
	struct server s;
	struct client c;
	struct mun_answer a;

	server_start(&s, steps, 2);
	client_open(&c, s.port, 5000);
	a = exchange(&c);
	assert_int_equal(a.send, MUN_SEND_OK);
	mun_answer_done(&a);
	a = exchange(&c);
	assert_int_equal(a.send, MUN_SEND_BROKEN);
	assert_true(a.sent && a.http == 0);
	mun_answer_done(&a);
	assert_int_equal(requests_of(&s), 2); /* the first and the one that broke */
	client_close(&c);
	server_stop(&s);
}

static void fin_on_reuse(void **state)
{
	(void)state;
	no_second_send(ACT_FIN);
}

static void rst_on_reuse(void **state)
{
	(void)state;
	no_second_send(ACT_RST);
}

static void refused(void **state)
{
	struct server s;
	struct client c;
	struct mun_answer a;

	(void)state;
	server_start(&s, NULL, 0);
	server_stop(&s);
	client_open(&c, s.port, 5000);
	a = exchange(&c);
	assert_int_equal(a.send, MUN_SEND_NOT_SENT);
	assert_true(!a.sent && a.error[0]);
	assert_string_equal(a.curl_name, "CURLE_COULDNT_CONNECT");
	assert_string_equal(a.remote_ip, "127.0.0.1");
	client_close(&c);
}

/* A server may repeat what it got: no trace of it, not even of one that a limit cuts in two. */
static void token_repeated(void **state)
{
	char reply[1024];
	const struct step step = { ACT_ANSWER, reply };
	struct server s;
	struct client c;
	struct mun_answer a;

	(void)state;
	(void)snprintf(reply, sizeof(reply),
	               "HTTP/1.1 302 X\r\nX-Request-Id: %0*d" TOKEN "\r\n"
	               "CF-Ray: Bearer " TOKEN "\r\nLocation: https://" TOKEN ".test/\r\n"
	               "Content-Length: 38\r\n\r\n{\"a\":\"" TOKEN "\",\"b\":\"" TOKEN "\"}!",
	               MUN_HEADER_MAX - 4, 0);
	server_start(&s, &step, 1);
	client_open(&c, s.port, 5000);
	a = exchange(&c);
	assert_int_equal(a.send, MUN_SEND_OK);
	assert_string_equal(a.header[MUN_H_X_REQUEST_ID], "[token]");
	assert_string_equal(a.header[MUN_H_CF_RAY], "[token]");
	assert_string_equal(a.location_host, "127.0.0.1");
	assert_string_equal(a.body, "{\"a\":\"[token]\",\"b\":\"[token]\"}!");
	assert_int_equal(a.body_len, strlen(a.body));
	mun_answer_done(&a);
	client_close(&c);
	server_stop(&s);
}

static void no_time_at_all(void **state)
{
	struct mun_http_options o = { .concurrency = 1, .user_agent = "test" };
	struct mun_secret token = { 0 };
	struct mun_http *http = NULL;
	struct mun_base_url base;

	(void)state;
	assert_ok(mun_base_url_parse(&base, "http://127.0.0.1", &err), &err);
	o.base = &base;
	o.token = &token;
	assert_fails(mun_http_open(&http, &o, &err), MUN_E_USAGE, &err);
	assert_null(http);
}

static void not_followed(void **state)
{
	static const struct step steps[] = {
		{ ACT_ANSWER, "HTTP/1.1 302 Found\r\nLocation: http://u:p@login.test/x\r\n"
		              "Content-Length: 0\r\n\r\n" },
	};
	struct server s;
	struct client c;
	struct mun_answer a;

	(void)state;
	server_start(&s, steps, 1);
	client_open(&c, s.port, 5000);
	a = exchange(&c);
	assert_true(a.send == MUN_SEND_OK && a.http == 302);
	assert_string_equal(a.location_host, "login.test");
	assert_int_equal(requests_of(&s), 1);
	client_close(&c);
	server_stop(&s);
}

/* A good answer cut at each byte: never a whole body, never more than one request. */
static void cut_everywhere(void **state)
{
	static const char whole[] = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"a\":12}";
	char part[sizeof(whole)];

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		const struct step step = { ACT_SEND_CLOSE, part };
		struct server s;
		struct client c;
		struct mun_answer a;

		memcpy(part, whole, len);
		part[len] = '\0';
		server_start(&s, &step, 1);
		client_open(&c, s.port, 5000);
		a = exchange(&c);
		assert_true(a.sent);
		assert_true(a.send == MUN_SEND_BROKEN || (a.send == MUN_SEND_OK && a.body_len < 8));
		mun_answer_done(&a);
		client_close(&c);
		assert_int_equal(s.requests, 1);
		server_stop(&s);
	}
}

static void garbage(void **state)
{
	static const char *const replies[] = {
		"\x01\x02\x03\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: garbage\r\n\r\nxx",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
		"HTTP/1.1 99999 OK\r\n\r\n",
		"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\n:\r\n: x\r\nnocolon\r\nRetry-After\r\n\r\n",
		"SSH-2.0-OpenSSH\r\n",
	};

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(replies); i++) {
		const struct step step = { ACT_SEND_CLOSE, replies[i] };
		struct server s;
		struct client c;
		struct mun_answer a;

		server_start(&s, &step, 1);
		client_open(&c, s.port, 2000);
		a = exchange(&c);
		assert_true(a.sent);
		assert_true(a.send == MUN_SEND_BROKEN || a.http >= 200);
		mun_answer_done(&a);
		client_close(&c);
		server_stop(&s);
	}
}

static void huge_body(void **state)
{
	static const struct step step = { ACT_SEND_CLOSE, "HTTP/1.1 200 OK\r\n\r\n" };
	struct server s;
	struct client c;
	struct mun_answer a;

	(void)state;
	server_start(&s, &step, 1);
	s.huge = 64u << 20;
	client_open(&c, s.port, 20000);
	a = exchange(&c);
	assert_true(a.body_cut && !a.body && a.body_len == 0);
	assert_true(a.send == MUN_SEND_OK && a.http == 200);
	client_close(&c);
	server_stop(&s);
}

/* Each line is short enough for libcurl; all together they are not. */
static void endless_headers(void **state)
{
	static char reply[2000 * 1000];
	const struct step step = { ACT_SEND_CLOSE, reply };
	struct server s;
	struct client c;
	struct mun_answer a;
	size_t len = (size_t)snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\n");

	(void)state;
	while (len < sizeof(reply) - 2000)
		len += (size_t)snprintf(reply + len, sizeof(reply) - len, "X-Filler: %01000d\r\n",
		                        0);
	(void)snprintf(reply + len, sizeof(reply) - len, "Content-Length: 2\r\n\r\n{}");
	server_start(&s, &step, 1);
	client_open(&c, s.port, 5000);
	a = exchange(&c);
	assert_true(a.sent && a.send == MUN_SEND_BROKEN && a.body_len == 0);
	assert_string_equal(a.curl_name, "CURLE_WRITE_ERROR");
	client_close(&c);
	server_stop(&s);
}

static void silence(void **state)
{
	static const struct step steps[] = { { ACT_SILENCE, NULL }, { ACT_SILENCE, NULL } };
	struct server s;
	struct client c;
	struct mun_answer a;

	(void)state;
	server_start(&s, steps, 2);
	client_open(&c, s.port, 300);
	a = exchange(&c);
	assert_int_equal(a.send, MUN_SEND_BROKEN);
	assert_string_equal(a.curl_name, "CURLE_OPERATION_TIMEDOUT");
	assert_true(a.duration_ms >= 250 && a.duration_ms < 3000);
	client_close(&c);
	server_stop(&s);
}

static void aborted(void **state)
{
	static const struct step step = { ACT_SILENCE, NULL };
	struct server s;
	struct client c;
	struct mun_answer a;
	size_t n;

	(void)state;
	server_start(&s, &step, 1);
	client_open(&c, s.port, 20000);
	start(&c, MUN_OP_ARCHIVE, 1, 100);
	for (int i = 0; i < 200 && requests_of(&s) == 0; i++)
		assert_ok(c.wire->wait(c.wire, 10, &a, 1, &n, &err), &err);
	start(&c, MUN_OP_ARCHIVE, 2, 100);
	c.wire->abort(c.wire);
	for (int i = 0; i < 2; i++) {
		a = wait_one(&c);
		assert_int_equal(a.send, a.tag == 1 ? MUN_SEND_BROKEN : MUN_SEND_NOT_SENT);
	}
	assert_int_equal(requests_of(&s), 1);
	client_close(&c);
	server_stop(&s);
}

static void retry_after(void **state)
{
	static const struct step steps[] = {
		{ ACT_ANSWER, "HTTP/1.1 429 X\r\nRetry-After: 3\r\nRetry-After: 70\r\n"
		              "Retry-After: x\r\nContent-Length: 0\r\n\r\n" },
		{ ACT_ANSWER, "HTTP/1.1 429 X\r\nRetry-After: Wed, 21 Oct 2015 07:28:30 GMT\r\n"
		              "Date: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n" },
	};
	struct server s;
	struct client c;
	struct mun_answer a;

	(void)state;
	server_start(&s, steps, 2);
	client_open(&c, s.port, 5000);
	a = exchange(&c);
	assert_true(a.http == 429 && a.retry_after_s == 70);
	a = exchange(&c);
	assert_true(a.http == 429 && a.retry_after_s == 30);
	a = exchange(&c);
	assert_true(a.retry_after_s == -1);
	mun_answer_done(&a);
	client_close(&c);
	server_stop(&s);
}

static void forbidden_path(void **state)
{
	struct client c;
	struct mun_request r;
	struct mun_id id;
	size_t len;

	(void)state;
	memset(&id, 0x22, sizeof(id));
	client_open(&c, 9, 1000);
	mun_request_mutate(&r, &c.base, &mun_ops[MUN_OP_ARCHIVE], &id, &id);
	len = strlen(r.path);
	(void)snprintf(r.path + len, sizeof(r.path) - len, "%s", "/delete");
	assert_fails(c.wire->start(c.wire, 1, &r, 10, &err), MUN_E_INTERNAL, &err);
	client_close(&c);
}

static void many(void **state)
{
	enum {
		TOTAL = 4000,
		WIDTH = 64
	};
	struct server s;
	struct client c;
	struct mun_answer a[WIDTH];
	struct timespec t0, t1;
	size_t started = 0, ended = 0, n;

	(void)state;
	server_start(&s, NULL, 0);
	client_open(&c, s.port, 20000);
	(void)clock_gettime(CLOCK_MONOTONIC, &t0);
	while (ended < TOTAL) {
		for (; started < TOTAL && started - ended < WIDTH; started++)
			start(&c, MUN_OP_ARCHIVE, started, 1000);
		assert_ok(c.wire->wait(c.wire, 1000, a, WIDTH, &n, &err), &err);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(a[i].http, 200);
			mun_answer_done(&a[i]);
		}
		ended += n;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &t1);
	print_message("# %.0f exchanges/s\n", TOTAL / ((double)(t1.tv_sec - t0.tv_sec) +
	                                               (double)(t1.tv_nsec - t0.tv_nsec) / 1e9));
	assert_int_equal(requests_of(&s), TOTAL);
	client_close(&c);
	server_stop(&s);
}

static int set_up(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)unsetenv("http_proxy");
	(void)unsetenv("all_proxy");
	(void)unsetenv("ALL_PROXY");
	return mun_crypto_init(&err) == MUN_OK ? 0 : -1;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),          cmocka_unit_test(fin_on_reuse),
		cmocka_unit_test(rst_on_reuse),   cmocka_unit_test(refused),
		cmocka_unit_test(not_followed),   cmocka_unit_test(cut_everywhere),
		cmocka_unit_test(garbage),        cmocka_unit_test(huge_body),
		cmocka_unit_test(silence),        cmocka_unit_test(aborted),
		cmocka_unit_test(retry_after),    cmocka_unit_test(forbidden_path),
		cmocka_unit_test(many),           cmocka_unit_test(endless_headers),
		cmocka_unit_test(no_time_at_all), cmocka_unit_test(token_repeated),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
