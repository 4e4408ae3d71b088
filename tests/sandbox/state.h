/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_STATE_H
#define MUN_SANDBOX_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sandbox/limits.h"

#define SANDBOX_DANA 48377u /* user id of the first token's member; the others follow */

struct sandbox_run {
	char id[33];
	char checklist_id[33];
	char parent_id[33]; /* "" without one */
	char name[96];
	const char *checklist_title;
	const char *status;
	const char *hold; /* value of the custom field, NULL without one */
	uint64_t key;     /* seed of the invented parts */
	unsigned number;
	unsigned owner;
	unsigned tasks;
	unsigned tasks_done;
	bool open_issue;
	int64_t created_ms;
	int64_t updated_ms;
	int64_t completed_ms; /* 0 when not, as for the next one */
	int64_t archived_ms;
};

struct sandbox_event {
	uint64_t id;
	const struct sandbox_run *run;
	const char *verb;
	unsigned actor;
	int64_t created_ms;
};

struct sandbox_pending {
	struct sandbox_run *run;
	bool archive;
	unsigned actor;
	int64_t due_ms;
};

/* Everything the requests share. The server holds its lock around each call. */
struct sandbox_state {
	const struct sandbox_options *options;
	struct sandbox_run *runs; /* in the order of their numbers */
	struct sandbox_run **by_id;
	size_t run_count;
	struct sandbox_event *events; /* oldest first */
	size_t event_count;
	size_t event_room;
	struct sandbox_pending *pending;
	size_t pending_count;
	size_t pending_room;
	bool revoked[SANDBOX_TOKENS_MAX];
	struct sandbox_limits limits;
};

bool sandbox_state_init(struct sandbox_state *s, const struct sandbox_options *o);
void sandbox_state_done(struct sandbox_state *s);

/* NULL when there is no such run. */
struct sandbox_run *sandbox_state_find(const struct sandbox_state *s, const char *id);

/* Archiving an archived run, or restoring a live one, changes nothing. */
void sandbox_state_archive(struct sandbox_state *s, struct sandbox_run *run, unsigned actor,
                           int64_t now_ms);
void sandbox_state_restore(struct sandbox_state *s, struct sandbox_run *run, unsigned actor,
                           int64_t now_ms);

/* An effect that comes later, without a request; settle lets all come that are due. */
void sandbox_state_schedule(struct sandbox_state *s, struct sandbox_pending pending);
void sandbox_state_settle(struct sandbox_state *s, int64_t now_ms);

#endif
