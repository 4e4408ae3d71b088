/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_LIST_H
#define MUN_SANDBOX_LIST_H

struct sandbox_reply;
struct sandbox_request;
struct sandbox_state;

/* GET of the runs and of the activity feed: filter, sort, page. */
void sandbox_list_runs(const struct sandbox_state *s, const struct sandbox_request *request,
                       struct sandbox_reply *reply);
void sandbox_list_feed(const struct sandbox_state *s, const struct sandbox_request *request,
                       struct sandbox_reply *reply);

#endif
