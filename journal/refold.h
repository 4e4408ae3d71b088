/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_REFOLD_H
#define MUN_REFOLD_H
/*
 * What a source's entries say, folded from nothing else: plans, batches, items, exchanges, as the
 * projections of a journal hold them. Rows lie in unnamed files, so memory does not grow with
 * them. Entries come in order; one that names what no earlier entry brought (a part of a journal,
 * or a damaged one) changes nothing but the rows that are there: whether it may is what verify
 * says.
 */
#include "journal/query.h"
#include "journal/source.h"
#include "lib/scratch.h"
#define MUN_NO_INDEX UINT32_MAX
struct mun_refold_batch {
	struct mun_batch row;
	uint32_t plan;      /* index */
	bool whole;         /* the source has the plan's list, so all of its items are known */
	uint64_t base;      /* of its items among all */
	uint64_t ended_seq; /* of its last batch.ended; MUN_NO_SEQ */
	bool counted;       /* batch.paused or batch.ended stands there, and says: */
	struct mun_counts recorded;
};
struct mun_refold_exchange {
	uint64_t seq;
	struct mun_exchange row;
	uint32_t batch; /* index; MUN_NO_INDEX: none that is known */
	bool has_item;
	bool reread; /* reason, ticket or token must be read from the entry itself */
	struct mun_id org, run;
	uint8_t token[16];
	uint32_t duration_ms; /* of the answer */
};
struct mun_refold;
/* scratch_dir: for the files; source: asked for lists, and again for single entries. Both are
 * borrowed. */
enum mun_code mun_refold_new(struct mun_refold **ret, struct mun_source *source,
                             const char *scratch_dir, struct mun_err *err) MUN_MUST_CHECK;
void mun_refold_freep(struct mun_refold **f);
enum mun_code mun_refold_entry(struct mun_refold *f, const struct mun_entry *e, struct mun_err *err)
	MUN_MUST_CHECK;
/* Plans and batches in the order in which they were stored and started. Pointers are valid until
 * the next entry. */
size_t mun_refold_plans(const struct mun_refold *f);
const struct mun_plan *mun_refold_plan(const struct mun_refold *f, size_t at);
size_t mun_refold_batches(const struct mun_refold *f);
const struct mun_refold_batch *mun_refold_batch(const struct mun_refold *f, size_t at);
/* Index; MUN_NO_INDEX: unknown. */
uint32_t mun_refold_find_batch(const struct mun_refold *f, const struct mun_ref *batch);
uint64_t mun_refold_items(const struct mun_refold *f); /* of all batches */
void mun_refold_item(const struct mun_refold *f, const struct mun_refold_batch *b, uint32_t item,
                     struct mun_item *ret);
/* The first item from *at on that may have a row; false: none. */
bool mun_refold_next_item(const struct mun_refold *f, size_t batch, uint32_t *at);
uint64_t mun_refold_exchanges(const struct mun_refold *f);
const struct mun_refold_exchange *mun_refold_exchange(const struct mun_refold *f, uint64_t at);
/* Of a request entry; NULL: there is none. */
const struct mun_refold_exchange *mun_refold_request(const struct mun_refold *f, uint64_t seq);
/* A plan.stored, batch.started or batch.resumed once more; NULL in *ret: it cannot be read. A few
 * are kept, as neighbours ask for the same. */
enum mun_code mun_refold_plan_entry(struct mun_refold *f, size_t plan, const struct mun_entry **ret,
                                    struct mun_err *err) MUN_MUST_CHECK;
enum mun_code mun_refold_start_entry(struct mun_refold *f, uint32_t batch, uint32_t epoch,
                                     const struct mun_entry **ret, struct mun_err *err)
	MUN_MUST_CHECK;
/*
 * Rows of history and items, as a query of the journal gives them where nothing runs; names are
 * left null. Strings are valid until the next row. *ret_is false: the exchange is no attempt.
 */
struct mun_row_sources { /* of a row, for filters; NULL: not known */
	const struct mun_entry *plan, *start;
};
enum mun_code mun_refold_history(struct mun_refold *f, uint64_t exchange, bool *ret_is,
                                 struct mun_history_row *ret, struct mun_row_sources *ret_sources,
                                 struct mun_err *err) MUN_MUST_CHECK;
/* Of a batch that is not whole only items with an attempt have rows (*ret_is). */
enum mun_code mun_refold_items_row(struct mun_refold *f, uint32_t batch, uint32_t item,
                                   bool *ret_is, struct mun_item_row *ret, struct mun_err *err)
	MUN_MUST_CHECK;
/* The newest of a run's answers that were kept, older than `before`; MUN_NO_SEQ: none. Sorts when
 * asked first after an entry. */
uint64_t mun_refold_body(struct mun_refold *f, const struct mun_id *org, const struct mun_id *run,
                         uint64_t before);
#endif
