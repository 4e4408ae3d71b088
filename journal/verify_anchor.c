/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/verify_impl.h"
#include "lib/timestamp.h"

#define WITNESSES_MAX 16
#define LAST_SECOND   UINT64_C(253402300799) /* of the year 9999 */

/* The report's copy of a name; many different ones share the last. */
static const char *keep_name(struct mun_verify *v, const char *by)
{
	struct mun_verdict_report *r = v->report;

	for (size_t i = 0; i < r->by_len; i++)
		if (strcmp(r->by[i], by) == 0)
			return r->by[i];
	if (r->by_len == MUN_ARRAY_LEN(r->by))
		return r->by[r->by_len - 1];
	r->by[r->by_len] = strdup(by);
	return r->by[r->by_len] ? r->by[r->by_len++] : NULL;
}

static enum mun_code add_anchor(struct mun_verify *v, const struct mun_verdict_anchor *a,
                                struct mun_err *err)
{
	struct mun_verdict_report *r = v->report;
	const char *by = keep_name(v, a->by);
	struct mun_verdict_anchor *anchors =
		mun_verify_grow(r->anchors, &r->anchors_cap, r->anchors_len, sizeof(*anchors), err);

	if (!by && anchors)
		(void)mun_fail(err, MUN_E_NOMEM, "no memory for the name of an anchor");
	if (anchors)
		r->anchors = anchors;
	if (!by || !anchors)
		return MUN_E_NOMEM;
	r->anchors[r->anchors_len] = *a;
	r->anchors[r->anchors_len++].by = by;
	if (r->anchored_size < a->size)
		r->anchored_size = a->size;
	return MUN_OK;
}

static enum mun_code check_stamp(struct mun_verify *v, const struct mun_signed *s, size_t i,
                                 const uint8_t digest[static MUN_SHA256_LEN], struct mun_err *err)
{
	const char *reply = mun_buf_str(&s->stamp) + s->stamps[i].at;
	struct mun_timestamp stamp;

	enum mun_code code =
		v->o->tsa_ca ? mun_timestamp_verify(&stamp, reply, s->stamps[i].len, digest,
	                                            v->o->tsa_ca, err)
			     : mun_timestamp_read(&stamp, reply, s->stamps[i].len, digest, err);
	if (code == MUN_E_VERIFY) {
		mun_verify_bad(v, MUN_NO_SEQ,
		               "time stamp %zu of the checkpoint of %llu entries: %.110s", i + 1,
		               (unsigned long long)s->size, err->text);
		return MUN_OK;
	}
	if (code != MUN_OK)
		return code;
	if (!v->o->tsa_ca) {
		v->stamps_unchecked++;
		return MUN_OK;
	}
	struct mun_verdict_anchor a = { .kind = MUN_ANCHOR_TIMESTAMP,
		                        .by = stamp.by,
		                        .size = s->size,
		                        .time_us = stamp.time_us };
	return add_anchor(v, &a, err);
}

static enum mun_code check_witness(struct mun_verify *v, const struct mun_signed *s, unsigned i,
                                   const struct mun_note *note, struct mun_err *err)
{
	const struct mun_vkey *key = &v->o->witnesses[i];
	uint64_t time_s = 0;

	switch (mun_note_check(note, key, &time_s, NULL)) {
	case MUN_NOTE_ABSENT:
		return MUN_OK;
	case MUN_NOTE_INVALID:
		mun_verify_bad(v, MUN_NO_SEQ,
		               "checkpoint of %llu entries: the cosignature of %.60s is false",
		               (unsigned long long)s->size, key->name);
		return MUN_OK;
	case MUN_NOTE_VALID:
		break;
	}
	if (time_s > LAST_SECOND)
		time_s = LAST_SECOND;
	struct mun_verdict_anchor a = { .kind = MUN_ANCHOR_WITNESS,
		                        .witness = i,
		                        .by = key->name,
		                        .size = s->size,
		                        .time_us = (int64_t)time_s * 1000000 };
	return add_anchor(v, &a, err);
}

