/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/verify_impl.h"
#include "lib/tlog/proof.h"

enum mun_code mun_verify_add_point(struct mun_verify *v, const struct mun_verify_point *p,
                                   struct mun_err *err)
{
	struct mun_verify_point *points =
		mun_verify_grow(v->points, &v->points_cap, v->points_len, sizeof(*points), err);

	if (!points)
		return MUN_E_NOMEM;
	v->points = points;
	v->points[v->points_len++] = *p;
	return MUN_OK;
}

static enum mun_code add_checkpoint(struct mun_verify *v, const struct mun_signed *s,
                                    struct mun_err *err)
{
	struct mun_verify_point p = { .size = s->size, .kind = MUN_POINT_CHECKPOINT };
	struct mun_checkpoint c;
	struct mun_note note;
	struct mun_err why;

	enum mun_code code =
		mun_checkpoint_read(&c, &note, mun_buf_str(&s->note), s->note.len, &why);
	if (code == MUN_E_NOMEM)
		return mun_fail(err, code, "no memory for a checkpoint");
	if (code == MUN_OK && c.size != s->size)
		code = mun_fail(&why, MUN_E_INPUT, "its text speaks of %llu",
		                (unsigned long long)c.size);
	if (code != MUN_OK) {
		mun_verify_bad(v, MUN_NO_SEQ, "checkpoint of %llu entries: %.130s",
		               (unsigned long long)s->size, why.text);
		return MUN_OK;
	}
	if (v->origin[0] == '\0')
		(void)snprintf(v->origin, sizeof(v->origin), "%s", c.origin);
	if (strcmp(v->origin, c.origin) != 0)
		mun_verify_bad(v, MUN_NO_SEQ, "checkpoint of %llu entries is of another origin",
		               (unsigned long long)s->size);
	memcpy(p.root, c.root, sizeof(p.root));
	code = mun_verify_add_point(v, &p, err);
	return code == MUN_OK ? mun_verify_anchors(v, s, &note, err) : code;
}

static enum mun_code add_checkpoints(struct mun_verify *v, struct mun_err *err)
{
	struct mun_signed s MUN_CLEANUP(mun_signed_done);
	uint64_t above = 0;
	enum mun_code code;

	mun_signed_init(&s);
	while ((code = mun_source_checkpoint(v->source, above, &s, err)) != MUN_E_NOTFOUND) {
		if (code == MUN_E_CORRUPT) {
			mun_verify_bad(v, MUN_NO_SEQ, "%.180s", err->text);
			if (s.size <= above) /* what stands behind it cannot be found */
				return MUN_OK;
			code = MUN_OK;
		} else if (code == MUN_OK) {
			code = add_checkpoint(v, &s, err);
		}
		if (code != MUN_OK)
			return code;
		above = s.size;
	}
	return MUN_OK;
}

static enum mun_code add_kept(struct mun_verify *v, struct mun_err *err)
{
	uint64_t size = v->report->head.size;

	for (size_t i = 0; i < v->o->kept_len; i++) {
		const struct mun_verify_kept *k = &v->o->kept[i];
		struct mun_verify_point p = { .size = k->checkpoint.size,
			                      .kind = MUN_POINT_KEPT,
			                      .name = k->name };
		if (k->checkpoint.size > size) {
			mun_verify_bad(v, size, "cut off: %llu entries, but %.80s was kept of %llu",
			               (unsigned long long)size, k->name,
			               (unsigned long long)k->checkpoint.size);
			continue;
		}
		memcpy(p.root, k->checkpoint.root, sizeof(p.root));
		enum mun_code code = mun_verify_add_point(v, &p, err);
		if (code != MUN_OK)
			return code;
	}
	return MUN_OK;
}

static int compare(const void *a, const void *b)
{
	const struct mun_verify_point *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return (int)x->kind - (int)y->kind;
}

enum mun_code mun_verify_points(struct mun_verify *v, struct mun_err *err)
{
	enum mun_code code = add_checkpoints(v, err);

	if (code == MUN_OK)
		code = add_kept(v, err);
	if (code == MUN_OK)
		code = mun_verify_bounds(v, err);
	if (code == MUN_OK && v->points_len > 0)
		qsort(v->points, v->points_len, sizeof(v->points[0]), compare);
	return code;
}

