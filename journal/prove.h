/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PROVE_H
#define MUN_PROVE_H
/* Proofs from the journal's stored nodes; each reads O(log n) of them in one transaction. */
#include "journal/journal.h"
#include "lib/tlog/proof.h"
/* Root of the first `size` entries. JOURNAL: a node is missing. */
enum mun_code mun_prove_root(struct mun_journal *j, uint64_t size,
                             uint8_t ret[static MUN_SHA256_LEN], struct mun_err *err)
	MUN_MUST_CHECK;
enum mun_code mun_prove_inclusion(struct mun_journal *j, uint64_t seq, uint64_t size,
                                  struct mun_proof *ret, struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_prove_consistency(struct mun_journal *j, uint64_t old, uint64_t size,
                                    struct mun_proof *ret, struct mun_err *err) MUN_MUST_CHECK;
/* Hash of the perfect subtree at (level, n): START n << level, HEIGHT level. */
enum mun_code mun_prove_subtree(struct mun_journal *j, unsigned level, uint64_t n,
                                uint8_t ret[static MUN_SHA256_LEN], struct mun_err *err)
	MUN_MUST_CHECK;
#endif
