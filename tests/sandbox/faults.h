/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_FAULTS_H
#define MUN_SANDBOX_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sandbox/request.h"

struct sandbox_reply;
struct sandbox_kind;

enum sandbox_when {
	SANDBOX_WHEN_ALL,
	SANDBOX_WHEN_RANGE, /* first to last, both included */
	SANDBOX_WHEN_EVERY, /* each first-th */
	SANDBOX_WHEN_CHANCE,
};

struct sandbox_fault {
	const struct sandbox_kind *kind;
	char arg[64];
	unsigned status; /* of status:NNN */
	enum sandbox_when when;
	uint64_t first;
	uint64_t last;
	double chance;
	enum sandbox_on on;
	bool effect; /* the request does what it asks for, only the answer suffers */
};

/* Reads KIND[:ARG]@WHEN[,on=WHAT][,effect=yes|no]. */
bool sandbox_fault_parse(struct sandbox_fault *f, const char *text);
void sandbox_fault_help(void);

/* The first fault that hits the request, or NULL. */
const struct sandbox_fault *sandbox_fault_pick(const struct sandbox_fault *faults,
                                               size_t fault_count, uint64_t seed,
                                               const struct sandbox_request *request);

/* Whether the token is dead from now on. */
bool sandbox_fault_revokes(const struct sandbox_fault *f);

/* Milliseconds after which the effect comes; -1 when this is not such a fault. */
int64_t sandbox_fault_delay_ms(const struct sandbox_fault *f);

/* Makes the answer: from the true one when the fault lets the effect happen, else from nothing. */
void sandbox_fault_apply(const struct sandbox_fault *f, struct sandbox_reply *reply);

#endif
