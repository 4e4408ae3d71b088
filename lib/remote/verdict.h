/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VERDICT_H
#define MUN_VERDICT_H
/* What one answer means: the table of verdicts as rows, first fit decides. Pure. */
#include "lib/base.h"
enum mun_verdict {
	MUN_V_NONE, /* nothing is known yet */
	MUN_V_ARCHIVED,
	MUN_V_RESTORED,
	MUN_V_ALREADY_ARCHIVED,
	MUN_V_ALREADY_ACTIVE,
	MUN_V_UNVERIFIED,
	MUN_V_CONFIG_ERROR,
	MUN_V_REJECTED,
	MUN_V_NOT_FOUND,
	MUN_V_AUTH_LOST,
	MUN_V_DENIED,
	MUN_V_PLAN_LIMIT,
	MUN_V_BLOCKED,
	MUN_V_UNKNOWN,
	MUN_V_RATE_LIMITED,
	MUN_V_NOT_SENT,
	MUN_V_NO_EFFECT,
	/* of reads */
	MUN_V_IS_ARCHIVED,
	MUN_V_IS_ACTIVE,
	MUN_V_GONE,
	MUN_V_OK,
	MUN_V_NO_ANSWER,
	MUN_VERDICTS
};
const char *mun_verdict_name(enum mun_verdict v); /* "already_archived"; NULL for NONE */
bool mun_verdict_parse(enum mun_verdict *ret, const char *name);
bool mun_verdict_is_success(enum mun_verdict v); /* archived restored already_* */
enum mun_class {
	MUN_CLASS_DONE,
	MUN_CLASS_RETRY,           /* R: certainly not executed */
	MUN_CLASS_DOUBT,           /* D: probe before anything else */
	MUN_CLASS_FAILED,          /* P */
	MUN_CLASS_FAILED_IF_PROBE, /* P?: recorded as unknown until one probe has answered */
	MUN_CLASS_STOP,            /* S, item pending again */
	MUN_CLASS_STOP_DOUBT,      /* S, item stays in doubt */
	MUN_CLASS_ASK_ME,          /* 401: GET /me decides */
};
struct mun_judgement {
	enum mun_verdict
		verdict; /* of the row: for FAILED_IF_PROBE what holds when the probe agrees */
	enum mun_class class_;
	unsigned halt_exit; /* exit status when it halts the batch (by itself or by a guard); 0
	                       never */
	bool infra;         /* counts for the breaker */
};
/* What the judge looks at; filled by the wire and lib/remote/answer. */
enum mun_evidence_kind {
	MUN_EV_NOT_JSON, /* empty, HTML, cut: anything that does not parse as a whole */
	MUN_EV_JSON,     /* JSON, but no run with evidence in it */
	MUN_EV_OTHER_ID, /* a run, but another one */
	MUN_EV_GOAL,     /* the run asked for, archived_at as the operation wants it */
};
enum mun_send {            /* how the exchange ended below HTTP */
	MUN_SEND_OK,       /* a whole response */
	MUN_SEND_NOT_SENT, /* certainly not one byte of the request left */
	MUN_SEND_BAD_CERT, /* the server's certificate was refused; not sent */
	MUN_SEND_BROKEN,   /* error after the send began: timeout, reset, partial, guard abort */
};
struct mun_observation {
	enum mun_send send;
	unsigned http; /* 0 when none came */
	enum mun_evidence_kind evidence;
	bool json;               /* body parses as a whole */
	bool endpoint_not_found; /* 404 with code ENDPOINT_NOT_FOUND */
};
struct mun_judgement mun_judge_answer(const struct mun_observation *o, enum mun_verdict done);
#endif
