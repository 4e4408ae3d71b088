/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_SERVER_H
#define MUN_SANDBOX_SERVER_H

#include <pthread.h>
#include <stdbool.h>

#include "tests/sandbox/state.h"

struct MHD_Daemon;

struct sandbox_server {
	struct sandbox_state *state; /* only with the lock */
	pthread_mutex_t lock;
	pthread_t starter;
	struct MHD_Daemon *daemon;
	char *cert;
	char *key;
	int log_fd;
};

/* Listens on 127.0.0.1. Returns false after a message on stderr; stop is due either way. */
bool sandbox_server_start(struct sandbox_server *s, struct sandbox_state *state);
void sandbox_server_stop(struct sandbox_server *s);
unsigned sandbox_server_port(const struct sandbox_server *s);

#endif
