/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/list.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/document.h"
#include "tests/sandbox/reply.h"
#include "tests/sandbox/request.h"

#define PER_PAGE_MAX 100

struct page {
	size_t number;
	size_t per_page;
};

struct run_filter {
	bool live;
	bool archived;
	const char *status;
	const char *checklist_id;
	const char *q;
};

static bool parse_count(size_t *ret, const char *text, size_t otherwise, size_t max)
{
	char *end;

	*ret = otherwise;
	if (text == NULL)
		return true;
	*ret = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && *ret >= 1 && *ret <= max;
}

static bool parse_page(struct page *ret, const struct sandbox_state *s,
                       const struct sandbox_request *request, size_t per_page)
{
	if (!parse_count(&ret->number, sandbox_request_arg(request, "page"), 1, 100000000) ||
	    !parse_count(&ret->per_page, sandbox_request_arg(request, "per_page"), per_page,
	                 PER_PAGE_MAX))
		return false;
	if (s->options->page_cap > 0 && ret->per_page > s->options->page_cap)
		ret->per_page = s->options->page_cap;
	return true;
}

static void refuse_page(struct sandbox_reply *reply)
{
	sandbox_reply_text(reply, 422, "application/json",
	                   "{\"message\":\"The given data was invalid.\",\"errors\":{\"per_page\":"
	                   "[\"The per page must be between 1 and 100.\"]}}");
}

/* Page addresses name another host on purpose, as the real service does: nobody may follow them. */
static void add_links(cJSON *pagination, const struct page *page, size_t total_pages)
{
	cJSON *links;

	if (total_pages <= 1) {
		cJSON_AddArrayToObject(pagination, "links");
		return;
	}
	links = cJSON_AddObjectToObject(pagination, "links");
	if (page->number < total_pages) {
		char url[96];

		(void)snprintf(url, sizeof url, "https://other.example/runs?page=%zu",
		               page->number + 1);
		cJSON_AddStringToObject(links, "next", url);
	}
}

static void reply_page(struct sandbox_reply *reply, cJSON *data, const struct page *page,
                       size_t total)
{
	size_t total_pages = (total + page->per_page - 1) / page->per_page;
	cJSON *root = cJSON_CreateObject();
	cJSON *pagination;

	cJSON_AddItemToObject(root, "data", data);
	pagination = cJSON_AddObjectToObject(cJSON_AddObjectToObject(root, "meta"), "pagination");
	cJSON_AddNumberToObject(pagination, "total", (double)total);
	cJSON_AddNumberToObject(pagination, "count", cJSON_GetArraySize(data));
	cJSON_AddNumberToObject(pagination, "per_page", (double)page->per_page);
	cJSON_AddNumberToObject(pagination, "current_page", (double)page->number);
	cJSON_AddNumberToObject(pagination, "total_pages",
	                        total_pages == 0 ? 1.0 : (double)total_pages);
	add_links(pagination, page, total_pages);
	sandbox_reply_json(reply, 200, root);
}

static bool is(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

static void read_filter(struct run_filter *f, const struct sandbox_state *s,
                        const struct sandbox_request *request)
{
	const char *archived = sandbox_request_arg(request, "archived");
	bool by_status = strcmp(s->options->list_archived, "only") != 0;

	if (strcmp(s->options->list_archived, "status") == 0)
		archived = NULL;
	*f = (struct run_filter){
		.live = !is(archived, "only"),
		.archived = is(archived, "only") || is(archived, "true"),
		.status = sandbox_request_arg(request, "status"),
		.checklist_id = sandbox_request_arg(request, "checklist_id"),
		.q = sandbox_request_arg(request, "q"),
	};
	if (f->checklist_id == NULL)
		f->checklist_id = sandbox_request_arg(request, "blueprint_id");
	if (by_status && is(f->status, "archived")) {
		f->live = false;
		f->archived = true;
		f->status = NULL;
	}
}

static bool passes(const struct run_filter *f, const struct sandbox_run *run)
{
	if (run->archived_ms != 0 ? !f->archived : !f->live)
		return false;
	if (f->status != NULL && strcmp(f->status, run->status) != 0)
		return false;
	if (f->checklist_id != NULL && strcmp(f->checklist_id, run->checklist_id) != 0)
		return false;
	return f->q == NULL || strcasestr(run->name, f->q) != NULL;
}

static int by_number(const void *a, const void *b)
{
	const struct sandbox_run *const *left = a;
	const struct sandbox_run *const *right = b;

	return ((*left)->number > (*right)->number) - ((*left)->number < (*right)->number);
}

static int by_created(const void *a, const void *b)
{
	const struct sandbox_run *const *left = a;
	const struct sandbox_run *const *right = b;

	if ((*left)->created_ms != (*right)->created_ms)
		return (*left)->created_ms < (*right)->created_ms ? -1 : 1;
	return by_number(a, b);
}

static int by_updated(const void *a, const void *b)
{
	const struct sandbox_run *const *left = a;
	const struct sandbox_run *const *right = b;

	if ((*left)->updated_ms != (*right)->updated_ms)
		return (*left)->updated_ms < (*right)->updated_ms ? -1 : 1;
	return by_number(a, b);
}

static int by_name(const void *a, const void *b)
{
	const struct sandbox_run *const *left = a;
	const struct sandbox_run *const *right = b;
	int order = strcmp((*left)->name, (*right)->name);

	return order != 0 ? order : by_number(a, b);
}

static bool sort_runs(const struct sandbox_run **runs, size_t count, const char *field)
{
	static const struct {
		const char *field;
		int (*compare)(const void *a, const void *b);
	} orders[] = {
		{ "increment_id", by_number },
		{ "created_at", by_created },
		{ "last_updated", by_updated },
		{ "name", by_name },
	};
	bool backwards = field != NULL && field[0] == '-';

	if (field == NULL)
		return true;
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		if (strcmp(orders[i].field, field + backwards) != 0)
			continue;
		qsort(runs, count, sizeof(struct sandbox_run *), orders[i].compare);
		for (size_t at = 0; backwards && at < count / 2; at++) {
			const struct sandbox_run *swapped = runs[at];

			runs[at] = runs[count - 1 - at];
			runs[count - 1 - at] = swapped;
		}
		return true;
	}
	return false;
}

