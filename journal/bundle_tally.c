/* SPDX-License-Identifier: Apache-2.0 */
/* What a bundle's entries count up to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/bundle_impl.h"
#include "lib/text.h"

static enum mun_code add_seq(struct mun_seqs *s, uint64_t seq, struct mun_err *err)
{
	if (s->len == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		uint64_t *at = reallocarray(s->at, cap, sizeof(*at));
		if (!at)
			return mun_fail(err, MUN_E_NOMEM, "no memory for %zu numbers", cap);
		s->at = at;
		s->cap = cap;
	}
	s->at[s->len++] = seq;
	return MUN_OK;
}

/* One segment of a path: ids by what they name, anything unusual by a word. */
static const char *segment(char *ret, size_t ret_size, const char *at, size_t len,
                           const struct mun_entry *e)
{
	struct mun_id id;

	if (mun_id_parse(&id, at, len) == MUN_ID_OK) {
		if (e->has_org && mun_id_equal(&id, &e->org))
			return "{org}";
		return e->has_run && mun_id_equal(&id, &e->run) ? "{run}" : "{id}";
	}
	if (len > 0 && strspn(at, "0123456789") >= len)
		return "{number}";
	for (size_t i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
		            at[i]))
			return "{other}";
	if (len >= ret_size)
		return "{other}";
	(void)snprintf(ret, ret_size, "%.*s", (int)len, at);
	return ret;
}

/* The path without what differs from run to run, and without its query. */
static void make_pattern(char ret[static MUN_PATTERN_LEN], const struct mun_entry *e)
{
	const char *at = e->u.request.path ? e->u.request.path : "";
	size_t used = 0;

	ret[0] = '\0';
	while (*at == '/') {
		char own[64];
		size_t len = strcspn(++at, "/?");
		const char *text = segment(own, sizeof(own), at, len, e);
		int put = snprintf(ret + used, MUN_PATTERN_LEN - used, "/%s", text);

		if (put < 0 || (size_t)put >= MUN_PATTERN_LEN - used) {
			(void)snprintf(ret, MUN_PATTERN_LEN, "/{other}");
			return;
		}
		used += (size_t)put;
		at += len;
	}
	if (used == 0)
		(void)snprintf(ret, MUN_PATTERN_LEN, "{other}");
}

static void count_request(struct mun_bundle *b, const struct mun_entry *e)
{
	const char *method = e->u.request.method ? e->u.request.method : "";
	char path[MUN_PATTERN_LEN];

	if (strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(method) || strlen(method) > 10)
		method = "{other}";
	make_pattern(path, e);
	for (size_t i = 0; i < b->patterns_len; i++) {
		struct mun_pattern *p = &b->patterns[i];

		if (p->purpose == e->u.request.purpose && strcmp(p->method, method) == 0 &&
		    strcmp(p->path, path) == 0) {
			p->count++;
			return;
		}
	}
	if (b->patterns_len == MUN_PATTERNS_MAX) {
		b->patterns_more++;
		return;
	}
	struct mun_pattern *p = &b->patterns[b->patterns_len++];
	p->purpose = e->u.request.purpose;
	p->count = 1;
	(void)snprintf(p->method, sizeof(p->method), "%s", method);
	(void)snprintf(p->path, sizeof(p->path), "%s", path);
}

/* Was what is changed the run that the list of its plan names there? */
static enum mun_code check_list(struct mun_bundle *b, const struct mun_entry *e,
                                struct mun_err *err)
{
	uint32_t at = e->has_batch ? mun_refold_find_batch(b->fold, &e->batch) : MUN_NO_INDEX;
	const struct mun_refold_batch *batch =
		at != MUN_NO_INDEX ? mun_refold_batch(b->fold, at) : NULL;
	struct mun_list_row row;
	enum mun_code code = MUN_E_NOTFOUND;

