/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SANDBOX_DISTORT_H
#define MUN_SANDBOX_DISTORT_H

struct sandbox_fault;
struct sandbox_reply;

/*
 * How each fault spoils an answer. The reply holds the true answer when the effect has happened,
 * else nothing; the functions that need a document leave an answer without one as it is.
 */
typedef void sandbox_distort(const struct sandbox_fault *f, struct sandbox_reply *r);

sandbox_distort sandbox_distort_close;
sandbox_distort sandbox_distort_reset;
sandbox_distort sandbox_distort_hang;
sandbox_distort sandbox_distort_cut_headers;
sandbox_distort sandbox_distort_cut_body;
sandbox_distort sandbox_distort_drip;
sandbox_distort sandbox_distort_huge;

sandbox_distort sandbox_distort_other_id;
sandbox_distort sandbox_distort_archived_null;
sandbox_distort sandbox_distort_archived_missing;
sandbox_distort sandbox_distort_dup_keys;
sandbox_distort sandbox_distort_deep;
sandbox_distort sandbox_distort_trailing;
sandbox_distort sandbox_distort_nan;
sandbox_distort sandbox_distort_utf8;

sandbox_distort sandbox_distort_errors;
sandbox_distort sandbox_distort_empty;
sandbox_distort sandbox_distort_status;
sandbox_distort sandbox_distort_html200;
sandbox_distort sandbox_distort_html403;
sandbox_distort sandbox_distort_redirect;
sandbox_distort sandbox_distort_endpoint;
sandbox_distort sandbox_distort_too_many;
sandbox_distort sandbox_distort_bad_gateway;

#endif
