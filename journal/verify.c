/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/anew.h"
#include "journal/mark.h"
#include "journal/verify_impl.h"

MUN_PRINTF(4, 0)
static void add_finding(struct mun_verify *v, uint64_t seq, bool bad, const char *fmt, va_list args)
{
	struct mun_verdict_report *r = v->report;

	if (r->findings_len >= MUN_FINDINGS_MAX) {
		r->findings_more++;
		return;
	}
	struct mun_finding *f = &r->findings[r->findings_len++];
	f->seq = seq;
	f->bad = bad;
	(void)vsnprintf(f->what, sizeof(f->what), fmt, args);
}

MUN_PRINTF(3, 0)
static void add_bad(struct mun_verify *v, uint64_t seq, const char *fmt, va_list args)
{
	struct mun_verdict_report *r = v->report;

	if (r->bad == 0 || seq == MUN_NO_SEQ || seq != v->last_bad)
		r->bad++;
	v->last_bad = seq;
	if (seq != MUN_NO_SEQ && (r->first_bad == MUN_NO_SEQ || seq < r->first_bad))
		r->first_bad = seq;
	add_finding(v, seq, true, fmt, args);
}

void mun_verify_bad(struct mun_verify *v, uint64_t seq, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_bad(v, seq, fmt, args);
	va_end(args);
}

void mun_verify_odd(struct mun_verify *v, uint64_t seq, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (v->gap)
		add_finding(v, seq, false, fmt, args);
	else
		add_bad(v, seq, fmt, args);
	va_end(args);
}

void mun_verify_note(struct mun_verify *v, uint64_t seq, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_finding(v, seq, false, fmt, args);
	va_end(args);
}

MUN_PRINTF(4, 0)
static void add_text(struct mun_verify *v, char **texts, size_t *len, const char *fmt, va_list args)
{
	if (*len == MUN_ARRAY_LEN(v->report->checked))
		return;
	if (vasprintf(&texts[*len], fmt, args) < 0)
		v->no_memory = true;
	else
		(*len)++;
}

void mun_verify_checked(struct mun_verify *v, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_text(v, v->report->checked, &v->report->checked_len, fmt, args);
	va_end(args);
}

void mun_verify_not_checked(struct mun_verify *v, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_text(v, v->report->not_checked, &v->report->not_checked_len, fmt, args);
	va_end(args);
}

void *mun_verify_grow(void *array, size_t *cap, size_t len, size_t size, struct mun_err *err)
{
	if (array && len < *cap)
		return array;
	size_t want = *cap ? *cap * 2 : 64;
	void *bigger = reallocarray(array, want, size);
	if (bigger)
		*cap = want;
	else
		(void)mun_fail(err, MUN_E_NOMEM, "no memory for %zu rows of verify", want);
	return bigger;
}

static void say_checked(struct mun_verify *v)
{
	mun_verify_checked(v, "every entry hashed again from its bytes");
	mun_verify_checked(v, "sequence numbers");
	mun_verify_checked(v, "tree and root");
	mun_verify_checked(v, "each response belongs to one earlier request of the same item");
	mun_verify_checked(v, "each mutating request has an outcome or is listed as in doubt");
	if (!v->closure_partial) {
		mun_verify_checked(v, "every mutating request belongs to a plan's list");
		mun_verify_checked(v, "lists hash to what their plans say");
		mun_verify_checked(v, "conservation of items");
	}
	mun_verify_checked(v, "clocks");
}

static void say_partial(struct mun_verify *v)
{
	const struct mun_verdict_report *r = v->report;

	if (mun_source_is_partial(v->source))
		mun_verify_not_checked(v,
		                       "completeness: %llu of %llu entries withheld, any of them "
		                       "may meet the filter",
		                       (unsigned long long)r->withheld,
		                       (unsigned long long)r->head.size);
	if (v->closure_partial)
		mun_verify_not_checked(v, "closure and conservation of batches that are not whole");
}

