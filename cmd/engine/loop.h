/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_LOOP_H
#define MUN_LOOP_H
/* The engine's inside, shared by the files of this folder only. */
#include "cmd/engine/engine.h"
#include "cmd/engine/slot.h"
#include "lib/crypto.h"
#include "lib/remote/retry.h"

#define MUN_SLOTS   4096 /* items held in memory; more wait in the journal */
#define MUN_FLIGHTS 256
#define MUN_NEVER   UINT64_MAX
#define MUN_SKEW_US (120 * INT64_C(1000000)) /* how far server time may be off */

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
	uint64_t sent_ms;      /* uptime */
};
struct mun_walk {                   /* the archived list, one walk for all who wait */
	bool active, begun, flying; /* begun: who waits now takes part */
	bool narrow;                /* to runs of one blueprint */
	struct mun_id checklist;
	unsigned page;
	enum mun_archived_filter filter;
	uint64_t due_ms;
	uint64_t started_ms;
	unsigned rows_live;
	uint64_t rows; /* seen so far */
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
	unsigned failed_as[MUN_VERDICTS], failed_http[MUN_VERDICTS]; /* how often; newest status */
	uint64_t unresolved; /* attempts of this epoch that were left in doubt */
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
	uint64_t walks; /* begun so far */
	bool walk_cut;  /* the last one met the bound: narrow the next one, where it can be */
	int get_serves_archived; /* -1 unknown, 0 no, 1 yes */
	bool test_wanted;
	struct mun_id test_sample; /* a row of the archived list */
	struct mun_guard guard;
	struct mun_breaker breaker;
	bool has_server_time;
	int64_t server_zero_us; /* server time at uptime 0, by the newest Date */
	bool said_offset;       /* clock.jumped was written for its distance from ours */
	enum mun_why why;
	char detail[256];
	bool draining;
	int64_t next_at_us;
	uint64_t window_until_ms, network_until_ms, started_ms, last_good_ms, last_draw_ms;
	uint64_t limited_from_ms, offline_from_ms; /* when the wait began; earlier requests that
	                                              fail the same way say nothing new */
	unsigned network_failures, limit_failures;
	uint64_t answers_ever, answers_5xx;
	uint32_t used[MUN_RATE_WINDOWS];
	bool draw_owed; /* something changed since the last drawing */
	bool answered;  /* anything at all, in this epoch */
	/* one round */
	struct mun_entry entries[4 * MUN_FLIGHTS + 8]; /* each settlement may add a skip */
	size_t entries_len;
	struct mun_request requests[MUN_FLIGHTS];
	struct mun_flight intents[MUN_FLIGHTS];
	size_t intent_entry[MUN_FLIGHTS];
	size_t intents_len;
	struct mun_settle settles[2 * MUN_FLIGHTS];
	size_t settles_len;
	struct mun_range ranges[2 * MUN_FLIGHTS];
	size_t ranges_len;
	struct mun_answer answers[MUN_FLIGHTS];
	size_t answers_len;
	char texts[MUN_FLIGHTS][40]; /* archived_at of the answers */
	uint64_t finished_seq[2 * MUN_FLIGHTS];
	uint32_t finished_item[2 * MUN_FLIGHTS];
	size_t finished_len;
};

static inline uint64_t mun_loop_ms(const struct mun_engine *e) /* the monotonic scale */
{
	return (uint64_t)e->now.uptime_ms;
}
/* Server time at a reading of uptime; where no Date has come yet, ours. */
static inline int64_t mun_loop_server_us(const struct mun_engine *e, int64_t uptime_ms)
{
	int64_t zero_us =
		e->has_server_time ? e->server_zero_us : e->now.real_us - e->now.uptime_ms * 1000;

	return zero_us + uptime_ms * 1000;
}

/* loop.c */
struct mun_entry *mun_loop_entry(struct mun_engine *e, enum mun_kind kind);
void mun_loop_intend(struct mun_engine *e, const struct mun_flight *f, const struct mun_request *r,
                     enum mun_purpose purpose);
