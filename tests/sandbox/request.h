/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_REQUEST_H
#define MUN_SANDBOX_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

struct MHD_Connection;

/* What faults can be aimed at; a request may belong to several. */
enum sandbox_on {
	SANDBOX_ON_ANY,
	SANDBOX_ON_MUTATE,
	SANDBOX_ON_GET,
	SANDBOX_ON_RUN,
	SANDBOX_ON_LIST,
	SANDBOX_ON_ME,
	SANDBOX_ON_FEED,
	SANDBOX_ON_COUNT,
};

struct sandbox_request {
	struct MHD_Connection *connection;
	char *path;  /* as on the wire, without the query */
	char *query; /* as on the wire, "" without one */
	char method[16];
	bool received;
	bool mutate;
	unsigned peer_port;
	uint64_t n;
	uint64_t nth[SANDBOX_ON_COUNT]; /* 1-based place in each class, 0 when not in it */
};

/* Returns NULL without memory. */
struct sandbox_request *sandbox_request_new(const char *target);
void sandbox_request_free(struct sandbox_request *r);

/* Sets what follows from the method and the path, and counts; safe from any thread. */
void sandbox_request_receive(struct sandbox_request *r, const char *method, int log_fd);

/* A query argument, decoded, or NULL. */
const char *sandbox_request_arg(const struct sandbox_request *r, const char *name);

#endif