/* Entries, tree, signatures, anchors. */
static enum mun_code check_source(struct mun_verify *v, struct mun_anew *anew,
                                  enum mun_code *ret_folded, struct mun_err *ret_why,
                                  struct mun_err *err)
{
	enum mun_code code = mun_verify_points(v, err);

	if (code == MUN_OK)
		code = mun_source_is_bundle(v->source)
		               ? mun_verify_lines(v, err)
		               : mun_verify_chain(v, anew, ret_folded, ret_why, err);
	if (code == MUN_OK)
		code = mun_verify_previous(v, err);
	if (code != MUN_OK)
		return code;
	say_checked(v);
	mun_verify_fold_end(v);
	mun_verify_bodies_end(v);
	mun_verify_points_end(v);
	mun_verify_keys_end(v);
	mun_verify_anchors_end(v);
	say_partial(v);
	return MUN_OK;
}

static void say_mark(struct mun_verify *v, const struct mun_mark_state *s)
{
	unsigned long long is = v->report->head.size, was = s->mark.size;

	switch (s->fit) {
	case MUN_MARK_FITS:
		mun_verify_checked(v, "the high-water mark of this machine: %llu entries", was);
		break;
	case MUN_MARK_NONE:
		mun_verify_not_checked(v, "high-water mark: this machine has none of this journal");
		break;
	case MUN_MARK_UNKNOWN:
		mun_verify_not_checked(v, "high-water mark: it cannot be read, or has no place");
		break;
	case MUN_MARK_BEHIND:
		if (s->own)
			mun_verify_bad(v, is,
			               "rolled back: %llu of the %llu entries of its "
			               "high-water mark",
			               is, was);
		else
			mun_verify_note(v, MUN_NO_SEQ, "older copy: %llu of %llu entries", is, was);
		break;
	case MUN_MARK_FORKED:
		mun_verify_bad(v, MUN_NO_SEQ,
		               "its first %llu entries are not those of the "
		               "high-water mark: it was forked or rewritten",
		               was);
		break;
	case MUN_MARK_ALARMED:
		if (s->own)
			mun_verify_bad(v, MUN_NO_SEQ, "alarm in the high-water mark: %.150s",
			               s->mark.alarm);
		else
			mun_verify_note(v, MUN_NO_SEQ, "alarm in the high-water mark: %.150s",
			                s->mark.alarm);
		break;
	}
}

/* Roots and signatures of the mark are points of the pass. */
static enum mun_code add_mark(struct mun_verify *v, struct mun_err *err)
{
	struct mun_mark_state s;

	enum mun_code code = mun_mark_compare(v->j, &s, err);
	if (code != MUN_OK)
		return code == MUN_E_CORRUPT ? MUN_OK : code;
	say_mark(v, &s);
	if (s.fit == MUN_MARK_NONE || s.fit == MUN_MARK_UNKNOWN || s.fit == MUN_MARK_FORKED)
		return MUN_OK;
	if (s.mark.signed_size > 0 && s.mark.signed_size <= v->report->head.size) {
		code = mun_verify_named(v, MUN_NO_SEQ, s.mark.signed_size, NULL, NULL, err);
		if (code != MUN_OK)
			return code;
	}
	if (s.mark.size > v->report->head.size)
		return MUN_OK;
	struct mun_verify_point p = { .size = s.mark.size, .kind = MUN_POINT_MARK };
	memcpy(p.root, s.mark.root, sizeof(p.root));
	return mun_verify_add_point(v, &p, err);
}

/* What a check of tables can say is worth little when the entries themselves are damaged. */
static enum mun_code compare_tables(struct mun_verify *v, struct mun_verify_tables *t,
                                    enum mun_code folded, const struct mun_err *why,
                                    struct mun_err *err)
{
	if (v->report->bad) {
		mun_verify_not_checked(v, "tables against a rebuild: the entries are damaged");
		return MUN_OK;
	}
	enum mun_code code = mun_verify_tables_end(v, t, folded, why, err);
	if (code == MUN_OK)
		mun_verify_checked(v, "tables equal a rebuild from the entries");
	return code;
}

