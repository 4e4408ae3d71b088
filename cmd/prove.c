/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/prove.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/commands.h"
#include "cmd/out.h"
#include "cmd/prove_since.h"
#include "cmd/signer.h"
#include "lib/file.h"

#define SEQ_LIMIT   ((uint64_t)1 << 53)
#define SEQS_MAX    ((size_t)1 << 20) /* entries of one run */
#define PLACES_MAX  ((size_t)1 << 16)
#define ORGS_MAX    16
#define PROOF_NAME  ".tlog-proof"
#define CHECKPOINT_ "muniment checkpoint"

/* What a proof is made against: the newest checkpoint. */
struct against {
	struct mun_signed signed_;
	struct mun_checkpoint head;
};

static void against_done(struct against *a)
{
	mun_signed_done(&a->signed_);
}

static enum mun_code load_newest(struct against *a, struct mun_journal *j, struct mun_err *err)
{
	struct mun_note note;
	enum mun_code code = mun_checkpoint_newest(j, MUN_NO_SEQ, &a->signed_, err);

	if (code == MUN_E_NOTFOUND) {
		(void)mun_fail(err, MUN_E_CREDENTIAL, "there is no signed checkpoint yet");
		mun_hint(err, CHECKPOINT_);
		return MUN_E_CREDENTIAL;
	}
	if (code == MUN_OK)
		code = mun_checkpoint_read(&a->head, &note, a->signed_.note.data,
		                           a->signed_.note.len, err);
	return code == MUN_E_INPUT ? mun_wrap(err, MUN_E_CORRUPT, "newest checkpoint") : code;
}

static enum mun_code not_covered(const struct against *a, uint64_t seq, struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_CREDENTIAL,
	               "entry #%llu stands above the newest checkpoint (size %llu)",
	               (unsigned long long)seq, (unsigned long long)a->head.size);
	mun_hint(err, CHECKPOINT_);
	return MUN_E_CREDENTIAL;
}

/* Checked before it leaves: a proof that proves nothing must not be handed on. */
static enum mun_code make_proof(struct mun_buf *ret, struct mun_journal *j, const struct against *a,
                                uint64_t seq, struct mun_err *err)
{
	struct mun_tlog_proof p = { .index = seq, .has_extra = true };
	uint8_t leaf[MUN_SHA256_LEN];
	enum mun_code code;

	mun_buf_init(&p.extra, MUN_ENTRY_MAX);
	code = mun_journal_entry(j, seq, &p.extra, err);
	if (code == MUN_OK)
		code = mun_prove_inclusion(j, seq, a->head.size, &p.proof, err);
	if (code == MUN_OK) {
		mun_tree_leaf(leaf, p.extra.data, p.extra.len);
		if (!mun_proof_includes(a->head.root, a->head.size, seq, leaf, &p.proof))
			code = mun_fail(err, MUN_E_CORRUPT,
			                "entry #%llu is not the one that the checkpoint of size "
			                "%llu was signed over",
			                (unsigned long long)seq, (unsigned long long)a->head.size);
	}
	p.note = a->signed_.note.data;
	p.note_len = a->signed_.note.len;
	if (code == MUN_OK)
		mun_tlog_proof_format(ret, &p);
	mun_tlog_proof_done(&p);
	return code == MUN_OK ? mun_buf_check(ret, "a proof", err) : code;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum mun_code write_into(const char *dir, uint64_t seq, const struct mun_buf *text,
                                struct mun_err *err)
{
	MUN_CLEANUP(mun_freep) char *path = NULL;

	if (asprintf(&path, "%s/%llu" PROOF_NAME, dir, (unsigned long long)seq) < 0) {
		path = NULL;
		return mun_fail(err, MUN_E_NOMEM, "no memory for a path");
	}
	return mun_file_replace(path, text->data, text->len, 0600, err);
}

static enum mun_code prove_entry(struct mun_app *app, struct mun_journal *j,
                                 const struct against *a, uint64_t seq, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf text;
	const char *out = app->args.out;
	enum mun_code code;

	if (seq >= a->head.size)
		return not_covered(a, seq, err);
	mun_buf_init(&text, MUN_PROOF_TEXT_MAX);
	code = make_proof(&text, j, a, seq, err);
	if (code != MUN_OK)
		return code;
	if (!out)
		return mun_out_text(app, text.data, text.len, err);
	if (is_folder(out))
		return write_into(out, seq, &text, err);
	return mun_file_replace(out, text.data, text.len, 0600, err);
}

static enum mun_code parse_seq(uint64_t *ret, struct mun_journal *j, const char *text,
                               struct mun_err *err)
{
	struct mun_head head;
	char *end = NULL;
	unsigned long long seq = strtoull(text, &end, 10);
	enum mun_code code;

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || seq >= SEQ_LIMIT)
		return mun_fail(err, MUN_E_USAGE, "\"#%.30s\" is no entry number", text);
	code = mun_journal_head(j, &head, err);
	if (code == MUN_OK && seq >= head.size)
		return mun_fail(err, MUN_E_NOTFOUND, "no entry #%llu in this journal", seq);
	*ret = seq;
	return code;
}

