/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_SEND_H
#define MUN_SANDBOX_SEND_H

#include <stdbool.h>
#include <stdint.h>

struct MHD_Connection;
struct sandbox_reply;

/* Puts the answer, or what a fault left of it, on the wire. Returns false to close at once. */
bool sandbox_send(struct MHD_Connection *connection, struct sandbox_reply *reply,
                  const char *request_id, bool tls);

#endif
