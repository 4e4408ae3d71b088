/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a bundle, whose order nobody vouches for. Where one says another number than the one
 * that is due, the next one tells what happened: it goes on from there (entries are missing), from
 * here (the line stands in another's place), or is the one that is due (the line is surplus).
 */
#include "journal/verify_impl.h"
#include "journal/withheld.h"

/* The subtrees that are withheld from the due entry on. */
static enum mun_code pass_withheld(struct mun_verify *v, struct mun_err *err)
{
	struct mun_withheld w;
	enum mun_code code;

	while ((code = mun_source_withheld(v->source, v->next, &w.height, w.hash, err)) !=
	       MUN_E_NOTFOUND) {
		if (code == MUN_E_CORRUPT) {
			mun_verify_bad(v, v->next, "%.180s", err->text);
			continue;
		}
		if (code != MUN_OK)
			return code;
		w.start = v->next;
		if (!v->broken && !mun_withheld_push(&v->tree, &w))
			v->broken = true;
		v->next += UINT64_C(1) << w.height;
		v->report->withheld += UINT64_C(1) << w.height;
		code = mun_verify_reach(v, err);
		if (code != MUN_OK)
			return code;
	}
	return MUN_OK;
}

static enum mun_code take(struct mun_verify *v, const char *line, size_t len, struct mun_err *err)
{
	uint8_t leaf[MUN_SHA256_LEN], made[MUN_TREE_LEVELS][MUN_SHA256_LEN];

	if (!v->broken) {
		mun_tree_leaf(leaf, line, len);
		(void)mun_tree_push(&v->tree, leaf, made);
	}
	enum mun_code code = mun_verify_content(v, line, len, v->next, err);
	v->next++;
	return code == MUN_OK ? mun_verify_reach(v, err) : code;
}

/* Something else stands where an entry is due. */
static enum mun_code pass_foreign(struct mun_verify *v, struct mun_err *err)
{
	v->gap = true;
	v->broken = true;
	v->next++;
	return mun_verify_reach(v, err);
}

/* *ret_due: the line is the one that is due, now that those before it are known to be missing. */
static enum mun_code sort_out(struct mun_verify *v, uint64_t seq, bool *ret_due,
                              struct mun_err *err)
{
	uint64_t then, size = v->report->head.size;

	*ret_due = false;
	enum mun_code code = mun_source_peek(v->source, &then, err);
	bool known = code == MUN_OK;
	if (!known && code != MUN_E_NOTFOUND && code != MUN_E_CORRUPT)
		return code;
	bool fits_here = known ? then == v->next + 1 || (then == v->next && seq == v->next + 1)
	                       : v->next + 1 == size;
	if (v->next < size && fits_here) {
		mun_verify_bad(v, v->next, "in its place stands #%llu", (unsigned long long)seq);
		return pass_foreign(v, err);
	}
	if (seq < v->next || seq >= size) {
		mun_verify_bad(v, seq,
		               seq < v->next ? "stands twice, or out of order"
		                             : "stands above the size of the checkpoint");
		v->gap = true;
		return MUN_OK;
	}
	mun_verify_missing(v, v->next, seq - v->next);
	v->next = seq;
	*ret_due = true;
	return mun_verify_reach(v, err);
}

static enum mun_code next_line(struct mun_verify *v, struct mun_err *err)
{
	uint64_t seq;
	const char *line;
	size_t len;

	enum mun_code code = mun_source_next(v->source, &seq, &line, &len, err);
	if (code == MUN_E_CORRUPT) {
		mun_verify_bad(v, v->next, "%.180s", err->text);
		return pass_foreign(v, err);
	}
	if (code == MUN_OK && seq != v->next)
		code = pass_withheld(v, err);
	if (code != MUN_OK)
		return code;
	if (seq == v->next && seq < v->report->head.size)
		return take(v, line, len, err);
	mun_buf_clear(&v->line);
	mun_buf_add(&v->line, line, len);
	code = mun_buf_check(&v->line, "an entry", err);
	bool due = false;
	if (code == MUN_OK)
		code = sort_out(v, seq, &due, err);
	return code == MUN_OK && due ? take(v, mun_buf_str(&v->line), v->line.len, err) : code;
}

enum mun_code mun_verify_lines(struct mun_verify *v, struct mun_err *err)
{
	enum mun_code code = mun_verify_reach(v, err);

	while (code == MUN_OK)
		code = next_line(v, err);
	if (code == MUN_E_NOTFOUND)
		code = pass_withheld(v, err);
	if (code != MUN_OK)
		return code;
	uint64_t size = v->report->head.size;
	if (v->next < size) {
		mun_verify_missing(v, v->next, size - v->next);
		v->next = size;
		code = mun_verify_reach(v, err);
	}
	mun_tree_root(&v->tree, v->report->head.root);
	return code;
}
