/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/routes.h"

#include <cjson/cJSON.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/document.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/list.h"
#include "tests/sandbox/moment.h"

#define SEGMENTS_MAX 6

/* One request with what is known about it while it is answered. */
struct call {
	struct sandbox_state *state;
	const struct sandbox_request *request;
	char path[1024];
	char *segments[SEGMENTS_MAX];
	size_t segment_count;
	size_t token;
	unsigned actor;
};

struct route {
	const char *method;
	const char *path; /* * stands for one segment */
	void (*answer)(const struct call *c, struct sandbox_reply *reply);
};

static void reply_data(struct sandbox_reply *reply, cJSON *data)
{
	cJSON *root = cJSON_CreateObject();

	cJSON_AddItemToObject(root, "data", data);
	sandbox_reply_json(reply, 200, root);
}

static cJSON *organization(const char *id, const char *name)
{
	cJSON *org = cJSON_CreateObject();

	cJSON_AddStringToObject(org, "id", id);
	cJSON_AddStringToObject(org, "name", name);
	cJSON_AddStringToObject(org, "created_at", "2021-03-04T09:00:00.000Z");
	return org;
}

static void get_me(const struct call *c, struct sandbox_reply *reply)
{
	if (c->state->options->me_status != 200)
		sandbox_reply_error(reply, c->state->options->me_status);
	else
		reply_data(reply, sandbox_document_member(c->actor, NULL));
}

static void get_organizations(const struct call *c, struct sandbox_reply *reply)
{
	cJSON *data = cJSON_CreateArray();

	if (!c->state->options->orgs_hide)
		cJSON_AddItemToArray(data, organization(c->state->options->org, "Harborline"));
	cJSON_AddItemToArray(data,
	                     organization("00c0ffee00c0ffee00c0ffee00c0ffee", "Someone else"));
	reply_data(reply, data);
}

static void get_organization(const struct call *c, struct sandbox_reply *reply)
{
	reply_data(reply, organization(c->state->options->org, "Harborline"));
}

static void get_user(const struct call *c, struct sandbox_reply *reply)
{
	unsigned long id = strtoul(c->segments[3], NULL, 10);

	if (id < SANDBOX_DANA || id >= SANDBOX_DANA + SANDBOX_TOKENS_MAX)
		sandbox_reply_error(reply, 404);
	else
		reply_data(reply, sandbox_document_member((unsigned)id, c->state->options->role));
}

static void get_runs(const struct call *c, struct sandbox_reply *reply)
{
	sandbox_list_runs(c->state, c->request, reply);
}

static void get_feed(const struct call *c, struct sandbox_reply *reply)
{
	sandbox_list_feed(c->state, c->request, reply);
}

static void get_run(const struct call *c, struct sandbox_reply *reply)
{
	const struct sandbox_options *o = c->state->options;
	const struct sandbox_run *run = sandbox_state_find(c->state, c->segments[3]);

	if (run == NULL || (run->archived_ms != 0 && o->get_archived != 200))
		sandbox_reply_error(reply, run == NULL ? 404 : o->get_archived);
	else
		reply_data(reply, sandbox_document_run(run, o->status_kept));
}

/* Both mutations: refused without a run, for light members, and as told when it is done already. */
static struct sandbox_run *mutable_run(const struct call *c, bool archive, unsigned when_done,
                                       struct sandbox_reply *reply)
{
	struct sandbox_run *run = sandbox_state_find(c->state, c->segments[3]);

	if (run == NULL)
		sandbox_reply_error(reply, 404);
	else if (strcmp(c->state->options->role, "Light") == 0)
		sandbox_reply_error(reply, 403);
	else if ((run->archived_ms != 0) == archive && when_done != 200)
		sandbox_reply_error(reply, when_done);
	else
		return run;
	return NULL;
}

static void archive_run(const struct call *c, struct sandbox_reply *reply)
{
	const struct sandbox_options *o = c->state->options;
	struct sandbox_run *run = mutable_run(c, true, o->rearchive, reply);

	if (run == NULL)
		return;
	sandbox_state_archive(c->state, run, c->actor, sandbox_now_ms());
	reply_data(reply, sandbox_document_brief(run, o->status_kept));
}

static void restore_run(const struct call *c, struct sandbox_reply *reply)
{
	const struct sandbox_options *o = c->state->options;
	struct sandbox_run *run = mutable_run(c, false, o->reactivate, reply);

	if (run == NULL)
		return;
	sandbox_state_restore(c->state, run, c->actor, sandbox_now_ms());
	reply_data(reply, sandbox_document_brief(run, o->status_kept));
}

/* Irreversible in the real service. Whoever calls it has a bug that must not stay unseen. */
static void purge_run(const struct call *c, struct sandbox_reply *reply)
{
	fprintf(stderr, "muniment-sandbox: PURGE was called: %s\n", c->request->path);
	sandbox_reply_error(reply, 500);
}

