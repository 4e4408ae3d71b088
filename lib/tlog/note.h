/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_NOTE_H
#define MUN_NOTE_H
/*
 * Signed notes (c2sp.org/signed-note): text that ends in a newline, an empty line, signature
 * lines `— NAME BASE64(hash ‖ signature)`. Keys of type 0x01 (Ed25519 over the text) and 0x04
 * (c2sp.org/tlog-cosignature: eight bytes of time before the signature). Verifier keys are
 * `NAME+HASH+BASE64(type ‖ key)`, hash = first four bytes of SHA-256(NAME ‖ \n ‖ type ‖ key).
 * Pure. Notes are hostile until one of their lines was checked against a key that is known.
 */
#include "lib/buf.h"
#include "lib/signature.h"
#define MUN_NOTE_MAX     ((size_t)64 * 1024) /* bytes of a note */
#define MUN_NOTE_SIGS    64                  /* signature lines of one */
#define MUN_KEY_NAME_MAX 200                 /* bytes; no space, no plus */
#define MUN_VKEY_TEXT    (MUN_KEY_NAME_MAX + 64)
enum mun_key_type {
	MUN_KEY_ED25519 = 0x01,
	MUN_KEY_COSIGNER = 0x04
};
struct mun_vkey {
	char name[MUN_KEY_NAME_MAX + 1];
	uint32_t hash;
	enum mun_key_type type;
	uint8_t key[MUN_PUBLIC_LEN];
};
/* INPUT: no verifier key, a hash that does not fit, another type. The text may end in a newline. */
enum mun_code mun_vkey_parse(struct mun_vkey *ret, const char *text, struct mun_err *err)
	MUN_MUST_CHECK;
/* USAGE: the name is empty, too long, or has a space or plus. */
enum mun_code mun_vkey_make(struct mun_vkey *ret, const char *name, enum mun_key_type type,
                            const uint8_t key[static MUN_PUBLIC_LEN], struct mun_err *err)
	MUN_MUST_CHECK;
void mun_vkey_format(char ret[static MUN_VKEY_TEXT], const struct mun_vkey *key);
bool mun_vkey_equal(const struct mun_vkey *a, const struct mun_vkey *b);
struct mun_note_line { /* pieces of the note, borrowed */
	const char *line;
	size_t len; /* with the newline */
	const char *name;
	size_t name_len;
	uint32_t hash;
	uint8_t sig[128]; /* behind the hash; longer ones are cut, as no key of ours made them */
	size_t sig_len;
};
struct mun_note {
	const char *text; /* borrowed; with its last newline, without the empty line */
	size_t text_len;
	struct mun_note_line sig[MUN_NOTE_SIGS];
	size_t sig_len;
};
/* INPUT names the line: not UTF-8, control characters, no signature, a malformed line, too large.
 */
enum mun_code mun_note_parse(struct mun_note *ret, const char *data, size_t len,
                             struct mun_err *err) MUN_MUST_CHECK;
enum mun_note_found {
	MUN_NOTE_ABSENT, /* no line of that name and hash */
	MUN_NOTE_VALID,
	MUN_NOTE_INVALID /* there is one, and one of them is no signature of the key */
};
/*
 * All lines of that name and hash are checked. *ret_time_s (or NULL): of a valid cosignature, Unix
 * seconds, the earliest where there are several. *ret_at (or NULL): which line that is.
 */
enum mun_note_found mun_note_check(const struct mun_note *n, const struct mun_vkey *key,
                                   uint64_t *ret_time_s, size_t *ret_at);
/* Appends the signature line of key for text, at most MUN_NOTE_MAX bytes that end in a newline
 * (asserted). time_s: of a cosigner, below 2^63. */
void mun_note_sign(struct mun_buf *ret, const char *text, size_t text_len,
                   const struct mun_vkey *key, const struct mun_secret *secret, uint64_t time_s);
#endif
