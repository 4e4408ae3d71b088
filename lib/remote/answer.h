/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ANSWER_H
#define MUN_ANSWER_H
/*
 * What came back, and pure reading of it. Text of the server is hostile: everything is bounded,
 * validated and cut before it goes on.
 */
#include "lib/err.h"
#include "lib/id.h"
#include "lib/remote/verdict.h"
#define MUN_ANSWER_RUN_MAX  (1024u * 1024)      /* bytes read of a run, an identity */
#define MUN_ANSWER_LIST_MAX (16u * 1024 * 1024) /* of a list page */
#define MUN_HEADER_MAX      200                 /* bytes kept of a header value */
enum mun_header {                               /* the allow-list, in sorted order of their names */
	MUN_H_CF_RAY,
	MUN_H_CONTENT_TYPE,
	MUN_H_DATE,
	MUN_H_RETRY_AFTER,
	MUN_H_X_RATELIMIT_LIMIT,
	MUN_H_X_RATELIMIT_REMAINING,
	MUN_H_X_RATELIMIT_RESET,
	MUN_H_X_REQUEST_ID,
	MUN_HEADERS
};
const char *mun_header_name(enum mun_header h); /* "cf-ray" */
struct mun_answer {
	uint64_t tag; /* of the caller: journal entry of the request */
	enum mun_send send;
	bool sent;          /* the pre-request callback ran: a byte of it may have left */
	int curl_code;      /* number and name for the journal */
	char curl_name[48]; /* "CURLE_OPERATION_TIMEDOUT"-like short text, ASCII */
	unsigned http;      /* 100..599; 0 if none came */
	char header[MUN_HEADERS][MUN_HEADER_MAX + 1]; /* "" absent; valid UTF-8, no controls */
	int64_t retry_after_s;   /* largest of several, relative to the response's Date; -1
	                            none/garbage */
	char location_host[128]; /* of a 3xx, else "" */
	char *body; /* owned; NUL-terminated behind body_len; NULL if empty or dropped */
	size_t body_len;
	bool body_cut; /* longer than the limit: aborted */
	uint32_t duration_ms;
	char remote_ip[64];
	char tls_version[16]; /* "TLSv1.3"; "" without TLS */
	char tls_issuer[65];  /* SHA-256 of the issuer line, hex; "" */
	char error[256];      /* for people: what failed below HTTP, or "" */
};
void mun_answer_done(struct mun_answer *a); /* frees body; reusable */
/* Run in a body (or a row of a list). Strings are cut copies. */
enum mun_archived {
	MUN_ARCHIVED_ABSENT,
	MUN_ARCHIVED_NULL,
	MUN_ARCHIVED_TIME
};
struct mun_run_doc {
	struct mun_id id;
	enum mun_archived archived; /* ABSENT also when it is neither null nor a timestamp */
	char archived_at[40];       /* RFC 3339 UTC; a date alone or without zone: as received */
	int64_t archived_us;
	bool comparable;    /* a full instant */
	int64_t updated_us; /* last_updated, MUN_TIME_NONE when absent or without zone */
	bool has_checklist;
	struct mun_id checklist;
};
/* Body of GET run, archive, restore: {"data":{…}}. false: no JSON, or no run in it. */
bool mun_answer_run(struct mun_run_doc *ret, const char *body, size_t len);
bool mun_answer_is_json(const struct mun_answer *a); /* the whole body parses, and is whole */
void mun_answer_observe(struct mun_observation *ret, const struct mun_answer *a,
                        const struct mun_id *want, bool goal_archived, struct mun_run_doc *ret_run);
/* List page. fn is called per row that has a valid id. false: not a list. */
struct mun_page {
	size_t rows, bad_rows;                    /* bad: no valid id */
	int64_t total, current_page, total_pages; /* -1 unknown */
};
bool mun_answer_page(struct mun_page *ret, const char *body, size_t len,
                     void (*fn)(void *arg, const struct mun_run_doc *row), void *arg);
struct mun_me {
	char id[33]; /* decimal digits */
};
bool mun_answer_me(struct mun_me *ret, const char *body, size_t len);
struct mun_orgs {
	bool found;      /* the organization asked for is there */
	bool complete;   /* the page proves that it is the only one */
	char names[512]; /* of the first ten, ", " between them */
	char name[128];  /* of the one asked for */
};
/* Organizations page. false: not a list. */
bool mun_answer_orgs(struct mun_orgs *ret, const char *body, size_t len, const struct mun_id *org);
struct mun_member {
	char role[33], type[33]; /* lower-cased, printable ASCII */
};
bool mun_answer_member(struct mun_member *ret, const char *body, size_t len);
/* Error body's `code` ("RESOURCE_NOT_FOUND"), bare or nested; false when none. Cut, printable. */
bool mun_answer_code(char ret[static 64], const char *body, size_t len);
/* The run's `name` for people, cut to 255 bytes; false when none. Not evidence. */
bool mun_answer_name(char ret[static 256], const char *body, size_t len);
#endif
