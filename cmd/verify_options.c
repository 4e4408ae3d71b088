/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/verify_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/vkey.h"
#include "lib/file.h"

#define KEPT_MAX ((size_t)512 * 1024)

static bool has(const char *dir, const char *name)
{
	char path[4200];
	int len = snprintf(path, sizeof(path), "%s/%s", dir, name);

	return len > 0 && (size_t)len < sizeof(path) && access(path, F_OK) == 0;
}

bool mun_verify_is_bundle(const char *dir)
{
	return !has(dir, "data.mdb") && (has(dir, "entries.jsonl") || has(dir, "SHA256SUMS"));
}

static enum mun_code read_log_keys(struct mun_verify_inputs *in, const struct mun_args *args,
                                   struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (size_t i = 0; code == MUN_OK && i < args->log_key.len; i++)
		code = mun_vkey_given(&in->log_key[i], args->log_key.at[i], MUN_KEY_ED25519,
		                      "--log-key", err);
	in->options.log_keys = in->log_key;
	in->options.log_keys_len = args->log_key.len;
	return code;
}

static enum mun_code read_witnesses(struct mun_verify_inputs *in, const struct mun_args *args,
                                    struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	for (size_t i = 0; code == MUN_OK && i < args->witness_key.len; i++)
		code = mun_vkey_given(&in->witness[i], args->witness_key.at[i], MUN_KEY_COSIGNER,
		                      "--witness-key", err);
	in->options.witnesses = in->witness;
	in->options.witnesses_len = args->witness_key.len;
	return code;
}

/* Different public keys: one key by two names is one witness. */
static unsigned count_witnesses(const struct mun_verify_inputs *in)
{
	unsigned count = 0;

	for (size_t i = 0; i < in->options.witnesses_len; i++) {
		bool again = false;
		for (size_t k = 0; k < i; k++)
			again |=
				memcmp(in->witness[i].key, in->witness[k].key, MUN_PUBLIC_LEN) == 0;
		count += again ? 0 : 1;
	}
	return count;
}

static enum mun_code read_kept(struct mun_verify_inputs *in, const struct mun_args *args,
                               struct mun_err *err)
{
	for (size_t i = 0; i < args->since_checkpoint.len; i++) {
		struct mun_buf text MUN_BUF_CLEANUP;
		const char *path = args->since_checkpoint.at[i];
		mun_buf_init(&text, KEPT_MAX);
		enum mun_code code = mun_file_read(&text, path, err);
		if (code == MUN_E_IO)
			code = MUN_E_INPUT;
		if (code == MUN_OK)
			code = mun_verify_read_kept(&in->kept[i].checkpoint, mun_buf_str(&text),
			                            text.len, err);
		if (code != MUN_OK)
			return mun_wrap(err, code, "%.300s is no checkpoint that was kept", path);
		in->kept[i].name = path;
	}
	in->options.kept = in->kept;
	in->options.kept_len = args->since_checkpoint.len;
	return MUN_OK;
}

static enum mun_code read_required(struct mun_verify_inputs *in, const struct mun_args *args,
                                   struct mun_err *err)
{
	char *end = NULL;
	int64_t ms;

	in->options.tsa_ca = args->tsa_ca;
	in->options.require_timestamp = args->require_timestamp;
	if (args->require_timestamp && !args->tsa_ca)
		return mun_fail(err, MUN_E_USAGE, "--require-timestamp needs --tsa-ca FILE");
	if (args->anchor_within && (!mun_duration_parse(&ms, args->anchor_within) || ms <= 0))
		return mun_fail(err, MUN_E_USAGE, "--anchor-within wants a duration, such as 24h");
	in->options.anchor_within_us = args->anchor_within ? ms * 1000 : 0;
	if (!args->require_witness)
		return MUN_OK;
	errno = 0;
	unsigned long n = strtoul(args->require_witness, &end, 10);
	if (errno != 0 || *end != '\0' || n < 1 || n > MUN_LIST_MAX ||
	    args->require_witness[0] == '-')
		return mun_fail(err, MUN_E_USAGE, "--require-witness wants a number from 1 to %d",
		                MUN_LIST_MAX);
	if (n > count_witnesses(in))
		return mun_fail(err, MUN_E_USAGE,
		                "--require-witness %lu needs as many --witness-key with different "
		                "public keys",
		                n);
	in->options.require_witness = (unsigned)n;
	return MUN_OK;
}

static enum mun_code open_previous(struct mun_verify_inputs *in, struct mun_app *app,
                                   struct mun_err *err)
{
	const char *dir = app->args.previous;
	const struct mun_journal_options options = { .dir = dir,
		                                     .mode = MUN_JOURNAL_READ,
		                                     .clock = app->clock };
	struct mun_head head;

	if (!dir)
		return MUN_OK;
	enum mun_code code;
	if (mun_verify_is_bundle(dir)) {
		code = mun_source_bundle(&in->previous, dir, err);
	} else {
		code = mun_journal_open(&in->previous_journal, &options, err);
		if (code == MUN_OK)
			code = mun_journal_head(in->previous_journal, &head, err);
		if (code == MUN_OK)
			code = mun_source_journal(&in->previous, in->previous_journal, head.size,
			                          err);
	}
	in->options.previous = in->previous;
	return code == MUN_E_CORRUPT ? mun_wrap(err, MUN_E_VERIFY, "--previous") : code;
}

enum mun_code mun_verify_inputs_read(struct mun_verify_inputs *ret, struct mun_app *app,
                                     struct mun_err *err)
{
	memset(ret, 0, sizeof(*ret));
	enum mun_code code = read_log_keys(ret, &app->args, err);
	if (code == MUN_OK)
		code = read_witnesses(ret, &app->args, err);
	if (code == MUN_OK)
		code = read_required(ret, &app->args, err);
	if (code == MUN_OK)
		code = read_kept(ret, &app->args, err);
	return code == MUN_OK ? open_previous(ret, app, err) : code;
}

void mun_verify_inputs_done(struct mun_verify_inputs *in)
{
	mun_source_closep(&in->previous);
	mun_journal_closep(&in->previous_journal);
}

static enum mun_code add_home_keys(struct mun_verify_inputs *in, struct mun_journal *j,
                                   struct mun_err *err)
{
	uint64_t at = MUN_NO_SEQ;
	size_t n = 0;

	while (n < MUN_HOME_KEYS) {
		uint64_t seq;
		enum mun_code code = mun_journal_key(j, at, &in->log_key[n], &seq, err);
		if (code == MUN_E_NOMEM)
			return code;
		if (code != MUN_OK)
			break;
		n++;
		at = seq;
	}
	if (n > 0)
		in->options.log_keys_from = "the journal here, which is the same log";
	in->options.log_keys_len = n;
	return MUN_OK;
}

enum mun_code mun_verify_home_keys(struct mun_verify_inputs *in, struct mun_app *app,
                                   const char *origin, struct mun_err *err)
{
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;
	const struct mun_journal_options options = { .dir = app->journal_dir,
		                                     .mode = MUN_JOURNAL_READ,
		                                     .clock = app->clock };
	struct mun_journal_id id;
	struct mun_err why;

	if (in->options.log_keys_len > 0 || !app->journal_dir[0])
		return MUN_OK;
	enum mun_code code = mun_journal_open(&j, &options, &why);
	if (code == MUN_OK)
		code = mun_journal_identity(j, &id, &why);
	if (code == MUN_OK && strcmp(id.origin, origin) == 0)
		return add_home_keys(in, j, err);
	return code == MUN_E_NOMEM ? mun_fail(err, code, "no memory for the journal here") : MUN_OK;
}
