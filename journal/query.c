/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/query.h"

#include <string.h>

#include "journal/filter.h"
#include "journal/lookup.h"

#define PREFIX_MIN     6
#define CANDIDATES_MAX 4

struct search {
	const char *text;
	char prefix;
	struct mun_ref found[CANDIDATES_MAX];
	size_t found_len; /* may exceed what is kept */
};

static void consider(struct search *s, const struct mun_ref *ref)
{
	char text[MUN_REF_TEXT];

	mun_ref_format(text, s->prefix, ref);
	if (strncmp(text, s->text, strlen(s->text)) != 0)
		return;
	if (s->found_len < CANDIDATES_MAX)
		s->found[s->found_len] = *ref;
	s->found_len++;
}

static enum mun_code consider_batch(void *arg, const struct mun_batch *b, struct mun_err *err)
{
	(void)err;
	consider(arg, &b->batch);
	return MUN_OK;
}

static enum mun_code consider_plan(void *arg, const struct mun_plan *p, struct mun_err *err)
{
	(void)err;
	consider(arg, &p->plan);
	return MUN_OK;
}

/* Where a run or an entry stands for a batch or a plan: say which command takes it. */
static bool is_other_thing(const char *text, const char *noun, struct mun_err *err)
{
	struct mun_id run, org;
	bool has_org, folded;

	if (mun_run_parse(&run, &org, &has_org, &folded, text, strlen(text), err) == MUN_OK) {
		char id[MUN_ID_TEXT];

		mun_id_format(id, &run);
		(void)mun_fail(err, MUN_E_USAGE, "\"%.60s\" names a run, not a %s", text, noun);
		mun_hint(err, "muniment show %s, or muniment history --run %s", id, id);
		return true;
	}
	if (text[0] != '#' || text[1] == '\0')
		return false;
	(void)mun_fail(err, MUN_E_USAGE, "\"%.40s\" names an entry, not a %s", text, noun);
	mun_hint(err, "muniment show '%.40s'", text);
	return true;
}

/* "b-" and 6 to 20 lower-case hex digits. */
static enum mun_code check_form(const char *text, char prefix, struct mun_err *err)
{
	const char *noun = prefix == 'b' ? "batch" : "plan";
	char other = prefix == 'b' ? 'p' : 'b';

	if (is_other_thing(text, noun, err))
		return MUN_E_USAGE;

	if (text[0] == other && text[1] == '-') {
		(void)mun_fail(err, MUN_E_USAGE, "\"%.40s\" names a %s, not a %s", text,
		               prefix == 'b' ? "plan" : "batch", noun);
		mun_hint(err, "muniment %s, muniment show takes both",
		         prefix == 'b' ? "run takes a plan" : "resume takes a batch");
		return MUN_E_USAGE;
	}
	bool marked = text[0] == prefix && text[1] == '-';
	size_t digits = marked ? strspn(text + 2, "0123456789abcdef") : 0;
	if (digits < PREFIX_MIN || text[2 + digits] != '\0' || digits > 2 * MUN_REF_LEN)
		return mun_fail(err, MUN_E_USAGE,
		                "\"%.40s\" is no %s id: %c- and %d hex digits or more", text, noun,
		                prefix, PREFIX_MIN);
	return MUN_OK;
}

static enum mun_code conclude(const struct search *s, struct mun_ref *ret, struct mun_err *err)
{
	const char *noun = s->prefix == 'b' ? "batch" : "plan";
	struct mun_buf list MUN_BUF_CLEANUP;

	mun_buf_init(&list, 256);
	if (s->found_len == 0)
		return mun_fail(err, MUN_E_NOTFOUND, "no %s %s in this journal", noun, s->text);
	if (s->found_len == 1) {
		*ret = s->found[0];
		return MUN_OK;
	}
	for (size_t i = 0; i < s->found_len && i < CANDIDATES_MAX; i++) {
		char text[MUN_REF_TEXT];
		mun_ref_format(text, s->prefix, &s->found[i]);
		mun_buf_printf(&list, "%s%s", i ? ", " : "", text);
	}
	return mun_fail(err, MUN_E_USAGE, "%s is ambiguous: %s%s", s->text, mun_buf_str(&list),
	                s->found_len > CANDIDATES_MAX ? ", …" : "");
}

enum mun_code mun_query_batch(struct mun_journal *j, const char *text, struct mun_ref *ret,
                              struct mun_err *err)
{
	struct search s = { .text = text, .prefix = 'b' };
	struct mun_batch row;
	struct mun_ref ref;

	enum mun_code code = check_form(text, 'b', err);
	if (code != MUN_OK)
		return code;
	if (mun_ref_parse(&ref, 'b', text)) {
		code = mun_journal_batch(j, &ref, &row, err);
		if (code == MUN_OK)
			*ret = ref;
		else if (code == MUN_E_NOTFOUND)
			return conclude(&s, ret, err);
		return code;
	}
	code = mun_journal_batches(j, false, consider_batch, &s, err);
	return code != MUN_OK ? code : conclude(&s, ret, err);
}

enum mun_code mun_query_plan(struct mun_journal *j, const char *text, struct mun_ref *ret,
                             struct mun_err *err)
{
	struct search s = { .text = text, .prefix = 'p' };
	struct mun_plan row;
	struct mun_ref ref;

	enum mun_code code = check_form(text, 'p', err);
	if (code != MUN_OK)
		return code;
	if (mun_ref_parse(&ref, 'p', text)) {
		code = mun_journal_plan(j, &ref, &row, err);
		if (code == MUN_OK)
			*ret = ref;
		else if (code == MUN_E_NOTFOUND)
			return conclude(&s, ret, err);
		return code;
	}
	code = mun_journal_plans(j, false, consider_plan, &s, err);
	return code != MUN_OK ? code : conclude(&s, ret, err);
}

enum mun_code mun_query_check(struct mun_journal *j, const struct mun_filter *f,
                              struct mun_err *err)
{
	struct mun_ref ignored;
	enum mun_code code = MUN_OK;

	for (size_t i = 0; code == MUN_OK && i < f->batch_len; i++)
		code = mun_query_batch(j, f->batch[i], &ignored, err);
	for (size_t i = 0; code == MUN_OK && i < f->plan_len; i++)
		code = mun_query_plan(j, f->plan[i], &ignored, err);
	return code;
}
