/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/verify_print.h"

#include <stdio.h>
#include <string.h>

#include "cmd/out.h"
#include "lib/canon.h"
#include "lib/hex.h"
#include "lib/text.h"

#define OUT_MAX ((size_t)64 << 20)

static void add_seq(struct mun_canon *c, const char *key, uint64_t seq)
{
	if (seq == MUN_NO_SEQ)
		mun_canon_null(c, key);
	else
		mun_canon_int(c, key, (int64_t)seq);
}

static void add_texts(struct mun_canon *c, const char *key, char *const *texts, size_t len)
{
	mun_canon_array(c, key);
	for (size_t i = 0; i < len; i++)
		mun_canon_str(c, NULL, texts[i]);
	mun_canon_end(c);
}

static const char *anchor_name(enum mun_anchor_kind kind)
{
	return kind == MUN_ANCHOR_TIMESTAMP ? "timestamp" : "witness";
}

static void add_anchors(struct mun_canon *c, const struct mun_verdict_report *r)
{
	char time[MUN_DATE_MAX];

	mun_canon_array(c, "anchored");
	for (size_t i = 0; i < r->anchors_len; i++) {
		const struct mun_verdict_anchor *a = &r->anchors[i];
		mun_date_format(time, a->time_us);
		mun_canon_object(c, NULL);
		mun_canon_str(c, "kind", anchor_name(a->kind));
		mun_canon_str(c, "by", a->by);
		mun_canon_int(c, "size", (int64_t)a->size);
		mun_canon_str(c, "time", time);
		mun_canon_end(c);
	}
	mun_canon_end(c);
}

static void add_protection(struct mun_canon *c, const struct mun_verdict_report *r)
{
	mun_canon_str(c, "key", r->key[0] ? r->key : NULL);
	if (r->signed_size > 0) {
		mun_canon_object(c, "signed");
		mun_canon_int(c, "size", (int64_t)r->signed_size);
		mun_canon_end(c);
	} else {
		mun_canon_null(c, "signed");
	}
	add_anchors(c, r);
	mun_canon_object(c, "unanchored");
	mun_canon_int(c, "from", (int64_t)r->anchored_size);
	mun_canon_int(c, "count", (int64_t)(r->head.size - r->anchored_size));
	if (r->longest_delay_us == MUN_TIME_NONE)
		mun_canon_null(c, "longest_delay_s");
	else
		mun_canon_int(c, "longest_delay_s", r->longest_delay_us / 1000000);
	mun_canon_end(c);
	mun_canon_int(c, "withheld", (int64_t)r->withheld);
}

static void make_object(struct mun_buf *out, const struct mun_verdict_report *r)
{
	char root[2 * MUN_SHA256_LEN + 1];
	struct mun_canon c;
	char more[64];

	(void)snprintf(more, sizeof(more), "and %llu more", (unsigned long long)r->findings_more);
	mun_hex_encode(root, r->head.root, MUN_SHA256_LEN);
	mun_canon_init(&c, out);
	mun_canon_loose(&c);
	mun_canon_object(&c, NULL);
	mun_canon_str(&c, "result", mun_verify_result_name(r->result));
	mun_canon_int(&c, "size", (int64_t)r->head.size);
	mun_canon_str(&c, "root", root);
	add_protection(&c, r);
	add_seq(&c, "first_bad", r->first_bad);
	mun_canon_int(&c, "bad", (int64_t)r->bad);
	add_texts(&c, "checked", r->checked, r->checked_len);
	add_texts(&c, "not_checked", r->not_checked, r->not_checked_len);
	mun_canon_array(&c, "findings");
	for (size_t i = 0; i < r->findings_len; i++) {
		mun_canon_object(&c, NULL);
		add_seq(&c, "seq", r->findings[i].seq);
		mun_canon_str(&c, "what", r->findings[i].what);
		mun_canon_bool(&c, "bad", r->findings[i].bad);
		mun_canon_end(&c);
	}
	if (r->findings_more) {
		mun_canon_object(&c, NULL);
		mun_canon_null(&c, "seq");
		mun_canon_str(&c, "what", more);
		mun_canon_bool(&c, "bad", false);
		mun_canon_end(&c);
	}
	mun_canon_end(&c);
	if (r->entry)
		mun_canon_str(&c, "entry", r->entry);
	mun_canon_end(&c);
	mun_buf_putc(out, '\n');
}

static void make_findings(struct mun_buf *out, const struct mun_verdict_report *r)
{
	for (size_t i = 0; i < r->findings_len; i++) {
		const struct mun_finding *f = &r->findings[i];
		mun_buf_puts(out, f->bad ? "bad      " : "finding  ");
		if (f->seq != MUN_NO_SEQ)
			mun_buf_printf(out, "#%llu ", (unsigned long long)f->seq);
		mun_buf_printf(out, "%s\n", f->what);
	}
	if (r->findings_more)
		mun_buf_printf(out, "and %llu more\n", (unsigned long long)r->findings_more);
}

