/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_BUNDLE_IMPL_H
#define MUN_BUNDLE_IMPL_H
/* Private to journal/bundle*.c. */
#include "journal/bundle.h"
#define MUN_PATTERNS_MAX 128
#define MUN_PATTERN_LEN  160
struct mun_pattern { /* requests of one form */
	enum mun_purpose purpose;
	char method[12], path[MUN_PATTERN_LEN];
	uint64_t count;
};
struct mun_anchor_seen { /* what a checkpoint.anchored says */
	uint64_t size;
	int64_t time_us;
	char kind[16];
};
struct mun_body_seen { /* an entry says that it was kept */
	uint64_t seq;
	uint8_t commit[MUN_SHA256_LEN];
};
struct mun_seqs { /* owned, ascending */
	uint64_t *at;
	size_t len, cap;
};
struct mun_bundle {
	struct mun_source *source;
	struct mun_bundle_options o;
	struct mun_refold *fold;
	uint64_t entries;
	int64_t last_us;
	uint64_t kinds[MUN_KINDS];
	struct mun_pattern patterns[MUN_PATTERNS_MAX];
	size_t patterns_len;
	uint64_t patterns_more;    /* requests of forms that do not fit */
	uint64_t outside, without; /* mutating requests outside of their list; without a list */
	struct mun_seqs marks;
	struct mun_anchor_seen *anchors; /* owned, in order of their entries */
	size_t anchors_len, anchors_cap;
	struct mun_scratch bodies; /* of struct mun_body_seen */
	bool has_vkey;
	char vkey[MUN_VKEY_TEXT];
	char origin[MUN_KEY_NAME_MAX + 1], journal[40];
	/* scratch of rows */
	struct mun_buf line, text, body, name, columns;
};
/* Counts what the entry tells about the whole; after it was folded. */
enum mun_code mun_bundle_tally(struct mun_bundle *b, const struct mun_entry *e, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
