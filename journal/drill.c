/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/drill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/drill_impl.h"
#include "lib/file.h"

/* One digit of the salted hash of the boot id: in every entry, and in no table. */
static enum mun_code edit(struct mun_txn *t, uint64_t seq, struct mun_err *err)
{
	static const char key[] = "\"boot\":\"";
	struct mun_buf line MUN_BUF_CLEANUP;

	mun_buf_init(&line, MUN_ENTRY_MAX + 1);
	enum mun_code code = mun_drill_line(t, seq, &line, err);
	if (code != MUN_OK)
		return code;
	char *at = memmem(line.data, line.len, key, sizeof(key) - 1);
	if (!at)
		return mun_fail(err, MUN_E_CORRUPT, "entry #%llu has no boot",
		                (unsigned long long)seq);
	at[sizeof(key) - 1] = at[sizeof(key) - 1] == '0' ? '1' : '0';
	return mun_drill_put_line(t, seq, &line, err);
}

static enum mun_code remove_entry(struct mun_txn *t, uint64_t seq, struct mun_err *err)
{
	struct mun_key key = mun_key_u64(seq);

	return mun_txn_delete(t, MUN_T_LOG, mun_key_val(&key), err);
}

static enum mun_code remove_checkpoint(struct mun_txn *t, uint64_t size, struct mun_err *err)
{
	struct mun_key key = mun_key_u64(size);

	return mun_txn_delete(t, MUN_T_CHECKPOINT, mun_key_val(&key), err);
}

static uint64_t middle(const struct mun_drill *d)
{
	return d->kept.checkpoint.size / 2;
}

static enum mun_code flip(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	return edit(t, middle(d), err);
}

/* The leaf goes with it, as if nobody looked at what stands above. */
static enum mun_code flip_with_leaf(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	struct mun_buf line MUN_BUF_CLEANUP;
	struct mun_key key = mun_key_u64(mun_tree_stored(middle(d)));
	uint8_t leaf[MUN_SHA256_LEN];

	mun_buf_init(&line, MUN_ENTRY_MAX + 1);
	enum mun_code code = edit(t, middle(d), err);
	if (code == MUN_OK)
		code = mun_drill_line(t, middle(d), &line, err);
	mun_tree_leaf(leaf, mun_buf_str(&line), line.len);
	return code == MUN_OK ? mun_txn_put(t, MUN_T_TREE, mun_key_val(&key),
	                                    mun_val(leaf, sizeof(leaf)), err)
	                      : code;
}

static enum mun_code cut(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	enum mun_code code = remove_entry(t, d->size - 1, err);

	return code == MUN_OK ? remove_entry(t, d->size - 2, err) : code;
}

static enum mun_code drop_two(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	enum mun_code code = remove_entry(t, middle(d), err);

	return code == MUN_OK ? remove_entry(t, middle(d) - 1, err) : code;
}

static enum mun_code swap(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	struct mun_buf a MUN_BUF_CLEANUP, b MUN_BUF_CLEANUP;
	uint64_t at = middle(d);

	mun_buf_init(&a, MUN_ENTRY_MAX + 1);
	mun_buf_init(&b, MUN_ENTRY_MAX + 1);
	enum mun_code code = mun_drill_line(t, at - 1, &a, err);
	if (code == MUN_OK)
		code = mun_drill_line(t, at, &b, err);
	if (code == MUN_OK)
		code = mun_drill_put_line(t, at - 1, &b, err);
	return code == MUN_OK ? mun_drill_put_line(t, at, &a, err) : code;
}

static enum mun_code rewrite(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	uint8_t root[MUN_SHA256_LEN];

	enum mun_code code = edit(t, middle(d), err);
	return code == MUN_OK ? mun_drill_tree(t, d->size, root, err) : code;
}

