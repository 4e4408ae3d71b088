/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_VERIFY_H
#define MUN_VERIFY_H
/*
 * What a journal, a copy of one or an evidence bundle can prove. One pass over slices of entries,
 * beside a running batch; memory: right edge, open requests, one byte per planned item.
 * A signature shows that the holder of the key signed, not that he did not rewrite everything
 * before: only anchors outside his reach (a witness, a time stamp, a checkpoint that somebody else
 * kept) bound that. What was not checked, or cannot be, stands in not_checked.
 */
#include "journal/source.h"
#include "lib/tlog/checkpoint.h"
struct mun_finding {
	uint64_t seq; /* MUN_NO_SEQ: none */
	bool bad;
	char what[200];
};
#define MUN_FINDINGS_MAX 1000
enum mun_anchor_kind {
	MUN_ANCHOR_TIMESTAMP,
	MUN_ANCHOR_WITNESS
};
struct mun_verdict_anchor { /* one that was checked against a key or authority of the options */
	enum mun_anchor_kind kind;
	unsigned witness; /* which of the options */
	const char *by;   /* owned by the report */
	uint64_t size;
	int64_t time_us;
};
struct mun_verdict_report {
	enum mun_verify_result {
		MUN_VERIFIED,
		MUN_VERIFIED_FINDINGS,
		MUN_VERIFY_FAILED
	} result;
	struct mun_head head;
	char key[MUN_VKEY_TEXT]; /* in force at the end; "": none */
	uint64_t signed_size;    /* largest with a valid signature; 0: nothing is signed */
	struct mun_verdict_anchor *anchors; /* owned; ascending size */
	size_t anchors_len, anchors_cap;
	char *by[64]; /* owned: names in anchors */
	size_t by_len;
	uint64_t anchored_size;   /* the largest; 0: nothing is anchored */
	int64_t longest_delay_us; /* from the end of a batch to its first anchor; MUN_TIME_NONE */
	uint64_t withheld;        /* entries that a filtered bundle does not show */
	uint64_t first_bad;       /* MUN_NO_SEQ */
	uint64_t bad;             /* how many */
	struct mun_finding *findings; /* owned */
	size_t findings_len;
	uint64_t findings_more; /* not kept */
	char *checked[32];      /* owned */
	size_t checked_len;
	char *not_checked[32]; /* owned */
	size_t not_checked_len;
	char *entry; /* owned: of a proof, what it proves; else NULL */
};
const char *mun_verify_result_name(enum mun_verify_result result); /* as in JSON */
void mun_verdict_report_done(struct mun_verdict_report *r);
struct mun_verify_kept { /* a checkpoint that somebody kept from before */
	const char *name;
	struct mun_checkpoint checkpoint;
};
struct mun_verify_options {              /* all borrowed */
	bool tables_only;                /* `journal check`: projections against a rebuild */
	const struct mun_vkey *log_keys; /* of the log, by another channel */
	size_t log_keys_len;
	const char *log_keys_from; /* where they come from, when nobody gave them; or NULL */
	const struct mun_vkey *witnesses;
	size_t witnesses_len;
	const char *tsa_ca; /* PEM file; NULL: time stamps are not checked */
	const struct mun_verify_kept *kept;
	size_t kept_len;
	bool require_timestamp;
	unsigned require_witness;
	int64_t anchor_within_us;    /* 0: no limit */
	struct mun_source *previous; /* the journal that this one follows; NULL: not compared */
};
/* options NULL: none. INPUT: the file of authorities cannot be used. */
enum mun_code mun_verify_journal(struct mun_journal *j, const struct mun_verify_options *options,
                                 struct mun_verdict_report *ret, struct mun_err *err)
	MUN_MUST_CHECK;
/* All files of a bundle, and what they say. INPUT also: dir is no directory. */
enum mun_code mun_verify_bundle(const char *dir, const struct mun_verify_options *options,
                                struct mun_verdict_report *ret, struct mun_err *err) MUN_MUST_CHECK;
/* What its entries and checkpoints say, without tables, mark and other files: the same for the same
 * source. */
enum mun_code mun_verify_source(struct mun_source *s, const struct mun_verify_options *options,
                                struct mun_verdict_report *ret, struct mun_err *err) MUN_MUST_CHECK;
/* The checkpoint in a file that somebody kept: a note, an add-checkpoint request, or a proof. Its
 * signatures are not looked at. INPUT: it is none of them. */
enum mun_code mun_verify_read_kept(struct mun_checkpoint *ret, const char *data, size_t len,
                                   struct mun_err *err) MUN_MUST_CHECK;
/* A tlog-proof of one entry, which stands in it: inclusion, signature by one of the log's keys. */
enum mun_code mun_verify_proof(const char *text, size_t len,
                               const struct mun_verify_options *options,
                               struct mun_verdict_report *ret, struct mun_err *err) MUN_MUST_CHECK;
/* What the bundle in dir says that it is of; false: it cannot be read. */
bool mun_verify_bundle_origin(const char *dir, char ret[static MUN_KEY_NAME_MAX + 1]);
#endif
