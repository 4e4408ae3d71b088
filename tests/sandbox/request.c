/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/request.h"

#include <cjson/cJSON.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sandbox/moment.h"

static struct {
	pthread_mutex_t lock;
	uint64_t n;
	uint64_t nth[SANDBOX_ON_COUNT];
} counters = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct sandbox_request *sandbox_request_new(const char *target)
{
	struct sandbox_request *r = calloc(1, sizeof *r);
	size_t path_len = strcspn(target, "?");

	if (r == NULL)
		return NULL;
	r->path = strndup(target, path_len);
	r->query = strdup(target[path_len] == '?' ? target + path_len + 1 : "");
	if (r->path != NULL && r->query != NULL)
		return r;
	sandbox_request_free(r);
	return NULL;
}

void sandbox_request_free(struct sandbox_request *r)
{
	if (r == NULL)
		return;
	free(r->path);
	free(r->query);
	free(r);
}

static bool ends_with(const char *text, const char *end)
{
	size_t text_len = strlen(text);
	size_t end_len = strlen(end);

	return text_len >= end_len && strcmp(text + text_len - end_len, end) == 0;
}

static bool belongs(const struct sandbox_request *r, enum sandbox_on on)
{
	switch (on) {
	case SANDBOX_ON_ANY:
		return true;
	case SANDBOX_ON_MUTATE:
		return r->mutate;
	case SANDBOX_ON_GET:
		return !r->mutate;
	case SANDBOX_ON_RUN:
		return !r->mutate && strstr(r->path, "/runs/") != NULL;
	case SANDBOX_ON_LIST:
		return !r->mutate && ends_with(r->path, "/runs");
	case SANDBOX_ON_ME:
		return !r->mutate && ends_with(r->path, "/me");
	case SANDBOX_ON_FEED:
		return !r->mutate && ends_with(r->path, "/activity-feeds");
	case SANDBOX_ON_COUNT:
		break;
	}
	return false;
}

/* One write(2), so that lines of several writers never mix and a kill never leaves half of one. */
static void log_line(const struct sandbox_request *r, int log_fd)
{
	char time[SANDBOX_MOMENT_MAX];
	cJSON *line = cJSON_CreateObject();
	char *text;

	sandbox_moment_now_us(time);
	cJSON_AddNumberToObject(line, "n", (double)r->n);
	cJSON_AddStringToObject(line, "time", time);
	cJSON_AddStringToObject(line, "method", r->method);
	cJSON_AddStringToObject(line, "path", r->path);
	cJSON_AddStringToObject(line, "query", r->query);
	cJSON_AddBoolToObject(line, "mutate", r->mutate);
	cJSON_AddNumberToObject(line, "conn", r->peer_port);
	text = cJSON_PrintUnformatted(line);
	if (text != NULL) {
		size_t len = strlen(text);

		text[len] = '\n'; /* takes the place of the terminator */
		if (write(log_fd, text, len + 1) < 0)
			perror("muniment-sandbox: request log");
	}
	cJSON_free(text);
	cJSON_Delete(line);
}

void sandbox_request_receive(struct sandbox_request *r, const char *method, int log_fd)
{
	(void)snprintf(r->method, sizeof r->method, "%s", method);
	r->mutate = strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
	(void)pthread_mutex_lock(&counters.lock);
	r->received = true;
	r->n = ++counters.n;
	for (int on = 0; on < SANDBOX_ON_COUNT; on++) {
		if (belongs(r, (enum sandbox_on)on))
			r->nth[on] = ++counters.nth[on];
	}
	if (log_fd >= 0)
		log_line(r, log_fd);
	(void)pthread_mutex_unlock(&counters.lock);
}

const char *sandbox_request_arg(const struct sandbox_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}