/* A witness of the options, or the log itself. */
static bool is_known(const struct mun_verify *v, const struct mun_note_line *line)
{
	if (strlen(v->origin) == line->name_len &&
	    memcmp(v->origin, line->name, line->name_len) == 0)
		return true;
	for (size_t i = 0; i < v->o->witnesses_len; i++) {
		const struct mun_vkey *key = &v->o->witnesses[i];
		if (key->hash == line->hash && strlen(key->name) == line->name_len &&
		    memcmp(key->name, line->name, line->name_len) == 0)
			return true;
	}
	return false;
}

enum mun_code mun_verify_anchors(struct mun_verify *v, const struct mun_signed *s,
                                 const struct mun_note *note, struct mun_err *err)
{
	const char *end = mun_buf_str(&s->note) + s->signed_len;
	uint8_t digest[MUN_SHA256_LEN];
	enum mun_code code = MUN_OK;

	mun_sha256(digest, mun_buf_str(&s->note), s->signed_len);
	for (size_t i = 0; code == MUN_OK && i < s->stamps_len; i++)
		code = check_stamp(v, s, i, digest, err);
	for (unsigned i = 0; code == MUN_OK && i < v->o->witnesses_len; i++)
		code = check_witness(v, s, i, note, err);
	for (size_t i = 0; i < note->sig_len; i++)
		if (note->sig[i].line >= end && !is_known(v, &note->sig[i]))
			v->cosignatures_unchecked++;
	return code;
}

enum mun_code mun_verify_bounds(struct mun_verify *v, struct mun_err *err)
{
	const struct mun_verdict_report *r = v->report;
	int64_t earliest = INT64_MAX;

	v->bounds = calloc(r->anchors_len + 1, sizeof(*v->bounds));
	if (!v->bounds)
		return mun_fail(err, MUN_E_NOMEM, "no memory for times of anchors");
	v->bounds[r->anchors_len] = INT64_MAX;
	for (size_t i = r->anchors_len; i-- > 0;) {
		if (r->anchors[i].time_us < earliest)
			earliest = r->anchors[i].time_us;
		v->bounds[i] = earliest;
	}
	return MUN_OK;
}

/* What was written after it was anchored was written with a false time, or anchored falsely. */
void mun_verify_fold_time(struct mun_verify *v, const struct mun_entry *e)
{
	const struct mun_verdict_report *r = v->report;

	while (v->bounds_at < r->anchors_len && r->anchors[v->bounds_at].size <= e->seq)
		v->bounds_at++;
	int64_t bound = v->bounds[v->bounds_at];
	if (e->time_us > bound && e->time_us - bound > MUN_ANCHOR_TOLERANCE_US)
		mun_verify_bad(v, e->seq, "its time lies %lld s after an anchor that covers it",
		               (long long)((e->time_us - bound) / 1000000));
}

enum mun_code mun_verify_fold_ended(struct mun_verify *v, const struct mun_entry *e,
                                    struct mun_err *err)
{
	struct mun_verify_ended *ended =
		mun_verify_grow(v->ended, &v->ended_cap, v->ended_len, sizeof(*ended), err);

	if (!ended)
		return MUN_E_NOMEM;
	v->ended = ended;
	v->ended[v->ended_len++] = (struct mun_verify_ended){ .seq = e->seq,
		                                              .time_us = e->time_us,
		                                              .batch = e->batch };
	return MUN_OK;
}

/* The earliest anchors of each kind that cover an entry; INT64_MAX: none. */
struct cover {
	int64_t any, stamp, witness[WITNESSES_MAX];
};

static void cover_add(struct cover *c, const struct mun_verdict_anchor *a)
{
	int64_t *own = a->kind == MUN_ANCHOR_TIMESTAMP ? &c->stamp
	               : a->witness < WITNESSES_MAX    ? &c->witness[a->witness]
	                                               : &c->any;

	if (a->time_us < *own)
		*own = a->time_us;
	if (a->time_us < c->any)
		c->any = a->time_us;
}

