/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PROOF_H
#define MUN_PROOF_H
/*
 * Inclusion and consistency proofs of RFC 6962 section 2.1, made from stored nodes (O(log n) of
 * them) and checked without any, and their texts: c2sp.org/tlog-proof for one entry,
 * c2sp.org/tlog-witness `add-checkpoint` for a step from an older size. Pure but for the reader of
 * nodes, which is an argument.
 */
#include "lib/tlog/checkpoint.h"
#define MUN_PROOF_HASHES 64
struct mun_proof {
	size_t len;
	uint8_t hash[MUN_PROOF_HASHES][MUN_SHA256_LEN];
};
/* The stored hash at an index of mun_tree_index(); what it returns on failure is passed on. */
typedef enum mun_code (*mun_node_fn)(void *arg, uint64_t index, uint8_t ret[static MUN_SHA256_LEN],
                                     struct mun_err *err);
/* Root of the first `size` leaves. */
enum mun_code mun_tree_root_at(uint8_t ret[static MUN_SHA256_LEN], uint64_t size, mun_node_fn node,
                               void *arg, struct mun_err *err) MUN_MUST_CHECK;
/* index < size, else USAGE. */
enum mun_code mun_proof_inclusion(struct mun_proof *ret, uint64_t index, uint64_t size,
                                  mun_node_fn node, void *arg, struct mun_err *err) MUN_MUST_CHECK;
/* 0 <= old <= size, else USAGE; empty for old 0 and old == size. */
enum mun_code mun_proof_consistency(struct mun_proof *ret, uint64_t old, uint64_t size,
                                    mun_node_fn node, void *arg, struct mun_err *err)
	MUN_MUST_CHECK;
bool mun_proof_includes(const uint8_t root[static MUN_SHA256_LEN], uint64_t size, uint64_t index,
                        const uint8_t leaf[static MUN_SHA256_LEN], const struct mun_proof *p);
/* old 0 is consistent with everything, by an empty proof. */
bool mun_proof_consistent(uint64_t old, const uint8_t old_root[static MUN_SHA256_LEN],
                          uint64_t size, const uint8_t root[static MUN_SHA256_LEN],
                          const struct mun_proof *p);
#define MUN_PROOF_TEXT_MAX ((size_t)256 * 1024)
struct mun_tlog_proof { /* c2sp.org/tlog-proof@v1 */
	uint64_t index;
	bool has_extra;
	struct mun_buf extra; /* decoded; owned */
	struct mun_proof proof;
	const char *note; /* the checkpoint; borrowed from the text */
	size_t note_len;
};
void mun_tlog_proof_done(struct mun_tlog_proof *p);
/* INPUT names the line. */
enum mun_code mun_tlog_proof_parse(struct mun_tlog_proof *ret, const char *text, size_t len,
                                   struct mun_err *err) MUN_MUST_CHECK;
void mun_tlog_proof_format(struct mun_buf *ret, const struct mun_tlog_proof *p);
struct mun_add_checkpoint { /* body of an add-checkpoint request */
	uint64_t old;
	struct mun_proof proof; /* from old to the checkpoint */
	const char *note;       /* borrowed */
	size_t note_len;
};
enum mun_code mun_add_checkpoint_parse(struct mun_add_checkpoint *ret, const char *text, size_t len,
                                       struct mun_err *err) MUN_MUST_CHECK;
void mun_add_checkpoint_format(struct mun_buf *ret, const struct mun_add_checkpoint *a);
#endif