static const char *result_title(const struct mun_verdict_report *r)
{
	switch (r->result) {
	case MUN_VERIFIED:
		return r->withheld > 0 ? "verified: sound, not complete" : "verified";
	case MUN_VERIFIED_FINDINGS:
		return r->withheld > 0 ? "verified with findings: sound, not complete"
		                       : "verified with findings";
	case MUN_VERIFY_FAILED:
		break;
	}
	return "FAILED";
}

static void make_protection(struct mun_buf *out, const struct mun_verdict_report *r)
{
	char time[MUN_DATE_MAX], delay[32];

	if (r->withheld > 0)
		mun_buf_printf(out, "withheld %llu\n", (unsigned long long)r->withheld);
	if (r->signed_size > 0)
		mun_buf_printf(out, "signed   %llu by %s\n", (unsigned long long)r->signed_size,
		               r->key);
	for (size_t i = 0; i < r->anchors_len; i++) {
		const struct mun_verdict_anchor *a = &r->anchors[i];
		mun_date_format(time, a->time_us);
		mun_buf_printf(out, "anchored %llu at %s by %s ", (unsigned long long)a->size, time,
		               anchor_name(a->kind));
		mun_text_visible(out, a->by, strlen(a->by), false);
		mun_buf_putc(out, '\n');
	}
	if (r->longest_delay_us == MUN_TIME_NONE)
		return;
	mun_duration_format(delay, sizeof(delay), r->longest_delay_us / 1000);
	mun_buf_printf(out, "delay    %s at most, from the end of a batch to its anchor\n", delay);
}

static void make_lines(struct mun_buf *out, const struct mun_verdict_report *r)
{
	char root[2 * MUN_SHA256_LEN + 1];

	mun_hex_encode(root, r->head.root, MUN_SHA256_LEN);
	mun_buf_printf(out, "%s\n", result_title(r));
	if (r->bad && r->first_bad != MUN_NO_SEQ)
		mun_buf_printf(out, "first bad entry #%llu, %llu bad in all\n",
		               (unsigned long long)r->first_bad, (unsigned long long)r->bad);
	mun_buf_printf(out, "entries  %llu\nroot     %s\n", (unsigned long long)r->head.size, root);
	make_protection(out, r);
	if (r->entry) {
		mun_buf_puts(out, "entry    ");
		mun_text_visible(out, r->entry, strlen(r->entry), false);
		mun_buf_putc(out, '\n');
	}
	make_findings(out, r);
	for (size_t i = 0; i < r->checked_len; i++)
		mun_buf_printf(out, "checked  %s\n", r->checked[i]);
	for (size_t i = 0; i < r->not_checked_len; i++)
		mun_buf_printf(out, "NOT checked  %s\n", r->not_checked[i]);
}

enum mun_code mun_verify_open(struct mun_app *app, struct mun_journal **ret, struct mun_err *err)
{
	enum mun_code code = mun_app_journal(app, MUN_JOURNAL_READ, ret, err);

	return code == MUN_E_CORRUPT ? mun_wrap(err, MUN_E_VERIFY, "verification failed") : code;
}

enum mun_code mun_verify_fields(struct mun_app *app, struct mun_err *err)
{
	const struct mun_verdict_report none = { .bad = 0 };
	struct mun_buf object MUN_BUF_CLEANUP;
	struct mun_buf chosen MUN_BUF_CLEANUP;

	mun_buf_init(&object, OUT_MAX);
	mun_buf_init(&chosen, OUT_MAX);
	make_object(&object, &none);
	return mun_out_fields(&chosen, app, &object, err);
}

enum mun_code mun_verify_print(struct mun_app *app, const struct mun_verdict_report *r, bool strict,
                               int *ret_exit, struct mun_err *err)
{
	struct mun_buf out MUN_BUF_CLEANUP;

	mun_buf_init(&out, OUT_MAX);
	if (app->output == MUN_OUT_TABLE)
		make_lines(&out, r);
	else
		make_object(&out, r);
	enum mun_code code = mun_buf_check(&out, "report of verify", err);
	if (code == MUN_OK)
		code = mun_out_object(app, &out, err);
	*ret_exit =
		r->result == MUN_VERIFY_FAILED || (strict && r->result != MUN_VERIFIED) ? 15 : 0;
	return code;
}

enum mun_code mun_verify_and_print(struct mun_app *app, struct mun_journal *j, bool tables_only,
                                   bool strict, int *ret_exit, struct mun_err *err)
{
	struct mun_verdict_report report MUN_CLEANUP(mun_verdict_report_done) = { .bad = 0 };
	const struct mun_verify_options options = { .tables_only = tables_only };

	enum mun_code code = mun_verify_fields(app, err);
	if (code != MUN_OK)
		return code;
	code = mun_verify_journal(j, &options, &report, err);
	if (code != MUN_OK)
		return code == MUN_E_CORRUPT ? mun_wrap(err, MUN_E_VERIFY, "verification failed")
		                             : code;
	return mun_verify_print(app, &report, strict, ret_exit, err);
}
