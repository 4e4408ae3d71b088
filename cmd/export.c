/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/advance.h"
#include "cmd/app.h"
#include "cmd/commands.h"
#include "cmd/export_filter.h"
#include "cmd/out.h"
#include "cmd/signer.h"
#include "journal/bundle_make.h"
#include "journal/mark.h"
#include "lib/canon.h"
#include "lib/failpoint.h"
#include "lib/hex.h"

#define OBJECT_MAX (64u * 1024)

struct exporting {
	struct mun_app *app;
	struct mun_journal *j;
	struct mun_export_filter filter;
	struct mun_signer signer;
	char why[256]; /* nothing is signed or recorded: the reason; "": it is */
	bool seen;     /* a copy with nothing new: the mark stays with the journal itself */
	uint64_t size; /* of the checkpoint that the bundle ends at */
	uint64_t left_out;
	struct mun_bundle_made made;
	uint64_t recorded; /* export.made; MUN_NO_SEQ: none */
	struct mun_advance advance;
};

static void exporting_done(struct exporting *x)
{
	mun_export_filter_done(&x->filter);
	mun_signer_done(&x->signer);
	mun_journal_closep(&x->j);
}

static void keep_why(struct exporting *x, const char *text)
{
	(void)snprintf(x->why, sizeof x->why, "%.*s", (int)strcspn(text, "\n"), text);
}

/* A copy is not written to: this machine knows where the journal itself stands. */
static enum mun_code look(struct exporting *x, bool *ret_copy, struct mun_err *err)
{
	struct mun_mark_state *s MUN_CLEANUP(mun_freep) = calloc(1, sizeof *s);

	if (!s)
		return mun_fail(err, MUN_E_NOMEM, "no memory for the high-water mark");
	enum mun_code code = mun_mark_compare(x->j, s, err);
	bool known = code == MUN_OK && s->fit != MUN_MARK_NONE && s->fit != MUN_MARK_UNKNOWN;
	if (code != MUN_OK)
		return code;
	*ret_copy = known && !s->own;
	struct mun_head head = { .size = 0 };
	if (*ret_copy)
		code = mun_journal_head(x->j, &head, err);
	if (code != MUN_OK)
		return code;
	x->seen = *ret_copy && head.size <= s->mark.size;
	if (*ret_copy)
		(void)snprintf(x->why, sizeof x->why,
		               "this is a copy of a journal that this machine knows elsewhere");
	return *ret_copy ? MUN_OK : mun_signer_allowed(x->j, err);
}

/* For writing where that may be; else for reading, and x->why says why. */
static enum mun_code open_journal(struct exporting *x, struct mun_err *err)
{
	bool copy = false;
	enum mun_code code = mun_app_journal(x->app, MUN_JOURNAL_READ, &x->j, err);

	if (code == MUN_OK)
		code = look(x, &copy, err);
	if (code != MUN_OK || copy)
		return code;
	mun_journal_closep(&x->j);
	code = mun_app_journal(x->app, MUN_JOURNAL_WRITE, &x->j, err);
	if (code != MUN_E_JOURNAL)
		return code;
	keep_why(x, err->text);
	return mun_app_journal(x->app, MUN_JOURNAL_READ, &x->j, err);
}

static enum mun_code no_checkpoint(struct exporting *x, struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_CREDENTIAL, "the journal has no signed checkpoint%s%s",
	               x->why[0] ? ": " : "", x->why);
	mun_hint(err, "muniment checkpoint");
	return MUN_E_CREDENTIAL;
}

/* The size asked for with --at is one that was signed; else those near it are named. */
static enum mun_code choose_at(struct exporting *x, struct mun_err *err)
{
	struct mun_signed below MUN_CLEANUP(mun_signed_done);
	struct mun_signed above MUN_CLEANUP(mun_signed_done);
	const char *text = x->app->args.at;
	char near[2][24] = { "", "" };
	char *end;
	unsigned long long size = strtoull(text, &end, 10);