static int compare_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* When the n-th different witness had seen it. */
static int64_t nth_witness(const struct cover *c, unsigned n)
{
	int64_t times[WITNESSES_MAX];

	if (n == 0 || n > WITNESSES_MAX)
		return INT64_MAX;
	memcpy(times, c->witness, sizeof(times));
	qsort(times, WITNESSES_MAX, sizeof(times[0]), compare_times);
	return times[n - 1];
}

static void require(struct mun_verify *v, const struct mun_verify_ended *e, int64_t anchored_us,
                    const char *what)
{
	char batch[MUN_REF_TEXT], late[32];
	int64_t delay_us = anchored_us == INT64_MAX ? 0 : anchored_us - e->time_us;

	mun_ref_format(batch, 'b', &e->batch);
	if (anchored_us == INT64_MAX) {
		mun_verify_bad(v, e->seq, "the end of %s is covered by no %s", batch, what);
	} else if (v->o->anchor_within_us > 0 && delay_us > v->o->anchor_within_us) {
		mun_duration_format(late, sizeof(late), delay_us / 1000);
		mun_verify_bad(v, e->seq, "the end of %s was covered by a %s only after %s", batch,
		               what, late);
	}
}

static void check_ended(struct mun_verify *v, const struct mun_verify_ended *e,
                        const struct cover *c)
{
	const struct mun_verify_options *o = v->o;
	struct mun_verdict_report *r = v->report;

	if (c->any != INT64_MAX) {
		int64_t delay_us = c->any > e->time_us ? c->any - e->time_us : 0;
		if (delay_us > r->longest_delay_us)
			r->longest_delay_us = delay_us;
	}
	if (o->require_timestamp)
		require(v, e, c->stamp, "time stamp");
	if (o->require_witness > 0)
		require(v, e, nth_witness(c, o->require_witness), "sufficient number of witnesses");
	if (!o->require_timestamp && o->require_witness == 0 && o->anchor_within_us > 0)
		require(v, e, c->any, "anchor");
}

static void say_anchors(struct mun_verify *v)
{
	const struct mun_verdict_report *r = v->report;
	unsigned long long stamps = v->stamps_unchecked, cosignatures = v->cosignatures_unchecked;

	if (r->anchors_len > 0)
		mun_verify_checked(v, "%zu anchor(s), of up to %llu entries", r->anchors_len,
		                   (unsigned long long)r->anchored_size);
	else if (stamps + cosignatures > 0)
		mun_verify_note(
			v, MUN_NO_SEQ,
			"nothing anchored by whom the options name: --tsa-ca, --witness-key");
	else
		mun_verify_note(v, MUN_NO_SEQ,
		                "nothing anchored: no witness or timestamp covers it");
	if (stamps > 0)
		mun_verify_not_checked(v, "%llu time stamp(s): no authority was given (--tsa-ca)",
		                       stamps);
	if (cosignatures > 0)
		mun_verify_not_checked(v,
		                       "%llu cosignature(s) of witnesses that were not given "
		                       "(--witness-key)",
		                       cosignatures);
}

void mun_verify_anchors_end(struct mun_verify *v)
{
	const struct mun_verdict_report *r = v->report;
	size_t anchor = r->anchors_len;
	struct cover c = { .any = INT64_MAX, .stamp = INT64_MAX };

	for (size_t i = 0; i < WITNESSES_MAX; i++)
		c.witness[i] = INT64_MAX;
	for (size_t i = v->ended_len; i-- > 0;) {
		while (anchor > 0 && r->anchors[anchor - 1].size > v->ended[i].seq)
			cover_add(&c, &r->anchors[--anchor]);
		check_ended(v, &v->ended[i], &c);
	}
	say_anchors(v);
}
