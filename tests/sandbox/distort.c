/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/distort.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/faults.h"
#include "tests/sandbox/reply.h"

#define HTML                "text/html; charset=UTF-8"
#define CUT_HEADERS_DEFAULT 40
#define DEEP                100000

void sandbox_distort_close(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	r->send = SANDBOX_SEND_CLOSE;
}

void sandbox_distort_reset(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	r->send = SANDBOX_SEND_RESET;
}

void sandbox_distort_hang(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	r->send = SANDBOX_SEND_HANG;
}

void sandbox_distort_cut_headers(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	if (r->status == 0)
		sandbox_reply_error(r, 500);
	r->send = SANDBOX_SEND_CUT_HEADERS;
	r->cut = f->arg[0] == '\0' ? CUT_HEADERS_DEFAULT : strtoul(f->arg, NULL, 10);
}

void sandbox_distort_cut_body(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	if (r->status == 0)
		sandbox_reply_error(r, 500);
	r->cut = f->arg[0] == '\0' ? r->body_len / 2 : strtoul(f->arg, NULL, 10);
	if (r->cut < r->body_len)
		r->send = SANDBOX_SEND_CUT_BODY;
}

void sandbox_distort_drip(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	if (r->status == 0)
		sandbox_reply_error(r, 500);
	r->send = SANDBOX_SEND_DRIP;
}

void sandbox_distort_huge(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	sandbox_reply_text(r, 200, "application/json", NULL);
	r->send = SANDBOX_SEND_HUGE;
}

/* Calls change for each run document in the answer, be it one or a list. */
static void change_runs(struct sandbox_reply *r, void (*change)(cJSON *run))
{
	cJSON *root = r->body == NULL ? NULL : cJSON_Parse(r->body);
	cJSON *data = cJSON_GetObjectItemCaseSensitive(root, "data");

	if (cJSON_IsObject(data)) {
		change(data);
	} else {
		cJSON *run;

		cJSON_ArrayForEach(run, data)
		{
			change(run);
		}
	}
	if (data != NULL)
		sandbox_reply_json(r, r->status, root);
	else
		cJSON_Delete(root);
}

static void replace_id(cJSON *run)
{
	cJSON *id = cJSON_GetObjectItemCaseSensitive(run, "id");

	if (cJSON_IsString(id))
		id->valuestring[0] = id->valuestring[0] == 'f' ? '0' : 'f';
}

static void null_archived(cJSON *run)
{
	if (cJSON_HasObjectItem(run, "archived_at"))
		cJSON_ReplaceItemInObjectCaseSensitive(run, "archived_at", cJSON_CreateNull());
}

static void drop_archived(cJSON *run)
{
	cJSON_DeleteItemFromObjectCaseSensitive(run, "archived_at");
}

void sandbox_distort_other_id(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	change_runs(r, replace_id);
}

void sandbox_distort_archived_null(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	change_runs(r, null_archived);
}

void sandbox_distort_archived_missing(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	change_runs(r, drop_archived);
}

/* Puts text behind the opening of the document in the answer, or of the answer itself. */
static void insert(struct sandbox_reply *r, const char *text)
{
	static const char opening[] = "{\"data\":{";
	size_t at = 1;
	char *body;
	size_t size;

	if (r->body == NULL || r->body[0] != '{')
		return;
	if (strncmp(r->body, opening, sizeof opening - 1) == 0)
		at = sizeof opening - 1;
	size = r->body_len + strlen(text) + 1;
	body = malloc(size);
	if (body == NULL)
		return;
	(void)snprintf(body, size, "%.*s%s%s", (int)at, r->body, text, r->body + at);
	sandbox_reply_own(r, r->status, r->type, body);
}

void sandbox_distort_dup_keys(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	insert(r, "\"id\":\"00000000000000000000000000000000\",\"archived_at\":null,\"data\":[],"
	          "\"data\":[],");
}

void sandbox_distort_deep(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	static const char name[] = "\"stages\":";
	size_t name_len = sizeof name - 1;
	char *text = malloc(name_len + 2 * DEEP + 2);

	(void)f;
	if (text == NULL)
		return;
	memcpy(text, name, name_len);
	memset(text + name_len, '[', DEEP);
	memset(text + name_len + DEEP, ']', DEEP);
	memcpy(text + name_len + 2 * DEEP, ",", 2);
	insert(r, text);
	free(text);
}

void sandbox_distort_trailing(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	size_t size = r->body_len + 16;
	char *body = malloc(size);

	(void)f;
	if (body == NULL)
		return;
	(void)snprintf(body, size, "%s{\"data\":{}}", r->body == NULL ? "" : r->body);
	sandbox_reply_own(r, r->status == 0 ? 200 : r->status, "application/json", body);
}

void sandbox_distort_nan(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	insert(r, "\"whole_progress\":NaN,");
}

void sandbox_distort_utf8(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	insert(r, "\"summary\":\"\xc3\x28 \xed\xa0\x80\",");
}

void sandbox_distort_errors(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	sandbox_reply_text(r, 200, "application/json",
	                   "{\"data\":{},\"errors\":[{\"message\":\"The process is busy.\"}]}");
}

void sandbox_distort_empty(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	sandbox_reply_text(r, 200, "application/json", NULL);
}

void sandbox_distort_status(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	if (f->status == 204 || f->status == 205 || f->status == 304)
		sandbox_reply_text(r, f->status, "application/json", NULL);
	else if (f->status < 300 && r->status != 0)
		r->status = f->status;
	else if (f->status < 300)
		sandbox_reply_text(r, f->status, "application/json", "{\"data\":{}}");
	else
		sandbox_reply_error(r, f->status);
	if (f->status >= 300 && f->status < 400)
		r->location = "https://login.example/sign-in";
}

void sandbox_distort_html200(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	sandbox_reply_text(r, 200, HTML,
	                   "<!doctype html><title>Sign in</title><form method=post></form>");
}

void sandbox_distort_html403(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	sandbox_reply_text(r, 403, HTML, "<!doctype html><title>Just a moment...</title>");
}

void sandbox_distort_redirect(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	sandbox_reply_text(r, 302, HTML, "<!doctype html><title>Redirecting</title>");
	r->location = "https://login.example/sign-in";
}

void sandbox_distort_endpoint(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	sandbox_reply_no_endpoint(r);
}

void sandbox_distort_too_many(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	const size_t size = sizeof r->retry_after[0];

	sandbox_reply_error(r, 429);
	if (strcmp(f->arg, "date") == 0)
		sandbox_moment_http(r->retry_after[0], sandbox_now_ms() + 2000);
	else if (strcmp(f->arg, "past") == 0)
		sandbox_moment_http(r->retry_after[0], sandbox_now_ms() - 3600000);
	else if (strcmp(f->arg, "absurd") == 0)
		(void)snprintf(r->retry_after[0], size, "999999999");
	else if (strcmp(f->arg, "garbage") == 0)
		(void)snprintf(r->retry_after[0], size, "soon");
	else if (strcmp(f->arg, "two") == 0)
		(void)snprintf(r->retry_after[1], size, "3");
	else if (strcmp(f->arg, "missing") != 0)
		(void)snprintf(r->retry_after[0], size, "%.40s", f->arg);
	if (f->arg[0] == '\0' || strcmp(f->arg, "two") == 0)
		(void)snprintf(r->retry_after[0], size, "1");
}

void sandbox_distort_bad_gateway(const struct sandbox_fault *f, struct sandbox_reply *r)
{
	(void)f;
	sandbox_reply_error(r, 502);
}