	mun_signed_init(&below);
	mun_signed_init(&above);
	if (*text < '1' || *text > '9' || *end || size > INT64_MAX)
		return mun_fail(err, MUN_E_USAGE, "--at %.40s is no size of a checkpoint", text);
	enum mun_code code = mun_checkpoint_newest(x->j, size, &below, err);
	if (code == MUN_OK && below.size == size) {
		x->size = size;
		return MUN_OK;
	}
	if (code == MUN_OK)
		(void)snprintf(near[0], sizeof near[0], "%llu", (unsigned long long)below.size);
	if (code == MUN_OK || code == MUN_E_NOTFOUND)
		code = mun_checkpoint_next(x->j, size, &above, err);
	if (code == MUN_OK)
		(void)snprintf(near[1], sizeof near[1], "%llu", (unsigned long long)above.size);
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	if (!near[0][0] && !near[1][0])
		return no_checkpoint(x, err);
	(void)mun_fail(err, MUN_E_USAGE, "no checkpoint has the size %llu; near it: %s%s%s", size,
	               near[0], near[0][0] && near[1][0] ? ", " : "", near[1]);
	mun_hint(err, "muniment checkpoint --list");
	return MUN_E_USAGE;
}

/* Without the means to sign a bundle ends at the newest checkpoint, and says what it leaves out. */
static enum mun_code choose_newest(struct exporting *x, struct mun_err *err)
{
	struct mun_signed s MUN_CLEANUP(mun_signed_done);

	mun_signed_init(&s);
	enum mun_code code = mun_checkpoint_newest(x->j, MUN_NO_SEQ, &s, err);
	if (code == MUN_E_NOTFOUND)
		return no_checkpoint(x, err);
	if (code == MUN_OK)
		code = mun_checkpoint_unsigned(x->j, &x->left_out, err);
	if (code != MUN_OK)
		return code;
	x->size = s.size;
	if (x->left_out > 0)
		mun_say(x->app,
		        "muniment: warning: %llu %s left out: the newest checkpoint has the size "
		        "%llu, and nothing is signed now: %s",
		        (unsigned long long)x->left_out,
		        x->left_out == 1 ? "entry is" : "entries are", (unsigned long long)x->size,
		        x->why);
	return MUN_OK;
}

static enum mun_code sign(struct exporting *x, struct mun_err *err)
{
	struct mun_signed s MUN_CLEANUP(mun_signed_done);

	mun_signed_init(&s);
	enum mun_code code = mun_signer_sign(&x->signer, x->app, x->j, &s, err);
	x->size = s.size;
	return code;
}

static enum mun_code choose_size(struct exporting *x, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	if (!x->why[0]) {
		code = mun_signer_open(&x->signer, x->app, x->j, MUN_SIGNER_QUIET, NULL, err);
		if (code == MUN_OK && !x->signer.secret.data)
			keep_why(x, x->signer.in_force ? x->signer.why
			                               : "the journal has no signing key yet");
	}
	x->left_out = 0;
	if (code != MUN_OK)
		return code;
	if (x->app->args.at) {
		x->left_out = MUN_NO_SEQ; /* by choice, and it changes as the journal grows */
		code = choose_at(x, err);
	} else {
		code = x->why[0] ? choose_newest(x, err) : sign(x, err);
	}
	return code == MUN_OK && !x->seen ? mun_signer_raise_reading(x->app, x->j, err) : code;
}

static void show_progress(void *arg, const struct mun_bundle_progress *p)
{
	mun_advance(arg, p->what, p->done, p->all);
}

static const char *scratch_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && dir[0] == '/' ? dir : "/tmp";
}

static bool is_tar(const char *out)
{
	size_t len = strlen(out);

	return len > 4 && strcmp(out + len - 4, ".tar") == 0;
}

