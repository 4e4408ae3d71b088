/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/remote/post.h"
#include "tests/remote/http_server.h"
#include "tests/test.h"

static struct mun_err err;

static struct mun_poster *open_poster(void)
{
	const struct mun_poster_options o = { .user_agent = "test/1" };
	struct mun_poster *p = NULL;

	assert_ok(mun_poster_open(&p, &o, &err), &err);
	return p;
}

static void start_to(struct mun_poster *p, const struct server *s, uint64_t tag,
                     uint32_t timeout_ms)
{
	char url[64];
	char body[] = "the body";
	const struct mun_post what = { .tag = tag,
		                       .url = url,
		                       .content_type = "application/timestamp-query",
		                       .accept = "application/timestamp-reply",
		                       .body = body,
		                       .body_len = 8,
		                       .timeout_ms = timeout_ms };

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/tsr?a=b", s->port);
	assert_ok(mun_poster_start(p, &what, &err), &err);
	memset(url, 'x', sizeof(url)); /* all of it was copied */
	memset(body, 'x', sizeof(body));
}

static struct mun_answer wait_one(struct mun_poster *p)
{
	struct mun_answer a;
	size_t n = 0;

	for (int i = 0; n == 0 && i < 1000; i++)
		assert_ok(mun_poster_wait(p, 100, &a, 1, &n, &err), &err);
	assert_int_equal(n, 1);
	return a;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* One exchange with a server that does that step. */
static struct mun_answer ask(const struct step *step, size_t huge, char ret_request[static 4096])
{
	struct mun_poster *p = open_poster();
	struct server s;
	struct mun_answer a;