static enum mun_code add_place(void *arg, const struct mun_place *p, struct mun_err *err)
{
	struct mun_buf *places = arg;

	if (p->has_batch)
		mun_buf_add(places, p, sizeof(*p));
	return mun_buf_check(places, "the list of places of a run", err);
}

static enum mun_code add_seq(void *arg, uint64_t seq, const char *line, size_t len,
                             const struct mun_entry *e, struct mun_err *err)
{
	struct mun_buf *seqs = arg;

	(void)line;
	(void)len;
	(void)e;
	mun_buf_add(seqs, &seq, sizeof(seq));
	return mun_buf_check(seqs, "the list of entries of a run", err);
}

static int compare_seq(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* In order, each once: an answer may settle several items of the run. */
static void sort_seqs(struct mun_buf *seqs)
{
	uint64_t *all = (uint64_t *)(void *)seqs->data;
	size_t len = seqs->len / sizeof(uint64_t), kept = 0;

	if (len == 0)
		return;
	qsort(all, len, sizeof(uint64_t), compare_seq);
	for (size_t i = 0; i < len; i++)
		if (kept == 0 || all[i] != all[kept - 1])
			all[kept++] = all[i];
	seqs->len = kept * sizeof(uint64_t);
}

/* All entries of the run: those of each item that it is in a batch, found by index. */
static enum mun_code collect(struct mun_buf *seqs, struct mun_journal *j, const struct mun_id *run,
                             const struct mun_id *orgs, size_t orgs_len, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf places;
	enum mun_code code = MUN_OK;

	mun_buf_init(&places, PLACES_MAX * sizeof(struct mun_place));
	for (size_t i = 0; code == MUN_OK && i < orgs_len; i++)
		code = mun_journal_each_place(j, &orgs[i], run, add_place, &places, err);
	for (size_t at = 0; code == MUN_OK && at < places.len; at += sizeof(struct mun_place)) {
		struct mun_place p;

		memcpy(&p, places.data + at, sizeof(p));
		code = mun_query_item_log(j, &p.batch, p.item, add_seq, seqs, err);
	}
	sort_seqs(seqs);
	return code;
}

static enum mun_code find_entries(struct mun_buf *seqs, struct mun_journal *j, const char *text,
                                  struct mun_err *err)
{
	struct mun_id run, org, orgs[ORGS_MAX];
	bool has_org, folded;
	size_t orgs_len = 1;
	enum mun_code code = mun_run_parse(&run, &org, &has_org, &folded, text, strlen(text), err);

	if (code != MUN_OK)
		return mun_fail(err, MUN_E_USAGE, "\"%.60s\" is no run or #entry", text);
	if (has_org)
		orgs[0] = org;
	else
		code = mun_journal_by_run_any_org(j, &run, orgs, &orgs_len, ORGS_MAX, err);
	if (code == MUN_OK)
		code = collect(seqs, j, &run, orgs, orgs_len, err);
	if (code == MUN_E_NOTFOUND || (code == MUN_OK && seqs->len == 0))
		return mun_fail(err, MUN_E_NOTFOUND, "no entry of that run in this journal");
	return code;
}

/* What the checkpoint covers is proven; that something is not is the failure, told last. */
static enum mun_code prove_each(struct mun_app *app, struct mun_journal *j, const struct against *a,
                                const struct mun_buf *seqs, struct mun_err *err)
{
	size_t len = seqs->len / sizeof(uint64_t), written = 0;
	enum mun_code code = mun_dir_make(app->args.out, 0700, err);
	uint64_t seq = 0;

	for (; code == MUN_OK && written < len; written++) {
		MUN_BUF_CLEANUP struct mun_buf text;

		mun_buf_init(&text, MUN_PROOF_TEXT_MAX);
		memcpy(&seq, seqs->data + written * sizeof(seq), sizeof(seq));
		if (seq >= a->head.size) /* and so are the rest of them */
			break;
		code = make_proof(&text, j, a, seq, err);
		if (code == MUN_OK)
			code = write_into(app->args.out, seq, &text, err);
	}
	if (code != MUN_OK)
		return code;
	if (!app->args.quiet)
		mun_say(app, "muniment: proofs of %zu of %zu entries of the run in %s", written,
		        len, app->args.out);
	return written < len ? not_covered(a, seq, err) : MUN_OK;
}

static enum mun_code prove_run(struct mun_app *app, struct mun_journal *j, const struct against *a,
                               const char *text, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf seqs;
	uint64_t seq;
	enum mun_code code;

	mun_buf_init(&seqs, SEQS_MAX * sizeof(uint64_t));
	code = find_entries(&seqs, j, text, err);
	if (code != MUN_OK)
		return code;
	if (app->args.out)
		return prove_each(app, j, a, &seqs, err);
	if (seqs.len > sizeof(seq)) {
		(void)mun_fail(err, MUN_E_USAGE,
		               "the run has %zu entries, each with a proof of its own",
		               seqs.len / sizeof(seq));
		mun_hint(err, "--out DIR, or muniment prove '#SEQ'");
		return MUN_E_USAGE;
	}
	memcpy(&seq, seqs.data, sizeof(seq));
	return prove_entry(app, j, a, seq, err);
}

static enum mun_code prove(struct mun_app *app, struct mun_journal *j, const char *text,
                           struct mun_err *err)
{
	MUN_CLEANUP(against_done) struct against a;
	uint64_t seq = 0;
	bool entry = text[0] == '#';
	enum mun_code code = MUN_OK;

	mun_signed_init(&a.signed_);
	if (entry) /* what does not exist is said before what is not signed */
		code = parse_seq(&seq, j, text + 1, err);
	if (code == MUN_OK)
		code = load_newest(&a, j, err);
	if (code != MUN_OK)
		return code;
	return entry ? prove_entry(app, j, &a, seq, err) : prove_run(app, j, &a, text, err);
}

static enum mun_code run_prove(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	MUN_CLEANUP(mun_journal_closep) struct mun_journal *j = NULL;
	const struct mun_list *since = &app->args.since_checkpoint;
	enum mun_code code;

	*ret_exit = 0;
	if (app->args.args_len + since->len != 1)
		return mun_fail(err, MUN_E_USAGE,
		                "prove takes one run or #entry, or one --since-checkpoint");
	code = mun_app_journal(app, MUN_JOURNAL_READ, &j, err);
	if (code == MUN_OK)
		code = mun_signer_raise_reading(app, j, err);
	if (code != MUN_OK)
		return code;
	return since->len > 0 ? mun_prove_since(app, j, since->at[0], err)
	                      : prove(app, j, app->args.args[0], err);
}

const struct mun_cmd mun_cmd_prove = {
	.name = "prove",
	.args = "RUN|#SEQ | --since-checkpoint FILE|0",
	.summary = "prove that an entry, or an older checkpoint, is part of the log",
	.effect = MUN_READS_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_PROVE,
	.section = "prove",
	.example = { "muniment prove '#4711' --out entry.tlog-proof",
	             "muniment prove --since-checkpoint last-year.checkpoint" },
	.example_text = { "one file that shows that entry to anybody",
	                  "what a witness needs to cosign the newest; 0 for its first" },
	.run = run_prove,
};
