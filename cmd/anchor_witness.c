/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c2sp.org/tlog-witness: POST of the old size, the proof from there and the checkpoint. 200 gives
 * cosignatures, 409 the size from which the proof has to be. While this journal is whole, an honest
 * witness that knows it answers nothing else; a size above our head, or 422, says that it has seen
 * entries which do not stand here.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/anchor_impl.h"
#include "journal/mark.h"
#include "journal/prove.h"

#define RESENDS_MAX 3
#define ROWS_MAX    1000 /* checkpoints looked at for the newest cosigned one */
#define SIZE_DIGITS 19
#define YEAR_10000  INT64_C(253402300800) /* Unix seconds */

/* ---- from which size on ---- */

/* The keys that may be the witness's: its own where as many keys as witnesses are given. */
static bool cosigned(const struct mun_anchoring *a, const struct mun_anchor_exchange *x,
                     const struct mun_signed *s)
{
	struct mun_note n;
	struct mun_err ignored;
	bool paired = a->app->args.witness.len == a->key_len;

	if (s->note.len == s->signed_len ||
	    mun_note_parse(&n, s->note.data, s->note.len, &ignored) != MUN_OK)
		return false;
	for (size_t i = 0; i < a->key_len; i++) {
		if ((!paired || i == x->witness) &&
		    mun_note_check(&n, &a->key[i], NULL, NULL) == MUN_NOTE_VALID)
			return true;
	}
	return false;
}

/* A wrong guess costs one answer more: the witness says what it knows. */
static enum mun_code guess_old(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                               struct mun_err *err)
{
	uint64_t below = x->size;

	x->old = 0;
	for (size_t i = 0; i < ROWS_MAX; i++) {
		struct mun_signed s MUN_CLEANUP(mun_signed_done);
		enum mun_code code;

		mun_signed_init(&s);
		code = mun_checkpoint_newest(a->j, below, &s, err);
		if (code == MUN_E_NOTFOUND)
			return MUN_OK;
		if (code != MUN_OK)
			return code;
		if (cosigned(a, x, &s)) {
			x->old = s.size;
			return MUN_OK;
		}
		if (s.size == 0)
			return MUN_OK;
		below = s.size - 1;
	}
	return MUN_OK;
}

/* ---- asking ---- */

static enum mun_code send_checkpoint(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                                     struct mun_err *err)
{
	struct mun_signed s MUN_CLEANUP(mun_signed_done);
	MUN_BUF_CLEANUP struct mun_buf body;
	char url[MUN_POST_URL_MAX + 32];
	struct mun_add_checkpoint add = { .old = x->old };
	struct mun_post post = { .url = url, .content_type = "text/plain; charset=utf-8" };
	size_t url_len = strlen(x->url);
	enum mun_code code;

	mun_signed_init(&s);
	mun_buf_init(&body, MUN_PROOF_TEXT_MAX);
	code = mun_checkpoint_newest(a->j, x->size, &s, err);
	if (code == MUN_OK)
		code = mun_prove_consistency(a->j, x->old, x->size, &add.proof, err);
	if (code != MUN_OK)
		return code;
	add.note = s.note.data;
	add.note_len = s.signed_len;
	mun_add_checkpoint_format(&body, &add);
	code = mun_buf_check(&body, "a request to a witness", err);
	if (code != MUN_OK)
		return code;
	while (url_len > 0 && x->url[url_len - 1] == '/')
		url_len--;
	(void)snprintf(url, sizeof(url), "%.*s/add-checkpoint", (int)url_len, x->url);
	post.body = body.data;
	post.body_len = body.len;
	mun_anchor_post(a, x, &post);
	return MUN_OK;
}

enum mun_code mun_anchor_ask_witness(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                                     struct mun_err *err)
{
	enum mun_code code = guess_old(a, x, err);

	return code == MUN_OK ? send_checkpoint(a, x, err) : code;
}

/* ---- answers ---- */

/* What is said stands in the mark from then on, until the journal is set aside. */
static void alarm(struct mun_anchoring *a, struct mun_anchor_exchange *x, const char *what)
{
	char text[256];
	struct mun_err err;

	(void)snprintf(text, sizeof(text), "the witness %.80s %s: it was rolled back or forked",
	               x->label, what);
	a->sum.alarmed = true;
	mun_anchor_ended(a, x, false);
	mun_say(a->app,
	        "muniment: ALARM: %s\nnothing more is signed, and nothing more written here", text);
	if (mun_mark_alarm(a->j, text, &err) != MUN_OK)
		mun_say(a->app, "muniment: warning: the alarm cannot be kept: %s", err.text);
}

/* A decimal number and a newline, nothing else. */
static bool read_size(uint64_t *ret, const struct mun_answer *answer)
{
	const char *s = answer->body ? answer->body : "";
	size_t digits = strspn(s, "0123456789");

	if (digits == 0 || digits > SIZE_DIGITS || (digits > 1 && s[0] == '0') ||
	    answer->body_len != digits + 1 || s[digits] != '\n')
		return false;
	*ret = 0;
	for (size_t i = 0; i < digits; i++)
		*ret = *ret * 10 + (uint64_t)(s[i] - '0');
	return true;
}

static enum mun_code take_conflict(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                                   const struct mun_answer *answer, struct mun_err *err)
{
	struct mun_signed s MUN_CLEANUP(mun_signed_done);
	char what[128];
	struct mun_head head;
	uint64_t known;
	enum mun_code code;

