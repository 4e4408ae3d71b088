/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/cosign_state.h"
#include "cmd/out.h"
#include "cmd/signer.h"
#include "cmd/unlock.h"
#include "cmd/vkey.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/tlog/proof.h"
#include "lib/vault_signer.h"

#define SIZE_MAX_KEPT (((uint64_t)1 << 53) - 1) /* a number of JSON */

/* As the protocol's answers to add-checkpoint (c2sp.org/tlog-witness). */
static enum mun_code refuse(struct mun_err *err, int status, const char *why)
{
	return mun_fail(err, MUN_E_VERIFY, "not cosigned: %d, %s", status, why);
}

/* The cosigner's own key, named by itself: nobody has to think of a name. */
static enum mun_code new_key(struct mun_vault *v, struct mun_vkey *ret,
                             struct mun_secret *ret_secret, struct mun_err *err)
{
	uint8_t bytes[4];
	char name[64], hex[2 * sizeof(bytes) + 1];

	mun_random(bytes, sizeof(bytes));
	mun_hex_encode(hex, bytes, sizeof(bytes));
	(void)snprintf(name, sizeof(name), "muniment/witness-%s", hex);
	return mun_signer_new_key(v, name, MUN_KEY_COSIGNER, ret, ret_secret, err);
}

/* Made at its first use. */
static enum mun_code own_key(struct mun_app *app, struct mun_vkey *ret,
                             struct mun_secret *ret_secret, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	enum mun_code code = mun_signer_vault(&v, app, true, err);

	if (code == MUN_OK)
		code = mun_vault_signer_find(v, MUN_KEY_COSIGNER, ret, err);
	if (code == MUN_E_NOTFOUND)
		return new_key(v, ret, ret_secret, err);
	return code == MUN_OK ? mun_vault_signer_get(v, ret, ret_secret, err) : code;
}

/* To show it the vault need not be opened. */
static enum mun_code public_key(struct mun_app *app, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *v = NULL;
	MUN_CLEANUP(mun_secret_done) struct mun_secret secret = { 0 };
	struct mun_vkey key;
	enum mun_code code = mun_unlock_open(&v, app, false, err);

	if (code == MUN_OK)
		code = mun_vault_signer_find(v, MUN_KEY_COSIGNER, &key, err);
	mun_vault_closep(&v);
	if (code == MUN_E_NOTFOUND)
		code = own_key(app, &key, &secret, err);
	return code == MUN_OK ? mun_signer_print_key(app, &key, err) : code;
}

/* What was cosigned of that log before; at its first use its key comes from --log-key. */
static enum mun_code find_log(struct mun_cosigned *ret, struct mun_app *app,
                              const struct mun_cosign_state *s, const char *origin,
                              struct mun_err *err)
{
	const struct mun_cosigned *known = mun_cosign_find(s, origin);
	const struct mun_list *given = &app->args.log_key;
	struct mun_vkey key;

	for (size_t i = 0; i < given->len; i++) {
		enum mun_code code =
			mun_vkey_given(&key, given->at[i], MUN_KEY_ED25519, "--log-key", err);

		if (code != MUN_OK)
			return code;
		if (strcmp(key.name, origin) != 0)
			continue;
		if (known && !mun_vkey_equal(&known->key, &key))
			return refuse(err, 403, "the state has another key of this log");
		*ret = (struct mun_cosigned){ .key = key };
		mun_sha256(ret->root, "", 0);
		if (!known)
			return MUN_OK;
	}
	if (!known) {
		(void)refuse(err, 404, "the log is not known");
		mun_hint(err, "--log-key VKEY at its first use, received by another way");
		return MUN_E_VERIFY;
	}
	*ret = *known;
	return MUN_OK;
}

static enum mun_code conflict(const struct mun_cosigned *log, const char *why, struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_VERIFY,
	               "not cosigned: 409, %s (the newest cosigned has size %llu)", why,
	               (unsigned long long)log->size);
	mun_hint(err, "the log's keeper makes one that begins there: prove --since-checkpoint");
	return MUN_E_VERIFY;
}

/* A request: c is what the checkpoint's text says, whoever signed it. */
struct asked {
	struct mun_add_checkpoint body;
	struct mun_checkpoint c;
};

/* Malformed is 400, whichever line it is; those of signatures come later. */
static enum mun_code parse(struct asked *ret, const struct mun_buf *in, struct mun_err *err)
{
	enum mun_code code = mun_add_checkpoint_parse(&ret->body, mun_buf_str(in), in->len, err);

	if (code == MUN_OK) {
		const char *end = memmem(ret->body.note, ret->body.note_len, "\n\n", 2);
		size_t len = end ? (size_t)(end - ret->body.note) + 1 : ret->body.note_len;

		code = mun_checkpoint_parse(&ret->c, ret->body.note, len, err);
	}
	if (code == MUN_E_INPUT)
		return mun_wrap(err, MUN_E_VERIFY, "not cosigned: 400");
	if (code == MUN_OK && ret->c.size > SIZE_MAX_KEPT)
		return refuse(err, 400, "the size is beyond what can be kept");
	return code;
}

