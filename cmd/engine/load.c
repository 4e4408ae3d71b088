/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the journal knows of an item decides how it starts: it is sent, or the server is asked
 * first, because of an attempt of its own, one in another batch, or a decision.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/engine/loop.h"
#include "journal/holder.h"
#include "journal/when.h"

#define RECHECK_MS    1000
#define EXCHANGES_MAX 1000 /* of one item, looked at for attempts in doubt */

/* Uptime at which an entry was written, as far as that can be told. */
static enum mun_code uptime_of(struct mun_engine *e, uint64_t seq, int64_t *ret_ms,
                               struct mun_err *err)
{
	uint64_t since_ms = 0;
	enum mun_code code = MUN_OK;

	*ret_ms = MUN_TIME_NONE;
	if (seq != MUN_NO_SEQ)
		code = mun_journal_since(e->o.journal, seq, &since_ms, err);
	if (code == MUN_OK && seq != MUN_NO_SEQ)
		*ret_ms = e->now.uptime_ms - (int64_t)since_ms;
	return code;
}

/* When "settle after the end of the transfer" is over; unknown ends count from our start. */
static enum mun_code settled_at(struct mun_engine *e, const struct mun_exchange *x, uint64_t *ret,
                                struct mun_err *err)
{
	uint64_t since_ms = 0;
	enum mun_code code;

	*ret = e->started_ms + e->o.settle_ms;
	if (x->response_seq == MUN_NO_SEQ)
		return MUN_OK;
	code = mun_journal_since(e->o.journal, x->response_seq, &since_ms, err);
	*ret = mun_loop_ms(e);
	if (since_ms < e->o.settle_ms)
		*ret += e->o.settle_ms - since_ms;
	return code;
}

static enum mun_verdict to_confirm(unsigned http)
{
	if (http == 404 || http == 410)
		return MUN_V_NOT_FOUND;
	return http == 400 || http == 422 ? MUN_V_REJECTED : MUN_V_NONE;
}

static bool was_in_doubt(const struct mun_exchange *x)
{
	if (!mun_purpose_mutates(x->purpose))
		return false;
	if (x->response_seq == MUN_NO_SEQ || x->answer == MUN_V_UNVERIFIED)
		return true;
	if (x->answer == MUN_V_CONFIG_ERROR)
		return x->http >= 300 && x->http < 400;
	return x->answer == MUN_V_UNKNOWN && x->http != 401 && to_confirm(x->http) == MUN_V_NONE;
}

/* As often as it may be, the program died over the answer: asking again would end the same way. */
static bool kills_us(const struct mun_engine *e, uint32_t lost_probes)
{
	return !e->o.resolving && lost_probes >= e->o.attempts;
}

