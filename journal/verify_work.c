/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/verify_work.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum stage {
	FREE,
	FILLING,
	FILLED,
	DECODING,
	DECODED
};
struct slot {
	struct mun_slice_of slice;
	enum stage stage;
	bool folded, released; /* free again when it is both */
};
struct mun_work {
	struct slot slot[MUN_SLICES];
	unsigned next, fold;   /* slots in the order in which they are taken, and folded */
	struct mun_anew *anew; /* NULL: nothing is made anew, or that failed */
	enum mun_code code;    /* of folding */
	struct mun_err err;
	bool no_memory; /* of decoding */
	bool threaded, leaving;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static struct slot *slot_of(struct mun_slice_of *s)
{
	return (struct slot *)(void *)s;
}

static void forget(struct mun_slice_of *s)
{
	for (unsigned i = 0; i < s->len; i++)
		mun_decoded_freep(&s->owner[i]);
	s->len = 0;
	mun_buf_clear(&s->bytes);
}

/* What does not decode is told by the first thread, which tries again. */
static bool decode(struct mun_slice_of *s)
{
	bool memory = true;

	for (unsigned i = 0; i < s->len; i++) {
		struct mun_err why;
		s->owner[i] = NULL;
		if (!s->line[i].present)
			continue;
		memory &= mun_entry_decode(&s->entry[i], &s->owner[i],
		                           mun_buf_str(&s->bytes) + s->line[i].at, s->line[i].len,
		                           &why) != MUN_E_NOMEM;
	}
	return memory;
}

static enum mun_code fold(struct mun_anew *anew, struct mun_slice_of *s, struct mun_err *err)
{
	for (unsigned i = 0; i < s->len; i++)
		if (!s->owner[i] || s->entry[i].seq != s->first + i)
			return mun_fail(err, MUN_E_CORRUPT, "entry #%llu is damaged",
			                (unsigned long long)(s->first + i));
	return mun_anew_entries(anew, s->entry, s->len, err);
}

/* The lock is not held: the slice is the worker's. */
static void work_decode(struct mun_work *w, struct slot *s)
{
	bool memory = decode(&s->slice);

	(void)pthread_mutex_lock(&w->lock);
	w->no_memory |= !memory;
	s->stage = DECODED;
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
}

static void set_free(struct slot *s)
{
	if (s->folded && s->released)
		s->stage = FREE;
}

static void work_fold(struct mun_work *w, struct slot *s)
{
	struct mun_err err = { .code = MUN_OK };
	enum mun_code code = w->anew ? fold(w->anew, &s->slice, &err) : MUN_OK;

	(void)pthread_mutex_lock(&w->lock);
	if (code != MUN_OK && w->code == MUN_OK) {
		w->code = code;
		w->err = err;
		w->anew = NULL;
	}
	s->folded = true;
	set_free(s);
	w->fold = (w->fold + 1) % MUN_SLICES;
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
}

static struct slot *find_filled(struct mun_work *w)
{
	for (unsigned i = 0; i < MUN_SLICES; i++) {
		struct slot *s = &w->slot[(w->fold + i) % MUN_SLICES];
		if (s->stage == FILLED)
			return s;
	}
	return NULL;
}

static bool can_fold(const struct slot *s)
{
	return s->stage == DECODED && !s->folded;
}

/* Folding first: what is not decoded by then the other thread decodes itself. */
static void *run(void *arg)
{
	struct mun_work *w = arg;

	for (;;) {
		(void)pthread_mutex_lock(&w->lock);
		struct slot *filled = find_filled(w), *oldest = &w->slot[w->fold];
		while (!filled && !can_fold(oldest) && !w->leaving) {
			(void)pthread_cond_wait(&w->changed, &w->lock);
			filled = find_filled(w);
			oldest = &w->slot[w->fold];
		}
		bool folds = can_fold(oldest);
		if (!folds && filled)
			filled->stage = DECODING;
		(void)pthread_mutex_unlock(&w->lock);
		if (folds)
			work_fold(w, oldest);
		else if (filled)
			work_decode(w, filled);
		else
			return NULL;
	}
}

enum mun_code mun_work_open(struct mun_work **ret, struct mun_anew *anew, bool threaded,
                            struct mun_err *err)
{
	struct mun_work *w MUN_CLEANUP(mun_work_closep) = calloc(1, sizeof(*w));

	if (!w)
		return mun_fail(err, MUN_E_NOMEM, "no memory for slices of the log");
	w->anew = anew;
	for (unsigned i = 0; i < MUN_SLICES; i++)
		mun_buf_init(&w->slot[i].slice.bytes, MUN_SLICE_BYTES + MUN_ENTRY_MAX + 1);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->changed, NULL);
	w->threaded = threaded; /* the thread asks */
	if (threaded && pthread_create(&w->thread, NULL, run, w) != 0)
		w->threaded = false;
	*ret = MUN_STEAL(w);
	return MUN_OK;
}

static void stop(struct mun_work *w)
{
	if (!w->threaded)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->leaving = true;
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	w->threaded = false;
}

void mun_work_closep(struct mun_work **w)
{
	if (!*w)
		return;
	stop(*w);
	for (unsigned i = 0; i < MUN_SLICES; i++) {
		forget(&(*w)->slot[i].slice);
		mun_buf_done(&(*w)->slot[i].slice.bytes);
	}
	(void)pthread_cond_destroy(&(*w)->changed);
	(void)pthread_mutex_destroy(&(*w)->lock);
	free(*w);
	*w = NULL;
}

struct mun_slice_of *mun_work_take(struct mun_work *w)
{
	struct slot *s = &w->slot[w->next];

	w->next = (w->next + 1) % MUN_SLICES;
	(void)pthread_mutex_lock(&w->lock);
	while (s->stage != FREE)
		(void)pthread_cond_wait(&w->changed, &w->lock);
	s->stage = FILLING;
	s->folded = s->released = false;
	(void)pthread_mutex_unlock(&w->lock);
	forget(&s->slice);
	return &s->slice;
}

void mun_work_give(struct mun_work *w, struct mun_slice_of *slice)
{
	struct slot *s = slot_of(slice);

	if (!w->threaded) {
		work_decode(w, s);
		work_fold(w, s);
		return;
	}
	(void)pthread_mutex_lock(&w->lock);
	s->stage = FILLED;
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
}

enum mun_code mun_work_decoded(struct mun_work *w, struct mun_slice_of *slice, struct mun_err *err)
{
	struct slot *s = slot_of(slice);

	(void)pthread_mutex_lock(&w->lock);
	if (s->stage == FILLED) {
		s->stage = DECODING;
		(void)pthread_mutex_unlock(&w->lock);
		work_decode(w, s);
		(void)pthread_mutex_lock(&w->lock);
	}
	while (s->stage != DECODED)
		(void)pthread_cond_wait(&w->changed, &w->lock);
	bool no_memory = w->no_memory;
	(void)pthread_mutex_unlock(&w->lock);
	return no_memory ? mun_fail(err, MUN_E_NOMEM, "no memory for entries") : MUN_OK;
}

void mun_work_release(struct mun_work *w, struct mun_slice_of *slice)
{
	struct slot *s = slot_of(slice);

	(void)pthread_mutex_lock(&w->lock);
	s->released = true;
	set_free(s);
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
}

enum mun_code mun_work_finish(struct mun_work *w, struct mun_err *err)
{
	stop(w);
	if (w->code != MUN_OK)
		*err = w->err;
	return w->code;
}
