/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/document.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "tests/sandbox/moment.h"
#include "tests/sandbox/random.h"

#define PARAGRAPH_WORDS 60

static const char *const words[] = {
	"contract", "review",   "signed", "by",      "the",        "client",  "on",     "Tuesday",
	"pending",  "approval", "of",     "manager", "attached",   "invoice", "number", "résumé",
	"café",     "délai",    "—",      "ordered", "\"urgent\"", "parts",   "Zürich", "東京",
	"line\n",   "break",    "call",   "back",    "amount",     "€ 1,250", "due",    "tomorrow",
};

static void add_moment(cJSON *to, const char *name, int64_t ms)
{
	char text[SANDBOX_MOMENT_MAX];

	sandbox_moment_ms(text, ms);
	if (ms == 0)
		cJSON_AddNullToObject(to, name);
	else
		cJSON_AddStringToObject(to, name, text);
}

static const char *shown_status(const struct sandbox_run *run, bool status_kept)
{
	return run->archived_ms != 0 && !status_kept ? "archived" : run->status;
}

static int percent(const struct sandbox_run *run)
{
	return (int)(100 * run->tasks_done / run->tasks);
}

static void add_progress(cJSON *to, const char *name, const struct sandbox_run *run)
{
	cJSON *progress = cJSON_AddObjectToObject(to, name);

	cJSON_AddNumberToObject(progress, "complete", run->tasks_done);
	cJSON_AddNumberToObject(progress, "total", run->tasks);
	cJSON_AddNumberToObject(progress, "percent", percent(run));
}

static void add_paragraph(cJSON *to, const struct sandbox_run *run, unsigned number)
{
	char id[33];
	char text[PARAGRAPH_WORDS * 16] = "";
	size_t len = 0;

	sandbox_hex_id(id, run->key, 6, number);
	for (unsigned i = 0; i < PARAGRAPH_WORDS && len + 16 < sizeof text; i++) {
		const char *word = words[sandbox_mix(run->key, number, i) % 32];

		len += (size_t)snprintf(text + len, sizeof text - len, "%s ", word);
	}
	cJSON_AddStringToObject(to, id, text);
}

/* Customers' field values: mostly few, sometimes very many. */
static void add_prerun(cJSON *to, const struct sandbox_run *run)
{
	uint64_t dice = sandbox_mix(run->key, 7, 0) % 100;
	uint64_t most = 3;
	cJSON *prerun = cJSON_AddObjectToObject(to, "prerun");

	if (dice >= 97)
		most = 80;
	else if (dice >= 80)
		most = 20;
	for (unsigned i = 0; i <= sandbox_mix(run->key, 8, 0) % most; i++)
		add_paragraph(prerun, run, i);
}

static void add_head(cJSON *to, const struct sandbox_run *run, bool status_kept)
{
	cJSON_AddStringToObject(to, "id", run->id);
	cJSON_AddNumberToObject(to, "increment_id", run->number);
	cJSON_AddStringToObject(to, "checklist_id", run->checklist_id);
	cJSON_AddStringToObject(to, "checklist_title", run->checklist_title);
	cJSON_AddStringToObject(to, "name", run->name);
	cJSON_AddNullToObject(to, "summary");
	cJSON_AddStringToObject(to, "status", shown_status(run, status_kept));
	add_progress(to, "progress", run);
	add_progress(to, "whole_progress", run);
	cJSON_AddNumberToObject(to, "started_by", run->owner);
	cJSON_AddNumberToObject(to, "owner_id", run->owner);
	add_prerun(to, run);
	cJSON_AddStringToObject(to, "prerun_status", "complete");
}

static void add_moments(cJSON *to, const struct sandbox_run *run)
{
	add_moment(to, "created_at", run->created_ms);
	add_moment(to, "started_at", run->created_ms + 2000);
	add_moment(to, "last_updated", run->updated_ms);
	add_moment(to, "archived_at", run->archived_ms);
	add_moment(to, "completed_at", run->completed_ms);
	cJSON_AddNullToObject(to, "due_date");
}

static void add_tail(cJSON *to, const struct sandbox_run *run)
{
	int owner = (int)run->owner;
	cJSON *custom;

	cJSON_AddBoolToObject(to, "starred", run->number % 17 == 0);
	cJSON_AddBoolToObject(to, "due_date_passed", strcmp(run->status, "delayed") == 0);
	cJSON_AddBoolToObject(to, "due_soon", false);
	cJSON_AddNumberToObject(to, "late_tasks", strcmp(run->status, "delayed") == 0 ? 2 : 0);
	cJSON_AddBoolToObject(to, "has_open_issue", run->open_issue);
	cJSON_AddItemToObject(to, "collaborators", cJSON_CreateIntArray(&owner, 1));
	cJSON_AddStringToObject(to, "type", "procedure");
	cJSON_AddBoolToObject(to, "is_public", false);
	cJSON_AddBoolToObject(to, "can_add_oot", true);
	cJSON_AddItemToObject(to, "users", cJSON_CreateIntArray(&owner, 1));
	cJSON_AddArrayToObject(to, "groups");
	if (run->parent_id[0] == '\0')
		cJSON_AddNullToObject(to, "parent_id");
	else
		cJSON_AddStringToObject(to, "parent_id", run->parent_id);
	custom = cJSON_AddObjectToObject(to, "custom_fields");
	if (run->hold != NULL)
		cJSON_AddStringToObject(custom, "hold", run->hold);
}

