/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "journal/verify_impl.h"
#include "lib/tlog/proof.h"

static enum mun_code check_entry(struct mun_verify *v, const struct mun_tlog_proof *p,
                                 const struct mun_checkpoint *c, struct mun_err *err)
{
	struct mun_decoded *owner MUN_CLEANUP(mun_decoded_freep) = NULL;
	uint8_t leaf[MUN_SHA256_LEN];
	struct mun_entry e;
	struct mun_err why;

	if (!p->has_extra) {
		mun_verify_bad(v, p->index, "the proof does not hold the entry: no extra line");
		return MUN_OK;
	}
	const char *line = mun_buf_str(&p->extra);
	mun_tree_leaf(leaf, line, p->extra.len);
	if (!mun_proof_includes(c->root, c->size, p->index, leaf, &p->proof)) {
		mun_verify_bad(v, p->index,
		               "the entry is not in the tree of this checkpoint, or not there");
		return MUN_OK;
	}
	mun_verify_checked(v, "entry #%llu is in the tree of %llu entries",
	                   (unsigned long long)p->index, (unsigned long long)c->size);
	enum mun_code code = mun_entry_decode(&e, &owner, line, p->extra.len, &why);
	if (code == MUN_E_NOMEM)
		return mun_fail(err, code, "no memory for the entry");
	if (code != MUN_OK) {
		mun_verify_bad(v, p->index, "does not decode: %.150s", why.text);
		return MUN_OK;
	}
	if (e.seq != p->index)
		mun_verify_bad(v, p->index, "says it is #%llu", (unsigned long long)e.seq);
	v->report->entry = strndup(line, p->extra.len);
	return v->report->entry ? MUN_OK : mun_fail(err, MUN_E_NOMEM, "no memory for the entry");
}

/* Which of the keys signed? */
static void check_signature(struct mun_verify *v, const struct mun_note *note,
                            const struct mun_checkpoint *c)
{
	const struct mun_verify_options *o = v->o;

	if (o->log_keys_len == 0) {
		mun_verify_note(v, MUN_NO_SEQ, "the signature was not checked: no key (--log-key)");
		mun_verify_not_checked(v, "signature of the checkpoint: --log-key gives the key");
		return;
	}
	for (size_t i = 0; i < o->log_keys_len; i++) {
		const struct mun_vkey *key = &o->log_keys[i];
		if (strcmp(key->name, c->origin) != 0 ||
		    mun_note_check(note, key, NULL, NULL) != MUN_NOTE_VALID)
			continue;
		mun_vkey_format(v->report->key, key);
		v->report->signed_size = c->size;
		mun_verify_checked(v, "signature of the checkpoint");
		if (o->log_keys_from)
			mun_verify_not_checked(v, "whose key this is: it was taken from %.200s",
			                       o->log_keys_from);
		return;
	}
	mun_verify_bad(v, MUN_NO_SEQ, "the checkpoint is not signed by the log's key");
}

static enum mun_code check_witnesses(struct mun_verify *v, const struct mun_signed *s,
                                     const struct mun_note *note, struct mun_err *err)
{
	enum mun_code code = mun_verify_anchors(v, s, note, err);

	if (code != MUN_OK)
		return code;
	uint64_t seen = 0;
	unsigned count = 0;
	for (size_t i = 0; i < v->report->anchors_len; i++) {
		uint64_t bit = UINT64_C(1) << (v->report->anchors[i].witness & 63);
		count += seen & bit ? 0 : 1;
		seen |= bit;
	}
	if (count < v->o->require_witness)
		mun_verify_bad(v, MUN_NO_SEQ, "cosigned by %u of %u required witnesses", count,
		               v->o->require_witness);
	if (v->cosignatures_unchecked > 0)
		mun_verify_not_checked(
			v, "%llu cosignature(s) of witnesses that were not given (--witness-key)",
			(unsigned long long)v->cosignatures_unchecked);
	return MUN_OK;
}

static enum mun_code check_proof(struct mun_verify *v, const struct mun_tlog_proof *p,
                                 struct mun_err *err)
{
	struct mun_signed s MUN_CLEANUP(mun_signed_done);
	struct mun_checkpoint c;
	struct mun_note note;

	mun_signed_init(&s);
	mun_buf_add(&s.note, p->note, p->note_len);
	enum mun_code code = mun_buf_check(&s.note, "checkpoint", err);
	if (code == MUN_OK)
		code = mun_checkpoint_read(&c, &note, mun_buf_str(&s.note), s.note.len, err);
	if (code != MUN_OK)
		return code;
	v->report->head.size = s.size = c.size;
	memcpy(v->origin, c.origin, sizeof(v->origin));
	memcpy(v->report->head.root, c.root, sizeof(c.root));
	check_signature(v, &note, &c);
	s.signed_len = note.text_len;
	code = check_witnesses(v, &s, &note, err);
	return code == MUN_OK ? check_entry(v, p, &c, err) : code;
}

enum mun_code mun_verify_proof(const char *text, size_t len,
                               const struct mun_verify_options *options,
                               struct mun_verdict_report *ret, struct mun_err *err)
{
	struct mun_tlog_proof p MUN_CLEANUP(mun_tlog_proof_done);
	struct mun_verify v;

	memset(&p, 0, sizeof(p));
	enum mun_code code = mun_verify_begin(&v, options, ret, err);
	if (code == MUN_OK)
		code = mun_tlog_proof_parse(&p, text, len, err);
	if (code == MUN_OK)
		code = check_proof(&v, &p, err);
	if (code == MUN_E_INPUT) {
		mun_verify_bad(&v, MUN_NO_SEQ, "no proof: %.150s", err->text);
		code = MUN_OK;
	}
	return mun_verify_end(&v, code, err);
}
