/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/signer.h"

#include <stdio.h>
#include <string.h>

#include "cmd/unlock.h"
#include "journal/mark.h"
#include "lib/text.h"
#include "lib/vault_signer.h"

void mun_signer_done(struct mun_signer *s)
{
	mun_secret_done(&s->secret);
	mun_secret_done(&s->old_secret);
}

static const char *first_line(char *ret, size_t ret_size, const char *text)
{
	(void)snprintf(ret, ret_size, "%.*s", (int)strcspn(text, "\n"), text);
	return ret;
}

/* Who brought the key in force, and the key before it; "" where there is none. */
struct change {
	char previous[MUN_VKEY_TEXT];
	char by[128];
};

static enum mun_code read_change(struct change *ret, struct mun_journal *j, uint64_t seq,
                                 struct mun_err *err)
{
	MUN_CLEANUP(mun_decoded_freep) struct mun_decoded *owner = NULL;
	MUN_BUF_CLEANUP struct mun_buf line, by;
	struct mun_entry e;
	enum mun_code code;

	*ret = (struct change){ .by = "" };
	mun_buf_init(&line, MUN_ENTRY_MAX);
	mun_buf_init(&by, 4096);
	code = mun_journal_entry(j, seq, &line, err);
	if (code == MUN_OK)
		code = mun_entry_decode(&e, &owner, line.data, line.len, err);
	if (code != MUN_OK)
		return code;
	if (e.u.key.previous)
		(void)snprintf(ret->previous, sizeof(ret->previous), "%s", e.u.key.previous);
	mun_buf_printf(&by, "%s@%s", e.u.key.operator_.user, e.u.key.operator_.host);
	(void)snprintf(ret->by, sizeof(ret->by), "%s", mun_buf_str(&by));
	return MUN_OK;
}

/* Has no checkpoint been signed since the key came into force? Then the next carries two lines. */
static enum mun_code is_fresh(bool *ret, struct mun_journal *j, uint64_t seq, struct mun_err *err)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed newest;
	enum mun_code code;

	mun_signed_init(&newest);
	code = mun_checkpoint_newest(j, MUN_NO_SEQ, &newest, err);
	if (code != MUN_OK && code != MUN_E_NOTFOUND)
		return code;
	*ret = code == MUN_E_NOTFOUND || newest.size <= seq;
	return MUN_OK;
}

/* A vault without the old key is no failure: the change then stands without its line. */
static enum mun_code take_old(struct mun_signer *s, struct mun_vault *v, const char *previous,
                              struct mun_err *err)
{
	enum mun_code code;

	if (!previous[0])
		return MUN_OK;
	code = mun_vkey_parse(&s->old_key, previous, err);
	if (code != MUN_OK)
		return mun_wrap(err, MUN_E_CORRUPT, "entry #%llu", (unsigned long long)s->seq);
	if (!mun_vault_signer_has(v, &s->old_key))
		return MUN_OK;
	return mun_vault_signer_get(v, &s->old_key, &s->old_secret, err);
}

static enum mun_code not_here(const struct mun_app *app, const struct mun_signer *s,
                              const struct change *c, struct mun_err *err)
{
	MUN_BUF_CLEANUP struct mun_buf by;

	mun_buf_init(&by, 4096);
	mun_text_visible(&by, c->by, strlen(c->by), false);
	(void)mun_fail(
		err, MUN_E_CREDENTIAL,
		"the signing key in force is not in the vault %s: %s brought it (entry #%llu)",
		app->vault_dir, mun_buf_str(&by), (unsigned long long)s->seq);
	mun_hint(err, "--vault DIR where it is, or muniment checkpoint --new-key --reason TEXT");
	return MUN_E_CREDENTIAL;
}

static enum mun_code take_keys(struct mun_signer *s, struct mun_app *app, struct mun_journal *j,
                               struct mun_vault *v, bool locked, struct mun_err *err)
{
	struct change c;
	bool fresh = false;
	enum mun_code code = read_change(&c, j, s->seq, err);

