/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/send.h"

#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/sandbox/moment.h"
#include "tests/sandbox/reply.h"

#define HUGE_BYTES   (UINT64_C(1) << 30)
#define HANG_STEP_MS 100

static int socket_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* Disconnecting a connected socket sends RST, while closing would send FIN. */
static void reset(int fd)
{
	struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	(void)connect(fd, &nowhere, sizeof nowhere);
}

static void hang(int fd)
{
	struct pollfd client = { .fd = fd, .events = POLLRDHUP };

	while (!sandbox_woken()) {
		if (poll(&client, 1, HANG_STEP_MS) > 0)
			return;
	}
}

/* The library sends whole headers only, so these bytes bypass it. */
static void send_cut_headers(int fd, const struct sandbox_reply *reply, const char *request_id)
{
	char date[SANDBOX_MOMENT_MAX];
	size_t room = reply->body_len + 512;
	char *text = malloc(room);
	size_t len;

	if (text == NULL)
		return;
	sandbox_moment_http(date, sandbox_now_ms());
	len = (size_t)snprintf(text, room,
	                       "HTTP/1.1 %u Sandbox\r\nDate: %s\r\nX-Request-Id: %s\r\n"
	                       "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
	                       reply->status, date, request_id, reply->type, reply->body_len,
	                       reply->body == NULL ? "" : reply->body);
	if (reply->cut < len)
		len = reply->cut;
	if (send(fd, text, len, MSG_NOSIGNAL) < 0)
		perror("muniment-sandbox: send");
	free(text);
}

/* The body of one answer that is made while it is sent. */
struct body {
	char *text;
	size_t len;
	enum sandbox_send send;
	size_t cut;
};

static void free_body(void *cls)
{
	struct body *body = cls;

	free(body->text);
	free(body);
}

static ssize_t copy_body(const struct body *body, uint64_t pos, char *buf, size_t max)
{
	size_t end = body->send == SANDBOX_SEND_CUT_BODY ? body->cut : body->len;

	if (pos >= end)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (max > end - pos)
		max = end - (size_t)pos;
	memcpy(buf, body->text + pos, max);
	return (ssize_t)max;
}

static ssize_t read_body(void *cls, uint64_t pos, char *buf, size_t max)
{
	static const char opening[] = "{\"data\":{\"summary\":\"";
	const struct body *body = cls;

	if (body->send == SANDBOX_SEND_HUGE) {
		memset(buf, 'a', max);
		if (pos == 0 && max >= sizeof opening)
			memcpy(buf, opening, sizeof opening - 1);
		return (ssize_t)max;
	}
	if (body->send == SANDBOX_SEND_DRIP) {
		sandbox_sleep_ms(1000);
		if (sandbox_woken())
			return MHD_CONTENT_READER_END_WITH_ERROR;
		max = 1;
	}
	return copy_body(body, pos, buf, max);
}

static struct MHD_Response *make_streamed(struct sandbox_reply *reply)
{
	struct body *body = malloc(sizeof *body);
	uint64_t size = reply->send == SANDBOX_SEND_HUGE ? HUGE_BYTES : reply->body_len;
	struct MHD_Response *response;

	if (body == NULL)
		return NULL;
	*body = (struct body){
		.text = reply->body,
		.len = reply->body_len,
		.send = reply->send,
		.cut = reply->cut,
	};
	response = MHD_create_response_from_callback(
		size, reply->send == SANDBOX_SEND_DRIP ? 1 : 65536, read_body, body, free_body);
	if (response == NULL)
		free(body);
	else
		reply->body = NULL;
	return response;
}

static struct MHD_Response *make_response(struct sandbox_reply *reply)
{
	struct MHD_Response *response;

	if (reply->send != SANDBOX_SEND_WHOLE)
		return make_streamed(reply);
	response = MHD_create_response_from_buffer(reply->body_len, reply->body,
	                                           MHD_RESPMEM_MUST_FREE);
	if (response != NULL)
		reply->body = NULL;
	return response;
}

static bool send_response(struct MHD_Connection *connection, struct sandbox_reply *reply,
                          const char *request_id)
{
	struct MHD_Response *response = make_response(reply);
	bool ok;

	if (response == NULL)
		return false;
	(void)MHD_add_response_header(response, "Content-Type", reply->type);
	(void)MHD_add_response_header(response, "X-Request-Id", request_id);
	if (reply->location != NULL)
		(void)MHD_add_response_header(response, "Location", reply->location);
	for (int i = 0; i < 2; i++) {
		if (reply->retry_after[i][0] != '\0')
			(void)MHD_add_response_header(response, "Retry-After",
			                              reply->retry_after[i]);
	}
	ok = MHD_queue_response(connection, reply->status, response) == MHD_YES;
	MHD_destroy_response(response);
	return ok;
}

bool sandbox_send(struct MHD_Connection *connection, struct sandbox_reply *reply,
                  const char *request_id, bool tls)
{
	switch (reply->send) {
	case SANDBOX_SEND_CLOSE:
		return false;
	case SANDBOX_SEND_RESET:
		reset(socket_of(connection));
		return false;
	case SANDBOX_SEND_HANG:
		hang(socket_of(connection));
		return false;
	case SANDBOX_SEND_CUT_HEADERS:
		if (!tls) /* plain bytes would be an alert there; the client sees a close */
			send_cut_headers(socket_of(connection), reply, request_id);
		return false;
	case SANDBOX_SEND_WHOLE:
	case SANDBOX_SEND_CUT_BODY:
	case SANDBOX_SEND_DRIP:
	case SANDBOX_SEND_HUGE:
		return send_response(connection, reply, request_id);
	}
	return false;
}
