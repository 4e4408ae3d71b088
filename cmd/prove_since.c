/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/prove_since.h"

#include <string.h>

#include "cmd/out.h"
#include "journal/checkpoint.h"
#include "journal/prove.h"
#include "lib/file.h"
#include "lib/hex.h"

/* The checkpoint in a file of any of the kinds that hold one. */
static enum mun_code read_old(struct mun_checkpoint *ret, const char *path, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_tlog_proof proof = { .index = 0 };
	struct mun_add_checkpoint body;
	struct mun_note note;
	const char *at;
	size_t len;
	enum mun_code code;

	mun_buf_init(&text, MUN_PROOF_TEXT_MAX);
	code = mun_file_read(&text, path, err);
	if (code != MUN_OK)
		return code == MUN_E_IO ? MUN_E_INPUT : code;
	at = mun_buf_str(&text);
	len = text.len;
	if (strncmp(at, "old ", 4) == 0) {
		code = mun_add_checkpoint_parse(&body, at, len, err);
		if (code == MUN_OK) {
			at = body.note;
			len = body.note_len;
		}
	} else if (strncmp(at, "c2sp.org/tlog-proof@", 20) == 0) {
		code = mun_tlog_proof_parse(&proof, at, len, err);
		if (code == MUN_OK) {
			at = proof.note;
			len = proof.note_len;
		}
	}
	if (code == MUN_OK)
		code = mun_checkpoint_read(ret, &note, at, len, err);
	mun_tlog_proof_done(&proof);
	return code == MUN_OK ? code : mun_wrap(err, code, "%s", path);
}

static enum mun_code not_in_past(const char *path, const struct mun_checkpoint *old,
                                 const char *why, struct mun_err *err)
{
	char root[2 * MUN_SHA256_LEN + 1];

	mun_hex_encode(root, old->root, sizeof(old->root));
	return mun_fail(err, MUN_E_VERIFY,
	                "%s is not in this journal's past: %s (its size is %llu, its root %s)",
	                path, why, (unsigned long long)old->size, root);
}

static enum mun_code check_past(struct mun_journal *j, const char *path,
                                const struct mun_checkpoint *old, struct mun_err *err)
{
	struct mun_journal_id id;
	struct mun_head head;
	uint8_t root[MUN_SHA256_LEN];
	enum mun_code code = mun_journal_identity(j, &id, err);

	if (code == MUN_OK)
		code = mun_journal_head(j, &head, err);
	if (code != MUN_OK)
		return code;
	if (strcmp(old->origin, id.origin) != 0)
		return not_in_past(path, old, "it is of another log", err);
	if (old->size > head.size)
		return not_in_past(path, old, "the journal has fewer entries", err);
	code = mun_prove_root(j, old->size, root, err);
	if (code == MUN_OK && memcmp(root, old->root, sizeof(root)) != 0)
		return not_in_past(path, old, "its entries are others", err);
	return code;
}

static enum mun_code no_checkpoint(uint64_t size, struct mun_err *err)
{
	if (size > 0)
		(void)mun_fail(err, MUN_E_CREDENTIAL,
		               "no signed checkpoint here has %llu entries or more",
		               (unsigned long long)size);
	else
		(void)mun_fail(err, MUN_E_CREDENTIAL, "there is no signed checkpoint yet");
	mun_hint(err, "muniment checkpoint");
	return MUN_E_CREDENTIAL;
}

/* From old to the newest, whose note as signed is what a witness asks for. */
static enum mun_code make_body(struct mun_buf *ret, struct mun_journal *j,
                               const struct mun_checkpoint *old, struct mun_err *err)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed newest;
	struct mun_add_checkpoint body = { .old = old->size };
	struct mun_checkpoint c;
	struct mun_note note;
	enum mun_code code;

	mun_signed_init(&newest);
	code = mun_checkpoint_newest(j, MUN_NO_SEQ, &newest, err);
	if (code == MUN_E_NOTFOUND || (code == MUN_OK && newest.size < old->size))
		return no_checkpoint(old->size, err);
	if (code == MUN_OK) {
		code = mun_checkpoint_read(&c, &note, newest.note.data, newest.note.len, err);
		if (code == MUN_E_INPUT)
			return mun_wrap(err, MUN_E_CORRUPT, "newest checkpoint");
	}
	if (code == MUN_OK)
		code = mun_prove_consistency(j, old->size, c.size, &body.proof, err);
	if (code != MUN_OK)
		return code;
	if (!mun_proof_consistent(old->size, old->root, c.size, c.root, &body.proof))
		return mun_fail(err, MUN_E_CORRUPT,
		                "the newest checkpoint (size %llu) does not continue that of size "
		                "%llu",
		                (unsigned long long)c.size, (unsigned long long)old->size);
	body.note = newest.note.data;
	body.note_len = newest.signed_len;
	mun_add_checkpoint_format(ret, &body);
	return mun_buf_check(ret, "a proof", err);
}

enum mun_code mun_prove_since(struct mun_app *app, struct mun_journal *j, const char *old,
                              struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_checkpoint from = { .size = 0 };
	enum mun_code code = MUN_OK;

	mun_buf_init(&text, MUN_PROOF_TEXT_MAX);
	if (strcmp(old, "0") != 0)
		code = read_old(&from, old, err);
	if (code == MUN_OK && from.origin[0] != '\0')
		code = check_past(j, old, &from, err);
	if (code == MUN_OK)
		code = make_body(&text, j, &from, err);
	if (code != MUN_OK)
		return code;
	if (app->args.out)
		return mun_file_replace(app->args.out, text.data, text.len, 0600, err);
	return mun_out_text(app, text.data, text.len, err);
}
