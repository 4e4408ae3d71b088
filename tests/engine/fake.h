/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TESTS_FAKE_H
#define MUN_TESTS_FAKE_H
/*
 * A server, a wire and a clock for the engine, in one piece of memory that survives the death of
 * a forked runner. The server keeps runs that are active, archived or gone and answers as the
 * service would; rules replace single answers. Time passes only while the engine waits, so hours
 * take milliseconds. Every request is recorded, in order.
 */
#include "journal/journal.h"
#include "lib/remote/op.h"
#include "lib/remote/wire.h"

#define FAKE_RUNS      400
#define FAKE_RULES     512
#define FAKE_FLIGHTS   256
#define FAKE_REQUESTS  20000
#define FAKE_ANY       (-1)
#define FAKE_BLUEPRINT "00000000000000000000000000000b1e"
#define FAKE_EXIT      99 /* status of a runner that died at fake.die_at */

/* Bodies that rules give; NULL is the server's own document after 2xx, else nothing. */
#define FAKE_HTML      "<html>Sorry</html>"
#define FAKE_JSON      "{\"message\":\"no\"}"
#define FAKE_NOT_FOUND "{\"error\":{\"code\":\"RESOURCE_NOT_FOUND\"}}"
#define FAKE_ENDPOINT  "{\"error\":{\"code\":\"ENDPOINT_NOT_FOUND\"}}"

enum fake_kind {
	FAKE_MUTATE,
	FAKE_GET,
	FAKE_LIST,
	FAKE_ME,
	FAKE_ORGS,
	FAKE_MEMBER,
	FAKE_KINDS
};
enum fake_effect {
	FAKE_NO_EFFECT,
	FAKE_EFFECT, /* effect_after_ms after the request came */
};
struct fake_answer {
	enum mun_send send;
	unsigned http;
	const char *body;
	const char *archived_at; /* JSON value instead of the run's own; no last_updated then */
	const char *shown_id;    /* id shown instead of the run's own */
	enum fake_effect effect;
	uint64_t effect_after_ms;
	uint64_t latency_ms;   /* 0: 20 */
	int64_t retry_after_s; /* 0: no header */
};
struct fake_rule {
	enum fake_kind kind;
	int run;           /* or FAKE_ANY */
	unsigned from, to; /* requests of this kind for this run, from 1; 0 0: all */
	unsigned first;    /* among all of this kind; 0: any */
	struct fake_answer answer;
};
struct fake_run {
	struct mun_id id;
	bool archived, gone;
	int64_t archived_us, updated_us; /* server time; updated MUN_TIME_NONE: not shown */
	const char *archived_text;       /* shown instead */
	bool blueprint;                  /* shows FAKE_BLUEPRINT as its checklist_id */
	uint64_t effect_at_ms;           /* of a late effect; 0: none outstanding */
	bool effect_archives;
	unsigned count[FAKE_KINDS];
	unsigned effects; /* requests that changed it */
	bool doubt;       /* sent, and the engine was told nothing certain since */
};
struct fake_request {
	enum fake_kind kind;
	int run; /* -1: none of ours */
	uint64_t tag, at_ms, answered_ms;
	unsigned http;
	unsigned page;
	bool by_status;    /* list asked for with status=archived */
	bool narrowed;     /* … and one checklist_id */
	unsigned mutating; /* mutating requests on the wire, this one included */
	unsigned flying;
};
struct fake_flight {
	struct fake_answer answer;
	size_t request;
	uint64_t ready_ms;
};
struct fake {
	struct mun_wire wire;
	struct mun_clock clock;
	struct mun_now now;
	struct mun_journal *journal; /* each start asks whether its intent is committed */
	enum mun_op_kind op;
	/* the server */
	struct fake_run run[FAKE_RUNS];
	uint32_t runs;
	int64_t server_offset_us;
	unsigned filler;     /* archived runs of others, listed before ours */
	bool hides_archived; /* GET of an archived run is 404 */
	bool ignores_filter; /* archived=only shows live rows too */
	bool ignores_status; /* and so does status=archived */
	bool filler_last;    /* the archived runs of others come behind ours */
	bool repeats_page;   /* every page is the first one */
	unsigned page_rows;  /* rows of a page, whatever was asked for; 0: as asked for */
	int pages_said;      /* the page count that is told; 0: the true one */
	bool clamps_page;    /* behind its end the list shows its last page again */
	bool no_dates;       /* no Date header */
	struct fake_rule rule[FAKE_RULES];
	size_t rules;
	/* the wire */
	struct fake_flight flight[FAKE_FLIGHTS];
	size_t flights;
	struct fake_request request[FAKE_REQUESTS];
	size_t requests;
	unsigned count[FAKE_KINDS];
	unsigned waits, aborts;
	char broken[200]; /* the first breach of a promise that every run keeps; "" */
	/* called at each start, after it was recorded; may change anything */
	void (*on_start)(struct fake *f, const struct fake_request *r);
	/* called each time the engine waits */
	void (*on_wait)(struct fake *f);
	void *arg;
	/* where this process dies: a step is a reading of the clock, a start or a wait */
	unsigned step, die_at, looks;
};

/* Runs 0..runs-1, active for an archive, archived an hour ago for a restore. */
struct fake *fake_open(enum mun_op_kind op, uint32_t runs);
void fake_close(struct fake *f);
/* Rules are tried in order, first fit answers. */
void fake_rule(struct fake *f, struct fake_rule rule);
/* The process that ran is gone: nothing is on the wire any more, late effects still come. */
void fake_hang_up(struct fake *f);
unsigned fake_mutations(const struct fake *f, int run); /* FAKE_ANY: of all */
/* The n-th request (from 0) of a kind, for a run or FAKE_ANY; NULL when there are fewer. */
const struct fake_request *fake_nth(const struct fake *f, enum fake_kind kind, int run, size_t n);

/* server.c: late effects whose time has come; what the server answers. body is malloc'ed. */
void fake_server_pass(struct fake *f);
void fake_server_apply(struct fake *f, struct fake_run *run, uint64_t after_ms);
struct fake_answer fake_server_answer(struct fake *f, const struct fake_request *r);
char *fake_server_body(const struct fake *f, const struct fake_request *r,
                       const struct fake_answer *a);
#endif
