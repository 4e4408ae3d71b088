/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_LOOP_H
#define MUN_LOOP_H
/* The engine's inside, shared by the files of this folder only. */
#include "cmd/engine/engine.h"
#include "lib/crypto.h"
#include "lib/remote/retry.h"

#define MUN_SLOTS   4096 /* items held in memory; more wait in the journal */
#define MUN_FLIGHTS 256
#define MUN_NEVER   UINT64_MAX
#define MUN_SKEW_US (120 * INT64_C(1000000)) /* how far server time may be off */

enum mun_stage {
	MUN_STAGE_SEND,  /* a mutating request, not before due_ms */
	MUN_STAGE_PROBE, /* a GET of the run, not before due_ms */
	MUN_STAGE_WALK,  /* waits for the archived list */
	MUN_STAGE_ME,    /* a 401 came: GET /me decides */
	MUN_STAGE_FLYING,
};
struct mun_slot {
	uint32_t item;
	struct mun_list_row row;
	struct mun_buf text; /* of row */
	struct mun_item st;  /* as the journal has it */
	enum mun_stage stage;
	uint64_t due_ms;
	unsigned http;          /* status of the own answer that left it in doubt; 0 none */
	enum mun_verdict maybe; /* of a row that one probe must confirm; NONE */
	bool before_first;      /* the probe comes before a first attempt, not after an own one */
	bool cleared;           /* such a probe answered: it may be sent */
	bool recheck;           /* another runner still settles its attempt for this run */
	int64_t sent_us;        /* of the attempt in doubt, our clock */
	int64_t ended_us;       /* end of its transfer; MUN_TIME_NONE without a response entry */
	uint64_t settled_after_ms;  /* "not the goal" counts from probes sent from then on */
	uint64_t probed_ms;         /* when the newest probe was sent */
	unsigned tries;             /* probes without an answer */
	unsigned failures;          /* for the back-off */
	bool unconfirmed;           /* 2xx without evidence, first probe outstanding */
	char other_archived_at[40]; /* that another attempt for this run already has */
};
enum mun_flight_kind {
	MUN_FLIGHT_MUTATE,
	MUN_FLIGHT_PROBE,
	MUN_FLIGHT_PAGE,
	MUN_FLIGHT_TEST,
	MUN_FLIGHT_ME
};
struct mun_flight {
	uint64_t tag;
	enum mun_flight_kind kind;
	struct mun_slot *slot; /* NULL for pages, tests, /me without an item */
	int64_t sent_us;
};
struct mun_walk { /* the archived list, one walk for all who wait */
	bool active, flying;
	unsigned page;
	enum mun_archived_filter filter;
	uint64_t due_ms;
	uint64_t started_ms;
	unsigned rows_archived, rows_live;
	struct mun_id first_of_page, sample;
	bool has_first, has_sample;
};
struct mun_guard { /* counters of this epoch, in commit order */
	bool any_success;
	unsigned denied_row, blocked_row, unverified_row, infra_row;
	unsigned settled, not_found_first;
	bool window[50];
	unsigned window_len, window_at;
	uint64_t failures, done;
};
struct mun_breaker {
	bool open, half;
	uint64_t due_ms, pause_ms;
};
struct mun_engine {
	struct mun_engine_options o;
	struct mun_batch batch;
	const struct mun_op *op;
	char target[MUN_BASE_URL_MAX + 40];
	struct mun_now now;
	struct mun_slot *slots[MUN_SLOTS];
	size_t slots_len;
	struct mun_flight flights[MUN_FLIGHTS];
	size_t flights_len, mutating;
	uint32_t open_from; /* open items of the journal are taken from here on */
	bool open_done;
	struct mun_walk walk;
	int get_serves_archived; /* -1 unknown, 0 no, 1 yes */
	bool test_wanted;
	struct mun_guard guard;
	struct mun_breaker breaker;
	int64_t server_offset_us;
	enum mun_why why;
	char detail[256];
	bool draining;
	int64_t next_at_us;
	uint64_t window_until_ms, network_until_ms, started_ms, last_good_ms, last_draw_ms;
	unsigned network_failures, limit_failures;
	bool answered; /* anything at all, in this epoch */
	/* one round */
	struct mun_entry entries[2 * MUN_FLIGHTS + 8];
	size_t entries_len;
	struct mun_request requests[MUN_FLIGHTS];
	struct mun_flight intents[MUN_FLIGHTS];
	size_t intent_entry[MUN_FLIGHTS];
	size_t intents_len;
	struct mun_settle settles[2 * MUN_FLIGHTS];
	size_t settles_len;
	struct mun_range ranges[MUN_FLIGHTS];
	size_t ranges_len;
	struct mun_answer answers[MUN_FLIGHTS];
	size_t answers_len;
	char texts[MUN_FLIGHTS][40]; /* archived_at of the answers */
	uint64_t finished_seq[MUN_FLIGHTS];
	uint32_t finished_item[MUN_FLIGHTS];
	size_t finished_len;
};