/* The round's entries in one transaction; then what the journal says of the batch. */
enum mun_code mun_loop_commit(struct mun_engine *e, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_loop_refresh(struct mun_engine *e, struct mun_err *err) MUN_MUST_CHECK;
void mun_loop_halt(struct mun_engine *e, enum mun_why why, const char *detail);
/* schedule.c: next is the lowest item that was never looked at in this epoch */
enum mun_code mun_schedule_intents(struct mun_engine *e, uint32_t *next, struct mun_err *err)
	MUN_MUST_CHECK;
void mun_slot_drop(struct mun_engine *e, struct mun_slot *s);
void mun_slot_free(struct mun_slot *s);
/* The slot is given up, its item stays in doubt: resolve and each new epoch ask again. */
void mun_slot_unresolved(struct mun_engine *e, struct mun_slot *s);
/* load.c: what the journal knows of the run decides how the slot starts */
enum mun_code mun_load_slot(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_load_checklist(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
	MUN_MUST_CHECK;
/* closing.c */
enum mun_code mun_closing_batch(struct mun_engine *e, struct mun_err *err) MUN_MUST_CHECK;
/* judge.c: one answer becomes entries of the round and a next stage of its slot */
void mun_judge(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a,
               size_t index);
/* An attempt (request entry seq) has its verdict; the item may be tried again. */
void mun_judge_finished(struct mun_engine *e, uint32_t item, uint64_t seq);
/* The item is final: counts for guards and --stop-*; the slot is gone. */
void mun_judge_final(struct mun_engine *e, struct mun_slot *s, enum mun_verdict v, uint64_t seq);
struct mun_entry *mun_judge_response(struct mun_engine *e, const struct mun_flight *f,
                                     const struct mun_answer *a, enum mun_verdict v);
/* Adds to the settles of r; those of one entry are made one after the other. */
struct mun_settle *mun_judge_settle(struct mun_engine *e, struct mun_entry *r,
                                    const struct mun_slot *s, enum mun_verdict v);
/* pause.c: answers that say nothing about their item but keep the whole batch waiting */
bool mun_pause_is(const struct mun_answer *a); /* 429, or not sent */
/* Sets the wait and r's retry_at; returns it in milliseconds. */
uint64_t mun_pause_all(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a,
                       struct mun_entry *r);
/* One item waits: back-off after so many failures, or what the answer (or NULL) asks for; where
 * that is longer than --max-wait the batch halts. Sets retry_at of r, unless NULL. */
uint64_t mun_pause_one(struct mun_engine *e, const struct mun_answer *a, unsigned failures,
                       struct mun_entry *r);
void mun_pause_learn(struct mun_engine *e, const struct mun_answer *a); /* of every answer */
void mun_pause_give_up(struct mun_engine *e); /* halts when it lasts longer than --max-wait */
/* probe.c */
void mun_probe_answer(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a);
void mun_probe_intents(struct mun_engine *e, size_t room);
/* walk.c: the archived list, and whether GET serves archived runs */
void mun_walk_join(struct mun_engine *e, struct mun_slot *s);
enum mun_code mun_walk_begin(struct mun_engine *e, struct mun_err *err) MUN_MUST_CHECK;
void mun_walk_intents(struct mun_engine *e, size_t room);
void mun_walk_page(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a);
void mun_walk_test(struct mun_engine *e, const struct mun_flight *f, const struct mun_answer *a);
/* settle.c: what a read says of one item in doubt, or before a first attempt */
enum mun_found {
	MUN_FOUND_GOAL,
	MUN_FOUND_NOT_GOAL,
	MUN_FOUND_GONE,
	MUN_FOUND_NOTHING
};
enum mun_found mun_found_in(const struct mun_engine *e, const struct mun_run_doc *run);
void mun_settle_item(struct mun_engine *e, struct mun_entry *r, struct mun_slot *s,
                     enum mun_found found, const struct mun_run_doc *run,
                     const struct mun_answer *a);
/* Does an attempt of ours that was in doubt explain that the run is archived, or active? */
bool mun_settle_explains(const struct mun_engine *e, const struct mun_slot *s,
                         const struct mun_run_doc *run);
/* guard.c: first_item: this verdict halts a batch that had no success yet */
void mun_guard_success(struct mun_engine *e);
void mun_guard_failed(struct mun_engine *e, enum mun_verdict v, unsigned http, bool first_item);
void mun_guard_infra(struct mun_engine *e, bool infra);
bool mun_breaker_admits(struct mun_engine *e);
void mun_breaker_read(struct mun_engine *e, bool answered);
#endif