static enum mun_code make(struct exporting *x, struct mun_err *err)
{
	const struct mun_bundle_order order = {
		.out = x->app->args.out,
		.tar = is_tar(x->app->args.out),
		.size = x->size,
		.filter = x->filter.any ? &x->filter.filter : NULL,
		.filter_text = x->filter.any ? mun_buf_str(&x->filter.text) : NULL,
		.bodies = x->app->args.with_bodies,
		.left_out = x->left_out,
		.scratch_dir = scratch_dir(),
		.progress = show_progress,
		.progress_arg = &x->advance,
	};

	mun_advance_init(&x->advance, x->app);
	enum mun_code code = mun_bundle_make(x->j, &order, &x->made, err);
	mun_advance_end(&x->advance);
	if (code == MUN_OK && x->filter.any && x->made.attempts == 0)
		mun_say(x->app, "muniment: warning: no attempt meets the filter");
	return code;
}

/* What left the journal is part of it. */
static enum mun_code record(struct exporting *x, struct mun_err *err)
{
	struct mun_entry e = { .kind = MUN_K_EXPORTED, .item = MUN_NO_ITEM };
	struct mun_group g = { .entries = &e, .len = 1 };

	x->recorded = MUN_NO_SEQ;
	if (x->why[0])
		return MUN_OK;
	e.u.exported.filter = x->filter.any ? mun_buf_str(&x->filter.text) : NULL;
	e.u.exported.size = x->size;
	e.u.exported.bodies = x->app->args.with_bodies;
	memcpy(e.u.exported.root, x->made.root, sizeof e.u.exported.root);
	memcpy(e.u.exported.sums, x->made.sums, sizeof e.u.exported.sums);
	(void)mun_failpoint("export");
	enum mun_code code = mun_journal_append(x->j, &g, err);
	if (code != MUN_OK)
		return mun_wrap(err, code, "%s is complete, but the journal does not record it",
		                x->app->args.out);
	x->recorded = e.seq;
	return mun_signer_raise(x->app, x->j, err);
}

static void add_number(struct mun_canon *c, const char *key, uint64_t n)
{
	if (n == MUN_NO_SEQ)
		mun_canon_null(c, key);
	else
		mun_canon_int(c, key, (int64_t)n);
}

static void make_object(struct mun_buf *ret, const struct exporting *x)
{
	static const char *const results[] = { [MUN_VERIFIED] = "verified",
		                               [MUN_VERIFIED_FINDINGS] = "findings",
		                               [MUN_VERIFY_FAILED] = "failed" };
	char root[2 * MUN_SHA256_LEN + 1], sums[2 * MUN_SHA256_LEN + 1];
	struct mun_canon c;

	mun_hex_encode(root, x->made.root, MUN_SHA256_LEN);
	mun_hex_encode(sums, x->made.sums, MUN_SHA256_LEN);
	mun_canon_init(&c, ret);
	mun_canon_loose(&c);
	mun_canon_object(&c, NULL);
	mun_canon_str(&c, "out", x->app->args.out);
	add_number(&c, "size", x->size);
	mun_canon_str(&c, "root", root);
	add_number(&c, "entries", x->made.entries);
	add_number(&c, "withheld", x->size - x->made.entries);
	add_number(&c, "left_out", x->left_out);
	mun_canon_str(&c, "filter", x->filter.any ? mun_buf_str(&x->filter.text) : NULL);
	add_number(&c, "attempts", x->filter.any ? x->made.attempts : MUN_NO_SEQ);
	mun_canon_bool(&c, "bodies", x->app->args.with_bodies);
	mun_canon_str(&c, "result", results[x->made.result]);
	mun_canon_str(&c, "sums_sha256", sums);
	add_number(&c, "recorded", x->recorded);
	mun_canon_end(&c);
}

