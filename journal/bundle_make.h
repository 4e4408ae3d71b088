/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BUNDLE_MAKE_H
#define MUN_BUNDLE_MAKE_H
/*
 * An evidence bundle of the first entries of a journal, up to one of its checkpoints: all files,
 * checked as verify checks them, under their final name. Reads in slices, beside a running batch;
 * appends nothing. The same journal, size and options give the same bytes.
 */
#include "journal/bundle.h"
struct mun_bundle_progress { /* what is being done, and how far it is */
	const char *what;
	uint64_t done, all; /* entries; all 0: not known */
};
struct mun_bundle_order {
	const char *out;
	bool tar;                        /* out is to be one file */
	uint64_t size;                   /* of a checkpoint that is kept */
	const struct mun_filter *filter; /* NULL: the whole range */
	const char *filter_text;         /* as given; NULL without a filter */
	bool bodies;
	uint64_t left_out; /* entries above size, told in summary.json; MUN_NO_SEQ: not */
	const char *scratch_dir;
	void (*progress)(void *arg, const struct mun_bundle_progress *p); /* or NULL; often */
	void *progress_arg;
};
struct mun_bundle_made {
	uint64_t entries, attempts; /* held; of a filter: attempts that meet it */
	uint8_t root[MUN_SHA256_LEN], sums[MUN_SHA256_LEN]; /* of SHA256SUMS */
	enum mun_verify_result result;
	uint64_t first_bad; /* MUN_NO_SEQ */
};
/* USAGE: out exists. IO: what was written is removed. NOTFOUND: no checkpoint of that size.
 * CORRUPT: an entry cannot be read, so no bundle can hold it. */
enum mun_code mun_bundle_make(struct mun_journal *j, const struct mun_bundle_order *order,
                              struct mun_bundle_made *ret, struct mun_err *err) MUN_MUST_CHECK;
#endif