struct cJSON *sandbox_document_run(const struct sandbox_run *run, bool status_kept)
{
	cJSON *document = cJSON_CreateObject();

	add_head(document, run, status_kept);
	add_moments(document, run);
	add_tail(document, run);
	return document;
}

struct cJSON *sandbox_document_brief(const struct sandbox_run *run, bool status_kept)
{
	cJSON *document = cJSON_CreateObject();
	char owner[16];

	(void)snprintf(owner, sizeof owner, "%u", run->owner);
	cJSON_AddStringToObject(document, "id", run->id);
	cJSON_AddStringToObject(document, "name", run->name);
	cJSON_AddStringToObject(document, "status", shown_status(run, status_kept));
	add_moment(document, "archived_at", run->archived_ms);
	cJSON_AddStringToObject(document, "checklist_id", run->checklist_id);
	cJSON_AddNumberToObject(document, "progress", percent(run));
	cJSON_AddStringToObject(document, "started_by", owner);
	cJSON_AddStringToObject(document, "owner_id", owner);
	add_moment(document, "created_at", run->created_ms);
	add_moment(document, "last_updated", run->updated_ms);
	return document;
}

struct cJSON *sandbox_document_member(unsigned id, const char *role)
{
	static const char *const names[][3] = {
		{ "Dana", "Reyes", "dana.reyes" },   { "Priya", "Nair", "priya.nair" },
		{ "Sam", "Ito", "sam.ito" },         { "Léa", "Martin", "lea.martin" },
		{ "Omar", "Haddad", "omar.haddad" },
	};
	const char *const *name = names[(id - SANDBOX_DANA) % 5];
	cJSON *member = cJSON_CreateObject();
	char text[64];

	cJSON_AddNumberToObject(member, "id", id);
	(void)snprintf(text, sizeof text, "%s@harborline.example", name[2]);
	cJSON_AddStringToObject(member, "email", text);
	cJSON_AddStringToObject(member, "username", name[2]);
	cJSON_AddStringToObject(member, "first_name", name[0]);
	cJSON_AddStringToObject(member, "last_name", name[1]);
	(void)snprintf(text, sizeof text, "%s %s", name[0], name[1]);
	cJSON_AddStringToObject(member, "full_name", text);
	if (role == NULL) {
		cJSON_AddStringToObject(member, "timezone", "Europe/Lisbon");
		return member;
	}
	cJSON_AddStringToObject(member, "type", strcmp(role, "Light") == 0 ? "light" : "standard");
	cJSON_AddStringToObject(member, "role", role);
	cJSON_AddStringToObject(member, "status", "active");
	cJSON_AddStringToObject(member, "last_login_at", "2026-08-20T07:12:09+00:00");
	return member;
}

/* The feed wraps most single values in arrays. */
static void add_wrapped(cJSON *to, const char *name, const char *value)
{
	cJSON_AddItemToObject(to, name, cJSON_CreateStringArray(&value, 1));
}

struct cJSON *sandbox_document_event(const struct sandbox_event *event, const char *org)
{
	cJSON *document = cJSON_CreateObject();
	int actor = (int)event->actor;

	cJSON_AddNumberToObject(document, "id", (double)event->id);
	cJSON_AddStringToObject(document, "organization_id", org);
	add_wrapped(document, "verb", event->verb);
	add_wrapped(document, "source", "Member");
	add_wrapped(document, "actor_type", "User");
	cJSON_AddItemToObject(document, "actor_id", cJSON_CreateIntArray(&actor, 1));
	cJSON_AddStringToObject(document, "auditable_type", "App\\Models\\Run");
	cJSON_AddStringToObject(document, "auditable_id", event->run->id);
	cJSON_AddNullToObject(document, "parentable_type");
	cJSON_AddNullToObject(document, "parentable_id");
	add_wrapped(document, "type", "Process");
	add_wrapped(document, "description", event->run->name);
	cJSON_AddNullToObject(document, "field");
	cJSON_AddNullToObject(document, "old_value");
	add_moment(document, "created_at", event->created_ms);
	cJSON_AddItemToArray(cJSON_AddArrayToObject(document, "actor"),
	                     sandbox_document_member(event->actor, NULL));
	cJSON_AddBoolToObject(document, "undoable", false);
	return document;
}
