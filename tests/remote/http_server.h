/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TESTS_HTTP_SERVER_H
#define MUN_TESTS_HTTP_SERVER_H
/* A server on loopback that does to each request what the test says, good or bad. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/test.h"

/* What the server does with the n-th request that it gets (from 0). */
enum act {
	ACT_ANSWER, /* reply, connection kept */
	ACT_FIN,    /* close without a byte */
	ACT_RST,
	ACT_SEND_CLOSE, /* reply, then close */
	ACT_SILENCE,    /* until the client leaves */
};

struct step {
	enum act act;
	const char *reply;
};

struct server {
	int fd;
	unsigned port;
	const struct step *steps;
	size_t steps_len;
	unsigned requests;
	size_t huge; /* bytes of body behind the reply */
	char last[4096];
	pthread_mutex_t lock;
	pthread_t thread;
};

struct peer {
	struct server *server;
	int fd;
};

#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

static void send_text(int fd, const char *s, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, s, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		s += n;
		len -= (size_t)n;
	}
}

static bool read_request(int fd, char *ret, size_t size)
{
	size_t len = 0;

	ret[0] = '\0';
	while (!strstr(ret, "\r\n\r\n")) {
		ssize_t n = recv(fd, ret + len, size - 1 - len, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
		ret[len] = '\0';
	}
	return true;
}

static struct step next_step(struct server *s, const char *request)
{
	struct step step = { ACT_ANSWER, GOOD };

	(void)pthread_mutex_lock(&s->lock);
	if (s->requests < s->steps_len)
		step = s->steps[s->requests];
	s->requests++;
	(void)snprintf(s->last, sizeof(s->last), "%s", request);
	(void)pthread_mutex_unlock(&s->lock);
	return step;
}

static bool do_step(struct peer *p, const struct step *step)
{
	static const struct linger abort_close = { 1, 0 };
	static char filler[65536];

	if (step->reply)
		send_text(p->fd, step->reply, strlen(step->reply));
	for (size_t sent = 0; step->reply && sent < p->server->huge; sent += sizeof(filler)) {
		if (send(p->fd, filler, sizeof(filler), MSG_NOSIGNAL) <= 0)
			return false;
	}
	if (step->act == ACT_RST)
		(void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &abort_close, sizeof(abort_close));
	if (step->act == ACT_SILENCE) {
		char sink[64];

		(void)recv(p->fd, sink, sizeof(sink), 0);
	}
	return step->act == ACT_ANSWER;
}

static void *serve_peer(void *arg)
{
	struct peer *p = arg;
	char request[4096];
	bool go_on = true;

	while (go_on && read_request(p->fd, request, sizeof(request))) {
		struct step step = next_step(p->server, request);

		go_on = do_step(p, &step);
	}
	(void)close(p->fd);
	free(p);
	return NULL;
}

static void *serve(void *arg)
{
	struct server *s = arg;

	for (;;) {
		int fd = accept(s->fd, NULL, NULL);
		struct peer *p;
		pthread_t thread;

		if (fd < 0)
			return NULL;
		p = malloc(sizeof(*p));
		if (!p)
			abort();
		*p = (struct peer){ s, fd };
		if (pthread_create(&thread, NULL, serve_peer, p) != 0)
			abort();
		(void)pthread_detach(thread);
	}
}

static void server_start(struct server *s, const struct step *steps, size_t len)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t a_len = sizeof(a);

	memset(s, 0, sizeof(*s));
	s->steps = steps;
	s->steps_len = len;
	(void)pthread_mutex_init(&s->lock, NULL);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->fd, 256), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &a_len), 0);
	s->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
}

static unsigned requests_of(struct server *s)
{
	unsigned n;

	/* A request sent twice would still be on its way. */
	(void)usleep(100 * 1000);
	(void)pthread_mutex_lock(&s->lock);
	n = s->requests;
	(void)pthread_mutex_unlock(&s->lock);
	return n;
}

#endif