	if (!batch || !batch->whole) {
		b->without++;
		return MUN_OK;
	}
	mun_buf_clear(&b->text);
	if (e->item >= 0 && e->item < batch->row.items)
		code = mun_source_list_row(b->source, &batch->row.plan, (uint32_t)e->item, &row,
		                           &b->text, err);
	if (code != MUN_OK && code != MUN_E_NOTFOUND && code != MUN_E_CORRUPT)
		return code;
	if (code != MUN_OK || !e->has_run || !mun_id_equal(&row.run, &e->run))
		b->outside++;
	return MUN_OK;
}

static enum mun_code on_request(struct mun_bundle *b, const struct mun_entry *e,
                                struct mun_err *err)
{
	count_request(b, e);
	return mun_purpose_mutates(e->u.request.purpose) ? check_list(b, e, err) : MUN_OK;
}

static void note_created(struct mun_bundle *b, const struct mun_entry *e)
{
	if (e->seq != 0)
		return;
	(void)snprintf(b->origin, sizeof(b->origin), "%s", e->u.created.origin);
	(void)snprintf(b->journal, sizeof(b->journal), "%s", e->u.created.journal);
}

static enum mun_code note_key(struct mun_bundle *b, const struct mun_entry *e, struct mun_err *err)
{
	struct mun_vkey key;
	struct mun_err ignored;

	b->has_vkey = e->u.key.vkey && mun_vkey_parse(&key, e->u.key.vkey, &ignored) == MUN_OK;
	if (b->has_vkey)
		mun_vkey_format(b->vkey, &key);
	return add_seq(&b->marks, e->seq, err);
}

/* In order of the entries: times rise, as far as clocks do. */
static enum mun_code note_anchored(struct mun_bundle *b, const struct mun_entry *e,
                                   struct mun_err *err)
{
	if (b->anchors_len == b->anchors_cap) {
		size_t cap = b->anchors_cap ? b->anchors_cap * 2 : 64;
		struct mun_anchor_seen *more = reallocarray(b->anchors, cap, sizeof(*more));
		if (!more)
			return mun_fail(err, MUN_E_NOMEM, "no memory for %zu anchors", cap);
		b->anchors = more;
		b->anchors_cap = cap;
	}
	struct mun_anchor_seen *a = &b->anchors[b->anchors_len++];
	*a = (struct mun_anchor_seen){ .size = e->u.anchored.size, .time_us = e->time_us };
	mun_text_copy(a->kind, sizeof(a->kind), e->u.anchored.kind ? e->u.anchored.kind : "",
	              e->u.anchored.kind ? strlen(e->u.anchored.kind) : 0);
	return MUN_OK;
}

static enum mun_code note_body(struct mun_bundle *b, uint64_t seq, const struct mun_body_ref *body,
                               struct mun_err *err)
{
	void *row;

	if (!b->o.bodies || !body->present || !body->kept)
		return MUN_OK;
	enum mun_code code = mun_scratch_add(&b->bodies, &row, err);
	if (code != MUN_OK)
		return code;
	struct mun_body_seen *seen = row;
	seen->seq = seq;
	memcpy(seen->commit, body->commit, sizeof(seen->commit));
	return MUN_OK;
}

enum mun_code mun_bundle_tally(struct mun_bundle *b, const struct mun_entry *e, struct mun_err *err)
{
	b->kinds[e->kind]++;
	switch (e->kind) {
	case MUN_K_CREATED:
		note_created(b, e);
		return MUN_OK;
	case MUN_K_KEY_ADDED:
		return note_key(b, e, err);
	case MUN_K_ANCHORED:
		return note_anchored(b, e, err);
	case MUN_K_BATCH_ENDED:
		return add_seq(&b->marks, e->seq, err);
	case MUN_K_REQUEST:
		return on_request(b, e, err);
	case MUN_K_PLAN_STORED:
		return note_body(b, e->seq, &e->u.plan.source, err);
	case MUN_K_RESPONSE:
		return note_body(b, e->seq, &e->u.response.body, err);
	default:
		return MUN_OK;
	}
}
