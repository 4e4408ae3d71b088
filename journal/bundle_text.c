/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/bundle_text.h"

#include <inttypes.h>

#include "lib/base64.h"
#include "lib/hex.h"

/* One dash that shells, grep and the notes agree on: U+2014. */
#define DASH "\xe2\x80\x94"

static void add_what(struct mun_buf *ret, const struct mun_bundle_facts *f)
{
	mun_buf_printf(ret,
	               "Evidence of what muniment did\n"
	               "=============================\n"
	               "\n"
	               "Journal   %s\n"
	               "Entries   %" PRIu64 ", of which %" PRIu64 " are in this bundle\n"
	               "Root      ",
	               f->origin, f->size, f->entries);
	mun_base64_add(ret, f->root, sizeof(f->root));
	mun_buf_puts(
		ret,
		"\n\n"
		"muniment archives and restores runs of Tallyfy. Before it sends a request it\n"
		"writes an entry, and another one with what came back. The entries are the\n"
		"leaves of a Merkle tree (RFC 6962); `checkpoint` is its root, signed. Whoever\n"
		"changes, drops or inserts an entry changes the root.\n"
		"\n");
	if (f->filtered)
		mun_buf_printf(
			ret,
			"THIS IS A SELECTION: SOUND, NOT COMPLETE. What is here was not changed;\n"
			"but %" PRIu64 " of %" PRIu64
			" entries are withheld, and any of them may meet\n"
			"the filter too. Only a bundle of the whole range shows that nothing is "
			"missing.\n"
			"\n",
			f->size - f->entries, f->size);
}

static void add_files(struct mun_buf *ret, const struct mun_bundle_facts *f)
{
	mun_buf_puts(
		ret,
		"Files\n"
		"-----\n"
		"entries.jsonl     the entries, one a line, byte for byte as they were hashed\n");
	if (f->filtered)
		mun_buf_puts(
			ret,
			"withheld          START HEIGHT HASH: subtrees without a selected entry\n");
	mun_buf_puts(ret, "checkpoint        origin, size and root of the tree, signed\n"
	                  "checkpoint.signed the same without the lines of witnesses\n");
	if (f->stamps > 0)
		mun_buf_puts(ret,
		             "checkpoint.N.tsr  time stamps (RFC 3161) over checkpoint.signed\n");
	mun_buf_puts(ret,
	             "checkpoints/      earlier checkpoints by size, where there are any\n"
	             "public-key.txt    the key that signed, its SHA-256, and the key as PEM\n");
	if (f->bodies)
		mun_buf_puts(ret, "bodies.jsonl      what the server answered: salt and bytes in "
		                  "base64; entries\n"
		                  "                  hold SHA-256(salt, bytes) as `commit`\n");
	mun_buf_puts(
		ret,
		"history.csv, .jsonl  one row per attempt, items.csv one row per item,\n"
		"summary.json      counts and verdict: all of them made of the entries\n"
		"plan/PLAN.ids     lists of runs that the entries committed to; PLAN.overrides:\n"
		"                  run, reason, ticket of those with their own\n"
		"verify.py         checks it all (Python 3.9 and the openssl command)\n"
		"SHA256SUMS        sums of all other files\n"
		"\n");
}

static void add_key(struct mun_buf *ret, const struct mun_bundle_facts *f)
{
	char key[2 * MUN_SHA256_LEN + 1];

	mun_hex_encode(key, f->key_sha256, sizeof(f->key_sha256));
	mun_buf_printf(
		ret,
		"1. Is the key the one that you were given by another way than this bundle, in\n"
		"   the engagement letter for instance? Its SHA-256:\n"
		"\n"
		"    $ head -1 public-key.txt | tr -d '\\n' | sha256sum\n"
		"    %s  -\n"
		"\n",
		key);
}

static void add_commands(struct mun_buf *ret, const struct mun_bundle_facts *f)
{
	char leaf[2 * MUN_SHA256_LEN + 1];

	mun_hex_encode(leaf, f->sample_leaf, sizeof(f->sample_leaf));
	mun_buf_printf(ret,
	               "2. No file was damaged on its way:\n"
	               "\n"
	               "    $ sha256sum -c SHA256SUMS\n"
	               "    README.txt: OK\n"
	               "    ...\n"
	               "\n"
	               "3. The leaf hash of an entry, here of line %" PRIu64 ":\n"
	               "\n"
	               "    $ { printf '\\000'; sed -n %" PRIu64
	               "p entries.jsonl | tr -d '\\n'; } | sha256sum\n"
	               "    %s  -\n"
	               "\n",
	               f->sample_line, f->sample_line, leaf);
	mun_buf_puts(ret,
	             "4. The signature of the checkpoint, which is over its text, three lines:\n"
	             "\n"
	             "    $ sed '/^$/,$d' checkpoint > text\n"
	             "    $ grep -F \"" DASH " $(head -1 checkpoint) \" checkpoint | head -1 | "
	             "cut -d' ' -f3 | base64 -d | tail -c 64 > sig\n"
	             "    $ openssl pkeyutl -verify -pubin -inkey public-key.txt -rawin "
	             "-in text -sigfile sig\n"
	             "    Signature Verified Successfully\n"
	             "    $ rm text sig\n"
	             "\n");
}