/* loop.c */
struct mun_entry *mun_loop_entry(struct mun_engine *e, enum mun_kind kind);
void mun_loop_intend(struct mun_engine *e, const struct mun_flight *f, const struct mun_request *r,
                     enum mun_purpose purpose);
void mun_loop_drop(struct mun_engine *e, struct mun_slot *s);
void mun_loop_free(struct mun_slot *s);
/* The round's entries in one transaction; then what the journal says of the batch. */
enum mun_code mun_loop_commit(struct mun_engine *e, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_loop_refresh(struct mun_engine *e, struct mun_err *err) MUN_MUST_CHECK;
/* schedule.c: next is the lowest item that was never looked at in this epoch */
enum mun_code mun_schedule_intents(struct mun_engine *e, uint32_t *next, struct mun_err *err)
	MUN_MUST_CHECK;
/* closing.c */
enum mun_code mun_closing_batch(struct mun_engine *e, struct mun_err *err) MUN_MUST_CHECK;
void mun_loop_halt(struct mun_engine *e, enum mun_why why, const char *detail);
/* judge.c: one answer becomes entries of the round and a next stage of its slot */
void mun_judge(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a,
               size_t index);
/* the item is final: counts for guards and --stop-* */
void mun_judge_final(struct mun_engine *e, struct mun_slot *s, enum mun_verdict v, uint64_t seq);
struct mun_entry *mun_judge_response(struct mun_engine *e, const struct mun_flight *f,
                                     const struct mun_answer *a, enum mun_verdict v);
/* Adds to the settles of r; those of one entry are made one after the other. */
struct mun_settle *mun_judge_settle(struct mun_engine *e, struct mun_entry *r,
                                    const struct mun_slot *s, enum mun_verdict v);
/* probe.c */
enum mun_code mun_probe_load(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
	MUN_MUST_CHECK; /* what the journal knows of the run decides how the slot starts */
void mun_probe_answer(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a);
void mun_probe_page(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a);
void mun_probe_test(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a);
void mun_probe_intents(struct mun_engine *e, size_t room);
/* settle.c: what a read says of one item in doubt, or before a first attempt */
enum mun_found {
	MUN_FOUND_GOAL,
	MUN_FOUND_NOT_GOAL,
	MUN_FOUND_GONE,
	MUN_FOUND_NOTHING
};
void mun_settle_item(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s,
                     enum mun_found found, const struct mun_run_doc *run, int64_t retry_after_s);
/* guard.c */
void mun_guard_success(struct mun_engine *e);
void mun_guard_failed(struct mun_engine *e, enum mun_verdict v, unsigned http);
void mun_guard_infra(struct mun_engine *e, bool infra);
bool mun_breaker_admits(struct mun_engine *e);
void mun_breaker_read(struct mun_engine *e, bool answered);
#endif
