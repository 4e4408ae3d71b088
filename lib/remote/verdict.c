/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/remote/verdict.h"

#include <string.h>

static const char *const names[MUN_VERDICTS] = {
	[MUN_V_ARCHIVED] = "archived",
	[MUN_V_RESTORED] = "restored",
	[MUN_V_ALREADY_ARCHIVED] = "already_archived",
	[MUN_V_ALREADY_ACTIVE] = "already_active",
	[MUN_V_UNVERIFIED] = "unverified",
	[MUN_V_CONFIG_ERROR] = "config_error",
	[MUN_V_REJECTED] = "rejected",
	[MUN_V_NOT_FOUND] = "not_found",
	[MUN_V_AUTH_LOST] = "auth_lost",
	[MUN_V_DENIED] = "denied",
	[MUN_V_PLAN_LIMIT] = "plan_limit",
	[MUN_V_BLOCKED] = "blocked",
	[MUN_V_UNKNOWN] = "unknown",
	[MUN_V_RATE_LIMITED] = "rate_limited",
	[MUN_V_NOT_SENT] = "not_sent",
	[MUN_V_NO_EFFECT] = "no_effect",
	[MUN_V_IS_ARCHIVED] = "is_archived",
	[MUN_V_IS_ACTIVE] = "is_active",
	[MUN_V_GONE] = "gone",
	[MUN_V_OK] = "ok",
	[MUN_V_NO_ANSWER] = "no_answer",
};

const char *mun_verdict_name(enum mun_verdict v)
{
	return (unsigned)v < MUN_VERDICTS ? names[v] : NULL;
}

bool mun_verdict_parse(enum mun_verdict *ret, const char *name)
{
	for (unsigned i = 0; i < MUN_VERDICTS; i++) {
		if (names[i] && strcmp(names[i], name) == 0) {
			*ret = (enum mun_verdict)i;
			return true;
		}
	}
	return false;
}

bool mun_verdict_is_success(enum mun_verdict v)
{
	return v == MUN_V_ARCHIVED || v == MUN_V_RESTORED || v == MUN_V_ALREADY_ARCHIVED ||
	       v == MUN_V_ALREADY_ACTIVE;
}

enum row_body {
	BODY_ANY,
	BODY_GOAL,
	BODY_OTHER_ID,
	BODY_JSON,
	BODY_ENDPOINT, /* ENDPOINT_NOT_FOUND */
};

struct row {
	enum mun_send send;
	unsigned first, last; /* status */
	enum row_body body;
	struct mun_judgement says; /* MUN_V_NONE stands for the verdict of the operation done */
};

#define ANY_STATUS  0, 999
#define ONE(status) (status), (status)
#define SAYS(verdict_, class__, exit_, infra_)                           \
	{                                                                \
		MUN_V_##verdict_, MUN_CLASS_##class__, (exit_), (infra_) \
	}