	mun_signed_init(&s);
	if (!read_size(&known, answer)) {
		mun_anchor_fail(a, x, "it answers HTTP 409 without a size");
		return MUN_OK;
	}
	/* Another process may have signed since: its entries are ours too. */
	code = mun_journal_head(a->j, &head, err);
	if (code == MUN_OK)
		code = mun_checkpoint_newest(a->j, MUN_NO_SEQ, &s, err);
	if (code != MUN_OK)
		return code;
	if (known > head.size) {
		(void)snprintf(what, sizeof(what),
		               "has cosigned %" PRIu64 " entries of this journal, which has "
		               "%" PRIu64,
		               known, head.size);
		alarm(a, x, what);
	} else if (known == x->old && known == x->size) {
		/* The size was right, so it is the root that it does not agree with. */
		(void)snprintf(what, sizeof(what),
		               "has cosigned %" PRIu64 " other entries of this journal", known);
		alarm(a, x, what);
	} else if (known > s.size) {
		mun_anchor_fail(a, x,
		                "it has cosigned %" PRIu64 " entries, and the newest checkpoint "
		                "has %" PRIu64,
		                known, s.size);
	} else if (x->sends > RESENDS_MAX) {
		mun_anchor_fail(a, x, "it answers HTTP 409 each time");
	} else {
		x->old = known;
		x->size = s.size;
		return send_checkpoint(a, x, err);
	}
	return MUN_OK;
}

/* One key's line in n, where it has one. *ret_kept counts. */
static enum mun_code take_line(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                               const struct mun_note *n, const struct mun_vkey *key,
                               size_t *ret_kept, struct mun_err *err)
{
	struct mun_anchor anchor = { .size = x->size, .by = key->name };
	uint64_t time_s;
	size_t at;
	enum mun_code code;

	switch (mun_note_check(n, key, &time_s, &at)) {
	case MUN_NOTE_ABSENT:
		return MUN_OK;
	case MUN_NOTE_INVALID:
		mun_say(a->app, "muniment: warning: %s: the cosignature of %s is not valid",
		        x->label, key->name);
		return MUN_OK;
	case MUN_NOTE_VALID:
		break;
	}
	if (time_s >= (uint64_t)YEAR_10000)
		return MUN_OK;
	anchor.line = n->sig[at].line;
	anchor.line_len = n->sig[at].len;
	code = mun_anchor_keep(a, &anchor, (int64_t)time_s * 1000000, err);
	if (mun_anchor_is_refusal(code)) {
		mun_say(a->app, "muniment: warning: %s: %s", x->label, err->text);
		return MUN_OK;
	}
	if (code == MUN_OK)
		(*ret_kept)++;
	return code;
}

/* Its lines are read as if they stood below the note that it was sent. */
static enum mun_code take_lines(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                                const struct mun_answer *answer, struct mun_err *err)
{
	struct mun_signed s MUN_CLEANUP(mun_signed_done);
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_note sent, n;
	struct mun_err why;
	size_t kept = 0;
	enum mun_code code;

	mun_signed_init(&s);
	mun_buf_init(&text, 2 * MUN_NOTE_MAX);
	code = mun_checkpoint_newest(a->j, x->size, &s, err);
	if (code == MUN_OK)
		code = mun_note_parse(&sent, s.note.data, s.signed_len, err);
	if (code != MUN_OK)
		return code;
	mun_buf_add(&text, sent.text, sent.text_len);
	mun_buf_putc(&text, '\n');
	mun_buf_add(&text, answer->body ? answer->body : "", answer->body_len);
	code = mun_buf_check(&text, "the answer of a witness", err);
	if (code != MUN_OK)
		return code;
	if (mun_note_parse(&n, text.data, text.len, &why) != MUN_OK) {
		mun_anchor_fail(a, x, "its answer is no list of cosignatures");
		return MUN_OK;
	}
	for (size_t i = 0; code == MUN_OK && i < a->key_len; i++)
		code = take_line(a, x, &n, &a->key[i], &kept, err);
	if (code == MUN_OK && kept == 0)
		mun_anchor_fail(a, x, "its answer holds no good cosignature of a --witness-key");
	if (code == MUN_OK && kept > 0)
		mun_anchor_ended(a, x, true);
	return code;
}

enum mun_code mun_anchor_take_witness(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                                      const struct mun_answer *answer, struct mun_err *err)
{
	char what[128];

	switch (answer->http) {
	case 200:
		return take_lines(a, x, answer, err);
	case 409:
		return take_conflict(a, x, answer, err);
	case 422:
		(void)snprintf(what, sizeof(what),
		               "has cosigned %" PRIu64 " entries that are not the first ones of "
		               "this journal",
		               x->old);
		alarm(a, x, what);
		return MUN_OK;
	case 403:
		mun_anchor_fail(a, x, "it does not know the key that signed (HTTP 403)");
		return MUN_OK;
	case 404:
		mun_anchor_fail(a, x,
		                "it does not know this journal, or is no witness (HTTP 404); its "
		                "operator needs what muniment checkpoint --public-key prints");
		return MUN_OK;
	default:
		mun_anchor_fail(a, x, "it answers HTTP %u", answer->http);
		return MUN_OK;
	}
}