	if (code == MUN_OK)
		code = is_fresh(&fresh, j, s->seq, err);
	if (code == MUN_OK && !mun_vault_signer_has(v, &s->key))
		return not_here(app, s, &c, err);
	/* Only now: unlocking is slow, and may ask. */
	if (code == MUN_OK && locked)
		code = mun_signer_unlock(v, app, err);
	if (code == MUN_OK)
		code = mun_vault_signer_get(v, &s->key, &s->secret, err);
	return code == MUN_OK && fresh ? take_old(s, v, c.previous, err) : code;
}

static enum mun_code no_vault(const struct mun_app *app, struct mun_err *err)
{
	(void)mun_fail(err, MUN_E_CREDENTIAL,
	               "the signing key in force is not here: there is no vault in %s",
	               app->vault_dir);
	mun_hint(err, "--vault DIR where it is, or muniment checkpoint --new-key --reason TEXT");
	return MUN_E_CREDENTIAL;
}

static enum mun_code open_key(struct mun_signer *s, struct mun_app *app, struct mun_journal *j,
                              struct mun_vault *unlocked, struct mun_err *err)
{
	MUN_CLEANUP(mun_vault_closep) struct mun_vault *own = NULL;
	enum mun_code code;

	if (unlocked)
		return take_keys(s, app, j, unlocked, false, err);
	code = mun_unlock_open(&own, app, false, err);
	if (code == MUN_E_NOTFOUND)
		return no_vault(app, err);
	return code == MUN_OK ? take_keys(s, app, j, own, true, err) : code;
}

/* Without a question; what stands in the way is kept in s->why. */
static enum mun_code open_quietly(struct mun_signer *s, struct mun_app *app, struct mun_journal *j,
                                  struct mun_vault *unlocked, struct mun_err *err)
{
	bool no_input = app->args.no_input;
	enum mun_code code;

	app->args.no_input = true;
	code = open_key(s, app, j, unlocked, err);
	app->args.no_input = no_input;
	if (code == MUN_OK || code == MUN_E_JOURNAL || code == MUN_E_CORRUPT)
		return code;
	first_line(s->why, sizeof(s->why), err->text);
	mun_signer_done(s);
	return MUN_OK;
}

enum mun_code mun_signer_open(struct mun_signer *ret, struct mun_app *app, struct mun_journal *j,
                              enum mun_signer_how how, struct mun_vault *vault, struct mun_err *err)
{
	struct mun_signer s = { .seq = MUN_NO_SEQ };
	enum mun_code code = mun_journal_key(j, MUN_NO_SEQ, &s.key, &s.seq, err);

	s.in_force = code == MUN_OK;
	if (code == MUN_E_NOTFOUND && how == MUN_SIGNER_QUIET)
		code = MUN_OK;
	else if (code == MUN_OK)
		code = how == MUN_SIGNER_QUIET ? open_quietly(&s, app, j, vault, err)
		                               : open_key(&s, app, j, vault, err);
	if (code != MUN_OK) {
		mun_signer_done(&s);
		return code;
	}
	*ret = s;
	return MUN_OK;
}

enum mun_code mun_signer_raise(struct mun_app *app, struct mun_journal *j, struct mun_err *err)
{
	bool made = false;
	enum mun_code code = mun_mark_raise(j, &made, err);

	if (code == MUN_E_IO) {
		mun_say(app, "muniment: warning: the high-water mark was not raised: %s",
		        err->text);
		return MUN_OK;
	}
	if (code == MUN_OK && made)
		mun_say(app, "muniment: this machine had no high-water mark of the journal; one "
		             "was made");
	return code;
}

enum mun_code mun_signer_raise_reading(struct mun_app *app, struct mun_journal *j,
                                       struct mun_err *err)
{
	enum mun_code code = mun_signer_raise(app, j, err);

	/* That it is behind its mark, or forked, was said when it was opened. */
	if (code == MUN_E_INPUT)
		mun_say(app, "muniment: warning: %s", err->text);
	return code == MUN_E_JOURNAL || code == MUN_E_INPUT ? MUN_OK : code;
}

enum mun_code mun_signer_allowed(struct mun_journal *j, struct mun_err *err)
{
	struct mun_mark_state state;
	MUN_BUF_CLEANUP struct mun_buf alarm;
	enum mun_code code = mun_mark_compare(j, &state, err);