/* Both checkpoints anew, by that key. */
static enum mun_code resign(struct mun_drill *d, struct mun_txn *t, const struct mun_vkey *key,
                            const struct mun_secret *secret, struct mun_err *err)
{
	uint8_t root[MUN_SHA256_LEN];
	uint64_t first = d->kept.checkpoint.size;

	enum mun_code code = mun_drill_tree(t, first, root, err);
	if (code == MUN_OK)
		code = mun_drill_sign(d, t, first, root, key, secret, err);
	if (code == MUN_OK)
		code = mun_drill_tree(t, d->size, root, err);
	return code == MUN_OK ? mun_drill_sign(d, t, d->size, root, key, secret, err) : code;
}

/* Its own keeper: only what somebody kept shows it. The entry stands above the checkpoints that
 * came along, which he would sign again as well. */
static enum mun_code rewrite_and_sign(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	enum mun_code code = edit(t, d->kept.checkpoint.size - 2, err);

	return code == MUN_OK ? resign(d, t, &d->key, &d->secret, err) : code;
}

/* Somebody without the key, who brings one of the same name. */
static enum mun_code rewrite_with_own_key(struct mun_drill *d, struct mun_txn *t,
                                          struct mun_err *err)
{
	struct mun_buf line MUN_BUF_CLEANUP, forged MUN_BUF_CLEANUP;
	char was[MUN_VKEY_TEXT], is[MUN_VKEY_TEXT];
	uint64_t seq = d->kept.checkpoint.size - 1;

	mun_buf_init(&line, MUN_ENTRY_MAX + 1);
	mun_buf_init(&forged, MUN_ENTRY_MAX + 1);
	mun_vkey_format(was, &d->key);
	mun_vkey_format(is, &d->other);
	enum mun_code code = mun_drill_line(t, seq, &line, err);
	if (code != MUN_OK)
		return code;
	const char *at = memmem(mun_buf_str(&line), line.len, was, strlen(was));
	if (!at)
		return mun_fail(err, MUN_E_INTERNAL, "the drill's own key is not where it was put");
	size_t before = (size_t)(at - mun_buf_str(&line));
	mun_buf_add(&forged, mun_buf_str(&line), before);
	mun_buf_puts(&forged, is);
	mun_buf_add(&forged, at + strlen(was), line.len - before - strlen(was));
	code = mun_drill_put_line(t, seq, &forged, err);
	return code == MUN_OK ? resign(d, t, &d->other, &d->other_secret, err) : code;
}

static enum mun_code sign_newest(struct mun_drill *d, struct mun_txn *t, const struct mun_vkey *key,
                                 const struct mun_secret *secret, struct mun_err *err)
{
	uint8_t root[MUN_SHA256_LEN];

	enum mun_code code = mun_drill_tree(t, d->size, root, err);
	return code == MUN_OK ? mun_drill_sign(d, t, d->size, root, key, secret, err) : code;
}

static enum mun_code strip(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	return sign_newest(d, t, &d->key, NULL, err);
}

static enum mun_code wrong_key(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	return sign_newest(d, t, &d->other, &d->other_secret, err);
}

static enum mun_code strip_all(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	enum mun_code code = remove_checkpoint(t, d->size, err);

	return code == MUN_OK ? remove_checkpoint(t, d->kept.checkpoint.size, err) : code;
}

/* As it stood before its first checkpoint: whole in itself. */
static enum mun_code restore(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	uint64_t size = d->kept.checkpoint.size - 1;
	uint8_t root[MUN_SHA256_LEN];
	enum mun_code code = strip_all(d, t, err);

	for (uint64_t seq = size; code == MUN_OK && seq < d->size; seq++)
		code = remove_entry(t, seq, err);
	return code == MUN_OK ? mun_drill_tree(t, size, root, err) : code;
}

static enum mun_code edit_table(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	struct mun_key key = mun_key_u64(0);
	uint8_t row[16] = { 0 };

	(void)d;
	return mun_txn_put(t, MUN_T_BY_TIME, mun_key_val(&key), mun_val(row, sizeof(row)), err);
}

