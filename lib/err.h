/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ERR_H
#define MUN_ERR_H

/*
 * Errors: a code for programs and one line of text for people, in memory of the caller. Nothing
 * here allocates, prints or keeps hidden state. Who detects a failure writes the message; others
 * pass it up or put one thing in front with mun_wrap(). The text never holds a secret.
 */

#include "lib/base.h"

enum mun_code {
	MUN_OK = 0,
	MUN_E_NOMEM,      /* memory could not be had */
	MUN_E_USAGE,      /* the command line or an argument is wrong; consent or reason missing */
	MUN_E_INPUT,      /* a manifest or other input file is invalid */
	MUN_E_CREDENTIAL, /* no usable token, locked or damaged vault */
	MUN_E_POLICY,     /* refused by a rule of ours or of the vendor's plan */
	MUN_E_NOTFOUND,   /* plan, batch, run, entry, token does not exist */
	MUN_E_BUSY,       /* another process holds what is needed */
	MUN_E_IO,         /* reading or writing failed (not the journal) */
	MUN_E_FULL,       /* no room on disk or in the map; nothing was written */
	MUN_E_CORRUPT,    /* stored data is damaged, foreign or of a newer format */
	MUN_E_JOURNAL,    /* the journal cannot be opened, written or trusted */
	MUN_E_REMOTE,     /* talking to the server cannot go on */
	MUN_E_VERIFY,     /* verification failed */
	MUN_E_STALE,      /* the epoch was raised by another process */
	MUN_E_WINDOW,     /* a rate window has no room: nothing was written */
	MUN_E_INTERNAL,   /* a bug of ours */
};

#define MUN_ERR_TEXT_MAX 1024

struct mun_err {
	enum mun_code code;
	char text[MUN_ERR_TEXT_MAX]; /* one line; after a newline at most one "hint: …" line */
};

/* Record code and text; returns code, so that callers write `return mun_fail(…)`. */
enum mun_code mun_fail(struct mun_err *err, enum mun_code code, const char *fmt, ...)
	MUN_PRINTF(3, 4);

/* The same with ": strerror(errnum)" behind the text. */
enum mun_code mun_fail_errno(struct mun_err *err, enum mun_code code, int errnum, const char *fmt,
                             ...) MUN_PRINTF(4, 5);

/* Put "text: " in front of the message that is there; records code, returns it. */
enum mun_code mun_wrap(struct mun_err *err, enum mun_code code, const char *fmt, ...)
	MUN_PRINTF(3, 4);

/*
 * As macros the three yield the code they were given: compilers and analysers see one file at a
 * time, and would else have to consider that mun_fail(err, MUN_E_IO, …) returns MUN_OK.
 */
#define mun_fail(err, code, ...)       MUN_CODE_(code, mun_fail(err, code_, __VA_ARGS__))
#define mun_fail_errno(err, code, ...) MUN_CODE_(code, mun_fail_errno(err, code_, __VA_ARGS__))
#define mun_wrap(err, code, ...)       MUN_CODE_(code, mun_wrap(err, code_, __VA_ARGS__))
#define MUN_CODE_(code, call)                 \
	(__extension__({                      \
		enum mun_code code_ = (code); \
		(void)(call);                 \
		code_;                        \
	}))

/* Append a line "hint: …"; a second hint replaces nothing and is dropped. */
void mun_hint(struct mun_err *err, const char *fmt, ...) MUN_PRINTF(2, 3);

/* Short name of a code ("corrupt"), for tests and traces. */
const char *mun_code_name(enum mun_code code);

#endif
