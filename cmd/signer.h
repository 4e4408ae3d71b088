/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SIGNER_H
#define MUN_SIGNER_H
/*
 * The signing key of a journal: the journal says which one is in force, the vault holds it. Open
 * it once and sign as often as needed: opening may cost a second (Argon2id).
 */
#include "cmd/cmd.h"
#include "journal/checkpoint.h"
#include "lib/vault.h"
enum mun_signer_how {
	MUN_SIGNER_QUIET, /* never prompts; a key that cannot be opened is an answer, no failure */
	MUN_SIGNER_ASK    /* may prompt; CREDENTIAL when it cannot be opened */
};
struct mun_signer {
	bool in_force;                /* the journal has a key */
	struct mun_vkey key;          /* it, and the entry by which it came into force */
	uint64_t seq;                 /* MUN_NO_SEQ: none */
	struct mun_secret secret;     /* without data: nothing can be signed here */
	struct mun_vkey old_key;      /* the one before it, where the change was not signed yet */
	struct mun_secret old_secret; /* without data: no second line */
	char why[256];                /* nothing can be signed: the reason, one line */
	bool said;                    /* that entries are unsigned was said */
};
void mun_signer_done(struct mun_signer *s);
/* The key in force; *ret is made, also when it cannot sign. vault: one that is unlocked already,
 * or NULL. ASK: NOTFOUND while the journal has no key. JOURNAL, CORRUPT: of the journal. */
enum mun_code mun_signer_open(struct mun_signer *ret, struct mun_app *app, struct mun_journal *j,
                              enum mun_signer_how how, struct mun_vault *vault, struct mun_err *err)
	MUN_MUST_CHECK;
/* JOURNAL: it is behind its high-water mark, or forked, or a witness said so: a signature would
 * stand on a second line. */
enum mun_code mun_signer_allowed(struct mun_journal *j, struct mun_err *err) MUN_MUST_CHECK;
/*
 * A fresh key from now on, with its key.added entry; the vault is made where there is none. Not to
 * replace one: BUSY where the journal has a key by now. reason NULL: of a first key. CREDENTIAL:
 * the vault cannot be opened.
 */
enum mun_code mun_signer_make(struct mun_signer *ret, struct mun_app *app, struct mun_journal *j,
                              bool replace, const char *reason, struct mun_err *err) MUN_MUST_CHECK;
/* Sign the head, or find the checkpoint that stands for it (mun_checkpoint_sign), and raise the
 * high-water mark, so that *ret may be shown. CREDENTIAL: s cannot sign. JOURNAL: as above. */
enum mun_code mun_signer_sign(struct mun_signer *s, struct mun_app *app, struct mun_journal *j,
                              struct mun_signed *ret, struct mun_err *err) MUN_MUST_CHECK;
/*
 * The same beside other work: never asks, never fails it. Without a key in force nothing happens.
 * What was not signed is said once on stderr, with the number of unsigned entries, where say is
 * set. s NULL: opened for this call. ret may be NULL; false leaves it untouched.
 */
bool mun_signer_checkpoint_quietly(struct mun_app *app, struct mun_journal *j, struct mun_signer *s,
                                   bool say, struct mun_signed *ret);
/* Raise the high-water mark before something is shown; says what there is to say. JOURNAL: the
 * journal is behind its mark, or forked. */
enum mun_code mun_signer_raise(struct mun_app *app, struct mun_journal *j, struct mun_err *err)
	MUN_MUST_CHECK;
/* The same for who only reads: such a journal is warned of, not refused. */
enum mun_code mun_signer_raise_reading(struct mun_app *app, struct mun_journal *j,
                                       struct mun_err *err) MUN_MUST_CHECK;
/* mun_unlock(), with a hint for who wants to sign. */
enum mun_code mun_signer_unlock(struct mun_vault *v, struct mun_app *app, struct mun_err *err)
	MUN_MUST_CHECK;
/* Opens the vault and its lock, asking where there is somebody; create: makes either. */
enum mun_code mun_signer_vault(struct mun_vault **ret, struct mun_app *app, bool create,
                               struct mun_err *err) MUN_MUST_CHECK;
/* A fresh key pair of that name and type, kept in the vault; *ret_secret is made. */
enum mun_code mun_signer_new_key(struct mun_vault *v, const char *name, enum mun_key_type type,
                                 struct mun_vkey *ret, struct mun_secret *ret_secret,
                                 struct mun_err *err) MUN_MUST_CHECK;
/* Two lines: the verifier key, and the SHA-256 of it. */
enum mun_code mun_signer_print_key(struct mun_app *app, const struct mun_vkey *key,
                                   struct mun_err *err) MUN_MUST_CHECK;
#endif