/* Without fixing what follows from them. */
static enum mun_code add_entry(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	struct mun_buf line MUN_BUF_CLEANUP;

	mun_buf_init(&line, MUN_ENTRY_MAX + 1);
	enum mun_code code = mun_drill_line(t, d->size - 1, &line, err);
	return code == MUN_OK ? mun_drill_put_line(t, d->size, &line, err) : code;
}

static enum mun_code nothing(struct mun_drill *d, struct mun_txn *t, struct mun_err *err)
{
	(void)d;
	(void)t;
	(void)err;
	return MUN_OK;
}

static const struct step {
	const char *name, *expect;
	enum mun_code (*damage)(struct mun_drill *d, struct mun_txn *t, struct mun_err *err);
} steps[] = {
	{ "nothing", NULL, nothing },
	{ "a bit of an entry flipped", "does not hash to its leaf", flip },
	{ "the same, with its stored leaf", "do not hash to their node", flip_with_leaf },
	{ "the two newest entries deleted", "2 entries are missing", cut },
	{ "two adjacent entries deleted", "2 entries are missing", drop_two },
	{ "two entries swapped", "says it is #", swap },
	{ "an entry behind the newest", "stands above the head", add_entry },
	{ "an entry and the tree rewritten", "does not give the root of the checkpoint", rewrite },
	{ "the same, signed again by its keeper", "are not those of the auditor's checkpoint",
	  rewrite_and_sign },
	{ "the same, with another key of that name",
	  "no checkpoint is signed by the key that was given", rewrite_with_own_key },
	{ "the newest signature stripped", "checkpoint of", strip },
	{ "the newest signed by another key", "is not signed by the key in force", wrong_key },
	{ "all checkpoints removed", "no checkpoint is signed by the key that was given",
	  strip_all },
	{ "an older copy put in place", "cut off", restore },
	{ "a row of a table changed", "does not fit the entries", edit_table },
};

/* By a handle of its own: verify reads with another, as a later process would. */
static enum mun_code damage(struct mun_drill *d, const struct step *s, const char *dir,
                            struct mun_err *err)
{
	const struct mun_store_options options = { .tables = mun_table_names,
		                                   .tables_len = MUN_TABLES };
	struct mun_store *store MUN_CLEANUP(mun_store_closep) = NULL;
	struct mun_txn *t MUN_CLEANUP(mun_txn_abortp) = NULL;

	enum mun_code code = mun_store_open(&store, dir, &options, err);
	if (code == MUN_OK)
		code = mun_store_write(&t, store, err);
	if (code == MUN_OK)
		code = s->damage(d, t, err);
	return code == MUN_OK ? mun_txn_commit(MUN_STEAL(t), err) : code;
}

static void judge(const struct step *s, const struct mun_verdict_report *r,
                  struct mun_drill_step *ret)
{
	*ret = (struct mun_drill_step){ .name = s->name,
		                        .expect = s->expect ? s->expect : "no failure",
		                        .caught = !s->expect && r->result != MUN_VERIFY_FAILED };
	for (size_t i = 0; i < r->findings_len && !(s->expect && ret->caught); i++) {
		const struct mun_finding *f = &r->findings[i];
		if (!f->bad)
			continue;
		bool named = s->expect && strstr(f->what, s->expect);
		if (named || ret->found[0] == '\0')
			(void)snprintf(ret->found, sizeof(ret->found), "%s", f->what);
		ret->caught |= named;
	}
}

static enum mun_code try(struct mun_drill *d, const struct step *s, const char *dir,
                         struct mun_drill_step *ret, struct mun_err *err)
{
	struct mun_verdict_report report MUN_CLEANUP(mun_verdict_report_done) = { .bad = 0 };
	struct mun_journal *j MUN_CLEANUP(mun_journal_closep) = NULL;
	const struct mun_verify_options options = {
		.log_keys = &d->key, .log_keys_len = 1, .kept = &d->kept, .kept_len = 1
	};
	const struct mun_journal_options open = {
		.dir = dir, .mode = MUN_JOURNAL_WRITE, .clock = d->from->clock, .version = "drill"
	};