static void add_stamps(struct mun_buf *ret, const struct mun_bundle_facts *f)
{
	if (f->stamps == 0) {
		mun_buf_puts(
			ret,
			"5. No time stamp covers this checkpoint; earlier ones may have some.\n"
			"\n");
		return;
	}
	mun_buf_puts(
		ret,
		"5. The time stamp: that the checkpoint existed by then. CA is the file with the\n"
		"   authority's root certificate, from the authority itself. When a certificate\n"
		"   has expired since, add -attime with the seconds of the stamp's time, which\n"
		"   `openssl ts -reply -in checkpoint.1.tsr -text` shows.\n"
		"\n");
	for (unsigned i = 1; i <= f->stamps; i++)
		mun_buf_printf(ret,
		               "    $ openssl ts -verify -data checkpoint.signed -in "
		               "checkpoint.%u.tsr -CAfile CA\n"
		               "    Verification: OK\n",
		               i);
	mun_buf_putc(ret, '\n');
}

static void add_checker(struct mun_buf *ret, const struct mun_bundle_facts *f)
{
	mun_buf_printf(
		ret,
		"6. Everything at once. Give it the key that you were given elsewhere in place of\n"
		"   public-key.txt, and a verify.py from elsewhere too, if you can:\n"
		"\n"
		"    $ python3 verify.py . public-key.txt\n"
		"    bundle: %s, %" PRIu64 " entries, root ",
		f->origin, f->size);
	mun_base64_add(ret, f->root, sizeof(f->root));
	mun_buf_puts(
		ret,
		"\n"
		"    ...\n"
		"\n"
		"   --tsa-ca CA asks for a time stamp of that authority, --witness VKEY for the\n"
		"   line of that witness: without one it fails. --since-checkpoint FILE compares\n"
		"   with a checkpoint, a proof or a bundle's `checkpoint` that you kept.\n"
		"   Where muniment is installed, `muniment verify . --log-key KEY` checks this "
		"and\n"
		"   makes the tables anew.\n");
	mun_buf_puts(ret, f->cosigned ? "   `checkpoint` has lines of witnesses.\n\n"
	                              : "   `checkpoint` has no lines of witnesses.\n\n");
}

static void add_verdicts(struct mun_buf *ret, const struct mun_bundle_facts *f)
{
	mun_buf_puts(
		ret,
		"Verdicts\n"
		"--------\n"
		"verified                the entries are those that the key signed, in their "
		"order,\n"
		"                        and what they say fits together (exit 0)\n"
		"verified with findings  the same, and there is something to know: an outcome in\n"
		"                        doubt, a clock that jumped, nothing anchored (exit 3)\n"
		"FAILED                  something was altered, left out, added or swapped, or "
		"does\n"
		"                        not fit together; the line `failed:` says what (exit "
		"1)\n");
	if (f->filtered)
		mun_buf_puts(ret,
		             "(a selection: ...)      what is here holds; what is withheld is not "
		             "known\n");
	mun_buf_puts(ret, "\n"
	                  "`NOT checked:` lines are part of the verdict.\n"
	                  "\n");
}

static void add_limits(struct mun_buf *ret)
{
	mun_buf_puts(
		ret,
		"What no local file can prove\n"
		"----------------------------\n"
		"- That its own keeper did not rewrite it. Who has the signing key can change\n"
		"  entries and sign again, and every signature passes. Only what was out of his\n"
		"  hands shows it: a time stamp, a witness, a checkpoint that you kept. A time\n"
		"  stamp says that the root existed by then, not when the entries were written:\n"
		"  look how long after the end of a batch the first one was made.\n"
		"- That everything was recorded. What the operator did elsewhere, or with a\n"
		"  changed program, is not here. Compare with the service's own list.\n"
		"- That the server told the truth, or that a clock was right to the second.\n"
		"- Whose key it is, unless it reached you by another way than this bundle.\n"
		"- That nothing was written after this checkpoint.\n");
}

void mun_bundle_readme(struct mun_buf *ret, const struct mun_bundle_facts *f)
{
	add_what(ret, f);
	add_files(ret, f);
	mun_buf_puts(
		ret,
		"Check it yourself\n"
		"-----------------\n"
		"With OpenSSL 3, in a copy of this folder that can be written to. A dollar marks\n"
		"what to type, below it stands what must come out; three dots: any lines.\n"
		"\n");
	add_key(ret, f);
	add_commands(ret, f);
	add_stamps(ret, f);
	add_checker(ret, f);
	add_verdicts(ret, f);
	add_limits(ret);
}