/* The attempts of this item that may explain what the server shows, oldest first. */
static enum mun_code load_tried(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
{
	struct mun_exchange x;
	uint64_t seq = s->st.exchange_seq;
	unsigned at = MUN_TRIED;
	uint32_t lost_probes = 0;
	bool newest = true; /* of the probes, only those since the newest answer */
	enum mun_code code = MUN_OK;

	for (unsigned n = 0; code == MUN_OK && seq != MUN_NO_SEQ && n < EXCHANGES_MAX; n++) {
		uint64_t request_seq = seq;

		code = mun_journal_exchange(e->o.journal, seq, &x, err);
		seq = x.prev_seq;
		if (code != MUN_OK)
			break;
		newest &= x.response_seq == MUN_NO_SEQ;
		lost_probes += newest && x.purpose == MUN_P_PROBE;
		if (was_in_doubt(&x) && at > 0) {
			struct mun_tried *t = &s->tried[--at];

			code = uptime_of(e, request_seq, &t->sent_ms, err);
			if (code == MUN_OK)
				code = uptime_of(e, x.response_seq, &t->ended_ms, err);
		}
	}
	s->poison = kills_us(e, lost_probes);
	s->tried_len = MUN_TRIED - at;
	memmove(&s->tried[0], &s->tried[at], s->tried_len * sizeof(s->tried[0]));
	return code;
}

/* Another copy of the journal may have sent the item: nothing before our start tells. */
static void load_foreign(struct mun_engine *e, struct mun_slot *s)
{
	s->foreign = s->before_first = true;
	s->recheck = false;
	s->stage = MUN_STAGE_PROBE;
	s->settled_after_ms = e->started_ms + e->o.settle_ms;
}

/* The newest attempt of ours, whose outcome is not known. */
static enum mun_code load_doubt(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
{
	struct mun_exchange x;
	enum mun_code code = mun_journal_exchange(e->o.journal, s->st.request_seq, &x, err);

	if (code != MUN_OK)
		return code;
	if (x.verdict != MUN_V_NONE && !s->st.probe_first) {
		load_foreign(e, s);
		return MUN_OK;
	}
	s->stage = MUN_STAGE_PROBE;
	code = uptime_of(e, s->st.request_seq, &s->sent_ms, err);
	if (code != MUN_OK)
		return code;
	if (x.response_seq != MUN_NO_SEQ) {
		s->maybe = to_confirm(x.http);
		s->http = x.http;
		if (x.http == 401)
			s->stage = MUN_STAGE_ME;
	}
	return settled_at(e, &x, &s->settled_after_ms, err);
}

struct elsewhere {
	struct mun_engine *e;
	struct mun_slot *s;
	uint64_t newest; /* entry of the newest outcome seen */
	bool goal;       /* it is what this batch wants */
};

/* An attempt elsewhere is open: ask, once its own runner has given it up. */
static enum mun_code note_open(struct elsewhere *k, const struct mun_place *p,
                               const struct mun_item *other, struct mun_err *err)
{
	struct mun_exchange x;
	uint64_t settled_ms = mun_loop_ms(k->e);
	enum mun_code code = MUN_OK;

	if (other->request_seq != MUN_NO_SEQ) {
		code = mun_journal_exchange(k->e->o.journal, other->request_seq, &x, err);
		if (code == MUN_OK)
			code = settled_at(k->e, &x, &settled_ms, err);
	} else {
		settled_ms = k->e->started_ms + k->e->o.settle_ms;
	}
	k->s->before_first = true;
	k->s->recheck |= mun_journal_runner_lives(k->e->o.journal, &p->batch);
	if (settled_ms > k->s->settled_after_ms)
		k->s->settled_after_ms = settled_ms;
	return code;
}

/* Its item came from a former journal and was not asked about yet. */
static void note_adopted(struct elsewhere *k)
{
	uint64_t settled_ms = k->e->started_ms + k->e->o.settle_ms;

	k->s->before_first = true;
	if (settled_ms > k->s->settled_after_ms)
		k->s->settled_after_ms = settled_ms;
}

/* Another item with the same run: an open attempt, or the goal as its last outcome. */
static enum mun_code note_place(void *arg, const struct mun_place *p, struct mun_err *err)
{
	struct elsewhere *k = arg;
	struct mun_item other;
	struct mun_batch batch;
	enum mun_code code = MUN_OK;

	if (p->adopted && !p->has_batch && !mun_ref_equal(&p->plan, &k->e->batch.plan)) {
		note_adopted(k);
		return MUN_OK;
	}
	if (!p->has_batch || mun_ref_equal(&p->batch, &k->e->batch.batch))
		return MUN_OK;
	code = mun_journal_item(k->e->o.journal, &p->batch, p->item, &other, err);
	if (code == MUN_OK)
		code = mun_journal_batch(k->e->o.journal, &p->batch, &batch, err);
	if (code != MUN_OK)
		return code;
	if (other.state == MUN_I_IN_FLIGHT || other.state == MUN_I_IN_DOUBT)
		return note_open(k, p, &other, err);
	if ((other.state == MUN_I_DONE || other.state == MUN_I_ALREADY) &&
	    other.last_seq >= k->newest) {
		k->newest = other.last_seq;
		k->goal = mun_ops[batch.op].goal_archived == k->e->op->goal_archived;
	}
	return MUN_OK;
}

static enum mun_code load_elsewhere(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
{
	struct elsewhere k = { .e = e, .s = s };
	enum mun_code code = mun_journal_each_place(e->o.journal, &e->batch.org, &s->row.run,
	                                            note_place, &k, err);

	s->before_first |= k.goal;
	return code;
}

/* The rest of a wait that was recorded, by uptime within one boot, never longer than it was. */
static enum mun_code load_wait(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
{
	uint64_t since_ms;
	int64_t wait_ms;
	int64_t at_us;
	enum mun_code code;

	if (s->st.retry_at_us == MUN_TIME_NONE || s->st.last_seq == MUN_NO_SEQ)
		return MUN_OK;
	code = mun_journal_time_of(e->o.journal, s->st.last_seq, &at_us, err);
	if (code == MUN_OK)
		code = mun_journal_since(e->o.journal, s->st.last_seq, &since_ms, err);
	if (code != MUN_OK)
		return code;
	wait_ms = (s->st.retry_at_us - at_us) / 1000 + 1;
	if (wait_ms > (int64_t)since_ms)
		s->due_ms += (uint64_t)wait_ms - since_ms;
	return MUN_OK;
}

static enum mun_code load_stage(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
{
	bool doubt = s->st.state == MUN_I_IN_FLIGHT || s->st.state == MUN_I_IN_DOUBT;

	if (doubt && s->st.request_seq == MUN_NO_SEQ && e->batch.doubted_seq != MUN_NO_SEQ) {
		load_foreign(e, s);
		return MUN_OK;
	}
	if (doubt && s->st.request_seq != MUN_NO_SEQ) {
		s->before_first = s->recheck = false;
		s->unasked = true;
		return load_doubt(e, s, err);
	}
	if (s->st.probe_first) { /* once more before anything is sent, whenever that is */
		enum mun_code code =
			s->st.request_seq != MUN_NO_SEQ ? load_doubt(e, s, err) : MUN_OK;

		s->before_first = s->decided = true;
		s->maybe = MUN_V_NONE;
		s->stage = MUN_STAGE_PROBE;
		s->settled_after_ms = 0;
		return code;
	}
	if (s->st.attempts > 0) /* its own attempts are settled, and so were others before them */
		s->before_first = s->recheck = false;
	if (doubt)
		s->before_first = true; /* asked before, without an answer */
	if (s->before_first)
		s->stage = MUN_STAGE_PROBE;
	if (s->recheck)
		s->due_ms = mun_loop_ms(e) + RECHECK_MS;
	return load_wait(e, s, err);
}

enum mun_code mun_load_slot(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
{
	enum mun_code code = mun_journal_item(e->o.journal, &e->batch.batch, s->item, &s->st, err);

	s->stage = MUN_STAGE_SEND;
	s->due_ms = mun_loop_ms(e);
	s->maybe = MUN_V_NONE;
	s->before_first = s->recheck = s->decided = s->unasked = s->foreign = false;
	s->cleared_seq = s->settled_after_ms = 0;
	if (code == MUN_OK)
		code = load_tried(e, s, err);
	if (code == MUN_OK)
		code = load_elsewhere(e, s, err);
	return code == MUN_OK ? load_stage(e, s, err) : code;
}

/* The blueprint that the newest readable body of this item's run shows: it narrows a list. */
enum mun_code mun_load_checklist(struct mun_engine *e, struct mun_slot *s, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf body;
	struct mun_exchange x;
	struct mun_item item;
	enum mun_code code = mun_journal_item(e->o.journal, &e->batch.batch, s->item, &item, err);
	uint64_t seq = item.exchange_seq;

	mun_buf_init(&body, MUN_ANSWER_RUN_MAX);
	if (code != MUN_OK)
		return code;
	for (unsigned n = 0; !s->has_checklist && seq != MUN_NO_SEQ && n < EXCHANGES_MAX; n++) {
		struct mun_run_doc run;

		code = mun_journal_exchange(e->o.journal, seq, &x, err);
		if (code != MUN_OK)
			return code;
		seq = x.prev_seq;
		mun_buf_clear(&body);
		if (x.response_seq == MUN_NO_SEQ || x.http / 100 != 2)
			continue;
		code = mun_journal_body(e->o.journal, x.response_seq, &body, err);
		if (code == MUN_OK && mun_answer_run(&run, body.data, body.len) &&
		    mun_id_equal(&run.id, &s->row.run) && run.has_checklist) {
			s->has_checklist = true;
			s->checklist = run.checklist;
		} else if (code != MUN_OK && code != MUN_E_NOTFOUND) {
			return code;
		}
	}
	return MUN_OK;
}