static enum mun_code conclude(struct mun_verify *v, struct mun_err *err)
{
	struct mun_verdict_report *r = v->report;

	if (v->o->tables_only)
		mun_verify_not_checked(
			v, "entries, tree, exchanges, lists and bodies: muniment verify does");
	mun_verify_not_checked(v, "revocation of a time stamp authority's certificate");
	mun_verify_not_checked(v, "what the operator did not record");
	if (r->anchored_size > 0)
		mun_verify_not_checked(v,
		                       "whether its own keeper has rewritten it since the last "
		                       "outside anchor, at %llu entries: no local file can prove "
		                       "that alone",
		                       (unsigned long long)r->anchored_size);
	else
		mun_verify_not_checked(v,
		                       "whether its own keeper has rewritten it: no local file "
		                       "can prove that alone, and no outside anchor was checked");
	if (r->bad)
		r->result = MUN_VERIFY_FAILED;
	else
		r->result = r->findings_len ? MUN_VERIFIED_FINDINGS : MUN_VERIFIED;
	return v->no_memory ? mun_fail(err, MUN_E_NOMEM, "no memory for the report of verify")
	                    : MUN_OK;
}

static void verify_done(struct mun_verify *v)
{
	mun_verify_state_done(&v->state);
	mun_buf_done(&v->text);
	mun_buf_done(&v->line);
	free(v->points);
	free(v->keys);
	free(v->bounds);
	free(v->ended);
	free(v->bodiless);
}

static void free_all(char **texts, size_t len)
{
	for (size_t i = 0; i < len; i++)
		free(texts[i]);
}

const char *mun_verify_result_name(enum mun_verify_result result)
{
	switch (result) {
	case MUN_VERIFIED:
		return "verified";
	case MUN_VERIFIED_FINDINGS:
		return "findings";
	case MUN_VERIFY_FAILED:
		break;
	}
	return "failed";
}

void mun_verdict_report_done(struct mun_verdict_report *r)
{
	free(r->anchors);
	free_all(r->by, r->by_len);
	free(r->findings);
	free_all(r->checked, r->checked_len);
	free_all(r->not_checked, r->not_checked_len);
	free(r->entry);
	memset(r, 0, sizeof(*r));
}

enum mun_code mun_verify_begin(struct mun_verify *v, const struct mun_verify_options *options,
                               struct mun_verdict_report *ret, struct mun_err *err)
{
	static const struct mun_verify_options none = { .tables_only = false };

	*v = (struct mun_verify){ .o = options ? options : &none,
		                  .report = ret,
		                  .last_bad = MUN_NO_SEQ,
		                  .last_time_us = MUN_TIME_NONE };
	*ret = (struct mun_verdict_report){ .first_bad = MUN_NO_SEQ,
		                            .longest_delay_us = MUN_TIME_NONE };
	mun_verify_state_init(&v->state);
	mun_tree_init(&v->tree);
	mun_buf_init(&v->text, MUN_VERIFY_TEXT_MAX);
	mun_buf_init(&v->line, MUN_ENTRY_MAX + 1);
	ret->findings = calloc(MUN_FINDINGS_MAX, sizeof(ret->findings[0]));
	return ret->findings ? MUN_OK : mun_fail(err, MUN_E_NOMEM, "no memory for findings");
}

enum mun_code mun_verify_end(struct mun_verify *v, enum mun_code code, struct mun_err *err)
{
	if (code == MUN_OK)
		code = conclude(v, err);
	if (code != MUN_OK)
		mun_verdict_report_done(v->report);
	verify_done(v);
	return code;
}

static enum mun_code check_entries(struct mun_verify *v, struct mun_verify_tables *tables,
                                   struct mun_anew *anew, struct mun_err *err)
{
	struct mun_source *s MUN_CLEANUP(mun_source_closep) = NULL;
	enum mun_code folded = MUN_OK;
	struct mun_err why;