void sandbox_list_runs(const struct sandbox_state *s, const struct sandbox_request *request,
                       struct sandbox_reply *reply)
{
	const char *sort = sandbox_request_arg(request, "sort");
	const struct sandbox_run **found = calloc(s->run_count + 1, sizeof(struct sandbox_run *));
	size_t count = 0;
	struct run_filter filter;
	struct page page;
	cJSON *data;

	if (sort == NULL)
		sort = sandbox_request_arg(request, "sort_by");
	read_filter(&filter, s, request);
	for (size_t i = 0; found != NULL && i < s->run_count; i++) {
		if (passes(&filter, &s->runs[i]))
			found[count++] = &s->runs[i];
	}
	if (found == NULL || !sort_runs(found, count, sort)) {
		sandbox_reply_error(reply, 422);
	} else if (!parse_page(&page, s, request, 10)) {
		refuse_page(reply);
	} else {
		size_t from = (page.number - 1) * page.per_page;

		data = cJSON_CreateArray();
		for (size_t i = from; i < count && i < from + page.per_page; i++)
			cJSON_AddItemToArray(
				data, sandbox_document_run(found[i], s->options->status_kept));
		reply_page(reply, data, &page, count);
	}
	free(found);
}

static bool event_passes(const struct sandbox_event *event, const struct sandbox_request *request)
{
	static const char *const names[] = { "entity_id", "verb", "actor_id" };
	const char *after = sandbox_request_arg(request, "created_after");
	const char *before = sandbox_request_arg(request, "created_before");
	const char *entity_type = sandbox_request_arg(request, "entity_type");
	char actor[16];
	char day[SANDBOX_MOMENT_MAX];
	const char *const values[] = { event->run->id, event->verb, actor };

	(void)snprintf(actor, sizeof actor, "%u", event->actor);
	sandbox_moment_ms(day, event->created_ms);
	day[10] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *wanted = sandbox_request_arg(request, names[i]);

		if (wanted != NULL && strcmp(wanted, values[i]) != 0)
			return false;
	}
	if (entity_type != NULL && strcmp(entity_type, "run") != 0)
		return false;
	return (after == NULL || strcmp(day, after) >= 0) &&
	       (before == NULL || strcmp(day, before) <= 0);
}

void sandbox_list_feed(const struct sandbox_state *s, const struct sandbox_request *request,
                       struct sandbox_reply *reply)
{
	bool newest_last = is(sandbox_request_arg(request, "sort"), "created_at");
	size_t total = 0;
	struct page page;
	cJSON *data;

	if (!parse_page(&page, s, request, 20)) {
		refuse_page(reply);
		return;
	}
	data = cJSON_CreateArray();
	for (size_t i = 0; i < s->event_count; i++) {
		const struct sandbox_event *event =
			&s->events[newest_last ? i : s->event_count - 1 - i];

		if (!event_passes(event, request))
			continue;
		if (total / page.per_page == page.number - 1)
			cJSON_AddItemToArray(data, sandbox_document_event(event, s->options->org));
		total++;
	}
	reply_page(reply, data, &page, total);
}
