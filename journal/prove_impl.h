/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_PROVE_IMPL_H
#define MUN_PROVE_IMPL_H
/* For those of this folder who have a transaction open already. */
#include "journal/prove.h"
/* A mun_node_fn; arg is the transaction. JOURNAL: the node is missing or damaged. */
enum mun_code mun_prove_node(void *arg, uint64_t index, uint8_t ret[static MUN_SHA256_LEN],
                             struct mun_err *err);
#endif