/* Has the log's key signed it? A line that is no signature is none of the log's either. */
static enum mun_code check_signature(struct mun_note *ret, const struct asked *r,
                                     const struct mun_cosigned *log, struct mun_err *err)
{
	struct mun_err why;

	if (mun_note_parse(ret, r->body.note, r->body.note_len, &why) != MUN_OK)
		return mun_fail(err, MUN_E_VERIFY, "not cosigned: 403, %s", why.text);
	if (mun_note_check(ret, &log->key, NULL, NULL) != MUN_NOTE_VALID)
		return refuse(err, 403, "the log's key has not signed the checkpoint");
	return MUN_OK;
}

/* The other checks, in the order of the protocol; log then holds the new size and root. */
static enum mun_code judge(struct mun_cosigned *log, const struct asked *r, struct mun_err *err)
{
	const struct mun_checkpoint *c = &r->c;

	if (r->body.old > c->size)
		return refuse(err, 400, "the old size is above the checkpoint's");
	if (r->body.old != log->size)
		return conflict(log, "it begins at another size", err);
	if (r->body.old == c->size && memcmp(log->root, c->root, sizeof(c->root)) != 0)
		return conflict(log, "of this size another root was cosigned", err);
	if (!mun_proof_consistent(log->size, log->root, c->size, c->root, &r->body.proof))
		return refuse(err, 422, "the consistency proof does not hold");
	log->size = c->size;
	memcpy(log->root, c->root, sizeof(c->root));
	return MUN_OK;
}

static enum mun_code sign(struct mun_app *app, const struct mun_note *note, const char *out,
                          const struct mun_vkey *key, const struct mun_secret *secret,
                          struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf line;
	struct mun_now now;
	enum mun_code code;

	app->clock->now(app->clock, &now);
	mun_buf_init(&line, 4096);
	mun_note_sign(&line, note->text, note->text_len, key, secret,
	              (uint64_t)now.real_us / 1000000);
	code = mun_buf_check(&line, "a cosignature", err);
	if (code != MUN_OK)
		return code;
	if (strcmp(out, "-") == 0)
		return mun_out_text(app, line.data, line.len, err);
	return mun_file_replace(out, line.data, line.len, 0600, err);
}

static enum mun_code cosign(struct mun_app *app, const char *in, const char *out,
                            struct mun_err *err)
{
	MUN_CLEANUP(mun_cosign_closep) struct mun_cosign_state *state = NULL;
	MUN_CLEANUP(mun_secret_done) struct mun_secret secret = { 0 };
	MUN_BUF_CLEANUP struct mun_buf text;
	struct mun_cosigned log;
	struct asked asked;
	struct mun_vkey key;
	struct mun_note note = { .sig_len = 0 };
	enum mun_code code;

	mun_buf_init(&text, MUN_PROOF_TEXT_MAX);
	code = mun_file_read(&text, in, err);
	if (code != MUN_OK)
		return code == MUN_E_IO ? MUN_E_INPUT : code;
	code = parse(&asked, &text, err);
	if (code == MUN_OK)
		code = mun_cosign_open(&state, app->args.state, err);
	if (code == MUN_OK)
		code = find_log(&log, app, state, asked.c.origin, err);
	if (code == MUN_OK)
		code = check_signature(&note, &asked, &log, err);
	if (code == MUN_OK)
		code = judge(&log, &asked, err);
	if (code == MUN_OK)
		code = own_key(app, &key, &secret, err);
	/* The state before the signature: what was cosigned is never forgotten. */
	if (code == MUN_OK)
		code = mun_cosign_keep(state, &log, err);
	return code == MUN_OK ? sign(app, &note, out, &key, &secret, err) : code;
}

static enum mun_code run(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	const char *const *args = app->args.args;

	*ret_exit = 0;
	if (app->args.public_key && app->args.args_len == 0)
		return public_key(app, err);
	if (app->args.public_key || app->args.args_len != 2)
		return mun_fail(err, MUN_E_USAGE, "cosign takes IN and OUT, or --public-key alone");
	if (!app->args.state) {
		(void)mun_fail(err, MUN_E_USAGE, "cosign needs to remember what it has cosigned");
		mun_hint(err, "--state FILE");
		return MUN_E_USAGE;
	}
	return cosign(app, args[0], args[1], err);
}

const struct mun_cmd mun_cmd_cosign = {
	.name = "cosign",
	.args = "IN OUT",
	.summary = "be a witness in a file: cosign a log's growth",
	.effect = MUN_CHANGES_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_COSIGN | MUN_G_KEY,
	.section = "prove",
	.example = { "muniment cosign --public-key",
	             "muniment cosign growth cosignature --state acme.state" },
	.example_text = { "the auditor's key, for the log's keeper",
	                  "growth is what prove --since-checkpoint wrote" },
	.run = run,
};
