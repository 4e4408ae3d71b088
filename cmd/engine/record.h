/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_RECORD_H
#define MUN_RECORD_H
/* A request and its answer as fields of their entries: the same for checks, items and probes. */
#include "journal/entry.h"
#include "lib/remote/answer.h"
#include "lib/remote/request.h"
/* Sets purpose, method, host, path, token; strings are borrowed. Other fields are the caller's. */
void mun_record_request(struct mun_entry *ret, const struct mun_request *r,
                        const struct mun_base_url *base, const char *token_fingerprint,
                        enum mun_purpose purpose);
/* Sets all that the answer tells; strings and body are borrowed. A cut body is counted, not kept.
 */
void mun_record_answer(struct mun_entry *ret, const struct mun_answer *a, enum mun_verdict v,
                       bool keep_body);
#endif