	enum mun_code code = damage(d, s, dir, err);
	if (code == MUN_OK)
		code = mun_journal_open(&j, &open, err);
	if (code == MUN_OK)
		code = mun_verify_journal(j, &options, &report, err);
	if (code == MUN_OK)
		judge(s, &report, ret);
	return code;
}

static void remove_copy(const char *dir)
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char path[4200];

	for (size_t i = 0; i < MUN_ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

static enum mun_code run_step(struct mun_drill *d, const struct step *s, struct mun_drill_step *ret,
                              struct mun_err *err)
{
	const struct mun_store_options options = { .tables = mun_table_names,
		                                   .tables_len = MUN_TABLES };
	struct mun_store *base MUN_CLEANUP(mun_store_closep) = NULL;
	char from[4096], to[4096];

	(void)snprintf(from, sizeof(from), "%.4000s/base", d->dir);
	(void)snprintf(to, sizeof(to), "%.4000s/copy", d->dir);
	enum mun_code code = mun_dir_make(to, 0700, err);
	if (code == MUN_OK)
		code = mun_store_open(&base, from, &options, err);
	if (code == MUN_OK)
		code = mun_store_copy(base, to, err);
	if (code == MUN_OK)
		code = try(d, s, to, ret, err);
	remove_copy(to);
	return code;
}

static enum mun_code new_keys(struct mun_drill *d, struct mun_err *err)
{
	uint8_t public_key[MUN_PUBLIC_LEN], other[MUN_PUBLIC_LEN];

	enum mun_code code = mun_sign_key_new(&d->secret, public_key, err);
	if (code == MUN_OK)
		code = mun_vkey_make(&d->key, d->origin, MUN_KEY_ED25519, public_key, err);
	if (code == MUN_OK)
		code = mun_sign_key_new(&d->other_secret, other, err);
	return code == MUN_OK ? mun_vkey_make(&d->other, d->origin, MUN_KEY_ED25519, other, err)
	                      : code;
}

static enum mun_code run_steps(struct mun_drill *d, mun_drill_fn fn, void *arg, struct mun_err *err)
{
	struct mun_drill_step step;
	enum mun_code code = MUN_OK;

	for (size_t i = 0; code == MUN_OK && i < MUN_ARRAY_LEN(steps); i++) {
		code = run_step(d, &steps[i], &step, err);
		if (code == MUN_OK && i == 0 && !step.caught)
			code = mun_fail(err, MUN_E_VERIFY,
			                "its first entries do not verify by themselves: %.190s",
			                step.found);
		if (code == MUN_OK && i > 0)
			fn(arg, &step);
	}
	return code;
}

enum mun_code mun_drill_run(struct mun_journal *j, const char *dir, mun_drill_fn fn, void *arg,
                            uint64_t *ret_entries, struct mun_err *err)
{
	struct mun_drill d = { .from = j,
		               .dir = dir,
		               .kept = { .name = "the auditor's checkpoint" } };
	struct mun_journal_id id;
	char base[4096];

	enum mun_code code = mun_journal_identity(j, &id, err);
	if (code == MUN_OK)
		(void)snprintf(d.origin, sizeof(d.origin), "%s", id.origin);
	if (code == MUN_OK)
		code = new_keys(&d, err);
	if (code == MUN_OK)
		code = mun_drill_copy(&d, err);
	if (code == MUN_OK)
		code = run_steps(&d, fn, arg, err);
	*ret_entries = d.size;
	mun_secret_done(&d.secret);
	mun_secret_done(&d.other_secret);
	(void)snprintf(base, sizeof(base), "%.4000s/base", dir);
	remove_copy(base);
	return code;
}
