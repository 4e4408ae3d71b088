/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_SELECT_H
#define MUN_SELECT_H
/*
 * What a filter takes out of a source. It selects attempts; with them comes every entry of their
 * items, both halves of each exchange that concerns one, plan.stored and batch.* of their batches,
 * and whatever tells about the journal itself. A batch all of whose items are selected, or that
 * meets the filter by what is known about the batch alone, comes whole, with its list.
 */
#include "journal/refold.h"
struct mun_selection {
	uint64_t size, kept;   /* entries in all, and how many are selected */
	uint64_t attempts;     /* that meet the filter */
	uint8_t *bits;         /* owned; one a entry */
	struct mun_ref *whole; /* owned: plans of batches that come whole */
	size_t whole_len;
};
void mun_selection_done(struct mun_selection *s);
bool mun_selection_has(const struct mun_selection *s, uint64_t seq);
bool mun_selection_whole(const struct mun_selection *s, const struct mun_ref *plan);
/* The first selected entry from seq on; size: none. */
uint64_t mun_selection_next(const struct mun_selection *s, uint64_t seq);
/* fold: of all entries of the source. CORRUPT: an entry cannot be read. */
enum mun_code mun_select(struct mun_selection *ret, struct mun_source *source,
                         struct mun_refold *fold, const struct mun_filter *f, struct mun_err *err)
	MUN_MUST_CHECK;
/*
 * As a source of its own: only what is selected (NULL: everything), only the lists of whole
 * batches, bodies and columns only where asked for, and of the checkpoints the given sizes,
 * ascending, the last of which is the size of the source. Everything is borrowed. j: of the
 * source, for the hashes of what is withheld; NULL without a selection.
 */
struct mun_part {
	struct mun_source *source;
	const struct mun_selection *selection;
	bool bodies;
	const uint64_t *checkpoints;
	size_t checkpoints_len;
	struct mun_journal *j;
};
enum mun_code mun_source_part(struct mun_source **ret, const struct mun_part *part,
                              struct mun_err *err) MUN_MUST_CHECK;
#endif
