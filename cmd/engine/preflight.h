/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PREFLIGHT_H
#define MUN_PREFLIGHT_H
/*
 * Who are we, before the first mutating request of an epoch: GET /me, /me/organizations, the
 * member. Journalled as identity requests, within the rate windows.
 */
#include "cmd/engine/engine.h"

struct mun_preflight_options {
	struct mun_journal *journal;
	struct mun_wire *wire;
	const struct mun_clock *clock;
	const struct mun_base_url *base;
	const struct mun_id *org;
	const struct mun_rate *rate;
	const char *token_fingerprint;
	uint64_t max_wait_ms;
	bool on_terminal, no_bodies;
	int (*signals)(void);
	/* or NULL: a wait begins, because of our windows, the server, or a network not there */
	void (*waiting)(void *arg, enum mun_phase phase, uint64_t wait_ms, const char *why);
	void *arg;
};
struct mun_preflight {
	bool has_me;
	char me_id[33], role[33], org_name[128];
	char tls_issuer[65]; /* of the server's certificate, as in response entries; "" */
	int64_t next_at_us;  /* with exit 6: when to come back; else MUN_TIME_NONE */
	unsigned exit;       /* exit status when the check failed, else 0 */
};
/* On failure err says what to do and ret->exit is 3, 6 or 14 (or 130 for a signal). */
enum mun_code mun_preflight_run(const struct mun_preflight_options *o, struct mun_preflight *ret,
                                struct mun_err *err) MUN_MUST_CHECK;
#endif
