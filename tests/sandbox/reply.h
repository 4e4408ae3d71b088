/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_REPLY_H
#define MUN_SANDBOX_REPLY_H

#include <stddef.h>

#include "tests/sandbox/moment.h"

struct cJSON;

enum sandbox_send {
	SANDBOX_SEND_WHOLE,
	SANDBOX_SEND_CLOSE, /* close the connection without a byte */
	SANDBOX_SEND_RESET, /* the same with RST */
	SANDBOX_SEND_HANG,  /* not a byte, until the client leaves */
	SANDBOX_SEND_CUT_HEADERS,
	SANDBOX_SEND_CUT_BODY,
	SANDBOX_SEND_DRIP, /* the body at one byte a second */
	SANDBOX_SEND_HUGE, /* 1 GB of body */
};

struct sandbox_reply {
	unsigned status;
	const char *type;
	char *body; /* owned, NULL when empty */
	size_t body_len;
	const char *location;
	char retry_after[2][SANDBOX_MOMENT_MAX]; /* "" means no such header */
	enum sandbox_send send;
	size_t cut; /* bytes that get through, for the two cuts */
};

void sandbox_reply_done(struct sandbox_reply *r);

/* All replace what the reply held. The document is taken over. */
void sandbox_reply_json(struct sandbox_reply *r, unsigned status, struct cJSON *document);
void sandbox_reply_text(struct sandbox_reply *r, unsigned status, const char *type,
                        const char *body);
void sandbox_reply_own(struct sandbox_reply *r, unsigned status, const char *type, char *body);

/* The error body the API is known to send with this status. */
void sandbox_reply_error(struct sandbox_reply *r, unsigned status);
void sandbox_reply_no_endpoint(struct sandbox_reply *r);
void sandbox_reply_too_many(struct sandbox_reply *r, unsigned retry_after_s);

#endif