/* The first row that fits decides; the last one fits everything. */
static const struct row rows[] = {
	{ MUN_SEND_NOT_SENT, ANY_STATUS, BODY_ANY, SAYS(NOT_SENT, RETRY, 14, false) },
	{ MUN_SEND_BAD_CERT, ANY_STATUS, BODY_ANY, SAYS(CONFIG_ERROR, STOP, 14, false) },
	{ MUN_SEND_BROKEN, ANY_STATUS, BODY_ANY, SAYS(UNKNOWN, DOUBT, 14, true) },

	{ MUN_SEND_OK, 200, 299, BODY_GOAL, SAYS(NONE, DONE, 0, false) },
	{ MUN_SEND_OK, 200, 299, BODY_OTHER_ID, SAYS(UNVERIFIED, STOP_DOUBT, 14, false) },
	{ MUN_SEND_OK, 200, 299, BODY_ANY, SAYS(UNVERIFIED, DOUBT, 14, false) },
	{ MUN_SEND_OK, 300, 399, BODY_ANY, SAYS(CONFIG_ERROR, STOP_DOUBT, 14, false) },

	{ MUN_SEND_OK, ONE(400), BODY_ANY, SAYS(REJECTED, FAILED_IF_PROBE, 7, false) },
	{ MUN_SEND_OK, ONE(401), BODY_ANY, SAYS(AUTH_LOST, ASK_ME, 3, false) },
	{ MUN_SEND_OK, ONE(402), BODY_ANY, SAYS(PLAN_LIMIT, STOP, 4, false) },
	{ MUN_SEND_OK, ONE(403), BODY_JSON, SAYS(DENIED, FAILED, 3, false) },
	{ MUN_SEND_OK, ONE(403), BODY_ANY, SAYS(BLOCKED, RETRY, 14, false) },
	{ MUN_SEND_OK, ONE(404), BODY_ENDPOINT, SAYS(CONFIG_ERROR, STOP, 14, false) },
	{ MUN_SEND_OK, ONE(404), BODY_JSON, SAYS(NOT_FOUND, FAILED_IF_PROBE, 14, false) },
	{ MUN_SEND_OK, ONE(404), BODY_ANY, SAYS(CONFIG_ERROR, STOP, 14, false) },
	{ MUN_SEND_OK, ONE(405), BODY_ANY, SAYS(REJECTED, FAILED, 7, false) },
	{ MUN_SEND_OK, 408, 409, BODY_ANY, SAYS(UNKNOWN, DOUBT, 0, false) },
	{ MUN_SEND_OK, ONE(410), BODY_ANY, SAYS(NOT_FOUND, FAILED_IF_PROBE, 7, false) },
	{ MUN_SEND_OK, 411, 417, BODY_ANY, SAYS(REJECTED, FAILED, 7, false) },
	{ MUN_SEND_OK, ONE(422), BODY_ANY, SAYS(REJECTED, FAILED_IF_PROBE, 7, false) },
	{ MUN_SEND_OK, ONE(423), BODY_ANY, SAYS(UNKNOWN, DOUBT, 0, false) },
	{ MUN_SEND_OK, ONE(425), BODY_ANY, SAYS(UNKNOWN, DOUBT, 0, false) },
	{ MUN_SEND_OK, ONE(426), BODY_ANY, SAYS(REJECTED, FAILED, 7, false) },
	{ MUN_SEND_OK, ONE(429), BODY_ANY, SAYS(RATE_LIMITED, RETRY, 6, false) },
	{ MUN_SEND_OK, ONE(431), BODY_ANY, SAYS(REJECTED, FAILED, 7, false) },
	{ MUN_SEND_OK, ONE(451), BODY_ANY, SAYS(REJECTED, FAILED, 7, false) },
	{ MUN_SEND_OK, 400, 499, BODY_ANY, SAYS(REJECTED, FAILED, 0, false) },

	{ MUN_SEND_OK, ONE(501), BODY_ANY, SAYS(REJECTED, FAILED, 7, false) },
	{ MUN_SEND_OK, ONE(505), BODY_ANY, SAYS(REJECTED, FAILED, 7, false) },
	{ MUN_SEND_OK, 500, 504, BODY_ANY, SAYS(UNKNOWN, DOUBT, 14, true) },
	{ MUN_SEND_OK, 520, 527, BODY_ANY, SAYS(UNKNOWN, DOUBT, 14, true) },
	{ MUN_SEND_OK, ONE(530), BODY_ANY, SAYS(UNKNOWN, DOUBT, 14, true) },
	{ MUN_SEND_OK, 500, 599, BODY_ANY, SAYS(UNKNOWN, DOUBT, 14, true) },
	/* Nothing that is known: the request left, so its effect is in doubt. */
	{ MUN_SEND_OK, ANY_STATUS, BODY_ANY, SAYS(UNKNOWN, DOUBT, 14, true) },
};

static bool body_fits(enum row_body want, const struct mun_observation *o)
{
	switch (want) {
	case BODY_ANY:
		return true;
	case BODY_GOAL:
		return o->json && o->evidence == MUN_EV_GOAL;
	case BODY_OTHER_ID:
		return o->json && o->evidence == MUN_EV_OTHER_ID;
	case BODY_JSON:
		return o->json;
	case BODY_ENDPOINT:
		return o->json && o->endpoint_not_found;
	}
	return false;
}

struct mun_judgement mun_judge_answer(const struct mun_observation *o, enum mun_verdict done)
{
	const struct row *r = rows;
	const struct row *last = &rows[MUN_ARRAY_LEN(rows) - 1];
	struct mun_judgement says;

	while (r < last && (r->send != o->send || o->http < r->first || o->http > r->last ||
	                    !body_fits(r->body, o)))
		r++;
	says = r->says;
	if (says.verdict == MUN_V_NONE)
		says.verdict = done;
	return says;
}