	enum mun_code code = mun_source_journal(&s, v->j, v->report->head.size, err);
	v->source = s;
	if (code == MUN_OK)
		code = add_mark(v, err);
	if (code == MUN_OK)
		code = check_source(v, anew, &folded, &why, err);
	return code == MUN_OK ? compare_tables(v, tables, folded, &why, err) : code;
}

static enum mun_code check_journal(struct mun_verify *v, struct mun_err *err)
{
	struct mun_verify_tables *tables MUN_CLEANUP(mun_verify_tables_closep) = NULL;
	struct mun_anew *anew;

	enum mun_code code = mun_journal_head(v->j, &v->report->head, err);
	if (code == MUN_E_CORRUPT) {
		mun_verify_bad(v, MUN_NO_SEQ, "the head cannot be read: %.150s", err->text);
		mun_verify_not_checked(v, "entries and tables: the head cannot be read");
		return MUN_OK;
	}
	if (code == MUN_OK)
		code = mun_verify_tables_begin(v, &tables, &anew, err);
	if (code != MUN_OK)
		return code;
	if (!v->o->tables_only)
		return check_entries(v, tables, anew, err);
	struct mun_err why;
	enum mun_code folded =
		mun_anew_fold(anew, mun_journal_store(v->j), v->report->head.size, &why);
	return compare_tables(v, tables, folded, &why, err);
}

enum mun_code mun_verify_journal(struct mun_journal *j, const struct mun_verify_options *options,
                                 struct mun_verdict_report *ret, struct mun_err *err)
{
	struct mun_verify v;

	enum mun_code code = mun_verify_begin(&v, options, ret, err);
	v.j = j;
	if (code == MUN_OK)
		code = check_journal(&v, err);
	return mun_verify_end(&v, code, err);
}

enum mun_code mun_verify_source(struct mun_source *s, const struct mun_verify_options *options,
                                struct mun_verdict_report *ret, struct mun_err *err)
{
	enum mun_code folded;
	struct mun_verify v;
	struct mun_err why;

	enum mun_code code = mun_verify_begin(&v, options, ret, err);
	v.source = s;
	ret->head.size = mun_source_size(s);
	if (code == MUN_OK)
		code = mun_source_rewind(s, err);
	if (code == MUN_OK)
		code = check_source(&v, NULL, &folded, &why, err);
	return mun_verify_end(&v, code, err);
}

/* What is altered, missing or surplus is named, and the rest is looked at all the same. */
static enum mun_code check_bundle(struct mun_verify *v, const char *dir, struct mun_err *err)
{
	struct mun_members *m MUN_CLEANUP(mun_members_closep) = NULL;
	struct mun_source *s MUN_CLEANUP(mun_source_closep) = NULL;
	enum mun_code folded;
	struct mun_err why;

	enum mun_code code = mun_members_open(&m, dir, err);
	if (code == MUN_OK)
		code = mun_verify_sums(v, m, err);
	if (code != MUN_OK)
		return code;
	code = mun_source_bundle(&s, dir, err);
	if (code == MUN_E_CORRUPT) {
		mun_verify_bad(v, MUN_NO_SEQ, "%.180s", err->text);
		mun_verify_not_checked(v, "entries, signatures and anchors: the bundle lacks what "
		                          "they need");
		return MUN_OK;
	}
	if (code != MUN_OK)
		return code;
	v->source = s;
	v->report->head.size = mun_source_size(s);
	code = check_source(v, NULL, &folded, &why, err);
	return code == MUN_OK ? mun_verify_derived(v, m, err) : code;
}

enum mun_code mun_verify_bundle(const char *dir, const struct mun_verify_options *options,
                                struct mun_verdict_report *ret, struct mun_err *err)
{
	struct mun_verify v;

	enum mun_code code = mun_verify_begin(&v, options, ret, err);
	if (code == MUN_OK)
		code = check_bundle(&v, dir, err);
	return mun_verify_end(&v, code, err);
}
