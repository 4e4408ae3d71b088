/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sandbox/moment.h"
#include "tests/sandbox/random.h"
#include "tests/sandbox/routes.h"
#include "tests/sandbox/send.h"

#define PEM_MAX 65536

static void *begin_request(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct sandbox_request *request = sandbox_request_new(target);

	(void)cls;
	if (request != NULL)
		request->connection = connection;
	return request;
}

static void end_request(void *cls, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode code)
{
	(void)cls;
	(void)connection;
	(void)code;
	sandbox_request_free(*request);
	*request = NULL;
}

static unsigned peer_port(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct sockaddr_in peer;

	memcpy(&peer, info->client_addr, sizeof peer);
	return ntohs(peer.sin_port);
}

static bool answer(struct sandbox_server *s, const struct sandbox_request *request)
{
	const struct sandbox_options *o = s->state->options;
	struct sandbox_reply reply = { 0 };
	char request_id[33];
	bool sent;

	if (o->latency_ms > 0)
		sandbox_sleep_ms(o->latency_ms);
	(void)pthread_mutex_lock(&s->lock);
	sandbox_routes_answer(s->state, request, &reply);
	(void)pthread_mutex_unlock(&s->lock);
	sandbox_hex_id(request_id, o->seed, 9, request->n);
	sent = sandbox_send(request->connection, &reply, request_id, o->cert_file != NULL);
	sandbox_reply_done(&reply);
	return sent;
}

/* Called once when the headers are in, again for each piece of a body, and once at the end. */
static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_len, void **ret_request)
{
	struct sandbox_server *s = cls;
	struct sandbox_request *request = *ret_request;

	(void)url;
	(void)version;
	(void)upload;
	if (request == NULL)
		return MHD_NO;
	if (!request->received) {
		request->peer_port = peer_port(connection);
		sandbox_request_receive(request, method, s->log_fd);
		return MHD_YES;
	}
	if (*upload_len > 0) {
		*upload_len = 0;
		return MHD_YES;
	}
	return answer(s, request) ? MHD_YES : MHD_NO;
}

static char *read_pem(const char *path)
{
	char *text = calloc(1, PEM_MAX);
	FILE *file = fopen(path, "re");

	if (file == NULL || text == NULL || fread(text, 1, PEM_MAX - 1, file) == 0) {
		perror(path);
		free(text);
		text = NULL;
	}
	if (file != NULL)
		(void)fclose(file);
	return text;
}

__attribute__((format(printf, 2, 0))) static void complain(void *cls, const char *format,
                                                           va_list args);

/* Clients that vanish are what this program is for, so only a start that fails is told. */
static void complain(void *cls, const char *format, va_list args)
{
	const struct sandbox_server *s = cls;

	if (pthread_equal(pthread_self(), s->starter))
		(void)vfprintf(stderr, format, args);
}

static bool open_files(struct sandbox_server *s, const struct sandbox_options *o)
{
	if (o->request_log != NULL) {
		s->log_fd = open(o->request_log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
		if (s->log_fd < 0) {
			perror(o->request_log);
			return false;
		}
	}
	if (o->cert_file == NULL)
		return true;
	s->cert = read_pem(o->cert_file);
	s->key = read_pem(o->key_file);
	return s->cert != NULL && s->key != NULL;
}

bool sandbox_server_start(struct sandbox_server *s, struct sandbox_state *state)
{
	const struct sandbox_options *o = state->options;
	unsigned flags =
		MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ERROR_LOG;
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)o->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	*s = (struct sandbox_server){
		.state = state,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.starter = pthread_self(),
		.log_fd = -1,
	};
	if (!open_files(s, o))
		return false;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->key },
		{ MHD_OPTION_END, 0, NULL },
	};
	if (o->cert_file != NULL)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	s->daemon = MHD_start_daemon(
		flags, (uint16_t)o->port, NULL, NULL, handle, s, MHD_OPTION_EXTERNAL_LOGGER,
		complain, s, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_URI_LOG_CALLBACK,
		begin_request, NULL, MHD_OPTION_NOTIFY_COMPLETED, end_request, NULL,
		MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (s->daemon == NULL)
		fprintf(stderr, "muniment-sandbox: cannot listen on port %u\n", o->port);
	return s->daemon != NULL;
}

void sandbox_server_stop(struct sandbox_server *s)
{
	if (s->daemon != NULL)
		MHD_stop_daemon(s->daemon);
	free(s->cert);
	free(s->key);
	if (s->log_fd >= 0)
		(void)close(s->log_fd);
}

unsigned sandbox_server_port(const struct sandbox_server *s)
{
	return MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}
