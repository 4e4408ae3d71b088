/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_DOCUMENT_H
#define MUN_SANDBOX_DOCUMENT_H

#include <stdbool.h>

#include "tests/sandbox/state.h"

struct cJSON;

/* 1 to 40 KB, as lists and GET show a run; always the same for the same run. */
struct cJSON *sandbox_document_run(const struct sandbox_run *run, bool status_kept);

/* The short form that archiving and restoring answer with. */
struct cJSON *sandbox_document_brief(const struct sandbox_run *run, bool status_kept);

struct cJSON *sandbox_document_event(const struct sandbox_event *event, const char *org);

/* A member with number SANDBOX_DANA + n; the role is left out when NULL. */
struct cJSON *sandbox_document_member(unsigned id, const char *role);

#endif
