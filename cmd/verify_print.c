/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/verify_print.h"

#include <stdio.h>

#include "cmd/out.h"
#include "lib/canon.h"
#include "lib/hex.h"

#define OUT_MAX (1 << 20)

static const char *result_name(enum mun_verify_result result)
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

static void add_seq(struct mun_canon *c, const char *key, uint64_t seq)
{
	if (seq == MUN_NO_SEQ)
		mun_canon_null(c, key);
	else
		mun_canon_int(c, key, (int64_t)seq);
}

static void add_texts(struct mun_canon *c, const char *key, const char *const *texts, size_t len)
{
	mun_canon_array(c, key);
	for (size_t i = 0; i < len; i++)
		mun_canon_str(c, NULL, texts[i]);
	mun_canon_end(c);
}

/* No key signs yet: the fields about signatures and anchors say so. */
static void add_protection(struct mun_canon *c, const struct mun_verdict_report *r)
{
	mun_canon_null(c, "key");
	mun_canon_null(c, "signed");
	mun_canon_array(c, "anchored");
	mun_canon_end(c);
	mun_canon_object(c, "unanchored");
	mun_canon_int(c, "from", 0);
	mun_canon_int(c, "count", (int64_t)r->head.size);
	mun_canon_null(c, "longest_delay_s");
	mun_canon_end(c);
	mun_canon_int(c, "withheld", 0);
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
	mun_canon_str(&c, "result", result_name(r->result));
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

static void make_lines(struct mun_buf *out, const struct mun_verdict_report *r)
{
	char root[2 * MUN_SHA256_LEN + 1];

	mun_hex_encode(root, r->head.root, MUN_SHA256_LEN);
	mun_buf_printf(out, "%s\n",
	               r->result == MUN_VERIFY_FAILED       ? "FAILED"
	               : r->result == MUN_VERIFIED_FINDINGS ? "verified with findings"
	                                                    : "verified");
	if (r->bad && r->first_bad != MUN_NO_SEQ)
		mun_buf_printf(out, "first bad entry #%llu, %llu bad in all\n",
		               (unsigned long long)r->first_bad, (unsigned long long)r->bad);
	mun_buf_printf(out, "entries  %llu\nroot     %s\n", (unsigned long long)r->head.size, root);
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

/* Before all the work: a verdict must not be lost behind a field that is not there. */
static enum mun_code check_fields(struct mun_app *app, struct mun_err *err)
{
	const struct mun_verdict_report none = { .bad = 0 };
	struct mun_buf object MUN_BUF_CLEANUP;
	struct mun_buf chosen MUN_BUF_CLEANUP;

	mun_buf_init(&object, OUT_MAX);
	mun_buf_init(&chosen, OUT_MAX);
	make_object(&object, &none);
	return mun_out_fields(&chosen, app, &object, err);
}

enum mun_code mun_verify_and_print(struct mun_app *app, struct mun_journal *j, bool tables_only,
                                   bool strict, int *ret_exit, struct mun_err *err)
{
	struct mun_verdict_report report MUN_CLEANUP(mun_verdict_report_done) = { .bad = 0 };
	struct mun_buf out MUN_BUF_CLEANUP;

	mun_buf_init(&out, OUT_MAX);
	enum mun_code code = check_fields(app, err);
	if (code != MUN_OK)
		return code;
	code = mun_verify_journal(j, tables_only, &report, err);
	if (code != MUN_OK)
		return code == MUN_E_CORRUPT ? mun_wrap(err, MUN_E_VERIFY, "verification failed")
		                             : code;
	if (app->output == MUN_OUT_TABLE)
		make_lines(&out, &report);
	else
		make_object(&out, &report);
	code = mun_buf_check(&out, "report of verify", err);
	if (code == MUN_OK)
		code = mun_out_object(app, &out, err);
	bool fails =
		report.result == MUN_VERIFY_FAILED || (strict && report.result != MUN_VERIFIED);
	*ret_exit = fails ? 15 : 0;
	return code;
}
