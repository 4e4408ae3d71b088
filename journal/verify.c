/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/verify_impl.h"

#define TEXT_MAX ((size_t)64 << 20)

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

static void checked(struct mun_verify *v, const char *what)
{
	struct mun_verdict_report *r = v->report;

	if (r->checked_len < MUN_ARRAY_LEN(r->checked))
		r->checked[r->checked_len++] = what;
}

static void not_checked(struct mun_verify *v, const char *what)
{
	struct mun_verdict_report *r = v->report;

	if (r->not_checked_len < MUN_ARRAY_LEN(r->not_checked))
		r->not_checked[r->not_checked_len++] = what;
}

static enum mun_code check_entries(struct mun_verify *v, struct mun_err *err)
{
	enum mun_code code = mun_verify_chain(v, err);

	if (code != MUN_OK)
		return code;
	mun_verify_fold_end(v);
	checked(v, "every entry hashed again from its bytes");
	checked(v, "sequence numbers");
	checked(v, "tree and root");
	checked(v, "each response belongs to one earlier request of the same item");
	checked(v, "each mutating request has an outcome or is listed as in doubt");
	checked(v, "every mutating request belongs to a plan's list");
	checked(v, "lists hash to what their plans say");
	checked(v, "conservation of items");
	checked(v, "commitments of bodies");
	checked(v, "clocks");
	mun_verify_note(v, MUN_NO_SEQ, "unsigned: no key has signed this journal");
	mun_verify_note(v, MUN_NO_SEQ, "nothing anchored: no witness or timestamp covers it");
	return MUN_OK;
}

/* What a check of tables can say is worth little when the entries themselves are damaged. */
static enum mun_code check_tables(struct mun_verify *v, struct mun_err *err)
{
	if (v->report->bad) {
		not_checked(v, "tables against a rebuild: the entries are damaged");
		return MUN_OK;
	}
	enum mun_code code = mun_verify_tables(v, err);
	if (code == MUN_OK)
		checked(v, "tables equal a rebuild from the entries");
	return code;
}

static void conclude(struct mun_verify *v, bool tables_only)
{
	struct mun_verdict_report *r = v->report;

	if (tables_only)
		not_checked(v, "entries, tree, exchanges, lists and bodies: muniment verify does");
	not_checked(v, "whether whoever keeps this journal has rewritten it as a whole");
	not_checked(v, "whether its newest entries were cut off");
	not_checked(v, "what the operator did not record");
	if (r->bad)
		r->result = MUN_VERIFY_FAILED;
	else
		r->result = r->findings_len ? MUN_VERIFIED_FINDINGS : MUN_VERIFIED;
}

uint8_t *mun_verify_buckets(uint32_t items)
{
	return calloc(items > 0 ? items : 1, 1); /* MUN_VB_OPEN is 0 */
}

static void verify_done(struct mun_verify *v)
{
	for (size_t i = 0; i < v->batches_len; i++)
		free(v->batches[i].bucket);
	free(v->batches);
	free(v->plans);
	free(v->open);
	mun_buf_done(&v->text);
}

void mun_verdict_report_done(struct mun_verdict_report *r)
{
	free(r->findings);
	memset(r, 0, sizeof(*r));
}

enum mun_code mun_verify_journal(struct mun_journal *j, bool tables_only,
                                 struct mun_verdict_report *ret, struct mun_err *err)
{
	struct mun_verify v = {
		.j = j, .report = ret, .last_bad = MUN_NO_SEQ, .last_time_us = MUN_TIME_NONE
	};

	memset(ret, 0, sizeof(*ret));
	ret->first_bad = MUN_NO_SEQ;
	ret->findings = calloc(MUN_FINDINGS_MAX, sizeof(ret->findings[0]));
	if (!ret->findings)
		return mun_fail(err, MUN_E_NOMEM, "no memory for findings");
	mun_buf_init(&v.text, TEXT_MAX);
	enum mun_code code = mun_journal_head(j, &ret->head, err);
	if (code == MUN_E_CORRUPT) {
		mun_verify_bad(&v, MUN_NO_SEQ, "the head cannot be read: %.150s", err->text);
		not_checked(&v, "entries and tables: the head cannot be read");
		code = MUN_OK;
	} else {
		if (code == MUN_OK && !tables_only)
			code = check_entries(&v, err);
		if (code == MUN_OK)
			code = check_tables(&v, err);
	}
	if (code == MUN_OK)
		conclude(&v, tables_only);
	else
		mun_verdict_report_done(ret);
	verify_done(&v);
	return code;
}