static void make_lines(struct mun_buf *ret, const struct exporting *x)
{
	char sums[2 * MUN_SHA256_LEN + 1];
	uint64_t withheld = x->size - x->made.entries;

	mun_hex_encode(sums, x->made.sums, MUN_SHA256_LEN);
	mun_buf_printf(ret, "bundle      %s\n", x->app->args.out);
	mun_buf_printf(ret, "entries     %llu, up to the checkpoint of size %llu\n",
	               (unsigned long long)x->made.entries, (unsigned long long)x->size);
	if (x->filter.any)
		mun_buf_printf(ret,
		               "withheld    %llu: sound, not complete\nfilter      %s (%llu "
		               "attempts)\n",
		               (unsigned long long)withheld, mun_buf_str(&x->filter.text),
		               (unsigned long long)x->made.attempts);
	mun_buf_printf(ret, "SHA256SUMS  %s\n", sums);
	if (x->recorded != MUN_NO_SEQ)
		mun_buf_printf(ret, "recorded    #%llu\n", (unsigned long long)x->recorded);
}

static enum mun_code print(struct exporting *x, struct mun_err *err)
{
	struct mun_buf text MUN_BUF_CLEANUP;

	mun_buf_init(&text, OBJECT_MAX);
	if (x->app->output == MUN_OUT_TABLE)
		make_lines(&text, x);
	else
		make_object(&text, x);
	enum mun_code code = mun_buf_check(&text, "what was exported", err);
	return code == MUN_OK ? mun_out_object(x->app, &text, err) : code;
}

/* Before anything is written: fields that are not there. */
static enum mun_code check(struct exporting *x, struct mun_err *err)
{
	const struct mun_args *a = &x->app->args;
	struct mun_buf text MUN_BUF_CLEANUP;
	struct mun_buf chosen MUN_BUF_CLEANUP;

	mun_buf_init(&text, OBJECT_MAX);
	mun_buf_init(&chosen, OBJECT_MAX);
	if (!a->out || !*a->out || strcmp(a->out, "-") == 0)
		return mun_fail(err, MUN_E_USAGE, "export needs --out DIR or --out FILE.tar");
	if (access(a->out, F_OK) == 0)
		return mun_fail(err, MUN_E_USAGE, "%s exists: a bundle is never written over",
		                a->out);
	make_object(&text, x);
	return mun_out_fields(&chosen, x->app, &text, err);
}

static enum mun_code run_export(struct mun_app *app, int *ret_exit, struct mun_err *err)
{
	struct exporting x MUN_CLEANUP(exporting_done) = { .app = app, .recorded = MUN_NO_SEQ };

	*ret_exit = 0;
	mun_export_filter_init(&x.filter);
	enum mun_code code = check(&x, err);
	if (code == MUN_OK)
		code = mun_export_filter_make(&x.filter, app, err);
	if (code == MUN_OK)
		code = open_journal(&x, err);
	if (code == MUN_OK)
		code = mun_export_filter_resolve(&x.filter, x.j, err);
	if (code == MUN_OK)
		code = choose_size(&x, err);
	if (code == MUN_OK)
		code = make(&x, err);
	if (code == MUN_OK)
		code = record(&x, err);
	if (code == MUN_OK)
		code = print(&x, err);
	if (code != MUN_OK || x.made.result != MUN_VERIFY_FAILED)
		return code;
	mun_say(app, "muniment: the entries of this bundle do not pass verification: see its "
	             "summary.json");
	*ret_exit = mun_app_exit(MUN_E_VERIFY);
	return MUN_OK;
}

const struct mun_cmd mun_cmd_export = {
	.name = "export",
	.args = "[BATCH | filters] --out DIR|FILE.tar",
	.summary = "write evidence that others can check without muniment",
	.effect = MUN_CHANGES_JOURNAL,
	.groups = MUN_G_COMMON | MUN_G_EXPORT | MUN_G_FILTER | MUN_G_KEY,
	.outputs = 1u << MUN_OUT_TABLE | 1u << MUN_OUT_JSON,
	.section = "prove",
	.example = { "muniment export --out evidence",
	             "muniment export b-4f1c20 --out b-4f1c20.tar" },
	.example_text = { "the whole journal, for an auditor",
	                  "one batch; the rest is withheld, and provably so" },
	.run = run_export,
};
