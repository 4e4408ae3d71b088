/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/moment.h"
#include "tests/sandbox/random.h"

#define FIRST_DAY_MS 1672531200000 /* 2023-01-01 */
#define DAY_MS       86400000
#define LAST_DAY     1000 /* of creation, after the first: September 2025 */

static const char *const titles[] = { "Client onboarding", "Invoice approval", "Site inspection",
	                              "Change control" };
static const char *const clients[] = { "Harborline", "Acme Ltd", "Müller & Söhne", "Northwind",
	                               "Ōta Works",  "Initech",  "Blue Mesa",      "Ryde Clinic" };

static void make_status(struct sandbox_run *run)
{
	uint64_t dice = sandbox_mix(run->key, 1, 0) % 100;

	run->tasks = 3 + (unsigned)(sandbox_mix(run->key, 2, 0) % 22);
	run->tasks_done = run->tasks;
	run->status = "complete";
	if (dice < 60) {
		run->completed_ms = run->created_ms + (int64_t)(dice + 1) * DAY_MS + 4521987;
		run->updated_ms = run->completed_ms;
		return;
	}
	run->status = dice < 93 ? "active" : "delayed";
	run->tasks_done = (unsigned)(sandbox_mix(run->key, 3, 0) % run->tasks);
	run->updated_ms = run->created_ms + (int64_t)(dice % 20) * DAY_MS + 1234567;
}

/* What a careful client treats apart. */
static void make_odd(struct sandbox_run *run, uint64_t seed)
{
	switch (run->number % 10) {
	case 2:
		run->open_issue = true;
		run->status = "issue";
		break;
	case 4:
		sandbox_hex_id(run->parent_id, seed, 4, run->number - 1);
		break;
	case 6:
		run->checklist_title = "MISC system template";
		break;
	case 8:
		run->hold = "legal";
		break;
	default:
		break;
	}
}

static void make_run(struct sandbox_run *run, unsigned number, const struct sandbox_options *o)
{
	uint64_t key = sandbox_mix(o->seed, 3, number);
	size_t template = key % (sizeof titles / sizeof *titles);
	size_t client = (key >> 8) % (sizeof clients / sizeof *clients);

	*run = (struct sandbox_run){ .key = key, .number = number };
	sandbox_hex_id(run->id, o->seed, 4, number);
	sandbox_hex_id(run->checklist_id, o->seed, 5, template);
	run->checklist_title = titles[template];
	(void)snprintf(run->name, sizeof run->name, "%s - %s #%u", titles[template],
	               clients[client], number);
	run->owner = SANDBOX_DANA + (unsigned)(key >> 16) % 5;
	run->created_ms = FIRST_DAY_MS + (int64_t)((key >> 24) % (LAST_DAY * (uint64_t)DAY_MS));
	make_status(run);
	if (o->odd)
		make_odd(run, o->seed);
	if (number <= o->archived) {
		run->archived_ms = run->updated_ms + 90 * (int64_t)DAY_MS;
		run->updated_ms = run->archived_ms;
	}
}

static int compare_ids(const void *a, const void *b)
{
	const struct sandbox_run *const *left = a;
	const struct sandbox_run *const *right = b;

	return strcmp((*left)->id, (*right)->id);
}

bool sandbox_state_init(struct sandbox_state *s, const struct sandbox_options *o)
{
	*s = (struct sandbox_state){ .options = o, .run_count = o->runs };
	s->runs = calloc(o->runs + 1, sizeof *s->runs);
	s->by_id = calloc(o->runs + 1, sizeof(struct sandbox_run *));
	if (s->runs == NULL || s->by_id == NULL || !sandbox_limits_init(&s->limits, o))
		return false;
	for (unsigned i = 0; i < o->runs; i++) {
		make_run(&s->runs[i], i + 1, o);
		s->by_id[i] = &s->runs[i];
	}
	qsort(s->by_id, s->run_count, sizeof(struct sandbox_run *), compare_ids);
	return true;
}

void sandbox_state_done(struct sandbox_state *s)
{
	free(s->runs);
	free(s->by_id);
	free(s->events);
	free(s->pending);
	sandbox_limits_done(&s->limits);
}

static int compare_id(const void *id, const void *run)
{
	const struct sandbox_run *const *right = run;

	return strcmp(id, (*right)->id);
}

struct sandbox_run *sandbox_state_find(const struct sandbox_state *s, const char *id)
{
	struct sandbox_run **found =
		bsearch(id, s->by_id, s->run_count, sizeof(struct sandbox_run *), compare_id);

	return found == NULL ? NULL : *found;
}

/* A stand-in that lost an event would make tests lie, so it rather ends. */
static void *grow(void *array, size_t count, size_t *room, size_t item_size)
{
	if (count < *room)
		return array;
	*room = *room == 0 ? 64 : *room * 2;
	array = realloc(array, *room * item_size);
	if (array == NULL)
		abort();
	return array;
}

static void add_event(struct sandbox_state *s, const struct sandbox_run *run, const char *verb,
                      unsigned actor, int64_t now_ms)
{
	s->events = grow(s->events, s->event_count, &s->event_room, sizeof *s->events);
	s->events[s->event_count] = (struct sandbox_event){
		.id = 9001000 + s->event_count,
		.run = run,
		.verb = verb,
		.actor = actor,
		.created_ms = now_ms,
	};
	s->event_count++;
}

void sandbox_state_archive(struct sandbox_state *s, struct sandbox_run *run, unsigned actor,
                           int64_t now_ms)
{
	if (run->archived_ms != 0)
		return;
	run->archived_ms = now_ms;
	run->updated_ms = now_ms;
	add_event(s, run, "archived", actor, now_ms);
}

void sandbox_state_restore(struct sandbox_state *s, struct sandbox_run *run, unsigned actor,
                           int64_t now_ms)
{
	if (run->archived_ms == 0)
		return;
	run->archived_ms = 0;
	run->updated_ms = now_ms;
	add_event(s, run, "unarchived", actor, now_ms);
}

void sandbox_state_schedule(struct sandbox_state *s, struct sandbox_pending pending)
{
	s->pending = grow(s->pending, s->pending_count, &s->pending_room, sizeof *s->pending);
	s->pending[s->pending_count++] = pending;
}

void sandbox_state_settle(struct sandbox_state *s, int64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->pending_count; i++) {
		struct sandbox_pending due = s->pending[i];

		if (due.due_ms > now_ms)
			s->pending[kept++] = due;
		else if (due.archive)
			sandbox_state_archive(s, due.run, due.actor, due.due_ms);
		else
			sandbox_state_restore(s, due.run, due.actor, due.due_ms);
	}
	s->pending_count = kept;
}
