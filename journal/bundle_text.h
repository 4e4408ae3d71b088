/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BUNDLE_TEXT_H
#define MUN_BUNDLE_TEXT_H
/*
 * The two files of an evidence bundle that are written for its reader: README.txt, which depends
 * on nothing but the facts below, and verify.py, the checker in Python, the same in every bundle.
 */
#include "lib/buf.h"
#include "lib/digest.h"
/* journal/verify.py, byte for byte; the array ends in a NUL that mun_verify_py_len leaves out. */
extern const char mun_verify_py[];
extern const size_t mun_verify_py_len;
struct mun_bundle_facts {
	const char *origin;                 /* first line of `checkpoint` */
	const char *vkey;                   /* first line of public-key.txt, without newline */
	uint8_t key_sha256[MUN_SHA256_LEN]; /* second line of it: of the vkey */
	uint64_t size;                      /* of the checkpoint */
	uint8_t root[MUN_SHA256_LEN];
	uint64_t entries; /* lines of entries.jsonl; size, unless filtered */
	bool filtered;    /* `withheld` is in the bundle */
	unsigned stamps;  /* checkpoint.1.tsr to checkpoint.N.tsr */
	bool cosigned;    /* `checkpoint` has cosignature lines */
	bool bodies;      /* bodies.jsonl is in the bundle */
	/* The line of entries.jsonl (from 1) whose leaf hash the README shows: the fifth, or the
	 * last of fewer. */
	uint64_t sample_line;
	uint8_t sample_leaf[MUN_SHA256_LEN]; /* its mun_tree_leaf() */
};
#define MUN_BUNDLE_SAMPLE_LINE 5
/* Appends the text, UTF-8 with newlines; what cannot be appended shows in mun_buf_check(). All
 * commands in it are meant for a shell whose current directory is the bundle. */
void mun_bundle_readme(struct mun_buf *ret, const struct mun_bundle_facts *facts);
#endif
