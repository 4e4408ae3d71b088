/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SLOT_H
#define MUN_SLOT_H
/* An item that is being worked on: what the journal says of it, and what comes next. */
#include "journal/journal.h"

enum mun_stage {
	MUN_STAGE_SEND,  /* a mutating request, not before due_ms */
	MUN_STAGE_PROBE, /* a GET of the run, not before due_ms */
	MUN_STAGE_WALK,  /* waits for the archived list */
	MUN_STAGE_ME,    /* a 401 came: GET /me decides */
	MUN_STAGE_FLYING,
};
#define MUN_TRIED 16
struct mun_tried {                 /* an attempt whose own answer did not tell its outcome */
	int64_t sent_ms, ended_ms; /* uptime, below 0 before this boot; ended: MUN_TIME_NONE
	                              without a response entry */
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
	bool foreign;           /* in doubt because another copy of the journal may have sent it */
	bool decided;           /* a person said it had no effect: one probe, then it is sent */
	bool unasked;           /* in doubt since an earlier epoch, first probe outstanding */
	bool poison;            /* asking about it killed us as often as it may */
	bool here;              /* its newest attempt was sent in this epoch */
	bool recheck;           /* another runner still settles its attempt for this run */
	uint64_t cleared_seq;   /* a probe answered: attempts elsewhere below it are no hindrance */
	int64_t sent_ms;        /* of the newest attempt; uptime, below 0 before this boot */
	struct mun_tried tried[MUN_TRIED]; /* its attempts that were in doubt, oldest first */
	unsigned tried_len;
	uint64_t settled_after_ms; /* "not the goal" counts from probes sent from then on */
	uint64_t probed_ms;        /* when the newest probe was sent */
	uint64_t probe_seq;        /* its request entry */
	uint64_t walk;             /* the first walk that sees all pages for it */
	unsigned tries;            /* probes without an answer */
	unsigned failures;         /* for the back-off */
	bool unconfirmed;          /* 2xx without evidence, first probe outstanding */
	bool has_checklist;
	struct mun_id checklist; /* the run's blueprint, where a body has shown it */
};
#endif
