/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_TESTS_HISTORY_SAMPLE_H
#define MUN_TESTS_HISTORY_SAMPLE_H
/*
 * A small real journal in a temporary folder: one plan of three runs. The first is archived, the
 * second is answered 504 and settled by a probe, the third was sent and never answered.
 * #0 created #1 plan #2 started #3 #4 first #5 #6 #7 #8 second #9 third
 */
#include "journal/journal.h"
#include "lib/crypto.h"
#include "tests/test.h"

#define SAMPLE_RUNS 3
#define SAMPLE_SIZE 10

struct sample {
	char dir[128];
	struct mun_journal *j;
	struct mun_ref plan, batch;
	struct mun_id org, run[SAMPLE_RUNS];
};

extern const struct mun_operator sample_operator;
void sample_append(struct sample *s, struct mun_entry *e);
void sample_open(struct sample *s, enum mun_journal_mode mode);
void sample_plan(struct sample *s);
void sample_start(struct sample *s);
/* A request that archives (attempt 1, epoch 1), or a response, of the batch at hand. */
struct mun_entry sample_entry(const struct sample *s, enum mun_kind kind, const struct mun_id *run,
                              uint32_t item);
uint64_t sample_request(struct sample *s, uint32_t item, enum mun_purpose purpose);
void sample_response(struct sample *s, uint32_t item, uint64_t request, unsigned http,
                     enum mun_verdict verdict, const char *body, struct mun_settle *settles);
int sample_setup(void **state);
int sample_teardown(void **state);
#endif
