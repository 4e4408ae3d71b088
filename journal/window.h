/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_WINDOW_H
#define MUN_WINDOW_H
/*
 * Rate windows as a projection: one row per admitted request, and until when a target wants no
 * requests. A target is "HOST ORGHEX". The ring in memory is refreshed inside each transaction
 * from the rows that other processes have added since.
 */
#include "journal/tables.h"
#define MUN_TARGET_MAX  320
#define MUN_TARGET_HASH 8
struct mun_window_cache {
	char target[MUN_TARGET_MAX];
	struct mun_rate rate;
	struct mun_admissions ring;
	uint64_t next_seq; /* rows from here on are not in the ring yet */
	bool valid;
};
void mun_window_cache_done(struct mun_window_cache *c);
/* Of a request entry. */
void mun_window_target(char ret[static MUN_TARGET_MAX], const struct mun_entry *request);
/* Read new rows into the ring. Times in it are of the uptime scale of now and boot. */
enum mun_code mun_window_refresh(struct mun_window_cache *c, struct mun_txn *t, const char *target,
                                 const struct mun_rate *rate, const struct mun_now *now,
                                 const uint8_t boot[static 6], struct mun_err *err) MUN_MUST_CHECK;
/* The row of an admitted request. */
enum mun_code mun_window_add(struct mun_txn *t, const char *target, const struct mun_entry *e,
                             struct mun_err *err) MUN_MUST_CHECK;
/* Drop up to max of the oldest rows of target that are older than keep_ms. */
enum mun_code mun_window_prune(struct mun_txn *t, const char *target, const struct mun_now *now,
                               const uint8_t boot[static 6], uint64_t keep_ms, unsigned max,
                               struct mun_err *err) MUN_MUST_CHECK;
/* Milliseconds until target wants requests again; 0: now. Never more than was said. */
enum mun_code mun_window_blocked(struct mun_txn *t, const char *target, const struct mun_now *now,
                                 const uint8_t boot[static 6], uint64_t *ret_ms,
                                 struct mun_err *err) MUN_MUST_CHECK;
/* The retry_at of a response. Never shortens a wait. */
enum mun_code mun_window_block(struct mun_txn *t, const char *target,
                               const struct mun_entry *response, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