/* A root that does not hold, and where what changed it must stand. */
static void bad_root(struct mun_verify *v, const struct mun_verify_point *p)
{
	unsigned long long size = p->size, held = v->held;

	if (p->kind == MUN_POINT_KEPT) {
		mun_verify_bad(
			v, MUN_NO_SEQ,
			"its first %llu entries are not those of %.80s: it was rewritten, or "
			"is another line",
			size, p->name);
		return;
	}
	if (p->kind == MUN_POINT_MARK)
		mun_verify_bad(v, MUN_NO_SEQ,
		               "its first %llu entries are not those of the high-water mark", size);
	else
		mun_verify_bad(v, v->held,
		               "changed: one of the entries #%llu to #%llu does not give the root "
		               "of the checkpoint of %llu entries",
		               held, size > 0 ? size - 1 : 0, size);
	v->unheld = true; /* those behind it cannot hold either */
}

static void check_root(struct mun_verify *v, const struct mun_verify_point *p)
{
	bool bundle = mun_source_is_bundle(v->source);
	uint8_t root[MUN_SHA256_LEN];

	if (v->broken || (v->unheld && p->kind != MUN_POINT_KEPT))
		return;
	if (p->size < v->next) {
		if (p->kind == MUN_POINT_CHECKPOINT)
			mun_verify_bad(v, MUN_NO_SEQ,
			               "withheld is not cut at the checkpoint of %llu entries",
			               (unsigned long long)p->size);
		else
			mun_verify_not_checked(v, "%.80s: its size lies within withheld entries",
			                       p->name ? p->name : "high-water mark");
		return;
	}
	if (bundle)
		mun_tree_root(&v->tree, root);
	else
		memcpy(root, p->made, sizeof(root));
	if (memcmp(root, p->root, sizeof(root)) != 0)
		bad_root(v, p);
	else
		v->held = p->size;
}

enum mun_code mun_verify_reach(struct mun_verify *v, struct mun_err *err)
{
	enum mun_code code = MUN_OK;

	while (code == MUN_OK && v->points_at < v->points_len &&
	       v->points[v->points_at].size <= v->next) {
		const struct mun_verify_point *p = &v->points[v->points_at++];
		check_root(v, p);
		if (p->kind == MUN_POINT_CHECKPOINT)
			code = mun_verify_signature(v, p->size, err);
	}
	return code;
}

void mun_verify_points_end(struct mun_verify *v)
{
	const struct mun_verify_options *o = v->o;

	for (size_t i = 0; i < o->kept_len; i++) {
		const struct mun_verify_kept *k = &o->kept[i];
		if (v->origin[0] && strcmp(k->checkpoint.origin, v->origin) != 0)
			mun_verify_bad(v, MUN_NO_SEQ, "%.80s is a checkpoint of another log",
			               k->name);
	}
	if (o->kept_len > 0 && !v->broken)
		mun_verify_checked(v, "consistency with %zu checkpoint(s) kept from before",
		                   o->kept_len);
	else if (o->kept_len > 0)
		mun_verify_not_checked(
			v, "consistency with checkpoints kept from before: entries are damaged");
}

enum mun_code mun_verify_read_kept(struct mun_checkpoint *ret, const char *data, size_t len,
                                   struct mun_err *err)
{
	static const char proof_head[] = "c2sp.org/tlog-proof@v1\n";
	struct mun_note note;

	if (len >= sizeof(proof_head) - 1 &&
	    memcmp(data, proof_head, sizeof(proof_head) - 1) == 0) {
		struct mun_tlog_proof p MUN_CLEANUP(mun_tlog_proof_done);
		memset(&p, 0, sizeof(p));
		enum mun_code code = mun_tlog_proof_parse(&p, data, len, err);
		return code == MUN_OK ? mun_checkpoint_read(ret, &note, p.note, p.note_len, err)
		                      : code;
	}
	if (len >= 4 && memcmp(data, "old ", 4) == 0) {
		struct mun_add_checkpoint a;
		enum mun_code code = mun_add_checkpoint_parse(&a, data, len, err);
		return code == MUN_OK ? mun_checkpoint_read(ret, &note, a.note, a.note_len, err)
		                      : code;
	}
	return mun_checkpoint_read(ret, &note, data, len, err);
}
