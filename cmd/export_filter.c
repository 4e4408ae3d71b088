/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/export_filter.h"

#include <string.h>

#include "cmd/filter.h"
#include "lib/text.h"

#define TEXT_MAX    (16u * 1024) /* an entry holds it */
#define STORAGE_MAX (64u * 1024)

void mun_export_filter_init(struct mun_export_filter *f)
{
	memset(f, 0, sizeof *f);
	mun_buf_init(&f->text, TEXT_MAX);
	mun_buf_init(&f->storage, STORAGE_MAX);
}

void mun_export_filter_done(struct mun_export_filter *f)
{
	mun_buf_done(&f->text);
	mun_buf_done(&f->storage);
}

static enum mun_code add_text(struct mun_export_filter *f, const char *option, const char *value,
                              struct mun_err *err)
{
	if (!value)
		return MUN_OK;
	for (const char *at = value; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return mun_fail(err, MUN_E_USAGE, "--%s holds a control character", option);
	if (mun_utf8_bad(value, strlen(value)) != strlen(value))
		return mun_fail(err, MUN_E_USAGE, "--%s is not valid UTF-8", option);
	mun_buf_printf(&f->text, "%s--%s=%s", f->any ? " " : "", option, value);
	f->any = true;
	if (f->text.failed)
		return mun_fail(err, MUN_E_USAGE, "the filters are too long");
	return MUN_OK;
}

/* In a fixed order, so that the order of the command line makes no other bundle. */
static enum mun_code make_text(struct mun_export_filter *f, const struct mun_args *a,
                               struct mun_err *err)
{
	const struct {
		const char *option, *value;
	} given[] = {
		{ "run", a->f_run },
		{ "org", a->f_org },
		{ "batch", a->f_batch },
		{ "plan", a->f_plan },
		{ "ticket", a->f_ticket },
		{ "operator", a->f_operator },
		{ "identity", a->f_identity },
		{ "label", a->f_label },
		{ "reason", a->f_reason },
		{ "op", a->f_op },
		{ "state", a->f_state },
		{ "verdict", a->f_verdict },
		{ "http", a->f_http },
		{ "kind", a->f_kind },
		{ "since", a->f_since },
		{ "until", a->f_until },
		{ "after-seq", a->f_after_seq },
		{ "limit", a->f_limit },
	};
	enum mun_code code = MUN_OK;

	for (size_t i = 0; code == MUN_OK && i < MUN_ARRAY_LEN(given); i++)
		code = add_text(f, given[i].option, given[i].value, err);
	if (code == MUN_OK && a->f_limit && a->reverse)
		mun_buf_puts(&f->text, " --reverse");
	return code;
}

enum mun_code mun_export_filter_make(struct mun_export_filter *ret, struct mun_app *app,
                                     struct mun_err *err)
{
	struct mun_args *a = &app->args;

	if (a->args_len > 1)
		return mun_fail(err, MUN_E_USAGE, "export takes one batch; --batch B,C takes more");
	if (a->args_len == 1 && a->f_batch)
		return mun_fail(err, MUN_E_USAGE,
		                "a batch is given twice: by itself and by --batch");
	if (a->args_len == 1)
		a->f_batch = a->args[0];
	enum mun_code code = make_text(ret, a, err);
	return code == MUN_OK ? mun_filter_make(&ret->filter, app, &ret->storage, err) : code;
}

enum mun_code mun_export_filter_resolve(struct mun_export_filter *f, struct mun_journal *j,
                                        struct mun_err *err)
{
	return mun_query_check(j, &f->filter, err);
}