	server_start(&s, step, 1);
	s.huge = huge;
	start_to(p, &s, 7, 2000);
	assert_int_equal(mun_poster_flying(p), 1);
	a = wait_one(p);
	assert_int_equal(mun_poster_flying(p), 0);
	assert_int_equal(requests_of(&s), 1); /* never sent again */
	memcpy(ret_request, s.last, sizeof(s.last));
	mun_poster_closep(&p);
	server_stop(&s);
	assert_true(a.tag == 7);
	return a;
}

static void a_post_arrives_whole(void **state)
{
	static const struct step step = { ACT_SEND_CLOSE,
		                          "HTTP/1.1 200 OK\r\nContent-Type: text/x.tlog.size\r\n"
		                          "Content-Length: 3\r\n\r\na\0c" };
	char request[4096];
	struct mun_answer a;

	(void)state;
	a = ask(&step, 0, request);
	assert_int_equal(strncmp(request, "POST /tsr?a=b HTTP/1.1\r\n", 24), 0);
	assert_non_null(strstr(request, "\r\nContent-Type: application/timestamp-query\r\n"));
	assert_non_null(strstr(request, "\r\nAccept: application/timestamp-reply\r\n"));
	assert_non_null(strstr(request, "\r\nContent-Length: 8\r\n"));
	assert_non_null(strstr(request, "\r\nUser-Agent: test/1\r\n"));
	assert_non_null(strstr(request, "\r\n\r\nthe body"));
	assert_null(strstr(request, "Authorization"));
	assert_null(strstr(request, "Expect"));
	mun_answer_done(&a);
}

static void an_answer_is_handed_over(void **state)
{
	static const struct step step = { ACT_ANSWER,
		                          "HTTP/1.1 409 Conflict\r\nContent-Type: "
		                          "text/x.tlog.size\r\nContent-Length: 3\r\n\r\n17\n" };
	char request[4096];
	struct mun_answer a;

	(void)state;
	a = ask(&step, 0, request);
	assert_int_equal(a.send, MUN_SEND_OK);
	assert_int_equal(a.http, 409);
	assert_int_equal(a.body_len, 3);
	assert_string_equal(a.body, "17\n");
	assert_string_equal(a.header[MUN_H_CONTENT_TYPE], "text/x.tlog.size");
	mun_answer_done(&a);
}

static void redirects_are_not_followed(void **state)
{
	static const struct step step = { ACT_ANSWER,
		                          "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
		                          "Content-Length: 0\r\n\r\n" };
	char request[4096];
	struct mun_answer a;

	(void)state;
	a = ask(&step, 0, request);
	assert_int_equal(a.http, 302);
	assert_null(a.body);
	mun_answer_done(&a);
}

static void an_answer_has_64_kib_at_most(void **state)
{
	static const struct step exact = { ACT_SEND_CLOSE, "HTTP/1.1 200 OK\r\n\r\n" };
	static const struct step more = { ACT_SEND_CLOSE, "HTTP/1.1 200 OK\r\n\r\n+" };
	char request[4096];
	struct mun_answer a;

	(void)state;
	a = ask(&exact, MUN_POST_ANSWER_MAX, request);
	assert_false(a.body_cut);
	assert_int_equal(a.body_len, MUN_POST_ANSWER_MAX);
	mun_answer_done(&a);
	a = ask(&more, MUN_POST_ANSWER_MAX, request);
	assert_true(a.body_cut);
	assert_null(a.body);
	mun_answer_done(&a);
}

static void what_breaks_is_told(void **state)
{
	static const struct step steps[] = {
		{ ACT_FIN, NULL },
		{ ACT_RST, NULL },
		{ ACT_SEND_CLOSE, "garbage\r\n\r\n" },
		{ ACT_SEND_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort" },
	};
	char request[4096];

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(steps); i++) {
		struct mun_answer a = ask(&steps[i], 0, request);

		assert_int_not_equal(a.send, MUN_SEND_OK);
		assert_true(a.error[0] != '\0');
		mun_answer_done(&a);
	}
}

static void each_has_its_own_time(void **state)
{
	static const struct step silence = { ACT_SILENCE, NULL };
	struct mun_poster *p = open_poster();
	struct server silent, good;
	struct mun_answer a;
	int64_t begun = now_ms();
	size_t n = 1;

	(void)state;
	server_start(&silent, &silence, 1);
	server_start(&good, NULL, 0);
	start_to(p, &silent, 1, 700);
	start_to(p, &good, 2, 60000);
	assert_ok(mun_poster_wait(p, 0, &a, 1, &n, &err), &err);
	assert_true(now_ms() - begun < 300); /* 0: no waiting */
	if (n == 0)
		a = wait_one(p);
	assert_true(a.tag == 2);
	assert_int_equal(a.http, 200);
	mun_answer_done(&a);
	assert_int_equal(mun_poster_flying(p), 1);
	a = wait_one(p);
	assert_true(a.tag == 1);
	assert_int_equal(a.send, MUN_SEND_BROKEN);
	assert_string_equal(a.curl_name, "CURLE_OPERATION_TIMEDOUT");
	assert_true(now_ms() - begun >= 600 && now_ms() - begun < 5000);
	mun_answer_done(&a);
	mun_poster_closep(&p);
	server_stop(&silent);
	server_stop(&good);
}

static void closing_gives_up_what_is_in_flight(void **state)
{
	static const struct step silence = { ACT_SILENCE, NULL };
	struct mun_poster *p = open_poster();
	struct server silent;
	struct mun_answer a;
	size_t n;
	int64_t begun = now_ms();

	(void)state;
	server_start(&silent, &silence, 1);
	start_to(p, &silent, 1, 60000);
	assert_ok(mun_poster_wait(p, 50, &a, 1, &n, &err), &err);
	assert_int_equal(n, 0);
	mun_poster_closep(&p);
	assert_null(p);
	assert_true(now_ms() - begun < 5000);
	server_stop(&silent);
	mun_poster_closep(&p);
}

static void nobody_there(void **state)
{
	struct mun_poster *p = open_poster();
	struct server s;
	struct mun_answer a;

	(void)state;
	server_start(&s, NULL, 0);
	server_stop(&s);
	start_to(p, &s, 3, 2000);
	a = wait_one(p);
	assert_int_equal(a.send, MUN_SEND_NOT_SENT);
	assert_string_equal(a.curl_name, "CURLE_COULDNT_CONNECT");
	mun_answer_done(&a);
	mun_poster_closep(&p);
}

static void addresses(void **state)
{
	static const char *const good[] = {
		"http://timestamp.test",
		"https://freetsa.test/tsr",
		"HTTP://127.0.0.1:8080/a?b=c",
		"http://[::1]:8080/",
	};
	static const char *const bad[] = {
		"",
		"timestamp.test",
		"ftp://timestamp.test/",
		"file:///etc/passwd",
		"http://",
		"http:///tsr",
		"http://user:secret@timestamp.test/",
		"http://user@timestamp.test/",
		"http://timestamp.test/#x",
		"http://timestamp.test:99999/",
		"http://time stamp.test/",
		"http://timestamp.test/\n",
		"http://timestamp.test/\xc3\xa9",
	};
	char longest[MUN_POST_URL_MAX + 2] = "http://timestamp.test/";

	(void)state;
	for (size_t i = 0; i < MUN_ARRAY_LEN(good); i++)
		assert_ok(mun_post_url_check(good[i], "--timestamp", &err), &err);
	for (size_t i = 0; i < MUN_ARRAY_LEN(bad); i++) {
		assert_fails(mun_post_url_check(bad[i], "--timestamp", &err), MUN_E_USAGE, &err);
		assert_int_equal(strncmp(err.text, "--timestamp: ", 13), 0);
		assert_null(strstr(err.text, "secret"));
	}
	memset(longest + strlen(longest), 'a', MUN_POST_URL_MAX - strlen(longest));
	assert_ok(mun_post_url_check(longest, "--timestamp", &err), &err);
	longest[MUN_POST_URL_MAX] = 'a';
	assert_fails(mun_post_url_check(longest, "--timestamp", &err), MUN_E_USAGE, &err);
}

static void proxies_are_those_of_the_environment(void **state)
{
	const struct mun_post what = { .url = "http://timestamp.test/tsr",
		                       .content_type = "text/plain",
		                       .body = "",
		                       .timeout_ms = 2000 };
	struct mun_poster *p = open_poster();
	struct server s;
	struct mun_answer a;
	char proxy[64];

	(void)state;
	server_start(&s, NULL, 0);
	(void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", s.port);
	(void)setenv("http_proxy", proxy, 1);
	assert_ok(mun_poster_start(p, &what, &err), &err);
	a = wait_one(p);
	assert_int_equal(a.http, 200);
	mun_answer_done(&a);
	assert_int_equal(strncmp(s.last, "POST http://timestamp.test/tsr HTTP/1.1\r\n", 41), 0);
	assert_null(strstr(s.last, "Accept:"));
	(void)setenv("http_proxy", "gopher://user:secret@x", 1);
	assert_fails(mun_poster_start(p, &what, &err), MUN_E_USAGE, &err);
	assert_null(strstr(err.text, "secret"));
	(void)unsetenv("http_proxy");
	mun_poster_closep(&p);
	server_stop(&s);
}

static void options_are_checked(void **state)
{
	const struct mun_poster_options o = { .user_agent = "test/1", .cacert = "/nonexistent" };
	struct mun_poster *p = NULL;

	(void)state;
	assert_fails(mun_poster_open(&p, &o, &err), MUN_E_USAGE, &err);
	assert_null(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_post_arrives_whole),
		cmocka_unit_test(an_answer_is_handed_over),
		cmocka_unit_test(redirects_are_not_followed),
		cmocka_unit_test(an_answer_has_64_kib_at_most),
		cmocka_unit_test(what_breaks_is_told),
		cmocka_unit_test(each_has_its_own_time),
		cmocka_unit_test(closing_gives_up_what_is_in_flight),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(addresses),
		cmocka_unit_test(proxies_are_those_of_the_environment),
		cmocka_unit_test(options_are_checked),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