	mun_buf_init(&alarm, 4096);
	if (code != MUN_OK)
		return code;
	switch (state.fit) {
	case MUN_MARK_NONE:
	case MUN_MARK_FITS:
	case MUN_MARK_UNKNOWN:
		return MUN_OK;
	case MUN_MARK_BEHIND:
		(void)mun_fail(err, MUN_E_JOURNAL,
		               "the journal is older than its high-water mark of %llu entries: "
		               "nothing is signed",
		               (unsigned long long)state.mark.size);
		break;
	case MUN_MARK_FORKED:
		(void)mun_fail(err, MUN_E_JOURNAL,
		               "the journal has other entries than its high-water mark: nothing is "
		               "signed");
		break;
	case MUN_MARK_ALARMED:
		mun_text_visible(&alarm, state.mark.alarm, strlen(state.mark.alarm), false);
		(void)mun_fail(err, MUN_E_JOURNAL,
		               "a witness has seen another line of this journal: nothing is signed "
		               "(%s)",
		               mun_buf_str(&alarm));
		break;
	}
	mun_hint(err, "muniment journal adopt --reason TEXT");
	return MUN_E_JOURNAL;
}

enum mun_code mun_signer_sign(struct mun_signer *s, struct mun_app *app, struct mun_journal *j,
                              struct mun_signed *ret, struct mun_err *err)
{
	const struct mun_signing k = {
		.key = s->key,
		.old_key = s->old_key,
		.secret = &s->secret,
		.old_secret = s->old_secret.data ? &s->old_secret : NULL,
	};
	enum mun_code code;

	if (!s->secret.data)
		return mun_fail(err, MUN_E_CREDENTIAL, "nothing can be signed: %s", s->why);
	code = mun_signer_allowed(j, err);
	if (code == MUN_OK)
		code = mun_checkpoint_sign(j, &k, ret, err);
	if (code != MUN_OK)
		return code;
	mun_secret_done(&s->old_secret); /* the change has its second line now */
	code = mun_signer_raise(app, j, err);
	if (code == MUN_OK)
		return code;
	mun_signed_done(ret);
	return code == MUN_E_INPUT ? mun_wrap(err, MUN_E_JOURNAL, "high-water mark") : code;
}

static void say_unsigned(struct mun_app *app, struct mun_journal *j, struct mun_signer *s)
{
	struct mun_err ignored;
	uint64_t count = 0;

	if (s->said || app->summary_said)
		return;
	if (mun_checkpoint_unsigned(j, &count, &ignored) != MUN_OK || count == 0)
		return;
	s->said = true;
	mun_say(app, "muniment: warning: %llu %s no signed checkpoint covers: %s",
	        (unsigned long long)count, count == 1 ? "entry that" : "entries that", s->why);
}

static bool quietly(struct mun_app *app, struct mun_journal *j, struct mun_signer *s, bool say,
                    struct mun_signed *ret)
{
	MUN_CLEANUP(mun_signed_done) struct mun_signed made;
	struct mun_err err = { 0 };
	enum mun_code code;

	mun_signed_init(&made);
	if (!s->in_force)
		return false;
	code = s->secret.data ? mun_signer_sign(s, app, j, &made, &err) : MUN_E_CREDENTIAL;
	if (code == MUN_OK) {
		if (ret)
			*ret = MUN_STEAL(made);
		return true;
	}
	if (s->secret.data)
		first_line(s->why, sizeof(s->why), err.text);
	if (say)
		say_unsigned(app, j, s);
	return false;
}

bool mun_signer_checkpoint_quietly(struct mun_app *app, struct mun_journal *j, struct mun_signer *s,
                                   bool say, struct mun_signed *ret)
{
	MUN_CLEANUP(mun_signer_done) struct mun_signer own = { 0 };
	struct mun_err err = { 0 };

	if (s)
		return quietly(app, j, s, say, ret);
	if (mun_signer_open(&own, app, j, MUN_SIGNER_QUIET, NULL, &err) == MUN_OK)
		return quietly(app, j, &own, say, ret);
	if (say)
		mun_say(app, "muniment: warning: no checkpoint was signed: %s", err.text);
	return false;
}