static const struct route routes[] = {
	{ "GET", "me", get_me },
	{ "GET", "me/organizations", get_organizations },
	{ "GET", "organizations/*", get_organization },
	{ "GET", "organizations/*/users/*", get_user },
	{ "GET", "organizations/*/runs", get_runs },
	{ "GET", "organizations/*/runs/*", get_run },
	{ "GET", "organizations/*/activity-feeds", get_feed },
	{ "DELETE", "organizations/*/runs/*", archive_run },
	{ "PUT", "organizations/*/runs/*/activate", restore_run },
	{ "DELETE", "organizations/*/runs/*/delete", purge_run },
};

static bool matches(const struct call *c, const char *pattern)
{
	size_t i = 0;

	for (; *pattern != '\0' && i < c->segment_count; i++) {
		size_t len = strcspn(pattern, "/");
		bool any = len == 1 && *pattern == '*';

		if (!any &&
		    (strlen(c->segments[i]) != len || strncmp(pattern, c->segments[i], len) != 0))
			return false;
		pattern += len;
		pattern += *pattern == '/';
	}
	return *pattern == '\0' && i == c->segment_count;
}

static void split_path(struct call *c)
{
	const char *prefix = c->state->options->prefix;
	size_t prefix_len = strlen(prefix);
	char *save = NULL;
	char *segment;

	(void)snprintf(c->path, sizeof c->path, "%s", c->request->path);
	if (strncmp(c->path, prefix, prefix_len) != 0 || c->path[prefix_len] != '/')
		return;
	/* Decoded before it is split, so that %2Fdelete reaches the trap it would reach there. */
	(void)MHD_http_unescape(c->path + prefix_len);
	segment = strtok_r(c->path + prefix_len, "/", &save);
	while (segment != NULL && c->segment_count < SEGMENTS_MAX) {
		c->segments[c->segment_count++] = segment;
		segment = strtok_r(NULL, "/", &save);
	}
}

static void route(const struct call *c, struct sandbox_reply *reply)
{
	bool path_known = false;

	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		if (!matches(c, routes[i].path))
			continue;
		path_known = true;
		if (strcmp(routes[i].method, c->request->method) != 0)
			continue;
		if (c->segment_count > 1 && strcmp(c->segments[0], "organizations") == 0 &&
		    strcmp(c->segments[1], c->state->options->org) != 0)
			sandbox_reply_error(reply, 404);
		else
			routes[i].answer(c, reply);
		return;
	}
	if (path_known)
		sandbox_reply_error(reply, 405);
	else
		sandbox_reply_no_endpoint(reply);
}

static const char *header(const struct call *c, const char *name)
{
	return MHD_lookup_connection_value(c->request->connection, MHD_HEADER_KIND, name);
}

static bool authorize(struct call *c)
{
	const struct sandbox_options *o = c->state->options;
	const char *given = header(c, "Authorization");

	if (given == NULL || strncmp(given, "Bearer ", 7) != 0)
		return false;
	for (c->token = 0; c->token < o->token_count; c->token++) {
		if (strcmp(o->tokens[c->token], given + 7) != 0)
			continue;
		c->actor = SANDBOX_DANA + (unsigned)c->token;
		return !c->state->revoked[c->token];
	}
	return false;
}

/* What stands in front of every endpoint. Returns false after an answer. */
static bool admit(struct call *c, struct sandbox_reply *reply)
{
	unsigned wait_s;

	if (header(c, "X-Tallyfy-Client") == NULL) {
		sandbox_reply_no_endpoint(reply);
		return false;
	}
	if (!authorize(c)) {
		sandbox_reply_error(reply, 401);
		return false;
	}
	wait_s = sandbox_limits_admit(&c->state->limits, sandbox_monotonic_ns());
	if (wait_s > 0)
		sandbox_reply_too_many(reply, wait_s);
	return wait_s == 0;
}

static void schedule(const struct call *c, int64_t delay_ms)
{
	bool archive = strcmp(c->request->method, "DELETE") == 0;
	struct sandbox_run *run;

	if (!matches(c, archive ? "organizations/*/runs/*" : "organizations/*/runs/*/activate"))
		return;
	run = sandbox_state_find(c->state, c->segments[3]);
	if (run == NULL)
		return;
	sandbox_state_schedule(c->state, (struct sandbox_pending){
						 .run = run,
						 .archive = archive,
						 .actor = c->actor,
						 .due_ms = sandbox_now_ms() + delay_ms,
					 });
}

static void answer_fault(const struct call *c, const struct sandbox_fault *fault,
                         struct sandbox_reply *reply)
{
	int64_t delay_ms = sandbox_fault_delay_ms(fault);

	if (sandbox_fault_revokes(fault))
		c->state->revoked[c->token] = true;
	if (delay_ms >= 0)
		schedule(c, delay_ms);
	else if (fault->effect)
		route(c, reply);
	sandbox_fault_apply(fault, reply);
}

void sandbox_routes_answer(struct sandbox_state *s, const struct sandbox_request *request,
                           struct sandbox_reply *reply)
{
	struct call c = { .state = s, .request = request };
	const struct sandbox_fault *fault;

	split_path(&c);
	sandbox_state_settle(s, sandbox_now_ms());
	if (!admit(&c, reply))
		return;
	fault = sandbox_fault_pick(s->options->faults, s->options->fault_count, s->options->seed,
	                           request);
	if (fault != NULL)
		answer_fault(&c, fault, reply);
	else
		route(&c, reply);
}
