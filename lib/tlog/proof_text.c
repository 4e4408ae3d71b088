/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "lib/base64.h"
#include "lib/tlog/line.h"
#include "lib/tlog/proof.h"

#define FIRST_LINE "c2sp.org/tlog-proof@v1"
/* What add-checkpoint allows. */
#define STEP_HASHES 63

static enum mun_code fail_line(struct mun_err *err, const char *what, const struct mun_lines *l,
                               const char *why)
{
	return mun_fail(err, MUN_E_INPUT, "%s, line %zu: %s", what, l->number, why);
}

/* The hashes up to an empty line, at most `max`. */
static enum mun_code read_hashes(struct mun_proof *ret, struct mun_lines *l, const char *what,
                                 size_t max, struct mun_err *err)
{
	struct mun_slice line;

	while (mun_lines_next(l, &line)) {
		if (line.len == 0)
			return MUN_OK;
		if (ret->len == max)
			return fail_line(err, what, l, "more hashes than any tree needs");
		if (!mun_base64_exact(ret->hash[ret->len], MUN_SHA256_LEN, line.data, line.len))
			return fail_line(err, what, l, "no hash of 32 bytes in base64");
		ret->len++;
	}
	return fail_line(err, what, l, "no empty line before the checkpoint");
}

static enum mun_code read_note(const char **ret, size_t *ret_len, struct mun_lines *l,
                               const char *what, struct mun_err *err)
{
	if (l->left == 0 || l->left > MUN_NOTE_MAX) {
		l->number++;
		return fail_line(err, what, l, "the checkpoint is missing or too large");
	}
	*ret = l->p;
	*ret_len = l->left;
	return MUN_OK;
}

static enum mun_code too_large(struct mun_err *err, const char *what, size_t len)
{
	return mun_fail(err, MUN_E_INPUT, "%s has %zu bytes, the limit is %zu", what, len,
	                MUN_PROOF_TEXT_MAX);
}

static void add_hashes(struct mun_buf *ret, const struct mun_proof *p)
{
	for (size_t i = 0; i < p->len; i++) {
		mun_base64_add(ret, p->hash[i], MUN_SHA256_LEN);
		mun_buf_putc(ret, '\n');
	}
	mun_buf_putc(ret, '\n');
}

void mun_tlog_proof_done(struct mun_tlog_proof *p)
{
	if (p != NULL)
		mun_buf_done(&p->extra);
}

/* The line before the index; *line is then the next. */
static enum mun_code read_extra(struct mun_tlog_proof *ret, struct mun_lines *l,
                                struct mun_slice *line, struct mun_err *err)
{
	struct mun_slice text;

	if (!mun_line_after(line, "extra ", &text))
		return MUN_OK;
	if (text.len == 0 || mun_base64_decode(&ret->extra, text.data, text.len, err) != MUN_OK)
		return ret->extra.failed
		               ? err->code
		               : fail_line(err, "proof", l, "extra data is not strict base64");
	ret->has_extra = true;
	*line = (struct mun_slice){ "", 0 };
	(void)mun_lines_next(l, line);
	return MUN_OK;
}

enum mun_code mun_tlog_proof_parse(struct mun_tlog_proof *ret, const char *text, size_t len,
                                   struct mun_err *err)
{
	MUN_CLEANUP(mun_tlog_proof_done) struct mun_tlog_proof p = { .index = 0 };
	struct mun_slice line = { "", 0 };
	struct mun_slice digits;
	struct mun_lines l;
	enum mun_code code;

	if (len > MUN_PROOF_TEXT_MAX)
		return too_large(err, "proof", len);
	mun_buf_init(&p.extra, MUN_PROOF_TEXT_MAX);
	mun_lines_init(&l, text, len);
	if (!mun_lines_next(&l, &line) || !mun_line_is(&line, FIRST_LINE))
		return fail_line(err, "proof", &l, "not " FIRST_LINE);
	line.len = 0;
	(void)mun_lines_next(&l, &line);
	code = read_extra(&p, &l, &line, err);
	if (code != MUN_OK)
		return code;
	if (!mun_line_after(&line, "index ", &digits) || !mun_line_number(&digits, &p.index))
		return fail_line(err, "proof", &l, "no index as a decimal number");
	code = read_hashes(&p.proof, &l, "proof", MUN_PROOF_HASHES, err);
	if (code == MUN_OK)
		code = read_note(&p.note, &p.note_len, &l, "proof", err);
	if (code == MUN_OK)
		*ret = MUN_STEAL(p);
	return code;
}

void mun_tlog_proof_format(struct mun_buf *ret, const struct mun_tlog_proof *p)
{
	mun_buf_puts(ret, FIRST_LINE "\n");
	if (p->has_extra) {
		mun_buf_puts(ret, "extra ");
		mun_base64_add(ret, p->extra.data, p->extra.len);
		mun_buf_putc(ret, '\n');
	}
	mun_buf_printf(ret, "index %" PRIu64 "\n", p->index);
	add_hashes(ret, &p->proof);
	mun_buf_add(ret, p->note, p->note_len);
}

enum mun_code mun_add_checkpoint_parse(struct mun_add_checkpoint *ret, const char *text, size_t len,
                                       struct mun_err *err)
{
	static const char what[] = "add-checkpoint request";
	struct mun_add_checkpoint a = { .old = 0 };
	struct mun_slice line;
	struct mun_slice digits;
	struct mun_lines l;
	enum mun_code code;

	if (len > MUN_PROOF_TEXT_MAX)
		return too_large(err, what, len);
	mun_lines_init(&l, text, len);
	if (!mun_lines_next(&l, &line) || !mun_line_after(&line, "old ", &digits) ||
	    !mun_line_number(&digits, &a.old))
		return fail_line(err, what, &l, "not `old` and a decimal number");
	code = read_hashes(&a.proof, &l, what, STEP_HASHES, err);
	if (code == MUN_OK)
		code = read_note(&a.note, &a.note_len, &l, what, err);
	if (code == MUN_OK)
		*ret = a;
	return code;
}

void mun_add_checkpoint_format(struct mun_buf *ret, const struct mun_add_checkpoint *a)
{
	mun_buf_printf(ret, "old %" PRIu64 "\n", a->old);
	add_hashes(ret, &a->proof);
	mun_buf_add(ret, a->note, a->note_len);
}
