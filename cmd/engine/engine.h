/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ENGINE_H
#define MUN_ENGINE_H
/*
 * Executes or settles a batch. Journal, wire and clock are arguments, so tests can give others.
 * One thread, one event loop: a round takes the answers that have arrived and the intents that
 * may go, appends both in one transaction, and only then sends. A request is on disk before it
 * leaves, an answer before anybody acts on it. Which operation it runs is data (lib/remote/op.h).
 */
#include "cmd/engine/outcome.h"
#include "journal/journal.h"
#include "lib/remote/wire.h"

enum mun_phase {
	MUN_PHASE_RUNNING,
	MUN_PHASE_QUOTA,
	MUN_PHASE_SERVER,
	MUN_PHASE_NETWORK,
	MUN_PHASE_SETTLING,
	MUN_PHASE_DRAINING
};

struct mun_progress { /* for people; copied at each call */
	enum mun_phase phase;
	uint64_t until_ms; /* milliseconds from now that it waits; 0 */
	struct mun_counts counts;
	uint32_t flying;
	uint64_t eta_ms;
	uint64_t answers, answers_5xx;   /* of the server in this epoch */
	uint32_t used[MUN_RATE_WINDOWS]; /* of the windows of options.rate, at the last look */
};

struct mun_engine_options {
	struct mun_journal *journal;
	struct mun_wire *wire;
	const struct mun_clock *clock;
	struct mun_batch batch; /* started or resumed: its epoch is ours */
	struct mun_base_url base;
	const char *token_fingerprint;
	struct mun_rate rate;
	uint32_t concurrency; /* 1..256 */
	uint32_t attempts;    /* per item */
	uint64_t settle_ms, timeout_ms, max_wait_ms;
	uint64_t stop_after;       /* 0: no limit */
	uint64_t stop_on_failures; /* 0: no limit */
	int64_t stop_at_us;        /* MUN_TIME_NONE */
	const uint32_t *only;      /* resolving: just these items; NULL: all in doubt */
	size_t only_len;
	bool keep_going, resolving, no_bodies, on_terminal;
	int (*signals)(void);       /* how many of INT, TERM, HUP have come */
	int (*signal_number)(void); /* the first of them; NULL: INT */
	void (*progress)(void *arg, const struct mun_progress *p); /* or NULL; at most 5 a second */
	void (*finished)(void *arg, uint32_t item,
	                 uint64_t request_seq);    /* or NULL: after the commit */
	void (*lost)(void *arg, const char *line); /* an outcome that could not be committed */
	/* or NULL: server time less ours, once, when it is over 120 s */
	void (*clock_off)(void *arg, int64_t offset_us);
	/*
	 * or NULL: work beside the requests, once a round; it never waits. *ret_again_ms: it wants
	 * to be called again by then. What it returns ends the run as a failure of the journal would.
	 */
	enum mun_code (*aside)(void *arg, uint32_t *ret_again_ms, struct mun_err *err);
	void *arg;
};
struct mun_engine_result {
	struct mun_batch batch; /* as it stands */
	enum mun_why why;
	char detail[256];   /* what the server or the network said, for people */
	int64_t next_at_us; /* when to come back (rate limit); MUN_TIME_NONE */
};
/*
 * Returns when the batch ended, halted, stopped or was drained; the entry that says so is
 * committed. JOURNAL, FULL, CORRUPT: nothing more was sent; STALE: another process raised the
 * epoch. ret is filled in any case.
 */
enum mun_code mun_engine_run(const struct mun_engine_options *o, struct mun_engine_result *ret,
                             struct mun_err *err) MUN_MUST_CHECK;
#endif
