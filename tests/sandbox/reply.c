/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/reply.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON "application/json"
#define HTML "text/html; charset=UTF-8"

static const struct {
	unsigned status;
	const char *type;
	const char *body;
} errors[] = {
	{ 400, JSON, "{\"error\":true,\"message\":\"Bad request.\"}" },
	{ 401, JSON,
	  "{\"message\":\"Unauthenticated.\",\"code\":\"UNAUTHENTICATED\",\"error\":true}" },
	{ 402, JSON,
	  "{\"error\":true,\"message\":\"Trial limit reached: 100 unique task assignments\","
	  "\"code\":\"TRIAL_LIMIT_REACHED_100_U\"}" },
	{ 403, JSON,
	  "{\"error\":true,\"message\":\"You do not have permission to archive this process.\","
	  "\"code\":\"FORBIDDEN\"}" },
	{ 404, JSON,
	  "{\"error\":true,\"message\":\"Resource not found\",\"code\":\"RESOURCE_NOT_FOUND\"}" },
	{ 405, JSON, "{\"error\":true,\"message\":\"Method not allowed\"}" },
	{ 409, JSON,
	  "{\"error\":{\"code\":\"SEAT_POOL_EXHAUSTED\",\"message\":\"No full seats remain in the "
	  "committed pool.\",\"details\":{\"pool_type\":\"full\"}}}" },
	{ 422, JSON, "{\"error\":true,\"errors\":{\"run_id\":[\"The run_id is invalid.\"]}}" },
	{ 429, JSON, "{\"message\":\"Too many requests.\",\"code\":\"RATE_LIMIT_EXCEEDED\"}" },
	{ 500, JSON, "{\"error\":true,\"message\":\"Server Error\"}" },
	{ 502, HTML, "<!doctype html><title>502: Bad gateway</title>" },
	{ 503, HTML, "<!doctype html><title>503: Service unavailable</title>" },
	{ 504, HTML, "<!doctype html><title>504: Gateway time-out</title>" },
};

void sandbox_reply_done(struct sandbox_reply *r)
{
	free(r->body);
	*r = (struct sandbox_reply){ 0 };
}

void sandbox_reply_own(struct sandbox_reply *r, unsigned status, const char *type, char *body)
{
	sandbox_reply_done(r);
	r->status = status;
	r->type = type;
	r->body = body;
	r->body_len = body == NULL ? 0 : strlen(body);
}

void sandbox_reply_text(struct sandbox_reply *r, unsigned status, const char *type,
                        const char *body)
{
	sandbox_reply_own(r, status, type, body == NULL ? NULL : strdup(body));
}

void sandbox_reply_json(struct sandbox_reply *r, unsigned status, struct cJSON *document)
{
	sandbox_reply_own(r, status, JSON, cJSON_PrintUnformatted(document));
	cJSON_Delete(document);
}

void sandbox_reply_error(struct sandbox_reply *r, unsigned status)
{
	char body[128];

	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		if (errors[i].status != status)
			continue;
		sandbox_reply_text(r, status, errors[i].type, errors[i].body);
		return;
	}
	(void)snprintf(body, sizeof body, "{\"error\":true,\"message\":\"Status %u.\"}", status);
	sandbox_reply_text(r, status, JSON, body);
}

void sandbox_reply_no_endpoint(struct sandbox_reply *r)
{
	sandbox_reply_text(r, 404, JSON,
	                   "{\"error\":true,\"message\":\"API endpoint not found\","
	                   "\"code\":\"ENDPOINT_NOT_FOUND\"}");
}

void sandbox_reply_too_many(struct sandbox_reply *r, unsigned retry_after_s)
{
	sandbox_reply_error(r, 429);
	(void)snprintf(r->retry_after[0], sizeof r->retry_after[0], "%u", retry_after_s);
}
