/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_JOURNAL_FILTER_H
#define MUN_JOURNAL_FILTER_H
/*
 * Does a thing meet a filter? Pure. The subject holds what is known about an attempt, an item or
 * an entry; a field that is NULL (http 0) meets no filter on it.
 */
#include "journal/query.h"
struct mun_subject {
	const char *run, *org, *batch, *plan, *ticket, *operator_, *claimed, *identity, *reason;
	const char *op, *state, *verdict;
	const char *kind[3]; /* of its entries */
	const struct mun_label *labels;
	size_t labels_len;
	unsigned http;
	int64_t time_us;
	uint64_t seq;
};
bool mun_filter_match(const struct mun_filter *f, const struct mun_subject *s);
/* Only --since, --until and --after-seq. */
bool mun_filter_in_time(const struct mun_filter *f, int64_t time_us, uint64_t seq);
#endif
