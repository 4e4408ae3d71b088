/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_REQUEST_H
#define MUN_REQUEST_H
/*
 * Pure: requests as method and path, made of validated ids only, and matched again as a whole
 * before they are used. Base URL in one form: scheme and host in lower case, no default port, no
 * trailing slash; user info, query, fragment refused; http only for loopback.
 */
#include "lib/id.h"
#include "lib/remote/op.h"
#define MUN_BASE_URL_MAX 256
#define MUN_PATH_MAX     256
struct mun_base_url {
	char text[MUN_BASE_URL_MAX]; /* "https://api.tallyfy.com", "http://127.0.0.1:8080/api" */
	char host[MUN_BASE_URL_MAX]; /* with port when it is not the default: "127.0.0.1:8080" */
	char path[MUN_BASE_URL_MAX]; /* "" or "/api" */
};
enum mun_code mun_base_url_parse(struct mun_base_url *ret, const char *s, struct mun_err *err)
	MUN_MUST_CHECK; /* USAGE */
#define MUN_BASE_URL_DEFAULT "https://api.tallyfy.com"
struct mun_request {
	const char *method;      /* static */
	char path[MUN_PATH_MAX]; /* from the root of the host, base path included, query too */
	bool mutating;
};
void mun_request_mutate(struct mun_request *ret, const struct mun_base_url *base,
                        const struct mun_op *op, const struct mun_id *org,
                        const struct mun_id *run);
void mun_request_get_run(struct mun_request *ret, const struct mun_base_url *base,
                         const struct mun_id *org, const struct mun_id *run);
enum mun_archived_filter {
	MUN_FILTER_ARCHIVED_ONLY,
	MUN_FILTER_STATUS_ARCHIVED
};
/* page from 1, per_page 1..100; checklist may be NULL. */
void mun_request_list_archived(struct mun_request *ret, const struct mun_base_url *base,
                               const struct mun_id *org, enum mun_archived_filter filter,
                               unsigned page, unsigned per_page, const struct mun_id *checklist);
void mun_request_me(struct mun_request *ret, const struct mun_base_url *base);
void mun_request_my_orgs(struct mun_request *ret, const struct mun_base_url *base, unsigned page);
void mun_request_member(struct mun_request *ret, const struct mun_base_url *base,
                        const struct mun_id *org, int64_t user_id);
/* GET …/runs?per_page=1, for `token test`. */
void mun_request_list_one(struct mun_request *ret, const struct mun_base_url *base,
                          const struct mun_id *org);
/* The second net: does the path match one of the patterns that the functions above can make? */
bool mun_request_allowed(const struct mun_request *r, const struct mun_base_url *base);
#endif
