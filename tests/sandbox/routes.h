/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_ROUTES_H
#define MUN_SANDBOX_ROUTES_H

#include "tests/sandbox/reply.h"
#include "tests/sandbox/request.h"
#include "tests/sandbox/state.h"

/* Answers one request, faults included. */
void sandbox_routes_answer(struct sandbox_state *s, const struct sandbox_request *request,
                           struct sandbox_reply *reply);

#endif
