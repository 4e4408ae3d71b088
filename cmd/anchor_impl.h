/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MUN_ANCHOR_IMPL_H
#define MUN_ANCHOR_IMPL_H
/*
 * What the two files of the anchors share: anchor.c (exchanges, time stamps) and anchor_witness.c
 * (the protocol of witnesses). Nobody else includes this.
 */
#include "cmd/anchor.h"
#include "journal/checkpoint.h"
#include "lib/remote/post.h"

struct mun_anchor_exchange { /* with one authority or witness */
	const char *url;     /* borrowed of the options */
	char label[161];     /* the URL without its query, for people */
	size_t witness;      /* which one of --witness; SIZE_MAX: a time stamp authority */
	bool flying;         /* an answer is expected */
	bool queued;         /* a newer checkpoint waits for that; the sum is of the newer one */
	uint64_t next_size;
	int64_t next_deadline_ms;
	int64_t deadline_ms; /* of all of it, in uptime */
	uint64_t size;       /* of the checkpoint that was sent */
	uint64_t old;        /* from where on the proof of a witness is */
	unsigned sends;
	struct mun_buf query; /* of an authority: what it was asked */
};

struct mun_anchoring {
	struct mun_app *app;
	struct mun_journal *j;
	struct mun_poster *poster;
	struct mun_vkey key[MUN_LIST_MAX];
	size_t key_len;
	struct mun_anchor_exchange at[2 * MUN_LIST_MAX];
	size_t len;
	struct mun_anchoring_sum sum;
};

/* anchor.c */
void mun_anchor_ended(struct mun_anchoring *a, struct mun_anchor_exchange *x, bool arrived);
/* The exchange has ended without an anchor; says why. */
void mun_anchor_fail(struct mun_anchoring *a, struct mun_anchor_exchange *x, const char *fmt, ...)
	MUN_PRINTF(3, 4);
/* Tag and time limit are those of the exchange, and its URL where there is none in post. */
void mun_anchor_post(struct mun_anchoring *a, struct mun_anchor_exchange *x, struct mun_post *post);
/* Stores an anchor that was checked and says so. REMOTE, INPUT: why it is not kept. */
enum mun_code mun_anchor_keep(struct mun_anchoring *a, const struct mun_anchor *anchor,
                              int64_t time_us, struct mun_err *err) MUN_MUST_CHECK;
bool mun_anchor_is_refusal(enum mun_code code);

/* anchor_witness.c */
/* Sends the checkpoint of x->size, with the proof from what the journal knows that the witness has
 * cosigned last. */
enum mun_code mun_anchor_ask_witness(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                                     struct mun_err *err) MUN_MUST_CHECK;
/* Its answer: stored, refused, or asked again. */
enum mun_code mun_anchor_take_witness(struct mun_anchoring *a, struct mun_anchor_exchange *x,
                                      const struct mun_answer *answer, struct mun_err *err)
	MUN_MUST_CHECK;
#endif
